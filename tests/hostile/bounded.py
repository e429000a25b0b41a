"""Work done in a process of its own that is given so much memory and so much of the processor, and no more."""

from __future__ import annotations

import subprocess
import sys

BOUNDS = """
import resource, sys
megabytes, seconds = int(sys.argv.pop(1)), int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
import_first = sys.argv.pop(1)
for name in import_first.split(","):
    __import__(name)
begun = int(next(line for line in open("/proc/self/status") if line.startswith("VmSize")).split()[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (begun + megabytes * 1024 * 1024,) * 2)
"""

can_be_bounded = sys.platform.startswith("linux")
"""The limit of memory counts from what a process has when it begins, which Linux tells."""


def within(code: str, *arguments: object, megabytes: int, seconds: int, importing: str) -> str:
    """What *code* prints, in a new interpreter that may take so many further megabytes of address space and so many
    seconds of the processor (not of the clock, which goes on while other tests run).

    :param importing: modules, with commas, that are loaded before the memory is bounded.
    """
    done = subprocess.run(
        [sys.executable, "-c", BOUNDS + code, str(megabytes), str(seconds), importing, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, f"it ended with {done.returncode}: {done.stderr[-2000:]}"
    return done.stdout
