"""Pictures made again: candidates, stale ones, and what picking and undoing make of them, in whole runs."""

from __future__ import annotations

import tempfile
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charimg.choosing import Versions, last_changes, last_operation, versions_of
from charimg.contracts import JobState, PictureRecord
from charimg.errors import RejectedError, StorageError, ThrottledError
from charimg.events import JobPossiblyCharged, JobSaved, JobUploaded, Warned
from charimg.model import GeneratedImage, ImageRequest
from charimg.picture_folder import PictureFolder
from charimg.plan import Redo
from charimg.providers.sqlite import SqliteStore
from charimg.repair import repair
from charimg.run import Order
from charimg.stocktaking import Stock
from charimg.testing import clock
from tests.run.workshop import Workshop, die_at, paint, pixels


class Atelier(Workshop):
    """A project where pictures are made again, and chosen among."""

    names = ("Ana", "Bo", "Cem")

    def order(self, *, redo: Redo | None = None, stale: bool = False, **wanted: Any) -> Order:
        """The same, for ``charimg redo`` and ``--stale`` too."""
        return replace(super().order(**wanted), redo=redo, stale=stale)

    def redo(self, name: str, count: int = 1, seed: int | None = None, **wanted: Any) -> Any:
        """``charimg redo NAME --count N``."""
        return self.run(redo=Redo(count, seed), only=(name,), **wanted)

    def choose(self, work: Callable[[Versions], Awaitable[Any]]) -> Any:
        """Work with the versions while no run does."""

        async def opened() -> Any:
            place = self.order().workplace
            with place.project.locked():
                async with place.open_store(read_only=False) as store:
                    return await work(Versions(place.project, store, PictureFolder(place.project.out)))

        return clock.on_virtual_clock(opened)

    def pick(self, key: str, version: int) -> Any:
        """``charimg pick``."""
        return self.choose(lambda versions: versions.pick(key, version, uuid.uuid4().hex))

    def undo(self, key: str | None = None) -> list[str]:
        """``charimg undo``; whom it changed."""

        async def back(versions: Versions) -> list[str]:
            changes = last_changes(await versions.store.choices())
            wanted = last_operation(changes) if key is None else [changes[key]] if key in changes else []
            for change in wanted:
                await versions.undo(change, uuid.uuid4().hex)
            return [change.key for change in wanted]

        done: list[str] = self.choose(back)
        return done

    def versions(self, key: str) -> tuple[PictureRecord, ...]:
        """All versions of a character."""
        return versions_of(self.ledger()[key])

    def current(self, key: str) -> PictureRecord:
        """The current version of a character."""
        picture = self.ledger()[key].picture
        assert picture is not None
        return picture


@pytest.fixture
def atelier(tmp_path: Path) -> Atelier:
    """A project of three, each with a picture."""
    made = new_atelier(tmp_path)
    assert made.run().counts[0] == 3
    return made


def new_atelier(place: Path) -> Atelier:
    folder, home = place / "project", place / "home"
    folder.mkdir()
    home.mkdir()
    return Atelier(folder, home)


def test_a_redo_takes_the_place_and_the_old_picture_stays(atelier: Atelier) -> None:
    """As a version, which undo brings back with its media id; nobody else is touched."""
    first = atelier.current("ana")
    told = atelier.redo("Ana")
    second = atelier.current("ana")
    atelier.undo()

    assert (told.counts, atelier.generator.asked) == ((1, 0, 0, 0, 0), {"ana": 2, "bo": 1, "cem": 1})
    assert (second.version, second.path, [one.version for one in atelier.versions("ana")]) == (2, first.path, [1, 2])
    assert (atelier.current("ana"), atelier.ledger()["ana"].state) == (first, JobState.DONE)


def test_candidates_stand_beside_the_picture_and_are_not_uploaded(atelier: Atelier) -> None:
    """The current picture, its media id and its state are as they were."""
    before = atelier.ledger()["bo"]
    told = atelier.redo("Bo", 4)
    after = atelier.ledger()["bo"]

    assert (told.counts, len(told.of(JobSaved)), told.of(JobUploaded)) == ((4, 0, 0, 0, 0), 4, [])
    assert (after.picture, after.state, after.media) == (before.picture, before.state, before.media)
    assert [one.path for one in after.other_pictures] == [f"pictures/bo.{number}.png" for number in (1, 2, 3, 4)]
    assert len({one.facts.sha256 for one in atelier.versions("bo")}) == 5


def test_a_picked_candidate_is_uploaded_by_the_next_run_and_by_no_other(atelier: Atelier) -> None:
    """The one before has its media id still when it is picked again."""
    atelier.redo("Bo", 2)
    atelier.pick("bo", 3)
    uploads = [len(atelier.run().of(JobUploaded)), len(atelier.run().of(JobUploaded))]
    atelier.pick("bo", 1)

    assert (uploads, atelier.run().of(JobUploaded)) == ([1, 0], [])
    assert atelier.generator.asked["bo"] == 3


