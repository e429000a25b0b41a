"""Small disks and read-only folders, for tests that run as root on Linux; others are skipped and say so."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class SmallDisk:
    """A file system of its own, in memory."""

    path: Path

    def fill(self, *, leave: int) -> None:
        """Take all space but *leave* bytes."""
        free = shutil.disk_usage(self.path).free
        (self.path / "ballast").write_bytes(b"\0" * max(0, free - leave))

    def empty(self) -> None:
        """Give the space back."""
        (self.path / "ballast").unlink(missing_ok=True)

    def resize(self, size: str) -> None:
        """Another size, as ``8m``."""
        _mount("-o", f"remount,size={size}", str(self.path))


@contextmanager
def small_disk(path: Path, size: str) -> Iterator[SmallDisk]:
    """A disk of that size at *path*, which becomes a folder of its own."""
    path.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={size},mode=0755", "charimg-test", str(path))
    try:
        yield SmallDisk(path)
    finally:
        _unmount(path)


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    """Nobody can write in *path*, not even root."""
    _mount("--bind", str(path), str(path))
    try:
        _mount("-o", "remount,ro,bind", str(path))
        yield
    finally:
        _unmount(path)


def _mount(*words: str) -> None:
    if not hasattr(os, "geteuid") or os.geteuid() or shutil.which("mount") is None:
        pytest.skip("a file system can be mounted by root on Linux only")
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")


def _unmount(path: Path) -> None:
    subprocess.run(["umount", "--lazy", str(path)], check=True, capture_output=True)
