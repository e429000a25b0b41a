"""Which version of a picture is the current one: decisions, and steps that may be broken off anywhere."""

from __future__ import annotations

import asyncio
import io
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from charimg.choosing import Versions, candidates_waiting, last_changes, last_operation, settle, versions_of
from charimg.contracts import Attempt, AttemptRecord, Choice, JobRecord, JobState, PictureRecord, ProviderContext
from charimg.disk import Disk
from charimg.errors import InputError
from charimg.images import inspect
from charimg.model import MediaReference, utc_now
from charimg.picture_folder import PictureFolder
from charimg.project import Project
from charimg.providers.sqlite import SqliteStore

EARLY = datetime(2026, 11, 22, tzinfo=timezone.utc)

# -- decisions --------------------------------------------------------------------------------------------------


def chosen(*story: str) -> list[Choice]:
    """Choices, oldest first: ``"ana 2 run"`` is version 2 of Ana, by the operation ``run``."""
    told = (words.split() for words in story)
    return [
        Choice(key, int(version), operation, EARLY + timedelta(minutes=minute))
        for minute, (key, version, operation) in enumerate(told)
    ]


def test_a_first_picture_is_nothing_to_undo() -> None:
    """It took no other's place."""
    assert last_changes(chosen("ana 1 run", "bo 1 run")) == {}


def test_the_last_change_goes_back_to_the_version_before() -> None:
    """Not to the one with the number before."""
    changes = last_changes(chosen("ana 1 a", "ana 2 b", "ana 3 c", "ana 1 pick"))

    assert (changes["ana"].back_to, changes["ana"].operation) == (3, "pick")


def test_what_one_operation_did_in_two_steps_is_taken_back_whole() -> None:
    """A plugin that works on a new picture makes two versions of it; the user asked for one."""
    changes = last_changes(chosen("ana 1 a", "ana 2 b", "ana 3 b"))

    assert changes["ana"].back_through == (2, 1)
    assert last_changes(chosen("ana 1 a", "ana 2 a")) == {}


def test_the_last_operation_is_the_newest_that_changed_something() -> None:
    """A run that made first pictures only is passed over; one that changed several is taken back for all of them."""
    story = chosen("ana 1 a", "bo 1 a", "cem 1 a", "ana 2 b", "bo 2 b", "dina 1 c")
    undone = last_operation(last_changes(story))

    assert [(change.key, change.back_to) for change in undone] == [("ana", 1), ("bo", 1)]
    assert last_operation(last_changes([])) == ()


def test_a_character_that_was_changed_since_keeps_its_newer_change_out() -> None:
    """The pick after the run is the last operation, and it is Ana's alone."""
    story = chosen("ana 1 a", "bo 1 a", "ana 2 b", "bo 2 b", "ana 1 pick")

    assert [change.key for change in last_operation(last_changes(story))] == ["ana"]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 4), st.sampled_from("xyz")), max_size=12))
def test_undoing_again_and_again_ends_at_each_first_operation(story: list[tuple[str, int, str]]) -> None:
    """Every undo takes whole operations from the end of a character's choices, and the first always stays."""
    live = chosen(*(f"{key} {version} {operation}" for key, version, operation in story))
    for _ in range(len(live) + 1):
        undone = last_operation(last_changes(live))
        for change in undone:
            mine = [choice for choice in live if choice.key == change.key]
            count = len(change.back_through)
            assert {choice.operation for choice in mine[-count:]} == {change.operation}
            assert mine[-count - 1].version == change.back_to
            live = [choice for choice in live if choice not in mine[-count:]]

    for key in {choice.key for choice in live}:
        assert len({choice.operation for choice in live if choice.key == key}) == 1


def tried(version: int, minute: int, *, candidate: bool = True) -> AttemptRecord:
    """An attempt that left this version."""
    saved = EARLY + timedelta(minutes=minute)
    attempt = Attempt(f"a{version}", "run", "ana", "Ana", "lane", "gen", "", "", None, saved, candidate=candidate)
    picture = PictureRecord(f"pictures/ana.{version}.png", inspect(paint(version)), version=version, saved=saved)
    return AttemptRecord(attempt, "saved", saved, None, (picture,))


def test_candidates_wait_until_somebody_chooses() -> None:
    """Those made since the last choice that were not chosen; a pick ends the waiting of all of them."""
    history = [tried(1, 0, candidate=False), tried(2, 5), tried(3, 6)]
    first = chosen("ana 1 run")
    later = Choice("ana", 2, "pick", EARLY + timedelta(minutes=9))

    assert [one.version for one in candidates_waiting(history, first)] == [2, 3]
    assert candidates_waiting(history, [*first, later]) == ()


