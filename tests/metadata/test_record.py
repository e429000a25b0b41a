"""The record: sound by construction, and its JSON read as what a stranger sent."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charimg.metadata import PictureMetadata
from charimg.metadata.record import ELLIPSIS, MAX_NAME, MAX_TEXT, MAX_WORD, from_json, to_json, to_tree
from charimg.model import Cost
from tests.metadata.pictures import GOPAL, MADE, records


@given(record=records, ascii_only=st.booleans())
def test_every_record_is_read_back(record: PictureMetadata, ascii_only: bool) -> None:
    """Whatever texts a record was made of, its JSON says the same, on one line."""
    text = to_json(record, ascii_only=ascii_only)

    assert from_json(text) == record
    assert "\n" not in text
    assert not ascii_only or text.isascii()


@given(record=records)
def test_texts_are_sound(record: PictureMetadata) -> None:
    """No control character but tab and line feed is left in a text, none at all in a word."""
    said = [getattr(record, field.name) for field in fields(record)]
    everything = "".join(text for text in said if isinstance(text, str))
    words = record.name + record.lane + record.attempt + (record.model or "") + record.place

    assert not any((ord(char) < 32 and char not in "\t\n") or 0x7F <= ord(char) < 0xA0 for char in everything)
    assert not any(char in "\t\n" for char in words)
    everything.encode()


def test_long_texts_are_cut_and_tell_so() -> None:
    """A text above the bound ends with an ellipsis, and the record says that it was shortened."""
    record = replace(GOPAL, prompt="p" * (MAX_TEXT + 1), name="n" * 5000, lane="l" * 5000)

    assert (len(record.prompt), record.prompt[-1], record.shortened) == (MAX_TEXT, ELLIPSIS, True)
    assert (len(record.name), len(record.lane)) == (MAX_NAME, MAX_WORD)
    assert not replace(GOPAL, prompt="p" * MAX_TEXT).shortened


def test_times_are_kept_in_utc() -> None:
    """A time of another zone is the same moment in UTC, to the microsecond."""
    made = datetime(2026, 3, 1, 18, 0, 15, 250_000, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    text = to_json(replace(GOPAL, made=made))

    assert json.loads(text)["made"] == "2026-03-01T12:30:15.250000+00:00"
    assert from_json(text) == GOPAL


def test_empty_fields_are_left_out() -> None:
    """A record says only what is known."""
    assert to_tree(PictureMetadata("anna", MADE)) == {"charimg": 1, "key": "anna", "made": MADE.isoformat()}


@pytest.mark.parametrize(
    "change",
    [
        {"charimg": 0},
        {"charimg": True},
        {"charimg": "1"},
        {"charimg": None},
        {"key": None},
        {"key": ""},
        {"key": 5},
        {"key": "../../etc/passwd"},
        {"key": "con"},
        {"key": "a" * 81},
        {"key": "anna\n"},
        {"key": "\ud800"},
        {"made": None},
        {"made": 1_700_000_000},
        {"made": "yesterday"},
        {"made": "2026-02-30T00:00:00Z"},
        {"made": "2026-03-01T12:30:15"},
        {"made": "0001-01-01T00:00:00+23:59"},
        {"made": "2026-03-01T12:30:15+99:99"},
    ],
)
def test_without_mark_key_and_time_it_is_no_record(change: dict[str, object]) -> None:
    """What lacks a sound mark, key or time was not written by charimg."""
    assert from_json(json.dumps({**to_tree(GOPAL), **change})) is None


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"prompt": 5}, "prompt", ""),
        ({"prompt": ["a"]}, "prompt", ""),
        ({"model": {}}, "model", None),
        ({"name": "a\x1b[2J\r\nb\u0000"}, "name", "a[2J b"),
        ({"seed": "7"}, "seed", None),
        ({"seed": True}, "seed", None),
        ({"seed": 1.5}, "seed", None),
        ({"seed": 10**30}, "seed", None),
        ({"cost": 5}, "cost", None),
        ({"cost": {"amount": "1", "currency": "USD"}}, "cost", None),
        ({"cost": {"amount": -1, "currency": "USD"}}, "cost", None),
        ({"cost": {"amount": 10**15, "currency": 3}}, "cost", None),
        ({"cost": {"amount": 2, "currency": "kudos", "source": "guessed"}}, "cost", Cost(2.0, "kudos", "declared")),
        ({"original": "xyz"}, "original", None),
        ({"candidate": "yes"}, "candidate", False),
        ({"later": {"unknown": 1}}, "key", "gopal-bhar"),
        ({"charimg": 2}, "key", "gopal-bhar"),
        ({"made": "2026-03-01T12:30:15Z"}, "made", MADE.replace(microsecond=0)),
    ],
)
def test_other_values_are_taken_or_left_out(change: dict[str, object], field: str, value: object) -> None:
    """A value of the wrong kind is left out, one we do not know is passed over, and all the rest stands."""
    read = from_json(json.dumps({**to_tree(GOPAL), **change}))

    assert read is not None
    assert getattr(read, field) == value
    assert read == replace(GOPAL, **{field: value})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"charimg"',
        "{",
        "{" * 100_000,
        '{"a":' * 100_000,
        '{"charimg":' + "[" * 1_000_000,
        '{"charimg":1,"key":"anna","made":"2026-03-01T12:30:15Z","seed":' + "9" * 100_000 + ",}",
        '{"charimg":1,"key":"anna","made":"2026-03-01T12:30:15Z","seed":NaN}',
        "{" + " " * 3_000_000 + "}",
    ],
    ids=len,
)
def test_any_other_text_is_no_record(text: str) -> None:
    """Texts that are empty, deep, endless or no JSON are no record, and nothing is raised."""
    assert from_json(text) is None


def test_endless_numbers_are_no_number() -> None:
    """A number of a hundred thousand digits is passed over, and the record stands."""
    text = to_json(GOPAL).replace("424242", "9" * 100_000).replace("0.039", "1e999")

    assert from_json(text) == replace(GOPAL, seed=None, cost=None)


trees = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(to_tree(GOPAL))), inner),
    max_leaves=12,
)


@given(trees)
def test_any_json_is_a_record_or_none(tree: object) -> None:
    """No JSON whatever raises."""
    whole = {**to_tree(GOPAL), **tree} if isinstance(tree, dict) else tree
    read = from_json(json.dumps(whole))

    assert read is None or from_json(to_json(read)) == read
