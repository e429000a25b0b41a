"""The folder of pictures: written so that a crash between any two steps loses nothing.

A picture is written to a hidden temporary file that carries its attempt's id, flushed to the disk, and renamed to its
final name ``<key>.<ext>``. A file that stands there already (an earlier picture, or one of the user's own) is kept
beside it as ``<key>.1.<ext>``, ``<key>.2.<ext>`` and so on, and never moved before the new one is whole. What is known
of a picture goes with it: into the file itself, or into a sidecar beside it (:mod:`charimg.metadata`).
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from charimg.disk import Disk
from charimg.errors import FlakyError, StorageError
from charimg.images import inspect
from charimg.metadata import PictureMetadata, embed, read_metadata, read_sidecar, sidecar_of, to_sidecar
from charimg.model import ImageFacts

EXTENSIONS = (".png", ".jpg", ".webp", ".gif")


@dataclass(frozen=True)
class Saved:
    """Where a picture went."""

    path: Path
    facts: ImageFacts
    """Of the file as it lies there, with what was written into it."""
    kept_as: Path | None = None
    """Where the file that stood there before is kept now."""


class PictureFolder:
    """The pictures of one project.

    :param metadata: where what is known of a picture is written: ``embed`` (into the file; beside it where it cannot
        be), ``sidecar``, ``both`` or ``none``.
    """

    def __init__(self, folder: Path, disk: Disk | None = None, metadata: str = "embed") -> None:
        self.folder = folder
        self.disk = disk or Disk()
        self._metadata = metadata

    # -- looking ------------------------------------------------------------------------------------------------

    def is_file(self, path: Path) -> bool:
        """Whether a picture of this path is there."""
        return self.disk.is_file(path)

    def read(self, path: Path) -> bytes:
        """The picture's bytes.

        :raises OSError: it cannot be read.
        """
        return self.disk.read(path)

    def digest_of(self, path: Path) -> str | None:
        """SHA-256 of a file, in hex; ``None`` if it cannot be read."""
        try:
            return hashlib.sha256(self.disk.read(path)).hexdigest()
        except OSError:
            return None

    def holds(self, key: str) -> bool:
        """Whether a picture of this key is there, whoever put it there."""
        return any(self.disk.is_file(self.place_of(key, extension)) for extension in EXTENSIONS)

    def place_of(self, key: str, extension: str) -> Path:
        """Where the current picture of a character stands."""
        return self.folder / f"{key}{extension}"

    def name_of_nothing(self, key: str, attempt: str, extension: str) -> Path:
        """A name for a picture that is gone when this attempt's took its place; no picture ever gets such a one."""
        return self.folder / f"{key}.gone-{_mark(attempt)}{extension}"

    def files(self) -> list[Path]:
        """The pictures in the folder, by name; hidden files are none."""
        names = (name for name in self.disk.names(self.folder) if not name.startswith("."))
        return [self.folder / name for name in sorted(names) if Path(name).suffix.lower() in EXTENSIONS]

    def metadata_of(self, path: Path) -> PictureMetadata | None:
        """What a picture says of itself, or its sidecar of it; ``None`` if nothing does, or it cannot be read."""
        try:
            return self._told_by(path, self.disk.read(path))
        except OSError:
            return None

    def _told_by(self, path: Path, data: bytes) -> PictureMetadata | None:
        told = read_metadata(data)
        if told is not None:
            return told
        try:
            sidecar = read_sidecar(self.disk.read(sidecar_of(path)))
        except OSError:
            return None
        # A picture may have been put there, or be about to be, that the sidecar does not speak of.
        return sidecar.metadata if sidecar and sidecar.sha256 == hashlib.sha256(data).hexdigest() else None

    # -- saving -------------------------------------------------------------------------------------------------

    def try_writing(self) -> None:
        """Find out that pictures cannot be saved here before one is paid for.

        :raises StorageError: the folder cannot be made, or nothing can be written in it.
        """
        probe = self.folder / ".charimg.part"
        with self._told(probe.name):
            self.disk.make_folder(self.folder)
            self.disk.write_new(probe, b"charimg")
        self.disk.remove(probe)

    def save(
        self,
        key: str,
        attempt: str,
        data: bytes,
        facts: ImageFacts,
        metadata: PictureMetadata | None = None,
        *,
        beside: bool = False,
    ) -> Saved:
        """Write a picture durably and say where it is.

        A picture that could be written but not be given its name stays as the temporary file, for :meth:`adopt`.

        :param facts: of *data*.
        :param metadata: what is known of it, to be written as the folder's setting says.
        :param beside: give it the next free ``<key>.<n>.<ext>``; the picture in its place stays there.
        :raises StorageError: the disk refused; the message says what to do.
        """
        data, facts, sidecar = self._described(data, facts, metadata)
        part = self._part(key, attempt)
        with self._told(key + facts.extension):
            try:
                self._write(part, data, sidecar)
                return self._finish(part, key, facts, beside)
            except FileNotFoundError:  # somebody took the folder away just now, and the bytes are still at hand
                self._write(part, data, sidecar)
                return self._finish(part, key, facts, beside)

    def _write(self, part: Path, data: bytes, sidecar: bytes | None) -> None:
        self.disk.make_folder(self.folder)
        if sidecar is not None:
            self.disk.write_new(sidecar_of(part), sidecar)
        self.disk.write_new(part, data)

    def _described(
        self, data: bytes, facts: ImageFacts, metadata: PictureMetadata | None
    ) -> tuple[bytes, ImageFacts, bytes | None]:
        """The picture with what is known of it, its facts, and the sidecar if there is to be one."""
        if metadata is None or self._metadata == "none":
            return data, facts, None
        embedded = None if self._metadata == "sidecar" else embed(data, metadata)
        if embedded is not None:
            try:  # a picture somebody paid for: nothing is written that has not been read back
                data, facts = embedded, inspect(embedded)
            except FlakyError:
                embedded = None
        beside = embedded is None or self._metadata == "both"
        return data, facts, to_sidecar(metadata, sha256=facts.sha256) if beside else None

    def adopt(
        self, key: str, attempt: str, known: frozenset[str], since: float, *, beside: bool = False
    ) -> Saved | None:
        """Find the picture that an interrupted attempt left behind, and give it its final name if it lacks it.

        A picture that says which attempt made it is believed. One that says nothing is the attempt's if it stands
        where the attempt would have put it and is younger.

        :param known: digests of pictures that are recorded already.
        :param since: when the attempt began, seconds since the epoch; an older file is not its work.
        :param beside: as it was saved.
        :raises StorageError: there is a picture, and the disk refuses to give it its name; or there is a file that may
            be the picture, and it cannot be read just now: nobody may pay for another on that account.
        """
        part = self._part(key, attempt)
        whole = self._read_for_adoption(part)
        if whole is not None:
            try:
                facts = inspect(whole)
            except FlakyError:
                self.disk.remove(part)
            else:
                with self._told(key + facts.extension):
                    return self._finish(part, key, facts, beside)
        for path in self._paths_of(key):
            data = self._read_for_adoption(path)
            if data is None:
                continue
            try:
                facts = inspect(data)
                if facts.sha256 in known:
                    continue
                told = self._told_by(path, data)
                in_place = path.stem == key
                if told is None:
                    young = self.disk.modified(path) >= since - 2.0  # FAT keeps times to two seconds
                    mine = young and in_place is not beside
                else:
                    mine = told.attempt == attempt
            except (OSError, FlakyError):
                continue
            if mine:
                return Saved(path, facts, self._kept_of(path, known) if in_place else None)
        self.disk.remove(sidecar_of(part))
        return None

    def _read_for_adoption(self, path: Path) -> bytes | None:
        """The file's bytes; ``None`` where there is no such file.

        :raises StorageError: it is there, and cannot be read.
        """
        if not self.disk.is_file(path):
            return None
        try:
            return self.disk.read(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(
                f"cannot read {path}, which may be a picture that was paid for: {error.strerror or error}; make it"
                " readable, or move it elsewhere, then run again"
            ) from error

    def _paths_of(self, key: str) -> list[Path]:
        """All pictures of a key: the one in its place first, then the others in the order of their numbers."""
        numbered: list[tuple[int, Path]] = []
        for path in self.files():
            stem, _, number = path.stem.rpartition(".")
            if path.stem == key:
                numbered.append((0, path))
            elif stem == key and number.isdecimal() and number.isascii():
                numbered.append((int(number[:12]), path))
        return [path for _, path in sorted(numbered)]

    def _finish(self, part: Path, key: str, facts: ImageFacts, beside: bool) -> Saved:
        disk, final = self.disk, self.place_of(key, facts.extension)
        kept = None
        if beside:
            _, final = self._kept_names(final)
        elif disk.taken(final):
            kept = self._keep(final)
            disk.sync_folder(self.folder)  # the old picture has its second name for certain before it loses the first
        new, old = sidecar_of(part), sidecar_of(final)
        ours = self._speaks_of(old, facts.sha256)  # the power failed between the sidecar and its picture
        if kept is None and not ours and disk.taken(old):
            self._keep(old)  # of somebody else, or of a picture that is gone
        if disk.is_file(new):
            disk.replace(new, old)
            disk.sync_folder(self.folder)  # what is known of a picture stands there before the picture does
        elif not ours:
            disk.remove(old)
        disk.replace(part, final)
        disk.sync_folder(self.folder)
        return Saved(final, facts, kept)

    def describe(self, saved: Saved, metadata: PictureMetadata) -> None:
        """Write what is known of a picture beside it, where nothing says it yet; its own bytes stay as they are.

        :raises StorageError: the disk refused.
        """
        if self._metadata == "none" or self.metadata_of(saved.path) is not None:
            return
        place = sidecar_of(saved.path)
        part = place.with_name(f".{place.name}.part")
        with self._told(place.name):
            if self.disk.taken(place):
                self._keep(place)
            self.disk.remove(part)
            self.disk.write_new(part, to_sidecar(metadata, sha256=saved.facts.sha256))
            self.disk.replace(part, place)
            self.disk.sync_folder(self.folder)

    def _is_of(self, sidecar: Path, picture: Path) -> bool:
        """Whether the sidecar speaks of the picture, and not of one that stood, or is about to stand, in its place."""
        if not self.disk.is_file(sidecar):
            return False
        try:
            return self._speaks_of(sidecar, hashlib.sha256(self.disk.read(picture)).hexdigest())
        except OSError:
            return False

    def _speaks_of(self, sidecar: Path, sha256: str) -> bool:
        try:
            told = read_sidecar(self.disk.read(sidecar))
        except OSError:
            return False
        return told is not None and told.sha256 == sha256

    def _keep(self, path: Path) -> Path:
        """Give the file a further name, and its sidecar with it."""
        last, free = self._kept_names(path)
        # An earlier run may have come this far and no further. Equal bytes are no sign: they may be another version.
        kept = last if last is not None and self.disk.same(last, path) else free
        sidecar = sidecar_of(path)
        if self._is_of(sidecar, path) and not self.disk.taken(sidecar_of(kept)):
            self.disk.link(sidecar, sidecar_of(kept))
        if kept == free:
            self.disk.link(path, free)
        return kept

    def _kept_of(self, path: Path, known: frozenset[str]) -> Path | None:
        """Where the picture went that stood at *path* before the one that is not yet recorded."""
        last, _ = self._kept_names(path)
        facts = None if last is None else self._facts_of(last)
        return last if facts is not None and facts.sha256 in known else None

    def _kept_names(self, path: Path) -> tuple[Path | None, Path]:
        """The last name in use for other pictures of *path*, and the first free one."""
        last, number = None, 1
        while self.disk.taken(kept := path.with_name(f"{path.stem}.{number}{path.suffix}")):
            last, number = kept, number + 1
        return last, kept

    # -- choosing another -----------------------------------------------------------------------------------------

    def second_name(self, path: Path) -> Path:
        """Give the picture in place a further name, under which it stays when another takes its place.

        :raises StorageError: the disk refused.
        """
        with self._told(path.name):
            kept = self._keep(path)
            self.disk.sync_folder(self.folder)
        return kept

    def put_in_place(self, key: str, source: Path) -> Path:
        """Let a picture stand in the place of its character's current one; it keeps the name it had, too.

        What stands there must have a further name already (:meth:`second_name`).

        :raises StorageError: the disk refused.
        """
        final = self.place_of(key, source.suffix)
        with self._told(final.name):
            if not self.disk.is_file(source):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), source.name)
            if self.disk.is_file(sidecar_of(source)):
                self._name(sidecar_of(source), sidecar_of(final))
            else:
                self.disk.remove(sidecar_of(final))
            self._name(source, final)
            self.disk.sync_folder(self.folder)
        return final

    def _name(self, path: Path, name: Path) -> None:
        """Give the file a further name, which may be another's until that moment."""
        between = name.with_name(f".{name.name}.part")  # beside the new one: the old may lie on another disk
        self.disk.remove(between)
        self.disk.link(path, between)
        self.disk.replace(between, name)
        self.disk.remove(between)  # renaming one name of a file to another of its names does nothing

    def drop(self, path: Path, stays: Path | None = None) -> None:
        """Take a name away from a picture, and its sidecar: the caller has seen that it has another name.

        :param stays: that name; what is known of the picture goes there where nothing says it yet.
        """
        sidecar = sidecar_of(path)
        if stays is not None and self.metadata_of(stays) is None and self._is_of(sidecar, path):
            try:
                self._name(sidecar, sidecar_of(stays))
            except OSError:
                return  # one name too many does no harm, and a picture that says nothing does
        self.disk.remove(path)
        self.disk.remove(sidecar)

    def _part(self, key: str, attempt: str) -> Path:
        return self.folder / f".{key}.{_mark(attempt)}.part"

    def _facts_of(self, path: Path) -> ImageFacts | None:
        try:
            return inspect(self.disk.read(path))
        except (OSError, FlakyError):
            return None

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"cannot write {self.folder / name}: {error.strerror or error}; "
                "free some space or choose another folder with --out, then run again"
            ) from error


def _mark(attempt: str) -> str:
    """An attempt's id, whatever it holds, as a part of a file's name."""
    return hashlib.sha256(attempt.encode()).hexdigest()[:12]
