"""Facts that stores are told in their tests: attempts, pictures, trouble, and texts of every kind."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from charimg.contracts import Attempt, PictureRecord, Trouble
from charimg.model import Cost, ImageFacts, MediaReference, Verdict

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=timezone.utc)
FACTS = ImageFacts("png", 512, 910, "ab" * 32, 12345)
MEDIA = MediaReference("id-1", "id", "shelf", "lane-1", NOON + timedelta(days=1), "an old man")
TROUBLE = Trouble(Verdict.THROTTLED, "too much", "generate", 30.5, possibly_charged=True)
FULL = PictureRecord(
    "pictures/rani.png",
    FACTS,
    seed=2**63 - 1,
    model="sketch-1",
    prompt="রানী, a queen",
    request_id="r-1",
    cost=Cost(0.04, "USD", "reported"),
    media=MEDIA,
    adopted=True,
    saved=NOON - timedelta(hours=1),
    original="cd" * 32,
)
HOSTILE = {
    "quotes": 'O\'Brien "the" `cat`; DROP TABLE job; -- %s {x} \\',
    "scripts": "গোপাল ভাঁড় 王后 👑 e\u0301",
    "controls": "tab\t line\nnull\x00 escape\x1b[31m",
    "torn": "half an emoji \ud83d and a byte \udcff",
    "long": "a" * 100_000,
    "empty": "",
}
"""Texts as rosters and services hold them."""


def attempt_of(key: str, number: int = 1, **changes: Any) -> Attempt:
    """An attempt at a job."""
    name = f"{key}-{number}"
    return replace(
        Attempt(name, "run 1", key, key.title(), "lane-1", "sketch", "f" * 16, "a queen", 7, NOON), **changes
    )