def test_candidates_get_the_seeds_that_were_asked_for(atelier: Atelier) -> None:
    """One after the other; and a seed of the user's own does not make the picture stale."""
    atelier.redo("Cem", 3, seed=7)
    atelier.pick("cem", 2)
    first, *others = [one.seed for one in atelier.versions("cem")]  # in the order in which they came

    assert (first, sorted(seed or 0 for seed in others)) == (None, [7, 8, 9])
    assert atelier.plan(stale=True).pictures == 0


def test_with_a_seed_in_the_roster_candidates_get_the_ones_after_it(tmp_path: Path) -> None:
    """The same seed would give one picture several times, and paid for each."""
    workshop = new_atelier(tmp_path)
    (workshop.folder / "characters.txt").unlink()
    roster = "characters:\n  - {name: Ana, description: a tall queen with a crown, seed: 40}\n"
    (workshop.folder / "characters.yaml").write_text(roster, encoding="utf-8")
    asked: list[int | None] = []

    def note(request: ImageRequest) -> None:
        asked.append(request.seed)

    workshop.prepare = note
    _orders_of(workshop)
    workshop.run()
    workshop.redo("Ana", 3)

    assert asked == [40, 41, 42, 43]


def _orders_of(workshop: Atelier) -> None:
    """Let the workshop's orders be of the YAML roster."""
    from charimg.roster import read_roster

    made = workshop.order
    (workshop.folder / "characters.txt").write_text("Ana: a tall queen with a crown\n", encoding="utf-8")
    workshop.order = lambda **wanted: replace(  # type: ignore[method-assign]
        made(**wanted), roster=read_roster(workshop.folder / "characters.yaml")
    )


def test_without_a_seed_of_the_users_each_picture_gets_another(atelier: Atelier) -> None:
    """A service that draws the same for the same words would else be paid for one picture several times."""
    atelier.abilities(seed=True)
    for count in (2, 1, 2):
        atelier.redo("Ana", count)

    _, *seeds = [one.seed for one in atelier.versions("ana")]
    assert None not in seeds
    assert len(set(seeds)) == len(seeds) == 5
    assert "ana" not in {job.key for job in atelier.plan(stale=True).jobs}


def test_a_seed_that_the_provider_does_not_take_is_told(atelier: Atelier) -> None:
    """Before anything is paid for; one that it takes is not."""
    told = [event.message for event in atelier.redo("Ana", 2, seed=7).of(Warned)]
    atelier.abilities(seed=True)
    silent = [event.message for event in atelier.redo("Ana", 2, seed=7).of(Warned)]

    assert set(told) - set(silent) == {"scripted takes no seed; --seed is not sent"}


def test_a_candidate_that_fails_leaves_its_character_as_it_is(atelier: Atelier) -> None:
    """The others are made, the exit code says that one is missing, and the next run has nothing to do."""
    atelier.generator.will(ana=[RejectedError("not this one")])
    before = atelier.ledger()["ana"]
    told = atelier.redo("Ana", 3)
    after = atelier.ledger()["ana"]

    assert told.counts == (2, 0, 1, 0, 1)
    assert (after.picture, after.state, after.trouble) == (before.picture, before.state, None)
    assert atelier.run().counts == (0, 0, 0, 0, 0)


def test_the_first_candidate_of_somebody_without_a_picture_is_the_current_one(tmp_path: Path) -> None:
    """The next run puts it in its place and uploads it."""
    workshop = new_atelier(tmp_path)
    workshop.redo("Ana", 2)
    workshop.choose(lambda versions: versions.settle())
    workshop.run(only=("Ana",))
    record = workshop.ledger()["ana"]

    assert (workshop.current("ana").path, record.state, workshop.generator.asked["ana"]) == (
        "pictures/ana.png",
        JobState.DONE,
        2,
    )


def test_only_what_the_roster_has_changed_since_is_stale(atelier: Atelier) -> None:
    """A plain run says so and leaves it; --stale makes it again, once; the old picture stays."""
    atelier.cast(*atelier.names, Bo="a short person in red")
    plain = atelier.run()
    stale = atelier.run(stale=True)
    again = atelier.run(stale=True)

    assert "the roster has changed since this picture: Bo; charimg run --stale makes it again" in [
        one.message for one in plain.of(Warned)
    ]
    assert (plain.counts[0], stale.counts[0], again.counts[0]) == (0, 1, 0)
    assert atelier.generator.asked == {"ana": 1, "bo": 2, "cem": 1}
    assert [one.version for one in atelier.versions("bo")] == [1, 2]


