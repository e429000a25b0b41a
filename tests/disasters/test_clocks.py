"""The computer's clock is set to another day, between runs and under a run."""

from __future__ import annotations

import random
import time
from email.utils import formatdate
from pathlib import Path

import pytest

from tests.disasters.accounts import hold, speaks_well
from tests.disasters.killing import kill_again_and_again
from tests.disasters.scene import scene_of
from tests.disasters.slow_services import GENERATE, UPLOAD
from tests.disasters.watching import when_asked_for
from tests.disasters.wrong_clock import DAY, WrongClock
from tests.emulators.whisk import Window

COUNT = 10
PATIENT = ("--cooldown", "0.02", "--quota-wait", "1")


@pytest.mark.parametrize("days", [-3, 4000])
def test_a_clock_set_in_mid_wait_neither_shortens_nor_lengthens_it(tmp_path: Path, days: float) -> None:
    """Six in twenty seconds are allowed: the wait of a second is waited for by the clock that nobody can set."""
    clock = WrongClock(tmp_path)
    with scene_of(tmp_path, "whisk", characters=COUNT, words=PATIENT, limits=(Window(6, 20.0),)) as scene:
        scene.environ |= clock.environ

        def set_in_mid_wait() -> None:
            time.sleep(0.4)
            clock.set(days * DAY)

        with when_asked_for(scene, COUNT, set_in_mid_wait):
            first = scene.run()
        gaps = scene.emulator.bill.idle_gaps("generate")
        scene.emulator.behaviour.limits = ()
        last = scene.run()

        speaks_well(first)
        waits = first.told("quota_wait")
        assert waits
        assert all(wait["wait"] == pytest.approx(1.0) for wait in waits)
        assert sum(gap >= 1.0 for gap in gaps) >= len(waits), (waits, gaps)
        assert last.code == 0, last.err
        assert set(scene.service.charges(scene.emulator).values()) == {1}
        assert [entry["state"] for entry in scene.status()] == ["done"] * COUNT


@pytest.mark.parametrize("days", [-3, 3])
def test_a_wait_until_a_date_is_measured_by_the_clock_of_who_wrote_it(tmp_path: Path, days: float) -> None:
    """``Retry-After: Sun, 22 Nov ...`` from a service whose clock is right, to a computer whose clock is days off."""
    clock = WrongClock(tmp_path)
    clock.set(days * DAY)
    with scene_of(tmp_path, "whisk", characters=COUNT, limits=(Window(6, 3.0),)) as scene:
        scene.environ |= clock.environ
        scene.emulator.behaviour.retry_after = formatdate(time.time() + 5.0, usegmt=True)
        ended = scene.run()

        assert ended.code == 0, (ended.err, ended.summary["closed"])
        assert all(0.0 < wait["wait"] <= 10.0 for wait in ended.told("quota_wait"))
        hold(scene, COUNT)


@pytest.mark.parametrize(("service", "seed"), [("openai", 3), ("replicate", 4)])
def test_killed_while_the_clock_goes_mad(tmp_path: Path, service: str, seed: int) -> None:
    """Between any two runs the clock is set by up to ten days: pictures are taken up and tickets asked for as ever."""
    clock = WrongClock(tmp_path)

    def set_it(dice: random.Random) -> None:
        clock.set(dice.choice((-10, -3, -0.1, 0, 0.1, 3, 10)) * DAY)

    with scene_of(tmp_path, service, characters=COUNT) as scene:
        scene.environ |= clock.environ
        report = kill_again_and_again(
            scene,
            characters=COUNT,
            kills=3,
            seed=seed,
            moments=("half written", "named", "answered", "asked"),
            before_each=set_it,
        )

    assert (report.pictures, report.lost, report.unlisted) == (COUNT, 0, 0), report.line


@pytest.mark.parametrize("days", [-3, 3])
def test_a_ticket_is_good_whatever_the_clock_says(tmp_path: Path, days: float) -> None:
    """A job that stands at the service is asked for by the next run, days before or after, and not paid again."""
    clock = WrongClock(tmp_path)
    with scene_of(tmp_path, "replicate", characters=5, polls=4) as scene:
        scene.environ |= clock.environ
        running = scene.start_run()
        while running.alive and sum(bool(attempt.ticket) for attempt in scene.books().open.values()) < 5:
            time.sleep(0.02)
        assert running.alive
        running.kill()
        clock.set(days * DAY)
        last = scene.run()

        assert last.code == 0, last.err
        assert set(scene.service.charges(scene.emulator).values()) == {1}
        hold(scene, 5)


def test_a_media_id_that_has_expired_by_the_clock_is_uploaded_again_not_made_again(tmp_path: Path) -> None:
    """Days later the picture is uploaded anew; with the clock set back nothing at all is done."""
    clock = WrongClock(tmp_path)
    with scene_of(tmp_path, "whisk", characters=5) as scene:
        scene.environ |= clock.environ
        assert scene.run().code == 0
        clock.set(-3 * DAY)
        back = scene.run()
        clock.set(3 * DAY)
        later = scene.run()

        assert (back.code, back.summary["total"]) == (0, 0)
        assert (later.code, later.summary["uploads_only"]) == (0, 5)
        assert (scene.emulator.arrived[GENERATE], scene.emulator.arrived[UPLOAD]) == (5, 10)
