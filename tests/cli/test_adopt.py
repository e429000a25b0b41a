"""``charimg adopt``: a project from its pictures alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from charimg.contracts import JobRecord, JobState, PictureRecord
from charimg.metadata import sidecar_of
from charimg.project import Project
from tests.kept_project import KeptProject, painted

Run = Callable[..., Any]
"""Runs the command line; see conftest."""


@pytest.fixture
def kept(project: Path) -> KeptProject:
    """A project of three characters, in the current folder."""
    return KeptProject(project)


def plain(picture: PictureRecord | None) -> PictureRecord | None:
    """A record without what only the ledger that was lost could know."""
    return None if picture is None else replace(picture, adopted=False, version=0, uploader=None)


def told(record: JobRecord) -> tuple[object, ...]:
    """What an adoption is to bring back of a character."""
    others = {one.path: plain(one) for one in record.other_pictures}
    return (
        record.key,
        record.name,
        record.state,
        record.provider,
        record.lane,
        record.asked,
        record.prompt,
        plain(record.picture),
        others,
        record.spent,
    )


def test_a_project_rises_from_its_pictures_alone(project: Path, charimg: Run) -> None:
    """After ledger and roster are lost, adopting the pictures leaves nothing to be made, and nobody changed."""
    (project / "characters.yaml").write_text(
        "style: {prefix: ink drawing, suffix: soft light, negative: text}\n"
        "characters:\n"
        "  - {name: Ana, description: 'a tall queen: with \"a crown\"', seed: 7, negative: a hat}\n"
        "  - {name: Bo, prompt: a boatman with a straw hat, aspect_ratio: '16:9'}\n",
        encoding="utf-8",
    )
    assert charimg("run", "--progress", "none").code == 0
    before = json.loads(charimg("status", "--json").out)
    shutil.rmtree(project / ".charimg")
    (project / "characters.yaml").unlink()
    adopted = charimg("adopt", "pictures")
    again = charimg("run", "--dry-run", "--json")
    after = json.loads(charimg("status", "--json").out)

    assert (adopted.code, adopted.out.splitlines()[-1]) == (0, "2 pictures adopted")
    assert json.loads(again.out)["total"] == 0
    assert [row["roster_changed"] for row in after] == [False, False]
    keys = ("key", "name", "state", "image", "provider", "lane", "seed", "spent")
    assert [[row[key] for key in keys] for row in after] == [[row[key] for key in keys] for row in before]


def test_the_ledger_is_what_it_was(kept: KeptProject, charimg: Run) -> None:
    """Attempts, versions, costs and digests come back; the picture in place is the current one."""
    kept.save_all()
    kept.save("ana")
    kept.save("ana", candidate=True)
    kept.save("gopal", kind="JPEG")
    before = {key: told(record) for key, record in kept.jobs().items()}
    kept.lose_ledger()
    result = charimg("adopt", "pictures")

    assert result.code == 0
    assert {key: told(record) for key, record in kept.jobs().items()} == before


def test_an_older_version_in_place_stays_the_current_one(kept: KeptProject, charimg: Run) -> None:
    """Somebody had picked it: its name says so, whatever its age."""
    kept.save("ana")
    kept.save("ana")
    assert charimg("pick", "ana", "1").code == 0
    before = kept.jobs()["ana"]
    kept.lose_ledger()
    charimg("adopt", "pictures")

    assert told(kept.jobs()["ana"]) == told(before)


def test_adopting_twice_changes_nothing(kept: KeptProject, charimg: Run) -> None:
    """Neither in the ledger nor on disk."""
    kept.save_all()
    kept.save("ana", candidate=True)
    kept.lose_ledger()
    charimg("adopt", "pictures")
    before = kept.jobs(), kept.names()
    second = charimg("adopt", "pictures")

    assert second.out == "0 pictures adopted, 4 known already\n"
    assert (kept.jobs(), kept.names()) == before


def test_a_rehearsal_changes_nothing(kept: KeptProject, charimg: Run) -> None:
    """``--dry-run`` tells what would be taken, and makes not even a ledger."""
    kept.save_all()
    kept.lose_ledger(roster=True)
    shutil.rmtree(kept.folder / ".charimg")
    result = charimg("adopt", "pictures", "--dry-run")

    assert result.out.splitlines() == [
        "Would adopt Ana: pictures/ana.png, by what it says of itself",
        "Would adopt Gopal Bhar: pictures/gopal-bhar.png, by what it says of itself",
        "Would adopt গোপাল ভাঁড়: pictures/gopal.png, by what it says of itself",
        "Note: there is no roster here: characters.yaml would be written",
        "Nothing was changed; it would be: 3 pictures adopted",
    ]
    assert sorted(path.name for path in kept.folder.iterdir()) == ["pictures"]


@pytest.mark.parametrize("metadata", ["embed", "sidecar", "both"])
def test_pictures_of_another_folder_are_copied(project: Path, tmp_path: Path, charimg: Run, metadata: str) -> None:
    """The other folder stays as it is, and nothing here is overwritten; a second time changes nothing."""
    other = KeptProject(tmp_path / "other", metadata)
    other.save_all()
    other.save("ana")
    there = {path: path.read_bytes() for path in sorted(other.project.out.iterdir())}
    here = KeptProject(project)
    here.project.out.mkdir()
    (here.project.out / "gopal.png").write_bytes(painted(900))
    first = charimg("adopt", str(other.project.out))
    jobs, names = here.jobs(), here.names()
    second = charimg("adopt", str(other.project.out))

    assert first.out.splitlines()[-1] == "4 pictures adopted"
    assert second.out.splitlines()[-1] == "0 pictures adopted, 4 known already"
    assert (here.jobs(), here.names()) == (jobs, names)
    assert {path: path.read_bytes() for path in sorted(other.project.out.iterdir())} == there
    assert (here.project.out / "gopal.png").read_bytes() == painted(900)
    assert {key: record.picture and record.picture.path for key, record in jobs.items()} == {
        "ana": "pictures/ana.png",
        "gopal-bhar": "pictures/gopal-bhar.png",
        "gopal": "pictures/gopal.1.png",
    }
    assert [(here.folder / one.path).read_bytes() for one in jobs["ana"].other_pictures] == [
        (other.project.out / "ana.1.png").read_bytes()
    ]
    assert sidecar_of(here.project.out / "ana.png").exists() is (metadata != "embed")


def test_a_name_is_enough_for_a_character_of_the_roster(kept: KeptProject, tmp_path: Path, charimg: Run) -> None:
    """By key, by name, numbered; such a picture counts as made from what the roster says, and nothing else is known."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for number, name in enumerate(("Gopal Bhar.PNG", "gopal-bhar.2.png", "ANA.jpeg", "গোপাল ভাঁড়.png", "who.png")):
        (shelf / name).write_bytes(painted(number, "JPEG" if name.endswith("jpeg") else "PNG"))
    result = charimg("adopt", str(shelf))
    jobs = kept.jobs()

    assert result.out.splitlines()[-1] == "4 pictures adopted, 4 of them by name only, 1 left out"
    assert "who.png: it says nothing of its making, and no character is called so" in result.out
    assert kept.names() == ["ana.jpg", "gopal-bhar.1.png", "gopal-bhar.png", "gopal.png"]
    assert [(one.provider, one.prompt, one.state) for one in jobs.values()] == [("import", "", JobState.DONE)] * 3
    assert (kept.project.out / "gopal-bhar.png").read_bytes() == painted(0)
    assert json.loads(charimg("run", "--dry-run", "--json").out)["total"] == 0


