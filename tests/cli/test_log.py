"""``charimg log``: everything that was tried for one character."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from charimg.cli import cli
from charimg.cli.completion import character_names
from charimg.project import Project
from tests.cli.command_line import Run
from tests.cli.filled_ledger import fill

if sys.platform != "win32":
    import pty


@pytest.fixture
def filled(project: Path) -> Path:
    """A project whose characters fared differently."""
    fill(project)
    return project


def data(charimg: Run, name: str) -> dict[str, Any]:
    """What scripts are told."""
    found: dict[str, Any] = json.loads(charimg("log", name, "--json").out)
    return found


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ana", ["whisk", "IMAGEN_3_5", "7", "0.04 USD", "▸ current", "ana.png", "pictures in pictures/"]),
        ("গোপাল ভাঁড়", ["গোপাল ভাঁড় (gopal)", "▸ current"]),
        ("  GOPAL ", ["গোপাল ভাঁড় (gopal)"]),
        ("Bo", ["rejected", "Whisk refused <b>the hat</b>"]),
        ("Cem", ["throttled", "quota exceeded; may have been charged"]),
        ("Dina", ["interrupted", "the next run looks for its picture; may have been charged"]),
        ("Finn", ["Finn (finn, no longer in the roster)", "▸ current"]),
        ("Eve", ["Eve: nothing was tried yet; charimg run"]),
    ],
)
def test_every_attempt_is_told_with_what_came_of_it(charimg: Run, name: str, words: list[str]) -> None:
    """By name or key, in any script, former characters too."""
    told = charimg("log", name)

    assert (told.code, [word for word in words if word not in told.out]) == (0, [])


def test_in_a_pipe_the_table_is_aligned_plain_text(filled: Path, charimg: Run) -> None:
    """No colour, no wrapping: one line an attempt."""
    told = charimg("log", "Ana").out.splitlines()

    assert told[1].startswith("WHEN ")
    assert told[2].index("ana.png") == told[1].index("PICTURE")
    assert not any("\x1b" in line for line in told)
    assert "1 attempt, 1 version; spent: 0.04 USD (as reported)" in told
    assert (filled / ".charimg").is_dir()


@pytest.mark.usefixtures("filled")
def test_json_has_all_of_it(charimg: Run) -> None:
    """Versions, files, digests, media ids, and what may have been charged."""
    ana, cem = data(charimg, "Ana"), data(charimg, "Cem")
    picture = ana["attempts"][0]["pictures"][0]

    assert (ana["current"], ana["candidates"], ana["undo_to"], ana["stale"]) == (1, [], None, False)
    assert (picture["image"], picture["there"], picture["media_id"]) == (
        "pictures/ana.png",
        True,
        "CAMaJDc2N2FiOWEzLTc-ana",
    )
    assert [(one["state"], one["verdict"], one["possibly_charged"]) for one in cem["attempts"]] == [
        ("troubled", "throttled", True)
    ]


def test_a_picture_whose_roster_entry_was_edited_is_stale(filled: Path, charimg: Run) -> None:
    """And the command is named that makes it again."""
    roster = filled / "characters.yaml"
    roster.write_text(roster.read_text(encoding="utf-8").replace("tall queen", "small queen"), encoding="utf-8")
    told = charimg("log", "Ana")

    assert "the roster has changed since" in told.out
    assert "charimg run --stale  makes it again" in told.out
    assert data(charimg, "Ana")["stale"] is True


def test_a_picture_that_is_gone_is_told(filled: Path, charimg: Run) -> None:
    """The version stays in the list."""
    (filled / "pictures" / "ana.png").unlink()

    assert "the file of the current picture is gone" in charimg("log", "Ana").out


def test_during_a_run_what_is_open_is_under_way(filled: Path, charimg: Run) -> None:
    """Who looks while a run is at work is not told that it was interrupted."""
    with Project.at(filled).locked():
        told = charimg("log", "Dina")

    assert (told.code, "under way" in told.out, "interrupted" in told.out) == (0, True, False)


def test_a_roster_that_cannot_be_read_is_no_hindrance(filled: Path, charimg: Run) -> None:
    """The ledger knows the names too."""
    (filled / "characters.yaml").write_text("characters: [", encoding="utf-8")

    assert "▸ current" in charimg("log", "Ana").out


@pytest.mark.usefixtures("filled")
def test_a_name_nobody_has_is_told_with_the_nearest(charimg: Run) -> None:
    """In one line."""
    told = charimg("log", "Anna")

    assert (told.code, told.err) == (2, "charimg: there is no 'Anna' in characters.yaml; did you mean 'Ana'?\n")


def test_a_name_that_several_have_is_told_with_their_keys(project: Path, charimg: Run) -> None:
    """The key tells them apart."""
    (project / "characters.txt").write_text(
        "Ana: a tall baker with flour\nAna: a small fox in the snow\n", encoding="utf-8"
    )
    told = charimg("log", "Ana")

    assert (told.code, "several characters are called 'Ana'; say which by key: ana, ana-2" in told.err) == (2, True)


def test_what_a_service_said_cannot_steer_a_terminal(project: Path, charimg: Run) -> None:
    """Its words are shown on one line, with nothing in them that could."""
    (project / "characters.txt").write_text("Ana: a tall baker with flour\n", encoding="utf-8")
    plugins = project / "plugins"
    plugins.mkdir()
    (plugins / "rude.py").write_text(
        "import charimg\n\n\n"
        "class Rude(charimg.ImageGenerator):\n"
        "    declaration = charimg.Declaration(name='rude', summary='Shouts.')\n\n"
        "    async def generate(self, request):\n"
        "        raise charimg.RejectedError('no\\x1b[31m\\nway\\u202e')\n\n\n"
        "@charimg.hookimpl\n"
        "def register_generators(register):\n"
        "    register(Rude)\n",
        encoding="utf-8",
    )
    assert charimg("run", "--provider", "rude").code == 1
    told = charimg("log", "Ana").out

    assert "rejected" in told
    assert not {"\x1b", "\u202e"} & set(told)


def test_only_what_is_there_is_offered(project: Path, charimg: Run) -> None:
    """A version whose file is gone can be neither picked nor gone back to, so no command for it is shown."""
    (project / "characters.txt").write_text("Ana: a tall baker with flour\n", encoding="utf-8")
    charimg("run", "--provider", "avatar")
    charimg("redo", "Ana", "--provider", "avatar")
    offered = charimg("log", "Ana").out
    (project / "pictures" / "ana.1.png").unlink()
    told = charimg("log", "Ana").out

    assert ('charimg pick "Ana" 1' in offered, 'charimg undo "Ana"' in offered) == (True, True)
    assert ("missing" in told, "charimg pick" in told, "charimg undo" in told) == (True, False, False)


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are POSIX")
@pytest.mark.parametrize(("width", "column"), [(60, False), (160, True)])
def test_what_is_the_same_in_every_line_gives_way_in_a_narrow_terminal(filled: Path, width: int, column: bool) -> None:
    """The title says it once instead, so that no file name is broken."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(width), "NO_COLOR": "1"}
    subprocess.run([sys.executable, "-m", "charimg", "log", "Ana"], stdout=theirs, env=env, check=True, cwd=filled)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)

    assert ("MODEL" in shown, "lane whisk, model" in shown) == (column, not column)


def test_the_shell_offers_characters(project: Path) -> None:
    """After TAB: the keys of the folder's roster that begin so; nothing where there is no roster."""
    (project / "characters.txt").write_text("Ana Bell: a queen\nBo: a cook\n", encoding="utf-8")
    context, parameter = click.Context(cli), click.Argument(["name"])
    context.params["folder"] = project
    there = [character_names(context, parameter, begun) for begun in ("", "a", "x")]
    context.params["folder"] = project / "nowhere"

    assert there == [["ana-bell", "bo"], ["ana-bell"], []]
    assert character_names(context, parameter, "") == []
