"""``charimg status``."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from charimg.contracts import ProviderContext
from charimg.project import Project
from charimg.providers.sqlite import SqliteStore
from tests.cli.command_line import Install
from tests.cli.filled_ledger import WHEN, fill

Run = Callable[..., Any]
"""Runs the command line; see conftest."""


def rows(charimg: Run, *arguments: str) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in json.loads(charimg("status", "--json", *arguments).out)}


def test_json_tells_state_picture_id_and_error_of_everybody(project: Path, charimg: Run) -> None:
    """Scripts get one object a character, the roster's order first."""
    fill(project)
    found = rows(charimg)

    assert [
        (key, row["state"], row["image"], row["media_id"], row["provider"], row["error"]) for key, row in found.items()
    ] == [
        ("ana", "done", "pictures/ana.png", "CAMaJDc2N2FiOWEzLTc-ana", "whisk", None),
        ("gopal", "done", "pictures/gopal.png", "id-gopal", "whisk", None),
        ("bo", "rejected", None, None, "whisk", "Whisk refused <b>the hat</b>"),
        ("cem", "pending", None, None, "whisk", "quota exceeded"),
        ("dina", "open", None, None, "whisk", "a run was interrupted here; the picture may have been charged"),
        ("eve", "pending", None, None, None, None),
        ("finn", "done", "pictures/finn.png", "id-finn", "whisk", None),
    ]


def test_json_tells_how_it_was_made_and_what_it_cost(project: Path, charimg: Run) -> None:
    """Model, seed, cost, expiry and verdict are there for those who want them."""
    fill(project)
    found = rows(charimg)
    made = {name: found["gopal"][name] for name in ("model", "seed", "spent", "media_expires_at", "attempts")}

    assert made == {
        "model": "IMAGEN_3_5",
        "seed": 7,
        "spent": [{"amount": 0.04, "currency": "USD", "source": "reported"}],
        "media_expires_at": "2024-05-15T12:00:00+00:00",
        "attempts": 1,
    }
    assert (found["bo"]["verdict"], found["cem"]["possibly_charged"]) == ("rejected", 1)


def test_a_picture_that_vanished_is_told(project: Path, charimg: Run) -> None:
    """A done character whose file is gone is missing, not done."""
    fill(project)
    (project / "pictures" / "ana.png").unlink()
    row = rows(charimg)["ana"]

    assert (row["state"], row["error"]) == ("missing", "the file of the picture is gone; the next run makes it again")


def test_during_a_run_what_is_open_is_being_made(project: Path, charimg: Run) -> None:
    """Who looks while a run is at work is not told that it was interrupted, nor sent to start another."""
    fill(project)
    with Project.at(project).locked():
        out = charimg("status").out
        error = rows(charimg)["dina"]["error"]

    assert ("a run is making it now" in out, "interrupted" in out, error) == (True, False, None)
    assert out.splitlines()[-2:] == [
        "1 attempt may have been charged without leaving a picture",
        f"a run is under way (process {os.getpid()} on {socket.gethostname()})",
    ]


def test_a_changed_description_is_told(project: Path, charimg: Run) -> None:
    """Who changes a description sees whose picture is older than the words."""
    fill(project)
    roster = project / "characters.yaml"
    roster.write_text(roster.read_text(encoding="utf-8").replace("a crown", "two crowns"), encoding="utf-8")
    found = rows(charimg)

    assert (found["ana"]["roster_changed"], found["gopal"]["roster_changed"]) == (True, False)


def test_the_plain_table_lines_up_in_every_script(project: Path, charimg: Run) -> None:
    """The columns begin at the same cell, whatever the width of the names; nothing is coloured."""
    fill(project)
    lines = charimg("status").out.splitlines()
    table = lines[: lines.index("")]
    starts = {cell_len(line[: line.index(word)]) for line in table[1:] for word in ("✓", "✗", "·", "?") if word in line}

    assert starts == {cell_len(table[0][: table[0].index("STATE")])}
    assert "\x1b" not in "".join(lines)