# -- steps ------------------------------------------------------------------------------------------------------


def paint(number: int, kind: str = "PNG") -> bytes:
    """A picture of its own."""
    out = io.BytesIO()
    Image.new("RGB", (16, 24), (number, 40, 7)).save(out, kind)
    return out.getvalue()


class PowerCut(BaseException):
    """The process is gone."""


class Fuse:
    """Lets so many steps happen, and nothing after them."""

    def __init__(self, steps: float = float("inf")) -> None:
        self.left = steps
        self.burnt = 0

    def step(self) -> None:
        if self.left < 1:
            raise PowerCut
        self.left -= 1
        self.burnt += 1


class FusedDisk(Disk):
    """A disk whose every change is a step."""

    def __init__(self, fuse: Fuse, *, links: bool = True) -> None:
        self._fuse, self._links = fuse, links

    def write_new(self, path: Path, data: bytes) -> None:
        self._fuse.step()
        super().write_new(path, data)

    def replace(self, source: Path, target: Path) -> None:
        self._fuse.step()
        super().replace(source, target)

    def link(self, source: Path, target: Path) -> None:
        self._fuse.step()
        if self._links:
            super().link(source, target)
        else:
            super().write_new(target, source.read_bytes())

    def remove(self, path: Path) -> None:
        self._fuse.step()
        super().remove(path)

    def sync_folder(self, path: Path) -> None:
        self._fuse.step()
        super().sync_folder(path)


class FusedStore(SqliteStore):
    """A ledger whose every record of a choice is a step."""

    fuse = Fuse()

    async def record_pick(self, *args: Any, **options: Any) -> None:
        self.fuse.step()
        await super().record_pick(*args, **options)

    async def record_moved(self, *args: Any) -> None:
        self.fuse.step()
        await super().record_moved(*args)

    async def record_upload(self, *args: Any) -> None:
        self.fuse.step()
        await super().record_upload(*args)


class Shelf:
    """A project with one character, Ana, whose versions were saved as runs do it."""

    def __init__(self, folder: Path, kinds: str = "PNG PNG PNG") -> None:
        folder.mkdir()
        self.project = Project.at(folder)
        self.digests: dict[int, str] = {}
        for number, kind in enumerate(kinds.split(), 1):
            self.add(number, kind)

    def add(self, number: int, kind: str = "PNG", *, candidate: bool = False, run: str = "") -> None:
        """One more version."""

        async def save(versions: Versions) -> None:
            attempt = f"attempt-{number}"
            await versions.store.record_intent(
                Attempt(
                    attempt,
                    run or f"run-{number}",
                    "ana",
                    "Ana",
                    "lane",
                    "gen",
                    f"ask-{number}",
                    "",
                    None,
                    utc_now(),
                    candidate=candidate,
                )
            )
            data = paint(number, kind)
            saved = versions.pictures.save("ana", attempt, data, inspect(data), beside=candidate)
            kept = None if saved.kept_as is None else self.project.shown(saved.kept_as)
            await versions.store.record_saved(
                attempt, PictureRecord(self.project.shown(saved.path), saved.facts, saved=utc_now()), kept
            )
            self.digests[number] = saved.facts.sha256

        self.do(save)

    def do(
        self,
        work: Callable[[Versions], Awaitable[Any]],
        fuse: Fuse | None = None,
        *,
        links: bool = True,
    ) -> Any:
        """Work with the versions, in a process of its own as it were."""

        async def opened() -> Any:
            store = FusedStore(ProviderContext(folder=self.project.folder, out=self.project.out))
            store.fuse = fuse or Fuse()
            await store.open()
            try:
                return await work(
                    Versions(self.project, store, PictureFolder(self.project.out, FusedDisk(store.fuse, links=links)))
                )
            finally:
                await store.close()

        return asyncio.run(opened())

    def pick(self, version: int, fuse: Fuse | None = None, *, links: bool = True) -> Any:
        return self.do(lambda versions: versions.pick("ana", version, f"pick-{next(_numbers)}"), fuse, links=links)

    def undo(self, fuse: Fuse | None = None) -> Any:
        async def back(versions: Versions) -> Any:
            (change,) = last_operation(last_changes(await versions.store.choices()))
            return await versions.undo(change, "undo")

        return self.do(back, fuse)

    def settle(self) -> Any:
        return self.do(lambda versions: settle(versions.project, versions.store, versions.pictures))

    @property
    def record(self) -> JobRecord:
        """What the ledger knows of Ana."""
        found: JobRecord = self.do(lambda versions: versions.store.job("ana"))
        return found

    @property
    def files(self) -> list[str]:
        """The names in the folder of pictures, hidden ones too."""
        return sorted(path.name for path in self.project.out.iterdir())

    def faults(self, *, tidy: bool = True) -> list[str]:
        """Where ledger and disk contradict each other.

        :param tidy: no file may be there that the ledger does not name, and the current one stands in its place.
        """
        record = self.record
        told = []
        for one in versions_of(record):
            path = self.project.found(one.path)
            there = sha256(path.read_bytes()).hexdigest() if path.is_file() else None
            if there != self.digests[one.version]:
                told.append(f"version {one.version} is not at {one.path}")
        paths = [Path(one.path).name for one in versions_of(record)]
        told += ["two versions at one path"] if len(set(paths)) < len(paths) else []
        assert record.picture is not None
        if tidy and Path(record.picture.path).name != f"ana{record.picture.facts.extension}":
            told.append(f"the current picture is at {record.picture.path}")
        if tidy and self.files != sorted(paths):
            told.append(f"in the folder: {self.files}, in the ledger: {sorted(paths)}")
        return told


