"""What happened: the record that the invariants are held against. Nothing here knows what is right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from charimg.contracts import JobRecord, PictureRecord
from charimg.events import Event, RunFinished
from charimg.policy import Policy
from tests.simulation.scenario import RunPlan, Scenario
from tests.simulation.service import Charge

T = TypeVar("T")


@dataclass
class Call:
    """One call of a provider, from the moment the run made it to the moment it had its end."""

    order: int
    """Among all calls and events of the world: what came before what at one and the same moment."""
    lane: str
    account: str
    kind: str
    """``make``, ``ask`` or ``upload``."""
    key: str
    attempt: str
    begun: float
    intended: bool = True
    """The ledger knew of the attempt when the call was made."""
    standing: str | None = None
    """An attempt that stood at the very account that is asked for a picture anew."""
    ended: float | None = None
    end_order: int | None = None
    hint: float | None = None
    """Seconds the service asked to wait."""
    cancelled: bool = False
    asked_again: bool = False
    """The attempt is one that an earlier call had begun."""


@dataclass(frozen=True)
class Heard:
    """One event."""

    order: int
    at: float
    event: Event


@dataclass(frozen=True)
class Ledger:
    """All that the ledger knows at a moment."""

    jobs: dict[str, JobRecord] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()
    """Attempts that may have been charged."""
    readable: bool = True

    @cached_property
    def saved(self) -> frozenset[str]:
        """Attempts that left a picture."""
        return frozenset(picture.attempt for record in self.jobs.values() for picture in versions_of(record))

    @cached_property
    def open(self) -> frozenset[str]:
        """Attempts whose end nobody has recorded."""
        return frozenset(one.id for record in self.jobs.values() for one in record.open_attempts)


def versions_of(record: JobRecord) -> tuple[PictureRecord, ...]:
    """All pictures of a character, the current one last."""
    return (*record.other_pictures, *((record.picture,) if record.picture else ()))


@dataclass
class Played:
    """One run, from before its first step to the moment its process was gone."""

    number: int
    plan: RunPlan
    policy: Policy
    final: bool
    began: float
    before: Ledger
    files_before: dict[Path, bytes]
    wanted_again: frozenset[str]
    """Keys whose picture the user has asked for once more, now or in a run that did not come to it."""
    calls: list[Call] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    steps: int = 0
    ended: float = 0.0
    crashed: bool = False
    stopped: int = 0
    """How often Ctrl-C was pressed."""
    finished: RunFinished | None = None
    error: BaseException | None = None
    rival: BaseException | None = None
    """What the second process was told."""
    rival_came: bool = False
    stuck: str | None = None
    complaints: list[str] = field(default_factory=list)
    after: Ledger | None = None
    """``None`` where there is none that can be read."""
    files_after: dict[Path, bytes] = field(default_factory=dict)
    ledger_before_deeds: Ledger | None = None
    """What the run before it left, where what was done since should take no picture away."""
    files_before_deeds: dict[Path, bytes] = field(default_factory=dict)
    to_be_known: frozenset[str] = frozenset()
    """Keys of characters whose current picture says whose it is, where the ledger was lost since."""
    touched: frozenset[str] = frozenset()
    """Keys of characters whose files or ledger fate has laid hands on before this run."""

    def of(self, *kinds: type[T]) -> list[T]:
        """The events of these kinds, in order."""
        return [one.event for one in self.heard if isinstance(one.event, kinds)]  # type: ignore[misc]

    def told(self, *kinds: type[Event]) -> list[Heard]:
        """The same with their moments."""
        return [one for one in self.heard if isinstance(one.event, kinds)]

    @property
    def summary(self) -> RunFinished | None:
        """The summary, which is told even where the run ends with an error."""
        return next((event for event in self.of(RunFinished)), None)


@dataclass
class History:
    """The whole story."""

    scenario: Scenario
    folder: Path
    runs: list[Played] = field(default_factory=list)
    bill: list[Charge] = field(default_factory=list)
    forgotten: set[str] = field(default_factory=set)
    """Attempts that only a ledger knew which somebody deleted or damaged."""
    untold: set[str] = field(default_factory=set)
    """Attempts that a service accepted and whose ticket could not be recorded: the power failed, the disk was full."""
    half_rebuilt: bool = False
    """A run that began a new ledger from the pictures was broken off."""
    lost_files: set[str] = field(default_factory=set)
    """Marks of pictures whose files somebody deleted or altered."""

    def charges(self, run: int | None = None) -> Iterable[Charge]:
        """What was charged and not taken back."""
        return (one for one in self.bill if not one.void and run in (None, one.run))
