"""Writing files so that they are whole or not there, whatever happens, and stay when the power goes."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM, errno.EBADF)
"""What file systems and permissions answer that do not let a folder be flushed."""


def write_new(path: Path, data: bytes) -> None:
    """Write a file and flush it to the disk; a write that fails leaves none.

    :raises OSError: the disk refused.
    """
    try:
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        discard(path)
        raise


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file by way of a hidden neighbour, so that the target is never half there.

    :raises OSError: the source cannot be read, or the disk refused.
    """
    part = target.with_name(f".{target.name}.part")
    try:
        with source.open("rb") as origin, part.open("wb") as copy:
            shutil.copyfileobj(origin, copy)
            copy.flush()
            os.fsync(copy.fileno())
        part.replace(target)
    except OSError:
        discard(part)
        raise


def discard(path: Path) -> None:
    """Remove a file that is of no use, if there is one; that it cannot be removed is no trouble of its own."""
    with suppress(OSError):
        path.unlink()


def sync_folder(folder: Path) -> None:
    """Make names given in the folder durable, where the system can.

    :raises OSError: the disk failed.
    """
    if os.name == "nt":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise
