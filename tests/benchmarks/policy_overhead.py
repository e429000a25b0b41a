"""The wall time of a run of fifty characters, beside the least the policy allows.

The service is the local Whisk on loopback, with a picture a second. The ideal is what the fixed policy costs with that
service and no work of our own: ten batches of a second, nine cooldowns of two.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.emulators.whisk import TEST_COOKIE, serve_whisk

JOBS, LATENCY, BATCH, COOLDOWN = 50, 1.0, 5, 2.0


def main() -> None:
    """Print wall time, ideal, and their difference, in seconds."""
    batches = -(-JOBS // BATCH)
    ideal = batches * LATENCY + (batches - 1) * COOLDOWN
    charimg = Path(sys.executable).parent / "charimg"
    with serve_whisk(latency=LATENCY) as whisk, tempfile.TemporaryDirectory() as folder:
        lines = [f"Guest {number}: a guest of the inn, number {number}, in a travelling coat" for number in range(JOBS)]
        (Path(folder) / "characters.txt").write_text("\n".join(lines), encoding="utf-8")
        environ = {
            **os.environ,
            "CHARIMG_WHISK_LABS_URL": whisk.url,
            "CHARIMG_WHISK_SANDBOX_URL": whisk.url,
            "CHARIMG_WHISK_COOKIE": TEST_COOKIE,
        }
        began = time.perf_counter()
        command = [str(charimg), "run", "--provider", "whisk", "--progress", "none"]
        subprocess.run(command, cwd=folder, env=environ, check=True)
        wall = time.perf_counter() - began
        made = len(whisk.bill.generations)
    print(f"{made} pictures: wall {wall:.2f} s, ideal {ideal:.2f} s, over it {wall - ideal:.2f} s")


if __name__ == "__main__":
    main()
