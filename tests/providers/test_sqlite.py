"""The store ``sqlite``: durable at every return, faithful to every text, unharmed by whatever else touches its file."""

from __future__ import annotations

import asyncio
import inspect
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Coroutine, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from charimg.contracts import Attempt, JobRecord, JobState, PictureRecord, ProviderContext, Store, Trouble
from charimg.errors import StorageError
from charimg.model import Cost, ImageFacts, MediaReference, Verdict
from charimg.providers import sqlite
from charimg.providers.sqlite import SqliteStore

T = TypeVar("T")
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=timezone.utc)
FACTS = ImageFacts("png", 512, 910, "ab" * 32, 12345)
MEDIA = MediaReference("id-1", "id", "whisk", "whisk", NOON + timedelta(days=1), "an old man")
TORN = "torn \ud83d text, \x00 and \udcff"
"""Half an emoji, a NUL, and a byte of a file name that is no UTF-8."""


def done(call: Coroutine[Any, Any, T]) -> T:
    """Run a method that never suspends, as this store's do."""
    try:
        call.send(None)
    except StopIteration as result:
        return result.value  # type: ignore[no-any-return]
    raise AssertionError("the store waits for something")


@contextmanager
def store_at(folder: Path, *, read_only: bool = False, **options: str) -> Iterator[SqliteStore]:
    store = SqliteStore(ProviderContext(folder=folder, out=folder, read_only=read_only, settings=options))
    done(store.open())
    try:
        yield store
    finally:
        done(store.close())


def seen(folder: Path, key: str = "rani") -> JobRecord | None:
    """What another process would read at this moment."""
    with store_at(folder, read_only=True) as other:
        return done(other.job(key))


def attempt(id: str = "a1", key: str = "rani", **changes: Any) -> Attempt:  # noqa: A002 - the field's name
    base = Attempt(id, "run 1", key, "Rani", "whisk", "whisk", "f" * 16, "a queen", 7, NOON)
    return replace(base, **changes)


def picture(path: str = "pictures/rani.png", **changes: Any) -> PictureRecord:
    return replace(PictureRecord(path, FACTS), **changes)


def ledger(folder: Path) -> Path:
    return folder / ".charimg" / "state.sqlite"


TROUBLE = Trouble(Verdict.THROTTLED, "too much", "generate", 30.5, possibly_charged=True)

# -- every method, seen by another connection at once ----------------------------------------------------------------


def test_intent_is_open_for_others(tmp_path: Path) -> None:
    """The moment an intent is recorded, any other process sees the attempt open."""
    with store_at(tmp_path) as store:
        done(store.record_intent(attempt()))
        record = seen(tmp_path)

    assert record is not None
    assert (record.state, record.open_attempts, record.attempts, record.name) == (
        JobState.OPEN,
        (attempt(),),
        1,
        "Rani",
    )


def test_saved_picture_keeps_all_that_is_known_of_it(tmp_path: Path) -> None:
    """Every field of a picture's record comes back as it went in."""
    full = picture(
        seed=2**200,
        model="IMAGEN_3_5",
        prompt="রানী, a queen",
        request_id="r-1",
        cost=Cost(0.04, "USD", "reported"),
        media=MEDIA,
        adopted=True,
    )
    with store_at(tmp_path) as store:
        done(store.record_intent(attempt(seed=2**200)))
        done(store.record_saved("a1", full))
        record = seen(tmp_path)

    assert record is not None
    assert (record.state, record.picture, record.open_attempts, record.spent) == (
        JobState.SAVED,
        full,
        (),
        (Cost(0.04, "USD", "reported"),),
    )


def test_trouble_ends_the_attempt(tmp_path: Path) -> None:
    """Trouble leaves the job in the state it was given, with every field of the trouble; charged ones are listed."""
    with store_at(tmp_path) as store:
        done(store.record_intent(attempt()))
        done(store.record_trouble("a1", TROUBLE, JobState.PENDING))
        record = seen(tmp_path)
        lost = done(store.lost_attempts())

    assert record is not None
    assert (record.state, record.trouble, record.open_attempts) == (JobState.PENDING, TROUBLE, ())
    assert lost == (attempt(),)


