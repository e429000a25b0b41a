"""``python -m tests.fuzzing [--target NAME]... [--seconds N] [--seed N] [--engine random]``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.fuzzing import guided
from tests.fuzzing.engine import hunt
from tests.fuzzing.targets import TARGETS


def main() -> int:
    """Fuzz, print a line a target, and end with 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="only this one; may be repeated")
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other inputs (default: 1)")
    parser.add_argument("--engine", choices=["auto", "random", "atheris"], default="auto")
    parser.add_argument(
        "--keep", type=Path, default=Path(".fuzzing"), help="where findings are kept (default: .fuzzing)"
    )
    asked = parser.parse_args()
    names = asked.target or sorted(TARGETS)
    seconds = max(1, asked.seconds // len(names))
    led = asked.engine == "atheris" or (asked.engine == "auto" and guided.is_there())
    wrong = 0
    for name in names:
        target = TARGETS[name]
        if led:
            inputs, said = guided.run(name, target.corpus(), asked.keep, seconds=seconds, seed=asked.seed)
            told = [said] if said else []
        else:
            result = hunt(target, seed=asked.seed, seconds=seconds)
            inputs = result.inputs
            told = [f"{one.keep(asked.keep)}\n{one.trace}" for one in result.found]
        wrong += len(told)
        print(f"{name}: {inputs:,} inputs, {len(told) or 'nothing'} found", flush=True)
        for one in told:
            print(one, flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
