"""Mending what a check found: the ledger is told what the disk holds, and files get the names they should have.

Nothing of value is deleted: a picture's bytes stay on disk under some name, whatever is mended, and what was edited or
put in another's place becomes a further version. One kind of finding is mended after another, with a fresh look
between, since one is often the cause of the next.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from charimg.adoption import NOWHERE, adopt_folder
from charimg.audit import Finding, Kind, audit
from charimg.contracts import Attempt, PictureRecord, Store
from charimg.errors import StorageError
from charimg.found_pictures import FoundPicture, read_picture
from charimg.metadata import PictureMetadata, sidecar_of, to_sidecar
from charimg.picture_folder import PictureFolder
from charimg.project import Project
from charimg.stocktaking import Stock
from charimg.survey import Take, versions_of

BY_HAND = "edited by hand"
"""The provider of a picture that somebody edited, or put in the place of another."""

_ORDER = (
    Kind.OPEN,
    Kind.UNFINISHED,
    Kind.MOVED,
    Kind.ALTERED,
    Kind.ORPHANED,
    Kind.OUT_OF_PLACE,
    Kind.SIDECAR,
)
"""What is mended, causes first."""

_MOST_ROUNDS = 20
"""Looks at the disk: each kind is mended once or twice."""


@dataclass(frozen=True)
class Mended:
    """What came of a repair."""

    done: tuple[str, ...]
    """What was mended, one line each."""
    left: tuple[Finding, ...]
    """What is still amiss, and the notes."""


async def look(stock: Stock, store: Store) -> tuple[Finding, ...]:
    """Everything that differs between ledger and disk; nothing is changed.

    :raises StorageError: ledger or folder cannot be read.
    """
    records = await store.jobs()
    disk, cast = stock.take(records)
    return audit(records, disk, cast, await store.faults())


async def repair(stock: Stock, store: Store, operation: str) -> Mended:
    """Mend what can be mended. The project must be locked.

    :param operation: what this is remembered under in the ledger, in the place of a run.
    :raises StorageError: the ledger or the disk failed. What was mended until then stays so; call it again.
    """
    workshop = _Repair(stock, store, operation)
    done: list[str] = []
    tried: set[tuple[Kind, str, tuple[str, ...], str]] = set()
    for _ in range(_MOST_ROUNDS):
        left = await look(stock, store)
        mendable = [one for one in left if one.mendable and _mark(one) not in tried]
        kind = next((kind for kind in _ORDER if any(one.kind is kind for one in mendable)), None)
        if kind is None:
            break
        now = [one for one in mendable if one.kind is kind]
        tried |= {_mark(one) for one in now}
        done += await workshop.mend(kind, now)
    else:
        left = await look(stock, store)
    return Mended(tuple(done), left)


def _mark(finding: Finding) -> tuple[Kind, str, tuple[str, ...], str]:
    attempt = "" if finding.attempt is None else finding.attempt.id
    return finding.kind, finding.path, finding.keys, finding.found_at + attempt


@dataclass
class _Repair:
    stock: Stock
    store: Store
    operation: str
    project: Project = field(init=False)
    pictures: PictureFolder = field(init=False)
    _owners: dict[str, set[str]] = field(init=False, default_factory=dict)
    """Whose pictures are recorded at each path; read anew before each kind."""
    _known: set[str] = field(init=False, default_factory=set)
    """Digests of all recorded pictures; likewise."""

    def __post_init__(self) -> None:
        self.project, self.pictures = self.stock.project, self.stock.pictures

    async def mend(self, kind: Kind, findings: Sequence[Finding]) -> list[str]:
        """Mend findings of one kind; what was done."""
        self._owners, self._known = {}, set()
        for key, record in (await self.store.jobs()).items():
            for one in versions_of(record):
                self._owners.setdefault(one.path, set()).add(key)
                self._known.add(one.facts.sha256)
        if kind is Kind.MOVED:
            return await self._note_moves(findings)
        if kind is Kind.ORPHANED:
            return await self._adopt(findings)
        one_by_one = {
            Kind.OPEN: self._settle,
            Kind.UNFINISHED: self._finish,
            Kind.ALTERED: self._keep_edit,
            Kind.OUT_OF_PLACE: self._put_in_place,
            Kind.SIDECAR: self._remove_sidecar,
        }[kind]
        return [line for one in findings if (line := await one_by_one(one)) is not None]

    # -- what a run left in the middle ----------------------------------------------------------------------------

    async def _settle(self, finding: Finding) -> str | None:
        """An attempt without an end: its picture is taken up, or it is closed as lost."""
        attempt = finding.attempt
        record = await self.store.job(finding.keys[0])
        if attempt is None or record is None:
            return None
        known = frozenset(one.facts.sha256 for one in versions_of(record))
        since = attempt.started.timestamp()
        beside = attempt.candidate and record.picture is not None  # the first of several candidates had the place
        saved = self.pictures.adopt(record.key, attempt.id, known, since, beside=beside)
        if saved is None:
            await self.store.record_lost(attempt.id)
            return f"{record.name}: the interrupted attempt left no picture; it is listed as possibly charged"
        # A version that had the place in the ledger and had lost its file must not be taken for the new one.
        kept = saved.kept_as or self.pictures.name_of_nothing(record.key, attempt.id, saved.path.suffix)
        shown = self.project.shown(saved.path)
        found = self._read(saved.path)
        said = found.metadata if found is not None else None
        mine = said is not None and said.attempt == attempt.id
        picture = PictureRecord(
            shown,
            saved.facts,
            seed=said.seed if said is not None and mine else attempt.seed,
            model=said.model if said is not None and mine else None,
            request_id=said.request_id if said is not None and mine else None,
            cost=said.cost if said is not None and mine else None,
            original=said.original if said is not None and mine else None,
            adopted=True,
        )
        await self.store.record_saved(attempt.id, picture, self.project.shown(kept))
        return f"{record.name}: the picture of the interrupted attempt is taken up: {shown}"

    async def _finish(self, finding: Finding) -> str | None:
        """A temporary file: a whole picture gets a name, anything else goes."""
        disk, part = self.pictures.disk, self.project.found(finding.path)
        found = self._read(part)
        if found is None or found.facts.sha256 in self._known:
            disk.remove(part)
            return f"{finding.path} is removed: {'it held no whole picture' if found is None else 'it was a double'}"
        name = self._free_name(finding.keys[0], found.facts.extension)
        try:
            if disk.is_file(sidecar_of(part)):
                disk.link(sidecar_of(part), sidecar_of(name))
            disk.link(part, name)
            disk.sync_folder(name.parent)
        except OSError as error:
            raise StorageError(
                f"cannot write {name}: {error.strerror or error}; free some space, then again"
            ) from error
        self.pictures.drop(part)
        return f"{finding.path} was a whole picture; it is {self.project.shown(name)} now"

    def _free_name(self, key: str, extension: str) -> Path:
        if not self.pictures.holds(key):
            return self.pictures.place_of(key, extension)
        number = 1
        while self.pictures.disk.taken(name := self.pictures.folder / f"{key}.{number}{extension}"):
            number += 1
        return name

    # -- what somebody did to the files ---------------------------------------------------------------------------

    async def _note_moves(self, findings: Sequence[Finding]) -> list[str]:
        """Pictures that have other names now. Where names were exchanged, each path is left before another comes."""
        by_key: defaultdict[str, list[Finding]] = defaultdict(list)
        for one in findings:
            by_key[one.keys[0]].append(one)
        for key, moves in by_key.items():
            left = {one.path for one in moves}
            if any(one.found_at in left for one in moves):
                for one in moves:
                    await self.store.record_moved(key, one.path, f"{one.found_at} (on the way)")
                for one in moves:
                    await self.store.record_moved(key, f"{one.found_at} (on the way)", one.found_at)
            else:
                for one in moves:
                    await self.store.record_moved(key, one.path, one.found_at)
        return [f"{one.words}: noted" for one in findings]

    async def _keep_edit(self, finding: Finding) -> str | None:
        """What stands in the place of a recorded picture is a further version, and the current one if that was."""
        key = finding.keys[0]
        record, found = await self.store.job(key), self._read(self.project.found(finding.path))
        if record is None or found is None:
            return None
        version = next((one for one in versions_of(record) if one.version == finding.version), None)
        if version is None:
            return None
        current = record.picture is not None and record.picture.version == version.version
        if finding.found_at:
            await self.store.record_moved(key, finding.path, finding.found_at)
        attempt = Attempt(
            id=uuid.uuid4().hex,
            run=self.operation,
            key=key,
            name=record.name,
            lane="",
            provider=BY_HAND,
            asked=version.asked or record.asked or "",
            prompt=(record.prompt or "") if current else "",
            seed=None,
            started=found.modified,
            candidate=not current,
        )
        await self.store.record_intent(attempt)
        if self.stock.explain:
            self._explain(found, attempt, finding.found_at)
        picture = PictureRecord(finding.path, found.facts, adopted=True, saved=found.modified)
        await self.store.record_saved(attempt.id, picture)
        if current and record.uploader == NOWHERE:
            await self.store.record_upload(key, NOWHERE, None)
        return f"{record.name}: {finding.path} is kept as a further version, edited by hand"

    def _explain(self, found: FoundPicture, attempt: Attempt, moved_to: str) -> None:
        """Say beside an edited picture whose it is, so that it is known even without the ledger; the file itself is the
        user's work and stays as it is.

        :param moved_to: where the picture is now that stood there before: what is told of that one goes with it.
        """
        asked = self.stock.requests.get(attempt.key)
        same = asked is not None and asked.fingerprint == attempt.asked
        said = PictureMetadata(
            key=attempt.key,
            made=found.modified,
            name=attempt.name,
            description=asked.description if asked is not None and same else "",
            prompt=asked.prompt if asked is not None and same else attempt.prompt,
            negative=asked.negative if asked is not None and same else None,
            seed=asked.seed if asked is not None and same else None,
            aspect_ratio=asked.aspect_ratio if asked is not None and same else "",
            provider=BY_HAND,
            attempt=attempt.id,
            asked=attempt.asked,
            original=found.facts.sha256,
            candidate=attempt.candidate,
        )
        disk, beside = self.pictures.disk, sidecar_of(found.path)
        part = beside.with_name(f".{beside.name}.part")
        try:
            if moved_to and disk.is_file(beside):
                with_it = sidecar_of(self.project.found(moved_to))
                if not disk.taken(with_it):
                    disk.link(beside, with_it)
            disk.write_new(part, to_sidecar(said, file=found.path.name, sha256=found.facts.sha256))
            disk.replace(part, beside)
            disk.sync_folder(beside.parent)
        except OSError as error:
            raise StorageError(
                f"cannot write {beside}: {error.strerror or error}; free some space, then again"
            ) from error

    async def _adopt(self, findings: Sequence[Finding]) -> list[str]:
        """Pictures that say whose they are."""
        for one in findings:
            if one.path in self._owners:  # it stands where the ledger has another's: it needs a name of its own
                self.pictures.second_name(self.project.found(one.path))
        roster, folder = self.stock.roster, self.pictures.folder
        adopted = await adopt_folder(
            self.project, self.store, self.pictures, folder, roster, self.operation, take=Take.SAID
        )
        return [f"{line}: adopted" for line in adopted.lines]

    async def _put_in_place(self, finding: Finding) -> str | None:
        """The current picture stands at ``<key>.<ext>``; what stood there has another name first."""
        key, source = finding.keys[0], self.project.found(finding.path)
        record, place = await self.store.job(key), self.pictures.place_of(key, source.suffix)
        if record is None or record.picture is None or record.picture.path != finding.path:
            return None  # another's way to its place led over this one's
        if place == source or not self.pictures.is_file(source):
            return None
        if self.pictures.disk.taken(place):
            await self._move(self.project.shown(place), self.project.shown(self.pictures.second_name(place)))
        place = self.pictures.put_in_place(key, source)
        shown = self.project.shown(place)
        await self.store.record_moved(key, finding.path, shown)
        self._owners[finding.path].discard(key)
        self._owners.setdefault(shown, set()).add(key)
        if not self._owners[finding.path]:
            self.pictures.drop(source)
        return f"{record.name}: the current picture is put in its place, {shown}"

    async def _move(self, path: str, now_at: str) -> None:
        """Whoever has a picture recorded at a path has it at another now."""
        for key in self._owners.pop(path, set()):
            await self.store.record_moved(key, path, now_at)
            self._owners.setdefault(now_at, set()).add(key)

    async def _remove_sidecar(self, finding: Finding) -> str | None:
        self.pictures.disk.remove(self.project.found(finding.path))
        return f"{finding.path} is removed: the ledger knows all that it says"

    def _read(self, path: Path) -> FoundPicture | None:
        found = read_picture(path, self.pictures.disk)
        return found if isinstance(found, FoundPicture) else None
