"""The disk becomes full, at any moment; later there is room again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.disasters.accounts import hold, speaks_well, stopped_by_the_disk
from tests.disasters.mounts import small_disk
from tests.disasters.scene import scene_of
from tests.disasters.slow_services import GENERATE
from tests.disasters.watching import when_asked_for

COUNT = 15


def test_a_disk_that_fills_up_ends_the_run_and_nothing_is_lost(tmp_path: Path) -> None:
    """A megabyte holds some of the pictures: then one line and exit code 7; with more room the rest is made."""
    with small_disk(tmp_path, "1m") as disk, scene_of(tmp_path, "whisk", characters=60) as scene:
        first = scene.run()
        made = len(scene.whole_pictures())
        again = scene.run()
        disk.resize("8m")
        last = scene.run()

        stopped_by_the_disk(first)
        stopped_by_the_disk(again)
        assert "free some space" in first.err
        assert (last.code, 0 < made < 60) == (0, True)
        assert sum(scene.service.charges(scene.emulator).values()) <= 60 + 2 * 5
        hold(scene, 60)


@pytest.mark.parametrize(
    ("where", "asked", "leave"),
    [(".", 3, 0), ("pictures", 7, 50_000), (".charimg", 7, 4096)],
)
def test_a_disk_that_others_fill_in_mid_run(tmp_path: Path, where: str, asked: int, leave: int) -> None:
    """Pictures, ledger or both find no room: what came is kept or listed, and the next run makes what is missing."""
    with (
        small_disk(tmp_path / where, "4m") as disk,
        scene_of(tmp_path, "whisk", characters=COUNT) as scene,
    ):
        with when_asked_for(scene, asked, lambda: disk.fill(leave=leave)):
            first = scene.run()
        saved = scene.whole_pictures().keys()
        disk.empty()
        last = scene.run()

        if first.code:  # a few thousand bytes may suffice for a small ledger
            stopped_by_the_disk(first)
        assert last.code == 0, last.err
        assert saved <= scene.whole_pictures().keys()
        assert sum(scene.service.charges(scene.emulator).values()) <= COUNT + 5
        hold(scene, COUNT)


@pytest.mark.parametrize("limit", [20_000, 150_000])
def test_a_limit_on_the_size_of_files(tmp_path: Path, limit: int) -> None:
    """A quota refuses to let a file grow: exit code 7 and one line; without the limit the rest is made."""
    if shutil.which("prlimit") is None:
        pytest.skip("prlimit is not here")
    with scene_of(tmp_path, "whisk", characters=COUNT) as scene:
        scene.before = ("prlimit", f"--fsize={limit}")
        first = scene.run()
        saved = scene.whole_pictures().keys()
        scene.before = ()
        last = scene.run()

        stopped_by_the_disk(first)
        assert last.code == 0, last.err
        assert saved <= scene.whole_pictures().keys()
        assert sum(scene.service.charges(scene.emulator).values()) <= COUNT + 5
        hold(scene, COUNT)


def test_a_full_disk_is_told_before_anything_is_paid(tmp_path: Path) -> None:
    """Where not even a trial file fits, nothing is asked of the service."""
    with small_disk(tmp_path, "1m") as disk, scene_of(tmp_path, "whisk", characters=COUNT) as scene:
        disk.fill(leave=0)
        ended = scene.run()
        speaks_well(ended)

        assert (ended.code, ended.err.count("\n")) == (7, 1)
        assert scene.emulator.arrived[GENERATE] == 0
