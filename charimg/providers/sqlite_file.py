"""The file of the store ``sqlite``: opened, found to be whole, put out of the way; its troubles in one line each."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from charimg.durable_files import discard, sync_folder
from charimg.errors import DamagedLedgerError, KnownAttemptError, StorageError
from charimg.model import utc_now
from charimg.project import STATE_FOLDER
from charimg.providers.sqlite_rows import Connection
from charimg.providers.sqlite_schema import MIGRATIONS, is_foreign, migrate, missing_tables, version_of

LOCK_WAIT = 10.0
"""Seconds to wait for another program that holds the file."""

LOOKED_THROUGH = 512 * 2**20
"""Bytes up to which a ledger is looked through whenever it is opened for a run: 200,000 characters, and a second or
two; a hundred characters take a millisecond. In a larger one damage shows itself when it is read."""

LONGEST_WORDS = 200
"""Characters of such words that are told."""

SIDES = ("-wal", "-shm")
"""What SQLite keeps beside a database, after its name: the log of the newest transactions, and the log's index."""

_HEADER = b"SQLite format 3\x00"
_DAMAGE = ("malformed", "not a database", "could not decode", "database corruption")
"""What SQLite's words for a damaged file have in them; codes came with Python 3.11."""


def open_to_write(path: Path) -> sqlite3.Connection:
    """A connection that writes durably to a ledger of the newest version; made anew where there is none.

    :raises sqlite3.Error: as SQLite says it.
    :raises OSError: the folder or the file cannot be made.
    :raises StorageError: the file is damaged, of something else, or of a newer version.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _make(path)
    # By a connection that can change nothing: one that writes tidies up when it is closed, and takes away the log of a
    # damaged file, with the newest facts in it.
    with closing(_connected_to_look(path)) as look:
        _check(look, path)
        if path.stat().st_size <= LOOKED_THROUGH:
            for (fault,) in look.execute("PRAGMA quick_check(1)"):
                if fault != "ok":
                    raise DamagedLedgerError(f"the ledger {path} is damaged: {fault}")
    db = _connected(path)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        migrate(db)
    except BaseException:
        db.close()
        raise
    return db


def open_to_look(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing and leaves nothing behind; to an empty ledger where there is no file yet.

    :raises sqlite3.Error: as SQLite says it.
    :raises StorageError: the file is damaged, of something else, or of a newer version.
    """
    db = None
    if path.is_file():
        db = _connected_to_look(path)
        try:
            _check(db, path)
            if version_of(db) == len(MIGRATIONS):
                return db
        except BaseException:
            db.close()
            raise
    # An older ledger is brought up to date in memory only.
    copy = sqlite3.connect(":memory:", isolation_level=None, factory=Connection)
    try:
        if db is not None:
            db.backup(copy)
        migrate(copy)
    except BaseException:
        copy.close()
        raise
    finally:
        if db is not None:
            db.close()
    return copy


def put_aside(path: Path) -> Path:
    """Rename the file and what SQLite keeps beside it, to names that are free; returns where it is now.

    :raises OSError: the folder refuses.
    """
    aside = path.with_name(f"{path.name}.damaged-{utc_now():%Y%m%dT%H%M%SZ}")
    number = 1
    while any(os.path.lexists(f"{aside}{side}") for side in ("", *SIDES)):
        number += 1
        aside = path.with_name(f"{aside.name.partition('.again-')[0]}.again-{number}")
    for side in ("", *SIDES):
        part = path.with_name(f"{path.name}{side}")
        if os.path.lexists(part):
            part.rename(f"{aside}{side}")
    sync_folder(path.parent)
    return aside


def which_file(path: Path) -> tuple[int, int] | None:
    """What tells the file at *path* from any other, whatever it is called; ``None`` if there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def shortened(words: str) -> str:
    """What Python or SQLite say of damage, which may hold a whole row, as a part of one line."""
    line = " ".join("".join(char if char.isprintable() else " " for char in words).split())
    return line if len(line) <= LONGEST_WORDS else f"{line[: LONGEST_WORDS - 1]}…"


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn SQLite's and the system's errors into one line with a remedy."""
    try:
        yield
    except sqlite3.Error as error:
        words = shortened(str(error))
        if any(sign in words.lower() for sign in _DAMAGE):
            raise DamagedLedgerError(f"the ledger {path} is damaged: {words}") from error
        if "UNIQUE constraint failed: attempt.id" in words:
            raise KnownAttemptError(f"the ledger {path} has an attempt of this id already") from error
        remedy = "free some space and check the folder's permissions"
        if any(sign in words for sign in ("NOT NULL", "UNIQUE", "CHECK", "no such")):
            remedy = "charimg itself is at fault: please report it"
        elif "locked" in words:
            remedy = "another program has it open; close that and run again"
        raise StorageError(f"the ledger {path}: {words}; {remedy}") from error
    except UnicodeDecodeError as error:  # SQLite's words hold what it read
        raise DamagedLedgerError(f"the ledger {path} is damaged: its tables cannot be read") from error
    except OSError as error:
        raise StorageError(f"the ledger {path}: {error.strerror or error}; check its permissions") from error


def _connected(address: Path | str) -> sqlite3.Connection:
    return sqlite3.connect(
        address, uri=isinstance(address, str), timeout=LOCK_WAIT, isolation_level=None, factory=Connection
    )


def _connected_to_look(path: Path) -> sqlite3.Connection:
    # A log beside the file belongs to a run under way, or to one that crashed: it must be read. Without one the
    # file is complete, and "immutable" keeps SQLite from making a log of its own, which it would not remove.
    quiet = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
    return _connected(f"{path.as_uri()}?mode=ro{quiet}")


def _make(path: Path) -> None:
    """A new ledger, whole from the first moment: a process that dies here leaves none, rather than half of one."""
    if any(os.path.lexists(f"{path}{side}") for side in SIDES):
        put_aside(path)  # the log of a ledger that is gone; SQLite would take it for the new one's
    part = path.with_name(f".{path.name}.part")
    parts = [part.with_name(f"{part.name}{side}") for side in ("", "-journal", *SIDES)]
    try:
        for left in parts:
            discard(left)
        with closing(_connected(part)) as db:
            db.execute("PRAGMA synchronous=FULL")
            migrate(db)
            db.execute("PRAGMA journal_mode=WAL")
        try:
            path.hardlink_to(part)
        except FileExistsError:
            pass  # another process was faster, and its ledger holds something by now
        except OSError:  # a file system without hard links
            part.replace(path)
    finally:
        for left in parts:
            discard(left)
    sync_folder(path.parent)


def _check(db: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that is damaged, that is something else altogether, or that this version cannot read."""
    with path.open("rb") as file:
        header = file.read(len(_HEADER))
    if header and header != _HEADER and path.parent.name != STATE_FOLDER:
        # Damaged perhaps, but outside of charimg's own folder more likely a file of the user's, which nobody may move.
        raise StorageError(f"{path} is no ledger; choose another file for it, or move this one away if it was one")
    if not header:
        raise DamagedLedgerError(f"the ledger {path} is damaged: it is empty")
    if is_foreign(db):
        raise StorageError(f"{path} is the database of something else; choose another file for the ledger")
    if version_of(db) > len(MIGRATIONS):
        raise StorageError(f"{path} was written by a newer charimg; update this one: pip install -U charimg-cli")
    if missing := missing_tables(db):
        raise DamagedLedgerError(f"the ledger {path} is damaged: it lacks {', '.join(missing)}")
