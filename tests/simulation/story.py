"""What happened, told so that somebody can find out why."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation.scenario import Scenario, shown
from tests.simulation.shrinking import shrunk
from tests.simulation.trial import Trial, attempt


def report(trial: Trial) -> str:
    """A failure: the seed, the broken sentence, and the shortest story that was found of it."""
    small = shrunk(trial)
    first = trial.faults[0]
    lines = [
        f"seed {trial.scenario.seed}: {first.sentence}",
        f"  run {first.run + 1}: {first.words}",
        "",
        "the same, made smaller:",
        *(f"  {line}" for line in told(small.scenario)),
        "",
        "play it again:",
        f"  python -m tests.simulation --seed {trial.scenario.seed} --story",
    ]
    return "\n".join(lines)


def told(scenario: Scenario) -> Iterator[str]:
    """The scenario, the story, and what is wrong with it."""
    yield shown(scenario)
    lines: list[str] = []
    trial = attempt(scenario, lines.append)
    yield from lines
    for fault in trial.faults:
        yield f"BROKEN in run {fault.run + 1}: {fault.sentence}"
        yield f"    {fault.words}"
    if not trial.faults:
        yield "every invariant holds"
