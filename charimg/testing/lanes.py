"""Rehearsals: the real scheduler under the real policy, on the virtual clock, with fake lanes or real generators.

Fifteen jobs with every quota wait and cooldown take milliseconds, and every moment is exact::

    lane = FakeLane("sketch", {"c3": [Turn(QUOTA)]})
    told = rehearse(lane, jobs=15)
    assert told.times(QuotaWait) == [3.0] and told.seconds == 31.0
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from charimg.contracts import ImageGenerator
from charimg.errors import ProviderError
from charimg.events import Event, JobDone, JobFailed, JobRejected, RunFinished, RunStarted, names_of
from charimg.lane_work import LaneWork, Leftover
from charimg.model import ImageRequest, Job, Verdict
from charimg.policy import Outcome, Policy
from charimg.provider_call import checked, guarded
from charimg.scheduler import Scheduler
from charimg.summary import Tally
from charimg.testing.bench import Subject, on_bench
from charimg.testing.clock import on_virtual_clock
from charimg.testing.server import PlayedService, mark
from charimg.testing.service import Route, Service
from charimg.testing.watch import Watch, own_names

T = TypeVar("T")

OK = Outcome(Verdict.OK)
QUOTA = Outcome(Verdict.THROTTLED, "quota exceeded")
DAILY = Outcome(Verdict.EXHAUSTED, "daily quota used up")
REJECTED = Outcome(Verdict.REJECTED, "content policy")
FLAKY = Outcome(Verdict.FLAKY, "no picture in the answer")
INVALID = Outcome(Verdict.INVALID, "bad size")
FATAL = Outcome(Verdict.FATAL, "wrong key")

_NUMBERS = itertools.count(1)


def asked_to_wait(seconds: float) -> Outcome:
    """A quota answer with the service's own wait."""
    return Outcome(Verdict.THROTTLED, f"slow down, {seconds:g} s", seconds)


def make_jobs(count: int) -> list[Job]:
    """Jobs ``c1``, ``c2``... at positions 1, 2...; by the marks in their prompts a played service knows them."""
    return [
        Job(number, ImageRequest(key=f"c{number}", name=f"C{number}", prompt=f"prompt {number} {mark(number)}"))
        for number in range(1, count + 1)
    ]


@dataclass(frozen=True)
class Turn:
    """What a fake lane answers to one request, and how many seconds it takes."""

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
class FakeLane:
    """A lane that follows a script: each job gets its turns one after the other, then the usual one."""

    name: str
    script: Mapping[str, Sequence[Turn]] = field(default_factory=dict)
    usual: Turn = field(default_factory=Turn)
    weight: float | None = None
    """Its share of the jobs, relative to the other lanes with a weight."""
    at_once: int | None = None
    """Jobs of a batch that it takes at once; ``None`` for all of them."""
    pace: float = 0.0
    """Seconds between the beginnings of two jobs."""
    policy: Policy | None = None
    """Its own, where it differs from the rehearsal's."""
    calls: list[Call] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0

    def __post_init__(self) -> None:
        self._left = {key: deque(turns) for key, turns in self.script.items()}

    async def work(self, job: Job) -> Outcome:
        """Answer as the script says."""
        left = self._left.get(job.key)
        turn = left.popleft() if left else self.usual

        async def answer() -> Outcome:
            if turn.seconds:  # zero answers without giving the loop a turn, as an offline provider may
                await asyncio.sleep(turn.seconds)
            return turn.outcome

        return await _counted(self, job, answer)


@dataclass
class GeneratorLane:
    """A lane whose work is a real generator's; made by :func:`rehearse`."""

    name: str
    generator: ImageGenerator
    weight: float | None = None
    policy: Policy | None = None
    calls: list[Call] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    pictures: dict[str, bytes] = field(default_factory=dict)
    """The pictures it made, by key."""

    @property
    def at_once(self) -> int | None:
        """As the generator declares it."""
        return self.generator.declaration.abilities.parallel

    @property
    def pace(self) -> float:
        """As the generator declares it."""
        return self.generator.declaration.abilities.pace

    async def work(self, job: Job) -> Outcome:
        """Generate the job's picture; whatever goes wrong is told as the core tells it."""

        async def answer() -> Outcome:
            try:
                given = await guarded(self.generator.generate(job.request), ceiling=Policy().wait_ceiling)
                image, _, _ = checked(given, self.name, self.generator.context.redactor)
            except ProviderError as error:
                return Outcome(
                    error.verdict,
                    error.message,
                    error.wait,
                    error.retry_at,
                    unreachable=error.unreachable,
                    standing=error.standing,
                )
            self.pictures[job.key] = image.data
            return OK

        return await _counted(self, job, answer)


