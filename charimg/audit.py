"""What differs between the ledger and the pictures on disk. Pure: ledger and disk have been read by the caller.

A picture is known by the digest of its file. So a file that is not where the ledger has it can be told from one that
is gone, and one that was edited from one that was exchanged.
"""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath

from charimg.contracts import Attempt, JobRecord, PictureRecord
from charimg.found_pictures import SUFFIXES, composed
from charimg.metadata import PictureMetadata


class Kind(str, Enum):
    """What is amiss."""

    DAMAGED = "damaged"
    """The ledger cannot be read."""
    LEDGER = "ledger"
    """The ledger contradicts itself."""
    MISSING = "missing"
    """The current picture of a character is gone."""
    MOVED = "moved"
    """A recorded picture has another name now."""
    ALTERED = "altered"
    """A recorded picture was edited, or another put in its place."""
    UNREADABLE = "unreadable"
    """A file is called as a picture and is none."""
    ORPHANED = "orphaned"
    """A picture that the ledger does not know."""
    OUT_OF_PLACE = "out of place"
    """A current picture is not called as one, and another may be taken for it."""
    DUPLICATE = "duplicate"
    """Characters of different prompts have the very same picture."""
    UNFINISHED = "unfinished"
    """A temporary file that a run left behind."""
    OPEN = "open"
    """An attempt whose end was never recorded."""
    SIDECAR = "sidecar"
    """What is known of a picture that is not there."""
    GONE = "gone"
    """A picture that is not the current one is gone, or was written over."""
    COPY = "copy"
    """A second file of a recorded picture."""
    FORMER = "former"
    """Pictures of characters that the roster does not have."""

    def __str__(self) -> str:
        return self.value


NOTES = frozenset({Kind.GONE, Kind.COPY, Kind.FORMER})
"""Worth knowing; nothing is amiss."""


@dataclass(frozen=True)
class Finding:
    """One thing that differs."""

    kind: Kind
    words: str
    """What is amiss, in one line."""
    remedy: str = ""
    """What the user can do."""
    keys: tuple[str, ...] = ()
    """The characters it concerns."""
    path: str = ""
    """The file, as the ledger writes paths."""
    found_at: str = ""
    """Where the picture is instead."""
    version: int | None = None
    mendable: bool = False
    """``charimg check --repair`` mends it."""
    attempt: Attempt | None = None
    """The attempt that is open."""

    @property
    def is_note(self) -> bool:
        """Whether nothing is amiss."""
        return self.kind in NOTES

    @property
    def line(self) -> str:
        """What is amiss and what to do, in one line."""
        return f"{self.words}; {self.remedy}" if self.remedy else self.words


@dataclass(frozen=True)
class FileOnDisk:
    """A picture file as it was read."""

    sha256: str
    """Hex digest of the file; empty where it cannot be read."""
    size: int = 0
    fault: str = ""
    """Why it is no picture; looked for only where the ledger does not know the digest."""
    metadata: PictureMetadata | None = None
    """What it says of itself; likewise."""


@dataclass(frozen=True)
class Part:
    """A temporary file."""

    key: str
    """Whose picture it is to become; empty where its name does not tell."""
    whole: bool
    """It holds a sound picture."""
    sha256: str = ""


@dataclass(frozen=True)
class OnDisk:
    """All that was read, by path as the ledger writes paths."""

    files: Mapping[str, FileOnDisk]
    """Picture files of the folder, and recorded ones elsewhere; no entry for one that is gone."""
    folder: str
    """The project's folder of pictures; empty where that is the project's own."""
    sidecars: Mapping[str, PictureMetadata] = field(default_factory=dict)
    """Sidecars without their picture."""
    parts: Mapping[str, Part] = field(default_factory=dict)


@dataclass(frozen=True)
class Cast:
    """Whom the roster has; nobody knows where there is none."""

    names: Mapping[str, str] | None = None
    """By key."""
    named_after: Mapping[str, str] = field(default_factory=dict)
    """The key of the character that a file without a record is named after, by path."""


def audit(
    records: Mapping[str, JobRecord], disk: OnDisk, cast: Cast | None = None, faults: Sequence[str] = ()
) -> tuple[Finding, ...]:
    """Everything that differs, what is worst first; then the notes.

    :param records: all that the ledger knows.
    :param faults: what the ledger says is wrong with itself.
    """
    found = list(_Comparison(records, disk, cast or Cast()).findings())
    found += [Finding(Kind.LEDGER, f"the ledger: {fault}", _LEDGER_REMEDY) for fault in faults]
    order = list(Kind)
    return tuple(sorted(found, key=lambda one: (one.is_note, order.index(one.kind), one.path, one.keys)))


