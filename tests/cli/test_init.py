"""``charimg init``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from charimg.roster import read_roster

Run = Callable[..., Any]
"""Runs the command line; see conftest."""


def test_the_starter_is_a_roster_that_can_be_read(project: Path, charimg: Run) -> None:
    """The file that init writes is a valid roster with somebody in it."""
    result = charimg("init")

    assert (result.code, result.out.splitlines()[0]) == (0, f"Wrote {project / 'characters.yaml'}")
    assert len(read_roster(project / "characters.yaml").characters) > 1


def test_a_new_folder_is_made_and_named_in_the_next_steps(project: Path, charimg: Run) -> None:
    """init FOLDER makes the folder and says to go there."""
    result = charimg("init", "my/cast")

    assert (project / "my" / "cast" / "characters.yaml").is_file()
    assert "  cd my/cast" in result.out.splitlines()


def test_a_folder_given_with_project_is_where_it_writes(project: Path, charimg: Run) -> None:
    """-C FOLDER init writes there."""
    (project / "there").mkdir()
    charimg("-C", "there", "init")

    assert (project / "there" / "characters.yaml").is_file()


@pytest.mark.parametrize("name", ["characters.yaml", "characters.csv", "characters.txt"])
def test_nothing_is_overwritten(project: Path, charimg: Run, name: str) -> None:
    """Where any roster is, init leaves it alone, adds none beside it, and says so in one line."""
    (project / name).write_text("mine", encoding="utf-8")
    result = charimg("init")

    assert (result.code, result.err.count("\n"), name in result.err) == (2, 1, True)
    assert {path.name: path.read_text(encoding="utf-8") for path in project.iterdir()} == {name: "mine"}


def test_a_file_in_place_of_a_folder_is_one_line(project: Path, charimg: Run) -> None:
    """A file where the folder should be is named."""
    (project / "cast").write_text("", encoding="utf-8")
    result = charimg("init", "cast")

    assert (result.code, result.err) == (
        2,
        f"charimg: {project / 'cast'} is a file; name a folder: charimg init FOLDER\n",
    )
