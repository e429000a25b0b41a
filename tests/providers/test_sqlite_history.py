"""The store ``sqlite`` over time: any story of facts, and ledgers that older versions of charimg wrote."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charimg.contracts import AttemptRecord, Choice, JobRecord, JobState, PictureRecord
from charimg.model import Cost, Verdict
from charimg.providers import sqlite_schema
from charimg.testing.clock import on_virtual_clock
from charimg.testing.store_difference import difference
from charimg.testing.store_model import Model
from charimg.testing.store_steps import Step
from tests.providers.sqlite_desk import FACTS, MEDIA, NOON, attempt, done, ledger, picture, store_at

# -- any story ------------------------------------------------------------------------------------------------------

NAMES = (
    *("intent",) * 4,
    *("candidate",) * 3,
    *("saved",) * 6,
    *("pick",) * 3,
    *("upload",) * 2,
    *("undo", "trouble", "lost", "setback", "ticket", "moved", "run", "reopen"),
)
"""The steps, those that lead to a picture more than once."""

STEPS = st.builds(
    Step,
    st.sampled_from(NAMES),
    st.integers(0, 5),
    st.text(st.characters(), max_size=4),  # half characters too
    st.booleans(),
    st.sampled_from([None, Cost(1), Cost(2, "credits"), Cost(0.5, source="reported")]),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(STEPS, min_size=12, max_size=40))
def test_any_story_is_what_another_process_reads(story: list[Step]) -> None:
    """After every step that was recorded, another process that looks reads what a plain model of the ledger says."""
    wrong = []

    async def play(folder: Path) -> None:
        model = Model()
        with store_at(folder) as store:
            for number, step in enumerate(story):
                if step.name == "reopen":
                    await store.close()
                    await store.open()
                await step.take(store, model, number)
                with store_at(folder, read_only=True) as other:
                    wrong.append((step.name, await difference(other, model)))
            wrong.extend(("faults", fault) for fault in await store.faults())

    with tempfile.TemporaryDirectory() as folder:
        on_virtual_clock(lambda: play(Path(folder)))

    assert [(name, trouble) for name, trouble in wrong if trouble] == []


# -- ledgers of older versions ----------------------------------------------------------------------------------------


@dataclass
class Old:
    """Writes a ledger as the versions 1 and 2 of its schema were written, statement by statement."""

    db: sqlite3.Connection
    version: int
    moment: datetime = NOON
    open: list[tuple[str, str]] = field(default_factory=list)
    """Attempts that have no end yet, each with its job."""
    keys: list[str] = field(default_factory=list)

    def now(self) -> str:
        self.moment += timedelta(seconds=1)
        return self.moment.isoformat()

    def intend(self, key: str, number: int) -> None:
        name = f"a{number}"
        columns = "id, run, key, name, lane, provider, asked, prompt, seed, started"
        row = (name, f"run {number // 3}", key, key.title(), "whisk", "whisk", f"asked {number}", "p", "7", self.now())
        self.db.execute(f"INSERT INTO attempt ({columns}) VALUES ({', '.join('?' * len(row))})", row)
        if self.version > 1:
            self.db.execute("UPDATE attempt SET place = 'account', ticket = 'ticket' WHERE id = ?", (name,))
        self.db.execute(
            "INSERT INTO job (key, name, state, provider, lane, asked, prompt, updated)"
            " VALUES (?, ?, 'open', 'whisk', 'whisk', ?, 'p', ?)"
            " ON CONFLICT (key) DO UPDATE SET state = 'open', asked = excluded.asked, trouble = NULL,"
            " updated = excluded.updated",
            (key, key.title(), f"asked {number}", self.now()),
        )
        self.open.append((name, key))
        self.keys += [key] * (key not in self.keys)

    def end(self, which: int, state: str) -> str:
        name, key = self.open.pop(which % len(self.open))
        self.db.execute("UPDATE attempt SET state = ?, ended = ? WHERE id = ?", (state, self.now(), name))
        if state == "saved":
            self.db.execute(
                "UPDATE picture SET path = ? WHERE key = ? AND path = ?", (f"{name}.png", key, f"{key}.png")
            )
            facts = json.dumps({"format": "png", "width": 512, "height": 910, "sha256": "ab" * 32, "size": 12345})
            cost = {"amount": 0.5, "currency": "USD", "source": "declared"}
            details = {"seed": 7, "model": "m", "prompt": name, "request_id": None, "cost": cost, "media": None}
            made = self.db.execute(
                "INSERT INTO picture (attempt, key, path, saved, facts, details, adopted) VALUES (?, ?, ?, ?, ?, ?, 0)",
                (name, key, f"{key}.png", self.now(), facts, json.dumps(details)),
            )
            self.db.execute(
                "UPDATE job SET state = 'saved', picture = ?, media = NULL, uploader = NULL, trouble = NULL,"
                " updated = ? WHERE key = ?",
                (made.lastrowid, self.now(), key),
            )
        elif state == "troubled":
            self.db.execute(
                "UPDATE attempt SET verdict = 'flaky', message = 'no picture', possibly_charged = ? WHERE id = ?",
                (which % 2, name),
            )
            self.db.execute("UPDATE job SET state = 'failed', updated = ? WHERE key = ?", (self.now(), key))
        else:
            self.db.execute("UPDATE attempt SET possibly_charged = 1 WHERE id = ?", (name,))
        return name

    def upload(self, which: int) -> None:
        key = self.keys[which % len(self.keys)]
        media = {
            "id": f"m{which}",
            "kind": "id",
            "uploader": "whisk",
            "lane": "whisk",
            "caption": "an old man",
            "expires_at": MEDIA.expires_at.isoformat() if MEDIA.expires_at else None,
        }
        self.db.execute(
            "UPDATE job SET state = 'done', uploader = 'whisk', media = ?, updated = ?"
            " WHERE key = ? AND picture IS NOT NULL",
            (json.dumps(media), self.now(), key),
        )


OLD_STEPS = st.lists(
    st.tuples(st.sampled_from(("intend", "intend", "saved", "saved", "troubled", "lost", "upload")), st.integers(0, 9)),
    max_size=30,
)


def old_ledger(folder: Path, version: int, steps: list[tuple[str, int]]) -> None:
    """A ledger of the older version in which these things happened."""
    ledger(folder).parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(ledger(folder), isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=OFF")
        for script in sqlite_schema.MIGRATIONS[:version]:
            db.executescript(script)
        db.execute(f"PRAGMA user_version={version}")
        old = Old(db, version)
        for number, (step, which) in enumerate(steps):
            if step == "intend":
                old.intend(("rani", "raja", "mantri")[which % 3], number)
            elif step == "upload":
                if old.keys:
                    old.upload(which)
            elif old.open:
                old.end(which, step)


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{ledger(folder).as_uri()}?mode=ro&immutable=1", uri=True)) as db:
        return db.execute(query).fetchall()


Told = tuple[dict[str, JobRecord], dict[str, tuple[AttemptRecord, ...]], tuple[Choice, ...], tuple[str, ...]]


def told_by(folder: Path, *, read_only: bool) -> Told:
    with store_at(folder, read_only=read_only) as store:
        jobs = done(store.jobs())
        histories = {key: done(store.history(key)) for key in jobs}
        return jobs, histories, done(store.choices()), done(store.faults())


def versions_of(record: JobRecord) -> list[PictureRecord]:
    pictures = [*record.other_pictures, *([record.picture] if record.picture else [])]
    return sorted(pictures, key=lambda one: one.version)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from((1, 2)), OLD_STEPS)
def test_older_ledger_is_told_as_it_was(version: int, steps: list[tuple[str, int]]) -> None:
    """Every job, attempt and picture of it, looked at or opened for a run; a look leaves its file as it was."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        old_ledger(folder, version, steps)
        before = ledger(folder).read_bytes()
        jobs = rows(folder, "SELECT key, state, asked, uploader, media IS NOT NULL, picture FROM job ORDER BY key")
        pictures = rows(folder, "SELECT key, path, attempt, saved, id FROM picture ORDER BY id")
        attempts = rows(
            folder, "SELECT key, id, state, ended, possibly_charged, run, asked FROM attempt ORDER BY rowid"
        )
        looked = told_by(folder, read_only=True)
        untouched = ledger(folder).read_bytes() == before
        told, histories, choices, faults = told_by(folder, read_only=False)
        with store_at(folder) as store:
            charged = [one.id for one in done(store.lost_attempts())]

    assert (looked, untouched, faults) == ((told, histories, choices, ()), True, ())
    assert jobs == [
        (key, one.state.value, one.asked, one.uploader, int(one.media is not None), current)
        for (key, one), (*_, current) in zip(sorted(told.items()), jobs, strict=True)
    ]
    run_of = {attempt: run for _, attempt, *_, run, _ in attempts}
    asked_of = {attempt: asked for _, attempt, *_, asked in attempts}
    for key, *_, current in jobs:
        own = [row for row in pictures if row[0] == key]
        versions = versions_of(told[key])
        assert [one.version for one in versions] == list(range(1, len(own) + 1))
        assert [(one.path, one.attempt, one.saved) for one in versions] == [
            (path, attempt, datetime.fromisoformat(saved)) for _, path, attempt, saved, _ in own
        ]
        assert [one.asked for one in versions] == [asked_of[one.attempt] for one in versions]
        assert [one.spent for one in (told[key],)] == [(Cost(0.5 * len(own)),) if own else ()]
        here = next((one for one, row in zip(versions, own, strict=True) if row[4] == current), None)
        assert told[key].picture == here
        assert [(one.uploader, one.reference) for one in versions if one is not here] == [(None, None)] * (
            len(versions) - bool(here)
        )
        if here is not None:
            assert (here.uploader, here.reference) == (told[key].uploader, told[key].media)
            assert [(one.version, one.operation, one.made) for one in choices if one.key == key] == [
                (here.version, run_of[here.attempt], here.saved)
            ]
        assert [(one.attempt.id, one.state) for one in histories[key]] == [
            (attempt, state) for which, attempt, state, *_ in attempts if which == key
        ]
        for one in histories[key]:
            assert (one.trouble is not None) == (one.state == "troubled")
            assert one.trouble is None or (one.trouble.verdict, one.trouble.stage) == (Verdict.FLAKY, "generate")
            assert not one.attempt.candidate
    assert charged == [attempt for _, attempt, _, _, possibly, *_ in attempts if possibly]


@pytest.mark.parametrize("version", [1, 2])
def test_older_ledger_works_on(version: int, tmp_path: Path) -> None:
    """Its pictures are picked, made again and undone like any others."""
    old_ledger(
        tmp_path, version, [("intend", 0), ("saved", 0), ("upload", 0), ("intend", 0), ("saved", 0), ("upload", 0)]
    )
    with store_at(tmp_path) as store:
        done(store.record_pick("rani", 1, "pick"))
        picked = done(store.job("rani"))
        done(store.record_pick("rani", 2, "undo", undoes=True))
        back = done(store.job("rani"))
        done(store.record_intent(attempt("new")))
        done(store.record_saved("new", picture("rani.png"), "rani.3.png"))
        made = done(store.job("rani"))

    assert picked is not None
    assert back is not None
    assert made is not None
    assert [one.picture and one.picture.version for one in (picked, back, made)] == [1, 2, 3]
    # Of a picture that was replaced, the older versions did not keep who had it.
    assert [one.state for one in (picked, back, made)] == [JobState.SAVED, JobState.DONE, JobState.SAVED]
    assert [one.facts for one in made.other_pictures] == [FACTS, FACTS]
