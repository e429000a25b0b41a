"""Random stories of a ledger, step by step, for comparing a store with its model."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from charimg.contracts import Attempt, JobState, PictureRecord, Store, Trouble
from charimg.model import Cost, ImageFacts, MediaReference, Verdict
from charimg.testing.store_model import Model

_NOON = datetime(2026, 1, 2, 12, 0, tzinfo=timezone.utc)
_FACTS = ImageFacts("png", 512, 910, "cd" * 32, 12345)
_TEXTS = ("", "a queen", "রানী 👑", "torn \ud83d", "null \x00", 'it\'s "quoted"')
_KEYS = ("rani", "raja", "mantri")
_COSTS = (None, Cost(1), Cost(2, "credits"), Cost(0.5, source="reported"))


@dataclass(frozen=True)
class Step:
    """One call of a story; of which attempt or job is decided when it is taken."""

    name: str
    which: int = 0
    text: str = ""
    flag: bool = False
    extra: Any = field(default=None, compare=False)

    async def take(self, store: Store, model: Model, number: int) -> None:
        """Record the fact in both; a fact about what does not exist is left out.

        :param number: the step's place in the story, which makes ids unique.
        """
        if self.name == "run":
            plan: dict[str, object] = {"total": number, "note": self.text.encode("ascii", "replace").decode()}
            await store.begin_run(f"run {number}", _NOON, plan)
            model.begin_run(plan)
        elif self.name == "intent":
            await self._begin(store, model, number)
        elif self.name in ("upload", "setback"):
            if model.records:
                await self._end_of_job(store, model, list(model.records)[self.which % len(model.records)])
        elif ids := model.open_ids():
            await self._end_of_attempt(store, model, ids[self.which % len(ids)], number)

    async def _begin(self, store: Store, model: Model, number: int) -> None:
        key = _KEYS[self.which % len(_KEYS)]
        seed = None if self.flag else 2**40 + number
        # The moments run backwards: the order is that of the calls and not of the clock.
        began = _NOON - timedelta(seconds=number)
        attempt = Attempt(f"a{number}", "run", key, self.text, "lane-1", "sketch", "f" * 16, self.text, seed, began)
        await store.record_intent(attempt)
        model.record_intent(attempt)

    async def _end_of_job(self, store: Store, model: Model, key: str) -> None:
        if self.name == "setback":
            trouble = Trouble(Verdict.THROTTLED, self.text, "upload", 1.5, possibly_charged=False)
            await store.record_setback(key, trouble, JobState.SAVED)
            model.record_setback(key, trouble, JobState.SAVED)
            return
        media = None if self.flag else MediaReference("m1", "id", "shelf", "lane-1", _NOON, self.text)
        await store.record_upload(key, "shelf", media)
        model.record_upload(key, "shelf", media)

    async def _end_of_attempt(self, store: Store, model: Model, attempt: str, number: int) -> None:
        if self.name == "ticket":
            await store.record_ticket(attempt, f"ticket {number} {self.text}")
            model.record_ticket(attempt, f"ticket {number} {self.text}")
        elif self.name == "saved":
            key = model.attempts[attempt].attempt.key
            picture = PictureRecord(f"{key}.png", _FACTS, prompt=self.text, cost=self.extra, adopted=self.flag)
            await store.record_saved(attempt, picture, f"{key}.{number}.png")
            model.record_saved(attempt, picture, f"{key}.{number}.png")
        elif self.name == "trouble":
            trouble = Trouble(Verdict.FLAKY, self.text, "generate", None, possibly_charged=self.flag)
            await store.record_trouble(attempt, trouble, JobState.FAILED)
            model.record_trouble(attempt, trouble, JobState.FAILED)
        else:
            await store.record_lost(attempt)
            model.record_lost(attempt)


_NAMES = (
    ("intent",) * 6 + ("saved",) * 4 + ("ticket", "trouble", "trouble", "lost", "upload", "setback", "run", "reopen")
)
"""The steps, the frequent ones more than once."""

LENGTH = 30
"""Steps of a story."""


def story_of(number: int) -> list[Step]:
    """A random story, the same for the same number: what fails once fails again, here and at the author's."""
    lots = random.Random(number)  # noqa: S311 - nothing here is secret
    return [
        Step(lots.choice(_NAMES), lots.randrange(6), lots.choice(_TEXTS), lots.random() < 0.5, lots.choice(_COSTS))
        for _ in range(LENGTH)
    ]


def shortened(story: list[Step], fails: Callable[[list[Step]], bool]) -> list[Step]:
    """A shorter story that still fails: without every step that can be left out."""
    for index in reversed(range(len(story))):
        without = story[:index] + story[index + 1 :]
        if fails(without):
            story = without
    return story
