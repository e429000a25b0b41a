"""What a store promises of candidates, versions and choices, as tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from charimg.contracts import JobState, PictureRecord, Store
from charimg.testing.provider import ProviderContract
from charimg.testing.store_difference import difference
from charimg.testing.store_facts import FULL, MEDIA, TROUBLE, attempt_of
from charimg.testing.store_model import Model

T = TypeVar("T")

Fact = tuple[str, tuple[Any, ...], dict[str, Any]]
"""A method of the store and of the model, and what it is given."""


def fact(method: str, *values: Any, **named: Any) -> Fact:
    """One fact to record."""
    return method, values, named


def _at(path: str, **changes: Any) -> PictureRecord:
    return replace(FULL, path=f"pictures/{path}", **changes)


class VersionPromises(ProviderContract):
    """The tests of candidates and versions, which every store has."""

    is_contract: ClassVar[bool] = True

    def on_store(self, folder: Path, work: Callable[[Store], Awaitable[T]], *, read_only: bool = False) -> T:
        """See :class:`charimg.testing.StoreContract`."""
        raise NotImplementedError

    def told_alike(self, folder: Path, facts: Sequence[Fact]) -> None:
        """Record the facts, one by one, and fail after the first that the store tells otherwise than the model."""
        model = Model()

        async def write(store: Store) -> None:
            for method, values, named in facts:
                await getattr(store, method)(*values, **named)
                getattr(model, method)(*values, **named)
                trouble = await difference(store, model)
                about = (
                    [values[0].id] if method == "record_intent" else [one for one in values if type(one) in (str, int)]
                )
                self.expect(trouble is None, f"after {method} of {', '.join(map(str, about))}: {trouble}")

        async def read(store: Store) -> str | None:
            return await difference(store, model)

        self.on_store(folder, write)
        trouble = self.on_store(folder, read, read_only=True)
        self.expect(trouble is None, f"opened again: {trouble}")

    def test_a_candidate_leaves_the_job_as_it_is(self, tmp_path: Path) -> None:
        """Begun, accepted, saved, failed or lost, beside a picture and beside an attempt that is still under way: the
        job's state, trouble and picture are those of its own attempts."""
        beside = {"candidate": True, "asked": "c" * 16, "prompt": "another queen", "lane": "lane-2", "name": "Other"}
        self.told_alike(
            tmp_path,
            [
                fact("record_intent", attempt_of("rani")),
                fact("record_saved", "rani-1", _at("rani.png"), None),
                fact("record_upload", "rani", "shelf", MEDIA),
                *(fact("record_intent", attempt_of("rani", number, **beside)) for number in (2, 3, 4, 5)),
                fact("record_ticket", "rani-5", "ticket-5"),
                fact("record_saved", "rani-2", _at("rani.1.png"), None),
                fact("record_trouble", "rani-3", TROUBLE, JobState.FAILED),
                fact("record_lost", "rani-4"),
                fact("record_intent", attempt_of("rani", 6)),
                fact("record_intent", attempt_of("rani", 7, **beside)),
                fact("record_saved", "rani-5", _at("rani.2.png"), None),
                fact("record_lost", "rani-7"),
                fact("record_setback", "rani", TROUBLE, JobState.OPEN),
            ],
        )

    def test_a_candidate_is_the_picture_of_a_job_without_one(self, tmp_path: Path) -> None:
        """The first candidate that is saved is the job's picture, the next ones stand beside it; an attempt of the
        job's own that is still under way stays so."""
        beside = {"candidate": True, "asked": "c" * 16, "prompt": "another king", "lane": "lane-2"}
        self.told_alike(
            tmp_path,
            [
                *(fact("record_intent", attempt_of("raja", number, **beside)) for number in (1, 2)),
                fact("record_saved", "raja-1", _at("raja.png"), None),
                fact("record_saved", "raja-1", _at("raja.png", cost=None), "pictures/raja.1.png"),
                fact("record_saved", "raja-2", _at("raja.2.png"), None),
                fact("record_upload", "raja", "shelf", MEDIA),
                fact("record_intent", attempt_of("mantri")),
                fact("record_setback", "mantri", TROUBLE, JobState.OPEN),
                *(fact("record_intent", attempt_of("mantri", number, **beside)) for number in (2, 3)),
                fact("record_saved", "mantri-2", _at("mantri.png"), None),
                fact("record_saved", "mantri-3", _at("mantri.1.png"), None),
                fact("record_lost", "mantri-1"),
            ],
        )

    def test_a_pick_takes_along_what_is_the_versions_own(self, tmp_path: Path) -> None:
        """The version's path, its uploader, its reference, and what its attempt says of it are the job's; undone, those
        of the version before are again."""
        other = {"asked": "e" * 16, "prompt": "an older queen", "lane": "lane-2", "provider": "brush", "run": "run 2"}
        self.told_alike(
            tmp_path,
            [
                fact("record_intent", attempt_of("rani")),
                fact("record_saved", "rani-1", _at("rani.png"), None),
                fact("record_upload", "rani", "shelf", MEDIA),
                fact("record_intent", attempt_of("rani", 2, **other)),
                fact("record_saved", "rani-2", _at("rani.png"), "pictures/rani.1.png"),
                fact("record_upload", "rani", "rack", None),
                fact("record_intent", attempt_of("rani", 3, candidate=True)),
                fact("record_saved", "rani-3", _at("rani.2.png"), None),
                fact("record_setback", "rani", TROUBLE, JobState.FAILED),
                fact("record_pick", "rani", 1, "pick 1", undoes=False),
                fact("record_moved", "rani", "pictures/rani.png", "pictures/rani.3.png"),
                fact("record_moved", "rani", "pictures/rani.1.png", "pictures/rani.png"),
                fact("record_pick", "rani", 1, "pick 2", undoes=False),
                fact("record_pick", "rani", 3, "pick 3", undoes=False),
                fact("record_upload", "rani", "shelf", replace(MEDIA, id="id-3")),
                fact("record_pick", "rani", 1, "undo 1", undoes=True),
                fact("record_pick", "rani", 2, "undo 2", undoes=True),
                fact("record_pick", "rani", 3, "pick 4", undoes=False),
                fact("record_moved", "rani", "pictures/nowhere.png", "pictures/rani.4.png"),
                fact("record_intent", attempt_of("rani", 4)),
                fact("record_saved", "rani-4", _at("rani.jpg"), None),
            ],
        )

    def test_an_attempt_that_left_a_picture_after_all_is_lost_no_more(self, tmp_path: Path) -> None:
        """What was taken for lost, and is found later, was not paid for nothing."""
        self.told_alike(
            tmp_path,
            [
                fact("record_intent", attempt_of("rani")),
                fact("record_lost", "rani-1"),
                fact("record_intent", attempt_of("raja")),
                fact("record_trouble", "raja-1", TROUBLE, JobState.PENDING),
                fact("record_saved", "rani-1", _at("rani.png"), None),
                fact("record_saved", "raja-1", _at("raja.png"), None),
            ],
        )
