"""What is happening at this moment, folded from the events: the jobs of each lane's batch, its pause, the counts.

The live view draws it, the plain log takes its heartbeat from it. There is no clock here: every event is taken at a
time, in seconds on any monotonic clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from heapq import heapify, heapreplace

from charimg.events import (
    BatchFinished,
    BatchRetried,
    BatchStarted,
    Cooldown,
    Event,
    FallbackOpened,
    JobDone,
    JobEvent,
    JobFailed,
    JobGenerating,
    JobName,
    JobPossiblyCharged,
    JobProgress,
    JobRejected,
    JobSaved,
    JobUploaded,
    JobUploading,
    JobWaiting,
    LaneClosed,
    QuotaWait,
    RunStarted,
    Stopping,
)

FILES_REMEMBERED = 20
"""The latest pictures, for the line that names them."""


class Stage(str, Enum):
    """Where a job of the batch stands, as the user reads it."""

    QUEUED = "queued"
    GENERATING = "generating"
    SAVED = "saved"
    UPLOADING = "uploading"
    UPLOADED = "uploaded"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"
    PENDING = "pending"
    """Its batch is over, and it was handed back: for another lane, or the next run."""

    @property
    def under_way(self) -> bool:
        """A service or the disk is at work on it."""
        return self in (Stage.GENERATING, Stage.SAVED, Stage.UPLOADING, Stage.UPLOADED)

    @property
    def ended(self) -> bool:
        """It is counted."""
        return self in (Stage.DONE, Stage.FAILED, Stage.REJECTED)


@dataclass
class Row:
    """One job of the batch."""

    name: str
    stage: Stage = Stage.QUEUED
    began: float | None = None
    """When its present attempt began; ``None`` before the first and while it waits."""
    seconds: float | None = None
    """How long it took, once it ended."""
    note: str = ""
    """The short reason, or the picture's path; while the service is at work its own words on how far it is."""
    fraction: float | None = None
    """How far the service is with the picture, from 0 to 1, where it says so."""
    noted: float | None = None
    """When it last said so."""

    def running(self, now: float) -> float | None:
        """Seconds to show beside the job."""
        if self.seconds is not None:
            return self.seconds
        return None if self.began is None else max(0.0, now - self.began)


@dataclass(frozen=True)
class Pause:
    """The lane waits."""

    until: float
    retry: int = 0
    """The retry that follows a quota wait, from 1; 0 for a cooldown."""
    retries: int = 0
    reason: str = ""
    """The service's own words."""
    unreachable: bool = False
    """There was no service to say anything."""

    def left(self, now: float) -> float:
        """Seconds until it is over."""
        return max(0.0, self.until - now)