async def _counted(lane: FakeLane | GeneratorLane, job: Job, answer: Callable[[], Awaitable[Outcome]]) -> Outcome:
    """Do the work of one job, and write down when."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    lane.in_flight += 1
    lane.most_in_flight = max(lane.most_in_flight, lane.in_flight)
    try:
        outcome = await answer()
    finally:
        lane.in_flight -= 1
    lane.calls.append(Call(lane.name, job.key, began, loop.time(), outcome.verdict, next(_NUMBERS)))
    return outcome


@dataclass
class Rehearsal:
    """A scheduler with its lanes, and everything it said, with the moment it said it."""

    lanes: list[FakeLane | GeneratorLane]
    jobs: list[Job]
    policy: Policy = field(default_factory=Policy)
    only_by: Mapping[str, str] = field(default_factory=dict)
    """Lanes by the keys of jobs that nobody else may do: they stand at its service."""
    more_to_come: bool = False
    """A fallback stands by: what these lanes give up has not failed yet."""
    left: list[Leftover] = field(default_factory=list)
    """What no lane brought to an end."""
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
        """The moments of the events of a kind, in seconds from the beginning."""
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
        """Keys of the jobs that got their picture, in roster order."""
        there = {call.key for call in self.calls if call.verdict is Verdict.OK}
        return [job.key for job in self.jobs if job.key in there]

    def summary(self) -> RunFinished:
        """The honest summary, of the scheduler's events and those that a pipeline would add."""
        tally = Tally()
        tally.hear(self._started())
        names = {job.key: job.name for job in self.jobs}
        for call in self.calls:
            about: dict[str, Any] = {"lane": call.lane, "key": call.key, "name": names[call.key]}
            if call.verdict is Verdict.OK:
                tally.hear(JobDone(**about))
            elif call.verdict is Verdict.REJECTED:
                tally.hear(JobRejected(**about, verdict=call.verdict, message="", stage="generate"))
            elif call.verdict in (Verdict.FLAKY, Verdict.INVALID):
                tally.hear(JobFailed(**about, verdict=call.verdict, message="", stage="generate"))
        for _, event in self.heard:
            tally.hear(event)
        return tally.finished(seconds=self.seconds)

    def _started(self) -> RunStarted:
        policy = self.policy
        return RunStarted(
            run="rehearsal",
            total=len(self.jobs),
            skipped=0,
            jobs=names_of(self.jobs),
            lanes=tuple(lane.name for lane in self.lanes),
            generator="rehearsed",
            uploader="none",
            store="none",
            out="",
            batch_size=policy.batch_size,
            quota_wait=policy.quota_wait,
            max_retries=policy.max_retries,
            cooldown=policy.cooldown,
            batches=policy.batches(len(self.jobs)),
        )


def rehearse(
    *lanes: FakeLane | type[ImageGenerator],
    jobs: int = 15,
    policy: Policy | None = None,
    service: Service | None = None,
    settings: Mapping[str, Any] | None = None,
    meanwhile: Callable[[Rehearsal], Coroutine[Any, Any, None]] | None = None,
    **terms: Any,
) -> Rehearsal:
    """Run so many jobs on these lanes, with the real scheduler and policy, and tell what was said and when.

    :param lanes: fake ones, or generator classes, each of which becomes a lane.
    :param service: what the generators speak to; its answers decide what happens, such as a 429 after the fifth.
    :param settings: of the generators, where they differ from the defaults.
    :param meanwhile: what happens beside the run: a Ctrl-C at some moment (``rehearsal.scheduler.stop()``).
    :param terms: further fields of the :class:`Rehearsal`: ``only_by``, ``more_to_come``.
    """

    async def play() -> Rehearsal:
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            ready: list[FakeLane | GeneratorLane] = []
            for number, one in enumerate(lanes, 1):
                if isinstance(one, FakeLane):
                    ready.append(one)
                    continue
                played = await stack.enter_async_context(PlayedService(service or Service(Route("NONE", "/"))))
                subject = Subject(one, service, settings or {}, {})
                watch = Watch(own_names(one))
                name = one.declaration.name if len(lanes) == 1 else f"{one.declaration.name}-{number}"
                bench = await stack.enter_async_context(on_bench(subject, folder, played, watch, lane=name))
                await bench.provider.open()
                assert isinstance(bench.provider, ImageGenerator), "only generators can be rehearsed"
                ready.append(GeneratorLane(name, bench.provider))
            rehearsal = Rehearsal(ready, make_jobs(jobs), policy or Policy(), **terms)
            beside = asyncio.ensure_future(meanwhile(rehearsal)) if meanwhile else None
            await rehearsal.run()
            if beside is not None:
                await beside
            return rehearsal

    return on_virtual_clock(play)
