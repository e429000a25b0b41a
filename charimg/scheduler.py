"""Lanes, batches, retries, cooldowns: the only module that waits.

Every lane takes up to a batch of jobs from one shared queue and runs them at once, as the policy
(:mod:`charimg.policy`) allows. The scheduler holds each lane's record and the clock (the event loop's, monotonic), asks
:func:`~charimg.policy.may_start` before every job and tells :func:`~charimg.policy.came_of` what came of it. The waits
between are ``backoff``'s: it asks again after every wake-up, so that a wait that grew meanwhile is honoured.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

import backoff

from charimg.events import (
    BatchFinished,
    BatchRetried,
    BatchStarted,
    Cooldown,
    Event,
    JobFailed,
    LaneClosed,
    QuotaWait,
    Stopping,
    names_of,
)
from charimg.model import Job, Verdict
from charimg.policy import (
    Answer,
    BatchOver,
    Hold,
    LaneRecord,
    Outcome,
    Pause,
    Permit,
    Policy,
    Retry,
    Start,
    came_of,
    held,
    may_start,
)

Work = Callable[[Job], Awaitable[Outcome]]
"""Does one job on a lane: a pipeline's ``work``."""

SHORTEST_SLEEP = 0.001
"""Seconds: below it the clock might not move at all between two questions."""


class JobQueue:
    """The jobs that wait for a lane, in roster order."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = [(job.position, job) for job in jobs]
        heapq.heapify(self._jobs)
        self._taken = 0
        self._changed = asyncio.Event()

    async def has_jobs(self) -> bool:
        """Whether there are jobs, or will be: waits while other lanes may still hand some back."""
        while not self._jobs and self._taken:
            self._changed.clear()
            await self._changed.wait()
        return bool(self._jobs)

    async def drained(self) -> None:
        """Wait until there are no jobs and no lane can hand any back."""
        while self._jobs or self._taken:
            self._changed.clear()
            await self._changed.wait()

    def take(self, most: int) -> list[Job]:
        """The next jobs, at most so many; perhaps none."""
        batch = [heapq.heappop(self._jobs)[1] for _ in range(min(most, len(self._jobs)))]
        self._taken += bool(batch)
        return batch

    def done_with_batch(self, unfinished: Sequence[Job]) -> None:
        """A lane is through with the batch it took, and hands back what it did not finish."""
        for job in unfinished:
            heapq.heappush(self._jobs, (job.position, job))
        self._taken -= 1
        self._changed.set()


class _Lane:
    """One lane at work."""

    def __init__(self, name: str, work: Work) -> None:
        self.name = name
        self.work = work
        self.record = LaneRecord()
        self.turns: list[Retry | BatchOver] = []
        """How the round under way turned, once it has."""
        self.outcomes: dict[str, Outcome] = {}
        """What came of the batch's jobs, the newest of each."""
        self.announced: float | None = None
        """The end of the pause that was last told to the user."""


