"""Adoption below the command line: quick, safe against crashes, and true to what the pictures say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charimg.adoption import Adopted, adopt_folder
from charimg.contracts import Attempt, JobRecord
from charimg.disk import Disk
from charimg.metadata import PictureMetadata, embed
from charimg.model import Character, ImageRequest, Roster, Style
from charimg.picture_folder import PictureFolder
from charimg.roster import read_roster, request_for
from charimg.roster.keys import make_keys
from charimg.roster.writing import Remembered, Saying, written_roster
from charimg.survey import Take
from tests.kept_project import NOON, KeptProject, painted


class CountingDisk(Disk):
    """Counts the files that are opened."""

    def __init__(self) -> None:
        self.opened: list[str] = []

    def read(self, path: Path) -> bytes:
        self.opened.append(path.name)
        return super().read(path)


def adopt(kept: KeptProject, source: Path | None = None, **wanted: Any) -> Adopted:
    """Adopt a folder, by default the project's own."""
    pictures = PictureFolder(kept.project.out, wanted.pop("disk", None))

    async def work(store: Any) -> Adopted:
        return await adopt_folder(
            kept.project, store, pictures, source or kept.project.out, kept.roster, "operation", **wanted
        )

    return kept.with_store(work)


def test_known_pictures_are_not_opened(tmp_path: Path) -> None:
    """Names are enough where the ledger is complete; only what it does not know is read."""
    kept = KeptProject(tmp_path / "project")
    kept.save_all()
    kept.save("ana")
    first = CountingDisk()
    adopt(kept, disk=first)
    (kept.project.out / "who.png").write_bytes(painted(99))
    second = CountingDisk()
    adopted = adopt(kept, disk=second)

    assert (first.opened, second.opened) == ([], ["who.png"])
    assert (adopted.known, len(adopted.left_out)) == (4, 1)


class PowerCutError(BaseException):
    """The process dies here."""


def dying_at(step: int) -> Callable[[], None]:
    left = step

    def take() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise PowerCutError

    return take


@pytest.mark.parametrize("foreign", [False, True])
def test_an_adoption_that_dies_anywhere_is_finished_by_the_next(tmp_path: Path, foreign: bool) -> None:
    """Between any two writes of the ledger: the second time brings about what one without a crash would have."""
    origin = KeptProject(tmp_path / "origin")
    origin.save_all()
    origin.save("ana")
    origin.save("ana", candidate=True)
    wanted = {key: _kernel(record) for key, record in origin.jobs().items()}
    steps = 0
    while True:
        steps += 1
        kept = KeptProject(tmp_path / f"project-{steps}")
        source = origin.project.out
        kept.project.out.mkdir()
        if not foreign:
            for path in source.iterdir():
                (kept.project.out / path.name).write_bytes(path.read_bytes())
        died = _adopt_dying(kept, source if foreign else kept.project.out, dying_at(steps))
        adopt(kept, source if foreign else None)
        found = {key: _kernel(record) for key, record in kept.jobs().items()}

        assert found == wanted
        assert sum(kept.digests().values()) == 5
        if not died:
            break

    assert steps > 10


def _kernel(record: JobRecord) -> tuple[object, ...]:
    """The current picture, the others, and that no attempt is open."""
    others = sorted(one.facts.sha256 for one in record.other_pictures)
    return record.picture and record.picture.facts.sha256, others, record.asked, record.open_attempts


def _adopt_dying(kept: KeptProject, source: Path, step: Callable[[], None]) -> bool:
    async def work(store: Any) -> None:
        for name in ("record_intent", "record_saved", "record_upload", "record_pick"):

            def wrapped(original: Any) -> Any:
                async def call(*args: Any, **kwargs: Any) -> Any:
                    step()
                    return await original(*args, **kwargs)

                return call

            setattr(store, name, wrapped(getattr(store, name)))
        await adopt_folder(kept.project, store, kept.pictures, source, kept.roster, "operation")

    try:
        kept.with_store(work)
    except PowerCutError:
        return True
    return False


def test_a_plugins_work_and_its_original_are_paid_once(tmp_path: Path) -> None:
    """Both come from one attempt, and both are kept; the finished one is current."""
    kept = KeptProject(tmp_path / "project")
    path = kept.save("ana")
    original = kept.pictures.metadata_of(path)
    assert original is not None
    finished = embed(painted(500), original)
    assert finished is not None
    path.rename(path.with_name("ana.1.png"))
    path.write_bytes(finished)
    kept.lose_ledger()
    adopt(kept)
    record = kept.jobs()["ana"]

    assert [one.path for one in record.other_pictures] == ["pictures/ana.1.png"]
    assert record.picture is not None
    assert (record.picture.path, record.picture.attempt) == ("pictures/ana.png", "attempt-1")
    assert [cost.amount for cost in record.spent] == [0.25]


