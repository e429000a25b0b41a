"""The store ``sqlite``: the ledger in one file of the project, ``.charimg/state.sqlite``. Standard library only.

Write-ahead log with ``synchronous=FULL``: when a method returns, its facts survive a power cut. The calls block for
about a millisecond, which is nothing beside a picture's seconds, and spares a thread between event and ledger.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from charimg.contracts import (
    Attempt,
    AttemptRecord,
    Choice,
    Declaration,
    JobRecord,
    JobState,
    PictureRecord,
    ProviderContext,
    Setting,
    Store,
    Trouble,
)
from charimg.errors import DamagedLedgerError, StorageError
from charimg.hookspecs import hookimpl
from charimg.model import MediaReference, utc_now
from charimg.providers.sqlite_faults import faults_of
from charimg.providers.sqlite_file import open_to_look, open_to_write, put_aside, shortened, told, which_file
from charimg.providers.sqlite_rows import (
    RowsByKey,
    as_json,
    attempt_of,
    attempt_to_row,
    choice_of,
    history_of,
    insert,
    job_of,
    media_to_text,
    named,
    picture_of,
    picture_to_row,
    trouble_to_text,
    uncollected,
)


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
        self._file: tuple[int, int] | None = None
        """Which file is open for writing, by device and number."""

    async def open(self) -> None:
        """Open the file, create or migrate it.

        :raises DamagedLedgerError: it is there, and can be read no more.
        :raises StorageError: it cannot be opened, is no ledger, or was written by a newer version.
        """
        with told(self._path):
            self._db = open_to_look(self._path) if self.context.read_only else open_to_write(self._path)
            self._file = None if self.context.read_only else which_file(self._path)

    async def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    async def begin_run(self, run: str, started: datetime, plan: dict[str, object]) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            insert(db, "run", {"id": run, "started": started.isoformat(), "plan": as_json(plan)})

    async def finish_run(self, run: str, finished: datetime, summary: dict[str, object]) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            row = (finished.isoformat(), as_json(summary), run)
            db.execute("UPDATE run SET finished = ?, summary = ? WHERE id = ?", row)

    async def last_plan(self) -> dict[str, object] | None:
        """See :class:`Store`."""
        with self._reading() as db:
            row = db.execute("SELECT plan FROM run ORDER BY rowid DESC LIMIT 1").fetchone()
            return None if row is None else dict(json.loads(row[0]))

    async def record_intent(self, attempt: Attempt) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            insert(db, "attempt", attempt_to_row(attempt))
            begun = (
                "NOTHING"
                if attempt.candidate
                else "UPDATE SET name = excluded.name, state = excluded.state, provider = excluded.provider,"
                " lane = excluded.lane, asked = excluded.asked, prompt = excluded.prompt, trouble = NULL,"
                " updated = excluded.updated"
            )
            state = JobState.PENDING if attempt.candidate else JobState.OPEN
            db.execute(
                "INSERT INTO job (key, name, state, provider, lane, asked, prompt, updated)"  # noqa: S608 - constants
                f" VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO {begun}",
                (
                    attempt.key,
                    attempt.name,
                    state.value,
                    attempt.provider,
                    attempt.lane,
                    attempt.asked,
                    attempt.prompt,
                    _now(),
                ),
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
            key, run, asked, candidate = self._end(db, attempt, "saved")
            db.execute("UPDATE attempt SET possibly_charged = 0 WHERE id = ?", (attempt,))
            now_there = db.execute(
                "SELECT picture.path FROM job JOIN picture ON picture.id = job.picture WHERE job.key = ?", (key,)
            ).fetchone()
            if kept_as is not None:
                db.execute("UPDATE picture SET path = ? WHERE key = ? AND path = ?", (kept_as, key, picture.path))
            (version,) = db.execute(
                "SELECT COALESCE(MAX(version), 0) + 1 FROM picture WHERE key = ?", (key,)
            ).fetchone()
            row = {**picture_to_row(picture), "attempt": attempt, "key": key, "version": version, "asked": asked}
            made = insert(db, "picture", row)
            if not candidate or now_there is None or now_there[0] == picture.path:
                self._choose(db, key, version, run)
                state = "(CASE WHEN ? AND state = 'open' THEN 'open' ELSE 'saved' END)"
                trouble = "(CASE WHEN ? AND state = 'open' THEN trouble END)"
                db.execute(
                    f"UPDATE job SET state = {state}, trouble = {trouble}, picture = ?, media = NULL, uploader = NULL"  # noqa: S608 - constants
                    " WHERE key = ?",
                    (candidate, candidate, made.lastrowid, key),
                )
                self._tell_as_attempt(db, key, attempt)

    async def record_trouble(self, attempt: str, trouble: Trouble, state: JobState) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            key, _, _, candidate = self._end(db, attempt, "troubled")
            db.execute(
                "UPDATE attempt SET verdict = ?, message = ?, stage = ?, wait = ?, possibly_charged = ?,"
                " unreachable = ? WHERE id = ?",
                (
                    trouble.verdict.value,
                    trouble.message,
                    trouble.stage,
                    trouble.wait,
                    int(trouble.possibly_charged),
                    int(trouble.unreachable),
                    attempt,
                ),
            )
            if not candidate:
                self._set_trouble(db, key, trouble, state)

    async def record_lost(self, attempt: str) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            key, _, _, candidate = self._end(db, attempt, "lost")
            db.execute("UPDATE attempt SET possibly_charged = 1 WHERE id = ?", (attempt,))
            if not candidate:
                state = "(CASE WHEN picture IS NULL THEN 'pending' WHEN uploader IS NULL THEN 'saved' ELSE 'done' END)"
                db.execute(
                    f"UPDATE job SET state = {state}, updated = ? WHERE key = ? AND state = 'open'",  # noqa: S608 - a constant
                    (_now(), key),
                )

    async def record_upload(self, key: str, uploader: str, reference: MediaReference | None) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            media = media_to_text(reference)
            changed = db.execute(
                "UPDATE job SET state = 'done', uploader = ?, media = ?, trouble = NULL, updated = ? WHERE key = ?",
                (uploader, media, _now(), key),
            )
            self._demand(changed, key)
            db.execute(
                "UPDATE picture SET uploader = ?, reference = ? WHERE id = (SELECT picture FROM job WHERE key = ?)",
                (uploader, media, key),
            )

    async def record_setback(self, key: str, trouble: Trouble, state: JobState) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            self._set_trouble(db, key, trouble, state)

    async def record_pick(self, key: str, version: int, operation: str, *, undoes: bool = False) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            job = db.execute("SELECT picture FROM job WHERE key = ?", (key,)).fetchone()
            if job is None:
                raise StorageError(f"the ledger knows no character {key}")
            picture = db.execute(
                "SELECT id, attempt, uploader, reference FROM picture WHERE key = ? AND version = ?", (key, version)
            ).fetchone()
            if picture is None:
                raise StorageError(f"the ledger knows no version {version} of {key}")
            number, attempt, uploader, media = picture
            if undoes:
                last = "SELECT MAX(id) FROM choice WHERE key = ? AND undone IS NULL"
                undone = db.execute(f"UPDATE choice SET undone = ? WHERE id = ({last})", (operation, key))  # noqa: S608 - a constant
                if not undone.rowcount:
                    raise StorageError(f"the ledger knows no choice of {key} that could be undone")
            elif job[0] != number:
                self._choose(db, key, version, operation)
            db.execute(
                "UPDATE job SET state = ?, picture = ?, uploader = ?, media = ?, trouble = NULL WHERE key = ?",
                ("saved" if uploader is None else "done", number, uploader, media, key),
            )
            self._tell_as_attempt(db, key, attempt)

    async def record_moved(self, key: str, path: str, now_at: str) -> None:
        """See :class:`Store`."""
        with self._transaction() as db:
            self._demand(db.execute("UPDATE job SET updated = ? WHERE key = ?", (_now(), key)), key)
            db.execute("UPDATE picture SET path = ? WHERE key = ? AND path = ?", (now_at, key, path))

    async def job(self, key: str) -> JobRecord | None:
        """See :class:`Store`."""
        with self._reading() as db:
            for row in named(db.execute("SELECT * FROM job WHERE key = ?", (key,))):
                pictures = named(db.execute("SELECT * FROM picture WHERE key = ? ORDER BY version", (key,)))
                (count,) = db.execute("SELECT COUNT(*) FROM attempt WHERE key = ?", (key,)).fetchone()
                begun = named(
                    db.execute("SELECT * FROM attempt WHERE key = ? AND state = 'open' ORDER BY rowid", (key,))
                )
                return job_of(row, pictures, count, map(attempt_of, begun))
        return None

    async def jobs(self) -> dict[str, JobRecord]:
        """See :class:`Store`."""
        with self._reading() as db, uncollected():
            begun: defaultdict[str, list[Attempt]] = defaultdict(list)
            for row in named(db.execute("SELECT * FROM attempt WHERE state = 'open' ORDER BY rowid")):
                begun[row["key"]].append(attempt_of(row))
            # Three streams in the same order, side by side: nothing but the records themselves is ever in memory.
            pictures = RowsByKey(named(db.execute("SELECT * FROM picture ORDER BY key, version")))
            counts = RowsByKey(
                named(db.execute("SELECT key, COUNT(*) AS attempts FROM attempt GROUP BY key ORDER BY key"))
            )
            found = {}
            for row in named(db.execute("SELECT * FROM job ORDER BY key")):
                key = row["key"]
                count = sum(counted["attempts"] for counted in counts.of(key))
                found[key] = job_of(row, pictures.of(key), count, begun.get(key, ()))
            return found

    async def history(self, key: str) -> tuple[AttemptRecord, ...]:
        """See :class:`Store`."""
        with self._reading() as db:
            pictures: defaultdict[str, list[PictureRecord]] = defaultdict(list)
            for row in named(db.execute("SELECT * FROM picture WHERE key = ? ORDER BY version", (key,))):
                pictures[row["attempt"]].append(picture_of(row))
            rows = named(db.execute("SELECT * FROM attempt WHERE key = ? ORDER BY rowid", (key,)))
            return tuple(history_of(row, pictures[row["id"]]) for row in rows)

    async def choices(self, key: str | None = None) -> tuple[Choice, ...]:
        """See :class:`Store`."""
        where, values = ("", ()) if key is None else (" AND key = ?", (key,))
        with self._reading() as db:
            rows = named(db.execute(f"SELECT * FROM choice WHERE undone IS NULL{where} ORDER BY id", values))  # noqa: S608 - a constant
            return tuple(choice_of(row) for row in rows)

    async def lost_attempts(self) -> tuple[Attempt, ...]:
        """See :class:`Store`."""
        with self._reading() as db:
            rows = named(db.execute("SELECT * FROM attempt WHERE possibly_charged = 1 ORDER BY rowid"))
            return tuple(attempt_of(row) for row in rows)

    async def set_aside(self) -> str:
        """See :class:`Store`: the file and its log are renamed to ``<name>.damaged-<date and time, UTC>``."""
        if self.context.read_only:
            raise StorageError(f"the ledger {self._path} was opened for looking only; it stays where it is")
        await self.close()
        with told(self._path):
            aside = put_aside(self._path)
        await self.open()
        folder = self.context.folder
        return aside.relative_to(folder).as_posix() if aside.is_relative_to(folder) else str(aside)

    async def faults(self) -> tuple[str, ...]:
        """See :class:`Store`: SQLite's own check of the file, rows that belong to nothing, rows that cannot be read."""
        with self._reading() as db:
            return tuple(faults_of(db))

    # -- rows -------------------------------------------------------------------------------------------------

    @staticmethod
    def _end(db: sqlite3.Connection, attempt: str, state: str) -> tuple[str, str, str, bool]:
        """Close an attempt and tell its job's key, its run, its fingerprint, and whether it is a candidate's."""
        row = db.execute("SELECT key, run, asked, candidate FROM attempt WHERE id = ?", (attempt,)).fetchone()
        if row is None:
            raise StorageError(f"the ledger knows no attempt {attempt}")
        db.execute("UPDATE attempt SET state = ?, ended = ? WHERE id = ?", (state, _now(), attempt))
        key, run, asked, candidate = row
        return key, run, asked, bool(candidate)

    @staticmethod
    def _choose(db: sqlite3.Connection, key: str, version: int, operation: str) -> None:
        insert(db, "choice", {"key": key, "version": version, "operation": operation, "made": _now()})

    @staticmethod
    def _tell_as_attempt(db: sqlite3.Connection, key: str, attempt: str) -> None:
        """The job is told with what the attempt says that made its current picture."""
        db.execute(
            "UPDATE job SET (provider, lane, asked, prompt) ="
            " (SELECT provider, lane, asked, prompt FROM attempt WHERE id = ?), updated = ? WHERE key = ?",
            (attempt, _now(), key),
        )

    @staticmethod
    def _set_trouble(db: sqlite3.Connection, key: str, trouble: Trouble, state: JobState) -> None:
        changed = db.execute(
            "UPDATE job SET state = ?, trouble = ?, updated = ? WHERE key = ?",
            (state.value, trouble_to_text(trouble), _now(), key),
        )
        SqliteStore._demand(changed, key)

    @staticmethod
    def _demand(changed: sqlite3.Cursor, key: str) -> None:
        """What was to be recorded has a row to stand in, or the caller hears of it."""
        if not changed.rowcount:
            raise StorageError(f"the ledger knows no character {key}")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """One state of the whole ledger; no other program is kept from writing, or waited for."""
        with self._transaction("BEGIN") as db:
            try:
                yield db
            except (ValueError, KeyError, TypeError) as error:
                words = shortened(f"{type(error).__name__}: {error}")
                raise DamagedLedgerError(
                    f"the ledger {self._path} is damaged: a row cannot be read ({words})"
                ) from error

    @contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
        if self._db is None:
            raise StorageError("the ledger is not open")
        with told(self._path):
            if self._file is not None and begin != "BEGIN" and which_file(self._path) != self._file:
                raise StorageError(  # SQLite would go on writing into a file that nobody will ever find again
                    f"the ledger {self._path} was moved or deleted during the run; nothing more is asked for: run again"
                )
            self._db.execute("BEGIN" if self.context.read_only else begin)
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk ends it by itself
                    self._db.execute("ROLLBACK")
                raise


def _now() -> str:
    return utc_now().isoformat()


@hookimpl
def register_stores(register: Callable[[type[Store]], None]) -> None:
    """Offer :class:`SqliteStore`."""
    register(SqliteStore)
