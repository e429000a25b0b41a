"""The file of the store ``sqlite``: durable, unharmed by other programs, and told as damaged when it is."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from charimg.contracts import ProviderContext
from charimg.errors import DamagedLedgerError, StorageError
from charimg.providers import sqlite_file, sqlite_rows, sqlite_schema
from charimg.providers.sqlite import SqliteStore
from tests.providers.sqlite_desk import attempt, done, ledger, picture, seen, store_at


def test_ledger_is_flushed_at_every_commit(tmp_path: Path) -> None:
    """The pragmas that make a commit survive a power cut are set."""
    with store_at(tmp_path) as store:
        assert store._db is not None
        found = [store._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]

    assert found == ["wal", 2]


def test_older_ledger_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger of an earlier version keeps its records, in a run; a look shows them and changes nothing."""
    with store_at(tmp_path) as store:
        done(store.record_intent(attempt()))
    monkeypatch.setattr(
        sqlite_schema, "MIGRATIONS", (*sqlite_schema.MIGRATIONS, "ALTER TABLE job ADD COLUMN colour TEXT;")
    )
    before = ledger(tmp_path).read_bytes()

    looked = seen(tmp_path)
    untouched = ledger(tmp_path).read_bytes() == before
    with store_at(tmp_path) as store:
        ran = done(store.job("rani"))
        assert store._db is not None
        version = store._db.execute("PRAGMA user_version").fetchone()[0]

    assert looked is not None
    assert (looked, untouched, version) == (ran, True, len(sqlite_schema.MIGRATIONS))


def test_migration_that_fails_leaves_the_old_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration is all or nothing."""
    with store_at(tmp_path) as store:
        done(store.record_intent(attempt()))
    good = sqlite_schema.MIGRATIONS
    monkeypatch.setattr(
        sqlite_schema, "MIGRATIONS", (*good, "ALTER TABLE job ADD COLUMN colour TEXT; SELECT nonsense;")
    )
    with pytest.raises(StorageError), store_at(tmp_path):
        pass
    monkeypatch.setattr(sqlite_schema, "MIGRATIONS", good)

    record = seen(tmp_path)

    assert record is not None
    with closing(sqlite3.connect(ledger(tmp_path))) as db:
        assert "colour" not in [column[1] for column in db.execute("PRAGMA table_info(job)")]


@pytest.mark.parametrize("read_only", [True, False])
def test_newer_ledger_is_refused(read_only: bool, tmp_path: Path) -> None:
    """A ledger of a newer charimg is left alone, with the command that helps."""
    with store_at(tmp_path):
        pass
    with closing(sqlite3.connect(ledger(tmp_path))) as db:
        db.execute(f"PRAGMA user_version={len(sqlite_schema.MIGRATIONS) + 1}")

    with pytest.raises(StorageError, match="newer charimg; update this one: pip install -U charimg-cli"):
        seen(tmp_path) if read_only else store_at(tmp_path).__enter__()


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("version", [0, 1, 7])
def test_database_of_something_else_is_left_alone(version: int, read_only: bool, tmp_path: Path) -> None:
    """A setting that points to another program's database does not put our tables into it."""
    path = tmp_path / "browser.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"CREATE TABLE history (url TEXT); PRAGMA user_version={version};")
    before = path.read_bytes()
    with pytest.raises(StorageError, match="database of something else"):
        store_at(tmp_path, read_only=read_only, path="browser.sqlite").__enter__()

    assert path.read_bytes() == before


# -- damage -----------------------------------------------------------------------------------------------------------


def fill(folder: Path, jobs: int = 40) -> bytes:
    """A ledger with some pictures, closed; its bytes."""
    with store_at(folder) as store:
        assert store._db is not None
        store._db.execute("PRAGMA synchronous=OFF")
        for number in range(jobs):
            done(store.record_intent(attempt(str(number), f"k{number}", prompt="p" * 500)))
            done(store.record_saved(str(number), picture(f"pictures/k{number}.png")))
    return ledger(folder).read_bytes()


def without(folder: Path, statement: str) -> bytes:
    """What a ledger is after the statement."""
    fill(folder)
    with closing(sqlite3.connect(ledger(folder))) as db:
        db.execute(statement)
        db.commit()
    return ledger(folder).read_bytes()


def young_without_log(folder: Path) -> bytes:
    """What the older versions of charimg had in the file itself until the first tidying up: no table yet."""
    fill(folder)
    with closing(sqlite3.connect(folder / "young")) as db:
        db.execute("PRAGMA journal_mode=WAL")
    return (folder / "young").read_bytes()


