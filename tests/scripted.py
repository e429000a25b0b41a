"""Lanes and clocks that follow a script, for the tests of policy, scheduler and run."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import looptime

from charimg.events import Event, JobDone, JobFailed, JobRejected, RunStarted
from charimg.model import ImageRequest, Job, Verdict
from charimg.policy import Outcome, Policy
from charimg.scheduler import LaneWork, Leftover, Scheduler
from charimg.summary import Tally

T = TypeVar("T")

LONG = 1_000_000.0
"""Virtual seconds no run of these tests may last: a scheduler that never ends fails instead of hanging."""

OK = Outcome(Verdict.OK)
QUOTA = Outcome(Verdict.THROTTLED, "quota exceeded")
DAILY = Outcome(Verdict.EXHAUSTED, "daily quota used up")
REJECTED = Outcome(Verdict.REJECTED, "content policy")
FLAKY = Outcome(Verdict.FLAKY, "no picture in the answer")
INVALID = Outcome(Verdict.INVALID, "bad size")
FATAL = Outcome(Verdict.FATAL, "wrong key")

ENDS = (Verdict.OK, Verdict.REJECTED, Verdict.FLAKY, Verdict.INVALID)
"""Verdicts that end a job for good."""

_NUMBERS = itertools.count(1)


def asked(wait: float) -> Outcome:
    """A quota answer with the server's own wait, in seconds."""
    return Outcome(Verdict.THROTTLED, f"slow down, {wait:g} s", wait)


