"""What contradicts itself in a ledger of the store ``sqlite``, in words."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

from charimg.providers.sqlite_file import shortened
from charimg.providers.sqlite_rows import attempt_of, choice_of, history_of, job_of, named, picture_of

MOST = 20
"""Faults of one kind that are told one by one."""

_DANGLING = (
    (
        "the picture {} ({}) belongs to an attempt that is not recorded",
        "SELECT path, key FROM picture WHERE NOT EXISTS (SELECT 1 FROM attempt WHERE id = picture.attempt)",
    ),
    (
        "the picture {} belongs to {}, who is not recorded",
        "SELECT path, key FROM picture WHERE NOT EXISTS (SELECT 1 FROM job WHERE key = picture.key)",
    ),
    (
        "the attempt {} belongs to {}, who is not recorded",
        "SELECT id, key FROM attempt WHERE NOT EXISTS (SELECT 1 FROM job WHERE key = attempt.key)",
    ),
    (
        "the current picture of {} is not recorded",
        "SELECT key FROM job WHERE picture IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM picture WHERE id = job.picture AND key = job.key)",
    ),
    (
        "{} has pictures, and none of them is the current one",
        "SELECT key FROM job WHERE picture IS NULL AND EXISTS (SELECT 1 FROM picture WHERE key = job.key)",
    ),
    (
        "{}, version {}: the picture has another attempt's character",
        "SELECT picture.key, picture.version FROM picture JOIN attempt ON attempt.id = picture.attempt"
        " WHERE attempt.key <> picture.key",
    ),
    (
        "a choice of {} names version {}, which is not recorded",
        "SELECT key, version FROM choice"
        " WHERE NOT EXISTS (SELECT 1 FROM picture WHERE key = choice.key AND version = choice.version)",
    ),
    (
        "{} is done according to {}, which the current picture knows nothing of",
        "SELECT job.key, COALESCE(job.uploader, 'nobody') FROM job JOIN picture ON picture.id = job.picture"
        " WHERE job.uploader IS NOT picture.uploader",
    ),
)
"""What is wrong, and the query that finds it."""

_READERS: tuple[tuple[str, str, Callable[[dict[str, Any]], object]], ...] = (
    ("attempt", "id", lambda row: (attempt_of(row), history_of(row, ()))),
    ("picture", "path", picture_of),
    ("job", "key", lambda row: job_of(row, (), 0, ())),
    ("choice", "id", choice_of),
)
"""Tables, what their rows are called by, and what reads one."""


def faults_of(db: sqlite3.Connection) -> Iterator[str]:
    """One line for each fault; for the first of a kind where there are many.

    :raises sqlite3.Error: the file is so damaged that it cannot even be looked through.
    """
    whole = [str(fault) for (fault,) in db.execute(f"PRAGMA quick_check({MOST})")]
    if whole != ["ok"]:
        yield from whole
        return  # what its rows say means nothing
    for words, query in _DANGLING:
        yield from _first(words.format(*row) for row in db.execute(query))
    for table, name, read in _READERS:
        yield from _first(_unreadable(db, table, name, read))


def _unreadable(
    db: sqlite3.Connection, table: str, name: str, read: Callable[[dict[str, Any]], object]
) -> Iterator[str]:
    for row in named(db.execute(f"SELECT * FROM {table}")):  # noqa: S608 - a constant
        try:
            read(row)
        except (ValueError, KeyError, TypeError) as error:
            yield f"the {table} {row[name]} cannot be read: {shortened(f'{type(error).__name__}: {error}')}"


def _first(lines: Iterator[str]) -> Iterator[str]:
    """The first lines, and how many more there are."""
    more = 0
    for number, line in enumerate(lines):
        if number < MOST:
            yield line
        more = number + 1 - MOST
    if more > 0:
        yield f"... and {more} more of the same kind"
