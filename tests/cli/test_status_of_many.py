"""``charimg status`` and the plan of a large cast: a terminal sees a window, a pipe and JSON have everybody."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from charimg.cli import status, tables
from charimg.gallery.cards import Card
from charimg.model import utc_now

Run = Callable[..., Any]

MANY = 5_000


@pytest.fixture
def crowd(project: Path) -> Path:
    """A roster of five thousand."""
    lines = [f"Guest {number}: guest {number} of the inn, in a long travelling coat\n" for number in range(MANY)]
    (project / "characters.txt").write_text("".join(lines), encoding="utf-8")
    return project


def cards() -> list[Card]:
    """Five thousand that are done, but for two."""
    all_of_them = [Card(key=f"guest-{number}", name=f"Guest {number}", state="done") for number in range(MANY)]
    all_of_them[4_000] = Card(key="guest-4000", name="Guest 4000", state="failed")
    all_of_them[4_500] = Card(key="guest-4500", name="Guest 4500", state="pending")
    return all_of_them


class Screen(io.StringIO):
    """A terminal that keeps what is written."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_those_that_are_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred rows with everybody in trouble among them, and the rest in one line."""
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("COLUMNS", "100")
    status._show(cards(), utc_now())
    lines = [click.unstyle(line) for line in screen.getvalue().splitlines()]

    assert (len(lines), lines[-1]) == (202, "... and 4,800 more: 4,800 done (charimg status --json has all of them)")
    assert [line.split()[:4] for line in lines if " done" not in line][1:] == [
        ["Guest", "4000", "✗", "failed"],
        ["Guest", "4500", "·", "pending"],
    ]


@pytest.mark.usefixtures("crowd")
def test_a_pipe_gets_everybody(charimg: Run) -> None:
    """Whoever filters the table misses nobody."""
    told = charimg("status")

    assert sum(line.startswith("Guest ") for line in told.out.splitlines()) == MANY


@pytest.mark.usefixtures("crowd")
def test_json_has_everybody_as_one_list(charimg: Run) -> None:
    """The list that is written piece by piece reads as one."""
    found = json.loads(charimg("status", "--json").out)

    assert [entry["name"] for entry in found] == [f"Guest {number}" for number in range(MANY)]


@pytest.mark.parametrize("count", [0, 1, 2, 1000, 1001])
def test_a_list_written_in_portions_is_the_list(count: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Byte for byte what the whole would be, empty lists and full portions included."""
    data = [{"name": f"a\n{number}", "empty": [], "of": [1, {"deep": "\u2028"}]} for number in range(count)]
    tables.show_json_list(iter(data))
    portions = capsys.readouterr().out
    tables.show_json(data)

    assert portions == capsys.readouterr().out


@pytest.mark.usefixtures("crowd")
def test_the_plan_of_many_is_short_and_its_json_whole(charimg: Run) -> None:
    """A plan is read by people: the first characters and a count; JSON has everybody."""
    told = charimg("run", "--provider", "echo", "--dry-run")
    whole = json.loads(charimg("run", "--provider", "echo", "--dry-run", "--json").out)

    lines = told.out.splitlines()
    assert len(lines) < 40
    assert "    ... and 4,980 more; --dry-run --json has all of them" in lines
    assert len(whole["jobs"]) == MANY


def test_a_cast_of_a_hundred_is_listed_whole(project: Path, charimg: Run) -> None:
    """What fits on some screens is not cut."""
    (project / "characters.txt").write_text(
        "".join(f"Guest {number}: guest {number} in a long travelling coat\n" for number in range(100))
    )
    lines = charimg("run", "--provider", "echo", "--dry-run").out.splitlines()

    assert sum(line.startswith("    Guest ") for line in lines) == 100
    assert "  Batch 20" in lines