def on_virtual_clock(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine on an event loop of its own whose clock jumps from timer to timer."""
    # As fine as asyncio's own clock: with a coarser one, older versions of looptime never reach a fraction's end.
    loop = looptime.new_event_loop(start=0, end=LONG, resolution=1e-9, noop_cycles=8)
    try:
        return loop.run_until_complete(work())
    finally:
        loop.close()


def make_jobs(count: int) -> list[Job]:
    """Jobs ``c1``, ``c2``... at positions 1, 2..."""
    return [
        Job(number, ImageRequest(key=f"c{number}", name=f"C{number}", prompt=f"prompt {number}"))
        for number in range(1, count + 1)
    ]


@dataclass(frozen=True)
class Answer:
    """What a lane answers to one request, and how long it takes."""

    outcome: Outcome = OK
    seconds: float = 3.0


@dataclass(frozen=True)
class Call:
    """One request that a lane got."""

    lane: str
    key: str
    began: float
    ended: float
    verdict: Verdict
    number: int
    """Its place among all requests of the process in the order they ended: many end in one moment."""


@dataclass
class ScriptedLane:
    """The work of one lane: each job gets its scripted answers in turn, then the usual one."""

    name: str
    script: Mapping[str, Sequence[Answer]] = field(default_factory=dict)
    usual: Answer = field(default_factory=Answer)
    calls: list[Call] = field(default_factory=list)
    weight: float | None = None
    at_once: int | None = None
    pace: float = 0.0
    policy: Policy | None = None
    """Its own; the rehearsal's where it has none."""
    in_flight: int = 0
    most_in_flight: int = 0

    def __post_init__(self) -> None:
        self._left = {key: deque(answers) for key, answers in self.script.items()}

    async def work(self, job: Job) -> Outcome:
        """Answer as the script says."""
        left = self._left.get(job.key)
        answer = left.popleft() if left else self.usual
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if answer.seconds:  # zero answers without giving the loop a turn, as an offline provider may
                await asyncio.sleep(answer.seconds)
        finally:
            self.in_flight -= 1
        self.calls.append(Call(self.name, job.key, began, loop.time(), answer.outcome.verdict, next(_NUMBERS)))
        return answer.outcome


@dataclass
class Rehearsal:
    """A scheduler with scripted lanes, and everything it said, with the moment it said it."""

    lanes: list[ScriptedLane]
    jobs: list[Job]
    policy: Policy = field(default_factory=Policy)
    only_by: Mapping[str, str] = field(default_factory=dict)
    more_to_come: bool = False
    left: list[Leftover] = field(default_factory=list)
    """What the scheduler returned."""
    heard: list[tuple[float, Event]] = field(default_factory=list)
    seconds: float = 0.0
    """How long the run took, on the virtual clock."""

    def __post_init__(self) -> None:
        works = [
            LaneWork(lane.name, lane.work, lane.policy or self.policy, lane.at_once, lane.pace, lane.weight)
            for lane in self.lanes
        ]
        self.scheduler = Scheduler(works, self.jobs, self._hear, more_to_come=self.more_to_come, only_by=self.only_by)

    def _hear(self, event: Event) -> None:
        self.heard.append((asyncio.get_running_loop().time(), event))

    async def run(self) -> Rehearsal:
        """Run to the end."""
        began = asyncio.get_running_loop().time()
        self.left = await self.scheduler.run()
        self.seconds = round(asyncio.get_running_loop().time() - began, 3)
        return self

    def of(self, kind: type[T]) -> list[T]:
        """The events of a kind, in order."""
        return [event for _, event in self.heard if isinstance(event, kind)]

    def times(self, kind: type[Event]) -> list[float]:
        """The moments of the events of a kind."""
        return [round(time, 3) for time, event in self.heard if isinstance(event, kind)]

    def story(self) -> list[str]:
        """The names of all events, in order."""
        return [event.event for _, event in self.heard]

    @property
    def calls(self) -> list[Call]:
        """Every request of every lane, in the order they ended."""
        return sorted((call for lane in self.lanes for call in lane.calls), key=lambda call: call.number)

    def tries(self) -> Counter[str]:
        """How many requests each job took."""
        return Counter(call.key for call in self.calls)

    def succeeded(self) -> list[str]:
        """Keys of the jobs that got their picture."""
        return sorted((call.key for call in self.calls if call.verdict is Verdict.OK), key=lambda key: int(key[1:]))

    def summary(self) -> Tally:
        """The tally of this rehearsal, with the events that a pipeline would add to the scheduler's."""
        tally = Tally()
        tally.hear(_started(self.jobs, self.policy))
        names = {job.key: job.name for job in self.jobs}
        for call in self.calls:
            key, name, verdict = call.key, names[call.key], call.verdict
            if verdict is Verdict.OK:
                tally.hear(JobDone(lane=call.lane, key=key, name=name))
            elif verdict is Verdict.REJECTED:
                tally.hear(JobRejected(key=key, name=name, verdict=verdict, message="", stage="generate"))
            elif verdict in ENDS:
                tally.hear(JobFailed(key=key, name=name, verdict=verdict, message="", stage="generate"))
        for _, event in self.heard:
            tally.hear(event)
        return tally


def _started(jobs: Sequence[Job], policy: Policy) -> RunStarted:
    from charimg.events import JobName

    return RunStarted(
        run="rehearsal",
        total=len(jobs),
        skipped=0,
        jobs=tuple(JobName(job.key, job.name) for job in jobs),
        lanes=(),
        generator="scripted",
        uploader="none",
        store="none",
        out="",
        batch_size=policy.batch_size,
        quota_wait=policy.quota_wait,
        max_retries=policy.max_retries,
        cooldown=policy.cooldown,
        batches=policy.batches(len(jobs)),
    )


def rehearse(
    count: int,
    *lanes: ScriptedLane,
    policy: Policy | None = None,
    meanwhile: Callable[[Rehearsal], Coroutine[Any, Any, None]] | None = None,
    **terms: Any,
) -> Rehearsal:
    """Run so many jobs on these lanes, on a virtual clock of its own.

    :param meanwhile: what happens beside the run: a Ctrl-C at some moment.
    :param terms: of the :class:`Rehearsal`: ``only_by``, ``more_to_come``.
    """

    async def play() -> Rehearsal:
        rehearsal = Rehearsal(list(lanes), make_jobs(count), policy or Policy(), **terms)
        beside = asyncio.ensure_future(meanwhile(rehearsal)) if meanwhile else None
        await rehearsal.run()
        if beside is not None:
            await beside
        return rehearsal

    return on_virtual_clock(play)
