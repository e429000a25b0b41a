"""The store ``sqlite``: every method as another process sees its work at once, and every text and number faithfully."""

from __future__ import annotations

import inspect
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from charimg.contracts import JobState, Store
from charimg.errors import StorageError
from charimg.model import Cost, MediaReference
from charimg.providers import sqlite_rows
from charimg.providers.sqlite import SqliteStore
from tests.providers.sqlite_desk import (
    MEDIA,
    NOON,
    TROUBLE,
    attempt,
    bare,
    done,
    handed,
    ledger,
    picture,
    seen,
    store_at,
)

TORN = "torn \ud83d text, \x00 and \udcff"
"""Half an emoji, a NUL, and a byte of a file name that is no UTF-8."""

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
        record = bare(seen(tmp_path))

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
    assert record.picture is not None
    assert handed(record.picture) == picture(seed=2, cost=Cost(0.5, "credits"))
    assert [handed(one) for one in record.other_pictures] == [
        picture("pictures/rani.1.png", seed=1, cost=Cost(0.5, "credits"))
    ]
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
    missing = [
        name
        for name in vars(Store)
        if inspect.iscoroutinefunction(getattr(Store, name)) and getattr(SqliteStore, name) is getattr(Store, name)
    ]

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
        after = bare(seen(tmp_path, TORN))

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
        record = bare(seen(tmp_path))

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


# -- a hundred thousand characters ------------------------------------------------------------------------------------


def test_no_call_of_a_run_looks_through_the_whole_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked and recorded for one job is found by an index: it costs the same in a ledger of any size."""
    asked: list[tuple[str, Any]] = []
    execute = sqlite_rows.Connection.execute

    def noting(db: sqlite_rows.Connection, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        asked.append((sql, parameters))
        return execute(db, sql, parameters)

    with store_at(tmp_path) as store:
        monkeypatch.setattr(sqlite_rows.Connection, "execute", noting)
        for number in (1, 2, 3):
            done(store.record_intent(attempt(f"a{number}", candidate=number == 3)))
            done(store.record_ticket(f"a{number}", "ticket"))
        done(store.record_saved("a1", picture(), "pictures/rani.1.png"))
        done(store.record_trouble("a2", TROUBLE, JobState.SAVED))
        done(store.record_lost("a3"))
        done(store.record_upload("rani", "whisk", MEDIA))
        done(store.record_setback("rani", TROUBLE, JobState.SAVED))
        done(store.record_pick("rani", 1, "undo", undoes=True))
        done(store.record_moved("rani", "pictures/rani.png", "pictures/rani.1.png"))
        done(store.job("rani"))
        done(store.history("rani"))
        done(store.choices("rani"))
        done(store.lost_attempts())
        done(store.last_plan())
        monkeypatch.undo()
        assert store._db is not None
        plans = {
            sql: [row[3] for row in store._db.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
            for sql, values in asked
            if sql.startswith(("SELECT", "UPDATE", "INSERT"))
        }

    looked_through = {sql: plan for sql, plan in plans.items() if any(step.startswith("SCAN") for step in plan)}

    assert len(plans) > 20
    assert list(looked_through) == ["SELECT plan FROM run ORDER BY rowid DESC LIMIT 1"]  # and stops at the first row