_LEDGER_REMEDY = "put a backup of the ledger in its place, or move it away and rebuild it: charimg adopt PICTURES"
_MAKE = "charimg run makes it again"
_REPAIR = "charimg check --repair"
_MOST_NAMED = 4


@dataclass(frozen=True)
class _Place:
    """The versions of one character that are recorded at one path."""

    record: JobRecord
    path: str
    versions: tuple[PictureRecord, ...]

    @property
    def key(self) -> str:
        return self.record.key

    @property
    def current(self) -> PictureRecord | None:
        """The current picture of its character, if that is the one recorded here."""
        picture = self.record.picture
        return picture if picture is not None and picture in self.versions else None

    @property
    def lead(self) -> PictureRecord:
        """The version that the file is to hold."""
        return self.current or max(self.versions, key=lambda one: one.version)


class _Comparison:
    def __init__(self, records: Mapping[str, JobRecord], disk: OnDisk, cast: Cast) -> None:
        self._records, self._disk, self._cast = records, disk, cast
        self._places = [
            _Place(record, path, tuple(versions))
            for record in records.values()
            for path, versions in _by_path(record).items()
        ]
        self._digests: defaultdict[str, set[str]] = defaultdict(set)
        """Whose pictures have these bytes."""
        for place in self._places:
            for one in place.versions:
                self._digests[one.facts.sha256].add(place.key)
        self._paths = {place.path for place in self._places}
        self._attempts = {one.attempt: place.key for place in self._places for one in place.versions if one.attempt}
        self._accounted: set[str] = set()
        """Files that some finding, or the ledger itself, explains."""

    def findings(self) -> Iterator[Finding]:
        sound = [place for place in self._places if self._holds(place)]
        displaced = [place for place in self._places if not self._holds(place)]
        self._accounted |= {place.path for place in sound}
        elsewhere = self._looked_for(displaced)
        moved: set[str] = set()
        for place in displaced:
            at = elsewhere.get((place.key, place.path), "")
            finding = self._displaced(place, at)
            if finding.found_at and place.current is not None:
                moved.add(place.key)
            yield finding
        yield from self._written_over(sound)
        yield from self._unknown()
        yield from self._out_of_place(moved)
        yield from self._duplicates()
        yield from self._open()
        yield from self._unfinished()
        yield from self._sidecars()
        yield from self._former()

    # -- recorded files -------------------------------------------------------------------------------------------

    def _holds(self, place: _Place) -> bool:
        """Whether the file holds the version it is to hold: the current one, or any where none of them is."""
        file = self._disk.files.get(place.path)
        wanted = (place.current,) if place.current else place.versions
        return file is not None and any(one.facts.sha256 == file.sha256 for one in wanted)

    def _looked_for(self, displaced: Sequence[_Place]) -> dict[tuple[str, str], str]:
        """Where the pictures are that are not where the ledger has them; each file is taken for one only."""
        free: defaultdict[str, list[str]] = defaultdict(list)
        for path, file in self._disk.files.items():
            if path not in self._accounted and file.sha256:
                free[file.sha256].append(path)
        found: dict[tuple[str, str], str] = {}
        for place in sorted(displaced, key=lambda one: one.current is None):
            there = [path for path in free.get(place.lead.facts.sha256, ()) if path not in self._accounted]
            if there:
                best = min(there, key=lambda path: (not _name(path).startswith(place.key), path))
                found[place.key, place.path] = best
                self._accounted.add(best)
        return found

    def _displaced(self, place: _Place, at: str) -> Finding:
        file = self._disk.files.get(place.path)
        name, keys, version = place.record.name, (place.key,), place.lead.version
        free = file is not None and place.path not in self._accounted
        if file is not None and free and self._is_edit(place, file):
            self._accounted.add(place.path)
            words = f"{name}: {place.path} is not the picture that was recorded there"
            if at:
                words += f", which is at {at} now"
            remedy = f"{_REPAIR} keeps it as a further version, edited by hand"
            return Finding(Kind.ALTERED, words, remedy, keys, place.path, at, version, mendable=True)
        if at:
            words = f"{name}: {place.path} is at {at} now"
            return Finding(
                Kind.MOVED, words, f"{_REPAIR} notes it in the ledger", keys, place.path, at, version, mendable=True
            )
        if file is not None and free and file.fault:
            self._accounted.add(place.path)
            words = f"{name}: {place.path} is damaged: {file.fault}"
            return Finding(Kind.UNREADABLE, words, self._restore(place), keys, place.path, version=version)
        what = "is gone" if file is None else "holds another picture"
        if place.current is None:
            called = "" if ".gone-" in place.path else f" ({place.path})"  # a name that stands for none
            words = f"{name}: version {version}{called} {'is gone' if file is None else 'was written over'}"
            return Finding(Kind.GONE, words, "", keys, place.path, version=version)
        remedy = f"put it back from a backup, {self._pick(place)}or {_MAKE}" if file is None else self._restore(place)
        return Finding(Kind.MISSING, f"{name}: {place.path} {what}", remedy, keys, place.path, version=version)

    def _is_edit(self, place: _Place, file: FileOnDisk) -> bool:
        """Whether what stands at a recorded place is a picture that somebody put there for that character."""
        if file.fault or not file.sha256:
            return False
        if file.sha256 in self._digests and place.key not in self._digests[file.sha256]:
            return False  # a copy of another character's
        said = file.metadata
        if said is None:
            return True
        attempts = {one.attempt for one in place.versions}
        return said.key == place.key and (not said.attempt or said.attempt in attempts)

    def _restore(self, place: _Place) -> str:
        if place.current is None:
            return "put it back from a backup, or leave it: it is not the current picture"
        return f"put it back from a backup, or make another: {_redo((place.record.name,))}"

    def _pick(self, place: _Place) -> str:
        """How to take another version instead, if there is one on disk."""
        there = [one.version for one in place.record.other_pictures if one.path in self._disk.files]
        return (
            f"take another ({shlex.join(['charimg', 'pick', place.record.name, str(max(there))])}), " if there else ""
        )

    def _written_over(self, sound: Sequence[_Place]) -> Iterator[Finding]:
        """Versions whose file holds a later one: edited in place, and recorded as that."""
        for place in sound:
            sha256 = self._disk.files[place.path].sha256
            for one in place.versions:
                if one.facts.sha256 != sha256:
                    words = f"{place.record.name}: version {one.version} ({place.path}) was written over"
                    yield Finding(Kind.GONE, words, "", (place.key,), place.path, version=one.version)

    # -- other files ----------------------------------------------------------------------------------------------

    def _unknown(self) -> Iterator[Finding]:
        for path, file in self._disk.files.items():
            if path in self._accounted:
                continue
            if file.sha256 in self._digests:
                yield Finding(Kind.COPY, f"{path} is a copy of a recorded picture", "delete it if you like", path=path)
            elif file.fault or not file.sha256:
                words = f"{path} is no sound picture: {file.fault or 'it cannot be read'}"
                yield Finding(Kind.UNREADABLE, words, "delete it, or put it back from a backup", path=path)
            elif file.metadata is not None:
                said = file.metadata
                name = self._name_of(said.key) or said.name or said.key
                yield Finding(
                    Kind.ORPHANED,
                    f"{name}: {path} is not in the ledger",
                    f"{_REPAIR} adopts it",
                    (said.key,),
                    path,
                    mendable=True,
                )
            elif path in self._cast.named_after:
                key = self._cast.named_after[path]
                words = f"{self._name_of(key) or key}: {path} is not in the ledger and says nothing of its making"
                remedy = f"charimg adopt {shlex.quote(self._disk.folder or '.')} takes it by its name"
                yield Finding(Kind.ORPHANED, words, remedy, (key,), path)
            else:
                words = f"{path} is not in the ledger and says nothing of its making"
                remedy = "name it after a character and adopt it, or keep it elsewhere"
                yield Finding(Kind.ORPHANED, words, remedy, path=path)

    def _name_of(self, key: str) -> str | None:
        names = self._cast.names
        if names is not None and key in names:
            return names[key]
        return self._records[key].name if key in self._records else None

    def _out_of_place(self, moved: set[str]) -> Iterator[Finding]:
        """Current pictures that are called as another is.

        A name of the user's own is let be, as long as nothing else stands where the current picture belongs.
        """
        standing = {composed(_name(path)): path for path in self._disk.files if self._in_folder(path)}
        for key, record in self._records.items():
            picture = record.picture
            if picture is None or key in moved or picture.path not in self._disk.files:
                continue
            name = composed(_name(picture.path))
            stem, suffix = _split(name)
            if not self._in_folder(picture.path) or stem == key:
                continue
            taken = [standing[f"{key}{one}"] for one in sorted(SUFFIXES) if f"{key}{one}" in standing]
            whose = _NUMBERED.sub("", stem)
            if taken or (whose != key and self._name_of(whose) is not None):
                words = f"{record.name}: its current picture is at {picture.path}"
                if taken:
                    words += f", and {taken[0]} is not it"
                yield Finding(
                    Kind.OUT_OF_PLACE,
                    words,
                    f"{_REPAIR} puts it in its place",
                    (key,),
                    picture.path,
                    found_at=f"{key}{suffix}",
                    version=picture.version,
                    mendable=True,
                )

    def _in_folder(self, path: str) -> bool:
        return path.rpartition("/")[0] == self._disk.folder

    def _duplicates(self) -> Iterator[Finding]:
        """Some services answer a rate limit with a picture that says so."""
        same: defaultdict[str, list[JobRecord]] = defaultdict(list)
        for key, record in self._records.items():
            names = self._cast.names
            if record.picture is not None and (names is None or key in names):
                same[record.picture.original or record.picture.facts.sha256].append(record)
        for alike in same.values():
            if len({one.prompt for one in alike if one.prompt}) < 2:
                continue
            names_of = [one.name for one in alike]
            path = alike[0].picture.path if alike[0].picture else ""
            words = f"{_listed(names_of)} have the very same picture ({path}), perhaps a placeholder of the service"
            remedy = f"look at it, and make them again: {_redo(names_of)}"
            yield Finding(Kind.DUPLICATE, words, remedy, tuple(one.key for one in alike), path)

    # -- what was left in the middle --------------------------------------------------------------------------------

    def _open(self) -> Iterator[Finding]:
        for key, record in self._records.items():
            for attempt in record.open_attempts:
                if attempt.ticket:
                    words = f"{record.name}: an attempt is still under way at {attempt.lane or attempt.provider}"
                    yield Finding(Kind.OPEN, words, "charimg run fetches it", (key,), attempt=attempt)
                else:
                    words = f"{record.name}: a run was interrupted, and the picture may have been charged"
                    remedy = "charimg run, or charimg check --repair, settles it"
                    yield Finding(Kind.OPEN, words, remedy, (key,), mendable=True, attempt=attempt)

    def _unfinished(self) -> Iterator[Finding]:
        for path, part in self._disk.parts.items():
            name = self._name_of(part.key) or part.key
            head = f"{name}: " if name else ""
            if not part.whole:
                words, remedy = f"{head}{path} is a leftover that holds no whole picture", f"{_REPAIR} removes it"
            elif part.sha256 in self._digests:
                words, remedy = f"{head}{path} is a leftover; its picture is recorded", f"{_REPAIR} removes it"
            else:
                words, remedy = f"{head}{path} is a whole picture without its name", f"{_REPAIR} takes it up"
            keys = (part.key,) if part.key else ()
            yield Finding(Kind.UNFINISHED, words, remedy, keys, path, mendable=bool(part.key) or not part.whole)

    def _sidecars(self) -> Iterator[Finding]:
        for path, said in self._disk.sidecars.items():
            if path.removesuffix(".json") in self._paths:
                continue  # its picture is told of as missing
            known = self._attempts.get(said.attempt) == said.key
            words = f"{self._name_of(said.key) or said.name or said.key}: {path} tells of a picture that is not there"
            remedy = f"{_REPAIR} removes it: the ledger knows all of it" if known else "delete it, or find its picture"
            yield Finding(Kind.SIDECAR, words, remedy, (said.key,), path, mendable=known)

    def _former(self) -> Iterator[Finding]:
        if self._cast.names is None:
            return
        former = [one for key, one in self._records.items() if one.picture is not None and key not in self._cast.names]
        if former:
            names = _listed([one.name for one in former])
            single = "is no longer in the roster; its picture is kept"
            words = single if len(former) == 1 else "are no longer in the roster; their pictures are kept"
            yield Finding(Kind.FORMER, f"{names} {words}", keys=tuple(one.key for one in former))


_NUMBERED = re.compile(r"\.[0-9]+$")


def _by_path(record: JobRecord) -> dict[str, list[PictureRecord]]:
    paths: defaultdict[str, list[PictureRecord]] = defaultdict(list)
    for one in (*record.other_pictures, *(() if record.picture is None else (record.picture,))):
        paths[one.path].append(one)
    return paths


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _split(name: str) -> tuple[str, str]:
    return PurePosixPath(name).stem, PurePosixPath(name).suffix


def _redo(names: Iterable[str]) -> str:
    return shlex.join(["charimg", "redo", *names])


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:_MOST_NAMED])
    more = len(names) - len(shown)
    if more:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
