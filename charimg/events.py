"""Facts about a run, in the order they happened: the only way out of the scheduler.

Terminal, JSON lines, page and plugins all read this one stream. Every event is frozen and turns into one plain
JSON object with :meth:`Event.to_dict`: ``event`` (the name), ``time`` (ISO 8601, UTC), and its fields; those that
are ``None`` are left out, but for the ``wait`` of trouble. Waits and durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from charimg.model import Cost, Job, Verdict, utc_now


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
        kind: Any = type(self)  # a class is hashable, whatever its instances are
        entries = ((name, getattr(self, name)) for name in _field_names(kind))
        told = {name: _plain(value) for name, value in entries if value is not None or name in ALWAYS_TOLD}
        return {"event": self.event, **told}


@cache
def _field_names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(entry.name for entry in fields(kind))


ALWAYS_TOLD = ("wait",)
"""Fields that are told even when there is nothing in them: "no word of a wait" is a fact about trouble."""


_AS_THEY_ARE = (str, int, float, bool, type(None))


def _plain(value: Any) -> Any:
    if type(value) in _AS_THEY_ARE:  # of which the names of a large cast are most
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(getattr(value, name)) for name in _field_names(type(value))}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_plain(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class JobName:
    """A job as people and programs call it."""

    key: str
    name: str

    @property
    def is_candidate(self) -> bool:
        """Whether it is one of several pictures to choose from (:attr:`charimg.model.Job.key`)."""
        return "~" in self.key


def names_of(jobs: Sequence[Job]) -> tuple[JobName, ...]:
    """How events name jobs."""
    return tuple(JobName(job.key, job.name) for job in jobs)


@dataclass(frozen=True)
class LaneFacts:
    """A lane as it was asked for."""

    name: str
    """Its one name in events, ledger and words."""
    generator: str
    """The image generator's name."""
    account: str
    """Where its credentials are kept, as ``gemini@work``."""
    uploader: str
    """The uploader's name."""
    batch_size: int
    """Jobs of one batch."""
    at_once: int | None = None
    """Jobs of a batch that it can take at once, where that is not all of them."""
    weight: float | None = None
    """Its share, relative to the other lanes with a weight."""
    price: Cost | None = None
    """What one picture costs there, where that is known and not nothing."""
    free: bool = False
    """It is known that a picture costs nothing there. Without a price either, nobody knows what it costs."""
    fallback: bool = False
    """It is opened only when all before it have closed."""


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
    jobs: tuple[JobName, ...] = field(repr=False)
    """In roster order."""
    lanes: tuple[str, ...]
    """Names of the lanes that work on it from the beginning."""
    lane_facts: tuple[LaneFacts, ...] = ()
    """Of these lanes, and of those that stand by as a fallback."""
    generator: str
    """The image generator's name; several, with commas, where the lanes differ."""
    uploader: str
    """The uploader's name; likewise."""
    budget: Cost | None = None
    """What the run may cost."""
    store: str
    """The store's name."""
    roster: str = ""
    """The roster's file, absolute."""
    command: tuple[str, ...] = ()
    """What the user wrote after ``charimg run``, without ``--only`` and ``--force``: it makes whatever is missing in
    the same way. Empty where no command line began the run, too."""
    uploads_only: tuple[str, ...] = field(default=(), repr=False)
    """Keys of the jobs whose picture is there; only its upload is missing."""
    out: str
    """The folder the pictures go to."""
    batch_size: int
    """Jobs a lane runs at once, where it has no size of its own."""
    quota_wait: float
    """Seconds a lane waits at least after a quota answer."""
    max_retries: int
    """Quota waits one batch may have."""
    cooldown: float
    """Seconds between two batches."""
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
    """Position of its last job."""
    total: int
    """Jobs in the run."""
    jobs: tuple[JobName, ...]
    """The batch's jobs, in roster order."""


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
    """The ledger's id of the attempt."""


