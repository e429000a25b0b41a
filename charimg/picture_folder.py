"""The folder of pictures: written so that a crash between any two steps loses nothing.

A picture is written to a hidden temporary file that carries its attempt's id, flushed to the disk, and renamed to its
final name ``<key>.<ext>``. A file that stands there already (an earlier picture, or one of the user's own) is kept
beside it as ``<key>.1.<ext>``, ``<key>.2.<ext>`` and so on, and never moved before the new one is whole.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

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

    def save(self, key: str, attempt: str, data: bytes, facts: ImageFacts) -> Saved:
        """Write a picture durably and say where it is.

        :raises StorageError: the disk refused; the message says what to do.
        """
        part = self._part(key, attempt)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            return self._finish(part, key, facts)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StorageError(
                f"cannot write {self.folder / (key + facts.extension)}: {error.strerror or error}; "
                "free some space or choose another folder with --out, then run again"
            ) from error

    def _finish(self, part: Path, key: str, facts: ImageFacts) -> Saved:
        final = self.folder / f"{key}{facts.extension}"
        kept = self._keep(final) if final.exists() else None
        part.replace(final)
        _sync_folder(self.folder)
        return Saved(final, kept)

    def _keep(self, path: Path) -> Path:
        number = 1
        while (kept := path.with_name(f"{path.stem}.{number}{path.suffix}")).exists():
            number += 1
        try:
            kept.hardlink_to(path)
        except OSError:  # a file system without hard links
            shutil.copy2(path, kept)
        return kept

    def adopt(self, key: str, attempt: str, known: frozenset[str], since: float) -> tuple[Saved, ImageFacts] | None:
        """Find the picture that an interrupted attempt left behind, and give it its final name if it lacks it.

        :param known: digests of pictures that are recorded already.
        :param since: when the attempt began, seconds since the epoch; an older file is not its work.
        """
        part = self._part(key, attempt)
        if part.exists():
            facts = _facts_of(part)
            if facts is not None:
                return self._finish(part, key, facts), facts
            part.unlink(missing_ok=True)
        for extension in EXTENSIONS:
            path = self.folder / f"{key}{extension}"
            try:
                young = path.is_file() and path.stat().st_mtime >= since - 2.0  # FAT keeps times to two seconds
            except OSError:
                continue
            facts = _facts_of(path) if young else None
            if facts is not None and facts.sha256 not in known:
                return Saved(path), facts
        return None

    def _part(self, key: str, attempt: str) -> Path:
        mark = hashlib.sha256(attempt.encode()).hexdigest()[:12]
        return self.folder / f".{key}.{mark}.part"


def _facts_of(path: Path) -> ImageFacts | None:
    try:
        return inspect(path.read_bytes())
    except (OSError, FlakyError):
        return None


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
