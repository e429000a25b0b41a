"""Never lost, never paid twice: a run that dies at any step, and what the next one makes of it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from charimg.contracts import JobState, PictureRecord
from charimg.disk import Disk
from charimg.errors import InputError, ProjectBusyError, StorageError
from charimg.events import JobGenerating, JobPossiblyCharged, JobSaved, JobUploaded, RunFinished
from charimg.providers.sqlite import SqliteStore
from tests.run.workshop import Service, Workshop, die_at, paint

dying = pytest.mark.skipif(not hasattr(os, "fork"), reason="a process that dies needs fork")

ONCE, TWICE = 1, 2


def at_the_flush_of_a_picture() -> None:
    """Die when the bytes of the first picture are written, and not yet flushed."""
    write = Disk.write_new

    def write_new(disk: Disk, path: Path, data: bytes) -> None:
        if path.name.startswith(".c1."):
            die_at(os, "fsync", "before")()
        write(disk, path, data)

    Disk.write_new = write_new  # type: ignore[method-assign] # in a process that is about to die


NOTHING, ADOPTED, CHARGED = "nothing", "adopted", "charged"

MOMENTS: dict[str, tuple[Callable[[], None], int, int, str]] = {
    # the fatal moment: how often the picture is made and uploaded in both runs together, and what the second tells
    "before the intent": (die_at(SqliteStore, "record_intent", "before"), ONCE, ONCE, NOTHING),
    "after the intent": (die_at(SqliteStore, "record_intent", "after"), ONCE, ONCE, CHARGED),
    "while the service works": (die_at(Service, "answer", "after"), TWICE, ONCE, CHARGED),
    "before the picture is flushed": (at_the_flush_of_a_picture, ONCE, ONCE, ADOPTED),
    "before it is renamed": (die_at(Disk, "replace", "before"), ONCE, ONCE, ADOPTED),
    "after it is renamed": (die_at(Disk, "replace", "after"), ONCE, ONCE, ADOPTED),
    "before it is recorded": (die_at(SqliteStore, "record_saved", "before"), ONCE, ONCE, ADOPTED),
    "after it is recorded": (die_at(SqliteStore, "record_saved", "after"), ONCE, ONCE, NOTHING),
    "before the upload is recorded": (die_at(SqliteStore, "record_upload", "before"), ONCE, TWICE, NOTHING),
    "after the upload is recorded": (die_at(SqliteStore, "record_upload", "after"), ONCE, ONCE, NOTHING),
    "before the end is recorded": (die_at(SqliteStore, "finish_run", "before"), ONCE, ONCE, NOTHING),
}


@dying
@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS.keys())
def test_a_process_that_dies_between_two_steps_is_taken_up_by_the_next_run(
    workshop: Workshop, moment: tuple[Callable[[], None], int, int, str]
) -> None:
    """The next run finishes the character, makes nothing again that is there, and says what it found."""
    where, generated, uploaded, tells = moment
    workshop.cast("C1")
    workshop.run_and_die(where)
    told = workshop.run()

    record = workshop.ledger()["c1"]
    adopted = [event.key for event in told.of(JobSaved) if event.adopted]
    charged = [event.key for event in told.of(JobPossiblyCharged)]
    assert (record.state, record.open_attempts, workshop.pictures()) == (JobState.DONE, (), ["c1.png"])
    assert (workshop.generator.asked["c1"], workshop.uploader.asked["c1"]) == (generated, uploaded)
    assert (adopted, charged) == (["c1"] if tells == ADOPTED else [], ["c1"] if tells == CHARGED else [])
    assert told.finished is not None
    assert told.finished.exit_code == 0


@dying
def test_a_half_written_picture_is_not_adopted(workshop: Workshop) -> None:
    """What a power cut left of a file is no picture: it is cleared away and the picture made again."""
    workshop.cast("C1")
    workshop.run_and_die(at_the_flush_of_a_picture)
    (part,) = (workshop.folder / "pictures").iterdir()
    part.write_bytes(part.read_bytes()[:40])
    told = workshop.run()

    assert (workshop.pictures(), workshop.generator.asked["c1"], len(told.of(JobPossiblyCharged))) == (["c1.png"], 2, 1)


@dying
def test_an_adopted_picture_is_told_in_the_ledger(workshop: Workshop) -> None:
    """Its record says that it was found rather than received."""
    workshop.cast("C1")
    workshop.run_and_die(die_at(SqliteStore, "record_saved", "before"))
    workshop.run()

    picture = workshop.ledger()["c1"].picture
    assert picture is not None
    assert picture.adopted


@dying
def test_force_after_a_crash_is_content_with_the_picture_that_was_paid_for(workshop: Workshop) -> None:
    """A forced run that died after its picture came does not pay for that character again, and keeps the old one."""
    workshop.cast("C1")
    workshop.run()
    workshop.run_and_die(die_at(Disk, "replace", "before"), force=True)
    workshop.run(force=True)

    assert (workshop.generator.asked["c1"], workshop.pictures()[0]) == (2, "c1.1.png")


@dying
def test_a_lost_attempt_stays_known(workshop: Workshop) -> None:
    """An attempt that may have been charged is told once and remains in the ledger's list."""
    workshop.cast("C1")
    workshop.run_and_die(die_at(Service, "answer", "after"))
    workshop.run()
    again = workshop.run()

    assert (again.of(JobPossiblyCharged), workshop.ledger()["c1"].attempts) == ([], 2)


