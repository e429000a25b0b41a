"""The tables of the store ``sqlite``, version by version, and what a file must hold to be such a ledger."""

from __future__ import annotations

import sqlite3

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
    """
    ALTER TABLE attempt ADD COLUMN candidate INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE attempt ADD COLUMN stage TEXT NOT NULL DEFAULT 'generate';
    ALTER TABLE attempt ADD COLUMN wait REAL;
    ALTER TABLE attempt ADD COLUMN unreachable INTEGER NOT NULL DEFAULT 0;

    ALTER TABLE picture ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE picture ADD COLUMN asked TEXT;
    ALTER TABLE picture ADD COLUMN original TEXT;
    ALTER TABLE picture ADD COLUMN uploader TEXT;
    ALTER TABLE picture ADD COLUMN reference TEXT;
    UPDATE picture SET
        version = (SELECT COUNT(*) FROM picture AS other WHERE other.key = picture.key AND other.id <= picture.id),
        asked = (SELECT asked FROM attempt WHERE attempt.id = picture.attempt),
        uploader = (SELECT uploader FROM job WHERE job.key = picture.key AND job.picture = picture.id),
        reference = (SELECT media FROM job WHERE job.key = picture.key AND job.picture = picture.id);

    CREATE TABLE choice (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL,
        version INTEGER NOT NULL,
        operation TEXT NOT NULL,
        made TEXT NOT NULL,
        undone TEXT
    );
    INSERT INTO choice (key, version, operation, made)
        SELECT picture.key, picture.version, COALESCE(attempt.run, ''), picture.saved
        FROM picture JOIN job ON job.key = picture.key AND job.picture = picture.id
        LEFT JOIN attempt ON attempt.id = picture.attempt
        ORDER BY picture.id;

    DROP INDEX attempt_by_key;
    DROP INDEX attempt_by_state;
    DROP INDEX picture_by_key;
    CREATE INDEX attempt_by_key ON attempt (key, state);
    CREATE INDEX attempt_open ON attempt (state) WHERE state = 'open';
    CREATE INDEX attempt_charged ON attempt (possibly_charged) WHERE possibly_charged = 1;
    CREATE UNIQUE INDEX picture_by_key ON picture (key, version);
    CREATE INDEX choice_by_key ON choice (key);

    PRAGMA application_id = 1667785074;
    """,
)
"""One script a version of the schema, applied in order; ``PRAGMA user_version`` counts them. Never edit one that was
released: add the next."""

APPLICATION = 1667785074
"""Marks the file as charimg's, from version 3 on; ``"char"`` in ASCII."""

TABLES = frozenset({"run", "attempt", "picture", "job"})
"""The tables of every version; ``choice`` came with the third."""


def version_of(db: sqlite3.Connection) -> int:
    """How many of the migrations the file has seen."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: sqlite3.Connection) -> None:
    """Bring the tables up to date, each version whole or not at all."""
    for number, script in enumerate(MIGRATIONS[version_of(db) :], version_of(db) + 1):
        db.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version={number}; COMMIT;")


def is_foreign(db: sqlite3.Connection) -> bool:
    """Whether the file is the database of something else.

    A ledger that lost a table is a damaged ledger: two of the old tables, or the mark, are enough to know it by.
    """
    tables = _tables(db)
    mark = int(db.execute("PRAGMA application_id").fetchone()[0])
    if mark:
        return mark != APPLICATION
    return bool(tables) and (not version_of(db) or len(tables & TABLES) < 2)


def missing_tables(db: sqlite3.Connection) -> list[str]:
    """The tables that a ledger of this version has and the file has not.

    A file without any is one whose log is gone: a ledger is never left without tables.
    """
    wanted = TABLES | {"choice"} if version_of(db) > 2 else TABLES
    return sorted(wanted - _tables(db))


def _tables(db: sqlite3.Connection) -> frozenset[str]:
    return frozenset(name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))
