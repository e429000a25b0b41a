"""A clock that can be set while a process runs, through libfaketime; where that is not installed, tests are skipped."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

DAY = 86400.0

_PLACES = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/lib64/faketime", "/usr/local/lib/faketime")


class WrongClock:
    """What the clocks of the processes are set to that are started in :attr:`environ`.

    :param monotonic: the clock that counts seconds jumps too, as it does on systems where it counts a sleep.
    """

    def __init__(self, folder: Path, *, monotonic: bool = False) -> None:
        self._file = folder / "clock"
        self.environ = {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "NO_FAKE_STAT": "1",  # the times of files are what they were when they were written
            "FAKETIME_DONT_FAKE_MONOTONIC": "0" if monotonic else "1",
        }
        self.set(0.0)

    def set(self, seconds: float) -> None:
        """So many seconds after (or before) the true time from now on."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+.3f}\n", encoding="ascii")
        new.replace(self._file)


def _library() -> Path:
    if sys.platform != "linux":
        pytest.skip("libfaketime is used on Linux only")
    root = Path("/")
    found = [path for place in _PLACES for path in root.glob(f"{place[1:]}/libfaketimeMT.so.1")]
    if not found:
        pytest.skip("libfaketime is not installed (Debian: apt-get install faketime)")
    return found[0]
