"""What happens in one simulated story: plain data that can be printed, compared and made smaller."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Quota:
    """How much an account may have."""

    kind: str = "none"
    """``none``, ``bucket`` (refilled drop by drop), ``fixed`` (window), ``sliding`` (window), ``concurrent``,
    ``daily``."""
    limit: int = 5
    seconds: float = 60.0
    """The window, or what the bucket needs to fill."""
    hint: str = "exact"
    """The wait it asks for when it turns somebody away: ``exact``, ``whole`` (truncated to whole seconds), ``none``,
    ``long`` (three times as long)."""


@dataclass(frozen=True)
class LanePlan:
    """One lane and the service behind it."""

    provider: str = "swift"
    """A generator of :mod:`tests.simulation.providers`."""
    label: str = ""
    weight: float | None = None
    fallback: bool = False
    quota: Quota = Quota()
    seconds: tuple[float, float] = (1.0, 5.0)
    """How long a picture takes."""
    keeps: float = 7200.0
    """Seconds for which a polled service keeps a result."""
    outage: tuple[float, float] | None = None
    """From when to when nobody reaches the service, in seconds since each run began."""

    @property
    def name(self) -> str:
        """The lane's, and its account's."""
        return f"{self.provider}@{self.label}" if self.label else self.provider


@dataclass(frozen=True)
class Fault:
    """One call that does not go as it should."""

    where: int
    """The lane by its number; -1 for the uploader."""
    call: str
    """``make`` (a request for a picture), ``ask`` (a poll) or ``upload``."""
    character: int
    nth: int
    """Which of the calls of this kind for this character there, from 0."""
    what: str
    """A name of :data:`tests.simulation.service.FAULTS`, or ``row:ID`` for an answer of the error corpus."""


@dataclass(frozen=True)
class Moment:
    """A point of a run."""

    kind: str
    """``step`` (of the event loop), ``time`` (seconds since the run began), ``disk`` (step of the picture disk) or
    ``ledger`` (transaction that writes)."""
    at: float
    share: float = 0.0
    """Of a step that takes a while: how far it was; below 0.5 a transaction is not committed, above it is."""


@dataclass(frozen=True)
class RunPlan:
    """One run and what befalls it."""

    gap: float = 60.0
    """Seconds since the end of the run before."""
    before: tuple[str, ...] = ()
    """What the user, or fate, does before it; see :mod:`tests.simulation.deeds`."""
    only: tuple[int, ...] = ()
    force: bool = False
    stale: bool = False
    redo: int = 0
    """Candidates of each character in ``only``."""
    crash: Moment | None = None
    interrupts: tuple[Moment, ...] = ()
    rival: Moment | None = None
    """When a second process tries to run the project."""
    disk_full: tuple[int, int] | None = None
    """From which of the disk's steps on there is no space, and for how many."""
    ledger_full: tuple[int, int] | None = None
    """The same for transactions."""
    clock: tuple[tuple[float, float], ...] = ()
    """When somebody sets the clock, in seconds since the run began, and by how many seconds it is moved."""


@dataclass(frozen=True)
class Scenario:
    """One story."""

    seed: int = 0
    cast: int = 3
    lanes: tuple[LanePlan, ...] = (LanePlan(),)
    uploader: str = "album"
    """``album`` (one account for all lanes), ``none``."""
    uploader_quota: Quota = Quota()
    references_last: float | None = None
    """Seconds after which the uploader forgets a picture."""
    batch_size: int = 5
    quota_wait: float = 15.0
    max_retries: int = 3
    cooldown: float = 2.0
    wait_ceiling: float = 900.0
    budget: float | None = None
    metadata: str = "embed"
    faults: tuple[Fault, ...] = ()
    runs: tuple[RunPlan, ...] = (RunPlan(),)
    loses: float = 0.5
    """The share of unflushed changes that a power cut takes."""

    def key(self, number: int) -> str:
        """The key of a character by its number."""
        return f"c{number + 1:02}"

    @property
    def keys(self) -> list[str]:
        """Of the whole cast, in roster order."""
        return [self.key(number) for number in range(self.cast)]


def shown(value: Any) -> str:
    """A part of a scenario as Python would write it, without what is as usual."""
    if is_dataclass(value) and not isinstance(value, type):
        usual = type(value)() if isinstance(value, (Scenario, LanePlan, RunPlan, Quota)) else None
        told = [
            f"{one.name}={shown(getattr(value, one.name))}"
            for one in fields(value)
            if usual is None or getattr(value, one.name) != getattr(usual, one.name)
        ]
        return f"{type(value).__name__}({', '.join(told)})"
    if isinstance(value, tuple):
        inside = ", ".join(map(shown, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return f"{value:.10g}" if isinstance(value, float) else repr(value)


def without(values: tuple[Any, ...], number: int) -> tuple[Any, ...]:
    """All but one of them."""
    return values[:number] + values[number + 1 :]


__all__ = ["Fault", "LanePlan", "Moment", "Quota", "RunPlan", "Scenario", "replace", "shown", "without"]
