"""A ledger of the store ``sqlite`` on the desk of a test: opened, told a few facts, looked into."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeVar

from charimg.contracts import Attempt, JobRecord, PictureRecord, ProviderContext, Trouble
from charimg.model import ImageFacts, MediaReference, Verdict
from charimg.providers.sqlite import SqliteStore

T = TypeVar("T")
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=timezone.utc)
FACTS = ImageFacts("png", 512, 910, "ab" * 32, 12345)
MEDIA = MediaReference("id-1", "id", "whisk", "whisk", NOON + timedelta(days=1), "an old man")


def done(call: Coroutine[Any, Any, T]) -> T:
    """Run a method that never suspends, as this store's do."""
    try:
        call.send(None)
    except StopIteration as result:
        return result.value  # type: ignore[no-any-return]
    raise AssertionError("the store waits for something")


@contextmanager
def store_at(folder: Path, *, read_only: bool = False, **options: str) -> Iterator[SqliteStore]:
    store = SqliteStore(ProviderContext(folder=folder, out=folder, read_only=read_only, settings=options))
    done(store.open())
    try:
        yield store
    finally:
        done(store.close())


def seen(folder: Path, key: str = "rani") -> JobRecord | None:
    """What another process would read at this moment."""
    with store_at(folder, read_only=True) as other:
        return done(other.job(key))


def attempt(id: str = "a1", key: str = "rani", **changes: Any) -> Attempt:  # noqa: A002 - the field's name
    base = Attempt(id, "run 1", key, "Rani", "whisk", "whisk", "f" * 16, "a queen", 7, NOON)
    return replace(base, **changes)


def picture(path: str = "pictures/rani.png", **changes: Any) -> PictureRecord:
    return replace(PictureRecord(path, FACTS), **changes)


TROUBLE = Trouble(Verdict.THROTTLED, "too much", "generate", 30.5, possibly_charged=True)


def ledger(folder: Path) -> Path:
    return folder / ".charimg" / "state.sqlite"


def bare(record: JobRecord | None) -> JobRecord | None:
    """The record with its pictures as they were handed over, without what the store adds to them."""
    return record and replace(
        record,
        picture=record.picture and handed(record.picture),
        other_pictures=tuple(handed(one) for one in record.other_pictures),
    )


def handed(made: PictureRecord) -> PictureRecord:
    return replace(made, version=0, attempt="", asked=None, saved=None, uploader=None, reference=None)
