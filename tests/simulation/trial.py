"""One scenario played and judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tests.simulation.drawing import draw
from tests.simulation.invariants import Invariant, broken
from tests.simulation.scenario import Scenario
from tests.simulation.world import World


@dataclass(frozen=True)
class Fault:
    """An invariant that does not hold."""

    invariant: Invariant
    run: int
    """Of the story, from 0."""
    words: str

    @property
    def sentence(self) -> str:
        """What should be true."""
        return " ".join((self.invariant.__doc__ or "").split())


@dataclass(frozen=True)
class Trial:
    """What came of one scenario."""

    scenario: Scenario
    faults: tuple[Fault, ...]
    used: Counter[str]
    """What was exercised."""


def attempt(scenario: Scenario, listener: Callable[[str], None] | None = None) -> Trial:
    """Play a scenario and hold it against the invariants.

    :param listener: hears the story, line by line.
    """
    world = World(scenario, listener)
    history = world.play()
    faults = tuple(Fault(*found) for found in broken(history))
    used = world.used
    used["runs"] += len(history.runs)
    used["pictures charged"] += len(history.bill)
    return Trial(scenario, faults, used)


def attempt_seed(seed: int) -> Trial:
    """Play the scenario of a seed."""
    return attempt(draw(seed))