_numbers = itertools.count(1)
KINDS = ["PNG PNG PNG", "PNG JPEG PNG", "JPEG PNG WEBP"]


@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_picked_version_stands_in_place_and_all_others_stay(tmp_path: Path, kinds: str, version: int) -> None:
    """Whatever formats they have; picking the current one changes nothing."""
    shelf = Shelf(tmp_path / "project", kinds)
    done = shelf.pick(version)
    current = shelf.record.picture

    assert (done.version, done.before, current is not None and current.version) == (version, 3, version)
    assert shelf.faults() == []


@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("links", [True, False], ids=["links", "copies"])
def test_a_pick_that_dies_anywhere_leaves_ledger_and_disk_agreeing(tmp_path: Path, kinds: str, links: bool) -> None:
    """At once every version is where the ledger says; after settling nothing is left over or out of place."""
    fuse = Fuse()
    Shelf(tmp_path / "whole", kinds).pick(1, fuse, links=links)
    assert fuse.burnt > 5
    for steps in range(fuse.burnt):
        shelf = Shelf(tmp_path / f"died after {steps}", kinds)
        with pytest.raises(PowerCut):
            shelf.pick(1, Fuse(steps), links=links)
        assert shelf.faults(tidy=False) == [], f"after {steps} steps"
        shelf.settle()
        current = shelf.record.picture

        assert shelf.faults() == [], f"settled after {steps} steps"
        assert current is not None
        assert current.version in (1, 3)
        assert shelf.project.out.joinpath(f"ana{current.facts.extension}").read_bytes() == paint(
            current.version, kinds.split()[current.version - 1]
        )


def test_an_undo_that_dies_anywhere_leaves_ledger_and_disk_agreeing(tmp_path: Path) -> None:
    """The same for going back."""
    fuse = Fuse()
    Shelf(tmp_path / "whole").undo(fuse)
    for steps in range(fuse.burnt):
        shelf = Shelf(tmp_path / f"died after {steps}")
        with pytest.raises(PowerCut):
            shelf.undo(Fuse(steps))
        assert shelf.faults(tidy=False) == [], f"after {steps} steps"
        shelf.settle()
        current = shelf.record.picture

        assert shelf.faults() == [], f"settled after {steps} steps"
        assert current is not None
        assert current.version in (2, 3)


def test_settling_that_dies_is_settled_by_the_next(tmp_path: Path) -> None:
    """However often the power fails."""
    whole = Fuse()
    Shelf(tmp_path / "whole").pick(1, whole)
    for steps in range(whole.burnt):
        shelf = Shelf(tmp_path / f"died after {steps}")
        with pytest.raises(PowerCut):
            shelf.pick(1, Fuse(steps))
        for more in range(30):
            try:
                shelf.do(lambda versions: versions.settle(), Fuse(more))
            except PowerCut:
                assert shelf.faults(tidy=False) == [], f"after {steps} and {more} steps"
            else:
                break

        assert shelf.faults() == [], f"settled after {steps} steps"


def test_settling_what_is_in_order_does_nothing(tmp_path: Path) -> None:
    """Every run begins with it."""
    shelf, fuse = Shelf(tmp_path / "project"), Fuse()
    before = shelf.files
    told = shelf.do(lambda versions: versions.settle(), fuse)

    assert (told, fuse.burnt, shelf.files) == ((), 0, before)


def test_a_file_of_the_users_own_is_not_taken_for_a_leftover(tmp_path: Path) -> None:
    """Another picture beside Ana's, and one of another name altogether, stay where they are."""
    shelf = Shelf(tmp_path / "project")
    for name in ("ana.9.png", "ana.jpg", "anabel.1.png", "notes.txt"):
        (shelf.project.out / name).write_bytes(paint(200))
    shelf.pick(1)
    shelf.settle()

    assert {"ana.9.png", "ana.jpg", "anabel.1.png", "notes.txt"} <= set(shelf.files)
    assert shelf.faults(tidy=False) == []


