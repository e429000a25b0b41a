"""The contract of a store, and the records it keeps: the ledger of every attempt and what became of it.

A job has one *current* picture and any number of others, its earlier ones and its candidates; every picture that was
ever recorded is a *version* of the job, numbered from 1 in the order recorded, and none ever disappears. Which version
is the current one is a *choice*: a picture that is saved is chosen by being saved, any version by
:meth:`Store.record_pick`.

A *candidate* is an attempt whose picture is to stand beside the job's until somebody picks it. Beginning, failing or
losing one is recorded with the attempt and leaves the job as it is: its state, its trouble and its picture are those
of its own attempts, however the two interleave.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Literal

from charimg.contracts.provider import Provider
from charimg.errors import StorageError
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
    candidate: bool = False
    """Its picture stands beside the job's until it is picked: what becomes of the attempt leaves the job as it is, and
    its picture is the current one only where the job has none."""


@dataclass(frozen=True)
class PictureRecord:
    """A picture on disk: one version of a job's.

    The caller of :meth:`Store.record_saved` leaves ``version``, ``attempt``, ``asked``, ``uploader`` and ``reference``
    as they are; the store fills them.
    """

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
    version: int = 0
    """1, 2, 3... within its job, in the order recorded; never given to another picture. 0: not recorded yet."""
    attempt: str = ""
    """The attempt that made it."""
    asked: str | None = None
    """Fingerprint of what the roster asked for when it was made: its attempt's."""
    saved: datetime | None = None
    """When it was made; where the caller does not know better, the moment it was recorded."""
    original: str | None = None
    """SHA-256, in hex, of the bytes as the service sent them, where the file holds more than those."""
    uploader: str | None = None
    """The uploader that has this very version."""
    reference: MediaReference | None = None
    """The newest reference that uploader gave for it."""


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


AttemptState = Literal["open", "saved", "troubled", "lost"]
"""How an attempt ended: not yet, with a picture, with trouble, or without anybody hearing of it."""


@dataclass(frozen=True)
class AttemptRecord:
    """One attempt and what became of it."""

    attempt: Attempt
    state: AttemptState
    ended: datetime | None = None
    """When its end was recorded; ``None`` while it is open."""
    trouble: Trouble | None = None
    """What ended a ``troubled`` one."""
    pictures: tuple[PictureRecord, ...] = ()
    """What it left, oldest first; several where a plugin worked on its picture."""


@dataclass(frozen=True)
class Choice:
    """A job's current picture became another."""

    key: str
    version: int
    """The version that became the current one."""
    operation: str
    """What made it so: the run of the attempt whose picture was saved, or the id that a pick was given."""
    made: datetime


@dataclass(frozen=True)
class JobRecord:
    """All that is known of one job."""

    key: str
    name: str
    state: JobState = JobState.PENDING
    provider: str | None = None
    lane: str | None = None
    asked: str | None = None
    """Fingerprint of what the roster asked for at the newest of these: an attempt of the job's own was begun, its
    current picture became another (then that one's). So are the provider, the lane and the prompt."""
    prompt: str | None = None
    """The prompt of that attempt, as it was sent."""
    picture: PictureRecord | None = None
    """The current version."""
    uploader: str | None = None
    """The uploader that has the picture, once the job is done."""
    media: MediaReference | None = None
    """The newest reference the uploader gave for the current picture."""
    trouble: Trouble | None = None
    attempts: int = 0
    """How many were begun, candidates among them."""
    spent: tuple[Cost, ...] = ()
    """What the attempts cost, added up by currency and source."""
    open_attempts: tuple[Attempt, ...] = ()
    """Attempts whose end was never recorded, candidates among them, oldest first."""
    updated: datetime | None = None
    other_pictures: tuple[PictureRecord, ...] = field(default=())
    """All versions but the current one, oldest first: earlier pictures and candidates."""


