"""The world: one machine with its disk, ledger and clock, the services beyond it, and the runs somebody starts."""

from __future__ import annotations

import functools
import hashlib
import random
import shutil
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import charimg.project
import charimg.provider_context
import charimg.roster.keys
from charimg.contracts import Observer
from charimg.errors import StorageError
from charimg.events import Event, JobGenerating, JobSaved, JobUploading
from charimg.project import Project
from charimg.run import Order, Run
from tests.simulation import deeds
from tests.simulation.chance import Chance
from tests.simulation.clockwork import Clock, SimulatedLoop, StuckError
from tests.simulation.disk import Faults, SimulatedDisk
from tests.simulation.history import Call, Heard, History, Ledger, Played
from tests.simulation.ledger import LEDGERS, LedgerFile
from tests.simulation.premises import memory, new_ledger, now_or_never, order, read_ledger
from tests.simulation.providers import PLUG, Wire
from tests.simulation.scenario import LanePlan, Moment, RunPlan, Scenario, shown
from tests.simulation.service import DAY, Account

MOST_STEPS = 60_000
"""Steps of the event loop after which a run is taken never to end; the longest of them need some thousands."""

MOST_SECONDS = 40 * 86_400.0
"""Likewise, of virtual time: every one of twenty characters may meet silence several times on every lane."""

_BEGINNING = datetime(2026, 3, 1, 9, 0, tzinfo=timezone.utc)


