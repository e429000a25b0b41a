"""SIGKILL at random moments until every picture is there; the long form is ``python -m tests.disasters.killing``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.disasters.killing import kill_again_and_again
from tests.disasters.scene import scene_of


@pytest.mark.slow
@pytest.mark.parametrize(
    ("service", "characters", "kills", "seed"),
    [("whisk", 60, 18, 20261122), ("replicate", 12, 5, 7), ("openai", 12, 4, 11)],
)
def test_killed_again_and_again_nothing_is_lost_nor_paid_twice_untold(
    tmp_path: Path, service: str, characters: int, kills: int, seed: int
) -> None:
    """Every picture that reached the disk is kept and recorded; what was paid twice was in flight, and is listed."""
    with scene_of(tmp_path, service, characters=characters) as scene:
        report = kill_again_and_again(scene, characters=characters, kills=kills, seed=seed)

    assert (report.pictures, report.lost, report.unlisted) == (characters, 0, 0), report.line
    assert len(report.deaths) >= kills // 2, report.line