def test_upload_makes_the_job_done(tmp_path: Path) -> None:
    """An upload is recorded with its reference; earlier trouble is over."""
    with store_at(tmp_path) as store:
        done(store.record_intent(attempt()))
        done(store.record_saved("a1", picture()))
        done(store.record_setback("rani", replace(TROUBLE, stage="upload"), JobState.SAVED))
        before = seen(tmp_path)
        done(store.record_upload("rani", "whisk", MEDIA))
        after = seen(tmp_path)

    assert before is not None
    assert after is not None
    assert (before.state, before.trouble) == (JobState.SAVED, replace(TROUBLE, stage="upload"))
    assert (after.state, after.uploader, after.media, after.trouble) == (JobState.DONE, "whisk", MEDIA, None)


@pytest.mark.parametrize(
    ("steps", "state"),
    [([], JobState.PENDING), (["save"], JobState.SAVED), (["save", "upload"], JobState.DONE)],
)
def test_lost_attempt_leaves_what_was_there(steps: list[str], state: JobState, tmp_path: Path) -> None:
    """A second attempt that is lost takes nothing from the first one's picture; it may have been charged."""
    with store_at(tmp_path) as store:
        done(store.record_intent(attempt("first")))
        if "save" in steps:
            done(store.record_saved("first", picture()))
        else:
            done(store.record_trouble("first", replace(TROUBLE, possibly_charged=False), JobState.FAILED))
        if "upload" in steps:
            done(store.record_upload("rani", "whisk", MEDIA))
        done(store.record_intent(attempt("second")))
        done(store.record_lost("second"))
        record = seen(tmp_path)
        lost = done(store.lost_attempts())

    assert record is not None
    assert (record.state, record.open_attempts, record.attempts) == (state, (), 2)
    assert lost == (attempt("second"),)


def test_picture_made_again_keeps_the_first_where_it_went(tmp_path: Path) -> None:
    """The old picture's record follows its file, the new one is the job's, and both were paid."""
    with store_at(tmp_path) as store:
        for number in (1, 2):
            done(store.record_intent(attempt(f"a{number}")))
            kept = "pictures/rani.1.png" if number == 2 else None
            made = picture(seed=number, cost=Cost(0.5, "credits"))
            done(store.record_saved(f"a{number}", made, kept))
        done(store.record_intent(attempt("b", key="gopal")))
        done(store.record_saved("b", picture("pictures/gopal.png", cost=Cost(1, "USD"))))
        record = seen(tmp_path)

    assert record is not None
    assert record.picture == picture(seed=2, cost=Cost(0.5, "credits"))
    assert record.other_pictures == (picture("pictures/rani.1.png", seed=1, cost=Cost(0.5, "credits")),)
    assert record.spent == (Cost(1.0, "credits"),)


def test_runs_keep_their_plan_and_summary(tmp_path: Path) -> None:
    """A run's plan and its end are there for the curious; the newest plan is the last one begun."""
    with store_at(tmp_path) as store:
        for run, when in (("r1", NOON), ("r2", NOON - timedelta(days=1))):  # a clock that was set back
            done(store.begin_run(run, when, {"run": run, "out": Path("/pictures")}))
        done(store.finish_run("r1", NOON, {"succeeded": 3}))
        assert done(store.last_plan()) == {"run": "r2", "out": "/pictures"}

    with closing(sqlite3.connect(ledger(tmp_path))) as db:
        rows = db.execute("SELECT id, finished, summary FROM run ORDER BY id").fetchall()

    assert rows == [("r1", NOON.isoformat(), '{"succeeded": 3}'), ("r2", None, None)]


