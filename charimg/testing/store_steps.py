"""Random stories of a ledger, step by step, for comparing a store with its model."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
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
        elif self.name in ("intent", "candidate"):
            await self._begin(store, model, number)
        elif self.name in ("upload", "setback", "pick", "undo", "moved"):
            if model.records:
                await self._with_job(store, model, list(model.records)[self.which % len(model.records)], number)
        elif ids := model.open_ids():
            await self._end_of_attempt(store, model, ids[self.which % len(ids)], number)

    async def _begin(self, store: Store, model: Model, number: int) -> None:
        key = _KEYS[self.which % len(_KEYS)]
        seed = None if self.flag else 2**40 + number
        # The moments run backwards: the order is that of the calls and not of the clock.
        began = _NOON - timedelta(seconds=number)
        candidate = self.name == "candidate"
        attempt = Attempt(
            id=f"a{number}",
            run=f"run {number // 8}",
            key=key,
            name=self.text,
            lane=f"lane-{number % 3}",
            provider=f"sketch-{number % 2}",
            asked=f"{number:016}",
            prompt=self.text,
            seed=seed,
            started=began,
            candidate=candidate,
        )
        await store.record_intent(attempt)
        model.record_intent(attempt)

    async def _with_job(self, store: Store, model: Model, key: str, number: int) -> None:
        versions = model.pictures.get(key, [])
        if self.name == "setback":
            trouble = Trouble(Verdict.THROTTLED, self.text, "upload", 1.5, possibly_charged=False)
            state = JobState.OPEN if self.flag else JobState.SAVED
            await store.record_setback(key, trouble, state)
            model.record_setback(key, trouble, state)
        elif self.name == "upload":
            media = None if self.flag else MediaReference(f"m{number}", "id", "shelf", "lane-1", _NOON, self.text)
            await store.record_upload(key, f"shelf-{number % 2}", media)
            model.record_upload(key, f"shelf-{number % 2}", media)
        elif self.name == "moved":
            path = versions[self.which % len(versions)].path if versions else "nowhere.png"
            await store.record_moved(key, path, f"{key}.moved-{number}.png")
            model.record_moved(key, path, f"{key}.moved-{number}.png")
        elif self.name == "pick" and versions:
            version = self.which % len(versions) + 1
            await store.record_pick(key, version, f"pick {number}")
            model.record_pick(key, version, f"pick {number}", undoes=False)
        elif self.name == "undo" and (chosen := model.undoable(key)):
            before = chosen[-2] if len(chosen) > 1 else chosen[-1]
            await store.record_pick(key, before.version, f"undo {number}", undoes=True)
            model.record_pick(key, before.version, f"undo {number}", undoes=True)

    async def _end_of_attempt(self, store: Store, model: Model, attempt: str, number: int) -> None:
        if self.name == "ticket":
            await store.record_ticket(attempt, f"ticket {number} {self.text}")
            model.record_ticket(attempt, f"ticket {number} {self.text}")
        elif self.name == "saved":
            begun = model.attempts[attempt].attempt
            # The services of two attempts may send two formats: then the older file stays where it is.
            place, other = f"{begun.key}.{'jpg' if self.which == 0 else 'png'}", f"{begun.key}.{number}.png"
            path, kept = (other, None) if begun.candidate and not self.flag else (place, other)
            picture = PictureRecord(
                path,
                replace(_FACTS, sha256=f"{number:064x}"),
                prompt=self.text,
                cost=self.extra,
                adopted=self.flag,
                saved=_NOON - timedelta(days=number) if self.flag else None,
                original=f"{number:064}" if self.flag else None,
            )
            await store.record_saved(attempt, picture, kept)
            model.record_saved(attempt, picture, kept)
        elif self.name == "trouble":
            wait, odd = (0.25, True) if self.which % 2 else (None, False)
            trouble = Trouble(Verdict.FLAKY, self.text, "generate", wait, possibly_charged=self.flag, unreachable=odd)
            await store.record_trouble(attempt, trouble, JobState.FAILED)
            model.record_trouble(attempt, trouble, JobState.FAILED)
        else:
            await store.record_lost(attempt)
            model.record_lost(attempt)


_NAMES = (
    *("intent",) * 5,
    *("candidate",) * 4,
    *("saved",) * 6,
    *("trouble",) * 2,
    *("pick",) * 3,
    *("undo",) * 2,
    *("upload",) * 2,
    *("ticket", "lost", "setback", "moved", "run", "reopen"),
)
"""The steps, the frequent ones more than once."""

LENGTH = 40
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
