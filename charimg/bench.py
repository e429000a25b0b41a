"""What all lanes of a run work with, and how its jobs are spoken of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from charimg.budget import Budget
from charimg.contracts import JobRecord, JobState, PictureRecord, Price, Store, Trouble
from charimg.errors import ProviderError
from charimg.events import Event, JobPossiblyCharged, Warned
from charimg.model import Job, SavedImage, Verdict
from charimg.picture_folder import PictureFolder, Saved
from charimg.plugins import Plugins
from charimg.project import Project
from charimg.redaction import Redactor
from charimg.shared_quotas import SharedQuotas
from charimg.verdicts.waits import sane

MESSAGE_LENGTH = 500
"""Characters of a service's words that are kept."""

STATES_AFTER = {
    Verdict.REJECTED: JobState.REJECTED,
    Verdict.INVALID: JobState.FAILED,
    Verdict.FLAKY: JobState.FAILED,
}
"""Where trouble leaves a job for good; any other verdict leaves it to a later try."""


@dataclass(frozen=True)
class Bench:
    """What all lanes of a run share."""

    run: str
    project: Project
    store: Store
    plugins: Plugins
    redactor: Redactor
    emit: Callable[[Event], None]
    pictures: PictureFolder
    wait_ceiling: float
    """Seconds: a service that asks for a longer wait means "not today"."""
    stopping: Callable[[], bool]
    """Whether nothing more is to be sent."""
    budget: Budget = field(default_factory=Budget)
    quotas: SharedQuotas = field(default_factory=SharedQuotas)
    made: set[str] = field(default_factory=set)
    """Keys of jobs whose picture was made in this run: never made again in it, whatever else happens."""
    placed: set[str] = field(default_factory=set)
    """Keys of characters whose first picture is one of this run's candidates."""
    standing: dict[str, str] = field(default_factory=dict)
    """The job's key of each attempt whose result is asked for: the candidates of a character ask for the same picture,
    and each for a result of its own."""
    ticketed: set[str] = field(default_factory=set)
    """Attempts that a service has accepted, of this run or resumed by it, under a ticket that the ledger has."""
    originals: dict[str, str] = field(default_factory=dict)
    """The character's key of every picture, by the digest of the bytes as they came."""

    async def has_picture(self, key: str) -> bool:
        """Whether a picture stands in the character's place, or is on its way there."""
        if key in self.placed:
            return True
        record = await self.store.job(key)
        if record is not None and record.picture is not None and self.there(record.picture):
            return True
        self.placed.add(key)
        return False

    async def record_saved(self, key: str, attempt: str, picture: PictureRecord, saved: Saved) -> None:
        """Record an attempt's picture, and where the file that stood in its place is kept now.

        Where none stood there, a version that had the place in the ledger has lost its file, and must not be taken for
        the new one: it is remembered under a name that nothing will ever have.
        """
        kept = saved.kept_as
        if kept is None or not await self._is_recorded(key, saved.path, kept):
            kept = self.pictures.name_of_nothing(key, attempt, saved.path.suffix)
        await self.store.record_saved(attempt, picture, self.project.shown(kept))

    async def _is_recorded(self, key: str, place: Path, kept: Path) -> bool:
        """Whether the file that was kept is the one that the ledger has at its former place, and no stranger's."""
        record = await self.store.job(key)
        if record is None:
            return False
        versions = (*record.other_pictures, *((record.picture,) if record.picture else ()))
        there = {one.facts.sha256 for one in versions if one.path == self.project.shown(place)}
        return bool(there) and self.pictures.digest_of(kept) in there

    def there(self, picture: PictureRecord) -> bool:
        """Whether the file of a recorded picture is on disk."""
        return self.pictures.is_file(self.project.found(picture.path))

    def usable_picture(self, job: Job, record: JobRecord | None) -> PictureRecord | None:
        """The picture that the job need not make any more, if there is one."""
        if record is None or record.picture is None or job.candidate:
            return None
        if job.again and job.key not in self.made:
            return None
        return record.picture if self.there(record.picture) else None

    def as_saved(self, job: Job, picture: PictureRecord) -> SavedImage:
        """A recorded picture, as uploaders and plugins receive it."""
        return SavedImage(
            key=job.request.key,
            name=job.request.name,
            path=self.project.found(picture.path),
            facts=picture.facts,
            description=job.request.description,
            aspect_ratio=job.request.aspect_ratio,
            media=picture.media,
        )

    def trouble(self, stage: str, error: ProviderError) -> Trouble:
        """What a provider raised, as it is recorded and told: on one line, short, without secrets."""
        message = self.redactor.line(error.message)[:MESSAGE_LENGTH]
        return Trouble(error.verdict, message, stage, sane(error.wait), error.possibly_charged, error.unreachable)

    def possibly_charged(self, lane: str, job: Job, attempt: str, message: str) -> None:
        """Tell that an attempt may have cost something, and left nothing."""
        self.emit(JobPossiblyCharged(lane=lane, key=job.key, name=job.name, attempt=attempt, message=message))

    def warn(self, lane: str, job: Job, message: str) -> None:
        """Tell something about a job that does not stop it."""
        self.emit(Warned(lane=lane, key=job.key, name=job.name, message=self.redactor.line(message)))


@dataclass(frozen=True)
class Terms:
    """On what terms a lane works."""

    place: str = ""
    """The account or server that makes the pictures: where a ticket is good."""
    uploader_place: str = ""
    """The account or server that takes the uploads; lanes may share it."""
    price: Price | None = None
    """What one picture costs, as far as is known before it is made."""