NOISE = bytes(random.Random(4).randbytes(20_000))
DAMAGES: dict[str, Callable[[Path], bytes]] = {
    "empty": lambda folder: fill(folder)[:0],
    "other text": lambda folder: fill(folder)[:0] + b"not a ledger " * 99,
    "only the header": lambda folder: fill(folder)[:100],
    "cut in a page": lambda folder: fill(folder)[:5000],
    "cut between pages": lambda folder: fill(folder)[: 4096 * 9],
    "noise in the first page": lambda folder: fill(folder)[:100] + NOISE,
    "noise in the header": lambda folder: NOISE[:100] + fill(folder)[100:],
    "a young one whose log is gone": young_without_log,
    "no table of attempts": lambda folder: without(folder, "DROP TABLE attempt"),
    "no table of choices": lambda folder: without(folder, "DROP TABLE choice"),
}


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_ledger_is_told_when_it_is_opened(damage: str, read_only: bool, tmp_path: Path) -> None:
    """Before anything is asked of it, in one line with the way out; nothing is changed."""
    data = DAMAGES[damage](tmp_path)
    ledger(tmp_path).write_bytes(data)
    with pytest.raises(DamagedLedgerError) as told:
        store_at(tmp_path, read_only=read_only).__enter__()
    words = str(told.value)

    assert f"the ledger {ledger(tmp_path)} is damaged: " in words
    assert "; charimg check --repair rebuilds it from the pictures, and charimg run does so by itself" in words
    assert (ledger(tmp_path).read_bytes(), "\n" in words) == (data, False)


