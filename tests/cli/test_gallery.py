"""``charimg gallery``: the command. The page itself is looked at in ``tests/gallery``."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from PIL import Image

from tests.cli.filled_ledger import fill, picture_bytes

Run = Callable[..., Any]
"""Runs the command line; see conftest."""


def test_a_page_of_everybody_is_written(project: Path, charimg: Run) -> None:
    """The page lies in the project's folder, holds every character, and its path and size are told."""
    fill(project)
    result = charimg("gallery")
    page = (project / "gallery.html").read_text(encoding="utf-8")

    assert re.fullmatch(
        rf"Wrote {re.escape(str(project / 'gallery.html'))} \(6 characters, 2 with a picture, \d+ kB\)\n", result.out
    )
    assert [name for name in ("Ana", "গোপাল ভাঁড়", "Bo", "Cem", "Dina", "Eve") if f">{name}</h2>" not in page] == []


def test_a_contact_sheet_is_a_picture(project: Path, charimg: Run) -> None:
    """--png writes one picture."""
    fill(project)
    charimg("gallery", "--png")

    with Image.open(project / "gallery.png") as sheet:
        assert sheet.format == "PNG"


def test_the_suffix_decides_and_another_folder_will_do(project: Path, charimg: Run) -> None:
    """--output x.png is a contact sheet, wherever it lies; links from a page elsewhere still lead to the pictures."""
    fill(project)
    (project / "shown").mkdir()
    charimg("gallery", "--output", "shown/all.png")
    charimg("gallery", "--output", "shown/all.html")

    assert (project / "shown" / "all.png").read_bytes().startswith(b"\x89PNG")
    assert 'href="../pictures/ana.png"' in (project / "shown" / "all.html").read_text(encoding="utf-8")


def test_a_gallery_is_written_anew_and_leaves_no_parts(project: Path, charimg: Run) -> None:
    """Our own files may be replaced, as often as one likes."""
    fill(project)
    codes = [charimg("gallery", *more).code for more in ((), (), ("--png",), ("--png",))]

    assert codes == [0, 0, 0, 0]
    assert [path.name for path in project.iterdir() if path.name.endswith(".part")] == []


@pytest.mark.parametrize("name", ["page.html", "pictures/ana.png", "notes.png"])
def test_nothing_of_the_users_is_overwritten(project: Path, charimg: Run, name: str) -> None:
    """A picture, or a page of somebody else, stays as it is."""
    fill(project)
    mine = picture_bytes("red") if name.endswith("png") else b"<html>my page</html>"
    (project / name).write_bytes(mine)
    result = charimg("gallery", "--output", name)

    assert (result.code, result.err.count("\n")) == (2, 1)
    assert (project / name).read_bytes() == mine


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--output", "nowhere/x.html"], "there is no folder"),
        (["--output", "pictures"], "is a folder; name a file in it"),
        (["--output", "characters.yaml"], "must end in .html (or .png"),
        (["--png", "--output", "x.html"], "must end in .png"),
    ],
)
def test_a_wrong_output_is_one_clear_line(project: Path, charimg: Run, arguments: list[str], said: str) -> None:
    """What cannot be written to is told before anything is drawn."""
    fill(project)
    result = charimg("gallery", *arguments)

    assert (result.code, result.err.count("\n"), said in result.err) == (2, 1, True)


def test_a_cast_without_pictures_still_has_a_page(project: Path, charimg: Run) -> None:
    """Before the first run the page shows who is to come, and nothing but the page is written."""
    (project / "characters.yaml").write_text("characters: [{name: Ana, description: a tall queen}]", encoding="utf-8")
    result = charimg("gallery")

    assert result.out.splitlines()[-1] == "No pictures yet: charimg run makes them."
    assert sorted(path.name for path in project.iterdir()) == ["characters.yaml", "gallery.html"]


def test_open_shows_the_file(project: Path, charimg: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """--open hands the file to the system, and says so where there is nothing to show it."""
    fill(project)
    shown: list[str] = []

    def launch(path: str) -> int:
        shown.append(path)
        return 1

    monkeypatch.setattr(click, "launch", launch)
    result = charimg("gallery", "--open")

    assert shown == [str(project / "gallery.html")]
    assert "open" in result.err