def test_after_a_pick_or_an_undo_the_versions_own_attempt_counts(atelier: Atelier) -> None:
    """Going back to a picture of the old description makes the character stale; and the roster may go back as well."""
    atelier.cast(*atelier.names, Bo="a short person in red")
    atelier.run(stale=True)
    after_run = atelier.plan(stale=True).pictures
    atelier.undo()
    after_undo = atelier.plan(stale=True).pictures
    atelier.pick("bo", 2)
    after_pick = atelier.plan(stale=True).pictures
    atelier.cast(*atelier.names)
    edited_back = atelier.plan(stale=True).pictures
    atelier.pick("bo", 1)

    assert (after_run, after_undo, after_pick, edited_back) == (0, 1, 0, 1)
    assert atelier.plan(stale=True).pictures == 0


def test_a_later_attempt_that_left_no_picture_does_not_hide_that_the_picture_is_stale(atelier: Atelier) -> None:
    """The service refused the new description: the picture is still one of the old."""
    atelier.cast(*atelier.names, Ana="a queen with a knife")
    atelier.generator.will(ana=[RejectedError("no knives")])
    atelier.run(stale=True)
    atelier.cast(*atelier.names, Ana="a queen with a spoon")

    assert [job.name for job in atelier.plan(stale=True).jobs] == ["Ana"]


def test_a_stale_run_that_a_quota_stopped_is_continued_by_a_plain_one(atelier: Atelier) -> None:
    """As its summary says; nobody has to remember how it was begun."""
    atelier.cast(*atelier.names, Bo="a short person in red")
    atelier.generator.will(bo=[ThrottledError("too much")] * 4)
    stopped = atelier.run(stale=True)
    continued = atelier.run()

    assert (stopped.counts[:1], continued.counts[:1]) == ((0,), (1,))
    assert atelier.plan(stale=True).pictures == 0


def test_undo_takes_a_whole_run_back_and_then_the_one_before(atelier: Atelier) -> None:
    """Of all its characters; pick gets anything back; first pictures stay."""
    atelier.run(force=True)
    atelier.redo("Cem")
    undone = [sorted(atelier.undo()) for _ in range(3)]
    atelier.pick("cem", 3)

    assert undone == [["cem"], ["ana", "bo", "cem"], []]
    assert [atelier.current(key).version for key in ("ana", "bo", "cem")] == [1, 1, 3]


def test_a_picture_that_a_plugin_worked_on_is_undone_whole(atelier: Atelier) -> None:
    """Its raw version and its finished one are one change."""
    atelier.finish = lambda _picture, _data: paint()
    atelier.redo("Ana")
    finished = atelier.current("ana").version
    atelier.undo()

    assert (finished, atelier.current("ana").version) == (3, 1)


def test_other_formats_stay_as_versions_too(atelier: Atelier) -> None:
    """A service that changes from PNG to JPEG and back costs nobody a picture."""
    atelier.generator.will(ana=[GeneratedImage(paint("JPEG")), GeneratedImage(paint("PNG"))])
    atelier.redo("Ana")
    atelier.redo("Ana")
    atelier.pick("ana", 2)
    atelier.pick("ana", 1)

    assert atelier.current("ana").path == "pictures/ana.png"
    for one in atelier.versions("ana"):
        assert (atelier.folder / one.path).is_file()


def test_a_run_that_dies_after_a_pick_mixes_no_versions_up(atelier: Atelier) -> None:
    """A pick leaves a free name between others, and the picture in place is kept under that one."""
    atelier.run(force=True, only=("Ana",))
    atelier.run(force=True, only=("Ana",))
    shown = {one.version: pixels((atelier.folder / one.path).read_bytes()) for one in atelier.versions("ana")}
    atelier.pick("ana", 1)
    atelier.run_and_die(die_at(SqliteStore, "record_saved", "before"), force=True, only=("Ana",))
    atelier.run()
    found = {one.version: pixels((atelier.folder / one.path).read_bytes()) for one in atelier.versions("ana")}

    assert {version: found[version] for version in shown} == shown
    assert (atelier.current("ana").version, atelier.generator.asked["ana"]) == (4, 4)


# -- against a model --------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["Ana", "Bo"])
STEPS = st.one_of(
    st.tuples(st.just("edit"), NAMES, st.integers(0, 2)),
    st.tuples(st.just("run"), st.booleans(), st.booleans()),
    st.tuples(st.just("redo"), NAMES, st.integers(1, 3)),
    st.tuples(st.just("pick"), NAMES, st.integers(0, 9)),
    st.tuples(st.just("undo"), st.one_of(st.none(), NAMES), st.none()),
)


