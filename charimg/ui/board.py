"""What is happening at this moment, folded from the events: the jobs of each lane's batch, its pause, the counts.

The live view draws it, the plain log takes its heartbeat from it. There is no clock here: every event is taken at a
time, in seconds on any monotonic clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from statistics import fmean

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
    batch: int = 0
    first: int = 0
    last: int = 0
    began: float = 0.0
    rows: dict[str, Row] = field(default_factory=dict)
    pause: Pause | None = None
    waits: int = 0
    """Quota waits of this batch."""
    active: bool = False
    """A batch is under way."""
    closed: LaneClosed | None = None

    def under_way(self) -> list[Row]:
        """The jobs a service is at work on."""
        return [row for row in self.rows.values() if row.stage.under_way] if self.active else []

    def unended(self) -> list[Row]:
        """The jobs of the batch that are still to come to an end."""
        return [row for row in self.rows.values() if not row.stage.ended] if self.active else []

    def row(self, job: JobName | JobEvent) -> Row:
        """The job's row, made if it is new."""
        return self.rows.setdefault(job.key, Row(job.name))


class Board:
    """Takes the events of one run, in order."""

    def __init__(self) -> None:
        self.plan: RunStarted | None = None
        self.lanes: dict[str, LaneBoard] = {}
        self.counted: dict[str, Stage] = {}
        """Every job that came to an end, and to which."""
        self.files: list[str] = []
        """Paths of the latest pictures, newest last."""
        self.pictures = 0
        self.stopping = False
        self._batch_seconds: list[float] = []
        self._job_seconds: list[float] = []

    @property
    def total(self) -> int:
        """Jobs of the run."""
        return self.plan.total if self.plan else 0

    @property
    def several_lanes(self) -> bool:
        """Whether lines have to say which lane they mean."""
        return max(len(self.lanes), len(self.plan.lane_facts) if self.plan else 0) > 1

    def lane(self, event: Event) -> LaneBoard:
        """The lane the event concerns."""
        name = event.lane or ""
        return self.lanes.setdefault(name, LaneBoard(name))

    def take(self, event: Event, now: float) -> None:
        """Take note of one event at the time *now*."""
        if isinstance(event, JobEvent):
            self._take_job(event, now)
        elif isinstance(event, RunStarted):
            self.plan = event
            self.lanes = {name: LaneBoard(name) for name in event.lanes}
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
            lane.rows, lane.waits, lane.active = {}, 0, True
            _queue(lane, event.jobs)
        elif isinstance(event, BatchRetried):
            _queue(lane, event.jobs)
        elif isinstance(event, QuotaWait):
            lane.waits += 1
            lane.pause = Pause(now + event.wait, event.retry, event.retries, event.message, event.unreachable)
        elif isinstance(event, Cooldown):
            lane.pause = Pause(now + event.wait)
        elif isinstance(event, BatchFinished):
            lane.active = False
            self._batch_seconds.append(now - lane.began)
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
            row.stage, row.began, row.note, row.fraction = Stage.GENERATING, now, "", None
        elif isinstance(event, JobProgress):
            row.note, row.fraction = event.message, event.fraction
        elif isinstance(event, JobSaved):
            row.stage, row.note, row.fraction = Stage.SAVED, event.image, None
            self._job_seconds.append(event.seconds)
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
        self.counted[event.key] = stage

    def number(self, stage: Stage) -> int:
        """How many jobs ended so."""
        return sum(1 for ended in self.counted.values() if ended is stage)

    def seconds_left(self, now: float) -> float | None:
        """How long the run still takes by the policy, or ``None`` while nothing is known of this service's speed.

        The batches so far, with the quota waits they needed, say how long a batch takes (before the first is over: its
        slowest picture); the running waits and the cooldowns still to come are added as the policy states them.
        """
        lanes = [lane for lane in self.lanes.values() if lane.closed is None]
        if self.plan is None or not lanes:
            return None
        todo = max(0, self.total - len(self.counted))
        if todo == 0:
            return 0.0
        if self._batch_seconds:
            batch = fmean(self._batch_seconds)
        elif self._job_seconds:
            batch = max(self._job_seconds)
        else:
            return None
        at_work = max((self._batch_left(lane, batch, now) for lane in lanes), default=0.0)
        queued = 0 if self.stopping else max(0, todo - sum(len(lane.unended()) for lane in lanes))
        batches = -(-queued // max(1, self.plan.batch_size * len(lanes)))
        resting = any(lane.pause and not lane.active for lane in lanes)
        return at_work + batches * batch + max(0, batches - resting) * self.plan.cooldown

    def _batch_left(self, lane: LaneBoard, batch: float, now: float) -> float:
        pause = lane.pause.left(now) if lane.pause else 0.0
        if not lane.active:
            return pause
        once_more = max(self._job_seconds, default=0.0) if pause else 0.0
        return max(batch - (now - lane.began), pause + once_more, 0.0)


def _queue(lane: LaneBoard, jobs: Iterable[JobName]) -> None:
    for job in jobs:
        row = lane.row(job)
        row.stage, row.began, row.seconds = Stage.QUEUED, None, None