def test_an_attempt_that_was_taken_for_lost_is_so_no_more(tmp_path: Path) -> None:
    """Its picture has turned up: nothing is doubtful any more."""
    kept = KeptProject(tmp_path / "project")
    kept.save("ana")
    kept.lose_ledger()

    async def lose(store: Any) -> None:
        await store.record_intent(Attempt("attempt-1", "run", "ana", "Ana", "lane", "easel", "", "", None, NOON))
        await store.record_lost("attempt-1")

    kept.with_store(lose)
    adopt(kept)

    assert kept.with_store(lambda store: store.lost_attempts()) == ()
    assert [one.attempt for one in [kept.jobs()["ana"].picture] if one] == ["attempt-1"]


def test_a_run_takes_only_those_it_would_make_again(tmp_path: Path) -> None:
    """A character with a picture keeps it; files that are named after nobody who lacks one are not opened."""
    other = KeptProject(tmp_path / "other")
    other.count = 40
    other.save_all()
    kept = KeptProject(tmp_path / "project")
    kept.save("ana")
    for path in other.project.out.iterdir():
        (kept.project.out / f"{path.stem}.7{path.suffix}").write_bytes(path.read_bytes())
    disk = CountingDisk()
    adopted = adopt(kept, take=Take.LACKING, disk=disk)

    assert sorted(one.key for one in adopted.taken) == ["gopal", "gopal-bhar"]
    assert set(disk.opened) == {"gopal.7.png", "gopal-bhar.7.png"}


# -- the roster that is written ---------------------------------------------------------------------------------

TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co")), min_size=1, max_size=40
).filter(lambda text: text.strip() not in {"", "~"})
STYLES = st.builds(Style, prefix=TEXTS | st.just(""), suffix=TEXTS | st.just(""), negative=st.none() | TEXTS)
WISHES = st.fixed_dictionaries(
    {
        "name": TEXTS,
        "description": TEXTS,
        "prompt": st.none() | TEXTS,
        "negative": st.none() | TEXTS,
        "seed": st.none() | st.integers(0, 2**63 - 1),
        "aspect_ratio": st.sampled_from((None, "1:1", "16:9", "9:16", "21:9")),
    }
)


@settings(deadline=None, max_examples=150)
@given(style=STYLES, wishes=st.lists(WISHES, min_size=1, max_size=4), used=st.none() | st.integers(0, 2**32))
def test_a_written_roster_asks_for_the_very_same_pictures(
    tmp_path_factory: pytest.TempPathFactory, style: Style, wishes: list[dict[str, Any]], used: int | None
) -> None:
    """Whatever texts, styles and seeds there were, and whatever seed the service chose for itself."""
    folder = tmp_path_factory.mktemp("roster")
    named = [
        {**one, "name": " ".join(one["name"].split()), "description": one["description"].strip()} for one in wishes
    ]
    keys = make_keys([one["name"] for one in named], [None] * len(named))
    stripped = [
        {
            name: value.strip() or None if name in ("prompt", "negative") and value else value
            for name, value in one.items()
        }
        for one in named
    ]
    roster = Roster(
        folder, tuple(Character(key=key, **one) for key, one in zip(keys, stripped, strict=True)), style=style
    )
    requests = [request_for(roster, one) for one in roster.characters]
    text = written_roster(_remembered(one, used) for one in requests)
    (folder / "characters.yaml").write_text(text.text, encoding="utf-8")
    read = read_roster(folder / "characters.yaml")
    again = [request_for(read, one) for one in read.characters]

    assert [(one.key, one.fingerprint) for one in again] == [(one.key, one.fingerprint) for one in requests]
    assert text.inexact == ()


def _remembered(request: ImageRequest, used: int | None) -> Remembered:
    """What a picture of this request says, read as from its file."""
    said = PictureMetadata(
        key=request.key,
        made=datetime(2026, 11, 1, tzinfo=timezone.utc),
        name=request.name,
        description=request.description,
        prompt=request.prompt,
        negative=request.negative,
        seed=request.seed if request.seed is not None else used,
        aspect_ratio=request.aspect_ratio,
    )
    saying = Saying(said.description, said.prompt, said.negative, said.seed, said.aspect_ratio)
    return Remembered(said.key, said.name, request.fingerprint, (saying,))


def test_a_roster_holds_no_two_keys_that_are_one_file(tmp_path: Path) -> None:
    """Keys are strangers' too: what a roster cannot hold is told, and the rest is written."""
    saying = Saying("a tall queen", "a tall queen", None, None, "banana")
    written = written_roster(Remembered(key, "~", "", (replace(saying, seed=-5),)) for key in ("anna", "Anna", "a/b"))
    (tmp_path / "characters.yaml").write_text(written.text, encoding="utf-8")

    assert written.left_out == ("Anna", "a/b")
    assert [one.key for one in read_roster(tmp_path / "characters.yaml").characters] == ["anna"]


def test_the_whole_takes_time_by_the_number_of_pictures(tmp_path: Path) -> None:
    """Each file is opened once, for its picture, however many there are of one character."""
    kept = KeptProject(tmp_path / "project")
    for _ in range(12):
        kept.save("ana")
    kept.lose_ledger()
    disk = CountingDisk()
    adopt(kept, disk=disk)

    assert len(disk.opened) == len(set(disk.opened)) == 12
