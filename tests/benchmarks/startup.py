"""How long ``charimg --version`` and ``--help`` take: the median of twenty starts of the installed command."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 20


def main() -> None:
    """Print one line a command: minimum, median and maximum, in milliseconds."""
    charimg = Path(sys.executable).parent / "charimg"
    for arguments in (["--version"], ["--help"], ["run", "--help"], ["providers", "--help"]):
        times = sorted(_timed([str(charimg), *arguments]) for _ in range(RUNS))
        print(
            f"charimg {' '.join(arguments):18} min {times[0]:4.0f} ms  median {statistics.median(times):4.0f} ms  "
            f"max {times[-1]:4.0f} ms  ({RUNS} runs)"
        )


def _timed(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
