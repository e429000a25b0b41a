"""The ledger's file is damaged between two runs: it is set aside, told, and rebuilt from the pictures."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.disasters.accounts import hold, speaks_well
from tests.disasters.scene import Scene, scene_of
from tests.disasters.slow_services import GENERATE

COUNT = 10
PAGE = 4096


def _truncated(to: float) -> Callable[[Path], None]:
    def damage(ledger: Path) -> None:
        with ledger.open("r+b") as file:
            file.truncate(int(ledger.stat().st_size * to))

    return damage


def _zeroed(*pages: int) -> Callable[[Path], None]:
    def damage(ledger: Path) -> None:
        with ledger.open("r+b") as file:
            for page in pages:
                file.seek(page * PAGE)
                file.write(bytes(PAGE))

    return damage


def _garbage_head(ledger: Path) -> None:
    with ledger.open("r+b") as file:
        file.write(random.Random(5).randbytes(100))


def _a_text(ledger: Path) -> None:
    ledger.write_text("Dear diary, today I replaced a file that I did not know.\n" * 50, encoding="utf-8")


def _random_bytes(seed: int) -> Callable[[Path], None]:
    def damage(ledger: Path) -> None:
        dice = random.Random(seed)
        with ledger.open("r+b") as file:
            for _ in range(40):
                file.seek(dice.randrange(100, ledger.stat().st_size))
                file.write(dice.randbytes(8))

    return damage


def _within_a_row(ledger: Path) -> None:
    """SQLite itself finds nothing wrong with it."""
    data = ledger.read_bytes()
    at = data.rindex(b"whisk", 3 * PAGE)
    with ledger.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff\xfe")


DAMAGES: dict[str, Callable[[Path], None]] = {
    "truncated in the middle": _truncated(0.5),
    "a page of zeros": _zeroed(0),
    "pages of zeros": _zeroed(2, 3, 4, 5),
    "garbage at the head": _garbage_head,
    "a text": _a_text,
    "bytes within a row": _within_a_row,
    "random bytes": _random_bytes(2),
}


def _set_aside(scene: Scene) -> list[Path]:
    """What lies beside the ledger that was not there before."""
    usual = {"state.sqlite", "state.sqlite-wal", "state.sqlite-shm", "run.lock", "run.pid", ".gitignore"}
    return [path for path in (scene.folder / ".charimg").rglob("*") if path.is_file() and path.name not in usual]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_ledger_is_set_aside_and_rebuilt(tmp_path: Path, damage: str) -> None:
    """Nothing is made a second time, the damaged file is kept, and the user is told of it in a line."""
    with scene_of(tmp_path, "whisk", characters=COUNT) as scene:
        assert scene.run().code == 0
        pictures = scene.whole_pictures()
        DAMAGES[damage](scene.ledger)
        spoilt = scene.ledger.read_bytes()
        ended = scene.run()
        idle = scene.run()

        speaks_well(ended)
        assert ended.code == 0, ended.err
        assert set(scene.service.charges(scene.emulator).values()) == {1}
        assert scene.whole_pictures() == pictures
        assert any(path.read_bytes() == spoilt for path in _set_aside(scene)), _set_aside(scene)
        assert any("state.sqlite" in one["message"] for one in ended.told("warning")), ended.told("warning")
        assert (idle.code, idle.summary["total"], idle.told("warning")) == (0, 0, [])
        hold(scene, COUNT)


def test_a_ledger_that_was_emptied_is_a_new_one(tmp_path: Path) -> None:
    """A file of no bytes is what SQLite begins with: the pictures are taken up all the same."""
    with scene_of(tmp_path, "whisk", characters=COUNT) as scene:
        assert scene.run().code == 0
        scene.ledger.write_bytes(b"")
        ended = scene.run()

        assert ended.code == 0, ended.err
        assert set(scene.service.charges(scene.emulator).values()) == {1}
        hold(scene, COUNT)


@pytest.mark.parametrize("log", ["deleted", "of another ledger", "cut off", "zeros"])
def test_a_log_that_is_not_the_killed_runs_own(tmp_path: Path, log: str) -> None:
    """What only the log knew is known by the pictures; at most what was in flight is made again. A log of another
    database makes the ledger that database, which is told and left alone."""
    with scene_of(tmp_path, "whisk", characters=COUNT, latency=0.2) as scene:
        running = scene.start_run()
        while running.alive and scene.emulator.answered[GENERATE] < 7:
            pass
        running.kill()
        pictures = scene.whole_pictures()
        log_file = scene.ledger.with_name("state.sqlite-wal")
        data = log_file.read_bytes()
        assert data
        log_file.unlink()
        if log == "of another ledger":
            _another_log(tmp_path / "another.sqlite", log_file)
        elif log == "cut off":
            log_file.write_bytes(data[: len(data) // 2])
        elif log == "zeros":
            log_file.write_bytes(bytes(len(data)))
        ended = scene.run()
        if log == "of another ledger":
            assert (ended.code, "database of something else" in ended.err) == (7, True), ended.err
            shutil.rmtree(scene.ledger.parent)
            ended = scene.run()

        speaks_well(ended)
        assert ended.code == 0, ended.err
        assert pictures.keys() <= scene.whole_pictures().keys()
        charges = scene.service.charges(scene.emulator)
        made = {path.name.partition(".")[0] for path in pictures.values() if not path.name.startswith(".")}
        assert all(charges[key] == 1 for key in made), charges
        assert charges.total() <= COUNT + 5
        assert [entry["state"] for entry in scene.status()] == ["done"] * COUNT
        assert not scene.half_files()


def _another_log(other: Path, target: Path) -> None:
    """The log of a database that has nothing to do with the ledger."""
    db = sqlite3.connect(other, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("CREATE TABLE recipe (title TEXT)")
    db.executemany("INSERT INTO recipe VALUES (?)", [("Luchi and alur dom",)] * 50)
    shutil.copy(other.with_name(f"{other.name}-wal"), target)
    db.close()


def test_a_damaged_ledger_is_told_by_commands_that_only_look(tmp_path: Path) -> None:
    """``status`` changes nothing: one line, exit code 7, what to do."""
    with scene_of(tmp_path, "whisk", characters=COUNT) as scene:
        assert scene.run().code == 0
        _a_text(scene.ledger)
        before = scene.ledger.read_bytes()
        ended = scene.command("status")

        assert (ended.code, ended.err.count("\n")) == (7, 1), ended.err
        assert scene.ledger.read_bytes() == before