def test_what_a_picture_says_counts_for_more_than_a_name(kept: KeptProject, tmp_path: Path, charimg: Run) -> None:
    """Of two that could be the current picture it is the one that says so; the other stands beside it."""
    other = KeptProject(tmp_path / "other")
    (other.save("gopal-bhar").parent / "Gopal Bhar.png").write_bytes(painted(900))
    charimg("adopt", str(other.project.out))
    record = kept.jobs()["gopal-bhar"]

    assert (record.provider, record.picture and record.picture.path) == ("easel", "pictures/gopal-bhar.png")
    assert [one.path for one in record.other_pictures] == ["pictures/gopal-bhar.1.png"]


def test_two_of_one_name_are_not_confused(project: Path, charimg: Run) -> None:
    """A name that two characters have tells of neither; a key does."""
    KeptProject(
        project,
        roster="characters:\n  - {name: Bo, key: a, description: a tall man in red}\n"
        "  - {name: Bo, key: b, description: a short man in blue}\n",
    )
    (project / "pictures").mkdir()
    for number, name in enumerate(("bo.png", "b.png")):
        (project / "pictures" / name).write_bytes(painted(number))
    result = charimg("adopt", "pictures")

    assert result.out.splitlines() == [
        "Adopted Bo: pictures/b.png, by its name; its prompt is unknown",
        "Left out pictures/bo.png: several characters are called so; name it after a key: a, b",
        "1 picture adopted, 1 of them by name only, 1 left out",
    ]


def test_one_picture_under_two_names_is_two_peoples(kept: KeptProject, charimg: Run) -> None:
    """A placeholder that was saved for two characters is recorded for both, so that a check can tell of it."""
    kept.project.out.mkdir()
    for name in ("ana.png", "gopal.png"):
        (kept.project.out / name).write_bytes(painted(1))
    charimg("adopt", "pictures")

    assert sorted(kept.jobs()) == ["ana", "gopal"]


