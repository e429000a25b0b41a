"""Settings files, options and keys files that somebody else has written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from charimg.contracts import Setting
from charimg.errors import InputError
from charimg.keyfile import KeyFile
from charimg.settings import Settings, convert, sort_options
from charimg.settings.files import read_settings_file
from charimg.settings.values import is_one_line

GENERAL = frozenset({"provider", "out", "batch_size"})

STEERING = {
    "a name at the top": '"a\\nb\\e[31m": 1',
    "a mapping at the top": '"a\\nb": {c: d}',
    "an account": 'providers: {"x\\ny": [1]}',
    "a setting": 'providers: {x: {"a\\rb": [1]}}',
    "a field of a lane": 'lanes: [{"a\\nb": 1}]',
    "a setting of a lane": 'lanes: [{provider: x, settings: {"a\\n": [1]}}]',
    "the name of a lane": 'lanes: [{provider: x, name: "a\\nb"}, {provider: y, name: "a\\nb"}]',
    "the provider of a lane": 'lanes: ["a\\e[2Jb", "a\\e[2Jb"]',
    "a name given twice": '"a\\u2028b": 1\n"a\\u2028b": 2',
    "half a character": '"\\ud800": 1',
    "a very long name": "x" * 900 + ": 1",
    "an alias without an anchor": '"a\\nb": *x',
}


@pytest.mark.parametrize("text", STEERING.values(), ids=STEERING)
def test_a_name_in_a_settings_file_cannot_steer_the_terminal(tmp_path: Path, text: str) -> None:
    """What YAML's escapes put into a name reaches no message: neither line ends nor the terminal's own signs."""
    path = tmp_path / "charimg.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(InputError) as caught:
        read_settings_file(path, "charimg.yaml", GENERAL)

    said = str(caught.value)
    assert said.startswith("charimg.yaml:1")
    assert said.isprintable()
    assert len(said) < 400


@pytest.mark.parametrize("name", ["provider", "uploader", "store", "out", "fallback"])
@pytest.mark.parametrize("text", ["a\nb", "a\x1b[2Jb", "a\x85b", "a\u2028b"])
def test_a_general_setting_is_one_line(tmp_path: Path, name: str, text: str) -> None:
    """The value of a setting that is shown in messages and made into paths has no line ends in it."""
    written = Settings.load(tmp_path, {f"CHARIMG_{name.upper()}": text}, tmp_path)

    with pytest.raises(InputError, match=rf"environment CHARIMG_{name.upper()}: expected a text on one line") as caught:
        written.general()

    assert str(caught.value).isprintable()


@pytest.mark.parametrize("digits", [309, 400, 4300, 4301, 100_000])
@pytest.mark.parametrize("kind", [int, float])
def test_a_number_of_hundreds_of_digits_is_told_as_none(digits: int, kind: type[int] | type[float]) -> None:
    """Python's own limits (a float's, and those of its text) are no traceback."""
    with pytest.raises(InputError, match=r"expected a .*number") as caught:
        convert(Setting("size", "How large.", kind), "9" * digits, "-o size")

    assert len(str(caught.value)) < 200


@given(
    st.lists(
        st.text(max_size=30) | st.sampled_from(["a=b", "=", "x.y=z", "a@b.c=d", "\n=", "sk-abc\x1b[2J=1"]), max_size=3
    )
)
@example(["a\nb=1"])
@settings(max_examples=150, deadline=None)
def test_any_option_is_taken_or_one_line(pairs: list[str]) -> None:
    """Whatever stands after ``-o``, the answer is one line that a terminal can show."""
    said = "fine"
    try:
        sort_options(pairs, [])
    except InputError as error:
        said = str(error)

    assert is_one_line(said)


KEYS = {
    "a number of thousands of digits": '{"a": {"b": ' + "9" * 5000 + "}}",
    "brackets without end": "[" * 100_000,
    "braces without end": '{"a":' * 100_000,
    "a list": "[]",
    "a name that is a number": '{"a": 7}',
    "a value that is a list": '{"a": {"b": []}}',
    "a NaN": '{"a": {"b": NaN}}',
    "no JSON": "SECRETKEY",
    "half of it": '{"a": {"b": "SECRETKEY',
    "another encoding": b"\xff\xfe\x00{\x00",
    "no encoding": b'{"a": {"b": "\xff SECRETKEY"}}',
    "a NUL": b"\0",
}


@pytest.mark.parametrize("content", KEYS.values(), ids=KEYS)
def test_a_keys_file_of_somebody_elses_is_one_line_without_its_content(tmp_path: Path, content: str | bytes) -> None:
    """Whatever the keys file holds, no traceback shows it, and no message repeats it."""
    path = tmp_path / "keys.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(0o600)

    said = KeyFile(path).trouble()

    assert said is not None
    assert said.isprintable()
    assert "SECRETKEY" not in said
    assert "999" not in said


def test_half_a_character_in_the_keys_file_does_not_keep_others_from_being_set(tmp_path: Path) -> None:
    """What cannot be written as UTF-8 is written as JSON's escape, as it stood."""
    path = tmp_path / "keys.json"
    path.write_text('{"a": {"b": "\\ud800"}}', encoding="utf-8")
    path.chmod(0o600)

    KeyFile(path).put("c", "d", "ключ")

    assert KeyFile(path).read() == {"a": {"b": "\ud800"}, "c": {"d": "ключ"}}


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=8,
    )
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_is_a_keys_file_or_one_line(tmp_path: Path, value: object) -> None:
    """No JSON, however odd, is more than a message."""
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    if os.name == "posix":
        path.chmod(0o600)

    assert (KeyFile(path).trouble() or "fine").isprintable()
