"""Folders that are read-only, or vanish, between runs and under a run; rosters that change under it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.disasters.accounts import hold, speaks_well, stopped_by_the_disk
from tests.disasters.mounts import read_only
from tests.disasters.scene import roster_of, scene_of
from tests.disasters.watching import when_asked_for

COUNT = 15


def _gone(folder: Path) -> None:
    """As a file manager deletes it: moved to the waste basket at once, emptied later."""
    shutil.rmtree(folder.rename(folder.with_name(f"{folder.name} (deleted)")))


@pytest.mark.parametrize("where", ["pictures", ".charimg", "."])
def test_a_read_only_folder_costs_nothing(tmp_path: Path, where: str) -> None:
    """Whatever cannot be written in is told in one line, exit code 7, before anything is asked of the service."""
    with scene_of(tmp_path, "whisk", characters=COUNT) as scene:
        assert scene.run("--only", "Hero 000").code == 0
        with read_only(tmp_path / where):
            ended = scene.run()
            status = scene.command("status")
        last = scene.run()

        stopped_by_the_disk(ended)
        assert status.code == 0, status.err
        assert last.code == 0, last.err
        assert set(scene.service.charges(scene.emulator).values()) == {1}
        hold(scene, COUNT)


def test_a_picture_folder_that_becomes_read_only_in_mid_run(tmp_path: Path) -> None:
    """What was in flight is listed, everything else is kept, and the next run makes what is missing."""
    with scene_of(tmp_path, "whisk", characters=COUNT) as scene:
        assert scene.run("--only", "Hero 000").code == 0
        guard = read_only(scene.out)
        try:
            with when_asked_for(scene, 8, guard.__enter__):
                first = scene.run()
        finally:
            guard.__exit__(None, None, None)
        last = scene.run()

        stopped_by_the_disk(first)
        assert last.code == 0, last.err
        assert sum(scene.service.charges(scene.emulator).values()) <= COUNT + 5
        hold(scene, COUNT)


def test_a_picture_folder_deleted_in_mid_run_is_made_again(tmp_path: Path) -> None:
    """What is in flight is saved in a new folder; what was deleted is made again by the next run, and by no other."""
    with scene_of(tmp_path, "whisk", characters=COUNT) as scene:
        with when_asked_for(scene, 8, lambda: _gone(scene.out)):
            first = scene.run()
        kept = len(scene.whole_pictures())
        after_first = scene.service.charges(scene.emulator).total()
        last = scene.run()
        idle = scene.run()

        speaks_well(first)
        assert first.code in (0, 1), first.err
        assert after_first == COUNT  # nothing was made a second time under the same run
        assert COUNT - 7 <= kept < COUNT  # those of the first batch, and up to two more, were there to be deleted
        assert (last.code, idle.code, idle.summary["total"]) == (0, 0, 0)
        assert scene.service.charges(scene.emulator).total() == COUNT + (COUNT - kept)
        assert len(scene.whole_pictures()) == COUNT
        assert [entry["state"] for entry in scene.status()] == ["done"] * COUNT


def test_a_picture_folder_deleted_between_runs(tmp_path: Path) -> None:
    """The user wants them no more, or by mistake: the next run makes them again, once."""
    with scene_of(tmp_path, "whisk", characters=5) as scene:
        assert scene.run().code == 0
        _gone(scene.out)
        again, idle = scene.run(), scene.run()

        assert (again.code, again.summary["succeeded"], idle.summary["total"]) == (0, 5, 0)
        assert set(scene.service.charges(scene.emulator).values()) == {2}
        assert len(scene.whole_pictures()) == 5


def test_a_state_folder_deleted_between_runs_costs_nothing(tmp_path: Path) -> None:
    """The pictures say whose they are: they are taken up again and nothing is made."""
    with scene_of(tmp_path, "whisk", characters=COUNT) as scene:
        assert scene.run().code == 0
        before = scene.whole_pictures()
        _gone(tmp_path / ".charimg")
        again = scene.run()

        assert again.code == 0, again.err
        assert set(scene.service.charges(scene.emulator).values()) == {1}
        assert scene.whole_pictures() == before
        hold(scene, COUNT)


def test_a_state_folder_deleted_in_mid_run_loses_no_picture(tmp_path: Path) -> None:
    """A run whose ledger is gone spends nothing more than what is under way, and the pictures are taken up again."""
    with scene_of(tmp_path, "whisk", characters=COUNT) as scene:
        with when_asked_for(scene, 8, lambda: _gone(tmp_path / ".charimg")):
            first = scene.run()
        before = scene.whole_pictures()
        last = scene.run()

        stopped_by_the_disk(first)
        assert last.code == 0, last.err
        assert before.keys() <= scene.whole_pictures().keys()
        assert scene.service.charges(scene.emulator).total() <= COUNT + 5
        assert [entry["state"] for entry in scene.status()] == ["done"] * COUNT


@pytest.mark.parametrize("happens", ["edited", "deleted", "spoilt"])
def test_a_roster_that_changes_in_mid_run(tmp_path: Path, happens: str) -> None:
    """A run goes by the roster as it was when it began."""
    roster = tmp_path / "characters.yaml"

    def change() -> None:
        if happens == "deleted":
            roster.unlink()
        else:
            roster.write_text(roster_of(3) if happens == "edited" else "characters: [", encoding="utf-8")

    with scene_of(tmp_path, "whisk", characters=COUNT) as scene:
        with when_asked_for(scene, 3, change):
            ended = scene.run()
        roster.write_text(roster_of(COUNT), encoding="utf-8")

        assert (ended.code, ended.summary["succeeded"]) == (0, COUNT)
        hold(scene, COUNT)


def test_the_lock_holds_though_its_folder_was_deleted(tmp_path: Path) -> None:
    """A second run does not begin beside one that is under way, though somebody deleted the lock with its folder."""
    with scene_of(tmp_path, "whisk", characters=COUNT, latency=0.5) as scene:
        running = scene.start_run()
        with when_asked_for(scene, 3, running.freeze) as done:
            assert done.wait(60)
        _gone(tmp_path / ".charimg")
        second = scene.run()
        running.thaw()
        first = running.end()
        last = scene.run()

        stopped_by_the_disk(first)
        assert (second.code, second.err.count("\n"), last.code) == (6, 1, 0), second.err
        assert scene.service.charges(scene.emulator).total() <= COUNT + 5
