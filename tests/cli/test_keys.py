"""``charimg keys``: kept without being shown, listed without being told, forgotten when asked."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from charimg.keyfile import KeyFile
from tests.cli.command_line import EASEL, Install, Run


def test_a_piped_key_is_kept(charimg: Run, home: Path, easel: str) -> None:
    """A key from standard input is kept without the line break that came with it, and not shown."""
    result = charimg("keys", "set", "easel", stdin="good-secret\n")

    assert KeyFile.of(home).read() == {"easel": {"key": "good-secret"}}
    assert result.code == 0
    assert "good-secret" not in result.out + result.err


def test_a_key_from_a_file_is_kept(charimg: Run, home: Path, project: Path, easel: str) -> None:
    """A key may be read from a file, and a labelled account has its own."""
    (project / "key.txt").write_text("  good-secret\n")
    charimg("keys", "set", "easel@work", "key", "--from-file", "key.txt")

    assert KeyFile.of(home).read() == {"easel@work": {"key": "good-secret"}}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("easel",), "standard input: is empty"),
        (("easel", "--from-file", "nothing"), "--from-file: nothing cannot be read (No such file or directory)"),
        (("easel", "good-secret"), "easel has no credential of that name; it has: key"),
        (("easel", "key", "good-secret"), "a secret is not given on the command line"),
        (("eazel",), "there is no provider 'eazel'; did you mean 'easel'?"),
        (("echo",), "echo needs no key"),
        (("easel@a@b",), "names no account"),
    ],
)
def test_what_cannot_be_kept_is_one_line(
    charimg: Run, home: Path, easel: str, arguments: tuple[str, ...], message: str
) -> None:
    """A wrong call is one line, which never repeats what may be a secret, and keeps nothing."""
    result = charimg("keys", "set", *arguments)

    assert message in result.err
    assert result.err.count("\n") == 1
    assert "good-secret" not in result.err
    assert result.code in (2, 5)
    assert not KeyFile.of(home).path.exists()


def test_which_of_several(charimg: Run, home: Path, install: Install) -> None:
    """Where a provider needs several credentials, one pipe cannot be all of them."""
    second = 'charimg.Credential("key", "Made.", env=("EASEL_KEY",)), charimg.Credential("secret", "Made too."),'
    first = 'charimg.Credential("key", "Made on easel.example/keys.", env=("EASEL_KEY",)),'
    assert first in EASEL
    install("charimg-easel", EASEL.replace(first, second), generators="easel")
    unnamed = charimg("keys", "set", "easel", stdin="text")
    named = charimg("keys", "set", "easel", "secret", stdin="text")

    assert "name the one you mean: key, secret" in unnamed.err
    assert named.code == 0
    assert KeyFile.of(home).read() == {"easel": {"secret": "text"}}


def test_a_variable_that_wins_is_told(charimg: Run, easel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who keeps a key while the environment has another is told which one is used."""
    monkeypatch.setenv("EASEL_KEY", "from elsewhere")

    assert "EASEL_KEY is set in the environment and wins" in charimg("keys", "set", "easel", stdin="text").err


def test_the_list(charimg: Run, home: Path, easel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list says where each credential comes from and which is in use, and no text."""
    keys = KeyFile.of(home)
    for account in ("easel", "easel@work", "gone"):
        keys.put(account, "key", "good-secret")
    monkeypatch.setenv("CHARIMG_EASEL_KEY", "good-secret")
    shown = charimg("keys", "list")
    entries = json.loads(charimg("keys", "list", "--json").out)

    assert "good-secret" not in shown.out + shown.err
    assert "CHARIMG_EASEL_KEY (wins over" in shown.out
    assert [(one["provider"], one["in_use"], one["kept"], one["installed"]) for one in entries] == [
        ("easel", False, True, True),
        ("easel@work", True, True, True),
        ("gone", True, True, False),
    ]


def test_an_empty_list_says_what_to_do(charimg: Run) -> None:
    """Without any key the list names the command."""
    assert "charimg keys set PROVIDER" in charimg("keys", "list").out


def test_forgetting(charimg: Run, home: Path, easel: str) -> None:
    """One account's credentials go, the others stay, and what is not there is told."""
    keys = KeyFile.of(home)
    for account in ("easel", "gone"):
        keys.put(account, "key", "text")
    codes = [charimg("keys", "remove", account).code for account in ("easel", "easel", "gone")]

    assert codes == [0, 2, 0]
    assert keys.read() == {}


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_the_prompt_shows_nothing(home: Path, project: Path, easel: str, tmp_path: Path) -> None:
    """In a terminal the key is asked for, and what is typed does not appear."""
    import pty

    site = str(next((tmp_path / "site").iterdir()))
    child, terminal = pty.fork()
    if child == 0:
        os.environ["PYTHONPATH"] = os.pathsep.join([site, *filter(None, [os.environ.get("PYTHONPATH")])])
        os.execv(sys.executable, [sys.executable, "-m", "charimg", "keys", "set", "easel"])
    seen = b""
    while b"(not shown)" not in seen:
        seen += os.read(terminal, 1024)
    os.write(terminal, b"good-secret\n")
    while True:
        try:
            piece = os.read(terminal, 1024)
        except OSError:  # the other end closed
            break
        if not piece:
            break
        seen += piece
    _, status = os.waitpid(child, 0)
    os.close(terminal)

    assert os.waitstatus_to_exitcode(status) == 0
    assert b"Made on easel.example/keys." in seen
    assert b"good-secret" not in seen
    assert KeyFile.of(home).read() == {"easel": {"key": "good-secret"}}


def test_the_accounts_of_lanes_are_listed(
    charimg: Run, project: Path, easel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account's label stands nowhere but in the project's settings; its variable is found through them."""
    (project / "charimg.yaml").write_text("lanes:\n  - easel@work\n  - {provider: easel, account: home}\n")
    monkeypatch.setenv("CHARIMG_EASEL_WORK_KEY", "good-secret")
    monkeypatch.setenv("CHARIMG_EASEL_SPARE_KEY", "good-secret")
    monkeypatch.setenv("CHARIMG_FALLBACK", "easel@spare")
    entries = json.loads(charimg("keys", "list", "--json").out)
    (project / "charimg.yaml").write_text("lanes: wrong\n")

    assert [(one["provider"], one["source"]) for one in entries] == [
        ("easel@spare", "CHARIMG_EASEL_SPARE_KEY"),
        ("easel@work", "CHARIMG_EASEL_WORK_KEY"),
    ]
    assert charimg("keys", "list").code == 0