@dataclass
class World(Wire):
    """See the module's text.

    :param listener: hears the story, line by line; ``None`` for nobody, which is quicker.
    """

    scenario: Scenario
    listener: Callable[[str], None] | None = None
    clock: Clock = field(default_factory=Clock)
    used: Counter[str] = field(default_factory=Counter)
    """What was exercised."""
    dead: bool = False
    """The process that ran is gone."""

    def __post_init__(self) -> None:
        scenario = self.scenario
        self.chance = Chance(scenario.seed)
        self.folder = memory()
        shutil.rmtree(self.folder / ".charimg", ignore_errors=True)
        self.project = Project(self.folder, self.folder / "pictures")
        self.disk = SimulatedDisk(
            wall=self._wall,
            survives=lambda number: not self.chance.happens(scenario.loses, "survives", number),
            tell=self.tell,
            power_cut=self._cut,
        )
        self.ledger = LedgerFile(self.folder / ".charimg" / "state.sqlite", self.tell, self._cut)
        LEDGERS[self.folder] = self.ledger
        if not self.chance.happens(0.2, "first run makes the ledger"):
            self.ledger.path.parent.mkdir()
            self.ledger.path.write_bytes(new_ledger())
        self.accounts = {
            lane.name: self._account(lane.name, lane, number) for number, lane in enumerate(scenario.lanes)
        }
        album = LanePlan("album", quota=scenario.uploader_quota, seconds=(0.3, 2.0))
        self.accounts["album"] = self._account("album", album, -1)
        self.references_last = scenario.references_last
        self.history = History(scenario, self.folder)
        self.descriptions = dict.fromkeys(scenario.keys, "a kind person")
        self.wanted_again: set[str] = set()
        self.touched: set[str] = set()
        self._order = 0
        self._leapt = False
        """The clock was set forward by so much that a ticket may be taken for too old."""
        self._uuids = 0
        self._played: Played | None = None
        self._lane_of: dict[str, str] = {}
        self._run: Run | None = None
        self._loop: SimulatedLoop | None = None

    # -- one story ----------------------------------------------------------------------------------------------

    def play(self) -> History:
        """The runs of the scenario, then two against healthy services."""
        with self._in_charge():
            plans = [*self.scenario.runs]
            for number, plan in enumerate(plans):
                played = self._play_run(number, plan)
                if played.stuck:
                    break
            else:
                self._calm_down(len(plans))
        self.history.bill = [charge for account in self.accounts.values() for charge in account.bill]
        return self.history

    def _calm_down(self, number: int) -> None:
        """A run against services that are well, and perhaps another, which must find nothing to do."""
        for account in self.accounts.values():
            account.healthy = True
        everybody = tuple(range(self.scenario.cast))
        self._play_run(number, RunPlan(gap=3600.0, only=everybody), final=True)
        if self.chance.happens(0.3, "one more run"):  # mostly it is the same again, and takes its time
            self._play_run(number + 1, RunPlan(gap=3600.0), final=True)

    @contextmanager
    def _in_charge(self) -> Iterator[None]:
        """Time, chance and the lock's patience are the world's."""
        state = random.getstate()
        random.seed(self.scenario.seed)
        PLUG.wire = self
        ours: list[tuple[Any, str, Any]] = [
            (uuid, "uuid4", self._uuid),
            (charimg.project, "LOOKING", 0.0),
            *((module, "utc_now", self._moment) for module in _with_clock()),
            # These two take a tenth of the time and tell nothing: proxies of this machine, names reserved by systems.
            (charimg.provider_context, "getproxies", dict),
            (charimg.roster.keys, "_reserved", _is_reserved),
        ]
        theirs = [(module, name, getattr(module, name)) for module, name, _ in ours]
        for module, name, value in ours:
            setattr(module, name, value)
        try:
            yield
        finally:
            random.setstate(state)
            for module, name, value in theirs:
                setattr(module, name, value)
            LEDGERS.pop(self.folder, None)
            self.ledger.remove()

    def _play_run(self, number: int, plan: RunPlan, *, final: bool = False) -> Played:
        self.clock.now += plan.gap
        if plan.gap > 30:
            self.disk.rest()
        last = self.history.runs[-1] if self.history.runs else None
        for deed in plan.before:
            self.tell(f"DEED {deed}")
            self.used[f"deed {deed.partition(' ')[0]}"] += 1
            deeds.DEEDS[deed.partition(" ")[0]](self, deed)
        wanted = order(self.project, self.scenario, plan, self.descriptions, free=final)
        played = Played(
            number,
            plan,
            wanted.policy,
            final,
            self.clock.now,
            self._ledger_before(plan),
            dict(self.contents()),
            frozenset(self.wanted_again | self._asked_again(plan)),
            touched=frozenset(self.touched),
            to_be_known=frozenset(self._to_be_known(plan)),
        )
        if last is not None and {deed.partition(" ")[0] for deed in plan.before} <= deeds.HARMLESS:
            played.ledger_before_deeds, played.files_before_deeds = last.after, last.files_after
        before = set(self.wanted_again)
        self.wanted_again |= self._asked_again(plan)
        self.history.runs.append(played)
        self._played = played
        for account in self.accounts.values():
            account.run, account.began = number, self.clock.now
        self.tell(f"RUN {number + 1}{' (healthy services)' if final else ''}: {shown(plan)}")
        self._live(wanted, played)
        played.ended = self.clock.now
        self.come_back()
        played.after = self.read_ledger()
        played.files_after = dict(self.contents())
        self.history.untold |= self._untold(played)
        if {deed.partition(" ")[0] for deed in plan.before} & deeds.LOSES_LEDGER:
            self.history.half_rebuilt |= played.crashed or isinstance(played.error, StorageError)
        self.wanted_again -= {event.key for event in played.of(JobSaved) if Path(event.image).stem == event.key}
        if plan.redo > 1:
            self.wanted_again -= self._asked_again(plan) - before
        self._played = None
        return played

    def _ledger_before(self, plan: RunPlan) -> Ledger:
        """What the run finds; nothing is believed of a ledger that was written over."""
        if any(deed.startswith(("damage_ledger", "empty_ledger")) for deed in plan.before):
            return Ledger(readable=False)
        last = self.history.runs[-1].after if self.history.runs and not plan.before else None
        return self.read_ledger() if last is None else last

    def _to_be_known(self, plan: RunPlan) -> Iterator[str]:
        """Characters whose picture is there and says that the roster asks for it, though the ledger is lost."""
        last = self.history.runs[-1] if self.history.runs else None
        lost = {deed.partition(" ")[0] for deed in plan.before} & deeds.LOSES_LEDGER
        if last is None or last.after is None or not lost or self.scenario.metadata == "none":
            return
        files = dict(self.contents())
        for key, record in last.after.jobs.items():
            picture = record.picture
            found = None if picture is None else files.get(self.folder / picture.path)
            if picture is None or found is None or key in self.edited or record.open_attempts:
                continue
            if hashlib.sha256(found).hexdigest() == picture.facts.sha256:
                yield key

    def _live(self, wanted: Order, played: Played) -> None:
        """The life of one process."""
        plan = played.plan
        loop = self._loop = SimulatedLoop(
            self.clock, self._after_step, lambda number: self.chance.unit("tie", played.number, number)
        )
        self._plan_faults(plan)
        self._lane_of = {}
        run = self._run = Run(wanted, [_Listener(self)], self.disk)
        began = self.clock.now

        async def live() -> None:
            for at, by in plan.clock:
                loop.call_later(at, self._set_clock, by)
            for what, moment in self._timed(plan):
                loop.call_later(moment.at, what)
            try:
                played.finished = await run.execute()
            except Exception as error:
                played.error = error

        work = loop.create_task(live())
        try:
            loop.play(work, broken=lambda: self.dead, steps=MOST_STEPS, until=began + MOST_SECONDS)
            if not self.dead and work.done() and not work.cancelled() and work.exception() is not None:
                played.error = work.exception()
        except StuckError as error:
            played.stuck = str(error)
        played.steps, played.crashed = loop.steps, self.dead
        self.used["steps"] += loop.steps
        loop.unwind(3000)
        played.complaints = [] if played.crashed or played.stuck else loop.complaints
        self._run = self._loop = None

    def come_back(self) -> None:
        """After a power cut the machine is on again."""
        if not self.dead:
            return
        self.used["power cuts"] += 1
        self.disk.start_again()
        self.ledger.start_again()
        self.dead = False
        self.tell("the machine is on again; on the disk: " + ", ".join(sorted(path.name for path in self.disk.files)))

    def _asked_again(self, plan: RunPlan) -> set[str]:
        keys = {self.scenario.key(number) for number in plan.only} or set(self.scenario.keys)
        again = keys if plan.force or plan.redo else set()
        return again | (keys & self.edited if plan.stale else set())

    # -- what befalls it ----------------------------------------------------------------------------------------

    def _plan_faults(self, plan: RunPlan) -> None:
        full, ledger_full = plan.disk_full, plan.ledger_full
        self.expect_power_cut(plan.crash)
        self.ledger.full = lambda _number: False
        if full is not None:
            self.disk.faults.full = lambda step: self._count(full[0] <= step < full[0] + full[1], "disk full")
        if ledger_full is not None:
            self.ledger.full = lambda number: self._count(
                ledger_full[0] <= number < ledger_full[0] + ledger_full[1], "ledger full"
            )

    def expect_power_cut(self, crash: Moment | None) -> None:
        """Arrange for the next process that the power fails at a step of the disk or of the ledger."""
        self.disk.steps = self.ledger.written = 0
        self.disk.faults = Faults()
        self.ledger.cut = lambda _number: None
        if crash is not None and crash.kind == "disk":
            self.disk.faults.cut = lambda step, _what: crash.share if step == crash.at else None
        if crash is not None and crash.kind == "ledger":
            self.ledger.cut = lambda number: crash.share if number == crash.at else None

    def _timed(self, plan: RunPlan) -> Iterator[tuple[Callable[[], None], Moment]]:
        for what, moment in self._happenings(plan):
            if moment.kind == "time":
                yield what, moment

    def _happenings(self, plan: RunPlan) -> Iterator[tuple[Callable[[], None], Moment]]:
        if plan.crash is not None:
            yield self._crash, plan.crash
        for interrupt in plan.interrupts:
            yield self._interrupt, interrupt
        if plan.rival is not None:
            yield self._rival, plan.rival

    def _after_step(self, step: int) -> None:
        played = self._played
        if played is None or self.dead:
            return
        for what, moment in self._happenings(played.plan):
            if moment.kind == "step" and moment.at == step:
                what()

    def _crash(self) -> None:
        if self.dead or (self._played is not None and self._played.ended):
            return
        self.tell("THE POWER FAILS")
        self._cut()

    def _cut(self) -> None:
        """From now on nothing that this process does takes effect."""
        if not self.dead:
            self.dead = self.disk.off = True
            self.ledger.keep()

    def _interrupt(self) -> None:
        if self.dead or self._run is None or self._played is None:
            return
        self._played.stopped += 1
        self.used["interrupts"] += 1
        self.tell("Ctrl-C")
        self._run.stop()

    def _rival(self) -> None:
        """A second process tries to run the same project."""
        played = self._played
        if self.dead or played is None or self._loop is None or played.finished or played.error:
            return
        played.rival_came = True
        self.used["second processes"] += 1
        self.tell("a second process tries to run")
        rival = Run(order(self.project, self.scenario, RunPlan(), self.descriptions), [], self.disk)

        try:
            now_or_never(rival.execute())
        except Exception as error:
            played.rival = error

    def _set_clock(self, by: float) -> None:
        self.used["clock changes"] += 1
        self.tell(f"the clock is set by {by:+.0f} seconds")
        self.clock.wrong_by += by
        self._leapt = self._leapt or by >= DAY

    # -- what the world knows -----------------------------------------------------------------------------------

    def tell(self, words: str) -> None:
        """A line of the story."""
        if self.listener is not None and not (self.dead and not words.startswith(("RUN", "the machine"))):
            self.listener(f"{self.clock.now:10.2f}  {words}")

    def contents(self) -> Iterator[tuple[Path, bytes]]:
        """The files of the picture folder."""
        return ((path, file.data) for path, file in self.disk.files.items())

    def read_ledger(self) -> Ledger:
        """What the ledger knows now."""
        return read_ledger(self.project)

    def begin(self, kind: str, account: str, key: str, attempt: str) -> Call:
        """See :class:`Wire`."""
        played = self._played
        assert played is not None
        self._order += 1
        lane = account if account != "album" else self._lane_of.get(key, "")
        call = Call(self._order, lane, account, kind, key, attempt, self.clock.now)
        if not self.dead:
            if kind == "make":
                call.intended = self.ledger.knows(attempt)
                call.standing = self._standing(account, key, attempt)
            played.calls.append(call)
            self.tell(f"{kind} {key} through {account} {attempt[:6]}")
        return call

    def _standing(self, account: str, key: str, attempt: str) -> str | None:
        """Another attempt at the same picture that stands at the account, and whose ticket could be kept."""
        played = self._played
        assert played is not None
        if played.plan.redo or self._leapt:
            return None
        asked, unknown = self.descriptions[key], self.history.untold | self.history.forgotten
        return next(
            (
                charge.attempt
                for charge in self.accounts[account].standing(key)
                if charge.attempt != attempt
                and charge.asked == asked
                and charge.attempt not in unknown
                and not self.history.runs[charge.run].plan.redo
            ),
            None,
        )

    def end(self, call: Call, *, hint: float | None = None, cancelled: bool = False) -> None:
        """See :class:`Wire`."""
        if self.dead:
            return
        self._order += 1
        call.ended, call.end_order, call.hint, call.cancelled = self.clock.now, self._order, hint, cancelled

    def hear(self, event: Event) -> None:
        """An event of the run."""
        played = self._played
        if self.dead or played is None:
            return
        self._order += 1
        played.heard.append(Heard(self._order, self.clock.now, event))
        if isinstance(event, (JobGenerating, JobUploading)):
            self._lane_of[event.key] = event.lane or ""
        self.used[event.event] += 1
        if self.listener is not None:
            self.tell(_of_event(event))

    def _untold(self, played: Played) -> set[str]:
        """Attempts of a run that could not keep what it heard, or that were no longer anybody's when it ended."""
        after = played.after
        if after is None or not after.readable:
            return {charge.attempt for account in self.accounts.values() for charge in account.bill}
        broken_off = played.crashed or isinstance(played.error, StorageError)
        ticketed = {one.id for record in after.jobs.values() for one in record.open_attempts if one.ticket}
        return (set(after.open) - ticketed if broken_off else set()) | (set(after.lost) if broken_off else set())

    # -- small things -------------------------------------------------------------------------------------------

    @property
    def edited(self) -> set[str]:
        """Keys of those whose description the user has changed."""
        return {key for key, words in self.descriptions.items() if words != "a kind person"}

    def _count(self, happens: bool, what: str) -> bool:
        self.used[what] += happens
        return happens

    def _account(self, name: str, plan: LanePlan, number: int) -> Account:
        faults = {
            (fault.call, self.scenario.key(fault.character), fault.nth): fault.what
            for fault in self.scenario.faults
            if fault.where == number
        }
        return Account(
            name, plan, self.chance, self.clock, lambda kind, key, nth: faults.get((kind, key, nth)), self.used
        )

    def _moment(self) -> datetime:
        return _BEGINNING + timedelta(seconds=self.clock.now + self.clock.wrong_by)

    def _wall(self) -> float:
        return self._moment().timestamp()

    def _uuid(self) -> uuid.UUID:
        self._uuids += 1
        digest = hashlib.blake2b(f"{self.scenario.seed}:{self._uuids}".encode(), digest_size=16).digest()
        return uuid.UUID(bytes=digest)


class _Listener(Observer):
    def __init__(self, world: World) -> None:
        self._world = world

    def hear(self, event: Event) -> None:
        self._world.hear(event)


_is_reserved = functools.cache(charimg.roster.keys._reserved)


def _with_clock() -> list[Any]:
    """The modules that ask what time it is."""
    return [one for name, one in list(sys.modules.items()) if name.startswith("charimg") and hasattr(one, "utc_now")]


_UNTOLD = ("event", "time", "jobs", "lane_facts", "command", "roster", "out", "run", "name", "lanes", "closed")


def _of_event(event: Event) -> str:
    told = [
        f"{name}={value}"
        for name, value in event.to_dict().items()
        if name not in _UNTOLD and value not in (None, "", [], ())
    ]
    return " ".join(("·", event.event, *told))