@dying
def test_the_lock_dies_with_its_process(workshop: Workshop) -> None:
    """A run that was killed does not keep the next one out."""
    workshop.run_and_die(die_at(SqliteStore, "finish_run", "before"))

    assert workshop.run().error is None


def test_a_second_run_at_the_same_time_is_refused_and_told_by_whom(workshop: Workshop) -> None:
    """One run at a time for a project; the second changes nothing."""
    order = workshop.order()
    with order.workplace.project.locked():
        told = workshop.run()

    assert isinstance(told.error, ProjectBusyError)
    assert f"process {os.getpid()}" in str(told.error)
    assert (told.events, told.listener.closed, workshop.generator.asked) == ([], 1, {})


def test_a_picture_made_again_keeps_the_old_one(workshop: Workshop) -> None:
    """``--force`` keeps what was there beside the new one, on disk and in the ledger."""
    workshop.cast("C1")
    workshop.run()
    old = (workshop.folder / "pictures/c1.png").read_bytes()
    workshop.run(force=True)

    record = workshop.ledger()["c1"]
    assert (workshop.folder / "pictures/c1.1.png").read_bytes() == old
    assert [picture.path for picture in record.other_pictures] == ["pictures/c1.1.png"]


def test_force_does_not_pay_twice_when_the_upload_meets_a_quota(workshop: Workshop) -> None:
    """The new picture is made once; only its upload is tried again."""
    workshop.cast("C1")
    workshop.run()
    workshop.uploader.will(c1=[RuntimeError("quota exceeded")])
    workshop.run(force=True)

    assert (workshop.generator.asked["c1"], workshop.uploader.asked["c1"]) == (2, 3)


def test_a_forced_picture_that_failed_leaves_the_old_one_in_place(workshop: Workshop) -> None:
    """The old picture and its media id stand; the next plain run neither makes nor uploads anything."""
    workshop.cast("C1")
    workshop.run()
    workshop.generator.will(c1=[ValueError("bad size")])
    workshop.run(force=True)
    told = workshop.run()

    media = workshop.ledger()["c1"].media
    assert (told.of(JobGenerating), told.of(JobUploaded), media and media.id) == ([], [], "media-c1")


