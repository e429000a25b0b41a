"""Adoption: pictures that the ledger does not know are taken up, by what they say of themselves or by their names.

A picture that tells its making becomes an attempt and a version, as if the ledger had never been lost. What stands at
``<key>.<ext>`` is the current picture of its character, all others stand beside it. Pictures in the project's own
folder are registered where they are; others are copied, and nothing that is there is ever overwritten.

Nothing is done twice: a picture is known by its place, by the digest of its file, and by its attempt together with the
digest of what the service sent.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from charimg.contracts import Attempt, JobRecord, JobState, PictureRecord, Store
from charimg.errors import KnownAttemptError, StorageError
from charimg.found_pictures import LeftOut, digest_of, picture_files
from charimg.metadata import sidecar_of
from charimg.model import Roster
from charimg.picture_folder import PictureFolder
from charimg.project import Project
from charimg.roster.writing import Remembered, Saying, WrittenRoster, written_roster
from charimg.survey import Claim, Survey, Take, current_of, in_order, versions_of

IMPORTED = "import"
"""The provider of a picture of which nothing is known but its name."""

NOWHERE = "none"
"""The uploader that uploads nothing: whoever has another uploads the picture in the next run."""


@dataclass(frozen=True)
class Taken:
    """A picture that was taken up."""

    key: str
    name: str
    source: Path
    """The file that was found."""
    path: str
    """Where it is now, as the ledger has it; of a rehearsal, the file that would be taken."""
    by_name: bool = False
    """Only its name tells whose it is."""
    current: bool = False
    """It is its character's current picture."""
    found_again: bool = False
    """The ledger knew it, and had lost its file."""


