"""Which version of a picture is the current one: taking another, going back, and finishing what was interrupted.

The current version stands at ``<key>.<ext>``, every other one at ``<key>.N.<ext>``. When another becomes the current
one, two files change places, and the process may die between any two of these steps::

    the picture in place gets a second name     -> the ledger knows it by that name
    the ledger makes the other version current  -> its bytes stand in place -> the ledger knows them there
    -> the names that are double now are taken away

At every moment the ledger names a file that holds the version it says, and no step takes the last name of a picture
away. What is left to do can be read off ledger and folder: :func:`settle` finishes it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from charimg.contracts import Choice, JobRecord, PictureRecord, Store
from charimg.contracts.store import AttemptRecord
from charimg.disk import Disk
from charimg.errors import InputError
from charimg.picture_folder import EXTENSIONS, PictureFolder
from charimg.project import Project

# -- decisions --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """A current picture that became another: what an undo takes back."""

    key: str
    operation: str
    """The run or pick that did it."""
    back_through: tuple[int, ...]
    """The versions that were current before each choice of that operation, the newest first: mostly one; more where a
    plugin worked on a new picture."""

    @property
    def back_to(self) -> int:
        """The version that was current before."""
        return self.back_through[-1]


def last_changes(choices: Iterable[Choice]) -> dict[str, Change]:
    """The last change of each character that has one, the newest of all last.

    A first picture took no other's place: there is nothing to go back to.

    :param choices: those not undone, oldest first.
    """
    by_key: defaultdict[str, list[Choice]] = defaultdict(list)
    for choice in choices:
        earlier = by_key.pop(choice.key, [])  # popped and put back: the keys stand in the order of their last choice
        by_key[choice.key] = [*earlier, choice]
    changes = {}
    for key, chosen in by_key.items():
        operation = chosen[-1].operation
        first = len(chosen) - 1
        while first and chosen[first - 1].operation == operation:
            first -= 1
        if first:
            back = tuple(chosen[index - 1].version for index in range(len(chosen) - 1, first - 1, -1))
            changes[key] = Change(key, operation, back)
    return changes


def last_operation(changes: Mapping[str, Change]) -> tuple[Change, ...]:
    """What the newest run or pick changed, of those in :func:`last_changes`; nothing where nothing was changed."""
    newest = next(reversed(list(changes.values())), None)
    if newest is None:
        return ()
    return tuple(change for change in changes.values() if change.operation == newest.operation)


def candidates_waiting(history: Sequence[AttemptRecord], choices: Sequence[Choice]) -> tuple[PictureRecord, ...]:
    """The candidates of one character that nobody has chosen among yet: those made since its last choice.

    :param choices: those of this character that are not undone, oldest first.
    """
    last = choices[-1] if choices else None
    chosen = {choice.version for choice in choices}
    return tuple(
        picture
        for one in history
        if one.attempt.candidate
        for picture in one.pictures[-1:]  # where a plugin worked on it, the finished one
        if picture.version not in chosen
        and (last is None or (picture.saved is not None and picture.saved >= last.made))
    )


async def all_waiting(store: Store, records: Mapping[str, JobRecord]) -> dict[str, int]:
    """How many candidates wait to be chosen among, of every character that has any; one question for nearly all.

    :raises StorageError: the ledger cannot be read.
    """
    if not any(record.other_pictures for record in records.values()):
        return {}
    chosen: defaultdict[str, list[Choice]] = defaultdict(list)
    for choice in await store.choices():
        chosen[choice.key].append(choice)
    waiting = {}
    for key, record in records.items():
        last = chosen[key][-1].made if chosen[key] else None
        if any(one.saved is not None and (last is None or one.saved >= last) for one in record.other_pictures):
            waiting[key] = len(candidates_waiting(await store.history(key), chosen[key]))
    return {key: count for key, count in waiting.items() if count}


# -- steps ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chosen:
    """What came of making a version the current one."""

    key: str
    name: str
    version: int
    before: int
    """The version that was the current one; the same where nothing had to be done."""
    record: JobRecord
    """As the character stands now."""


@dataclass(frozen=True)
class Versions:
    """The versions of a project's pictures. The project must be locked."""

    project: Project
    store: Store
    pictures: PictureFolder

    async def pick(self, key: str, version: int, operation: str) -> Chosen:
        """Make a version the current one.

        :param operation: what the choice is remembered under.
        :raises InputError: there is no such version, or its file is gone.
        :raises StorageError: the disk or the ledger failed; :meth:`settle` finishes what was begun.
        """
        record = await self._record(key)
        before = 0 if record.picture is None else record.picture.version
        if before == version:
            await self.settle({key: record})
        else:
            self._refuse_unrecorded(record)
            source = self._file_of(record, version)
            await self._make_room(record, source)
            await self.store.record_pick(key, version, operation)
            await self._nothing_to_upload(record)
            await self._place(key, source)
        return Chosen(key, record.name, version, before, await self._record(key))

    async def undo(self, change: Change, operation: str) -> Chosen:
        """Take a change back: the version before it is the current one again, and the other stays beside it.

        :raises InputError: the file of the version before is gone.
        :raises StorageError: as :meth:`pick`.
        """
        record = await self._record(change.key)
        before = 0 if record.picture is None else record.picture.version
        self._refuse_unrecorded(record)
        source = self._file_of(record, change.back_to)
        await self._make_room(record, source)
        for version in change.back_through:
            await self.store.record_pick(change.key, version, operation, undoes=True)
        await self._nothing_to_upload(record)
        await self._place(change.key, source)
        return Chosen(change.key, record.name, change.back_to, before, await self._record(change.key))

    async def settle(self, records: Mapping[str, JobRecord] | None = None) -> tuple[str, ...]:
        """Finish what an interrupted pick or undo has begun; the names of the characters whose records changed by it.

        A new picture that an interrupted run could not record is left in its place, for the run to take up.

        :param records: what the ledger knows, where the caller has just read it.
        :raises StorageError: the disk or the ledger failed.
        """
        records = await self.store.jobs() if records is None else records
        changed: dict[str, JobRecord] = {}
        for key, record in records.items():
            source = self._out_of_place(record)
            if self._holds_unrecorded(record):
                if await self._found_again(record):
                    changed[key] = await self._record(key)
            elif source is not None:
                await self._make_room(record, source)
                await self._place(key, source)
                changed[key] = await self._record(key)
        now = {**records, **changed}
        self._drop_doubles({key: record for key, record in now.items() if record.other_pictures})
        return tuple(record.name for record in changed.values())

    async def _record(self, key: str) -> JobRecord:
        record = await self.store.job(key)
        if record is None:
            raise InputError(f"the ledger knows no character {key}; 'charimg status' shows everybody")
        return record

    def _file_of(self, record: JobRecord, version: int) -> Path:
        versions = versions_of(record)
        picture = next((one for one in versions if one.version == version), None)
        if picture is None:
            raise InputError(f"{record.name} has no version {version}; {_listed(versions, record)}")
        path = self.project.found(picture.path)
        if not is_there(picture, versions, self.project, self.pictures.disk):
            raise InputError(
                f"the file of version {version} of {record.name} is gone ({picture.path}); put it back, or choose"
                f" another: {_listed([one for one in versions if one is not picture], record)}"
            )
        return path

    async def _make_room(self, record: JobRecord, source: Path) -> None:
        """Whatever stands where the current picture belongs has another name too, and the ledger knows it by that.

        :param source: the file of the version that is to stand there.
        """
        disk = self.pictures.disk
        recorded = self._files_of(record)
        for extension in EXTENSIONS:
            place = self.pictures.folder / f"{record.key}{extension}"
            if place == source or not disk.is_file(place):
                continue
            if place in recorded or (extension == source.suffix and not self._is_double(place, recorded)):
                second = self.pictures.second_name(place)
                await self.store.record_moved(record.key, self.project.shown(place), self.project.shown(second))

    def _refuse_unrecorded(self, record: JobRecord) -> None:
        if self._holds_unrecorded(record):
            raise InputError(
                f"a run was interrupted while it was at work on {record.name}, and a picture of it is not recorded yet;"
                " 'charimg run' takes it up"
            )

    def _holds_unrecorded(self, record: JobRecord) -> bool:
        """Whether a run may have died after it put a new picture in place and before it could say so: that is settled
        first, or the ledger would give the new picture an old one's number."""
        if record.picture is None or all(attempt.candidate for attempt in record.open_attempts):
            return False
        known = {one.facts.sha256 for one in versions_of(record)}
        suffix = self.project.found(record.picture.path).suffix
        return self._digest_at(self.pictures.place_of(record.key, suffix)) not in (None, *known)

    async def _found_again(self, record: JobRecord) -> bool:
        """The ledger has the current version where the new picture stands by now: it knows it again by the name that
        the interrupted run kept it under."""
        picture = record.picture
        if picture is None or self._digest_at(self.project.found(picture.path)) == picture.facts.sha256:
            return False
        recorded, folder = self._files_of(record), self.pictures.folder
        for _, path in _named_for(self.pictures.disk.names(folder), folder, {record.key: record}):
            if path not in recorded and self._digest_at(path) == picture.facts.sha256:
                await self.store.record_moved(record.key, picture.path, self.project.shown(path))
                return True
        return False

    def _digest_at(self, path: Path) -> str | None:
        return _digest(self.pictures.disk.read(path)) if self.pictures.disk.is_file(path) else None

    async def _place(self, key: str, source: Path) -> None:
        """The current version stands in its place, and nothing has a name for two."""
        place = self.pictures.folder / f"{key}{source.suffix}"
        if place != source:
            place = self.pictures.put_in_place(key, source)
            await self.store.record_moved(key, self.project.shown(source), self.project.shown(place))
        record = await self._record(key)
        for path in (source, *(self.pictures.place_of(key, extension) for extension in EXTENSIONS)):
            self._drop_if_double(path, record)

    def _out_of_place(self, record: JobRecord) -> Path | None:
        """The file of the current version, where it is named as the others are.

        A picture in another folder stays there: it was made with another ``--out``, and is where the ledger says.
        """
        if record.picture is None or _number_of(record.picture.path, record.key) is None:
            return None
        source = self.project.found(record.picture.path)
        ours = source.parent == self.pictures.folder and self.pictures.disk.is_file(source)
        return source if ours else None

    def _files_of(self, record: JobRecord) -> set[Path]:
        return {self.project.found(one.path) for one in versions_of(record)}

    async def _nothing_to_upload(self, before: JobRecord) -> None:
        """Where the character's pictures are not uploaded anywhere, the one that is current now is done as well."""
        now = await self._record(before.key)
        if now.uploader is None and before.uploader == NOWHERE:
            await self.store.record_upload(before.key, NOWHERE, None)

    def _drop_doubles(self, records: Mapping[str, JobRecord]) -> None:
        """Take away names that an exchange of places left behind: of a picture that has its name in the ledger.

        No picture loses its last name by it: what goes has the bytes of a file that stays, to the last of them.
        """
        folder = self.pictures.folder
        for key, path in _named_for(self.pictures.disk.names(folder) if records else (), folder, records):
            self._drop_if_double(path, records[key])

    def _drop_if_double(self, path: Path, record: JobRecord) -> None:
        recorded = self._files_of(record)
        stays = None if path in recorded else self._double_of(path, recorded)
        if stays is not None:
            self.pictures.drop(path, stays)

    def _is_double(self, path: Path, others: Iterable[Path]) -> bool:
        return self._double_of(path, others) is not None

    def _double_of(self, path: Path, others: Iterable[Path]) -> Path | None:
        disk = self.pictures.disk
        there = [other for other in others if other.suffix == path.suffix and disk.is_file(other)]
        if not there or not disk.is_file(path):
            return None
        data = disk.read(path)
        return next((other for other in there if disk.read(other) == data), None)


