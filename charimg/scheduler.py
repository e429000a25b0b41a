"""Lanes, batches, retries, cooldowns: the only module that waits for a quota.

Every lane takes up to a batch of jobs from one shared queue and runs them at once, as its policy
(:mod:`charimg.policy`) allows. What a lane leaves, because it closed or gave up, the others take. The scheduler holds
each lane's record and the clock (the event loop's, monotonic), asks :func:`~charimg.policy.may_start` before every job
and tells :func:`~charimg.policy.came_of` what came of it. The waits between are ``backoff``'s: it asks again after
every wake-up, so that a wait that grew meanwhile is honoured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import backoff

from charimg.errors import ExhaustedError, ProviderError
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
from charimg.job_queue import JobQueue
from charimg.lane_work import LaneAtWork, LaneWork, Leftover
from charimg.model import Job, Verdict
from charimg.policy import (
    SERVER_MARGIN,
    Answer,
    BatchOver,
    Closure,
    Hold,
    Pause,
    Permit,
    Retry,
    Start,
    came_of,
    closed,
    held,
    may_start,
    paused,
)

SHORTEST_SLEEP = 0.001
"""Seconds: below it the clock might not move at all between two questions."""


class Scheduler:
    """Runs jobs on lanes under the policy.

    :param jobs: in roster order.
    :param emit: hears every event, and must return at once.
    :param total: jobs of the whole run, where these are only what earlier lanes left.
    :param more_to_come: other lanes will be opened for what these leave: a job they give up has not failed yet.
    :param only_by: the lane that alone may take a job, by the job's key: the service has accepted it there, and another
        lane would pay a second time.
    """

    def __init__(
        self,
        lanes: Iterable[LaneWork],
        jobs: Sequence[Job],
        emit: Callable[[Event], None],
        *,
        total: int | None = None,
        more_to_come: bool = False,
        only_by: Mapping[str, str] | None = None,
    ) -> None:
        self._lanes = [LaneAtWork(lane) for lane in lanes]
        self._only_by = only_by or {}
        owners = self._only_by.items()
        self._queue = JobQueue(
            jobs, {lane.name: {key for key, owner in owners if owner != lane.name} for lane in self._lanes}
        )
        self._total = len(jobs) if total is None else total
        self._more_to_come = more_to_come
        self._given_up: dict[str, JobFailed] = {}
        """How a job is told that a lane gave up, while others may still take it."""
        self._emit = emit
        self._stop = asyncio.Event()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._failure: Exception | None = None
        self._abandoned = False

    async def run(self) -> list[Leftover]:
        """Work until every job came to an end or no lane is left.

        :returns: the jobs that did not come to an end, in roster order, unless they have been told as failed.
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
        left = [Leftover(job, self._given_up.get(job.key) or self._stranded(job)) for job in self._queue.left()]
        if self._more_to_come and self.all_closed:
            return left
        for leftover in left:
            if leftover.given_up is not None:
                self._emit(leftover.given_up)
        return [leftover for leftover in left if leftover.given_up is None]

    @property
    def all_closed(self) -> bool:
        """Whether no lane takes any more jobs."""
        return all(lane.record.closure is not None for lane in self._lanes)

    def _stranded(self, job: Job) -> JobFailed | None:
        """How a job is told that stands at the service of a lane which has closed: nobody else may make it."""
        owner = next((lane for lane in self._lanes if lane.name == self._only_by.get(job.key)), None)
        if owner is None or owner.record.closure is None:
            return None
        words = f"{owner.name} has accepted it, and cannot be asked for it: {owner.record.closure.message}"
        verdict = owner.record.closure.verdict
        return JobFailed(
            lane=owner.name, key=job.key, name=job.name, verdict=verdict, message=words, stage="generate", pending=True
        )

    @property
    def halted(self) -> bool:
        """Whether nothing new is started any more: it was stopped, or the disk or the ledger failed."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Start nothing new; let what is in flight finish, for it is paid for."""
        if not self._stop.is_set():
            self._halt()
            self._emit(Stopping(in_flight=sum(not task.done() for task in self._in_flight)))

    def abandon(self) -> None:
        """Leave now: what is in flight is broken off, and recorded as possibly charged."""
        self._halt()
        self._abandoned = True
        for task in self._in_flight:
            task.cancel()

    async def _work_through(self, lane: LaneAtWork) -> None:
        async with AsyncExitStack() as stack:
            if await self._queue.has_jobs(lane.name) and await self._open(lane, stack):
                await self._take_batches(lane)
            self._queue.tell()
            if lane.record.closure is not None:
                closure = lane.record.closure
                self._emit(
                    LaneClosed(
                        lane=lane.name,
                        verdict=closure.verdict,
                        message=closure.message,
                        until=closure.until,
                        over_budget=closure.over_budget,
                    )
                )

    async def _open(self, lane: LaneAtWork, stack: AsyncExitStack) -> bool:
        """Get the lane ready; ``False`` if it cannot be, or is not needed any more.

        A service that is too busy even to be opened is waited for as for a batch.
        """
        for retry in range(lane.policy.max_retries + 1):
            opening = asyncio.ensure_future(stack.enter_async_context(lane.told.opened()))
            if not await self._finished(opening, unless=self._queue.drained(lane.name)):
                return False
            try:
                opening.result()
            except ProviderError as error:
                wait = max(lane.policy.quota_wait, 0.0 if error.wait is None else error.wait + SERVER_MARGIN)
                too_long = (error.wait or 0.0) > lane.policy.wait_ceiling
                if error.verdict is not Verdict.THROTTLED or too_long or retry == lane.policy.max_retries:
                    verdict = Verdict.EXHAUSTED if too_long else error.verdict
                    lane.record = closed(lane.record, Closure(verdict, error.message, error.retry_at))
                    return False
                await self._wait_to_open(lane, error, wait, retry + 1)
            except Exception as error:  # a wrong setting, the disk, a fault of ours
                self._fail(error)
                return False
            else:
                lane.ready = True
                return True
        return False

    async def _wait_to_open(self, lane: LaneAtWork, error: ProviderError, wait: float, retry: int) -> None:
        self._emit(
            QuotaWait(
                lane=lane.name,
                wait=round(wait, 3),
                retry=retry,
                retries=lane.policy.max_retries,
                batch=0,
                unfinished=0,
                verdict=Verdict.THROTTLED,
                message=error.message,
                unreachable=error.unreachable,
            )
        )
        lane.record = paused(lane.record, self._now() + wait)
        await self._patiently(lane, lambda: held(lane.record, self._now()), unless=self._queue.drained(lane.name))

    async def _finished(self, work: asyncio.Future[Any], unless: Coroutine[Any, Any, None] | None) -> bool:
        """Wait for the work; break it off if the run is to stop meanwhile, or *unless* came true."""
        reasons = [asyncio.ensure_future(self._stop.wait()), *([asyncio.ensure_future(unless)] if unless else [])]
        try:
            await asyncio.wait({work, *reasons}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return True
            work.cancel()
            await asyncio.wait({work})
            return False
        finally:
            for waiting in (work, *reasons):
                waiting.cancel()

    async def _take_batches(self, lane: LaneAtWork) -> None:
        while not self._stop.is_set() and lane.record.closure is None and await self._queue.has_jobs(lane.name):
            # Between two batches a lane that must wait holds no jobs that another could do meanwhile, and it waits for
            # none that is done. The unfinished jobs of a batch stay with it, as the policy has it.
            await self._patiently(lane, lambda: held(lane.record, self._now()), unless=self._queue.drained(lane.name))
            if not self._is_its_turn(lane) and not self._stop.is_set():
                await self._queue.changed()
                continue
            jobs = [] if self._stop.is_set() else self._queue.take(lane.name, lane.policy.batch_size)
            if not jobs:
                continue
            lane.taken += len(jobs)
            unfinished, refused = jobs, list[str]()
            try:
                unfinished, refused = await self._batch(lane, jobs)
            finally:
                self._queue.done_with_batch(lane.name, unfinished, refused)

    def _is_its_turn(self, lane: LaneAtWork) -> bool:
        """Whether no other lane with a weight is further behind its share, and able to take a batch."""
        if lane.weight is None:
            return True
        return all(
            lane.share <= other.share
            for other in self._lanes
            if other.weight is not None and self._is_able(other) and self._queue.has(other.name)
        )

    def _is_able(self, lane: LaneAtWork) -> bool:
        if not lane.ready or lane.record.closure is not None:
            return False
        now = self._now()
        pause = held(lane.record, now)
        # After it gave up a lane may rest for as long as its service asked: more than a cooldown is worth waiting for.
        return pause is None or (pause.why is Pause.COOLDOWN and pause.until - now <= lane.policy.cooldown)

    async def _batch(self, lane: LaneAtWork, jobs: list[Job]) -> tuple[list[Job], list[str]]:
        """One batch with its retries; returns the jobs to hand back, and the keys of those the lane has given up."""
        unfinished = jobs
        gave_up = False
        lane.outcomes = {}
        while unfinished:
            turn = await self._round(lane, unfinished)
            # Those that were never sent come first: an answer that comes at once must not keep the same ones waiting.
            unfinished = sorted(
                (job for job in unfinished if not lane.has_ended(job)), key=lambda job: job.key in lane.outcomes
            )
            gave_up = isinstance(turn, BatchOver) and turn.gave_up
            if not isinstance(turn, Retry) or self._stop.is_set():
                break
            self._emit(
                QuotaWait(
                    lane=lane.name,
                    wait=round(turn.wait, 3),
                    retry=turn.retry,
                    retries=lane.policy.max_retries,
                    batch=lane.record.batch,
                    unfinished=len(unfinished),
                    verdict=Verdict.THROTTLED,
                    message=turn.reason,
                    unreachable=lane.was_unreachable(unfinished),
                )
            )
            lane.announced = lane.record.closed_until
            self._queue.tell()
        handed_back: list[Job] = []
        refused: list[str] = []
        failed = 0
        for job in sorted(unfinished, key=lambda job: job.position):
            standing = job.key in lane.outcomes and lane.outcomes[job.key].standing
            if not gave_up and not (standing and lane.record.closure is not None):
                handed_back.append(job)
            elif standing or not self._others_may_take(lane, job):
                # What stands at the service waits for the next run: another lane would make it a second time.
                failed += 1
                self._emit(self._how_given_up(lane, job))
            else:
                self._given_up[job.key] = self._how_given_up(lane, job)
                handed_back.append(job)
                refused.append(job.key)
        if lane.outcomes:
            self._emit(
                BatchFinished(
                    lane=lane.name,
                    batch=lane.record.batch,
                    succeeded=lane.count(Verdict.OK),
                    failed=lane.count(Verdict.FLAKY, Verdict.INVALID) + failed,
                    rejected=lane.count(Verdict.REJECTED),
                    pending=len(handed_back),
                )
            )
        return handed_back, refused

    def _others_may_take(self, lane: LaneAtWork, job: Job) -> bool:
        return self._more_to_come or any(
            other.record.closure is None and not self._queue.has_refused(other.name, job)
            for other in self._lanes
            if other is not lane
        )

    async def _round(self, lane: LaneAtWork, jobs: Sequence[Job]) -> Retry | BatchOver | None:
        """Start every job that may start, wait for all of them, and tell how the policy says it goes on."""
        tasks: list[asyncio.Task[None]] = []
        lane.turns = []
        await self._patiently(lane, lambda: held(lane.record, self._now()))
        for job in jobs:
            await self._until_there_is_room(lane, tasks)
            await self._until_its_pace(lane)
            if not await self._admitted(lane, job):
                break
            ask = self._further_permit if tasks else self._first_permit
            start = await ask(lane, len(jobs))
            if start is None:
                lane.told.release(job)
                break
            lane.next_start = self._now() + lane.pace
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
                        retries=lane.policy.max_retries,
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

    async def _until_there_is_room(self, lane: LaneAtWork, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Wait until the lane can take another job of the round."""
        while lane.at_once is not None:
            running = [task for task in tasks if not task.done()]
            if len(running) < lane.at_once:
                return
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)

    async def _admitted(self, lane: LaneAtWork, job: Job) -> bool:
        """Whether there is money for the job; waits while only what is in flight stands in the way."""
        while not self._stop.is_set() and not lane.turns:
            try:
                if await lane.told.admit(job):
                    return True
            except ExhaustedError as error:
                lane.record = closed(lane.record, Closure(error.verdict, error.message, over_budget=True))
                return False
            except Exception as error:  # the ledger
                self._fail(error)
                return False
            await self._queue.changed()
        return False

    async def _until_its_pace(self, lane: LaneAtWork) -> None:
        """Wait as long as the service wants between two requests."""
        wait = lane.next_start - self._now()
        if wait > 0:
            stopping = asyncio.ensure_future(self._stop.wait())
            await asyncio.wait({stopping}, timeout=wait)
            stopping.cancel()

    async def _first_permit(self, lane: LaneAtWork, waiting: int) -> Start | None:
        """Wait until the policy lets a round begin; ``None`` if it never will, or the run is to stop."""
        answer = await self._patiently(lane, lambda: self._ask(lane, waiting))
        return answer if isinstance(answer, Start) else None

    async def _patiently(
        self,
        lane: LaneAtWork,
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
        return asked.result() if await self._finished(asked, unless) and not self._stop.is_set() else None

    async def _further_permit(self, lane: LaneAtWork, waiting: int) -> Start | None:
        """A permit for the next job of a round that has begun, without waiting.

        ``None`` once the round has turned: a provider may answer so fast that the first job comes back before the last
        is sent, and what it says then holds for those too. Waiting here would hide the wait from everybody.
        """
        await asyncio.sleep(0)  # let an answer that is there already be heard
        if lane.turns or self._stop.is_set():
            return None
        answer = self._ask(lane, waiting)
        return answer if isinstance(answer, Start) else None

    def _ask(self, lane: LaneAtWork, waiting: int) -> Answer:
        lane.record, answer = may_start(lane.record, lane.policy, self._now(), waiting)
        return answer

    def _announce(self, lane: LaneAtWork, hold: Hold) -> None:
        if hold.why is Pause.COOLDOWN and lane.announced != hold.until:
            lane.announced = hold.until
            self._emit(Cooldown(lane=lane.name, wait=round(hold.until - self._now(), 3)))

    async def _one(self, lane: LaneAtWork, job: Job, permit: Permit) -> None:
        try:
            outcome = await lane.work(job)
            lane.record, turn = came_of(lane.record, lane.policy, self._now(), permit, outcome)
        except Exception as error:  # storage failed, or there is a fault in our own code
            self._fail(error)
            return
        except asyncio.CancelledError:
            if not self._abandoned:  # a permit that never comes back would hold the lane for ever
                self._fail(RuntimeError(f"the work on {job.key} was cancelled by somebody else"))
            return
        finally:
            self._queue.tell()  # what it had set aside may be what others wait for
        lane.outcomes[job.key] = outcome
        if turn is not None:
            lane.turns.append(turn)

    def _fail(self, error: Exception) -> None:
        """Spend nothing more, let what is in flight finish, and tell it at the end."""
        self._failure = self._failure or error
        self._halt()

    def _halt(self) -> None:
        self._stop.set()
        self._queue.tell()

    @staticmethod
    def _how_given_up(lane: LaneAtWork, job: Job) -> JobFailed:
        # A job that was never sent, because others were turned away first, shares their reason.
        told = lane.outcomes.get(job.key) or next(
            outcome for outcome in lane.outcomes.values() if outcome.verdict is Verdict.THROTTLED
        )
        return JobFailed(
            lane=lane.name,
            key=job.key,
            name=job.name,
            verdict=told.verdict,
            message=told.message,
            stage=told.stage,
            wait=told.wait,
            unreachable=told.unreachable,
            pending=True,
        )

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
