"""Taking stock: reading all that is on disk, for :mod:`charimg.audit` to compare with the ledger.

Every file is read once and piece by piece, whatever its size; only what the ledger does not know is decoded. What was
read is remembered as long as a file stays as it is, so that a second look costs no more than a listing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from charimg.audit import Cast, FileOnDisk, OnDisk, Part
from charimg.contracts import JobRecord, PictureRecord
from charimg.errors import StorageError
from charimg.found_pictures import LeftOut, digest_of, is_picture_name, picture_files, read_picture
from charimg.metadata import PictureMetadata, from_sidecar
from charimg.model import ImageRequest, Roster
from charimg.picture_folder import PictureFolder
from charimg.project import Project
from charimg.roster import key_fault, request_for
from charimg.survey import NamedAfter, versions_of

_PART = re.compile(r"\.(?P<key>[^.]+)\.[0-9a-f]{12}\.part(\.json)?")
"""A picture on its way to its name, or its sidecar: see :class:`charimg.picture_folder.PictureFolder`."""
_COPY = re.compile(r"\.(?P<key>[^.]+)(\.[0-9]+)?\.(png|jpg|webp|gif)(\.json)?\.part|\.charimg\.part")
"""A picture on its way to a further name; it had one already."""


@dataclass
class Stock:
    """What is on the disk of one project.

    :param quick: a file of the recorded size is taken for the recorded one.
    :param explain: what is known of a picture may be written beside it.
    :param looked_at: called after each file.
    """

    project: Project
    pictures: PictureFolder
    roster: Roster | None = None
    quick: bool = False
    explain: bool = True
    looked_at: Callable[[], object] = lambda: None
    _read: dict[Path, tuple[tuple[int, int, int], FileOnDisk]] = field(default_factory=dict)

    @cached_property
    def requests(self) -> Mapping[str, ImageRequest]:
        """What the roster asks for, by key; nothing without one."""
        return {one.key: request_for(self.roster, one) for one in self.roster.characters} if self.roster else {}

    def files(self) -> list[Path]:
        """The pictures of the folder, without a look into any.

        :raises StorageError: the folder cannot be listed.
        """
        try:
            return [one for one in picture_files(self.pictures.folder, self.pictures.disk) if isinstance(one, Path)]
        except OSError as error:
            raise StorageError(f"cannot read the folder {self.pictures.folder}: {error.strerror or error}") from error

    def take(self, records: Mapping[str, JobRecord]) -> tuple[OnDisk, Cast]:
        """All that is there, and whom the roster has.

        :param records: what the ledger knows.
        :raises StorageError: the folder cannot be listed.
        """
        shown, disk = self.project.shown, self.pictures.disk
        known: dict[str, list[PictureRecord]] = {}
        for record in records.values():
            for version in versions_of(record):
                known.setdefault(version.path, []).append(version)
        digests = {one.facts.sha256 for versions in known.values() for one in versions}
        files: dict[str, FileOnDisk] = {}
        there = dict.fromkeys(self.files())
        outside = (self.project.found(path) for path in known)
        for path in [*there, *(one for one in outside if one not in there and disk.is_file(one))]:
            files[shown(path)] = self._file(path, known.get(shown(path), []), digests)
            self.looked_at()
        folder = shown(self.pictures.folder)
        sidecars, parts = self._hidden()
        nameless = [path for path, file in files.items() if file.metadata is None and file.sha256 not in digests]
        return OnDisk(files, "" if folder == "." else folder, sidecars, parts), self._cast(nameless)

    def _file(self, path: Path, recorded: list[PictureRecord], digests: set[str]) -> FileOnDisk:
        try:
            facts = path.stat()
            mark = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
            if path in self._read and self._read[path][0] == mark:
                read = self._read[path][1]
            elif self.quick and any(one.facts.size == facts.st_size for one in recorded):
                same = [one for one in recorded if one.facts.size == facts.st_size]
                return FileOnDisk(max(same, key=lambda one: one.version).facts.sha256, facts.st_size)
            else:
                read = FileOnDisk(*digest_of(path))
        except OSError as error:
            return FileOnDisk("", fault=f"it cannot be read ({error.strerror or error})")
        if read.sha256 not in digests and not read.fault and read.metadata is None:
            found = read_picture(path, self.pictures.disk)
            fault = found.why.removeprefix("no sound picture: ") if isinstance(found, LeftOut) else ""
            said = None if isinstance(found, LeftOut) else found.metadata
            read = replace(read, fault=fault, metadata=said)
        self._read[path] = (mark, read)
        return read

    def _hidden(self) -> tuple[dict[str, PictureMetadata], dict[str, Part]]:
        """Sidecars without a picture, and temporary files."""
        folder, disk = self.pictures.folder, self.pictures.disk
        names = set(disk.names(folder))
        sidecars: dict[str, PictureMetadata] = {}
        parts: dict[str, Part] = {}
        for name in sorted(names):
            path, picture = folder / name, name.removesuffix(".json")
            if picture != name and is_picture_name(picture) and picture not in names:
                said = self._sidecar(path)
                if said is not None:
                    sidecars[self.project.shown(path)] = said
            part = _PART.fullmatch(name) or _COPY.fullmatch(name)
            if part and disk.is_file(path) and not (picture != name and picture in names):
                parts[self.project.shown(path)] = self._part(path, part["key"] or "", picture == name)
        return sidecars, parts

    def _part(self, path: Path, key: str, may_be_picture: bool) -> Part:
        found = read_picture(path, self.pictures.disk) if may_be_picture else None
        key = "" if key_fault(key) else key
        if found is None or isinstance(found, LeftOut):
            return Part(key, whole=False)
        return Part(key, whole=True, sha256=found.facts.sha256)

    def _sidecar(self, path: Path) -> PictureMetadata | None:
        try:
            return from_sidecar(self.pictures.disk.read(path)) if path.stat().st_size < _MOST else None
        except OSError:
            return None

    def _cast(self, nameless: list[str]) -> Cast:
        if self.roster is None:
            return Cast()
        named_after = NamedAfter(self.roster.characters)
        found = ((path, named_after.of(Path(path))) for path in nameless)
        by_path = {path: named[0].key for path, named in found if not isinstance(named, str)}
        return Cast({one.key: one.name for one in self.roster.characters}, by_path)


_MOST = 4 * 1024 * 1024
"""Bytes of the largest sidecar that is read."""
