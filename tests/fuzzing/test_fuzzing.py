"""Fuzzing for a moment: every target with its corpus and some variations; and the loop finds what it is to find."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import pytest

from tests.fuzzing import engine
from tests.fuzzing.engine import hunt
from tests.fuzzing.mutation import json_mutated, mutated
from tests.fuzzing.targets import TARGETS, Target

SLOW = {
    "answers": 30,
    "http": 60,
    "frames": 60,
    "ledger": 60,
    "pictures": 60,
    "metadata": 60,
    "settings": 100,
    "rosters": 150,
}
"""How many variations a target gets whose reader opens sockets or files; the others get more."""


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_nothing_is_found(name: str) -> None:
    """No input of the corpus, and no variation of one, makes a reader raise, stall or say more than one line."""
    result = hunt(TARGETS[name], seed=1, inputs=SLOW.get(name, 300))

    assert [one.trace for one in result.found] == []
    assert result.inputs > SLOW.get(name, 300)


def test_what_fails_is_found_once_and_kept(tmp_path: Path) -> None:
    """A reader that fails on one byte in the middle is found out, and its input can be fed again."""

    def feed(data: bytes) -> None:
        if b"\xff" in data:
            raise IndexError("a planted fault")

    result = hunt(Target("planted", feed, lambda: [b"abcdef"]), seed=1, inputs=500)
    path = result.found[0].keep(tmp_path)

    assert [one.told for one in result.found] == ["IndexError: 'a planted fault'"]
    with pytest.raises(IndexError):
        feed(path.read_bytes())


def test_what_stalls_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that takes its time is broken off, whatever it catches, and told as that."""
    monkeypatch.setattr(engine, "SLOWEST", 0.05)

    def feed(_: bytes) -> None:
        end = time.process_time() + 30
        while time.process_time() < end:
            try:
                sum(range(1000))
            except Exception:
                continue

    result = hunt(Target("planted", feed, lambda: [b"a"]), seed=1, inputs=0)

    assert [one.told.partition(":")[0] for one in result.found] == ["StalledError"]


def test_the_same_seed_gives_the_same_inputs() -> None:
    """What was found can be found again."""
    corpus = [b'\0{"a": [1, {"b": "c"}]}', b"xyz"]
    first, second, other = (
        [mutated(random, corpus[0], corpus) for _ in range(200)] for random in (Random(1), Random(1), Random(2))
    )

    assert first == second
    assert first != other
    assert len(set(first)) > 100


def test_json_stays_json_behind_its_head() -> None:
    """A change of a value leaves the bytes before the JSON as they are, and JSON behind them."""
    random = Random(1)
    for _ in range(200):
        changed = json_mutated(random, b'\1\2{"a": [1, {"b": "c"}]}')

        assert changed is not None
        assert changed[:2] == b"\1\2"
