"""``charimg pick``: another version becomes the current picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from charimg.project import Project
from tests.cli.command_line import Run

BY_ECHO = ("--provider", "echo", "--uploader", "folder", "-o", "folder.path=published")


@pytest.fixture
def made(project: Path, charimg: Run) -> Path:
    """Ana has her picture, uploaded, and two candidates beside it."""
    (project / "characters.txt").write_text("Ana: a tall baker with flour on her nose\n", encoding="utf-8")
    assert charimg("run", *BY_ECHO).code == 0
    assert charimg("redo", "Ana", "--count", "2", *BY_ECHO).code == 0
    return project


def status(charimg: Run) -> dict[str, Any]:
    """What scripts are told of Ana."""
    found: dict[str, Any] = json.loads(charimg("status", "--json").out)[0]
    return found


def test_a_candidate_becomes_the_current_picture(made: Path, charimg: Run) -> None:
    """It stands in its place, the old one stays, and it is told that it was not uploaded yet."""
    candidate = (made / "pictures" / "ana.1.png").read_bytes()
    told = charimg("pick", "Ana", "2")

    assert (told.code, told.out.splitlines()) == (
        0,
        [
            "Ana: version 2 is the current picture now (pictures/ana.png)",
            "  version 1 stays (pictures/ana.3.png)",
            "  it was not uploaded yet;"
            " charimg run --provider echo --uploader folder -o folder.path=published  does that",
        ],
    )
    assert (made / "pictures" / "ana.png").read_bytes() == candidate
    assert (status(charimg)["state"], status(charimg)["media_id"]) == ("saved", None)


@pytest.mark.usefixtures("made")
def test_an_uploaded_version_comes_back_with_its_media_id(charimg: Run) -> None:
    """Nothing has to be uploaded again."""
    before = status(charimg)["media_id"]
    charimg("pick", "Ana", "3")
    told = charimg("pick", "Ana", "1")

    assert (told.code, f"  its media id: {before}" in told.out.splitlines()) == (0, True)
    assert (status(charimg)["state"], status(charimg)["media_id"]) == ("done", before)


def test_picking_the_current_one_says_so(made: Path, charimg: Run) -> None:
    """And is no error."""
    before = sorted((made / "pictures").iterdir())
    told = charimg("pick", "ANA", "1")

    assert (told.code, told.out) == (0, "Ana: version 1 is the current picture already (pictures/ana.png)\n")
    assert sorted((made / "pictures").iterdir()) == before


def test_what_cannot_be_picked_is_told_in_one_line(made: Path, charimg: Run) -> None:
    """A number that is none of hers with those that are, and a file that is gone."""
    (made / "pictures" / "ana.2.png").unlink()
    unknown, gone = charimg("pick", "Ana", "9"), charimg("pick", "Ana", "3")

    assert (unknown.code, unknown.err) == (2, "charimg: Ana has no version 9; there are 1 (current), 2, 3\n")
    assert (gone.code, gone.err) == (
        2,
        "charimg: the file of version 3 of Ana is gone (pictures/ana.2.png); put it back, or choose another:"
        " there are 1 (current), 2\n",
    )


@pytest.mark.parametrize("words", [("pick", "Ana", "2"), ("undo",), ("undo", "Ana")])
def test_a_run_that_holds_the_project_is_not_disturbed(made: Path, charimg: Run, words: tuple[str, ...]) -> None:
    """As a second run is not."""
    with Project.at(made).locked():
        told = charimg(*words)

    assert (told.code, "another run holds this project" in told.err) == (6, True)


def test_a_former_character_can_be_picked_for(made: Path, charimg: Run) -> None:
    """Its pictures are still there."""
    (made / "characters.txt").write_text("Bo: a small fox in the snow\n", encoding="utf-8")

    assert charimg("pick", "Ana", "2").code == 0


def test_pictures_of_another_folder_change_places_there(project: Path, charimg: Run) -> None:
    """The user made them with --out, and need not say it again."""
    (project / "characters.txt").write_text("Ana: a tall baker with flour on her nose\n", encoding="utf-8")
    charimg("run", *BY_ECHO, "--out", "elsewhere")
    charimg("redo", "Ana", "--count", "2", *BY_ECHO, "--out", "elsewhere")
    told = charimg("pick", "Ana", "2")

    assert "version 2 is the current picture now (elsewhere/ana.png)" in told.out
    assert sorted(path.name for path in (project / "elsewhere").iterdir()) == ["ana.2.png", "ana.3.png", "ana.png"]
    assert not (project / "pictures").exists()
