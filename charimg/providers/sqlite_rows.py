"""The ledger's rows and the core's records, one into the other, for the store ``sqlite``."""

from __future__ import annotations

import gc
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from sys import intern
from typing import Any

from charimg.contracts import Attempt, AttemptRecord, Choice, JobRecord, JobState, PictureRecord, Trouble
from charimg.model import Cost, ImageFacts, MediaReference, Verdict, utc_now


class Connection(sqlite3.Connection):
    """A connection that keeps any text: SQLite refuses half a character (a lone surrogate), as torn JSON of a service
    or the name of a file from another system may hold. Such a text is kept as bytes, and comes back as it was."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.row_factory = _whole_row

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """As ever, with texts of any kind."""
        return super().execute(sql, [_storable(value) for value in parameters])


def _storable(value: Any) -> Any:
    if isinstance(value, str) and not value.isascii():
        raw = value.encode("utf-8", "surrogatepass")
        return raw if raw.decode("utf-8", "replace") != value else value
    return value


def _whole_row(_: sqlite3.Cursor, row: tuple[Any, ...]) -> tuple[Any, ...]:
    if bytes not in map(type, row):
        return row
    return tuple(value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value for value in row)


def as_json(data: object) -> str:
    """As JSON; what a plugin put there that JSON has no word for is kept as text rather than losing the record."""
    return json.dumps(data, default=str)


def named(cursor: sqlite3.Cursor) -> Iterator[dict[str, Any]]:
    """The rows, as mappings by column."""
    names = [column[0] for column in cursor.description]
    return (dict(zip(names, row)) for row in cursor)  # noqa: B905 - a cursor's rows are as long as its description


class RowsByKey:
    """Rows in the order of their keys, taken key by key."""

    def __init__(self, rows: Iterator[dict[str, Any]]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def of(self, key: str) -> Iterator[dict[str, Any]]:
        """The rows of the key that has its turn."""
        while self._next is not None and self._next["key"] == key:
            row, self._next = self._next, next(self._rows, None)
            yield row


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the garbage collector: it would look again and again through a million new objects that all are kept."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def insert(db: sqlite3.Connection, table: str, row: Mapping[str, object]) -> sqlite3.Cursor:
    """Add a row, given by column."""
    values = ", ".join("?" * len(row))
    return db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})", tuple(row.values()))  # noqa: S608 - constants


def attempt_to_row(attempt: Attempt) -> dict[str, object]:
    """The columns of an attempt that is begun."""
    return {
        **asdict(attempt),
        "seed": None if attempt.seed is None else str(attempt.seed),  # which may be beyond SQLite's 64 bits
        "started": attempt.started.isoformat(),
        "candidate": int(attempt.candidate),
    }


def attempt_of(row: dict[str, Any]) -> Attempt:
    """The attempt of a row."""
    return Attempt(
        id=row["id"],
        run=row["run"],
        key=row["key"],
        name=row["name"],
        lane=row["lane"],
        provider=row["provider"],
        asked=row["asked"],
        prompt=row["prompt"],
        seed=None if row["seed"] is None else int(row["seed"]),
        started=datetime.fromisoformat(row["started"]),
        place=row["place"],
        ticket=row["ticket"],
        candidate=bool(row["candidate"]),
    )


def history_of(row: dict[str, Any], pictures: Iterable[PictureRecord]) -> AttemptRecord:
    """What became of the attempt of a row, which left these pictures."""
    trouble = None
    if row["state"] == "troubled":
        trouble = Trouble(
            verdict=Verdict(row["verdict"]),
            message=row["message"],
            stage=row["stage"],
            wait=row["wait"],
            possibly_charged=bool(row["possibly_charged"]),
            unreachable=bool(row["unreachable"]),
        )
    return AttemptRecord(
        attempt=attempt_of(row),
        state=row["state"],
        ended=None if row["ended"] is None else datetime.fromisoformat(row["ended"]),
        trouble=trouble,
        pictures=tuple(pictures),
    )


def choice_of(row: dict[str, Any]) -> Choice:
    """The choice of a row."""
    return Choice(row["key"], row["version"], row["operation"], datetime.fromisoformat(row["made"]))


def picture_to_row(picture: PictureRecord) -> dict[str, object]:
    """The columns of what the caller says of a picture."""
    return {
        "path": picture.path,
        "saved": (picture.saved or utc_now()).isoformat(),
        "facts": as_json(asdict(picture.facts)),
        "details": as_json(
            {
                "seed": picture.seed,
                "model": picture.model,
                "prompt": picture.prompt,
                "request_id": picture.request_id,
                "cost": None if picture.cost is None else asdict(picture.cost),
                "media": media_to_json(picture.media),
            }
        ),
        "adopted": int(picture.adopted),
        "original": picture.original,
    }


def picture_of(row: dict[str, Any]) -> PictureRecord:
    """The picture of a row."""
    facts, details = json.loads(f"[{row['facts']},{row['details']}]")
    facts["format"] = _shared(facts["format"])
    cost = details["cost"]
    return PictureRecord(
        path=row["path"],
        facts=ImageFacts(**facts),
        seed=details["seed"],
        model=_shared(details["model"]),
        prompt=details["prompt"],
        request_id=details["request_id"],
        cost=None if cost is None else Cost(cost["amount"], _shared(cost["currency"]), _shared(cost["source"])),
        media=_media_from_json(details["media"]),
        adopted=bool(row["adopted"]),
        version=row["version"],
        attempt=row["attempt"],
        asked=row["asked"],
        saved=datetime.fromisoformat(row["saved"]),
        original=row["original"],
        uploader=_shared(row["uploader"]),
        reference=media_of_text(row["reference"]),
    )


def trouble_to_text(trouble: Trouble) -> str:
    """The trouble as JSON."""
    return as_json({**asdict(trouble), "verdict": trouble.verdict.value})


def job_of(
    row: dict[str, Any], pictures: Iterable[dict[str, Any]], attempts: int, open_attempts: Iterable[Attempt]
) -> JobRecord:
    """The record of a job, of its row and what belongs to it.

    A hundred thousand of them are in memory at once: what is the same in a job and its picture is there once.
    """
    spent: dict[tuple[str, str], float] = {}
    current, media_text, others = None, None, []
    for one in pictures:
        picture = picture_of(one)
        if picture.cost is not None:
            kind = (picture.cost.currency, picture.cost.source)
            spent[kind] = spent.get(kind, 0.0) + picture.cost.amount
        if one["id"] == row["picture"]:
            current, media_text = picture, one["reference"]
        else:
            others.append(picture)
    prompt, media = row["prompt"], row["media"]
    trouble = json.loads(row["trouble"]) if row["trouble"] else None
    return JobRecord(
        key=row["key"],
        name=row["name"],
        state=JobState(row["state"]),
        provider=_shared(row["provider"]),
        lane=_shared(row["lane"]),
        asked=current.asked if current is not None and current.asked == row["asked"] else row["asked"],
        prompt=current.prompt if current is not None and current.prompt == prompt else prompt,
        uploader=_shared(row["uploader"]),
        picture=current,
        media=current.reference if current is not None and media_text == media else media_of_text(media),
        trouble=None if trouble is None else Trouble(**{**trouble, "verdict": Verdict(trouble["verdict"])}),
        attempts=attempts,
        spent=tuple(Cost(amount, currency, source) for (currency, source), amount in spent.items()),
        open_attempts=tuple(open_attempts),
        updated=datetime.fromisoformat(row["updated"]),
        other_pictures=tuple(others),
    )


def media_to_json(media: MediaReference | None) -> dict[str, object] | None:
    """The reference as plain data."""
    if media is None:
        return None
    expires = None if media.expires_at is None else media.expires_at.isoformat()
    return {**asdict(media), "expires_at": expires}


def media_to_text(media: MediaReference | None) -> str | None:
    """The reference as JSON."""
    return None if media is None else as_json(media_to_json(media))


def media_of_text(text: str | None) -> MediaReference | None:
    """The reference of such JSON."""
    return _media_from_json(json.loads(text)) if text else None


def _media_from_json(data: dict[str, Any] | None) -> MediaReference | None:
    if data is None:
        return None
    expires = data["expires_at"]
    data["expires_at"] = None if expires is None else datetime.fromisoformat(expires)
    for name in ("kind", "uploader", "lane"):
        data[name] = _shared(data[name])
    return MediaReference(**data)


def _shared(value: Any) -> Any:
    """The same text, once in memory however many rows have it; what a plugin put there that is no text, as it is."""
    return intern(value) if type(value) is str else value
