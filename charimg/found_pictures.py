"""Pictures as they are found in a folder: what each file is, and what it says of itself.

Files of strangers are read here. A file is looked at only after its size, no link is followed out of the folder, and
what a file says is never used as a path.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from charimg.disk import Disk
from charimg.errors import FlakyError
from charimg.images import inspect
from charimg.metadata import PictureMetadata, read_metadata, read_sidecar, sidecar_of
from charimg.model import ImageFacts

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif"})
"""How the names of picture files end, in whatever case."""

MAX_BYTES = 96 * 1024 * 1024
"""The largest file that is read: as much as a service may send."""

MAX_SIDECAR = 4 * 1024 * 1024
"""The largest sidecar that is read."""

PIECE = 1024 * 1024
"""Bytes read at once where a file is only measured."""


@dataclass(frozen=True)
class FoundPicture:
    """One picture file."""

    path: Path
    """Absolute."""
    facts: ImageFacts
    modified: datetime
    """When the file was last written, in UTC."""
    metadata: PictureMetadata | None = None
    """What it says of its making: in itself, or in its sidecar."""

    @property
    def made(self) -> datetime:
        """When the picture was made, as far as anybody knows."""
        return self.modified if self.metadata is None else self.metadata.made

    @property
    def origin(self) -> str:
        """Digest of the picture as the service sent it; of the file where nobody knows better."""
        return (self.metadata.original if self.metadata else None) or self.facts.sha256


@dataclass(frozen=True)
class LeftOut:
    """A file that is not taken."""

    path: Path
    why: str


def is_picture_name(name: str) -> bool:
    """Whether a file is called as pictures are; hidden files are not."""
    return not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES


def picture_files(folder: Path, disk: Disk, *, recursive: bool = False) -> Iterator[Path | LeftOut]:
    """The picture files of a folder by name, without a look into any.

    :param recursive: those of folders in it too; hidden folders are left alone, and links to folders are not followed.
    :raises OSError: the folder cannot be listed.
    """
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            names = sorted(disk.names(here))
        except OSError as error:
            if here == folder:
                raise
            yield LeftOut(here, f"cannot be listed: {error.strerror or error}")
            continue
        for name in names:
            path = here / name
            if is_picture_name(name):
                if path.is_symlink() and not _inside(path, folder):
                    yield LeftOut(path, "a link that leads out of the folder")
                elif disk.is_file(path):
                    yield path
            elif recursive and not name.startswith(".") and path.is_dir() and not path.is_symlink():
                waiting.append(path)


def read_picture(path: Path, disk: Disk) -> FoundPicture | LeftOut:
    """What the file is: decoded whole, so that what is found is a picture."""
    try:
        data = _bounded(path, disk, MAX_BYTES)
        if data is None:
            return LeftOut(path, f"larger than {MAX_BYTES // 1024 // 1024} MB")
        facts = inspect(data)
        modified = datetime.fromtimestamp(disk.modified(path), timezone.utc)
    except FlakyError as error:
        return LeftOut(path, f"no sound picture: {error.message.removeprefix('the service sent ')}")
    except (OSError, ValueError, OverflowError) as error:
        return LeftOut(path, f"cannot be read: {getattr(error, 'strerror', None) or error}")
    return FoundPicture(path, facts, modified, said_of(path, data, facts.sha256, disk))


def said_of(path: Path, data: bytes, sha256: str, disk: Disk) -> PictureMetadata | None:
    """What the picture says of its making; its sidecar where it says nothing itself.

    A sidecar that was written for another picture, by the digest in it, says nothing of this one.
    """
    inside = read_metadata(data)
    if inside is not None:
        return inside
    beside = sidecar_of(path)
    try:
        written = _bounded(beside, disk, MAX_SIDECAR) if disk.is_file(beside) else None
    except OSError:
        return None
    sidecar = None if written is None else read_sidecar(written)
    return sidecar.metadata if sidecar is not None and sidecar.sha256 in ("", sha256) else None


def digest_of(path: Path) -> tuple[str, int]:
    """SHA-256 in hex and size of a file of any size, read piece by piece.

    :raises OSError: it cannot be read.
    """
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size


def composed(name: str) -> str:
    """A file name in the form keys have: some file systems give names back in another."""
    return unicodedata.normalize("NFC", name)


def _inside(path: Path, folder: Path) -> bool:
    try:
        return path.resolve(strict=True).is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        return False


def _bounded(path: Path, disk: Disk, most: int) -> bytes | None:
    """The file's bytes; ``None`` for one that is larger."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:  # it went away, which reading tells
        size = 0
    return None if size > most else disk.read(path)
