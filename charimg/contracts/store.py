"""The contract of a store, and the records it keeps: the ledger of every attempt and what became of it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from charimg.contracts.provider import Provider
from charimg.model import Cost, ImageFacts, MediaReference, Verdict


class JobState(str, Enum):
    """Where a job stands, in the order it moves."""

    PENDING = "pending"
    """No picture yet, and nothing is under way."""
    OPEN = "open"
    """An attempt was begun and its end was never recorded: the picture may have been made, and charged."""
    SAVED = "saved"
    """The picture is on disk; its upload is still to be done."""
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Attempt:
    """The intent to spend: written before a request is sent."""

    id: str
    """Unique; also the request's idempotency key."""
    run: str
    """The run it belongs to."""
    key: str
    name: str
    lane: str
    provider: str
    asked: str
    """Fingerprint of what the roster asks for (:attr:`charimg.model.ImageRequest.fingerprint`)."""
    prompt: str
    """As it is sent, after every plugin had its say."""
    seed: int | None
    started: datetime
    place: str = ""
    """The account or server that is asked, as media references name it: only there a ticket means anything."""
    ticket: str | None = None
    """Under what the service accepted the job, where its result can still be asked for."""


@dataclass(frozen=True)
class PictureRecord:
    """A picture on disk."""

    path: str
    """Relative to the project's folder with ``/``, or absolute where it lies outside."""
    facts: ImageFacts
    seed: int | None = None
    model: str | None = None
    prompt: str | None = None
    request_id: str | None = None
    cost: Cost | None = None
    media: MediaReference | None = None
    """The reference that came with the generation."""
    adopted: bool = False
    """It was found on disk after a crash rather than received in this run."""


@dataclass(frozen=True)
class Trouble:
    """Why a job did not get its picture."""

    verdict: Verdict
    message: str
    stage: str
    """``"generate"``, ``"save"`` or ``"upload"``."""
    wait: float | None = None
    possibly_charged: bool = False
    unreachable: bool = False
    """No answer came at all."""


@dataclass(frozen=True)
class JobRecord:
    """All that is known of one job."""

    key: str
    name: str
    state: JobState = JobState.PENDING
    provider: str | None = None
    lane: str | None = None
    asked: str | None = None
    """Fingerprint of what the roster asked for at the last attempt."""
    prompt: str | None = None
    """The prompt of the last attempt, as it was sent."""
    picture: PictureRecord | None = None
    uploader: str | None = None
    """The uploader that has the picture, once the job is done."""
    media: MediaReference | None = None
    """The newest reference the uploader gave for the picture."""
    trouble: Trouble | None = None
    attempts: int = 0
    spent: tuple[Cost, ...] = ()
    """What the attempts cost, added up by currency and source."""
    open_attempts: tuple[Attempt, ...] = ()
    """Attempts whose end was never recorded."""
    updated: datetime | None = None
    other_pictures: tuple[PictureRecord, ...] = field(default=())
    """Earlier pictures of this job, oldest first."""


class Store(Provider):
    """Remembers what was asked, spent, saved and uploaded.

    Every method is atomic and durable when it returns, and raises :class:`charimg.errors.StorageError` when it
    cannot be; the run then stops before it spends more. A store is used by one run at a time. The complete
    example is ``charimg/providers/sqlite.py``.
    """

    @abstractmethod
    async def begin_run(self, run: str, started: datetime, plan: dict[str, object]) -> None:
        """A run begins; *plan* is plain JSON data, for the curious."""

    @abstractmethod
    async def finish_run(self, run: str, finished: datetime, summary: dict[str, object]) -> None:
        """A run ended and counted as *summary* says."""

    @abstractmethod
    async def last_plan(self) -> dict[str, object] | None:
        """The plan of the newest run, as :meth:`begin_run` was given it; ``None`` before the first."""

    @abstractmethod
    async def record_intent(self, attempt: Attempt) -> None:
        """Money may be spent from now on. The attempt stays open until one of the next three ends it."""

    @abstractmethod
    async def record_ticket(self, attempt: str, ticket: str) -> None:
        """The service accepted the open attempt's job under this ticket; it replaces an earlier one."""

    @abstractmethod
    async def record_saved(self, attempt: str, picture: PictureRecord, kept_as: str | None = None) -> None:
        """The attempt's picture is on disk, and its job's state is ``saved``.

        :param kept_as: where an earlier file of the same path is kept now; earlier records of it follow.

        Called again when a plugin worked on the same attempt's picture.
        """

    @abstractmethod
    async def record_trouble(self, attempt: str, trouble: Trouble, state: JobState) -> None:
        """The attempt ended without a picture, which leaves its job in *state*."""

    @abstractmethod
    async def record_lost(self, attempt: str) -> None:
        """An open attempt of an earlier run left no picture: it may have been charged; it is closed as lost."""

    @abstractmethod
    async def record_upload(self, key: str, uploader: str, reference: MediaReference | None) -> None:
        """The uploader has the job's picture (``None``: it keeps no reference); the job is done."""

    @abstractmethod
    async def record_setback(self, key: str, trouble: Trouble, state: JobState) -> None:
        """The job did not get on and no attempt ended by it, which leaves the job in *state*: an upload did not succeed
        (``saved``, ``failed`` or ``rejected``), or the job still stands at the service (``open``)."""

    @abstractmethod
    async def job(self, key: str) -> JobRecord | None:
        """What is known of one job; ``None`` if it was never attempted."""

    @abstractmethod
    async def jobs(self) -> dict[str, JobRecord]:
        """What is known of all jobs ever attempted, by key."""

    @abstractmethod
    async def lost_attempts(self) -> tuple[Attempt, ...]:
        """Attempts that may have been charged without leaving a picture, oldest first."""