class Scheduler:
    """Runs jobs on lanes under the policy.

    :param lanes: the work of each lane, by the lane's name.
    :param emit: hears every event, and must return at once.
    """

    def __init__(
        self, lanes: Mapping[str, Work], jobs: Sequence[Job], policy: Policy, emit: Callable[[Event], None]
    ) -> None:
        self._lanes = [_Lane(name, work) for name, work in lanes.items()]
        self._queue = JobQueue(jobs)
        self._total = len(jobs)
        self._policy = policy
        self._emit = emit
        self._stop = asyncio.Event()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._failure: Exception | None = None
        self._abandoned = False

    async def run(self) -> None:
        """Work until every job came to an end or no lane is left.

        :raises StorageError: the disk or the ledger failed; what was in flight has been let finish.
        """
        try:
            await asyncio.gather(*(self._work_through(lane) for lane in self._lanes))
        except asyncio.CancelledError:  # whoever waits for the run gave it up: nothing may go on spending unseen
            self.abandon()
            if self._in_flight:
                await asyncio.wait(self._in_flight)
            raise
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Start nothing new; let what is in flight finish, for it is paid for."""
        if not self._stop.is_set():
            self._stop.set()
            self._emit(Stopping(in_flight=sum(not task.done() for task in self._in_flight)))

    def abandon(self) -> None:
        """Leave now: what is in flight is broken off, and recorded as possibly charged."""
        self._stop.set()
        self._abandoned = True
        for task in self._in_flight:
            task.cancel()

    async def _work_through(self, lane: _Lane) -> None:
        while not self._stop.is_set() and lane.record.closure is None and await self._queue.has_jobs():
            # A lane that must wait holds no jobs that another lane could do meanwhile, and waits for none that is done.
            await self._patiently(lane, lambda: held(lane.record, self._now()), unless=self._queue.drained())
            jobs = [] if self._stop.is_set() else self._queue.take(self._policy.batch_size)
            if not jobs:
                continue
            unfinished = jobs
            try:
                unfinished = await self._batch(lane, jobs)
            finally:
                self._queue.done_with_batch(unfinished)
        if lane.record.closure is not None:
            closure = lane.record.closure
            self._emit(
                LaneClosed(lane=lane.name, verdict=closure.verdict, message=closure.message, until=closure.until)
            )

    async def _batch(self, lane: _Lane, jobs: list[Job]) -> list[Job]:
        """One batch with its retries; returns the jobs to hand back."""
        unfinished = jobs
        gave_up = False
        lane.outcomes = {}
        while unfinished:
            turn = await self._round(lane, unfinished)
            # Those that were never sent come first: an answer that comes at once must not keep the same ones waiting.
            unfinished = sorted(
                (job for job in unfinished if not _ended(lane, job)), key=lambda job: job.key in lane.outcomes
            )
            gave_up = isinstance(turn, BatchOver) and turn.gave_up
            if not isinstance(turn, Retry) or self._stop.is_set():
                break
            self._emit(
                QuotaWait(
                    lane=lane.name,
                    wait=round(turn.wait, 3),
                    retry=turn.retry,
                    retries=self._policy.max_retries,
                    batch=lane.record.batch,
                    unfinished=len(unfinished),
                    verdict=Verdict.THROTTLED,
                    message=turn.reason,
                    unreachable=_unreachable(lane, unfinished),
                )
            )
            lane.announced = lane.record.closed_until
        given_up = sorted(unfinished, key=lambda job: job.position) if gave_up else []
        for job in given_up:
            self._give_up(lane, job)
        handed_back = [job for job in unfinished if job not in given_up]
        if lane.outcomes:
            self._emit(
                BatchFinished(
                    lane=lane.name,
                    batch=lane.record.batch,
                    succeeded=_count(lane, Verdict.OK),
                    failed=_count(lane, Verdict.FLAKY, Verdict.INVALID) + len(given_up),
                    rejected=_count(lane, Verdict.REJECTED),
                    pending=len(handed_back),
                )
            )
        return handed_back

    async def _round(self, lane: _Lane, jobs: Sequence[Job]) -> Retry | BatchOver | None:
        """Start every job that may start, wait for all of them, and tell how the policy says it goes on."""
        tasks: list[asyncio.Task[None]] = []
        lane.turns = []
        for job in jobs:
            ask = self._further_permit if tasks else self._first_permit
            start = await ask(lane, len(jobs))
            if start is None:
                break
            if start.first:
                self._emit(
                    BatchStarted(
                        lane=lane.name,
                        batch=lane.record.batch,
                        first=jobs[0].position,
                        last=jobs[-1].position,
                        total=self._total,
                        jobs=names_of(jobs),
                    )
                )
            elif lane.record.retry and not tasks:
                self._emit(
                    BatchRetried(
                        lane=lane.name,
                        batch=lane.record.batch,
                        retry=lane.record.retry,
                        retries=self._policy.max_retries,
                        jobs=names_of(jobs),
                    )
                )
            task = asyncio.create_task(self._one(lane, job, start.permit), name=f"{lane.name}: {job.key}")
            self._in_flight.add(task)
            tasks.append(task)
        if tasks:
            await asyncio.wait(tasks)
            self._in_flight.difference_update(tasks)
        return lane.turns[-1] if lane.turns else None

    async def _first_permit(self, lane: _Lane, waiting: int) -> Start | None:
        """Wait until the policy lets a round begin; ``None`` if it never will, or the run is to stop."""
        answer = await self._patiently(lane, lambda: self._ask(lane, waiting))
        return answer if isinstance(answer, Start) else None

    async def _patiently(
        self,
        lane: _Lane,
        question: Callable[[], Answer | None],
        unless: Coroutine[Any, Any, None] | None = None,
    ) -> Answer | None:
        """Ask until the answer is no longer "hold"; ``None`` if the run is to stop meanwhile, or *unless* came true."""

        async def ask() -> Answer | None:
            answer = question()
            if isinstance(answer, Hold):
                self._announce(lane, answer)
            return answer

        asking = backoff.on_predicate(
            backoff.runtime,
            predicate=lambda answer: isinstance(answer, Hold),
            value=lambda hold: max(SHORTEST_SLEEP, hold.until - self._now()),
            jitter=None,
            logger=None,
        )(ask)
        asked = asyncio.ensure_future(asking())
        reasons = [asyncio.ensure_future(self._stop.wait()), *([asyncio.ensure_future(unless)] if unless else [])]
        try:
            await asyncio.wait({asked, *reasons}, return_when=asyncio.FIRST_COMPLETED)
            return asked.result() if asked.done() and not self._stop.is_set() else None
        finally:
            for waiting in (asked, *reasons):
                waiting.cancel()

    async def _further_permit(self, lane: _Lane, waiting: int) -> Start | None:
        """A permit for the next job of a round that has begun, without waiting.

        ``None`` once the round has turned: a provider may answer so fast that the first job comes back before the last
        is sent, and what it says then holds for those too. Waiting here would hide the wait from everybody.
        """
        await asyncio.sleep(0)  # let an answer that is there already be heard
        if lane.turns or self._stop.is_set():
            return None
        answer = self._ask(lane, waiting)
        return answer if isinstance(answer, Start) else None

    def _ask(self, lane: _Lane, waiting: int) -> Answer:
        lane.record, answer = may_start(lane.record, self._policy, self._now(), waiting)
        return answer

    def _announce(self, lane: _Lane, hold: Hold) -> None:
        if hold.why is Pause.COOLDOWN and lane.announced != hold.until:
            lane.announced = hold.until
            self._emit(Cooldown(lane=lane.name, wait=round(hold.until - self._now(), 3)))

    async def _one(self, lane: _Lane, job: Job, permit: Permit) -> None:
        try:
            outcome = await lane.work(job)
            lane.record, turn = came_of(lane.record, self._policy, self._now(), permit, outcome)
        except Exception as error:  # storage failed, or there is a fault in our own code
            self._fail(error)
            return
        except asyncio.CancelledError:
            if not self._abandoned:  # a permit that never comes back would hold the lane for ever
                self._fail(RuntimeError(f"the work on {job.key} was cancelled by somebody else"))
            return
        lane.outcomes[job.key] = outcome
        if turn is not None:
            lane.turns.append(turn)

    def _fail(self, error: Exception) -> None:
        """Spend nothing more, let what is in flight finish, and tell it at the end."""
        self._failure = self._failure or error
        self._stop.set()

    def _give_up(self, lane: _Lane, job: Job) -> None:
        # A job that was never sent, because others were turned away first, shares their reason.
        told = lane.outcomes.get(job.key) or next(
            outcome for outcome in lane.outcomes.values() if outcome.verdict is Verdict.THROTTLED
        )
        self._emit(
            JobFailed(
                lane=lane.name,
                key=job.key,
                name=job.name,
                verdict=Verdict.THROTTLED,
                message=told.message,
                stage=told.stage,
                wait=told.wait,
                unreachable=told.unreachable,
                pending=True,
            )
        )

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


_ENDS = (Verdict.OK, Verdict.REJECTED, Verdict.INVALID, Verdict.FLAKY)
"""Verdicts with which a job came to an end in this run."""


def _ended(lane: _Lane, job: Job) -> bool:
    return job.key in lane.outcomes and lane.outcomes[job.key].verdict in _ENDS


def _unreachable(lane: _Lane, jobs: Sequence[Job]) -> bool:
    """Whether none of those that were sent got an answer."""
    told = [lane.outcomes[job.key] for job in jobs if job.key in lane.outcomes]
    return bool(told) and all(outcome.unreachable for outcome in told)


def _count(lane: _Lane, *verdicts: Verdict) -> int:
    return sum(outcome.verdict in verdicts for outcome in lane.outcomes.values())
