"""The ledger's rows and the core's records, one into the other, for the store ``sqlite``."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
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
    return tuple(value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value for value in row)


def as_json(data: object) -> str:
    """As JSON; what a plugin put there that JSON has no word for is kept as text rather than losing the record."""
    return json.dumps(data, default=str)


def named(cursor: sqlite3.Cursor) -> Iterator[dict[str, Any]]:
    """The rows, as mappings by column."""
    names = [column[0] for column in cursor.description]
    return (dict(zip(names, row, strict=True)) for row in cursor)


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
        version=row["version"],
        attempt=row["attempt"],
        asked=row["asked"],
        saved=datetime.fromisoformat(row["saved"]),
        original=row["original"],
        uploader=row["uploader"],
        reference=media_of_text(row["reference"]),
    )


def trouble_to_text(trouble: Trouble) -> str:
    """The trouble as JSON."""
    return as_json({**asdict(trouble), "verdict": trouble.verdict.value})


def job_of(
    row: dict[str, Any], pictures: Iterable[dict[str, Any]], attempts: int, open_attempts: Iterable[Attempt]
) -> JobRecord:
    """The record of a job, of its row and what belongs to it."""
    spent: defaultdict[tuple[str, str], float] = defaultdict(float)
    by_id = {picture["id"]: picture_of(picture) for picture in pictures}
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
        media=media_of_text(row["media"]),
        trouble=None if trouble is None else Trouble(**{**trouble, "verdict": Verdict(trouble["verdict"])}),
        attempts=attempts,
        spent=tuple(Cost(amount, currency, source) for (currency, source), amount in spent.items()),
        open_attempts=tuple(open_attempts),
        updated=datetime.fromisoformat(row["updated"]),
        other_pictures=tuple(picture for number, picture in by_id.items() if number != row["picture"]),
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
    return MediaReference(**{**data, "expires_at": None if expires is None else datetime.fromisoformat(expires)})