def test_a_stranger_in_the_place_is_kept(tmp_path: Path) -> None:
    """The user put a file of their own where the picture goes: it gets another name, and is not written over."""
    shelf = Shelf(tmp_path / "project", "PNG JPEG")
    (shelf.project.out / "ana.png").replace(tmp_path / "away.png")
    (shelf.project.out / "ana.1.png").write_bytes(paint(1))
    shelf.do(lambda versions: versions.store.record_moved("ana", "pictures/ana.png", "pictures/ana.1.png"))
    (shelf.project.out / "ana.png").write_bytes(paint(99))
    shelf.pick(1)

    assert paint(99) in [path.read_bytes() for path in shelf.project.out.iterdir()]
    assert shelf.faults(tidy=False) == []


def test_the_first_of_several_candidates_gets_its_place(tmp_path: Path) -> None:
    """Where there was no picture, a candidate is the current one, and stands as one once it is settled."""
    shelf = Shelf(tmp_path / "project", "")
    shelf.add(1, candidate=True)
    shelf.add(2, candidate=True)
    told = shelf.settle()

    assert (told, shelf.faults(), shelf.files) == (("Ana",), [], ["ana.2.png", "ana.png"])


def test_the_media_id_of_a_version_comes_back_with_it(tmp_path: Path) -> None:
    """And one that was never uploaded has none: its upload is still to be done."""
    shelf = Shelf(tmp_path / "project", "PNG")
    shelf.do(lambda versions: versions.store.record_upload("ana", "shelf", MediaReference("one")))
    shelf.add(2)
    before = shelf.record
    shelf.pick(1)
    after = shelf.record
    shelf.pick(2)

    assert (before.state, before.media) == (JobState.SAVED, None)
    assert (after.state, after.media and after.media.id) == (JobState.DONE, "one")
    assert (shelf.record.state, shelf.record.media) == (JobState.SAVED, None)


def test_where_nothing_is_uploaded_a_picked_version_is_done(tmp_path: Path) -> None:
    """Else every pick would leave an upload to do that nobody wants."""
    shelf = Shelf(tmp_path / "project")
    shelf.do(lambda versions: versions.store.record_upload("ana", "none", None))
    shelf.pick(1)

    assert shelf.record.state is JobState.DONE


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (7, r"Ana has no version 7; there are 1, 2, 3 \(current\)"),
        (1, r"the file of version 1 of Ana is gone \(pictures/ana\.1\.png\); put it back, or choose another: "),
    ],
)
def test_what_cannot_be_picked_is_told_and_changes_nothing(tmp_path: Path, version: int, words: str) -> None:
    """With the versions there are."""
    shelf = Shelf(tmp_path / "project")
    (shelf.project.out / "ana.1.png").unlink()
    before = shelf.record
    with pytest.raises(InputError, match=words):
        shelf.pick(version)

    assert shelf.record == before


def test_a_picture_that_a_run_could_not_record_is_not_given_an_older_ones_number(tmp_path: Path) -> None:
    """A run died after its picture was in place: the next run takes it up, and only then is there a choice."""
    shelf = Shelf(tmp_path / "project", "PNG PNG")

    async def die(versions: Versions) -> None:
        attempt = Attempt("lost", "run", "ana", "Ana", "lane", "gen", "", "", None, utc_now())
        await versions.store.record_intent(attempt)
        versions.pictures.save("ana", "lost", paint(50), inspect(paint(50)))

    shelf.do(die)
    before = replace(shelf.record)
    with pytest.raises(InputError, match=r"interrupted while it was at work on Ana, .* 'charimg run' takes it up"):
        shelf.pick(1)

    assert (shelf.record, (shelf.project.out / "ana.png").read_bytes()) == (before, paint(50))


def test_a_version_whose_name_another_has_by_now_is_gone(tmp_path: Path) -> None:
    """It was deleted by hand, and the next picture that was kept got its name: nobody is given that one instead."""
    shelf = Shelf(tmp_path / "project", "PNG PNG")
    (shelf.project.out / "ana.1.png").unlink()
    shelf.add(3)
    with pytest.raises(InputError, match=r"the file of version 1 of Ana is gone"):
        shelf.pick(1)
    shelf.pick(2)
    current = shelf.record.picture

    assert current is not None
    assert (current.version, (shelf.project.out / "ana.png").read_bytes()) == (2, paint(2))