@dataclass(frozen=True)
class Adopted:
    """What came of an adoption."""

    taken: tuple[Taken, ...] = ()
    known: int = 0
    """Pictures that the ledger knew already."""
    left_out: tuple[LeftOut, ...] = ()
    strangers: tuple[str, ...] = ()
    """Names of characters that pictures were taken for and the roster does not have."""

    @property
    def lines(self) -> tuple[str, ...]:
        """What was taken, one line a picture."""
        return tuple(_line(one) for one in self.taken)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is worth telling besides, one line each."""
        if not self.strangers:
            return ()
        shown = ", ".join(self.strangers[:3])
        more = len(self.strangers) - 3
        whose = f"{shown} and {more} more" if more > 0 else shown
        return (f"not in the roster: {whose}; the pictures are kept in the ledger all the same",)

    @property
    def summary(self) -> str:
        """All of it in one line."""
        parts = [f"{_pictures(len(self.taken))} adopted"]
        by_name = sum(one.by_name for one in self.taken)
        if by_name:
            parts.append(f"{by_name} of them by name only")
        if self.known:
            parts.append(f"{self.known} known already")
        if self.left_out:
            parts.append(f"{len(self.left_out)} left out")
        return ", ".join(parts)


async def adopt_folder(  # noqa: PLR0917 - all that meets here, in the order of a sentence
    project: Project,
    store: Store,
    pictures: PictureFolder,
    source: Path,
    roster: Roster | None,
    operation: str,
    *,
    take: Take = Take.SAID,
    records: Mapping[str, JobRecord] | None = None,
    recursive: bool = False,
    dry_run: bool = False,
    looked_at: Callable[[], object] = lambda: None,
) -> Adopted:
    """Take up the pictures of a folder. The project must be locked, but for a rehearsal.

    :param source: the folder, absolute: the project's own, or any other.
    :param roster: whose characters a file name may mean; ``None`` for nobody's.
    :param operation: what this is remembered under in the ledger, in the place of a run.
    :param records: what the ledger knows, where the caller has just read it.
    :param dry_run: only tell what would be taken.
    :param looked_at: called after each file, for those who show how far it is.
    :raises StorageError: the ledger or the disk failed. What was taken up until then stays so; call it again.
    """
    records = await store.jobs() if records is None else records
    survey = Survey(project, pictures, records, roster, take)
    if take is Take.LACKING and not survey.lacking:
        return Adopted()
    try:
        for file in picture_files(source, pictures.disk, recursive=recursive):
            survey.look_at(file)
            looked_at()
    except OSError as error:
        raise StorageError(f"cannot read the folder {source}: {error.strerror or error}") from error
    if dry_run:
        taken = [one for items in survey.wanted.values() for one in _rehearsed(items, survey)]
    else:
        recorder = _Recorder(project, store, pictures, survey, operation)
        taken = [one for key, items in survey.wanted.items() for one in await recorder.take_up(key, items)]
    in_roster = {one.key for one in roster.characters} if roster else None
    strangers = {one.key: one.name for one in taken if in_roster is not None and one.key not in in_roster}
    return Adopted(tuple(taken), survey.known, tuple(survey.left_out), tuple(strangers.values()))


async def remembered_roster(project: Project, store: Store, pictures: PictureFolder) -> WrittenRoster:
    """The roster that the pictures of the ledger were made from, as far as they tell; in the order they were made.

    :raises StorageError: the ledger cannot be read.
    """
    records = [one for one in (await store.jobs()).values() if one.picture is not None]

    def first_made(record: JobRecord) -> tuple[float, str]:
        moments = [one.saved.timestamp() for one in versions_of(record) if one.saved is not None]
        return min(moments, default=0.0), record.key

    return written_roster(_remembered(record, project, pictures) for record in sorted(records, key=first_made))


def _remembered(record: JobRecord, project: Project, pictures: PictureFolder) -> Remembered:
    versions = sorted(versions_of(record), key=lambda one: one is not record.picture)
    told = [pictures.metadata_of(project.found(one.path)) for one in versions]
    sayings = [
        Saying(one.description, one.prompt, one.negative, one.seed, one.aspect_ratio)
        for one in told
        if one is not None and one.key == record.key
    ]
    seed = None if record.picture is None else record.picture.seed
    known = Saying(prompt=record.prompt or "", seed=seed)
    return Remembered(record.key, record.name, record.asked or "", (*sayings, known))


def _rehearsed(claims: Sequence[Claim], survey: Survey) -> list[Taken]:
    ordered = in_order(claims)
    current = current_of(ordered[0].key, ordered, survey)
    shown = survey.project.shown
    return [_taken(one, shown(one.found.path), one is current) for one in ordered]


def _taken(claim: Claim, path: str, current: bool) -> Taken:
    again = claim.lost_from is not None
    return Taken(claim.key, claim.name, claim.found.path, path, claim.by_name, current, again)


@dataclass
class _Recorder:
    """Copies what lies elsewhere and records what was found, one character after another."""

    project: Project
    store: Store
    pictures: PictureFolder
    survey: Survey
    operation: str
    _strays: dict[str, Path] | None = field(default=None)

    async def take_up(self, key: str, claims: Sequence[Claim]) -> list[Taken]:
        ordered = in_order(claims)
        current = current_of(key, ordered, self.survey)
        before = self.survey.records.get(key)
        history = {one.attempt.id: bool(one.pictures) for one in (await self.store.history(key) if before else ())}
        given: dict[str, str] = {}
        taken: list[Taken] = []
        after_current = current is None
        version_of_current = None if before is None or before.picture is None else before.picture.version
        for claim in ordered:
            path = self.project.shown(self._brought_in(claim, claim is current))
            if claim.lost_from is not None:
                await self.store.record_moved(key, claim.lost_from, path)
            else:
                again = bool(claim.attempt) and claim.attempt in {*given, *(one for one in history if history[one])}
                attempt = await self._begun(claim, history, given, beside=after_current and claim is not current)
                record_of_it = _record_of(claim, path)
                # A plugin's work and its original come from one attempt, and one of them was paid for.
                await self.store.record_saved(attempt, replace(record_of_it, cost=None) if again else record_of_it)
            if claim is current:
                after_current = True
                record = await self.store.job(key)
                sha256 = claim.found.facts.sha256
                versions = versions_of(record) if record else ()
                there = [one for one in versions if (one.path, one.facts.sha256) == (path, sha256)]
                version_of_current = max((one.version for one in there), default=version_of_current)
            taken.append(_taken(claim, path, claim is current))
        await self._settle(key, version_of_current, is_new=current is not None)
        return taken

    async def _settle(self, key: str, version: int | None, *, is_new: bool) -> None:
        """The right version is the current one; and nobody needs to have a new one, as far as is known."""
        record = await self.store.job(key)
        if record is not None and record.picture and version is not None and record.picture.version != version:
            await self.store.record_pick(key, version, self.operation)
            record = await self.store.job(key)
        if is_new and record is not None and record.uploader is None and record.state is JobState.SAVED:
            await self.store.record_upload(key, NOWHERE, None)

    async def _begun(self, claim: Claim, history: dict[str, bool], given: dict[str, str], *, beside: bool) -> str:
        """The attempt in the ledger that the picture is recorded under.

        :param history: the attempts the ledger has of this character, and whether they left a picture.
        :param given: attempts begun here, by what the pictures call them.
        """
        said = claim.attempt
        if said and said in given:
            return given[said]
        if said and history.get(said) is False:  # it was taken for lost, or never ended
            given[said] = said
            return said
        attempt = _attempt_of(claim, said or uuid.uuid4().hex, self.operation, beside=beside)
        another = replace(attempt, id=uuid.uuid5(uuid.NAMESPACE_OID, f"{said} {claim.found.facts.sha256}").hex)
        if said in history:
            attempt = replace(another, candidate=beside)
        try:
            await self.store.record_intent(attempt)
        except KnownAttemptError:  # somebody else's: the picture's own words are not true, or not of this project
            if not said or attempt.id == another.id:
                raise
            attempt = another
            await self.store.record_intent(attempt)
        if said:
            given[said] = attempt.id
        return attempt.id

    def _brought_in(self, claim: Claim, current: bool) -> Path:
        """The picture in the project's own folder, copied there if need be."""
        found, disk = claim.found, self.pictures.disk
        if self.survey.is_own(found.path):
            return found.path
        stray = self._stray(found.facts.sha256)
        if stray is not None:
            return stray
        try:
            data = disk.read(found.path)
        except OSError as error:
            raise StorageError(f"cannot read {found.path}: {error.strerror or error}") from error
        if hashlib.sha256(data).hexdigest() != found.facts.sha256:
            raise StorageError(f"{found.path} has changed while it was read; adopt the folder once more")
        beside = not current or self.pictures.holds(claim.key)
        attempt = claim.attempt or found.facts.sha256
        said = found.metadata if disk.is_file(sidecar_of(found.path)) else None
        # As it came: what it says of itself was written once, and its digest is how it is known again.
        folder = PictureFolder(self.pictures.folder, disk, "sidecar")
        return folder.save(claim.key, attempt, data, found.facts, said, beside=beside).path

    def _stray(self, sha256: str) -> Path | None:
        """A file of the own folder with these bytes that the ledger does not know: an adoption came this far before."""
        if self._strays is None:
            self._strays = {}
            for file in picture_files(self.pictures.folder, self.pictures.disk):
                if isinstance(file, Path) and self.project.shown(file) not in self.survey.paths:
                    self._strays[digest_of(file)[0]] = file
        return self._strays.get(sha256)