@dataclass
class LaneBoard:
    """One lane and its batch."""

    name: str
    size: int = 1
    """Jobs a batch may have."""
    at_once: int | None = None
    """How many of them it takes at once; ``None`` for all."""
    batch: int = 0
    first: int = 0
    last: int = 0
    began: float = 0.0
    rows: dict[str, Row] = field(default_factory=dict)
    pause: Pause | None = None
    waits: int = 0
    """Quota waits of this batch."""
    connection_waits: int = 0
    """Waits of this batch because no answer came."""
    active: bool = False
    """A batch is under way."""
    closed: LaneClosed | None = None
    batches_over: int = 0
    turn_seconds: float = 0.0
    """How long the batches that are over took together, their waits included, each by turns (see :meth:`turns`)."""
    slowest: float | None = None
    """How long the slowest of its pictures took."""
    tried: float = 0.0
    """When the present round of the batch began: the batch itself, or its last retry."""
    round: int = 0
    """Jobs of that round."""

    def turns(self, jobs: int) -> int:
        """How often the lane has to begin anew for so many jobs: once, unless it takes only some at once."""
        return -(-jobs // self.at_once) if self.at_once else 1

    def batch_seconds(self, jobs: int) -> float | None:
        """How long so many jobs take here as one batch, by what was seen of this lane; ``None`` before anything was."""
        if self.batches_over:
            return self.turn_seconds / self.batches_over * self.turns(jobs)
        return None if self.slowest is None else self.slowest * self.turns(jobs)

    def seconds_left(self, now: float) -> float | None:
        """How long the batch or the pause under way still takes; ``None`` where that is anybody's guess: nothing is
        known of the lane's speed, or the batch takes longer than those before it."""
        pause = self.pause.left(now) if self.pause else 0.0
        if not self.active:
            return pause
        unended = len(self.unended())
        usual = self._round_seconds(unended if pause else self.round)
        if not unended:
            return 0.0
        if usual is None or pause:
            return None if usual is None else pause + usual
        left = usual - (now - self.tried)
        return left if left > 0 else None

    def _round_seconds(self, jobs: int) -> float | None:
        """How long one round of so many jobs takes: in a batch that has waited, without the waits of others."""
        if self.slowest is not None and (self.waits or self.connection_waits):
            return self.slowest * self.turns(jobs)
        return self.batch_seconds(jobs)

    def under_way(self) -> list[Row]:
        """The jobs a service is at work on."""
        return [row for row in self.rows.values() if row.stage.under_way] if self.active else []

    def unended(self) -> list[Row]:
        """The jobs of the batch that are still to come to an end."""
        return [row for row in self.rows.values() if not row.stage.ended] if self.active else []

    def row(self, job: JobName | JobEvent) -> Row:
        """The job's row, made if it is new."""
        return self.rows.setdefault(job.key, Row(job.name))

    def queue(self, jobs: Iterable[JobName], now: float) -> None:
        """A round of the batch begins with these jobs."""
        self.tried, self.round = now, 0
        for job in jobs:
            row = self.row(job)
            row.stage, row.began, row.seconds = Stage.QUEUED, None, None
            self.round += 1


class Board:
    """Takes the events of one run, in order."""

    def __init__(self) -> None:
        self.plan: RunStarted | None = None
        self.uploads_only: frozenset[str] = frozenset()
        """Keys of the jobs whose picture was there before the run."""
        self.lanes: dict[str, LaneBoard] = {}
        self.counted: dict[str, Stage] = {}
        """Every job that came to an end, and to which."""
        self._numbers: Counter[Stage] = Counter()
        self.files: list[str] = []
        """Paths of the latest pictures, newest last."""
        self.pictures = 0
        self.stopping = False

    @property
    def total(self) -> int:
        """Jobs of the run."""
        return self.plan.total if self.plan else 0

    @property
    def several_lanes(self) -> bool:
        """Whether lines have to say which lane they mean."""
        return max(len(self.lanes), len(self.plan.lane_facts) if self.plan else 0) > 1

    @property
    def free_lanes(self) -> frozenset[str]:
        """The lanes where nothing is charged."""
        return frozenset(lane.name for lane in (self.plan.lane_facts if self.plan else ()) if lane.free)

    def lane(self, event: Event) -> LaneBoard:
        """The lane the event concerns."""
        return self._add(event.lane or "")

    def _add(self, name: str) -> LaneBoard:
        if name not in self.lanes:
            known = {lane.name: lane for lane in self.plan.lane_facts} if self.plan else {}
            size = known[name].batch_size if name in known else self.plan.batch_size if self.plan else 1
            self.lanes[name] = LaneBoard(name, max(1, size), known[name].at_once if name in known else None)
        return self.lanes[name]

    def take(self, event: Event, now: float) -> None:
        """Take note of one event at the time *now*."""
        if isinstance(event, JobEvent):
            self._take_job(event, now)
        elif isinstance(event, RunStarted):
            self.plan, self.uploads_only = event, frozenset(event.uploads_only)
            for name in event.lanes:
                self._add(name)
        elif isinstance(event, Stopping):
            self.stopping = True
        elif isinstance(event, FallbackOpened):
            self.lane(event)
        elif isinstance(event, (BatchStarted, BatchRetried, BatchFinished, QuotaWait, Cooldown, LaneClosed)):
            self._take_lane(event, self.lane(event), now)

    def _take_lane(
        self,
        event: BatchStarted | BatchRetried | BatchFinished | QuotaWait | Cooldown | LaneClosed,
        lane: LaneBoard,
        now: float,
    ) -> None:
        lane.pause = None
        if isinstance(event, BatchStarted):
            lane.batch, lane.first, lane.last, lane.began = event.batch, event.first, event.last, now
            lane.rows, lane.waits, lane.connection_waits, lane.active = {}, 0, 0, True
            lane.queue(event.jobs, now)
        elif isinstance(event, BatchRetried):
            lane.queue(event.jobs, now)
        elif isinstance(event, QuotaWait):
            lane.waits += not event.unreachable
            lane.connection_waits += event.unreachable
            lane.pause = Pause(now + event.wait, event.retry, event.retries, event.message, event.unreachable)
        elif isinstance(event, Cooldown):
            lane.pause = Pause(now + event.wait)
        elif isinstance(event, BatchFinished):
            for row in lane.unended():
                row.stage, row.began, row.note = Stage.PENDING, None, ""
            lane.active = False
            lane.batches_over += 1
            lane.turn_seconds += (now - lane.began) / lane.turns(len(lane.rows))
        else:
            lane.closed = event

    def _take_job(self, event: JobEvent, now: float) -> None:
        if isinstance(event, JobPossiblyCharged):
            return
        if isinstance(event, JobSaved):
            self.pictures += 1
            self.files = [*self.files[1 - FILES_REMEMBERED :], event.image]
            if event.adopted:  # found before the first batch, perhaps from a lane that this run does not have
                return
        row = self.lane(event).row(event)
        if isinstance(event, JobGenerating):
            row.stage, row.began, row.note, row.fraction, row.noted = Stage.GENERATING, now, "", None, None
        elif isinstance(event, JobProgress):
            row.note, row.fraction, row.noted = event.message, event.fraction, now
        elif isinstance(event, JobSaved):
            row.stage, row.note, row.fraction = Stage.SAVED, event.image, None
            lane = self.lane(event)
            lane.slowest = max(event.seconds, lane.slowest or 0.0)
        elif isinstance(event, JobUploading):
            row.stage = Stage.UPLOADING
            row.began = now if row.began is None else row.began
        elif isinstance(event, JobUploaded):
            row.stage = Stage.UPLOADED
        elif isinstance(event, JobWaiting):
            row.stage, row.began, row.note, row.fraction = Stage.WAITING, None, "", None
        elif isinstance(event, JobDone):
            self._end(event, row, Stage.DONE, now)
        elif isinstance(event, JobFailed):
            self._end(event, row, Stage.FAILED, now)
            row.note = event.message
        elif isinstance(event, JobRejected):
            self._end(event, row, Stage.REJECTED, now)
            row.note = event.message

    def _end(self, event: JobEvent, row: Row, stage: Stage, now: float) -> None:
        row.seconds = row.running(now)
        row.stage = stage
        earlier = self.counted.get(event.key)
        if earlier is not None:
            self._numbers[earlier] -= 1
        self._numbers[stage] += 1
        self.counted[event.key] = stage

    def number(self, stage: Stage) -> int:
        """How many jobs ended so."""
        return self._numbers[stage]

    def seconds_left(self, now: float) -> float | None:
        """How long the run still takes by the policy, or ``None`` where that would be a guess.

        Every lane is taken as it was seen to be: its batches so far, with the quota waits they needed, say how long
        one takes (before the first is over: its slowest picture); the running waits and the cooldowns still to come
        are added as the policy states them. A lane at work of which nothing is known, or that takes longer than ever
        before, makes the whole unknown.
        """
        lanes = [lane for lane in self.lanes.values() if lane.closed is None]
        if self.plan is None or not lanes:
            return None
        todo = max(0, self.total - len(self.counted))
        if todo == 0:
            return 0.0
        queued = 0 if self.stopping else max(0, todo - sum(len(lane.unended()) for lane in lanes))
        free: list[_Free] = []
        last = 0.0
        for lane in lanes:
            left = lane.seconds_left(now)
            if left is None:
                return None
            last = max(last, left if lane.active else 0.0)
            usual = lane.batch_seconds(lane.size)
            if usual is not None:
                free.append(_Free(left + (self.plan.cooldown if lane.active else 0.0), lane, usual))
        if not queued:
            return last
        return max(last, _all_taken(free, queued, self.plan.cooldown)) if free else None


@dataclass(frozen=True)
class _Free:
    """A lane that can take a batch."""

    at: float
    """Seconds from now when it can."""
    lane: LaneBoard
    usual: float
    """Seconds that a whole batch takes it."""


def _all_taken(free: Sequence[_Free], queued: int, cooldown: float) -> float:
    """Seconds until so many jobs are through, each batch taken by the lane that is free first.

    Of a long queue only the last batches are gone through one by one: until it runs short no lane waits for another.
    """
    steps = [max(one.usual + cooldown, _LEAST_STEP) for one in free]
    short = _runs_short(free, steps, queued)
    waiting: list[tuple[float, int]] = []
    for number, (one, step) in enumerate(zip(free, steps, strict=True)):
        batches = max(0, int((short - one.at) / step))
        waiting.append((one.at + batches * step, number))
        queued -= batches * one.lane.size
    heapify(waiting)
    last = 0.0
    while queued > 0:
        begins, number = waiting[0]
        lane = free[number].lane
        jobs = min(lane.size, queued)
        ends = begins + (lane.batch_seconds(jobs) or 0.0)
        queued, last = queued - jobs, max(last, ends)
        heapreplace(waiting, (ends + cooldown, number))
    return last


_LEAST_STEP = 1e-6
"""Seconds from batch to batch of a lane that needs no time at all."""


def _runs_short(free: Sequence[_Free], steps: Sequence[float], queued: int) -> float:
    """A moment until which the queue has a whole batch for every lane that is free."""
    lanes = list(zip(free, steps, strict=True))
    while lanes:
        rate = sum(one.lane.size / step for one, step in lanes)
        begun = sum(one.lane.size * (1 - one.at / step) for one, step in lanes)
        moment = (queued - begun) / rate
        in_time = [(one, step) for one, step in lanes if one.at - step <= moment]
        if len(in_time) == len(lanes):
            return moment
        lanes = in_time
    return 0.0
