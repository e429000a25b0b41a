"""The ledger's rows and the core's records, one into the other, for the store ``sqlite``."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from charimg.contracts import Attempt, JobRecord, JobState, PictureRecord, Trouble
from charimg.model import Cost, ImageFacts, MediaReference, Verdict


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
    return tuple(value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value for value in row)


def as_json(data: object) -> str:
    """As JSON; what a plugin put there that JSON has no word for is kept as text rather than losing the record."""
    return json.dumps(data, default=str)


def named(cursor: sqlite3.Cursor) -> Iterator[dict[str, Any]]:
    """The rows, as mappings by column."""
    names = [column[0] for column in cursor.description]
    return (dict(zip(names, row, strict=True)) for row in cursor)


def by_key(rows: Iterable[dict[str, Any]]) -> defaultdict[str, list[dict[str, Any]]]:
    """The rows of every job."""
    groups: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["key"]].append(row)
    return groups


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
    )


def _picture(row: dict[str, Any]) -> PictureRecord:
    details = json.loads(row["details"])
    return PictureRecord(
        path=row["path"],
        facts=ImageFacts(**json.loads(row["facts"])),
        seed=details["seed"],
        model=details["model"],
        prompt=details["prompt"],
        request_id=details["request_id"],
        cost=None if details["cost"] is None else Cost(**details["cost"]),
        media=_media_from_json(details["media"]),
        adopted=bool(row["adopted"]),
    )


def job_of(row: dict[str, Any], pictures: list[dict[str, Any]], attempts: list[dict[str, Any]]) -> JobRecord:
    """The record of a job, of its row and those of its pictures and attempts."""
    spent: defaultdict[tuple[str, str], float] = defaultdict(float)
    by_id = {picture["id"]: _picture(picture) for picture in pictures}
    for picture in by_id.values():
        if picture.cost is not None:
            spent[picture.cost.currency, picture.cost.source] += picture.cost.amount
    trouble = json.loads(row["trouble"]) if row["trouble"] else None
    return JobRecord(
        key=row["key"],
        name=row["name"],
        state=JobState(row["state"]),
        provider=row["provider"],
        lane=row["lane"],
        asked=row["asked"],
        prompt=row["prompt"],
        uploader=row["uploader"],
        picture=by_id.get(row["picture"]),
        media=_media_from_json(json.loads(row["media"])) if row["media"] else None,
        trouble=None if trouble is None else Trouble(**{**trouble, "verdict": Verdict(trouble["verdict"])}),
        attempts=len(attempts),
        spent=tuple(Cost(amount, currency, source) for (currency, source), amount in spent.items()),
        open_attempts=tuple(attempt_of(attempt) for attempt in attempts if attempt["state"] == "open"),
        updated=datetime.fromisoformat(row["updated"]),
        other_pictures=tuple(picture for number, picture in by_id.items() if number != row["picture"]),
    )


def media_to_json(media: MediaReference | None) -> dict[str, object] | None:
    """The reference as plain data."""
    if media is None:
        return None
    expires = None if media.expires_at is None else media.expires_at.isoformat()
    return {**asdict(media), "expires_at": expires}


def _media_from_json(data: dict[str, Any] | None) -> MediaReference | None:
    if data is None:
        return None
    expires = data["expires_at"]
    return MediaReference(**{**data, "expires_at": None if expires is None else datetime.fromisoformat(expires)})
