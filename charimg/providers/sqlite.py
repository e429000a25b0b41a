"""The store ``sqlite``: the ledger in one file of the project, ``.charimg/state.sqlite``. Standard library only.

Write-ahead log with ``synchronous=FULL``: when a method returns, its facts survive a power cut. The calls block for
about a millisecond, which is nothing beside a picture's seconds, and spares a thread between event and ledger.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

from charimg.contracts import (
    Attempt,
    Declaration,
    JobRecord,
    JobState,
    PictureRecord,
    ProviderContext,
    Setting,
    Store,
    Trouble,
)
from charimg.errors import StorageError
from charimg.hookspecs import hookimpl
from charimg.model import Cost, ImageFacts, MediaReference, Verdict, utc_now

MIGRATIONS = (
    """
    CREATE TABLE run (
        id TEXT PRIMARY KEY,
        started TEXT NOT NULL,
        finished TEXT,
        plan TEXT NOT NULL,
        summary TEXT
    );

    CREATE TABLE attempt (
        id TEXT PRIMARY KEY,
        run TEXT NOT NULL,
        key TEXT NOT NULL,
        name TEXT NOT NULL,
        lane TEXT NOT NULL,
        provider TEXT NOT NULL,
        asked TEXT NOT NULL,
        prompt TEXT NOT NULL,
        seed TEXT,
        started TEXT NOT NULL,
        ended TEXT,
        state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'saved', 'troubled', 'lost')),
        verdict TEXT,
        message TEXT,
        possibly_charged INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX attempt_by_key ON attempt (key, started);
    CREATE INDEX attempt_by_state ON attempt (state) WHERE state IN ('open', 'lost');

    CREATE TABLE picture (
        id INTEGER PRIMARY KEY,
        attempt TEXT NOT NULL,
        key TEXT NOT NULL,
        path TEXT NOT NULL,
        saved TEXT NOT NULL,
        facts TEXT NOT NULL,
        details TEXT NOT NULL,
        adopted INTEGER NOT NULL
    );
    CREATE INDEX picture_by_key ON picture (key, id);

    CREATE TABLE job (
        key TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        state TEXT NOT NULL,
        provider TEXT,
        lane TEXT,
        asked TEXT NOT NULL,
        prompt TEXT,
        picture INTEGER,
        uploader TEXT,
        media TEXT,
        trouble TEXT,
        updated TEXT NOT NULL
    );
    """,
)
"""One script a version of the schema, applied in order; ``PRAGMA user_version`` counts them. Never edit one that was
released: add the next."""


class SqliteStore(Store):
    """The ledger in a SQLite file."""

    declaration = Declaration(
        name="sqlite",
        summary="The ledger in one file of the project; needs nothing.",
        settings=(Setting("path", "The file; relative to the project.", str, ".charimg/state.sqlite"),),
    )

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._path = context.folder / str(context.settings.get("path") or ".charimg/state.sqlite")
        self._db: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open the file, create or migrate it.

        :raises StorageError: it cannot be opened, is no ledger, or was written by a newer version.
        """
        with self._told():
            if self.context.read_only:
                self._db = self._connect_to_look()
            else:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._db = sqlite3.connect(self._path, timeout=10, isolation_level=None)
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")
                self._migrate(self._db)

    def _connect_to_look(self) -> sqlite3.Connection:
        """A connection that changes nothing; an empty ledger where there is no file yet."""
        if self._path.is_file():
            db = sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, timeout=10, isolation_level=None)
            version = self._version(db)
            if 0 < version <= len(MIGRATIONS):
                return db
            db.close()
            if version:
                raise self._too_new()
        db = sqlite3.connect(":memory:", isolation_level=None)
        self._migrate(db)
        return db

    def _migrate(self, db: sqlite3.Connection) -> None:
        version = self._version(db)
        if version > len(MIGRATIONS):
            raise self._too_new()
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            db.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version={number}; COMMIT;")

    @staticmethod
    def _version(db: sqlite3.Connection) -> int:
        return int(db.execute("PRAGMA user_version").fetchone()[0])

    def _too_new(self) -> StorageError:
        return StorageError(f"{self._path} was written by a newer charimg; update this one: pip install -U charimg-cli")

    async def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    async def begin_run(self, run: str, started: datetime, plan: dict[str, object]) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            row = (run, started.isoformat(), json.dumps(plan))
            db.execute("INSERT INTO run (id, started, plan) VALUES (?, ?, ?)", row)

    async def finish_run(self, run: str, finished: datetime, summary: dict[str, object]) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            row = (finished.isoformat(), json.dumps(summary), run)
            db.execute("UPDATE run SET finished = ?, summary = ? WHERE id = ?", row)

    async def last_plan(self) -> dict[str, object] | None:
        """See :class:`Store`."""
        with self._transaction() as db:
            row = db.execute("SELECT plan FROM run ORDER BY started DESC LIMIT 1").fetchone()
        return None if row is None else dict(json.loads(row[0]))

    async def record_intent(self, attempt: Attempt) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO attempt (id, run, key, name, lane, provider, asked, prompt, seed, started)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    attempt.id,
                    attempt.run,
                    attempt.key,
                    attempt.name,
                    attempt.lane,
                    attempt.provider,
                    attempt.asked,
                    attempt.prompt,
                    None if attempt.seed is None else str(attempt.seed),
                    attempt.started.isoformat(),
                ),
            )
            db.execute(
                "INSERT INTO job (key, name, state, provider, lane, asked, prompt, updated)"
                " VALUES (?, ?, 'open', ?, ?, ?, ?, ?)"
                " ON CONFLICT (key) DO UPDATE SET name = excluded.name, state = 'open', provider = excluded.provider,"
                " lane = excluded.lane, asked = excluded.asked, prompt = excluded.prompt, trouble = NULL,"
                " updated = excluded.updated",
                (attempt.key, attempt.name, attempt.provider, attempt.lane, attempt.asked, attempt.prompt, _now()),
            )

    async def record_saved(self, attempt: str, picture: PictureRecord, kept_as: str | None = None) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            key = self._end(db, attempt, "saved")
            if kept_as is not None:
                db.execute("UPDATE picture SET path = ? WHERE key = ? AND path = ?", (kept_as, key, picture.path))
            details = {
                "seed": picture.seed,
                "model": picture.model,
                "prompt": picture.prompt,
                "request_id": picture.request_id,
                "cost": None if picture.cost is None else asdict(picture.cost),
                "media": _media_to_json(picture.media),
            }
            made = db.execute(
                "INSERT INTO picture (attempt, key, path, saved, facts, details, adopted) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    attempt,
                    key,
                    picture.path,
                    _now(),
                    json.dumps(asdict(picture.facts)),
                    json.dumps(details),
                    int(picture.adopted),
                ),
            )
            db.execute(
                "UPDATE job SET state = 'saved', picture = ?, media = NULL, uploader = NULL, trouble = NULL,"
                " updated = ? WHERE key = ?",
                (made.lastrowid, _now(), key),
            )

    async def record_trouble(self, attempt: str, trouble: Trouble, state: JobState) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            key = self._end(db, attempt, "troubled")
            db.execute(
                "UPDATE attempt SET verdict = ?, message = ?, possibly_charged = ? WHERE id = ?",
                (trouble.verdict.value, trouble.message, int(trouble.possibly_charged), attempt),
            )
            self._set_trouble(db, key, trouble, state)

    async def record_lost(self, attempt: str) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            key = self._end(db, attempt, "lost")
            db.execute("UPDATE attempt SET possibly_charged = 1 WHERE id = ?", (attempt,))
            state = "(CASE WHEN picture IS NULL THEN 'pending' WHEN uploader IS NULL THEN 'saved' ELSE 'done' END)"
            db.execute(f"UPDATE job SET state = {state}, updated = ? WHERE key = ? AND state = 'open'", (_now(), key))  # noqa: S608 - a constant

    async def record_upload(self, key: str, uploader: str, reference: MediaReference | None) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            media = _media_to_json(reference)
            db.execute(
                "UPDATE job SET state = 'done', uploader = ?, media = ?, trouble = NULL, updated = ? WHERE key = ?",
                (uploader, None if media is None else json.dumps(media), _now(), key),
            )

    async def record_upload_trouble(self, key: str, trouble: Trouble, state: JobState) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            self._set_trouble(db, key, trouble, state)

    async def job(self, key: str) -> JobRecord | None:
        """See :class:`Store`."""
        return self._read_jobs(key).get(key)

    async def jobs(self) -> dict[str, JobRecord]:
        """See :class:`Store`."""
        return self._read_jobs(None)

    async def lost_attempts(self) -> tuple[Attempt, ...]:
        """See :class:`Store`."""
        with self._transaction() as db:
            rows = db.execute("SELECT * FROM attempt WHERE possibly_charged = 1 ORDER BY started")
            return tuple(_attempt(row) for row in _named(rows))

    # -- rows -------------------------------------------------------------------------------------------------

    @staticmethod
    def _end(db: sqlite3.Connection, attempt: str, state: str) -> str:
        """Close an attempt and tell its job's key."""
        row = db.execute("SELECT key FROM attempt WHERE id = ?", (attempt,)).fetchone()
        if row is None:
            raise StorageError(f"the ledger knows no attempt {attempt}")
        db.execute("UPDATE attempt SET state = ?, ended = ? WHERE id = ?", (state, _now(), attempt))
        return str(row[0])

    @staticmethod
    def _set_trouble(db: sqlite3.Connection, key: str, trouble: Trouble, state: JobState) -> None:
        db.execute(
            "UPDATE job SET state = ?, trouble = ?, updated = ? WHERE key = ?",
            (state.value, json.dumps({**asdict(trouble), "verdict": trouble.verdict.value}), _now(), key),
        )

    def _read_jobs(self, key: str | None) -> dict[str, JobRecord]:
        where, values = ("", ()) if key is None else (" WHERE key = ?", (key,))
        with self._transaction() as db:
            jobs = list(_named(db.execute(f"SELECT * FROM job{where}", values)))  # noqa: S608 - a constant
            pictures = _by_key(_named(db.execute(f"SELECT * FROM picture{where} ORDER BY id", values)))  # noqa: S608 - a constant
            attempts = _by_key(_named(db.execute(f"SELECT * FROM attempt{where} ORDER BY started", values)))  # noqa: S608 - a constant
        return {row["key"]: _job(row, pictures[row["key"]], attempts[row["key"]]) for row in jobs}

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._db is None:
            raise StorageError("the ledger is not open")
        with self._told():
            self._db.execute("BEGIN" if self.context.read_only else "BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn SQLite's and the system's errors into one line with a remedy."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            words = str(error)
            remedy = "free some space and check the folder's permissions"
            if "not a database" in words or "malformed" in words:
                remedy = "it is damaged: move it aside, then run again; pictures on disk stay where they are"
            elif "locked" in words:
                remedy = "another program has it open; close that and run again"
            raise StorageError(f"the ledger {self._path}: {words}; {remedy}") from error
        except OSError as error:
            raise StorageError(f"the ledger {self._path}: {error.strerror or error}; check its permissions") from error


def _now() -> str:
    return utc_now().isoformat()


def _named(cursor: sqlite3.Cursor) -> Iterator[dict[str, Any]]:
    names = [column[0] for column in cursor.description]
    return (dict(zip(names, row, strict=True)) for row in cursor)


def _by_key(rows: Iterable[dict[str, Any]]) -> defaultdict[str, list[dict[str, Any]]]:
    groups: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["key"]].append(row)
    return groups


def _attempt(row: dict[str, Any]) -> Attempt:
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


def _job(row: dict[str, Any], pictures: list[dict[str, Any]], attempts: list[dict[str, Any]]) -> JobRecord:
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
        open_attempts=tuple(_attempt(attempt) for attempt in attempts if attempt["state"] == "open"),
        updated=datetime.fromisoformat(row["updated"]),
        other_pictures=tuple(picture for number, picture in by_id.items() if number != row["picture"]),
    )


def _media_to_json(media: MediaReference | None) -> dict[str, object] | None:
    if media is None:
        return None
    expires = None if media.expires_at is None else media.expires_at.isoformat()
    return {**asdict(media), "expires_at": expires}


def _media_from_json(data: dict[str, Any] | None) -> MediaReference | None:
    if data is None:
        return None
    expires = data["expires_at"]
    return MediaReference(**{**data, "expires_at": None if expires is None else datetime.fromisoformat(expires)})


@hookimpl
def register_stores(register: Callable[[type[Store]], None]) -> None:
    """Offer :class:`SqliteStore`."""
    register(SqliteStore)