@dataclass(frozen=True, kw_only=True)
class JobProgress(JobEvent):
    """How far the service is with the picture, by its own account."""

    event: ClassVar[str] = "job_progress"
    message: str
    """In a few words: ``"step 8 of 20"``, ``"3rd in the queue"``."""
    fraction: float | None = None
    """From 0 to 1; absent where the service tells words only."""


@dataclass(frozen=True, kw_only=True)
class JobSaved(JobEvent):
    """The picture is on disk and recorded."""

    event: ClassVar[str] = "job_saved"
    image: str
    """Path of the file, relative to the project's folder where it lies inside."""
    format: str
    """``"png"``, ``"jpeg"``, ``"webp"`` or ``"gif"``."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    seconds: float
    """From request to saved."""
    seed: int | None = None
    """The seed the service says it used, else the one asked for."""
    model: str | None = None
    """The model, as the service names it."""
    cost: Cost | None = None
    """What it cost, where that is known: amount, currency, and who says so."""
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
    """The reference: an opaque id, a url or a path, by ``kind``."""
    kind: str
    """``"id"``, ``"url"`` or ``"path"``."""
    uploader: str
    """The uploader's name."""
    expires_at: datetime | None = None
    """When the service forgets it; absent for never or unknown."""


@dataclass(frozen=True, kw_only=True)
class JobDone(JobEvent):
    """The job has all it needs: it is counted as succeeded."""

    event: ClassVar[str] = "job_done"


@dataclass(frozen=True, kw_only=True)
class JobWaiting(JobEvent):
    """The job did not get through: it is tried again after the lane's wait, or handed back if the lane closes."""

    event: ClassVar[str] = "job_waiting"
    verdict: Verdict
    """What the service's answer means for the run."""
    message: str
    """The service's own words, on one line, without secrets."""
    wait: float | None = None
    """What the service asked for, if it did."""


@dataclass(frozen=True, kw_only=True)
class JobFailed(JobEvent):
    """The job is counted as failed in this run."""

    event: ClassVar[str] = "job_failed"
    verdict: Verdict
    """What the service's answer means for the run."""
    message: str
    """The service's own words, on one line, without secrets."""
    stage: str
    """``"generate"``, ``"save"`` or ``"upload"``."""
    wait: float | None = None
    pending: bool = False
    """Its retries were used up by a quota; the next run takes it up again where it stopped."""
    unreachable: bool = False
    """No answer came at all: the trouble is the connection, not a quota."""


@dataclass(frozen=True, kw_only=True)
class JobPossiblyCharged(JobEvent):
    """A request was sent and its answer lost: the service may have made a picture, and charged for it."""

    event: ClassVar[str] = "job_possibly_charged"
    attempt: str
    """The ledger's id of the attempt."""
    message: str


@dataclass(frozen=True, kw_only=True)
class JobRejected(JobEvent):
    """The service refuses the content; only a changed description helps."""

    event: ClassVar[str] = "job_rejected"
    verdict: Verdict
    """What the service's answer means for the run."""
    message: str
    """The service's own words, on one line, without secrets."""
    stage: str
    wait: float | None = None
    """Never anything: no wait helps."""


@dataclass(frozen=True, kw_only=True)
class QuotaWait(Event):
    """The lane waits because the service said "too much"."""

    event: ClassVar[str] = "quota_wait"
    wait: float
    """Seconds."""
    retry: int
    """The retry that follows the wait, from 1."""
    retries: int
    """How many retries a batch has."""
    batch: int
    unfinished: int
    """Jobs of the batch that are tried again."""
    unreachable: bool = False
    """No answer came to any of them: the trouble is the connection, not a quota."""
    verdict: Verdict
    """What the service's answer means for the run."""
    message: str
    """The service's own words, on one line, without secrets."""


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
    """Seconds."""


@dataclass(frozen=True, kw_only=True)
class BatchFinished(Event):
    """A batch is over."""

    event: ClassVar[str] = "batch_finished"
    batch: int
    succeeded: int
    """Jobs that have all they need."""
    failed: int
    """Jobs that failed, those that a quota outlasted included."""
    rejected: int
    """Jobs whose content the service refused."""
    pending: int
    """Jobs handed back unfinished, because the lane closed or the run was interrupted."""