def test_every_method_of_the_contract_is_there() -> None:
    """No method of the store is left to the contract's NotImplementedError."""
    missing = [name for name in vars(Store) if inspect.iscoroutinefunction(getattr(Store, name))
               and getattr(SqliteStore, name) is getattr(Store, name)]  # fmt: skip

    assert missing == []


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.record_saved("nobody", picture()),
        lambda store: store.record_trouble("nobody", TROUBLE, JobState.FAILED),
        lambda store: store.record_lost("nobody"),
        lambda store: store.record_upload("nobody", "whisk", MEDIA),
        lambda store: store.record_setback("nobody", TROUBLE, JobState.SAVED),
    ],
)
def test_fact_about_an_unknown_is_an_error(call: Any, tmp_path: Path) -> None:
    """What cannot be recorded is not silently forgotten."""
    with store_at(tmp_path) as store, pytest.raises(StorageError, match=r"knows no (attempt|character) nobody"):
        done(call(store))


def test_intent_given_twice_changes_nothing(tmp_path: Path) -> None:
    """The same attempt cannot be begun twice, and the failed call leaves the ledger as it was and usable."""
    with store_at(tmp_path) as store:
        done(store.record_intent(attempt()))
        done(store.record_saved("a1", picture()))
        with pytest.raises(StorageError):
            done(store.record_intent(attempt(name="Another")))
        done(store.record_intent(attempt("a2", key="gopal")))
        record = seen(tmp_path)

    assert record is not None
    assert (record.name, record.state, record.attempts) == ("Rani", JobState.SAVED, 1)


# -- texts and numbers ----------------------------------------------------------------------------------------------


def test_torn_texts_come_back_as_they_were(tmp_path: Path) -> None:
    """Half characters and NULs, in every text a stranger may send, neither stop a run nor change."""
    torn = replace(TROUBLE, message=TORN)
    media = MediaReference(TORN, "id", TORN, TORN, None, TORN)
    made = picture(TORN, model=TORN, prompt=TORN, request_id=TORN, media=media, cost=Cost(1, TORN, TORN))
    begun = attempt(TORN, TORN, name=TORN, lane=TORN, provider=TORN, asked=TORN, prompt=TORN)
    with store_at(tmp_path) as store:
        done(store.begin_run(TORN, NOON, {TORN: TORN}))
        done(store.record_intent(begun))
        before = seen(tmp_path, TORN)
        done(store.record_trouble(TORN, torn, JobState.FAILED))
        done(store.record_intent(replace(begun, id=f"{TORN}2")))
        done(store.record_saved(f"{TORN}2", made, kept_as=f"{TORN}1"))
        done(store.record_upload(TORN, TORN, media))
        after = seen(tmp_path, TORN)

    assert before is not None
    assert after is not None
    assert before.open_attempts == (begun,)
    assert (after.key, after.name, after.picture, after.media, after.uploader) == (TORN, TORN, made, media, TORN)
    assert after.attempts == 2


@pytest.mark.parametrize("seed", [None, 0, -1, 2**63, 2**64 + 1, -(2**70)])
def test_any_seed_comes_back(seed: int | None, tmp_path: Path) -> None:
    """Seeds beyond SQLite's 64 bits are kept exactly."""
    with store_at(tmp_path) as store:
        done(store.record_intent(attempt(seed=seed)))
        record = seen(tmp_path)

    assert record is not None
    assert record.open_attempts[0].seed == seed


def test_a_plugins_odd_values_do_not_lose_the_picture(tmp_path: Path) -> None:
    """A value of a type that JSON does not know is kept as text: the picture is paid for and must be recorded."""
    with store_at(tmp_path) as store:
        done(store.record_intent(attempt()))
        done(store.record_saved("a1", picture(model=Path("model"), request_id=b"r")))
        record = seen(tmp_path)

    assert record is not None
    assert record.picture == picture(model="model", request_id="b'r'")


# -- a process that dies --------------------------------------------------------------------------------------------

