"""Facts about a run, in the order they happened: the only way out of the scheduler.

Terminal, JSON lines, page and plugins all read this one stream. Every event is frozen and turns into one plain
JSON object with :meth:`Event.to_dict`: ``event`` (the name), ``time`` (ISO 8601, UTC), and its fields; those that
are ``None`` are left out. Waits and durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar

from charimg.model import Cost, Verdict, utc_now


@dataclass(frozen=True, kw_only=True)
class Event:
    """One fact."""

    event: ClassVar[str] = ""
    """The name in JSON."""
    time: datetime = field(default_factory=utc_now)
    lane: str | None = None
    """The lane it concerns, where it concerns one."""

    def to_dict(self) -> dict[str, Any]:
        """The event as plain JSON data."""
        entries = ((entry.name, getattr(self, entry.name)) for entry in fields(self))
        return {"event": self.event, **{name: _plain(value) for name, value in entries if value is not None}}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {entry.name: _plain(getattr(value, entry.name)) for entry in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_plain(item) for item in value]
    return value


@dataclass(frozen=True)
class JobName:
    """A job as people and programs call it."""

    key: str
    name: str


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """The plan: who gets a picture, through whom, and how long it takes at least."""

    event: ClassVar[str] = "run_started"
    run: str
    """The run's id."""
    total: int
    """Jobs in this run."""
    skipped: int
    """Characters of the roster that need nothing."""
    jobs: tuple[JobName, ...]
    """In roster order."""
    lanes: tuple[str, ...]
    generator: str
    uploader: str
    store: str
    out: str
    """The folder the pictures go to."""
    batch_size: int
    quota_wait: float
    max_retries: int
    cooldown: float
    batches: int
    """How many batches there are if all goes well."""


@dataclass(frozen=True, kw_only=True)
class BatchStarted(Event):
    """A lane begins its next batch."""

    event: ClassVar[str] = "batch_started"
    batch: int
    """The lane's count, from 1."""
    first: int
    """Position of the batch's first job among the run's jobs, from 1."""
    last: int
    total: int
    """Jobs in the run."""
    jobs: tuple[JobName, ...]


@dataclass(frozen=True, kw_only=True)
class JobEvent(Event):
    """A fact about one job."""

    key: str
    name: str


@dataclass(frozen=True, kw_only=True)
class JobGenerating(JobEvent):
    """The request is about to be sent."""

    event: ClassVar[str] = "job_generating"
    attempt: str


@dataclass(frozen=True, kw_only=True)
class JobSaved(JobEvent):
    """The picture is on disk and recorded."""

    event: ClassVar[str] = "job_saved"
    image: str
    """Path of the file, relative to the project's folder where it lies inside."""
    format: str
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    seconds: float
    """From request to saved."""
    seed: int | None = None
    model: str | None = None
    cost: Cost | None = None
    adopted: bool = False
    """Found on disk after an interrupted run rather than made anew."""


@dataclass(frozen=True, kw_only=True)
class JobUploading(JobEvent):
    """The picture is on its way to the uploader."""

    event: ClassVar[str] = "job_uploading"


@dataclass(frozen=True, kw_only=True)
class JobUploaded(JobEvent):
    """The picture can be referred to."""

    event: ClassVar[str] = "job_uploaded"
    media_id: str
    kind: str
    """``"id"``, ``"url"`` or ``"path"``."""
    uploader: str
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class JobDone(JobEvent):
    """The job has all it needs: it is counted as succeeded."""

    event: ClassVar[str] = "job_done"


@dataclass(frozen=True, kw_only=True)
class JobWaiting(JobEvent):
    """The service turned the job away for now; it is tried again after the lane's wait."""

    event: ClassVar[str] = "job_waiting"
    verdict: Verdict
    message: str
    wait: float | None = None
    """What the service asked for, if it did."""


@dataclass(frozen=True, kw_only=True)
class JobFailed(JobEvent):
    """The job is counted as failed in this run."""

    event: ClassVar[str] = "job_failed"
    verdict: Verdict
    message: str
    stage: str
    """``"generate"``, ``"save"`` or ``"upload"``."""
    wait: float | None = None
    pending: bool = False
    """Its retries were used up by a quota; the next run takes it up again where it stopped."""


@dataclass(frozen=True, kw_only=True)
class JobPossiblyCharged(JobEvent):
    """A request was sent and its answer lost: the service may have made a picture, and charged for it."""

    event: ClassVar[str] = "job_possibly_charged"
    attempt: str
    message: str


@dataclass(frozen=True, kw_only=True)
class JobRejected(JobEvent):
    """The service refuses the content; only a changed description helps."""

    event: ClassVar[str] = "job_rejected"
    verdict: Verdict
    message: str
    stage: str


@dataclass(frozen=True, kw_only=True)
class QuotaWait(Event):
    """The lane waits because the service said "too much"."""

    event: ClassVar[str] = "quota_wait"
    wait: float
    retry: int
    """The retry that follows the wait, from 1."""
    retries: int
    """How many retries a batch has."""
    batch: int
    unfinished: int
    """Jobs of the batch that are tried again."""
    verdict: Verdict
    message: str
    """The service's own words."""


@dataclass(frozen=True, kw_only=True)
class BatchRetried(Event):
    """The wait is over; the batch's unfinished jobs are tried again."""

    event: ClassVar[str] = "batch_retried"
    batch: int
    retry: int
    retries: int
    jobs: tuple[JobName, ...]


@dataclass(frozen=True, kw_only=True)
class Cooldown(Event):
    """The pause between two batches."""

    event: ClassVar[str] = "cooldown"
    wait: float


@dataclass(frozen=True, kw_only=True)
class BatchFinished(Event):
    """A batch is over."""

    event: ClassVar[str] = "batch_finished"
    batch: int
    succeeded: int
    failed: int
    rejected: int
    pending: int
    """Jobs handed back unfinished, because the lane closed or the run was interrupted."""


@dataclass(frozen=True, kw_only=True)
class LaneClosed(Event):
    """The lane takes no more jobs in this run."""

    event: ClassVar[str] = "lane_closed"
    verdict: Verdict
    message: str
    until: datetime | None = None
    """When the quota returns, where that is known."""


@dataclass(frozen=True, kw_only=True)
class Warned(Event):
    """Something the user should know that does not stop the run."""

    event: ClassVar[str] = "warning"
    message: str
    key: str | None = None
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Stopping(Event):
    """Ctrl-C: nothing new is started, what is in flight finishes."""

    event: ClassVar[str] = "stopping"
    in_flight: int


@dataclass(frozen=True)
class Problem:
    """One job that did not get all it needs, for the summary."""

    key: str
    name: str
    verdict: Verdict
    message: str
    stage: str


@dataclass(frozen=True, kw_only=True)
class RunFinished(Event):
    """The honest summary: succeeded + failed + rejected + pending = total."""

    event: ClassVar[str] = "run_finished"
    run: str
    total: int
    """Jobs in this run."""
    succeeded: int
    failed: int
    rejected: int
    pending: int
    skipped: int
    """Characters of the roster that needed nothing."""
    seconds: float
    exit_code: int
    interrupted: bool = False
    problems: tuple[Problem, ...] = ()
    """Every failed and rejected job, in roster order."""
    closed: tuple[LaneClosed, ...] = ()
    """The lanes that closed before the end."""
    spent: tuple[Cost, ...] = ()
    """What this run cost, by currency and source."""
    possibly_charged: tuple[JobName, ...] = ()
    """Jobs whose request may have been charged without leaving a picture."""
    out: str = ""
    """The folder of the pictures."""
