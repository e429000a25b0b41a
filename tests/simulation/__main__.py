"""``python -m tests.simulation --seeds 100000 [--from N] [--jobs 2]``, or ``--seed N --story``."""

from __future__ import annotations

import argparse
import sys

from tests.simulation.campaign import play_all, summary
from tests.simulation.drawing import draw
from tests.simulation.premises import forget_everything
from tests.simulation.story import report, told
from tests.simulation.trial import attempt_seed


def main() -> int:
    """Play seeds; 1 if one of them breaks a promise."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--from", type=int, default=0, dest="first", metavar="N", help="the first")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--story", action="store_true", help="tell everything that happens in it")
    parser.add_argument("--failures", type=int, default=1, help="stop after so many")
    asked = parser.parse_args()
    try:
        if asked.seed is not None and asked.story:
            print("\n".join(told(draw(asked.seed))))
            return 0
        if asked.seed is not None:
            trial = attempt_seed(asked.seed)
            print(report(trial) if trial.faults else f"seed {asked.seed}: every invariant holds")
            return bool(trial.faults)
        used, failed = play_all(asked.first, asked.seeds, asked.jobs, asked.failures)
        print(summary(used))
        for trial in failed[:1]:
            print(f"\n{len(failed)} failed: {', '.join(str(one.scenario.seed) for one in failed[:20])}\n")
            print(report(trial))
        return bool(failed)
    finally:
        forget_everything()


if __name__ == "__main__":
    sys.exit(main())
