"""The real run in a simulated world: whatever happens, no promise is broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.simulation.campaign import chunks, play_chunk
from tests.simulation.drawing import draw
from tests.simulation.invariants import INVARIANTS
from tests.simulation.premises import forget_everything
from tests.simulation.scenario import Fault, Moment, RunPlan, Scenario, shown
from tests.simulation.story import report, told
from tests.simulation.trial import attempt

SEEDS = 2700
"""Of every run of the suite; ``make simulate SEEDS=...`` plays more."""


@pytest.fixture(autouse=True, scope="module")
def _swept() -> Iterator[None]:
    yield
    forget_everything()


@pytest.mark.parametrize("seeds", list(chunks(0, SEEDS, 60)), ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")
def test_no_promise_is_broken(seeds: range) -> None:
    """Sixty stories of crashes, quotas, lost answers and interrupts, and every invariant holds in each."""
    _, failed = play_chunk(seeds)

    assert not failed, report(failed[0])


def test_the_storm_is_a_storm() -> None:
    """Some hundred seeds exercise every kind of trouble."""
    used, _ = play_chunk(range(10_000, 10_250))
    missing = {
        "power cuts",
        "interrupts",
        "second processes",
        "clock changes",
        "quota answers",
        "tickets forgotten",
        "disk full",
        "ledger full",
        "job_possibly_charged",
        "lane_closed",
        "fallback_opened",
        *(f"verdict {one}" for one in ("throttled", "exhausted", "rejected", "flaky", "invalid", "fatal")),
        *(f"fault {one}" for one in ("reset", "silence", "timeout", "broke off", "html", "torn", "same", "slow")),
    } - set(+used)

    assert not missing


def test_a_seed_gives_the_same_story_every_time() -> None:
    """Everything follows from the seed, or a failure could not be played again."""
    first, second = (list(told(draw(17))) for _ in range(2))

    assert first == second


def test_a_scenario_is_plain_data_that_can_be_pasted() -> None:
    """What a failure prints is Python, and gives the very scenario."""
    scenario = replace(
        draw(3), faults=(Fault(0, "make", 0, 0, "reset"),), runs=(RunPlan(crash=Moment("disk", 3, 0.5)),)
    )
    names = {name: getattr(__import__("tests.simulation.scenario", fromlist=[name]), name) for name in _NAMES}
    pasted = eval(shown(scenario), names)

    assert shown(pasted) == shown(scenario)


_NAMES = ("Fault", "LanePlan", "Moment", "Quota", "RunPlan", "Scenario")


def test_every_invariant_is_a_sentence() -> None:
    """Each says what must be true, in a sentence that a failure can print."""
    sentences = Counter((one.__doc__ or "").strip() for one in INVARIANTS)

    assert all(words.endswith(".") and words[0].isupper() for words in sentences)
    assert len(sentences) == len(INVARIANTS)


def test_a_peaceful_story_has_nothing_to_tell() -> None:
    """Without any trouble every character gets its picture in the first run, for one charge each."""
    trial = attempt(Scenario(cast=7))

    assert (trial.faults, trial.used["pictures charged"], trial.used["job_possibly_charged"]) == ((), 7, 0)
