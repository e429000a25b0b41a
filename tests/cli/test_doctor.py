"""``charimg doctor``: what is wrong, whether it matters here, and what mends it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from charimg.project import Project
from tests.cli.command_line import EASEL, Install, Result, Run

Findings = dict[str, dict[str, Any]]


@pytest.fixture
def examine(charimg: Run) -> Callable[..., tuple[Result, Findings]]:
    """Run the doctor and give its findings by subject."""

    def run(*arguments: str) -> tuple[Result, Findings]:
        result = charimg("doctor", "--json", *arguments)
        return result, {one["subject"]: one for one in json.loads(result.out)["findings"]}

    return run


Examine = Callable[..., tuple[Result, Findings]]


@pytest.fixture
def sketching(project: Path) -> Path:
    """A project that uses the core's own generator."""
    (project / "charimg.yaml").write_text("provider: echo\n")
    (project / "characters.txt").write_text("Gopal: a round man with a moustache and a clever smile\n")
    return project


def test_a_healthy_project(examine: Examine, sketching: Path) -> None:
    """Everything is well: exit code 0, the roster read, the folder writable, the ledger readable, nothing written."""
    before = sorted(sketching.rglob("*"))
    result, findings = examine()

    assert result.code == 0
    assert {findings[name]["state"] for name in ("roster", "pictures", "ledger", "generator echo")} == {"ok"}
    assert findings["roster"]["message"] == "characters.txt: 1 character"
    assert sorted(sketching.rglob("*")) == before


