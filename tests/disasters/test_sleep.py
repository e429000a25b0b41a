"""A machine that sleeps for an hour: the process stands still, the clock goes on, connections die."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.disasters.accounts import hold, speaks_well
from tests.disasters.scene import Running, Scene, scene_of
from tests.disasters.slow_services import GENERATE
from tests.disasters.wrong_clock import WrongClock
from tests.emulators.whisk import Window

COUNT = 10
HOUR = 3600.0


def _until(running: Running, scene: Scene, asked: int, told: str = "") -> None:
    """The service has been asked for so many pictures, and the run has told of something."""
    while running.alive and (scene.emulator.arrived[GENERATE] < asked or told not in running.out()):
        time.sleep(0.005)


def _sleep(running: Running, clock: WrongClock, *, hang_up: Scene | None = None) -> None:
    """An hour passes within a moment, and whoever was connected to the machine hangs up."""
    assert running.alive
    running.freeze()
    if hang_up is not None:
        hang_up.emulator.hang_up()
    time.sleep(0.3)
    clock.set(HOUR)
    running.thaw()


@pytest.mark.parametrize("monotonic", [False, True], ids=["Linux", "the seconds count on"])
def test_asleep_in_a_quota_wait(tmp_path: Path, monotonic: bool) -> None:
    """Awake again the run waits for the rest, or goes on where the hour counts as waited; nothing is made twice."""
    clock = WrongClock(tmp_path, monotonic=monotonic)
    words = ("--cooldown", "0.02", "--quota-wait", "1.5")
    with scene_of(tmp_path, "whisk", characters=COUNT, words=words, limits=(Window(7, 2.0),)) as scene:
        scene.environ |= clock.environ
        running = scene.start_run()
        _until(running, scene, 8, '"event": "quota_wait"')
        _sleep(running, clock)
        ended = running.end()

        speaks_well(ended)
        assert ended.code == 0, ended.err
        assert monotonic or max(scene.emulator.bill.idle_gaps("generate")) >= 1.5
        assert set(scene.service.charges(scene.emulator).values()) == {1}
        hold(scene, COUNT)


@pytest.mark.parametrize("monotonic", [False, True], ids=["Linux", "the seconds count on"])
@pytest.mark.parametrize("service", ["whisk", "replicate"])
def test_asleep_while_the_service_is_at_work(tmp_path: Path, service: str, monotonic: bool) -> None:
    """The connections died meanwhile: what may have been charged is listed and made again, what has a ticket is
    asked for."""
    clock = WrongClock(tmp_path, monotonic=monotonic)
    with scene_of(tmp_path, service, characters=COUNT, latency=0.8) as scene:
        scene.environ |= clock.environ
        running = scene.start_run()
        _until(running, scene, 5)
        _sleep(running, clock, hang_up=scene)
        ended = running.end()
        last = scene.run()

        speaks_well(ended)
        assert (ended.code, last.code) == (0, 0), ended.err
        charges = scene.service.charges(scene.emulator)
        listed = {one["key"] for one in ended.summary["possibly_charged"]}
        assert {key for key, count in charges.items() if count > 1} <= listed
        assert max(charges.values()) <= 2
        hold(scene, COUNT)


def test_asleep_between_two_questions_for_a_standing_job(tmp_path: Path) -> None:
    """An hour is more than the patience with one job: it is asked for again all the same, and paid once."""
    clock = WrongClock(tmp_path, monotonic=True)
    with scene_of(tmp_path, "replicate", characters=5, polls=3, latency=0.05) as scene:
        scene.environ |= clock.environ
        running = scene.start_run()
        _until(running, scene, 5)
        while running.alive and sum(bool(attempt.ticket) for attempt in scene.books().open.values()) < 5:
            time.sleep(0.02)
        _sleep(running, clock)
        ended = running.end()

        speaks_well(ended)
        assert ended.code == 0, ended.err
        assert set(scene.service.charges(scene.emulator).values()) == {1}
        hold(scene, 5)
