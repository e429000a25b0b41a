"""``charimg providers``: what is installed, and what a provider says of itself."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from charimg.cli import cli
from tests.cli.command_line import EASEL, Install, Run


def test_the_list_names_every_kind(charimg: Run) -> None:
    """Generators, uploaders and stores of the core are listed, with what they need and who brings them."""
    out = charimg("providers").out

    lines = {tuple(line.split()[:3]) for line in out.splitlines()}
    assert lines >= {
        ("generator", "echo", "nothing"),
        ("uploader", "folder", "nothing"),
        ("uploader", "none", "nothing"),
        ("store", "sqlite", "nothing"),
    }
    assert "charimg-cli" in out


def test_one_kind_as_data(charimg: Run, easel: str) -> None:
    """``--kind`` keeps to one kind; JSON names the distribution and what is needed."""
    entries = json.loads(charimg("providers", "list", "--kind", "generator", "--json").out)

    assert {one["kind"] for one in entries} == {"generator"}
    assert next(one for one in entries if one["name"] == "easel") == {
        "kind": "generator",
        "name": "easel",
        "summary": "Paints on an easel.",
        "needs": ["key"],
        "distributions": [{"name": "charimg-easel", "version": "1.5"}],
        "files": [],
        "trouble": None,
    }


def test_a_broken_plugin_is_a_warning(charimg: Run, install: Install) -> None:
    """A plugin that cannot be imported stays in the list, with the command that removes it."""
    install("charimg-wreck", "raise RuntimeError('no canvas')", generators="wreck")
    result = charimg("providers")

    assert result.code == 0
    assert "broken" in next(line for line in result.out.splitlines() if " wreck " in line)
    assert "RuntimeError: no canvas" in result.err
    assert "charimg uninstall charimg-wreck" in result.err


def test_the_project_s_own_files_are_listed_with_their_path(charimg: Run, project: Path) -> None:
    """A one-file plugin is listed, shown and examined like any other; its path is its source."""
    folder = project / "plugins"
    folder.mkdir()
    (folder / "mine.py").write_text(textwrap.dedent(EASEL))
    (folder / "torn.py").write_text("import charimg\n\n1 / 0\ndef register_uploaders(register): ...\n")
    listed = charimg("providers")
    data = json.loads(charimg("providers", "list", "--json").out)
    shown = charimg("providers", "show", "easel")
    findings = json.loads(charimg("doctor", "--offline", "--json").out)["findings"]

    assert next(line.split()[-1] for line in listed.out.splitlines() if " easel " in line) == "plugins/mine.py"
    assert "plugins/torn.py, line 3: ZeroDivisionError" in listed.err
    assert [(one["files"], one["distributions"]) for one in data if one["name"] == "easel"] == [
        (["plugins/mine.py"], [])
    ]
    assert shown.out.startswith("easel, generator of plugins/mine.py")
    assert [one["message"] for one in findings if one["subject"] == "plugins/mine.py"] == ["generator easel"]
    assert any("plugins/torn.py, line 3" in one["message"] and one["state"] == "warning" for one in findings)


def test_two_claimants_are_named(charimg: Run, install: Install) -> None:
    """A name that two distributions claim is shown with both."""
    install("charimg-easel", EASEL, generators="easel")
    install("charimg-other", EASEL, generators="easel")
    result = charimg("providers", "show", "easel")

    assert result.code == 5
    assert "charimg-easel 1.5" in result.err
    assert "charimg-other 1.5" in result.err


def test_everything_a_provider_declares_is_shown(charimg: Run, easel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings with type, default and variables, credentials with their state, abilities and price."""
    monkeypatch.setenv("EASEL_KEY", "good-secret")
    out = charimg("providers", "show", "easel").out

    for words in (
        "easel, generator of charimg-easel 1.5",
        "0.04 USD a picture",
        "up to 2 reference pictures; seed; no negative prompt; aspect ratios 1:1, 9:16",
        "a whole number from 1 to 64",
        "CHARIMG_EASEL_BASE_URL, EASEL_URL",
        "Width of the brush, in pixels.",
        "set, in EASEL_KEY",
        "CHARIMG_EASEL_KEY, EASEL_KEY",
        "Made on easel.example/keys.",
    ):
        assert words in out
    assert "good-secret" not in out


def test_a_declaration_as_data(charimg: Run, easel: str) -> None:
    """JSON carries the whole declaration."""
    (one,) = json.loads(charimg("providers", "show", "easel", "--json").out)

    assert one["settings"][1] == {
        "name": "brush",
        "type": "int",
        "default": 4,
        "choices": [],
        "minimum": 1,
        "maximum": 64,
        "required": False,
        "environment": ["CHARIMG_EASEL_BRUSH"],
        "help": "Width of the brush, in pixels.",
    }
    assert one["credentials"][0]["set"] is False
    assert one["price"] == {"amount": 0.04, "currency": "USD", "checked": None}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ecko",), "there is no provider 'ecko'; did you mean 'echo'?"),
        (("echo", "--kind", "store"), "there is no store 'echo'"),
    ],
)
def test_an_unknown_name_is_one_line(charimg: Run, arguments: tuple[str, ...], message: str) -> None:
    """A name nobody has ends with the plugins' exit code and the nearest name."""
    result = charimg("providers", "show", *arguments)

    assert (result.code, result.out) == (5, "")
    assert message in result.err


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (("run", "--provider", "ea"), ["easel"]),
        (("run", "--uploader", ""), ["folder", "none"]),
        (("keys", "set", "ea"), ["easel"]),
        (("providers", "show", "sql"), ["sqlite"]),
    ],
)
def test_the_shell_completes_the_names_of_what_is_installed(
    typed: tuple[str, ...], offered: list[str], install: Install, project: Path
) -> None:
    """TAB offers names of the kind that fits, and a broken plugin's module is not even imported for it."""
    install("charimg-easel", "raise RuntimeError('imported')", generators="easel")
    *words, begun = typed
    completion = ShellComplete(cli, {}, "charimg", "_CHARIMG_COMPLETE")
    found = [one.value for one in completion.get_completions(words, begun)]

    assert set(offered) <= set(found)
    assert all(one.startswith(begun) for one in found)
    assert ("easel" in found) == ("easel" in offered)