class Store(Provider):
    """Remembers what was asked, spent, saved and uploaded.

    Every method is atomic and durable when it returns, and raises :class:`charimg.errors.StorageError` when it
    cannot be, or when it is told of an attempt, a job or a version that it does not know; the run then stops before it
    spends more. A store is used by one run at a time. The complete example is ``charimg/providers/sqlite.py``.

    ``open`` raises :class:`charimg.errors.DamagedLedgerError` where the ledger is there and can be read no more: the
    run then calls :meth:`set_aside` and rebuilds it from the pictures. A ledger that is locked, of a newer version, or
    not a ledger at all is a plain ``StorageError``: nobody may move it. Damage that shows itself later is told in the
    same way.
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
        """Money may be spent from now on. The attempt stays open until one of the next three ends it.

        The job's state is ``open`` and its earlier trouble over; its name, provider, lane, fingerprint and prompt are
        the attempt's. A candidate changes none of that: only a job that nobody knew yet is known from then on, with
        what the attempt says of it, as ``pending``.

        :raises charimg.errors.KnownAttemptError: there is an attempt of this id already.
        """

    @abstractmethod
    async def record_ticket(self, attempt: str, ticket: str) -> None:
        """The service accepted the open attempt's job under this ticket; it replaces an earlier one."""

    @abstractmethod
    async def record_saved(self, attempt: str, picture: PictureRecord, kept_as: str | None = None) -> None:
        """The attempt's picture is on disk: the next version of its job, and the current one.

        The job's state is ``saved``, its trouble over, nobody has the picture yet, and its provider, lane, fingerprint
        and prompt are the attempt's. An attempt that was taken for lost is so no more.

        A candidate's picture is the current one only where the job has none, or where it was saved at the very path of
        the current one; while an attempt of the job's own is open, the job's state and trouble then stay.

        :param kept_as: where an earlier file of the same path is kept now; earlier records of it follow.

        Called again when a plugin worked on the same attempt's picture: each time is a version.
        """

    @abstractmethod
    async def record_trouble(self, attempt: str, trouble: Trouble, state: JobState) -> None:
        """The attempt ended without a picture, which leaves its job in *state*; a candidate's leaves it as it is."""

    @abstractmethod
    async def record_lost(self, attempt: str) -> None:
        """An open attempt of an earlier run left no picture: it may have been charged; it is closed as lost.

        A job that is ``open`` is then where its current picture says: ``pending`` without one, ``saved``, or ``done``
        once it was uploaded. A candidate's loss leaves it as it is.
        """

    @abstractmethod
    async def record_upload(self, key: str, uploader: str, reference: MediaReference | None) -> None:
        """The uploader has the job's current picture (``None``: it keeps no reference); the job is done.

        Both are noted on that version too, and come back with it when it is picked again.
        """

    @abstractmethod
    async def record_setback(self, key: str, trouble: Trouble, state: JobState) -> None:
        """The job did not get on and no attempt ended by it, which leaves the job in *state*: an upload did not succeed
        (``saved``, ``failed`` or ``rejected``), or the job still stands at the service (``open``)."""

    @abstractmethod
    async def record_pick(self, key: str, version: int, operation: str, *, undoes: bool = False) -> None:
        """This version is the job's current picture.

        The job's uploader and reference are that version's, its provider, lane, fingerprint and prompt those of the
        attempt that made it, its state ``done`` if it was uploaded and else ``saved``; its trouble is over.

        :param operation: what the choice is remembered under; unique to one command of the user's.
        :param undoes: the job's newest choice that is not undone yet is undone by this, and no choice is added. Where
            there is none, that is an error.

        Without *undoes* a choice is added, unless the version is the current one already.
        """

    @abstractmethod
    async def record_moved(self, key: str, path: str, now_at: str) -> None:
        """The versions of the job that are recorded at *path* are at *now_at*; no version there is no error."""

    @abstractmethod
    async def job(self, key: str) -> JobRecord | None:
        """What is known of one job; ``None`` if it was never attempted."""

    @abstractmethod
    async def jobs(self) -> dict[str, JobRecord]:
        """What is known of all jobs ever attempted, by key."""

    @abstractmethod
    async def history(self, key: str) -> tuple[AttemptRecord, ...]:
        """Every attempt at the job in the order begun, candidates among them; none if it was never attempted."""

    @abstractmethod
    async def choices(self, key: str | None = None) -> tuple[Choice, ...]:
        """What was chosen and not undone, of one job or of all, oldest first.

        The version of a job's last choice is its current one, as long as every undoing pick went back to the version of
        the choice before.
        """

    @abstractmethod
    async def lost_attempts(self) -> tuple[Attempt, ...]:
        """Attempts that may have been charged without leaving a picture, oldest first."""

    async def set_aside(self) -> str:
        """Put a damaged ledger out of the way and open a new, empty one; nothing of the old one is deleted.

        Called where ``open`` or a later call raised :class:`charimg.errors.DamagedLedgerError`; the store is open
        afterwards.

        :returns: where the old one is now, in words for the user: a path, or a table's name.
        :raises StorageError: it cannot be; so it is for a store that does not say how.
        """
        raise StorageError(
            f"the store {self.declaration.name} cannot put a damaged ledger out of the way by itself; move it, or put a"
            " backup in its place, then run again"
        )

    async def faults(self) -> tuple[str, ...]:
        """What contradicts itself in the ledger, one line each, for ``charimg check``; slow and thorough.

        The pictures on disk are not looked at.
        """
        return ()