def test_what_is_no_picture_of_the_folder_is_left_out(kept: KeptProject, tmp_path: Path, charimg: Run) -> None:
    """Hidden files, links that lead out, folders below, texts under a picture's name; each told with its reason."""
    outside = tmp_path / "ana.png"
    outside.write_bytes(painted(1))
    shelf = tmp_path / "shelf"
    (shelf / "below").mkdir(parents=True)
    (shelf / "ana.png").symlink_to(outside)
    (shelf / ".gopal.png").write_bytes(painted(2))
    (shelf / "below" / "gopal.png").write_bytes(painted(3))
    (shelf / "gopal-bhar.png").write_text("<svg/>")
    flat = json.loads(charimg("adopt", str(shelf), "--json").out)
    deep = json.loads(charimg("adopt", str(shelf), "--recursive", "--json").out)

    assert flat["adopted"] == []
    assert [(Path(one["file"]).name, one["why"]) for one in flat["left_out"]] == [
        ("ana.png", "a link that leads out of the folder"),
        ("gopal-bhar.png", "no sound picture: an SVG or XML text instead of a picture"),
    ]
    assert [one["key"] for one in deep["adopted"]] == ["gopal"]


def test_a_lost_picture_comes_back_from_a_backup(kept: KeptProject, tmp_path: Path, charimg: Run) -> None:
    """The ledger knows it and has lost its file: it is put back, and is no further version."""
    kept.save_all()
    shutil.copytree(kept.project.out, tmp_path / "backup")
    before = kept.jobs()
    (kept.project.out / "ana.png").unlink()
    result = charimg("adopt", str(tmp_path / "backup"))
    after = kept.jobs()

    assert result.out.splitlines() == [
        "Adopted Ana: pictures/ana.png was missed and is found again",
        "1 picture adopted, 2 known already",
    ]
    assert after["ana"].picture == before["ana"].picture
    assert (kept.project.out / "ana.png").is_file()


def test_the_same_picture_in_another_file_is_known(kept: KeptProject, tmp_path: Path, charimg: Run) -> None:
    """Its record stood beside it there and stands inside it here; its attempt and what was sent are the same."""
    kept.save("ana")
    other = KeptProject(tmp_path / "other", "sidecar")
    other.save("ana")
    result = charimg("adopt", str(other.project.out))

    assert result.out == "0 pictures adopted, 1 known already\n"
    assert kept.names() == ["ana.png"]


def test_an_attempt_of_somebody_else_is_not_taken_over(kept: KeptProject, tmp_path: Path, charimg: Run) -> None:
    """A picture may say anything of itself: an id that another character's attempt has makes no confusion."""
    other = KeptProject(tmp_path / "other")
    picture = other.save("gopal")
    kept.save("ana")
    before = kept.jobs()["ana"]
    result = charimg("adopt", str(picture.parent))
    after = kept.jobs()

    assert result.code == 0
    assert after["ana"] == before
    assert after["gopal"].picture is not None
    assert after["gopal"].picture.attempt != "attempt-1"


def test_characters_outside_the_roster_are_kept_and_told(kept: KeptProject, charimg: Run) -> None:
    """Their pictures were paid for too."""
    kept.save_all()
    kept.lose_ledger()
    (kept.folder / "characters.yaml").write_text("Ana: a tall queen with a crown", encoding="utf-8")
    result = charimg("adopt", "pictures")

    assert "Note: not in the roster: Gopal Bhar, গোপাল ভাঁড়; the pictures are kept in the ledger" in result.out
    assert len(kept.jobs()) == 3


def test_what_the_pictures_do_not_tell_is_said(project: Path, charimg: Run) -> None:
    """A roster cannot name reference pictures that nobody knows: that entry counts as changed, and it is told."""
    (project / "face.png").write_bytes(painted(5))
    kept = KeptProject(
        project,
        roster="style: ink drawing\ncharacters:\n"
        "  - {name: Ana, description: a tall queen with a crown, references: [face.png]}\n",
    )
    kept.save("ana")
    kept.lose_ledger(roster=True)
    result = charimg("adopt", "pictures")

    assert "Note: not all that Ana was made from is in the pictures" in result.out
    assert "prompt: ink drawing, a tall queen with a crown" in (project / "characters.yaml").read_text(encoding="utf-8")
    assert json.loads(charimg("status", "--json").out)[0]["roster_changed"] is True


@pytest.mark.parametrize("arguments", [("nowhere",), ("characters.yaml",)])
def test_only_a_folder_can_be_adopted(kept: KeptProject, charimg: Run, arguments: tuple[str, ...]) -> None:
    """Anything else is bad input, in one line."""
    result = charimg("adopt", *arguments)

    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "is not a folder; name the folder that holds the pictures" in result.err


def test_a_run_under_way_is_not_disturbed(kept: KeptProject, charimg: Run) -> None:
    """Adopting takes the project's lock, as a run does."""
    kept.save_all()
    with Project.at(kept.folder).locked():
        result = charimg("adopt", "pictures")

    assert (result.code, result.out) == (6, "")


def test_a_folder_without_pictures_is_told(kept: KeptProject, tmp_path: Path, charimg: Run) -> None:
    """With what would look further."""
    empty = tmp_path / "empty"
    empty.mkdir()
    told = [charimg("adopt", str(empty), *more).out for more in ((), ("--recursive",))]

    assert ["There are no pictures in" in one for one in told] == [True, True]
    assert ["--recursive" in one for one in told] == [True, False]