def test_the_table_marks_expired_ids_and_shortens_long_ones(project: Path, charimg: Run) -> None:
    """An id the service has forgotten is marked; a long one is cut."""
    fill(project)
    out = charimg("status").out

    assert ("id-gopal (expired)" in out, "CAMaJDc2N2FiO…" in out, "CAMaJDc2N2FiOWEz" in out) == (True, True, False)


def test_the_footer_counts_spends_and_tells_what_to_do(project: Path, charimg: Run) -> None:
    """Counts are of the roster; money counts everybody; doubtful attempts are told."""
    fill(project)

    assert charimg("status").out.splitlines()[-4:] == [
        "6 characters: 2 pending, 1 open, 2 done, 1 rejected",
        "spent: 0.12 USD (as reported)",
        "2 attempts may have been charged without leaving a picture",
        "a service was too busy for some of them; later: charimg run",
    ]


BUSY = """
    import charimg

    class Busy(charimg.ImageGenerator):
        declaration = charimg.Declaration(
            name="busy", summary="Has no time.", settings=(charimg.Setting("mood", "good"),), price=charimg.Price(0)
        )

        async def generate(self, request):
            if self.context.settings["mood"] == "wrong":
                raise charimg.InvalidRequestError("no such mood")
            if self.context.settings["mood"] == "empty":
                raise charimg.ExhaustedError("no more today")
            raise charimg.ThrottledError("come back later")

    @charimg.hookimpl
    def register_generators(register):
        register(Busy)
"""


@pytest.fixture
def busy(project: Path, install: Install) -> None:
    """Two characters, and a generator that turns everybody away."""
    (project / "cast.txt").write_text("Ana: a tall baker with flour on her nose\nBo: a small fox\n", encoding="utf-8")
    install("charimg-busy", BUSY, generators="busy")


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize(
    ("mood", "words"),
    [
        ("good", "a service was too busy for some of them; later: "),
        ("empty", "a quota is used up for some of them; when it is back: "),
    ],
)
def test_the_command_is_that_of_the_last_run(charimg: Run, mood: str, words: str) -> None:
    """The rest is made by the provider that began, for everybody who has no picture; nothing is made again."""
    given = ("--provider", "busy", "--max-retries", "0", "-o", f"mood={mood}")
    charimg("run", "cast.txt", *given, "--only", "Ana", "--force", "--quiet")

    told = charimg("status", "cast.txt").out.splitlines()[-1]
    assert told == f"{words}charimg run cast.txt {' '.join(given)}"


