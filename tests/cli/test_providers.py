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


# -- accounts and lanes ----------------------------------------------------------------------------------------------

GALLERY = EASEL.replace(
    "        async def generate(self",
    """        async def models(self):
            context = self.context
            key = context.credentials["key"].reveal().removeprefix("good-")
            where = context.settings["base_url"].removeprefix("https://")
            names = (f"of {key} at {where}", f"lane {context.lane}", f"patience {context.wait_ceiling:g}")
            return tuple(charimg.contracts.Model(name) for name in names)

        async def generate(self""",
).replace("import charimg\n", "import charimg\n    import charimg.contracts\n", 1)
"""An easel that tells, as the names of its models, whose key it was given, and which address, lane and ceiling."""

LANES = """
wait_ceiling: 60
lanes:
  - {provider: easel@work, settings: {base_url: 'https://office'}}
  - {provider: easel, name: attic, server: 'https://attic:81'}
  - {provider: echo}
  - {provider: easel@spare, fallback: yes}
fallback: nobody_has_this
"""


@pytest.fixture
def gallery(install: Install, project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lanes of a service with three accounts and its models, beside a lane of another."""
    install("charimg-easel", GALLERY, generators="easel")
    for name in ("EASEL_KEY", "CHARIMG_EASEL_WORK_KEY", "CHARIMG_EASEL_SPARE_KEY", "CHARIMG_EASEL_HOME_KEY"):
        monkeypatch.setenv(name, f"good-{name.removeprefix('CHARIMG_').removeprefix('EASEL_').lower()}")
    (project / "charimg.yaml").write_text(LANES)
    return project / "charimg.yaml"


def models(charimg: Run, name: str) -> tuple[int, list[tuple[str, str | None, list[str]]]]:
    """Account, lane and the names of the models of every list that was shown."""
    result = charimg("providers", "show", name, "--models", "--json")
    lists = json.loads(result.out)
    return result.code, [(one["account"], one["lane"], [model["id"] for model in one["models"]]) for one in lists]


WORK = ("easel@work", "easel@work", ["of work_key at office", "lane easel@work", "patience 60"])
ATTIC = ("easel", "attic", ["of key at attic:81", "lane attic", "patience 60"])
SPARE = ("easel@spare", "easel@spare", ["of spare_key at easel.example", "lane easel@spare", "patience 60"])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("attic", [ATTIC]),
        ("easel@work", [WORK]),
        ("easel", [WORK, ATTIC, SPARE]),
        ("easel@home", [("easel@home", None, ["of home_key at easel.example", "lane easel@home", "patience 60"])]),
    ],
)
def test_the_models_of_an_account_or_a_lane(name: str, told: list[object], charimg: Run, gallery: Path) -> None:
    """Each is asked with its own key, at its own server; a provider's name asks every lane that uses it."""
    assert models(charimg, name) == (0, told)


def test_whose_models_they_are_is_in_the_title(charimg: Run, gallery: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account or server with the lane's name, and the trouble of one of them beside the lists of the others."""
    monkeypatch.delenv("CHARIMG_EASEL_WORK_KEY")
    result = charimg("providers", "show", "easel", "--models")

    assert result.code == 4
    assert "Models that easel@attic:81 (lane attic) offers now" in result.out
    assert "Models that easel@spare offers now" in result.out
    assert "charimg: easel@work@office (lane easel@work) was not asked for its models: " in result.err
    assert "charimg keys set easel@work" in result.err


def test_a_wrong_setting_of_a_lane_is_told_before_its_models_are_asked_for(charimg: Run, gallery: Path) -> None:
    """A mistyped address would ask another server."""
    gallery.write_text("lanes:\n  - {provider: easel, name: attic, settings: {base_ulr: 'https://attic'}}\n")
    result = charimg("providers", "show", "attic", "--models")

    assert (result.code, result.out) == (2, "")
    assert "charimg.yaml:2: lanes: settings: base_ulr: unknown (easel); did you mean 'base_url'?" in result.err


@pytest.mark.parametrize(("name", "account"), [("easel@home", "HOME"), ("attic", ""), ("easel@work", "WORK")])
def test_an_account_or_a_lane_is_shown_with_its_own_login(
    name: str, account: str, charimg: Run, gallery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where its key is looked for and whether it is there; another account's key is none."""
    monkeypatch.delenv("CHARIMG_EASEL_HOME_KEY")
    (one,) = json.loads(charimg("providers", "show", name, "--json").out)
    table = charimg("providers", "show", name).out

    (key,) = one["credentials"]
    label = f"@{account.lower()}" if account else ""
    assert (one["account"], key["set"]) == (f"easel{label}", account != "HOME")
    own = f"CHARIMG_EASEL_{account}_KEY"
    assert key["environment"] == ([own] if account else ["CHARIMG_EASEL_KEY", "EASEL_KEY"])
    assert f"charimg keys set easel{label}," in table
    assert "charimg.yaml under providers: easel:" in table
    assert (f"CHARIMG_EASEL_{account}_BRUSH, CHARIMG_EASEL_BRUSH" in table) == bool(account)


def test_the_shell_completes_the_names_of_lanes_too(gallery: Path) -> None:
    """Beside the providers, once each."""
    completion = ShellComplete(cli, {}, "charimg", "_CHARIMG_COMPLETE")
    found = [one.value for one in completion.get_completions(["providers", "show"], "")]

    assert {"attic", "easel@work", "easel"} <= set(found)
    assert found.count("echo") == 1


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