def test_a_login_that_works(examine: Examine, sketching: Path, easel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider's check is run with its settings and credentials, and its words are shown."""
    monkeypatch.setenv("EASEL_KEY", "good-secret")
    monkeypatch.setenv("EASEL_URL", "http://other.example")
    _, findings = examine()

    assert findings["easel"]["state"] == "ok"
    assert findings["easel"]["message"] == "logged in at http://other.example"


def test_a_login_that_does_not_work(
    examine: Examine, sketching: Path, easel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused login is a warning while another provider is used, with the remedy, and the key is not repeated."""
    monkeypatch.setenv("EASEL_KEY", "bad-secret")
    result, findings = examine()

    assert (result.code, findings["easel"]["state"]) == (0, "warning")
    assert findings["easel"]["message"] == "the key *** is not known"
    assert findings["easel"]["remedy"] == "charimg keys set easel"
    assert "bad-secret" not in result.out + result.err


def test_the_projects_own_login_decides(
    examine: Examine, sketching: Path, easel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same refused login, of the provider in use, is trouble with the login's exit code."""
    monkeypatch.setenv("EASEL_KEY", "bad-secret")
    monkeypatch.setenv("CHARIMG_PROVIDER", "easel")
    result, findings = examine()

    assert (result.code, findings["easel"]["state"]) == (4, "trouble")


def test_a_missing_login(examine: Examine, sketching: Path, easel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login nobody gave is a note for a provider that is not used, and trouble for the one that is."""
    noted = examine()
    monkeypatch.setenv("CHARIMG_PROVIDER", "easel")
    troubled = examine("--offline")

    assert (noted[0].code, noted[1]["easel"]["state"]) == (0, "note")
    assert (troubled[0].code, troubled[1]["easel"]["state"]) == (4, "trouble")
    assert "run: charimg keys set easel" in troubled[1]["easel"]["message"]


def test_offline_tries_no_login(examine: Examine, sketching: Path, easel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--offline`` says what is there and asks nobody."""
    monkeypatch.setenv("EASEL_KEY", "bad-secret")
    _, findings = examine("--offline")

    assert findings["easel"]["state"] == "note"
    assert "not tried" in findings["easel"]["message"]


def test_a_login_is_tried_with_the_context_of_a_run(
    examine: Examine, project: Path, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the check is given is what the run would give it: the user's ceiling for waits, the lane, the folders."""
    told = "f'{self.context.wait_ceiling:g}, {self.context.lane}, {self.context.out.name}'"
    code = EASEL.replace("f\"logged in at {self.context.settings['base_url']}\"", told)
    install("charimg-easel", code, generators="easel")
    (project / "charimg.yaml").write_text("provider: easel@work\nwait_ceiling: 60\nout: paintings\n")
    monkeypatch.setenv("CHARIMG_EASEL_WORK_KEY", "good-secret")
    _, findings = examine()

    assert findings["easel@work"]["message"] == "60, easel@work, paintings"


def test_a_check_that_breaks_is_the_plugins_fault(
    examine: Examine, sketching: Path, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a plugin's check raises is one finding, not the end of the command."""
    code = EASEL.replace('key = self.context.credentials["key"].reveal()', "raise KeyError('canvas')")
    install("charimg-easel", code, generators="easel")
    monkeypatch.setenv("EASEL_KEY", "good-secret")
    result, findings = examine()

    assert result.code == 0
    assert findings["easel"]["message"] == "its plugin failed: KeyError: 'canvas'"


def test_a_check_without_end_is_cut_short(
    examine: Examine, sketching: Path, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that never answers costs the limit, not the command."""
    code = EASEL.replace(
        'key = self.context.credentials["key"].reveal()', "import asyncio; await asyncio.Event().wait(); key = ''"
    )
    install("charimg-easel", code, generators="easel")
    monkeypatch.setenv("EASEL_KEY", "good-secret")
    monkeypatch.setattr("charimg.logins.CHECK_SECONDS", 0.01)
    _, findings = examine()

    assert "no answer within" in findings["easel"]["message"]


def test_a_broken_plugin(examine: Examine, sketching: Path, install: Install) -> None:
    """A broken plugin that is not used is a warning with the command that removes it."""
    install("charimg-wreck", "import no_such_module_at_all", generators="wreck")
    result, findings = examine()

    assert (result.code, findings["generator wreck"]["state"]) == (0, "warning")
    assert "charimg uninstall charimg-wreck" in findings["generator wreck"]["message"]


def test_a_provider_that_is_not_installed(examine: Examine, project: Path) -> None:
    """A project whose provider is not there has trouble with the plugins' exit code."""
    (project / "charimg.yaml").write_text("provider: ecko\n")
    result, findings = examine()

    assert (result.code, findings["providers"]["state"]) == (5, "trouble")
    assert "there is no generator 'ecko'; did you mean 'echo'?" in findings["providers"]["message"]


def test_wrong_settings(examine: Examine, sketching: Path) -> None:
    """A wrong general setting, or one of the provider in use, is trouble with bad input's exit code."""
    (sketching / "charimg.yaml").write_text("provider: echo\nproviders:\n  echo:\n    width: wide\n")
    own = examine()
    (sketching / "charimg.yaml").write_text("batch_size: five\n")
    general = examine()

    assert (own[0].code, own[1]["generator echo"]["state"]) == (2, "trouble")
    assert (general[0].code, general[1]["files and environment"]["state"]) == (2, "trouble")


def test_typing_mistakes_are_noticed(
    examine: Examine, sketching: Path, easel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that means nothing and a section of nobody are warnings; those of known providers are not."""
    (sketching / "charimg.yaml").write_text("provider: echo\nproviders:\n  eazel:\n    brush: 3\n")
    for name in ("CHARIMG_BATCHSIZE", "CHARIMG_COOLDOWN", "CHARIMG_EASEL_BRUSH", "CHARIMG_EASEL_WORK_KEY"):
        monkeypatch.setenv(name, "3")
    _, findings = examine("--offline")

    warned = {name for name, one in findings.items() if one["area"] == "settings" and one["state"] == "warning"}
    assert warned == {"CHARIMG_BATCHSIZE", "charimg.yaml"}


def test_a_broken_ledger(examine: Examine, sketching: Path) -> None:
    """A ledger that is no ledger is trouble with the storage's exit code."""
    (sketching / ".charimg").mkdir()
    (sketching / ".charimg" / "state.sqlite").write_bytes(b"this is no database at all" * 100)
    result, findings = examine()

    assert (result.code, findings["ledger"]["state"]) == (7, "trouble")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(examine: Examine, sketching: Path) -> None:
    """A pictures folder without permission is trouble."""
    (sketching / "pictures").mkdir(mode=0o500)
    result, findings = examine()

    assert (result.code, findings["pictures"]["state"]) == (7, "trouble")


def test_a_file_where_pictures_should_go(examine: Examine, sketching: Path) -> None:
    """A file called like the pictures folder is trouble."""
    (sketching / "pictures").write_text("")
    result, findings = examine()

    assert (result.code, findings["pictures"]["state"]) == (2, "trouble")


def test_a_run_under_way(examine: Examine, sketching: Path) -> None:
    """Who holds the project is told."""
    with Project.at(sketching).locked():
        _, findings = examine()

    assert findings["lock"]["state"] == "note"
    assert f"process {os.getpid()}" in findings["lock"]["message"]


def test_keys_others_can_read(examine: Examine, sketching: Path, home: Path) -> None:
    """Keys that others can read are a warning with the remedy."""
    home.mkdir()
    (home / "keys.json").write_text("{}")
    (home / "keys.json").chmod(0o644)
    _, findings = examine()

    assert "chmod 600" in findings["keys file"]["message"]


def test_the_table(charimg: Run, sketching: Path) -> None:
    """For people the findings are a table that ends with the sum."""
    result = charimg("doctor")

    assert result.out.splitlines()[0].split() == ["AREA", "STATE", "WHAT", "FINDING"]
    assert result.out.endswith("\nNothing stops this project.\n")


def test_a_broken_roster_stops_the_project(project: Path, charimg: Run) -> None:
    """A run would refuse it, so the doctor does not say that nothing is in the way."""
    (project / "characters.yaml").write_text("characters:\n  - name: Ana\n    descripton: tall\n", encoding="utf-8")
    told = charimg("doctor", "--offline")

    assert (told.code, "did you mean 'description'?" in told.out) == (2, True)
    assert told.out.endswith("1 of these stops this project.\n")


# -- lanes ---------------------------------------------------------------------------------------------------------


def test_every_lanes_login_is_tried_with_its_own_key_and_server(
    examine: Examine, project: Path, easel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two accounts and a server: each has its finding, which names the lane where its place does not."""
    (project / "charimg.yaml").write_text(
        "lanes:\n  - easel@work\n  - {provider: easel@home, name: attic}\n"
        "  - {provider: easel, server: 'http://cellar:81'}\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("EASEL_KEY", "good-cellar")
    monkeypatch.setenv("CHARIMG_EASEL_WORK_KEY", "good-work")
    monkeypatch.setenv("CHARIMG_EASEL_WORK_BASE_URL", "http://office:80")
    monkeypatch.setenv("CHARIMG_EASEL_HOME_KEY", "bad-home")
    result, findings = examine()

    logins = {name: one for name, one in findings.items() if one["area"] == "logins" and name.startswith("easel")}
    assert {name: one["message"] for name, one in logins.items()} == {
        "easel@work": "logged in at http://office:80",
        "easel@home (lane attic)": "the key *** is not known",
        "easel@cellar:81": "logged in at http://cellar:81",
    }
    assert (result.code, logins["easel@home (lane attic)"]["remedy"]) == (4, "charimg keys set easel@home")
    assert not [name for name in findings if name.startswith("CHARIMG_")]


def test_a_lane_without_its_key_stops_the_project(
    examine: Examine, project: Path, easel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fallback's too: the run would be refused; another account's key is none, and the command names the account."""
    monkeypatch.setenv("EASEL_KEY", "good-secret")
    (project / "charimg.yaml").write_text("provider: echo\nfallback: easel@work\n")
    result, findings = examine()

    assert (result.code, findings["easel@work"]["state"]) == (4, "trouble")
    assert "run: charimg keys set easel@work (or set CHARIMG_EASEL_WORK_KEY)" in findings["easel@work"]["message"]


def test_the_accounts_that_have_a_key_are_named_where_one_is_missing(
    examine: Examine, project: Path, easel: str, charimg: Run
) -> None:
    """A mistyped label is seen beside the right one, and the account stands in front only once."""
    charimg("keys", "set", "easel@work", stdin="good-secret\n")
    (project / "charimg.yaml").write_text("provider: easel@wrok\n")
    _, findings = examine()

    told = (
        "no key found; run: charimg keys set easel@wrok (or set CHARIMG_EASEL_WROK_KEY). There are keys for easel@work."
    )
    assert findings["easel@wrok"]["message"].startswith(told)


def test_lanes_that_share_an_account_try_it_once(
    examine: Examine, project: Path, easel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One finding, with the names of both."""
    (project / "charimg.yaml").write_text(
        "lanes:\n  - {provider: easel, name: quick, settings: {brush: 2}}\n  - {provider: easel, name: fine}\n"
    )
    monkeypatch.setenv("EASEL_KEY", "good-secret")
    result, findings = examine()

    logins = [name for name, one in findings.items() if one["area"] == "logins" and name.startswith("easel")]
    assert (result.code, logins) == (0, ["easel (lanes quick, fine)"])


def test_the_lanes_of_the_project_are_shown(
    examine: Examine, project: Path, easel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where each gets its pictures and takes them, and which stands by; a wrong setting is told with its line."""
    (project / "charimg.yaml").write_text(
        "lanes:\n  - {provider: easel, uploader: folder, settings: {brush: 2}, weight: 2}\n"
        "  - {provider: easel@work, settings: {brush: broad}}\n  - {provider: echo, fallback: yes}\n"
    )
    monkeypatch.setenv("EASEL_KEY", "good-secret")
    result, findings = examine("--offline")

    lanes = {name: (one["state"], one["message"]) for name, one in findings.items() if name.startswith("lane ")}
    assert lanes == {
        "lane easel": ("ok", "easel, uploaded to folder, weight 2"),
        "lane easel@work": (
            "trouble",
            "charimg.yaml:3: lanes: brush: expected a whole number from 1 to 64, found 'broad'",
        ),
        "lane echo": ("ok", "echo, a fallback"),
    }
    assert {name for name in findings if name.startswith(("generator", "uploader"))} >= {
        "generator easel",
        "generator echo",
        "uploader folder",
    }
    assert result.code == 2


def test_lanes_that_make_no_sense_are_one_finding(examine: Examine, project: Path) -> None:
    """What the run would refuse is trouble here, in the same words."""
    (project / "charimg.yaml").write_text("lanes:\n  - {provider: echo, fallback: yes}\n")
    result, findings = examine()

    assert (result.code, findings["providers"]["state"]) == (2, "trouble")
    assert findings["providers"]["message"].startswith("no lane is left to begin with")