@dataclass(frozen=True, kw_only=True)
class LaneClosed(Event):
    """The lane takes no more jobs in this run."""

    event: ClassVar[str] = "lane_closed"
    verdict: Verdict
    """What the service's answer means for the run."""
    message: str
    """The service's own words, on one line, without secrets."""
    until: datetime | None = None
    """When the quota returns, where that is known."""
    over_budget: bool = False
    """Not the service closed it, but the budget of the run."""


@dataclass(frozen=True, kw_only=True)
class FallbackOpened(Event):
    """All lanes before it have closed, and this one takes what they left."""

    event: ClassVar[str] = "fallback_opened"
    jobs: int
    """Jobs that were left."""


@dataclass(frozen=True, kw_only=True)
class Warned(Event):
    """Something the user should know that does not stop the run."""

    event: ClassVar[str] = "warning"
    message: str
    key: str | None = None
    """The job it concerns, where it concerns one."""
    name: str | None = None
    """The job's name."""


@dataclass(frozen=True, kw_only=True)
class Stopping(Event):
    """Ctrl-C: nothing new is started, what is in flight finishes."""

    event: ClassVar[str] = "stopping"
    in_flight: int
    """Jobs that are under way and will be let finish."""


@dataclass(frozen=True)
class Problem:
    """One job that did not get all it needs, for the summary."""

    key: str
    name: str
    verdict: Verdict
    """What the service's answer means for the run."""
    message: str
    """The service's own words, on one line, without secrets."""
    stage: str
    unreachable: bool = False
    """The service could not be reached."""


@dataclass(frozen=True)
class StandingJob:
    """A job that a service has accepted and still has: the next run asks for its result."""

    key: str
    name: str
    lane: str
    """Where it stands."""


@dataclass(frozen=True)
class LaneSummary:
    """What one lane did, for the summary of a run with several."""

    name: str
    succeeded: int = 0
    """Jobs that have all they need, and got the last of it there."""
    failed: int = 0
    rejected: int = 0
    waits: int = 0
    """Quota waits."""
    connection_waits: int = 0
    """Waits because no answer came at all."""
    spent: tuple[Cost, ...] = ()
    unpriced: int = 0
    """Pictures made there whose cost nobody knows."""
    not_needed: bool = False
    """It stood by as a fallback, and was never opened."""


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
    """Jobs that were not attempted, or handed back and taken by no other lane."""
    skipped: int
    """Characters of the roster that needed nothing."""
    uploads_only: int = 0
    """Of those that succeeded, how many had their picture before: only its upload was missing."""
    seconds: float
    """From start to end."""
    exit_code: int
    """What the command ends with."""
    interrupted: bool = False
    """Ctrl-C ended it."""
    # Not in the repr, likewise the next: asyncio makes one of what a finished task returned, of however many.
    problems: tuple[Problem, ...] = field(default=(), repr=False)
    """Every failed and rejected job, in roster order."""
    left: tuple[JobName, ...] = field(default=(), repr=False)
    """The pending jobs, in roster order."""
    closed: tuple[LaneClosed, ...] = ()
    """The lanes that closed before the end."""
    lanes: tuple[LaneSummary, ...] = ()
    """What each lane did, in the order they were asked for; those that had nothing to do included."""
    spent: tuple[Cost, ...] = ()
    """What this run cost, by currency and source."""
    over_budget: bool = False
    """A lane closed because the budget has no room for another picture: only a higher one goes on."""
    possibly_charged: tuple[JobName, ...] = ()
    """Jobs whose request may have been charged without leaving a picture."""
    standing: tuple[StandingJob, ...] = ()
    """Jobs that are still under way at their service, in roster order: the next run asks for the result."""
    out: str = ""
    """The folder of the pictures."""