def test_a_users_own_file_of_the_same_name_is_kept(workshop: Workshop) -> None:
    """A picture the user put there is moved aside, not overwritten."""
    workshop.cast("C1")
    (workshop.folder / "pictures").mkdir()
    own = workshop.folder / "pictures/c1.png"
    own.write_bytes(paint())
    before = own.read_bytes()
    workshop.run()

    assert (workshop.folder / "pictures/c1.1.png").read_bytes() == before
    assert own.read_bytes() != before


def test_a_picture_that_vanished_is_made_again(workshop: Workshop) -> None:
    """The ledger knows it, the disk has lost it: it is made and uploaded again."""
    workshop.run()
    (workshop.folder / "pictures/c2.png").unlink()
    told = workshop.run()

    assert [event.key for event in told.of(JobUploaded)] == ["c2"]


def test_a_full_disk_stops_the_run_before_it_spends_more(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in flight is kept where it can be; no further batch is sent, and the summary comes before the error."""
    workshop.cast(*(f"C{number}" for number in range(1, 13)))
    record = SqliteStore.record_saved

    async def full(self: SqliteStore, attempt: str, picture: PictureRecord, kept_as: str | None = None) -> None:
        if picture.path == "pictures/c3.png":
            raise StorageError("the disk is full")
        await record(self, attempt, picture, kept_as)

    monkeypatch.setattr(SqliteStore, "record_saved", full)
    told = workshop.run()

    assert (str(told.error), sum(workshop.generator.asked.values()), told.counts) == (
        "the disk is full",
        5,
        (4, 0, 0, 8, 7),
    )


def test_a_picture_that_came_and_could_not_be_saved_is_listed(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been charged: this very run says so, by name, and not only the next."""
    write = Disk.write_new

    def full(disk: Disk, path: Path, data: bytes) -> None:
        if path.name.startswith(".c3."):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(disk, path, data)

    monkeypatch.setattr(Disk, "write_new", full)
    told = workshop.run()

    assert [job.name for job in told.of(RunFinished)[0].possibly_charged] == ["C3"]
    assert told.counts == (4, 0, 0, 1, 7)


@dying
def test_a_picture_that_cannot_be_taken_up_is_one_line_not_a_traceback(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that refuses the rename of a crashed run's picture is told as trouble with the disk."""
    from charimg.picture_folder import PictureFolder

    workshop.cast("C1")
    workshop.run_and_die(die_at(Disk, "replace", "before"))

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(PictureFolder, "_finish", refuse)
    error = workshop.run().error

    assert isinstance(error, StorageError)
    assert "Permission denied" in str(error)


def test_a_deleted_pictures_record_is_not_taken_for_the_new_one(workshop: Workshop) -> None:
    """The user threw a picture away twice: each version has a path of its own, and only the last one has a file."""
    workshop.cast("C1")
    for _ in range(3):
        workshop.run()
        (workshop.folder / "pictures/c1.png").unlink()
    workshop.run()
    workshop.run(force=True)

    record = workshop.ledger()["c1"]
    assert record.picture is not None
    paths = [*(one.path for one in record.other_pictures), record.picture.path]
    assert len(set(paths)) == 5
    assert [path for path in paths if (workshop.folder / path).exists()] == ["pictures/c1.1.png", "pictures/c1.png"]


@dying
def test_what_an_earlier_run_left_is_told_even_by_a_run_that_cannot_begin(workshop: Workshop) -> None:
    """It is settled then and there, and no later run finds it again."""
    workshop.cast("C1")
    workshop.run_and_die(die_at(Service, "answer", "after"))
    told = workshop.run(only=("Nobody",))

    assert isinstance(told.error, InputError)
    assert [event.key for event in told.of(JobPossiblyCharged)] == ["c1"]


def test_the_summary_knows_that_its_run_could_not_be_recorded(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads the events is told the exit code that the command ends with."""

    async def full(*_: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(SqliteStore, "finish_run", full)
    told = workshop.run()

    assert isinstance(told.error, StorageError)
    assert told.counts == (5, 0, 0, 0, int(told.error.exit_code))
