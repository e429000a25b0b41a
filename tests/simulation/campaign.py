"""Many seeds, one after the other or side by side, and what they exercised."""

from __future__ import annotations

import gc
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from multiprocessing import get_context

from tests.simulation.premises import forget_everything
from tests.simulation.trial import Trial, attempt_seed

CHUNK = 50
"""Seeds a process plays before it tells how it went."""


def play_chunk(seeds: Iterable[int]) -> tuple[Counter[str], list[Trial]]:
    """What these seeds exercised, and those that failed."""
    used: Counter[str] = Counter()
    failed = []
    collecting = gc.isenabled()
    gc.disable()  # nothing lives longer than a scenario
    try:
        for seed in seeds:
            trial = attempt_seed(seed)
            used.update(trial.used)
            used["seeds"] += 1
            if trial.faults:
                failed.append(trial)
        gc.collect()
    finally:
        if collecting:
            gc.enable()
    return used, failed


def chunks(first: int, count: int, size: int = CHUNK) -> Iterator[range]:
    """The seeds in portions."""
    for start in range(first, first + count, size):
        yield range(start, min(start + size, first + count))


def play_all(first: int, count: int, jobs: int, most_failures: int) -> tuple[Counter[str], list[Trial]]:
    """Play so many seeds and show the progress on standard error; stop early at so many failures."""
    used: Counter[str] = Counter()
    failed: list[Trial] = []
    began = time.monotonic()
    for some, wrong in _outcomes(first, count, jobs):
        used.update(some)
        failed += wrong
        for trial in wrong:
            sys.stderr.write(f"\rseed {trial.scenario.seed}: {trial.faults[0].sentence} ({trial.faults[0].words})\n")
        done, seconds = used["seeds"], time.monotonic() - began
        sys.stderr.write(f"\r{done} of {count} seeds, {len(failed)} failed, {done / seconds:.0f} a second ")
        sys.stderr.flush()
        if len(failed) >= most_failures:
            break
    sys.stderr.write("\n")
    return used, sorted(failed, key=lambda trial: trial.scenario.seed)


def _outcomes(first: int, count: int, jobs: int) -> Iterator[tuple[Counter[str], list[Trial]]]:
    if jobs < 2:
        yield from map(play_chunk, chunks(first, count))
        return
    with get_context("spawn").Pool(jobs, initializer=_at_the_end) as pool:
        yield from pool.imap_unordered(play_chunk, chunks(first, count))


def _at_the_end() -> None:
    from multiprocessing import util

    util.Finalize(None, forget_everything, exitpriority=10)


GROUPS = {
    "runs": ("seeds", "runs", "steps", "pictures charged", "job_saved", "job_done"),
    "breakdowns": ("power cuts", "interrupts", "second processes", "clock changes", "disk full", "ledger full"),
    "services": ("quota answers", "quota_wait", "lane_closed", "fallback_opened", "tickets forgotten"),
    "losses": ("job_possibly_charged", "job_failed", "job_rejected", "job_waiting"),
}
"""What a storm is made of, in the order it is told."""


def summary(used: Counter[str]) -> str:
    """What was exercised, so that one sees that the storm is a storm."""
    lines = []
    for title, names in GROUPS.items():
        lines.append(f"{title + ':':<12}" + ", ".join(f"{used[name]} {name.replace('_', ' ')}" for name in names))
    for prefix in ("fault", "verdict", "deed"):
        found = {name: times for name, times in sorted(used.items()) if name.startswith(f"{prefix} ")}
        told = ", ".join(f"{times} {name.removeprefix(f'{prefix} ')}" for name, times in found.items())
        lines.append(f"{prefix + 's:':<12}{told}")
    return "\n".join(lines)
