"""A disk that forgets what was not flushed: file contents may be torn, names lost, when the power fails.

It holds the promises of POSIX and none beyond: a file's flushed contents are durable, its name is so only when its
folder was flushed. Names that were given or taken away since may survive a power cut or not, each for itself, whatever
their order.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from charimg.disk import Disk


class PowerCut(BaseException):
    """The machine is off: nothing that follows in this process takes effect."""


@dataclass
class File:
    """What names lead to."""

    data: bytes
    modified: float


@dataclass(frozen=True)
class _Change:
    """One change of names, which survives whole or not at all."""

    names: tuple[tuple[Path, File | None], ...]
    folder: Path
    """Whose flushing makes it durable."""


@dataclass
class Faults:
    """What goes wrong in one run."""

    full: Callable[[int], bool] = lambda _step: False
    """Whether the disk is full at this step."""
    cut: Callable[[int, str], float | None] = lambda _step, _what: None
    """Whether the power fails at this step: ``None``, or how much of a file under way is written by then (0 to 1)."""


@dataclass
class SimulatedDisk(Disk):
    """The files of one project's pictures.

    :param wall: the time by the machine's clock.
    :param survives: whether an unflushed change outlives a power cut, asked with its number.
    :param tell: hears every step.
    """

    wall: Callable[[], float]
    survives: Callable[[int], bool]
    tell: Callable[[str], None]
    power_cut: Callable[[], None] = lambda: None
    """Called at the moment the power fails in the middle of a step."""
    off: bool = False
    steps: int = 0
    faults: Faults = field(default_factory=Faults)
    files: dict[Path, File] = field(default_factory=dict)
    folders: set[Path] = field(default_factory=set)
    _durable: dict[Path, File] = field(default_factory=dict)
    _unflushed: list[_Change] = field(default_factory=list)
    _cuts: int = 0

    # -- the machine --------------------------------------------------------------------------------------------

    def start_again(self) -> None:
        """The machine is on again: what was flushed is there, and what was not perhaps."""
        self._cuts += 1
        for number, change in enumerate(self._unflushed):
            if self.survives(self._cuts * 1000 + number):
                self._apply(change, self._durable)
        self.files = dict(self._durable)
        self._unflushed = []
        self.off = False

    def rest(self) -> None:
        """Time passes, and the system flushes by itself what is left."""
        self._durable = dict(self.files)
        self._unflushed = []

    @contextmanager
    def as_real_files(self, folder: Path) -> Iterator[Path]:
        """The files in a real folder, for those who look at them without a :class:`charimg.disk.Disk`; what is changed
        there is changed here."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for path, file in self.files.items():
            path.write_bytes(file.data)
            os.utime(path, (file.modified, file.modified))
        try:
            yield folder
            self.files = {path: File(path.read_bytes(), path.stat().st_mtime) for path in folder.iterdir()}
            self.rest()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @staticmethod
    def _apply(change: _Change, names: dict[Path, File]) -> None:
        for path, file in change.names:
            if file is None:
                names.pop(path, None)
            else:
                names[path] = file

    def _change(self, folder: Path, *names: tuple[Path, File | None]) -> None:
        change = _Change(names, folder)
        self._apply(change, self.files)
        self._unflushed.append(change)

    def _step(self, what: str, path: Path, torn: bytes = b"") -> None:
        """Count a step that changes something; the power may fail before it, and the disk be full."""
        if self.off:
            raise PowerCut
        self.steps += 1
        share = self.faults.cut(self.steps, what)
        if share is not None:
            if torn and share:
                self._change(path.parent, (path, File(torn[: int(len(torn) * share)], self.wall())))
            self.tell(f"disk {self.steps}: {what} {path.name}: THE POWER FAILS")
            self.power_cut()
            raise PowerCut
        if what in ("write", "link") and self.faults.full(self.steps):
            self.tell(f"disk {self.steps}: {what} {path.name}: no space left")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.tell(f"disk {self.steps}: {what} {path.name}")

    # -- the steps ----------------------------------------------------------------------------------------------

    def make_folder(self, path: Path) -> None:
        """See :class:`charimg.disk.Disk`: it is durable when this returns."""
        if self.off:
            raise PowerCut
        if path in self.folders:
            return
        self._step("make folder", path)
        self.folders.add(path)

    def write_new(self, path: Path, data: bytes) -> None:
        """See :class:`charimg.disk.Disk`: the contents are flushed when it returns, the name is not."""
        self._step("write", path, data)
        self._change(path.parent, (path, File(data, self.wall())))

    def replace(self, source: Path, target: Path) -> None:
        """See :class:`charimg.disk.Disk`."""
        self._step("replace", target)
        self._change(target.parent, (source, None), (target, self._file(source)))

    def link(self, source: Path, target: Path) -> None:
        """See :class:`charimg.disk.Disk`."""
        if target in self.files:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        self._step("link", target)
        self._change(target.parent, (target, self._file(source)))

    def remove(self, path: Path) -> None:
        """See :class:`charimg.disk.Disk`."""
        if self.off:
            raise PowerCut
        if path in self.files:
            self._step("remove", path)
            self._change(path.parent, (path, None))

    def sync_folder(self, path: Path) -> None:
        """See :class:`charimg.disk.Disk`: the names in it are durable when this returns."""
        self._step("sync", path)
        for change in self._unflushed:
            if change.folder == path:
                self._apply(change, self._durable)
        self._unflushed = [change for change in self._unflushed if change.folder != path]

    def read(self, path: Path) -> bytes:
        """See :class:`charimg.disk.Disk`."""
        if self.off:
            raise PowerCut
        return self._file(path).data

    def is_file(self, path: Path) -> bool:
        """See :class:`charimg.disk.Disk`."""
        return path in self.files

    def taken(self, path: Path) -> bool:
        """See :class:`charimg.disk.Disk`."""
        return path in self.files

    def same(self, one: Path, other: Path) -> bool:
        """See :class:`charimg.disk.Disk`."""
        file = self.files.get(one)
        return file is not None and file is self.files.get(other)

    def names(self, folder: Path) -> list[str]:
        """See :class:`charimg.disk.Disk`."""
        return [path.name for path in self.files if path.parent == folder]

    def size(self, path: Path) -> int:
        """See :class:`charimg.disk.Disk`."""
        return len(self.files[path].data) if path in self.files else -1

    def modified(self, path: Path) -> float:
        """See :class:`charimg.disk.Disk`."""
        return self._file(path).modified

    def _file(self, path: Path) -> File:
        file = self.files.get(path)
        if file is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return file