@dataclass
class Model:
    """What the user believes: every picture ever made, and the order in which current ones were chosen."""

    texts: dict[str, int] = field(default_factory=lambda: {"ana": 0, "bo": 0})
    made_of: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """The text each version was made of, by key; version 1 first."""
    chosen: defaultdict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    """Version and operation of each choice."""
    operation: int = 0

    def current(self, key: str) -> int:
        return self.chosen[key][-1][0] if self.chosen[key] else 0

    def is_stale(self, key: str) -> bool:
        current = self.current(key)
        return bool(current) and self.made_of[key][current - 1] != self.texts[key]

    def make(self, key: str, *, candidate: bool = False) -> None:
        self.made_of[key].append(self.texts[key])
        if not candidate or not self.chosen[key]:
            self.chosen[key].append((len(self.made_of[key]), self.operation))

    def undo(self, key: str | None) -> None:
        able = {one: choices for one, choices in self.chosen.items() if len(choices) > 1}
        if key is None:
            last = max((choices[-1][1] for choices in able.values()), default=None)
        else:
            last = able[key][-1][1] if key in able else None
        for one, choices in able.items():
            if choices[-1][1] == last and key in (None, one):
                choices.pop()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(STEPS, min_size=3, max_size=9))
def test_any_story_ends_as_the_user_believes(story: list[tuple[str, Any, Any]]) -> None:
    """Runs, redos, picks, undos and edits in any order: the current picture, all versions and their files agree."""
    with tempfile.TemporaryDirectory() as place:
        workshop, model = new_atelier(Path(place)), Model()
        shown: dict[tuple[str, int], bytes] = {}
        for step in (("edit", "Ana", 0), *story):
            play(workshop, model, step)
            check(workshop, model, shown)


def play(workshop: Atelier, model: Model, step: tuple[str, Any, Any]) -> None:
    """Do one step in both worlds."""
    what, one, other = step
    model.operation += 1
    if what == "edit":
        model.texts[one.lower()] = other
        workshop.cast("Ana", "Bo", **{name: f"a person, number {model.texts[name.lower()]}" for name in ("Ana", "Bo")})
    elif what == "run":
        workshop.run(stale=one, force=other)
        for key in model.texts:
            if other or not model.current(key) or (one and model.is_stale(key)):
                model.make(key)
    elif what == "redo":
        workshop.redo(one, other)
        for _ in range(other):
            model.make(one.lower(), candidate=other > 1)
        workshop.choose(lambda versions: versions.settle())
    elif what == "pick" and model.made_of[one.lower()]:
        key = one.lower()
        version = other % len(model.made_of[key]) + 1
        workshop.pick(key, version)
        if version != model.current(key):
            model.chosen[key].append((version, model.operation))
    elif what == "undo":
        key = None if one is None else one.lower()
        workshop.undo(key)
        model.undo(key)


def check(workshop: Atelier, model: Model, shown: dict[tuple[str, int], bytes]) -> None:
    """Both worlds are the same, and no picture shows anything else than it did."""
    ledger = workshop.ledger()
    named = []
    for key in model.texts:
        record = ledger.get(key)
        versions = versions_of(record) if record else ()
        assert [one.version for one in versions] == list(range(1, len(model.made_of[key]) + 1))
        for one in versions:
            data = (workshop.folder / one.path).read_bytes()
            assert shown.setdefault((key, one.version), pixels(data)) == pixels(data)
            named.append(Path(one.path).name)
        if record and record.picture:
            assert (record.picture.version, record.picture.path) == (model.current(key), f"pictures/{key}.png")
    planned = workshop.plan(stale=True)
    stale = {job.key for job in planned.jobs} - planned.uploads_only

    assert stale == {key for key in model.texts if model.is_stale(key) or not model.current(key)}
    assert workshop.pictures() == sorted(named)


NAMELESS = {"metadata": "none"}


@pytest.mark.parametrize("by", ["a run", "a repair"])
def test_candidates_that_say_nothing_and_were_not_recorded_are_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """The first had the character's place, the second stands beside it: neither is paid for again."""
    atelier = new_atelier(tmp_path)

    async def full(*_: object) -> None:
        raise StorageError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteStore, "record_saved", full)
        assert isinstance(atelier.redo("Ana", 2, flags=NAMELESS).error, StorageError)
    if by == "a repair":
        order = atelier.order(flags=NAMELESS)
        stock = Stock(order.workplace.project, order.pictures(), order.roster)
        atelier.choose(lambda versions: repair(stock, versions.store, "repair"))
    told = atelier.run(only=("Ana",), flags=NAMELESS)

    assert atelier.generator.asked["ana"] == 2
    assert told.of(JobPossiblyCharged) == []
    assert [one.path for one in versions_of(atelier.ledger()["ana"])] == ["pictures/ana.png", "pictures/ana.1.png"]
