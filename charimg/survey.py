"""Whose picture is this? What a file says of itself, or its name, decides; what the ledger has already is let be.

Names are compared before a file is opened, so that a folder of many thousand pictures whose ledger is complete costs no
more than its listing. Nothing is changed here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from charimg.contracts import JobRecord, PictureRecord
from charimg.found_pictures import FoundPicture, LeftOut, composed, read_picture
from charimg.model import Character, Roster
from charimg.picture_folder import EXTENSIONS, PictureFolder
from charimg.project import Project
from charimg.roster import request_for
from charimg.roster.keys import slug, twin_of


class Take(Enum):
    """Which pictures are taken up."""

    LACKING = "lacking"
    """Those that say whose they are, of characters without one: what a run would make again. Only files are opened that
    are named after such a character, or have the size of a picture that is missed."""
    SAID = "said"
    """All that say whose they are."""
    NAMED = "named"
    """Also those of which only the file name tells whose they are."""


@dataclass(frozen=True)
class Claim:
    """Whose picture a file is."""

    found: FoundPicture
    key: str
    name: str
    asked: str
    """Fingerprint of what it was made from."""
    in_place: bool
    """It is called ``<key>.<ext>``, as the current picture is."""
    by_name: bool = False
    lost_from: str | None = None
    """Where the ledger has it, and it is no more."""

    @property
    def attempt(self) -> str:
        """The attempt it says it comes from; empty if it does not."""
        return "" if self.found.metadata is None else self.found.metadata.attempt


class NamedAfter:
    """Which character a file is named after."""

    def __init__(self, characters: Iterable[Character]) -> None:
        self._by_key: dict[str, Character] = {}
        self._by_name: defaultdict[str, list[Character]] = defaultdict(list)
        for one in characters:
            self._by_key[twin_of(one.key)] = one
            self._by_name[twin_of(slug(one.name))].append(one)

    def of(self, path: Path) -> tuple[Character, bool] | str:
        """The character, and whether the name is without a number (not ``anna.2.png``); or why there is none."""
        base, dot, number = composed(path.stem).rpartition(".")
        numbered = bool(dot) and number.isdecimal()
        stem = base if numbered else composed(path.stem)
        character = self._by_key.get(twin_of(stem)) or self._by_key.get(twin_of(slug(stem)))
        if character is not None:
            return character, not numbered
        called = self._by_name.get(twin_of(slug(stem)), [])
        if len(called) > 1:
            keys = ", ".join(one.key for one in called[:3])
            return f"several characters are called so; name it after a key: {keys}"
        return (called[0], not numbered) if called else "it says nothing of its making, and no character is called so"


class Survey:
    """Looks at files and decides whose they are; changes nothing."""

    def __init__(
        self,
        project: Project,
        pictures: PictureFolder,
        records: Mapping[str, JobRecord],
        roster: Roster | None,
        take: Take,
    ) -> None:
        self.project, self.pictures, self.records, self._take = project, pictures, records, take
        self.wanted: defaultdict[str, list[Claim]] = defaultdict(list)
        self.known = 0
        self.left_out: list[LeftOut] = []
        self._names = frozenset(map(composed, pictures.disk.names(pictures.folder)))
        self._requests = {one.key: request_for(roster, one) for one in roster.characters} if roster else {}
        self._named_after = NamedAfter(roster.characters) if roster else None
        self.paths: set[str] = set()
        """Where the ledger has pictures."""
        self._by_digest: defaultdict[str, list[tuple[str, PictureRecord]]] = defaultdict(list)
        self._by_origin: set[tuple[str, str, str]] = set()
        for key, record in records.items():
            for version in versions_of(record):
                self.paths.add(version.path)
                self._by_digest[version.facts.sha256].append((key, version))
                self._by_origin.add((key, version.attempt, version.original or version.facts.sha256))
        self._seen: set[tuple[str, str]] = set()
        self._found_again: set[str] = set()
        self.lacking = {key for key in self._requests if not self.has_picture(key)}
        """Characters of the roster without a picture."""
        missed = [records[key].picture for key in self.lacking if key in records]
        self._missed = {picture.facts.size for picture in missed if picture is not None}
        """Sizes of pictures that the ledger knows and that are gone from their places."""

    def has_picture(self, key: str) -> bool:
        """Whether the character's current picture is where the ledger says."""
        record = self.records.get(key)
        return record is not None and record.picture is not None and self.is_there(record.picture.path)

    def is_there(self, shown: str) -> bool:
        """Whether a file of the ledger is on disk; by the listing where that tells."""
        path = self.project.found(shown)
        if path.parent == self.pictures.folder and composed(path.name) not in self._names:
            return False
        return self.pictures.disk.is_file(path)

    def is_own(self, path: Path) -> bool:
        """Whether the file lies in the project's folder of pictures itself."""
        return path.parent == self.pictures.folder

    def is_beside(self, key: str, shown: str) -> bool:
        """Whether a picture of the own folder is called as those are that are not the current one."""
        path = self.project.found(shown)
        stem, _, number = composed(path.stem).rpartition(".")
        return self.is_own(path) and stem == key and number.isdecimal()

    def place_is_free_for(self, claim: Claim) -> bool:
        """Whether nothing stands where the character's current picture belongs, or this very picture."""
        places = (self.pictures.place_of(claim.key, one) for one in EXTENSIONS)
        standing = [read_picture(one, self.pictures.disk) for one in places if self.pictures.is_file(one)]
        return all(isinstance(one, FoundPicture) and one.facts == claim.found.facts for one in standing)

    def look_at(self, file: Path | LeftOut) -> None:
        """Sort one file."""
        if isinstance(file, LeftOut):
            self._leave(file)
        elif self.project.shown(file) in self.paths:
            self.known += 1
        elif self._take is not Take.LACKING or self._may_be_lacked(file):
            found = read_picture(file, self.pictures.disk)
            if isinstance(found, LeftOut):
                self._leave(found)
            else:
                self._sort(found)

    def _may_be_lacked(self, file: Path) -> bool:
        """Whether the file is called after a character without a picture, or may be one that somebody has renamed."""
        if composed(file.stem).partition(".")[0] in self.lacking:
            return True
        return bool(self._missed) and self.pictures.disk.size(file) in self._missed

    def _leave(self, file: LeftOut) -> None:
        if self._take is not Take.LACKING:
            self.left_out.append(file)

    def _sort(self, found: FoundPicture) -> None:
        sha256 = found.facts.sha256
        recorded = self._by_digest.get(sha256, [])
        lost = [
            (key, one) for key, one in recorded if one.path not in self._found_again and not self.is_there(one.path)
        ]
        if lost:
            key, version = lost[0]
            self._found_again.add(version.path)
            record = self.records[key]
            self.wanted[key].append(Claim(found, key, record.name, record.asked or "", False, lost_from=version.path))
            return
        claim = self._claim(found)
        if isinstance(claim, str):
            if recorded:
                self.known += 1
            else:
                self._leave(LeftOut(found.path, claim))
        elif (
            (claim.key, sha256) in self._seen
            or any(key == claim.key or not claim.by_name for key, _ in recorded)
            or self._knows_attempt(claim)
        ):
            self.known += 1
        elif self._wants(claim):
            self._seen.add((claim.key, sha256))
            self.wanted[claim.key].append(claim)

    def _claim(self, found: FoundPicture) -> Claim | str:
        said = found.metadata
        if said is not None:
            request = self._requests.get(said.key)
            record = self.records.get(said.key)
            name = request.name if request else said.name or (record.name if record else said.key)
            place = composed(found.path.stem) == said.key
            asked = said.asked or (request.fingerprint if request else "")
            return Claim(found, said.key, name, asked, place)
        if self._take is not Take.NAMED:
            return "it says nothing of its making; charimg adopt takes a picture by its name too"
        if self._named_after is None:
            return "it says nothing of its making, and there is no roster to look its name up in"
        named = self._named_after.of(found.path)
        if isinstance(named, str):
            return named
        character, place = named
        asked = self._requests[character.key].fingerprint
        return Claim(found, character.key, character.name, asked, place, by_name=True)

    def _knows_attempt(self, claim: Claim) -> bool:
        """The same picture in another file: known with the record inside, found with it beside. In the project's own
        folder every file counts for itself: a plugin's work and its original come from one attempt."""
        own = self.is_own(claim.found.path)
        return not own and bool(claim.attempt) and (claim.key, claim.attempt, claim.found.origin) in self._by_origin

    def _wants(self, claim: Claim) -> bool:
        return self._take is not Take.LACKING or claim.key in self.lacking


