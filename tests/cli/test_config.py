"""``charimg config``: which value won, and where it stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command_line import Run


def rows(out: str) -> list[list[str]]:
    """The table's rows by columns, which two spaces part."""
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in out.splitlines()]


def test_the_winner_and_the_losers_are_shown(charimg: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table says what holds and from where, and what was written elsewhere to no effect."""
    (project / "charimg.yaml").write_text("batch_size: 3\nprovider: echo\n")
    monkeypatch.setenv("CHARIMG_BATCH_SIZE", "4")
    table = rows(charimg("config").out)

    assert ["batch_size", "4", "CHARIMG_BATCH_SIZE"] in table
    assert ["3", "charimg.yaml (overridden)"] in table
    assert ["cooldown", "2", "default"] in table
    assert ["echo.width", "512", "default"] in table


def test_json_for_scripts(charimg: Run, project: Path, home: Path) -> None:
    """The same as data, numbers as numbers."""
    home.mkdir()
    (home / "config.yaml").write_text("cooldown: 1.5\nprovider: echo\n")
    (project / "charimg.yaml").write_text("cooldown: 3\n")
    data = json.loads(charimg("config", "show", "--json").out)

    found = next(one for one in data["settings"] if one["name"] == "cooldown")
    user = str(home / "config.yaml")
    assert found == {
        "name": "cooldown",
        "value": 3.0,
        "source": "charimg.yaml",
        "overridden": [{"source": user, "value": "1.5"}],
    }
    assert [one["exists"] for one in data["files"]] == [True, True]


def test_credentials_are_set_or_missing(
    charimg: Run, project: Path, easel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login is shown as missing with the command that mends it, or as set with its source, never its text."""
    missing = rows(charimg("config", "show", "easel").out)
    monkeypatch.setenv("EASEL_KEY", "good-secret")
    shown = charimg("config", "show", "easel")
    data = charimg("config", "show", "easel", "--json")

    assert ["easel.key", "missing", "run: charimg keys set easel"] in missing
    assert ["easel.key", "set", "EASEL_KEY"] in rows(shown.out)
    assert json.loads(data.out)["providers"]["easel"]["credentials"] == [
        {"name": "key", "set": True, "source": "EASEL_KEY", "required": True}
    ]
    assert "good-secret" not in shown.out + shown.err + data.out


def test_a_wrong_value_ends_in_one_line(charimg: Run, project: Path) -> None:
    """A wrong file ends the command with bad input's exit code and one line."""
    (project / "charimg.yaml").write_text("# mine\nbatch_size: five\n")
    result = charimg("config")

    assert (result.code, result.out) == (2, "")
    assert result.err == "charimg: charimg.yaml:2: batch_size: expected a whole number from 1 up, found 'five'\n"


def test_a_provider_that_is_not_there_does_not_hide_the_rest(charimg: Run, project: Path) -> None:
    """Who wrote a wrong provider's name sees which file said so."""
    (project / "charimg.yaml").write_text("provider: ecko\n")
    result = charimg("config")

    assert ["provider", "ecko", "charimg.yaml"] in rows(result.out)
    assert "there is no generator 'ecko'; did you mean 'echo'?" in result.err


def test_nothing_in_a_value_steers_the_terminal(charimg: Run, project: Path) -> None:
    """Markup in a value is shown as text, and an escape sequence is refused in one line."""
    (project / "charimg.yaml").write_text('provider: echo\nout: "[red]a[2Jb"\n')
    shown = charimg("config").out
    (project / "charimg.yaml").write_text('provider: echo\nout: "[red]a\\e[2Jb"\n')
    refused = charimg("config")

    assert "[red]a[2Jb" in shown
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "charimg.yaml:2: out" in refused.err
    assert "\x1b" not in refused.out + refused.err


def test_paths(charimg: Run, project: Path, home: Path) -> None:
    """``config path`` names the three files, whether they exist or not."""
    out = charimg("config", "path").out

    assert out.splitlines() == [str(project / "charimg.yaml"), str(home / "config.yaml"), str(home / "keys.json")]


def test_another_folder(charimg: Run, tmp_path: Path, project: Path) -> None:
    """``-C`` reads that folder's settings."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "charimg.yaml").write_text("provider: echo\nbatch_size: 2\n")

    assert ["batch_size", "2", "charimg.yaml"] in rows(charimg("-C", str(other), "config").out)


# -- lanes ---------------------------------------------------------------------------------------------------------

LANES = """
lanes:
  - {provider: easel@work, weight: 2, settings: {brush: 8}}
  - {provider: easel, name: attic, server: 'http://user:word@attic:81', uploader: folder}
  - {provider: echo, fallback: yes}
"""


def test_lanes_are_shown_with_their_sources(
    charimg: Run, project: Path, easel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each lane has its row, its settings under its name with what it says itself, and its own account's login."""
    (project / "charimg.yaml").write_text(LANES)
    monkeypatch.setenv("CHARIMG_EASEL_WORK_BRUSH", "9")
    monkeypatch.setenv("EASEL_KEY", "good-secret")
    result = charimg("config")
    table = rows(result.out)

    assert ["provider", "easel", "charimg.yaml (lanes)"] in table
    assert ["lane easel@work", "easel@work, weight 2", "charimg.yaml:3"] in table
    assert ["lane attic", "easel@attic:81, uploaded to folder", "charimg.yaml:4"] in table
    assert ["lane echo", "echo, a fallback", "charimg.yaml:5"] in table
    work = table.index(["easel@work.brush", "9", "CHARIMG_EASEL_WORK_BRUSH"])
    assert table[work + 1] == ["8", "charimg.yaml (lanes) (overridden)"]
    assert ["easel@work.key", "missing", "run: charimg keys set easel@work"] in table
    assert ["attic.base_url", "http://***@attic:81", "charimg.yaml (lanes)"] in table
    assert ["attic.key", "set", "EASEL_KEY"] in table
    assert "word" not in result.out


def test_lanes_as_data(charimg: Run, project: Path, easel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for scripts; a lane of a variable has that as its source."""
    (project / "charimg.yaml").write_text(LANES)
    of_file = json.loads(charimg("config", "show", "--json").out)
    monkeypatch.setenv("CHARIMG_PROVIDER", "echo,easel@home")
    of_variable = json.loads(charimg("config", "show", "--json").out)

    assert of_file["lanes"][1] == {
        "name": "attic",
        "provider": "easel",
        "account": "easel",
        "server": "http://***@attic:81",
        "uploader": "folder",
        "batch_size": 5,
        "weight": None,
        "fallback": False,
        "source": "charimg.yaml:4",
    }
    assert {"easel@work", "attic", "folder", "echo", "sqlite"} <= set(of_file["providers"])
    told = [(lane["name"], lane["source"], lane["fallback"]) for lane in of_variable["lanes"]]
    assert told == [("echo", "CHARIMG_PROVIDER", False), ("easel@home", "CHARIMG_PROVIDER", False)]


def test_one_account_of_a_provider(charimg: Run, project: Path, easel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its label: the variables and the login of that account."""
    monkeypatch.setenv("CHARIMG_EASEL_WORK_BRUSH", "9")
    monkeypatch.setenv("EASEL_KEY", "good-secret")
    table = rows(charimg("config", "show", "easel@work").out)

    assert ["easel@work.brush", "9", "CHARIMG_EASEL_WORK_BRUSH"] in table
    assert ["easel@work.key", "missing", "run: charimg keys set easel@work"] in table


def test_a_wrong_lane_ends_in_one_line(charimg: Run, project: Path) -> None:
    """As every other wrong line of the file."""
    (project / "charimg.yaml").write_text("lanes:\n  - provider: echo\n    settings: {widht: 3}\n")
    result = charimg("config")

    assert (result.code, result.out) == (2, "")
    assert result.err == "charimg: charimg.yaml:3: lanes: settings: widht: unknown (echo); did you mean 'width'?\n"