def test_noise_in_the_middle_is_found_when_a_run_opens_it(tmp_path: Path) -> None:
    """Every place of the file is looked at before a run begins, not only those that the run happens to read."""
    whole = fill(tmp_path)
    found = 0
    for page in range(1, len(whole) // 4096):
        ledger(tmp_path).write_bytes(whole[: page * 4096] + NOISE[:4096] + whole[page * 4096 + 4096 :])
        try:
            with store_at(tmp_path):
                pass
        except DamagedLedgerError:
            found += 1

    assert found == len(whole) // 4096 - 1


@pytest.mark.parametrize("call", ["jobs", "lost_attempts", "choices"])
def test_damage_that_shows_itself_later_is_told_as_that(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger that is too large to be looked through at once, or breaks in the middle of a run."""
    monkeypatch.setattr(sqlite_file, "LOOKED_THROUGH", 0)
    whole = fill(tmp_path)
    with closing(sqlite3.connect(ledger(tmp_path))) as db:
        db.execute("UPDATE attempt SET possibly_charged = 1")
        db.commit()
        roots = [page for (page,) in db.execute("SELECT rootpage FROM sqlite_master WHERE rootpage > 1")]
    broken = bytearray(ledger(tmp_path).read_bytes())
    for page in roots:
        broken[(page - 1) * 4096 : page * 4096] = NOISE[:4096]
    ledger(tmp_path).write_bytes(bytes(broken))
    with store_at(tmp_path) as store:
        with pytest.raises(DamagedLedgerError, match="charimg check --repair"):
            done(getattr(store, call)())
        aside = done(store.set_aside())
        known = done(store.jobs())

    assert (len(whole) > 0, known, (tmp_path / aside).read_bytes()) == (True, {}, bytes(broken))


@pytest.mark.parametrize("column", ["facts", "details", "saved", "reference"])
def test_row_that_cannot_be_read_is_damage(column: str, tmp_path: Path) -> None:
    """Noise within a text, which SQLite itself cannot know for noise."""
    fill(tmp_path)
    with closing(sqlite3.connect(ledger(tmp_path))) as db:
        db.execute(f"UPDATE picture SET {column} = 'no\u00efse' WHERE key = 'k7'")
        db.commit()
    with store_at(tmp_path) as store:
        whole = done(store.job("k8"))
        with pytest.raises(DamagedLedgerError, match="a row cannot be read"):
            done(store.job("k7"))
        faults = done(store.faults())

    assert whole is not None
    assert [fault.partition(" cannot be read")[0] for fault in faults] == ["the picture pictures/k7.png"]


def test_damaged_ledger_is_put_aside_whole(tmp_path: Path) -> None:
    """The file and its log keep every byte under names that are free; a new ledger is open."""
    fill(tmp_path)
    asides = []
    for number in (1, 2):
        for side in ("", "-wal"):
            Path(f"{ledger(tmp_path)}{side}").write_bytes(f"damaged {number}{side}".encode())
        store = SqliteStore(ProviderContext(folder=tmp_path, out=tmp_path))
        with pytest.raises(DamagedLedgerError):
            done(store.open())
        asides.append(done(store.set_aside()))
        done(store.record_intent(attempt()))
        done(store.close())
    kept = [[Path(f"{tmp_path / aside}{side}").read_bytes() for side in ("", "-wal")] for aside in asides]

    assert re.fullmatch(r"\.charimg/state\.sqlite\.damaged-\d{8}T\d{6}Z", asides[0])
    assert kept == [[f"damaged {number}{side}".encode() for side in ("", "-wal")] for number in (1, 2)]
    assert seen(tmp_path) is not None


def test_log_of_a_ledger_that_is_gone_is_not_taken_for_the_new_ones(tmp_path: Path) -> None:
    """Somebody removed the file and left the log: it is put aside, and does not end up in the new ledger."""
    with store_at(tmp_path) as store:
        done(store.record_intent(attempt()))
        log = Path(f"{ledger(tmp_path)}-wal").read_bytes()
    ledger(tmp_path).unlink()
    Path(f"{ledger(tmp_path)}-wal").write_bytes(log)
    with store_at(tmp_path) as store:
        known, faults = done(store.jobs()), done(store.faults())
    kept = [path.read_bytes() for path in ledger(tmp_path).parent.glob("*.damaged-*-wal")]

    assert (known, faults, kept) == ({}, (), [log])


def test_only_a_run_puts_a_ledger_aside(tmp_path: Path) -> None:
    """A store that was opened to look moves nothing."""
    fill(tmp_path)
    with store_at(tmp_path, read_only=True) as store, pytest.raises(StorageError, match="looking only"):
        done(store.set_aside())

    assert [path.name for path in ledger(tmp_path).parent.iterdir()] == ["state.sqlite"]


@pytest.mark.parametrize("data", [b"characters:\n  - name: Rani\n", b"\x89PNG\r\n\x1a\n" + NOISE])
@pytest.mark.parametrize("read_only", [True, False])
def test_file_of_the_users_own_is_no_damaged_ledger(data: bytes, read_only: bool, tmp_path: Path) -> None:
    """A setting that points to a roster or a picture by mistake: nobody may take it for a ledger and move it."""
    (tmp_path / "cast.yaml").write_bytes(data)
    with pytest.raises(StorageError, match="is no ledger; choose another file") as told:
        store_at(tmp_path, read_only=read_only, path="cast.yaml").__enter__()

    assert not isinstance(told.value, DamagedLedgerError)
    assert (tmp_path / "cast.yaml").read_bytes() == data


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is stopped between two instructions only by fork")
def test_ledger_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    """A process that dies while it makes the ledger leaves none that would be taken for a damaged one."""
    for number in range(12):
        folder = tmp_path / str(number)
        folder.mkdir()
        child = os.fork()
        if not child:
            left = number

            def dying(db: sqlite_rows.Connection, sql: str, *_: object) -> sqlite3.Cursor:
                nonlocal left
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return sqlite3.Connection.execute(db, sql)

            sqlite_rows.Connection.execute = dying  # type: ignore[method-assign]  # in the child alone
            done(SqliteStore(ProviderContext(folder=folder, out=folder)).open())
            os._exit(0)
        os.waitpid(child, 0)
        with store_at(folder) as store:
            done(store.record_intent(attempt()))

        assert seen(folder) is not None


# -- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("DELETE FROM attempt WHERE id = '3'", "the picture pictures/k3.png (k3) belongs to an attempt that is not"),
        ("DELETE FROM job WHERE key = 'k3'", "the picture pictures/k3.png belongs to k3, who is not recorded"),
        ("DELETE FROM picture WHERE key = 'k3'", "the current picture of k3 is not recorded"),
        ("UPDATE job SET picture = NULL WHERE key = 'k3'", "k3 has pictures, and none of them is the current one"),
        ("UPDATE attempt SET key = 'k4' WHERE id = '3'", "k3, version 1: the picture has another attempt's character"),
        ("UPDATE choice SET version = 9 WHERE key = 'k3'", "a choice of k3 names version 9, which is not recorded"),
        ("UPDATE job SET uploader = 'x' WHERE key = 'k3'", "k3 is done according to x, which the current picture"),
        ("UPDATE job SET state = 'x' WHERE key = 'k3'", "the job k3 cannot be read: ValueError"),
        ("UPDATE attempt SET started = 'x' WHERE key = 'k3'", "the attempt 3 cannot be read: ValueError"),
        ("UPDATE choice SET made = 'x' WHERE key = 'k3'", "the choice 4 cannot be read: ValueError"),
    ],
)
def test_what_contradicts_itself_is_told(statement: str, fault: str, tmp_path: Path) -> None:
    """Each kind of row that belongs to nothing, or cannot be read, in words that name it; a whole ledger has none."""
    fill(tmp_path)
    with store_at(tmp_path, read_only=True) as store:
        before = done(store.faults())
    without_some = sqlite3.connect(ledger(tmp_path))
    with closing(without_some) as db:
        db.execute(statement)
        db.commit()
    with store_at(tmp_path, read_only=True) as store:
        told = done(store.faults())

    assert before == ()
    assert any(line.startswith(fault) for line in told), told


def test_many_faults_of_a_kind_are_counted(tmp_path: Path) -> None:
    """A list that nobody reads helps nobody."""
    fill(tmp_path)
    with closing(sqlite3.connect(ledger(tmp_path))) as db:
        db.execute("UPDATE job SET picture = NULL")
        db.commit()
    with store_at(tmp_path, read_only=True) as store:
        told = done(store.faults())

    assert (len(told), told[-1]) == (21, "... and 20 more of the same kind")


# -- other programs, other files --------------------------------------------------------------------------------------


def test_ledger_held_by_another_program_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock of another program is waited for, then told as that."""
    monkeypatch.setattr(sqlite_file, "LOCK_WAIT", 0.01)
    with store_at(tmp_path) as store, closing(sqlite3.connect(ledger(tmp_path), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="locked; another program has it open; close that and run again"):
            done(store.record_intent(attempt()))
        other.execute("ROLLBACK")
        done(store.record_intent(attempt()))

    assert seen(tmp_path) is not None


def test_full_disk_is_told_and_forgotten_once_there_is_room(tmp_path: Path) -> None:
    """A commit that finds no room is one error; nothing of it is recorded, and the next one works again."""
    with store_at(tmp_path) as store:
        assert store._db is not None
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count={pages}")
        with pytest.raises(StorageError, match="full; free some space"):
            done(store.record_intent(attempt(prompt="p" * 50_000)))
        store._db.execute("PRAGMA max_page_count=1000000")
        nothing = seen(tmp_path)
        done(store.record_intent(attempt()))

    assert nothing is None
    assert seen(tmp_path) is not None


def test_looking_creates_nothing(tmp_path: Path) -> None:
    """A look at a project without a ledger finds an empty one and leaves no trace."""
    with store_at(tmp_path, read_only=True) as store:
        assert done(store.jobs()) == {}

    assert list(tmp_path.iterdir()) == []


def test_looking_leaves_nothing_beside_the_ledger(tmp_path: Path) -> None:
    """A look at a ledger at rest leaves the folder as it was: no log files, not a byte changed."""
    with store_at(tmp_path) as store:
        done(store.record_intent(attempt()))
    before = {path.name: path.read_bytes() for path in ledger(tmp_path).parent.iterdir()}
    record = seen(tmp_path)

    assert record is not None
    assert {path.name: path.read_bytes() for path in ledger(tmp_path).parent.iterdir()} == before


def test_looking_changes_nothing(tmp_path: Path) -> None:
    """A store opened to look refuses to record."""
    with store_at(tmp_path):
        pass
    with store_at(tmp_path, read_only=True) as store, pytest.raises(StorageError, match="readonly"):
        done(store.record_intent(attempt()))

    assert seen(tmp_path) is None


def test_closed_store_says_so(tmp_path: Path) -> None:
    """A store that was never opened, or closed again, is an error of the store; closing twice is none."""
    store = SqliteStore(ProviderContext(folder=tmp_path, out=tmp_path))
    asyncio.run(store.close())

    with pytest.raises(StorageError, match="not open"):
        done(store.jobs())


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file in the way of the ledger's folder is one line."""
    (tmp_path / ".charimg").write_text("")

    with pytest.raises(StorageError, match=r"the ledger .*check its permissions"):
        store_at(tmp_path).__enter__()


def test_odd_folder_names_are_no_trouble(tmp_path: Path) -> None:
    """Signs that mean something in an address mean nothing in a folder's name."""
    folder = tmp_path / "50% off? #1 গোপাল"
    folder.mkdir()
    with store_at(folder) as store:
        done(store.record_intent(attempt()))

    assert seen(folder) is not None
