"""The folder of pictures: written so that a crash between any two steps loses nothing.

A picture is written to a hidden temporary file that carries its attempt's id, flushed to the disk, and renamed to its
final name ``<key>.<ext>``. A file that stands there already (an earlier picture, or one of the user's own) is kept
beside it as ``<key>.1.<ext>``, ``<key>.2.<ext>`` and so on, and never moved before the new one is whole.
"""

from __future__ import annotations

import filecmp
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from charimg.durable_files import copy_whole, discard, sync_folder, write_new
from charimg.errors import FlakyError, StorageError
from charimg.images import inspect
from charimg.model import ImageFacts

EXTENSIONS = (".png", ".jpg", ".webp", ".gif")


@dataclass(frozen=True)
class Saved:
    """Where a picture went."""

    path: Path
    kept_as: Path | None = None
    """Where the file that stood there before is kept now."""


class PictureFolder:
    """The pictures of one project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def try_writing(self) -> None:
        """Find out that pictures cannot be saved here before one is paid for.

        :raises StorageError: the folder cannot be made, or nothing can be written in it.
        """
        probe = self.folder / ".charimg.part"
        with self._told(probe.name):
            self.folder.mkdir(parents=True, exist_ok=True)
            probe.write_bytes(b"charimg")
        discard(probe)

    def holds(self, key: str) -> bool:
        """Whether a picture of this key is there, whoever put it there."""
        return any((self.folder / f"{key}{extension}").is_file() for extension in EXTENSIONS)

    def save(self, key: str, attempt: str, data: bytes, facts: ImageFacts) -> Saved:
        """Write a picture durably and say where it is.

        A picture that could be written but not be given its name stays as the temporary file, for :meth:`adopt`.

        :raises StorageError: the disk refused; the message says what to do.
        """
        part = self._part(key, attempt)
        with self._told(key + facts.extension):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_new(part, data)
            return self._finish(part, key, facts)

    def adopt(self, key: str, attempt: str, known: frozenset[str], since: float) -> tuple[Saved, ImageFacts] | None:
        """Find the picture that an interrupted attempt left behind, and give it its final name if it lacks it.

        :param known: digests of pictures that are recorded already.
        :param since: when the attempt began, seconds since the epoch; an older file is not its work.
        :raises StorageError: there is a picture, and the disk refuses to give it its name.
        """
        part = self._part(key, attempt)
        facts = _facts_of(part)
        if facts is not None:
            with self._told(key + facts.extension):
                return self._finish(part, key, facts), facts
        discard(part)
        for extension in EXTENSIONS:
            path = self.folder / f"{key}{extension}"
            try:
                young = path.is_file() and path.stat().st_mtime >= since - 2.0  # FAT keeps times to two seconds
            except OSError:
                continue
            facts = _facts_of(path) if young else None
            if facts is not None and facts.sha256 not in known:
                return Saved(path, self._kept_of(path, known)), facts
        return None

    def _finish(self, part: Path, key: str, facts: ImageFacts) -> Saved:
        final = self.folder / f"{key}{facts.extension}"
        kept = self._keep(final) if final.exists() else None
        if kept is not None:
            sync_folder(self.folder)  # the old picture has its second name for certain before it loses the first
        part.replace(final)
        sync_folder(self.folder)
        return Saved(final, kept)

    def _keep(self, path: Path) -> Path:
        last, free = _kept_names(path)
        if last is not None and last.is_file() and filecmp.cmp(last, path, shallow=False):
            return last  # an earlier run came this far and no further
        try:
            free.hardlink_to(path)
        except OSError:  # a file system without hard links
            copy_whole(path, free)
        return free

    def _kept_of(self, path: Path, known: frozenset[str]) -> Path | None:
        """Where the picture went that stood at *path* before the one that is not yet recorded."""
        last, _ = _kept_names(path)
        facts = None if last is None else _facts_of(last)
        return last if facts is not None and facts.sha256 in known else None

    def _part(self, key: str, attempt: str) -> Path:
        mark = hashlib.sha256(attempt.encode()).hexdigest()[:12]
        return self.folder / f".{key}.{mark}.part"

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"cannot write {self.folder / name}: {error.strerror or error}; "
                "free some space or choose another folder with --out, then run again"
            ) from error


def _kept_names(path: Path) -> tuple[Path | None, Path]:
    """The last name in use for earlier pictures of *path*, and the first free one."""
    last, number = None, 1
    while os.path.lexists(kept := path.with_name(f"{path.stem}.{number}{path.suffix}")):
        last, number = kept, number + 1
    return last, kept


def _facts_of(path: Path) -> ImageFacts | None:
    try:
        return inspect(path.read_bytes())
    except (OSError, FlakyError):
        return None
