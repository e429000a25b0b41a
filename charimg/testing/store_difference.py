"""What a store tells otherwise than the model of it, in one line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any

from charimg.contracts import AttemptRecord, JobRecord, PictureRecord, Store
from charimg.testing.store_model import Model


async def difference(store: Store, model: Model) -> str | None:
    """Everything the store can be asked, compared; ``None`` if nothing differs."""
    jobs, wanted = await store.jobs(), model.jobs()
    if set(jobs) != set(wanted):
        return f"it knows the jobs {shown(jobs)} instead of {shown(wanted)}"
    for key, record in wanted.items():
        if await store.job(key) != jobs[key]:
            return f"job({key!r}) tells something else than jobs()"
        differs = _job(jobs[key], record) or _history(key, await store.history(key), model.history(key), jobs[key])
        if differs is not None:
            return differs
    for which in (None, *wanted):
        told = [(one.key, one.version, one.operation) for one in await store.choices(which)]
        if told != model.choices(which):
            return f"choices({which!r}) tells {told} instead of {model.choices(which)}"
    lost = await store.lost_attempts()
    if lost != model.lost_attempts():
        return f"lost_attempts() tells {len(lost)} instead of {len(model.lost_attempts())}, or others"
    if await store.last_plan() != model.plan:
        return "last_plan() is not the newest plan"
    return None


def shown(names: Any) -> str:
    """Names, or a mapping, as part of a sentence."""
    return ", ".join(map(str, names.items() if isinstance(names, dict) else sorted(names))) or "nothing"


def without_moments(record: JobRecord) -> JobRecord:
    """The record without the times that the store gives by its own clock."""
    return replace(
        record,
        updated=None,
        picture=record.picture and replace(record.picture, saved=None),
        other_pictures=tuple(replace(one, saved=None) for one in record.other_pictures),
    )


def _job(told: JobRecord, wanted: JobRecord) -> str | None:
    if not _is_moment(told.updated):
        return f"of {told.key} it tells no moment of the last change"
    differs = _fields(without_moments(told), without_moments(wanted))
    if differs is not None:
        return f"of {wanted.key} it tells otherwise: {differs}"
    pictures = [*told.other_pictures, told.picture], [*wanted.other_pictures, wanted.picture]
    return _moments(*([one for one in some if one is not None] for some in pictures))


def _history(key: str, told: Sequence[AttemptRecord], wanted: Sequence[AttemptRecord], record: JobRecord) -> str | None:
    if [one.attempt.id for one in told] != [one.attempt.id for one in wanted]:
        return f"history({key!r}) tells {len(told)} attempts instead of {len(wanted)}, or in another order"
    versions = {one.version: one for one in (*record.other_pictures, record.picture) if one is not None}
    for one, other in zip(told, wanted, strict=True):
        if _is_moment(one.ended) == (one.state == "open"):
            return f"of an attempt that is {one.state}, history({key!r}) tells that it ended at {one.ended}"
        if any(versions.get(picture.version) != picture for picture in one.pictures):
            return f"history({key!r}) tells a picture otherwise than jobs()"
        pictures = tuple(replace(picture, saved=None) for picture in one.pictures)
        expected = tuple(replace(picture, saved=None) for picture in other.pictures)
        differs = _fields(replace(one, ended=None, pictures=pictures), replace(other, pictures=expected))
        if differs is not None:
            return f"history({key!r}) tells otherwise: {differs}"
    return None


def _moments(told: Iterable[PictureRecord], wanted: Iterable[PictureRecord]) -> str | None:
    for one, other in zip(told, wanted, strict=True):
        if not _is_moment(one.saved) or other.saved not in (None, one.saved):
            return (
                f"version {one.version} of {one.path} was saved at {one.saved} instead of {other.saved or 'a moment'}"
            )
    return None


def _is_moment(value: object) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None


def _fields(told: Any, wanted: Any) -> str | None:
    """Which fields differ; where one of them is a record itself, which of its fields."""
    names = [one.name for one in fields(wanted) if getattr(told, one.name) != getattr(wanted, one.name)]
    parts = []
    for name in names:
        got, want = getattr(told, name), getattr(wanted, name)
        inner = is_dataclass(want) and type(got) is type(want)
        parts.append(f"{name}: {_fields(got, want)}" if inner else f"{name} is {got!r:.200} instead of {want!r:.200}")
    return "; ".join(parts) or None
