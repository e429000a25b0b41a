"""The disk as pictures see it: the few steps by which one is written, named, kept and found again.

Between any two of these steps the power may fail. All that a run does to picture files goes through here, so that the
order of the steps can be read in one place (:mod:`charimg.picture_folder`) and every point between them be tried.
"""

from __future__ import annotations

import os
from pathlib import Path

from charimg.durable_files import copy_whole, discard, sync_folder, write_new


class Disk:
    """The file system of this machine. Every method raises :class:`OSError` when the disk refuses, but as noted."""

    def make_folder(self, path: Path) -> None:
        """Make the folder and those above it, durably; one that is there already is left as it is.

        A folder's own name stands in the one above: without flushing that, a power cut takes it with all that is in it.
        """
        missing: list[Path] = []
        while not path.is_dir():
            missing.append(path)
            if path.parent == path:
                break
            path = path.parent
        for folder in reversed(missing):
            folder.mkdir(exist_ok=True)
            sync_folder(folder.parent)

    def write_new(self, path: Path, data: bytes) -> None:
        """Write a file and flush it; a write that fails leaves none. Its name is durable after :meth:`sync_folder`."""
        write_new(path, data)

    def replace(self, source: Path, target: Path) -> None:
        """Give the file another name in the same folder; one that had that name is gone at the same moment."""
        source.replace(target)

    def link(self, source: Path, target: Path) -> None:
        """Give the file a second name, which must be free; a whole copy where there are no second names."""
        try:
            target.hardlink_to(source)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            copy_whole(source, target)

    def remove(self, path: Path) -> None:
        """Take a name away, if it is there; that it cannot be is no trouble, and raises nothing."""
        discard(path)

    def sync_folder(self, path: Path) -> None:
        """Make the names given and taken away in the folder durable."""
        sync_folder(path)

    def read(self, path: Path) -> bytes:
        """The whole file."""
        return path.read_bytes()

    def is_file(self, path: Path) -> bool:
        """Whether there is such a file; what cannot be looked at is none."""
        try:
            return path.is_file()
        except OSError:
            return False

    def taken(self, path: Path) -> bool:
        """Whether anything has the name: a file, a folder, a link that leads nowhere."""
        return os.path.lexists(path)

    def same(self, one: Path, other: Path) -> bool:
        """Whether both names lead to one and the same file."""
        try:
            return one.samefile(other)
        except OSError:
            return False

    def names(self, folder: Path) -> list[str]:
        """Everything in the folder, in no order; nothing if there is no such folder."""
        try:
            return os.listdir(folder)  # noqa: PTH208 - names, not paths: there may be a hundred thousand
        except (FileNotFoundError, NotADirectoryError):
            return []

    def size(self, path: Path) -> int:
        """Bytes of the file; -1 for what cannot be looked at."""
        try:
            return path.stat().st_size
        except OSError:
            return -1

    def modified(self, path: Path) -> float:
        """When the file was last written, by the file system's clock: seconds since the epoch."""
        return path.stat().st_mtime
