"""``charimg undo``: the picture that was the current one before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command_line import Run

BY_ECHO = ("--provider", "echo")


@pytest.fixture
def made(project: Path, charimg: Run) -> Path:
    """A project of two with their pictures."""
    (project / "characters.txt").write_text("Ana: a tall baker with flour\nBo: a small fox in snow\n", encoding="utf-8")
    assert charimg("run", *BY_ECHO).code == 0
    return project


def current(charimg: Run) -> dict[str, int]:
    """Everybody's current version."""
    return {name: json.loads(charimg("log", name, "--json").out)["current"] for name in ("Ana", "Bo")}


@pytest.mark.usefixtures("made")
def test_first_pictures_are_nothing_to_undo(charimg: Run) -> None:
    """In a clear line, with exit code 2; nothing is taken away."""
    everybody, one = charimg("undo"), charimg("undo", "Ana")

    assert (everybody.code, everybody.err) == (
        2,
        "charimg: nothing to undo: no picture has taken another's place yet\n",
    )
    assert (one.code, one.err) == (2, "charimg: nothing to undo: Ana has but one picture\n")


@pytest.mark.usefixtures("made")
def test_a_whole_run_is_taken_back_and_then_the_pick_before(charimg: Run) -> None:
    """One operation after the other, until there is nothing left."""
    charimg("redo", "Bo", "--count", "2", *BY_ECHO)
    charimg("pick", "Bo", "3")
    charimg("run", "--force", *BY_ECHO)
    forced = current(charimg)
    told = charimg("undo")
    seen = [current(charimg)]
    charimg("undo")
    seen.append(current(charimg))

    assert told.out.splitlines()[:3] == [
        "Undone for 2 characters: each has the picture from before.",
        "  Ana: version 1 again (version 2 stays)",
        "  Bo: version 3 again (version 4 stays)",
    ]
    assert (forced, seen) == ({"Ana": 2, "Bo": 4}, [{"Ana": 1, "Bo": 3}, {"Ana": 1, "Bo": 1}])
    assert charimg("undo").code == 2


def test_one_character_alone_is_taken_back(made: Path, charimg: Run) -> None:
    """The newer picture stays as a version, and pick gets it back."""
    charimg("run", "--force", *BY_ECHO)
    newer = (made / "pictures" / "ana.png").read_bytes()
    told = charimg("undo", "ana")
    undone = current(charimg)
    charimg("pick", "Ana", "2")

    assert told.out.splitlines()[:2] == [
        "Ana: version 1 is the current picture now (pictures/ana.png)",
        "  version 2 stays (pictures/ana.2.png)",
    ]
    assert (undone, (made / "pictures" / "ana.png").read_bytes()) == ({"Ana": 1, "Bo": 2}, newer)


@pytest.mark.usefixtures("made")
def test_what_was_undone_is_told_by_the_log(charimg: Run) -> None:
    """A picture that was current once, and was taken back."""
    charimg("redo", "Ana", *BY_ECHO)
    charimg("undo")

    assert "undone" in charimg("log", "Ana").out


def test_one_whose_file_is_gone_does_not_keep_the_others(made: Path, charimg: Run) -> None:
    """It is told, the exit code says so, and the rest is undone."""
    charimg("run", "--force", *BY_ECHO)
    (made / "pictures" / "ana.1.png").unlink()
    told = charimg("undo")

    assert (told.code, current(charimg)) == (1, {"Ana": 2, "Bo": 1})
    assert told.err.startswith("charimg: the file of version 1 of Ana is gone (pictures/ana.1.png)")
