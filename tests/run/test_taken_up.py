"""What a run finds that the ledger does not know: pictures that say whose they are, and a ledger that is damaged."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from charimg.contracts import JobState, PictureRecord
from charimg.errors import InputError, StorageError
from charimg.events import Warned
from charimg.providers.sqlite import SqliteStore
from tests.run.workshop import Workshop, paint


def state_of(workshop: Workshop) -> Path:
    return workshop.folder / ".charimg" / "state.sqlite"


def test_a_lost_ledger_costs_nothing(workshop: Workshop) -> None:
    """Every picture says whose it is: nobody is paid for again, and only the uploads are made anew."""
    workshop.run()
    shutil.rmtree(workshop.folder / ".charimg")
    told = workshop.run()

    records = workshop.ledger()
    assert set(workshop.generator.asked.values()) == {1}
    assert told.counts == (5, 0, 0, 0, 0)
    assert {record.state for record in records.values()} == {JobState.DONE}
    assert all(record.picture and record.picture.adopted and record.picture.cost for record in records.values())
    assert any("5 pictures adopted" in warning.message for warning in told.of(Warned))


def test_a_picture_of_what_the_roster_said_before_is_taken_up_too(workshop: Workshop) -> None:
    """As if the ledger were still there: it is told as stale, and not made again unasked."""
    workshop.run()
    shutil.rmtree(workshop.folder / ".charimg")
    workshop.cast("C1", C1="somebody else altogether, in a red hat")
    told = workshop.run()

    assert workshop.generator.asked["c1"] == 1
    assert any("the roster has changed since this picture: C1" in warning.message for warning in told.of(Warned))


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"no database at all, and long enough to look like one" * 200),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:100] + bytes(path.stat().st_size - 100)),
    ],
    ids=["a text", "cut", "empty", "zeroed"],
)
def test_a_damaged_ledger_is_set_aside_and_rebuilt(workshop: Workshop, damage: object) -> None:
    """It is kept, the user is told in a line, and nothing is made again."""
    workshop.run()
    assert callable(damage)
    damage(state_of(workshop))
    told = workshop.run()

    kept = [path.name for path in state_of(workshop).parent.iterdir() if "damaged" in path.name]
    said = [warning.message for warning in told.of(Warned) if "the ledger was damaged" in warning.message]
    assert set(workshop.generator.asked.values()) == {1}
    assert told.counts[0] in (0, 5)
    assert {record.state for record in workshop.ledger().values()} == {JobState.DONE}
    assert len(said) == len(kept[:1]) == 1
    assert kept[0] in said[0]


def test_a_picture_that_says_nothing_is_left_alone(workshop: Workshop) -> None:
    """It may be the user's own: it is kept beside the new one."""
    (workshop.folder / "pictures").mkdir()
    (workshop.folder / "pictures" / "c1.png").write_bytes(own := paint())
    workshop.run()

    assert workshop.generator.asked["c1"] == 1
    assert (workshop.folder / "pictures" / "c1.1.png").read_bytes() == own


def test_the_same_picture_for_two_characters_is_told(workshop: Workshop) -> None:
    """Some services answer "too much" with a placeholder: two people who look the same to the last byte are odd."""
    same = paint()
    workshop.generator.will(c1=[same], c3=[same])
    told = workshop.run()

    said = [warning for warning in told.of(Warned) if "byte for byte" in warning.message]
    assert [warning.key for warning in said] == ["c3"]
    assert "c1" in said[0].message


def test_a_ledger_whose_damage_shows_as_it_is_read_is_rebuilt_too(workshop: Workshop) -> None:
    """The file opens well; what stands in it cannot be read."""
    workshop.run()
    with closing(sqlite3.connect(state_of(workshop), isolation_level=None)) as db:
        db.execute("UPDATE picture SET facts = '{torn'")
    told = workshop.run()

    assert set(workshop.generator.asked.values()) == {1}
    assert {record.state for record in workshop.ledger().values()} == {JobState.DONE}
    assert any("the ledger was damaged" in warning.message for warning in told.of(Warned))


def test_a_rebuilt_ledger_knows_pictures_by_their_names(workshop: Workshop) -> None:
    """Those that say nothing of themselves, because the user wanted it so, are not paid for again either."""
    workshop.run(flags={"metadata": "none"})
    state_of(workshop).write_bytes(b"")
    workshop.run(flags={"metadata": "none"})

    assert set(workshop.generator.asked.values()) == {1}


def test_a_rebuilding_that_was_broken_off_is_done_once_more(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run does not take what half of it left for all there is: every version is known in the end."""
    workshop.cast("C1")
    workshop.run()
    workshop.run(force=True)
    state_of(workshop).write_bytes(b"")
    record, recorded = SqliteStore.record_saved, list[str]()

    async def fall(self: SqliteStore, attempt: str, picture: PictureRecord, kept_as: str | None = None) -> None:
        if recorded:
            raise StorageError("the disk is full")
        recorded.append(picture.path)
        await record(self, attempt, picture, kept_as)

    with monkeypatch.context() as patch:
        patch.setattr(SqliteStore, "record_saved", fall)
        assert isinstance(workshop.run().error, StorageError)
    workshop.run()

    found = workshop.ledger()["c1"]
    assert found.picture is not None
    assert (found.picture.path, [one.path for one in found.other_pictures]) == (
        "pictures/c1.png",
        ["pictures/c1.1.png"],
    )
    assert workshop.generator.asked["c1"] == 2


def test_a_damaged_ledger_is_told_even_if_the_first_run_could_not_begin(workshop: Workshop) -> None:
    """It was put out of the way by then, and the next run finds nothing damaged any more: both say it."""
    workshop.run()
    state_of(workshop).write_bytes(b"")
    told = [workshop.run(only=("Nobody",)), workshop.run(), workshop.run()]

    assert isinstance(told[0].error, InputError)
    assert [any("was damaged" in one.message for one in run.of(Warned)) for run in told] == [True, True, False]


def test_a_picture_that_was_renamed_is_found_again(workshop: Workshop) -> None:
    """The user gave it a name of their own: it is known by its bytes, and nobody is paid for another."""
    workshop.run()
    (workshop.folder / "pictures/c2.png").rename(workshop.folder / "pictures/heroine.png")
    (workshop.folder / "pictures/holiday.png").write_bytes(paint())
    workshop.run()

    record = workshop.ledger()["c2"]
    assert record.picture is not None
    assert (workshop.generator.asked["c2"], record.picture.path) == (1, "pictures/heroine.png")


def test_a_strangers_file_in_the_place_is_no_version(workshop: Workshop) -> None:
    """The user threw the picture away and put another there: it is kept, and not taken for what was recorded."""
    workshop.cast("C1")
    workshop.run()
    (workshop.folder / "pictures/c1.png").write_bytes(own := paint())
    workshop.run(force=True)

    record = workshop.ledger()["c1"]
    assert (workshop.folder / "pictures/c1.1.png").read_bytes() == own
    assert [(workshop.folder / one.path).exists() for one in record.other_pictures] == [False]