NOWHERE = "none"
"""The uploader that uploads nothing."""


def versions_of(record: JobRecord) -> tuple[PictureRecord, ...]:
    """Every version of a character's picture, in the order made."""
    current = () if record.picture is None else (record.picture,)
    return tuple(sorted((*record.other_pictures, *current), key=lambda one: one.version))


def is_there(picture: PictureRecord, versions: Iterable[PictureRecord], project: Project, disk: Disk) -> bool:
    """Whether the file of a version is there.

    The name of one that was deleted by hand is free, and another version may have it by now: that is told by what the
    file holds. (One that was retouched by hand is there, whatever it holds.)

    :param versions: all of that character's.
    """
    path = project.found(picture.path)
    if not disk.is_file(path):
        return False
    others = {one.facts.sha256 for one in versions if one.path == picture.path and one.version != picture.version}
    return not others or _digest(disk.read(path)) not in others - {picture.facts.sha256}


async def settle(
    project: Project, store: Store, pictures: PictureFolder, records: Mapping[str, JobRecord] | None = None
) -> tuple[str, ...]:
    """Finish what an interrupted pick or undo has begun: :meth:`Versions.settle`, for the beginning of a run."""
    return await Versions(project, store, pictures).settle(records)


def _named_for(names: Iterable[str], folder: Path, keys: Mapping[str, object]) -> Iterator[tuple[str, Path]]:
    """The files that are named as pictures of these characters are."""
    for name in names:
        key, dot, rest = name.partition(".")  # no key holds a dot
        number, _, extension = rest.rpartition(".")
        if dot and key in keys and f".{extension}" in EXTENSIONS and (not number or number.isdecimal()):
            yield key, folder / name


def _number_of(path: str, key: str) -> int | None:
    """The number in the name of a picture that is not the current one; ``None`` where there is none."""
    name = path.replace("\\", "/").rpartition("/")[2]
    number, dot, _ = name.removeprefix(f"{key}.").rpartition(".")
    return int(number) if dot and number.isdecimal() and name.startswith(f"{key}.") else None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _listed(versions: Sequence[PictureRecord], record: JobRecord) -> str:
    if not versions:
        return "there is no other"
    current = None if record.picture is None else record.picture.version
    words = [f"{one.version} (current)" if one.version == current else str(one.version) for one in versions]
    return f"there {'is' if len(words) == 1 else 'are'} {', '.join(words)}"