DYING = """
    import asyncio, os, signal, sys
    from datetime import datetime, timezone
    from pathlib import Path
    from charimg.contracts import *
    from charimg.model import *
    from charimg.providers.sqlite import SqliteStore

    async def main():
        folder = Path(sys.argv[1])
        store = SqliteStore(ProviderContext(folder=folder, out=folder))
        await store.open()
        now = datetime.now(timezone.utc)
        for number in (1, 2):
            await store.record_intent(Attempt(str(number), "r", f"k{number}", "n", "l", "p", "f", "t", None, now))
        await store.record_saved("1", PictureRecord("k1.png", ImageFacts("png", 9, 9, "d", 1)))
        os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(main())
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_killed_process_leaves_what_it_recorded(tmp_path: Path) -> None:
    """What a method recorded before the process was killed is there for those who look and for the next run."""
    child = subprocess.run([sys.executable, "-c", textwrap.dedent(DYING), str(tmp_path)], check=False)
    looked = [record.state for record in (seen(tmp_path, "k1"), seen(tmp_path, "k2")) if record is not None]
    with store_at(tmp_path) as store:
        states = {key: record.state for key, record in done(store.jobs()).items()}

    assert child.returncode == -signal.SIGKILL
    assert looked == [JobState.SAVED, JobState.OPEN]
    assert states == {"k1": JobState.SAVED, "k2": JobState.OPEN}


# -- other files, other versions, other programs ---------------------------------------------------------------------


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
    monkeypatch.setattr(sqlite, "MIGRATIONS", (*sqlite.MIGRATIONS, "ALTER TABLE job ADD COLUMN colour TEXT;"))
    before = ledger(tmp_path).read_bytes()

    looked = seen(tmp_path)
    untouched = ledger(tmp_path).read_bytes() == before
    with store_at(tmp_path) as store:
        ran = done(store.job("rani"))
        assert store._db is not None
        version = store._db.execute("PRAGMA user_version").fetchone()[0]

    assert looked is not None
    assert (looked, untouched, version) == (ran, True, len(sqlite.MIGRATIONS))


def test_migration_that_fails_leaves_the_old_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration is all or nothing."""
    with store_at(tmp_path) as store:
        done(store.record_intent(attempt()))
    good = sqlite.MIGRATIONS
    monkeypatch.setattr(sqlite, "MIGRATIONS", (*good, "ALTER TABLE job ADD COLUMN colour TEXT; SELECT nonsense;"))
    with pytest.raises(StorageError), store_at(tmp_path):
        pass
    monkeypatch.setattr(sqlite, "MIGRATIONS", good)

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
        db.execute(f"PRAGMA user_version={len(sqlite.MIGRATIONS) + 1}")

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


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("damage", ["text", "cut", "noise"])
def test_damaged_ledger_is_told_with_a_remedy(damage: str, read_only: bool, tmp_path: Path) -> None:
    """A damaged file is one line that says what to do, and no connection stays open."""
    with store_at(tmp_path) as store:
        for number in range(20):
            done(store.record_intent(attempt(str(number), f"k{number}", prompt="p" * 500)))
    path = ledger(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(
        {"text": b"not a ledger " * 99, "cut": whole[:5000], "noise": whole[:100] + os.urandom(9000)}[damage]
    )

    told = pytest.raises(StorageError, match="it is damaged: move it aside, or put a backup in its place")
    with told, store_at(tmp_path, read_only=read_only) as store:
        done(store.jobs())


def test_ledger_held_by_another_program_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock of another program is waited for, then told as that."""
    monkeypatch.setattr(sqlite, "LOCK_WAIT", 0.01)
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


# -- against a plain model -------------------------------------------------------------------------------------------

KEYS = ("rani", "gopal")
STATES_AFTER_TROUBLE = (JobState.PENDING, JobState.FAILED, JobState.REJECTED)


class Ledger(RuleBasedStateMachine):
    """Any sequence of facts leaves the ledger, as another process reads it, equal to a plain dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = SqliteStore(ProviderContext(folder=self.folder, out=self.folder))
        done(self.store.open())
        self.model: dict[str, JobRecord] = {}
        self.current: dict[str, PictureRecord | None] = {}
        self.charged: list[Attempt] = []
        self.ids = 0

    def teardown(self) -> None:
        done(self.store.close())
        shutil.rmtree(self.folder)

    def _end(self, data: st.DataObject) -> Attempt | None:
        """Some open attempt, taken out of the model."""
        open_ones = [one for record in self.model.values() for one in record.open_attempts]
        if not open_ones:
            return None
        chosen = data.draw(st.sampled_from(open_ones))
        self._set(chosen.key, open_attempts=tuple(
            one for one in self.model[chosen.key].open_attempts if one != chosen))  # fmt: skip
        return chosen

    def _set(self, key: str, **changes: Any) -> None:
        self.model[key] = replace(self.model[key], **changes)

    @rule(key=st.sampled_from(KEYS), name=st.text(st.characters(), max_size=5), seed=st.none() | st.integers())
    def intend(self, key: str, name: str, seed: int | None) -> None:
        self.ids += 1
        begun = attempt(f"a{self.ids}", key, name=name, seed=seed, started=NOON - timedelta(seconds=self.ids))
        done(self.store.record_intent(begun))
        record = self.model.get(key, JobRecord(key, name))
        self.model[key] = replace(
            record,
            name=name,
            state=JobState.OPEN,
            provider=begun.provider,
            lane=begun.lane,
            asked=begun.asked,
            prompt=begun.prompt,
            trouble=None,
            attempts=record.attempts + 1,
            open_attempts=(*record.open_attempts, begun),
        )

    @rule(data=st.data(), cost=st.none() | st.sampled_from([Cost(1), Cost(2, "credits"), Cost(0.5, source="reported")]))
    def save(self, data: st.DataObject, cost: Cost | None) -> None:
        ended = self._end(data)
        if ended is None:
            return
        record = self.model[ended.key]
        path, kept = f"{ended.key}.png", f"{ended.key}.{self.ids}.{record.attempts}.png"
        made = picture(path, seed=ended.seed, cost=cost)
        done(self.store.record_saved(ended.id, made, kept))
        earlier = [*record.other_pictures, *([record.picture] if record.picture else [])]
        moved = tuple(replace(one, path=kept) if one.path == path else one for one in earlier)
        spent = {(one.currency, one.source): one.amount for one in record.spent}
        if cost is not None:
            spent[cost.currency, cost.source] = spent.get((cost.currency, cost.source), 0.0) + cost.amount
        self._set(
            ended.key,
            state=JobState.SAVED,
            picture=made,
            other_pictures=moved,
            media=None,
            uploader=None,
            trouble=None,
            spent=tuple(Cost(amount, *which) for which, amount in spent.items()),
        )

    @rule(data=st.data(), state=st.sampled_from(STATES_AFTER_TROUBLE), charged=st.booleans())
    def fail(self, data: st.DataObject, state: JobState, charged: bool) -> None:
        ended = self._end(data)
        if ended is None:
            return
        trouble = replace(TROUBLE, message=f"trouble {self.ids}", possibly_charged=charged)
        done(self.store.record_trouble(ended.id, trouble, state))
        self._set(ended.key, state=state, trouble=trouble)
        self.charged += [ended] * charged

    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        ended = self._end(data)
        if ended is None:
            return
        done(self.store.record_lost(ended.id))
        self.charged.append(ended)
        record = self.model[ended.key]
        if record.state is JobState.OPEN:
            left = JobState.PENDING if record.picture is None else JobState.DONE if record.uploader else JobState.SAVED
            self._set(ended.key, state=left)

    @rule(key=st.sampled_from(KEYS), media=st.none() | st.just(MEDIA))
    def upload(self, key: str, media: MediaReference | None) -> None:
        if key in self.model:
            done(self.store.record_upload(key, "whisk", media))
            self._set(key, state=JobState.DONE, uploader="whisk", media=media, trouble=None)

    @rule(key=st.sampled_from(KEYS), state=st.sampled_from((JobState.SAVED, JobState.FAILED)))
    def fail_upload(self, key: str, state: JobState) -> None:
        if key in self.model:
            done(self.store.record_setback(key, TROUBLE, state))
            self._set(key, state=state, trouble=TROUBLE)

    @rule()
    def reopen(self) -> None:
        done(self.store.close())
        done(self.store.open())

    @invariant()
    def others_read_the_same(self) -> None:
        with store_at(self.folder, read_only=True) as other:
            read = {key: replace(record, updated=None) for key, record in done(other.jobs()).items()}
            charged = done(other.lost_attempts())
        assert read == self.model
        assert sorted(charged, key=lambda one: one.id) == sorted(self.charged, key=lambda one: one.id)


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
