"""The store ``sqlite``: the ledger in one file of the project, ``.charimg/state.sqlite``. Standard library only.

Write-ahead log with ``synchronous=FULL``: when a method returns, its facts survive a power cut. The calls block for
about a millisecond, which is nothing beside a picture's seconds, and spares a thread between event and ledger.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime

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
from charimg.model import MediaReference, utc_now
from charimg.providers.sqlite_rows import Connection, as_json, attempt_of, by_key, job_of, media_to_json, named

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
    """
    ALTER TABLE attempt ADD COLUMN place TEXT NOT NULL DEFAULT '';
    ALTER TABLE attempt ADD COLUMN ticket TEXT;
    """,
)
"""One script a version of the schema, applied in order; ``PRAGMA user_version`` counts them. Never edit one that was
released: add the next."""


LOCK_WAIT = 10.0
"""Seconds to wait for another program that holds the file."""


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
            self._db = self._connect_to_look() if self.context.read_only else self._connect()

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, timeout=LOCK_WAIT, isolation_level=None, factory=Connection)
        try:
            self._check(db)
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            self._migrate(db)
        except BaseException:
            db.close()
            raise
        return db

    def _connect_to_look(self) -> sqlite3.Connection:
        """A connection that changes nothing and leaves nothing behind; an empty ledger where there is no file yet."""
        db = None
        if self._path.is_file():
            # A log beside the file belongs to a run under way, or to one that crashed: it must be read. Without one the
            # file is complete, and "immutable" keeps SQLite from making a log of its own, which it would not remove.
            quiet = "" if self._path.with_name(f"{self._path.name}-wal").exists() else "&immutable=1"
            address = f"{self._path.as_uri()}?mode=ro{quiet}"
            db = sqlite3.connect(address, uri=True, timeout=LOCK_WAIT, isolation_level=None, factory=Connection)
            try:
                self._check(db)
                if self._version(db) == len(MIGRATIONS):
                    return db
            except BaseException:
                db.close()
                raise
        # An older ledger is brought up to date in memory only.
        copy = sqlite3.connect(":memory:", isolation_level=None, factory=Connection)
        try:
            if db is not None:
                db.backup(copy)
            self._migrate(copy)
        except BaseException:
            copy.close()
            raise
        finally:
            if db is not None:
                db.close()
        return copy

    def _check(self, db: sqlite3.Connection) -> None:
        """Refuse a file that this version cannot read, and one that is something else altogether."""
        version = self._version(db)
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and ("attempt" not in tables or not version):
            raise StorageError(f"{self._path} is the database of something else; choose another file for the ledger")
        if version > len(MIGRATIONS):
            raise StorageError(
                f"{self._path} was written by a newer charimg; update this one: pip install -U charimg-cli"
            )

    def _migrate(self, db: sqlite3.Connection) -> None:
        for number, script in enumerate(MIGRATIONS[self._version(db) :], self._version(db) + 1):
            db.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version={number}; COMMIT;")

    @staticmethod
    def _version(db: sqlite3.Connection) -> int:
        return int(db.execute("PRAGMA user_version").fetchone()[0])

    async def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    async def begin_run(self, run: str, started: datetime, plan: dict[str, object]) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            row = (run, started.isoformat(), as_json(plan))
            db.execute("INSERT INTO run (id, started, plan) VALUES (?, ?, ?)", row)

    async def finish_run(self, run: str, finished: datetime, summary: dict[str, object]) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            row = (finished.isoformat(), as_json(summary), run)
            db.execute("UPDATE run SET finished = ?, summary = ? WHERE id = ?", row)

    async def last_plan(self) -> dict[str, object] | None:
        """See :class:`Store`."""
        with self._transaction() as db:
            row = db.execute("SELECT plan FROM run ORDER BY rowid DESC LIMIT 1").fetchone()
        return None if row is None else dict(json.loads(row[0]))

    async def record_intent(self, attempt: Attempt) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO attempt (id, run, key, name, lane, provider, asked, prompt, seed, started, place)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                    attempt.place,
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

    async def record_ticket(self, attempt: str, ticket: str) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            changed = db.execute("UPDATE attempt SET ticket = ? WHERE id = ? AND state = 'open'", (ticket, attempt))
            if not changed.rowcount:
                raise StorageError(f"the ledger knows no open attempt {attempt}")

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
                "media": media_to_json(picture.media),
            }
            made = db.execute(
                "INSERT INTO picture (attempt, key, path, saved, facts, details, adopted) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    attempt,
                    key,
                    picture.path,
                    _now(),
                    as_json(asdict(picture.facts)),
                    as_json(details),
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
            media = media_to_json(reference)
            changed = db.execute(
                "UPDATE job SET state = 'done', uploader = ?, media = ?, trouble = NULL, updated = ? WHERE key = ?",
                (uploader, None if media is None else as_json(media), _now(), key),
            )
            self._demand(changed, key)

    async def record_setback(self, key: str, trouble: Trouble, state: JobState) -> None:
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
            rows = db.execute("SELECT * FROM attempt WHERE possibly_charged = 1 ORDER BY rowid")
            return tuple(attempt_of(row) for row in named(rows))

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
        changed = db.execute(
            "UPDATE job SET state = ?, trouble = ?, updated = ? WHERE key = ?",
            (state.value, as_json({**asdict(trouble), "verdict": trouble.verdict.value}), _now(), key),
        )
        SqliteStore._demand(changed, key)

    @staticmethod
    def _demand(changed: sqlite3.Cursor, key: str) -> None:
        """What was to be recorded has a row to stand in, or the caller hears of it."""
        if not changed.rowcount:
            raise StorageError(f"the ledger knows no character {key}")

    def _read_jobs(self, key: str | None) -> dict[str, JobRecord]:
        where, values = ("", ()) if key is None else (" WHERE key = ?", (key,))
        with self._transaction() as db:
            jobs = list(named(db.execute(f"SELECT * FROM job{where}", values)))  # noqa: S608 - a constant
            pictures = by_key(named(db.execute(f"SELECT * FROM picture{where} ORDER BY id", values)))  # noqa: S608 - a constant
            attempts = by_key(named(db.execute(f"SELECT * FROM attempt{where} ORDER BY rowid", values)))  # noqa: S608 - a constant
        return {row["key"]: job_of(row, pictures[row["key"]], attempts[row["key"]]) for row in jobs}

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._db is None:
            raise StorageError("the ledger is not open")
        with self._told():
            self._db.execute("BEGIN" if self.context.read_only else "BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk ends it by itself
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn SQLite's and the system's errors into one line with a remedy."""
        try:
            yield
        except sqlite3.Error as error:
            words = str(error)
            remedy = "free some space and check the folder's permissions"
            if "NOT NULL" in words or "UNIQUE" in words or "CHECK" in words:
                remedy = "charimg itself is at fault: please report it"
            elif "not a database" in words or "malformed" in words:
                remedy = (
                    "it is damaged: move it aside, or put a backup in its place; pictures on disk stay where they are,"
                    " but a new ledger knows none of them, and a run would make them again"
                )
            elif "locked" in words:
                remedy = "another program has it open; close that and run again"
            raise StorageError(f"the ledger {self._path}: {words}; {remedy}") from error
        except OSError as error:
            raise StorageError(f"the ledger {self._path}: {error.strerror or error}; check its permissions") from error


def _now() -> str:
    return utc_now().isoformat()


@hookimpl
def register_stores(register: Callable[[type[Store]], None]) -> None:
    """Offer :class:`SqliteStore`."""
    register(SqliteStore)