def versions_of(record: JobRecord) -> tuple[PictureRecord, ...]:
    """Every version of a character's picture."""
    return (*record.other_pictures, *(() if record.picture is None else (record.picture,)))


def in_order(claims: Iterable[Claim]) -> list[Claim]:
    """The claims by the time they were made; at the same time, the one in place is the last."""
    return sorted(claims, key=lambda one: (one.found.made, one.in_place, one.found.path.name))


def current_of(key: str, claims: Sequence[Claim], survey: Survey) -> Claim | None:
    """Which of the claims, in order, is to be the current picture; ``None`` where the ledger has one that stays so.

    One that is called ``<key>.<ext>`` takes the place of one that is called ``<key>.2.<ext>``: an adoption may have
    come no further than that.
    """
    own_in_place = [one for one in claims if one.in_place and survey.is_own(one.found.path)]
    in_place = own_in_place or [one for one in claims if one.in_place]
    record = survey.records.get(key)
    if record is not None and record.picture is not None and survey.has_picture(key):
        fits = [one for one in in_place if not one.by_name and (own_in_place or survey.place_is_free_for(one))]
        return fits[-1] if fits and survey.is_beside(key, record.picture.path) else None
    again = [one for one in claims if record and record.picture and one.lost_from == record.picture.path]
    in_place = [one for one in in_place if not one.by_name] or in_place
    own_attempts = [one for one in claims if one.found.metadata is None or not one.found.metadata.candidate]
    return (again or in_place or own_attempts or list(claims))[-1]
