"""A project: the user's folder with roster, settings, pictures, and charimg's own ``.charimg/`` beside them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from charimg.durable_files import sync_folder
from charimg.errors import InputError, ProjectBusyError, StorageError

STATE_FOLDER = ".charimg"
"""Holds the ledger and the lock; safe to delete only if one wants to forget what was paid for."""


LOOKING = 0.25
"""Seconds a run waits for the lock: one who only asks whether it is held (:meth:`Project.lock_holder`) has it for a
moment."""

_ODD = (OSError, RuntimeError, ValueError)
"""What a path raises that is too long, closed to us, a loop, the home of nobody, or holds a NUL."""


@dataclass(frozen=True)
class Project:
    """One project."""

    folder: Path
    """Absolute."""
    out: Path
    """Where its pictures go, absolute."""

    @classmethod
    def at(cls, folder: Path, out: str = "pictures") -> Project:
        """The project in this folder; *out* is relative to it unless absolute.

        :raises InputError: the folder is no folder, or *out* is a file.
        """
        try:
            folder = folder.resolve()
            if not folder.is_dir():
                raise InputError(f"{folder} is not a folder")
        except _ODD as error:
            raise InputError(f"{_short(folder)} cannot be a folder: {_words(error)}") from error
        try:
            target = (folder / Path(out).expanduser()).resolve()
            if target.exists() and not target.is_dir():
                raise InputError(f"{target} is a file; pictures need a folder: choose another with --out")
        except _ODD as error:
            raise InputError(f"{_short(out)} cannot be a folder: {_words(error)}; choose another with --out") from error
        return cls(folder, target)

    @property
    def state(self) -> Path:
        """The folder of charimg's own files."""
        return self.folder / STATE_FOLDER

    def shown(self, path: Path) -> str:
        """A path as the ledger and messages have it: relative to the project where it lies inside, with ``/``."""
        try:
            return path.relative_to(self.folder).as_posix()
        except ValueError:
            return str(path)

    def found(self, shown: str) -> Path:
        """The file behind a path that :meth:`shown` gave."""
        return self.folder / shown

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the project for one run. The lock dies with the process, and outlives its file.

        :raises ProjectBusyError: another process holds it; the message says which.
        :raises StorageError: the state folder cannot be written.
        """
        from filelock import FileLock, Timeout  # noqa: PLC0415 - only a run needs it

        holder = self.state / "run.pid"
        try:
            if not self.state.is_dir():
                self.state.mkdir(exist_ok=True)
                sync_folder(self.folder)  # or a power cut takes the folder, with the ledger in it
            ignore = self.state / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
            lock = FileLock(self.state / "run.lock", timeout=LOOKING)
            try:
                lock.acquire(poll_interval=LOOKING / 5)
            except Timeout:
                raise ProjectBusyError(
                    f"another run holds this project ({_holder(holder)}); wait for it to end"
                ) from None
        except NotImplementedError as error:
            raise StorageError(f"the file system of {self.state} has no locks; keep the project elsewhere") from error
        except OSError as error:
            raise StorageError(
                f"cannot write in {self.state}: {error.strerror or error}; check its permissions"
            ) from error
        folder = None
        try:
            folder = _hold(self.folder)
            # It only tells who holds the lock: what stands in its way must neither stop a run nor spoil its end.
            with suppress(OSError):
                holder.write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
            yield
        except _HeldError:
            raise ProjectBusyError(
                f"another run holds this project, though its lock in {self.state} was deleted; wait for it to end"
            ) from None
        finally:
            with suppress(OSError):
                holder.unlink(missing_ok=True)
            lock.release()
            if folder is not None:
                os.close(folder)

    def lock_holder(self) -> str | None:
        """Who holds the project now, for people; ``None`` if nobody does."""
        from filelock import FileLock, Timeout  # noqa: PLC0415 - see locked

        path = self.state / "run.lock"
        if not path.exists():
            return None
        try:
            with FileLock(path, timeout=0):
                return None
        except Timeout:
            return _holder(self.state / "run.pid")
        except OSError:
            return None


class _HeldError(Exception):
    """Another process holds the folder."""


def _hold(folder: Path) -> int | None:
    """Lock the project's folder itself: a user may delete ``.charimg`` with the lock in it while a run is at work.

    :returns: what is to be closed in the end; ``None`` where folders cannot be locked: on Windows, which does not let
        the lock's file be deleted either, and on some network file systems.
    """
    try:
        import fcntl  # noqa: PLC0415 - Windows has none
    except ImportError:
        return None
    try:
        held = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(held)
        if isinstance(error, BlockingIOError):
            raise _HeldError from None
        return None
    return held


def _holder(path: Path) -> str:
    try:
        note = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        note = ""
    words = " ".join("".join(char for char in note if char.isprintable() or char.isspace()).split())
    return words[:100] or "an unknown process"


def _short(path: object) -> str:
    written = ascii(str(path))
    return written if len(written) <= 100 else f"{written[:60]}…{written[-20:]}"


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__ if isinstance(error, OSError) else str(error)