@pytest.mark.usefixtures("busy")
def test_another_roster_has_no_run_yet(project: Path, charimg: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written for one cast is not offered for another; seen from elsewhere the folder is named."""
    charimg("run", "cast.txt", "--provider", "busy", "--max-retries", "0", "--quiet")
    (project / "others.txt").write_text("Cy: an old owl\n", encoding="utf-8")
    monkeypatch.chdir(project.parent)

    told = charimg("-C", str(project), "status", "others.txt").out.splitlines()[-1]
    assert told == f"charimg -C {project} run others.txt  makes what is missing"


@pytest.mark.usefixtures("busy")
def test_a_picture_that_stands_needs_force_to_be_replaced(charimg: Run) -> None:
    """A refused second picture is no missing one: a plain run would do nothing, and is not offered."""
    charimg("run", "cast.txt", "--provider", "echo", "--quiet")
    charimg("run", "cast.txt", "--provider", "busy", "-o", "mood=wrong", "--only", "bo", "--force", "--quiet")
    lines = charimg("status", "cast.txt").out.splitlines()

    command = "charimg run cast.txt --provider busy -o mood=wrong --force --only bo"
    assert lines[-2:] == [
        "2 characters: 1 done, 1 failed",
        f"another picture in place of one that stands: {command}",
    ]
    assert any(line.endswith("no such mood; the earlier picture stands") for line in lines)


def test_the_ledger_of_a_free_lane_raises_no_alarm(project: Path, charimg: Run) -> None:
    """What the last run knew to cost nothing is not told as perhaps charged."""
    fill(project)

    async def begin_another() -> None:
        store = SqliteStore(ProviderContext(folder=project, out=project / "pictures"))
        await store.open()
        await store.begin_run("later", WHEN + timedelta(days=1), {"lane_facts": [{"name": "whisk", "free": True}]})
        await store.record_lost("attempt-dina")
        await store.close()

    asyncio.run(begin_another())

    assert [line for line in charimg("status").out.splitlines() if "charged" in line] == []


def test_what_stands_at_a_service_is_not_called_lost(project: Path, charimg: Run) -> None:
    """A job with a ticket is fetched by the next run: it is neither doubtful nor interrupted."""
    fill(project)

    async def accept() -> None:
        store = SqliteStore(ProviderContext(folder=project, out=project / "pictures"))
        await store.open()
        await store.record_ticket("attempt-dina", "ticket-7")
        await store.close()

    asyncio.run(accept())
    out = charimg("status").out
    row = rows(charimg)["dina"]

    assert "1 attempt may have been charged without leaving a picture" in out.splitlines()
    assert (row["standing_at"], row["possibly_charged"], row["error"]) == (
        "whisk",
        0,
        "still under way at whisk; the next run fetches it",
    )


def test_those_who_left_the_roster_are_listed_apart(project: Path, charimg: Run) -> None:
    """The ledger's former characters come after the roster's, under a title of their own."""
    fill(project)
    lines = charimg("status").out.splitlines()
    title = lines.index("No longer in the roster")

    assert [line.split()[0] for line in lines[title + 1 : title + 3]] == ["CHARACTER", "Finn"]


def test_nothing_is_created_by_looking(project: Path, charimg: Run) -> None:
    """Status in a fresh project leaves no file behind and knows everybody as pending."""
    (project / "characters.yaml").write_text("characters: [{name: Ana, description: a tall queen}]", encoding="utf-8")
    found = rows(charimg)

    assert {key: row["state"] for key, row in found.items()} == {"ana": "pending"}
    assert [path.name for path in project.iterdir()] == ["characters.yaml"]


@pytest.mark.parametrize("name", ["ana", "ANA", " Ana "])
def test_only_shows_the_named(project: Path, charimg: Run, name: str) -> None:
    """A name or key picks its character, however it is capitalised."""
    fill(project)

    assert list(rows(charimg, "--only", name)) == ["ana"]


def test_only_nobody_is_one_line_with_a_hint(project: Path, charimg: Run) -> None:
    """A name nobody has is refused with the nearest name."""
    fill(project)
    result = charimg("status", "--only", "Anna")

    assert (result.code, result.err) == (
        2,
        "charimg: --only: there is no 'Anna' in characters.yaml; did you mean 'Ana'?\n",
    )


def test_without_a_roster_the_remedy_is_told(project: Path, charimg: Run) -> None:
    """An empty folder gets one line that names charimg init."""
    result = charimg("status")

    assert (result.code, result.err.count("\n"), "charimg init" in result.err) == (2, 1, True)


def in_a_terminal(project: Path, width: int, environ: dict[str, str]) -> bytes:
    """What ``charimg status`` shows in a terminal of this width."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(width), **environ}
    subprocess.run([sys.executable, "-m", "charimg", "status"], stdout=theirs, env=env, check=True, cwd=project)
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:  # how Linux says that the other end is closed
        pass
    finally:
        os.close(ours)
    return shown


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are POSIX")
@pytest.mark.parametrize(("width", "below"), [(80, True), (160, False)])
def test_notes_stand_below_a_narrow_table(project: Path, width: int, below: bool) -> None:
    """Where a terminal leaves a sentence no room it is not folded into a tower of words."""
    fill(project)
    lines = in_a_terminal(project, width, {"NO_COLOR": "1"}).decode().splitlines()

    assert ("Bo: Whisk refused <b>the hat</b>" in lines) is below


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are POSIX")
@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colours_unless_it_wants_none(project: Path, environ: dict[str, str], coloured: bool) -> None:
    """In a terminal states are coloured; NO_COLOR keeps the words alone."""
    fill(project)
    shown = in_a_terminal(project, 120, environ)

    assert (b"\x1b[31m" in shown, "✗ rejected".encode() in shown) == (coloured, True)
