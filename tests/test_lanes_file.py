"""``lanes:`` in a settings file: what an entry may say, and the one line that says what is wrong with it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charimg.errors import InputError
from charimg.settings import GENERAL, SettingsFile, WrittenLane, lane_name
from charimg.settings.files import read_settings_file
from charimg.settings.values import Written

KNOWN = frozenset(setting.name for setting in GENERAL)


def read(folder: Path, text: str) -> SettingsFile:
    """The file of this text."""
    path = folder / "charimg.yaml"
    path.write_text(textwrap.dedent(text).strip() + "\n", encoding="utf-8")
    found = read_settings_file(path, "charimg.yaml", KNOWN)
    assert found is not None
    return found


def test_everything_an_entry_may_say(tmp_path: Path) -> None:
    """Each value has its type, each setting its line, and the address is a setting too."""
    (lane,) = read(
        tmp_path,
        """
        lanes:
          - provider: comfyui
            name: attic
            account: home
            server: http://192.168.1.20:8188
            uploader: folder
            weight: 2.5
            batch_size: 2
            price: 0.01
            fallback: yes
            settings:
              workflow: tall.json
        """,
    ).lanes

    assert lane == WrittenLane(
        place="charimg.yaml:2",
        provider="comfyui",
        name="attic",
        account="home",
        server="http://192.168.1.20:8188",
        uploader="folder",
        weight=2.5,
        batch_size=2,
        price=0.01,
        fallback=True,
        settings={
            "workflow": Written("tall.json", 12),
            "base_url": Written("http://192.168.1.20:8188", 5),
        },
    )


def test_a_word_is_a_lane(tmp_path: Path) -> None:
    """The provider, with the account's label where there are several; nothing else is said."""
    plain, labelled = read(tmp_path, "lanes:\n  - gemini\n  - gemini@work").lanes

    assert (plain, labelled) == (
        WrittenLane("charimg.yaml:2", "gemini", "gemini"),
        WrittenLane("charimg.yaml:3", "gemini", "gemini@work", "work"),
    )


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("{provider: gemini}", "gemini"),
        ("{provider: gemini, account: work}", "gemini@work"),
        ("{provider: gemini@work, account: work}", "gemini@work"),
        ("{provider: comfyui, server: 'http://user:word@attic:8188/path'}", "comfyui@attic:8188"),
        ("{provider: comfyui, settings: {base_url: 'https://gpu.example'}}", "comfyui@gpu.example"),
        ("{provider: comfyui, server: attic}", "comfyui"),
        ("{provider: comfyui@x, server: 'http://attic:1'}", "comfyui@x"),
        ("{provider: comfyui, server: 'http://attic:1', name: mine}", "mine"),
    ],
)
def test_a_lane_is_called_by_what_tells_it_apart(tmp_path: Path, entry: str, name: str) -> None:
    """Provider and account, else provider and server without anything secret, unless it has a name of its own."""
    (lane,) = read(tmp_path, f"lanes:\n  - {entry}").lanes

    assert lane.name == name


def test_nothing_written_is_no_lane(tmp_path: Path) -> None:
    """An empty ``lanes:`` is as none."""
    assert read(tmp_path, "lanes:\nprovider: echo").lanes == ()


NO_PROVIDER = "charimg.yaml:2: lanes: the entry names no provider; write '- NAME', or 'provider: NAME' in it"

WRONG = {
    "a text instead of a list": (
        "lanes: gemini",
        "charimg.yaml:1: lanes: expected a list ('- ' before each), found a text",
    ),
    "a mapping instead of a list": (
        "lanes:\n  gemini: 2",
        "charimg.yaml:1: lanes: expected a list ('- ' before each), found a mapping",
    ),
    "a list in the list": (
        "lanes:\n  - [a, b]",
        "charimg.yaml:2: lanes: expected lines of 'name: value', found a list",
    ),
    "no provider": ("lanes:\n  - {name: attic}", NO_PROVIDER),
    "an empty entry": ("lanes:\n  -\n", NO_PROVIDER),
    "a label without a provider": ("lanes:\n  - '@work'", NO_PROVIDER),
    "an unknown key": (
        "lanes:\n  - provider: gemini\n    wieght: 2",
        "charimg.yaml:3: lanes: wieght: unknown; did you mean 'weight'?; a provider's own stand under 'settings:'",
    ),
    "no weight": (
        "lanes:\n  - {provider: a, weight: 0}",
        "charimg.yaml:2: lanes: weight: expected a number from 0.001 up, found '0'",
    ),
    "a negative weight": (
        "lanes:\n  - provider: a\n    weight: -1",
        "charimg.yaml:3: lanes: weight: expected a number from 0.001 up, found '-1'",
    ),
    "no batch": (
        "lanes:\n  - provider: a\n    batch_size: 0",
        "charimg.yaml:3: lanes: batch_size: expected a whole number from 1 up, found '0'",
    ),
    "a price that is none": (
        "lanes:\n  - provider: a\n    price: cheap",
        "charimg.yaml:3: lanes: price: expected a number from 0 up, found 'cheap'",
    ),
    "a fallback that is neither": (
        "lanes:\n  - {provider: a, fallback: perhaps}",
        "charimg.yaml:2: lanes: fallback: expected yes or no, found 'perhaps'",
    ),
    "a value missing": (
        "lanes:\n  - provider: a\n    weight:",
        "charimg.yaml:3: lanes: weight: has no value; write one, or delete the line",
    ),
    "a list as a value": (
        "lanes:\n  - provider: a\n    name: [b]",
        "charimg.yaml:3: lanes: name: expected one value, found a list",
    ),
    "two accounts": (
        "lanes:\n  - {provider: a@b, account: c}",
        "charimg.yaml:2: lanes: two accounts, 'b' and 'c'; keep one",
    ),
    "two servers": (
        "lanes:\n  - {provider: a, server: 'http://b', settings: {base_url: 'http://c'}}",
        "charimg.yaml:2: lanes: 'server' and the setting 'base_url' are the same; keep one",
    ),
    "two of one name": (
        "lanes:\n  - gemini\n  - {provider: gemini, weight: 2}",
        "charimg.yaml:3: lanes: 'gemini' is there already (charimg.yaml:2); take one out, or tell them apart by account"
        " or server",
    ),
    "settings as a list": (
        "lanes:\n  - provider: a\n    settings: [b]",
        "charimg.yaml:3: lanes: settings: expected lines of 'name: value', found a list",
    ),
    "a key given twice": (
        "lanes:\n  - provider: a\n    provider: b",
        "charimg.yaml:3: lanes: provider is given twice, first in line 2; keep one",
    ),
}


@pytest.mark.parametrize("row", WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_told_in_one_line_with_its_place(tmp_path: Path, row: tuple[str, str]) -> None:
    """File and line first, then what was expected."""
    text, words = row
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)

    assert str(caught.value) == words


@given(st.text(max_size=12), st.text(max_size=12), st.none() | st.text(max_size=40))
def test_any_server_gives_a_name(provider: str, account: str, server: str | None) -> None:
    """An address nobody can read is told when the provider is given it, not by a traceback here."""
    assert lane_name(provider, account, server).startswith(provider)