def _attempt_of(claim: Claim, attempt: str, operation: str, *, beside: bool) -> Attempt:
    said = claim.found.metadata
    if said is None:
        return Attempt(
            id=attempt,
            run=operation,
            key=claim.key,
            name=claim.name,
            lane="",
            provider=IMPORTED,
            asked=claim.asked,
            prompt="",
            seed=None,
            started=claim.found.made,
            candidate=beside,
        )
    return Attempt(
        id=attempt,
        run=operation,
        key=claim.key,
        name=claim.name,
        lane=said.lane,
        provider=said.provider or IMPORTED,
        asked=claim.asked,
        prompt=said.prompt,
        seed=said.seed,
        started=said.made,
        place=said.place,
        candidate=beside or said.candidate,
    )


def _record_of(claim: Claim, path: str) -> PictureRecord:
    said = claim.found.metadata
    record = PictureRecord(path, claim.found.facts, adopted=True, saved=claim.found.made)
    if said is None:
        return record
    return replace(
        record,
        seed=said.seed,
        model=said.model,
        request_id=said.request_id,
        cost=said.cost,
        original=said.original,
    )


def _line(one: Taken) -> str:
    if one.found_again:
        return f"{one.name}: {one.path} was missed and is found again"
    how = "by its name; its prompt is unknown" if one.by_name else "by what it says of itself"
    return f"{one.name}: {one.path}, {how}{'' if one.current else '; beside the current one'}"


def _pictures(count: int) -> str:
    return f"{count} picture{'' if count == 1 else 's'}"
