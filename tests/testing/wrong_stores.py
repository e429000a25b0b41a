"""Deliberately wrong stores: the right one with one fault each; see sample_generator.py."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from charimg.contracts import Attempt, JobRecord, PictureRecord, Trouble
from charimg.contracts.store import JobState
from charimg.errors import StorageError
from charimg.model import MediaReference
from charimg.providers.sqlite import SqliteStore
from charimg.testing import StoreContract


class Wrong(StoreContract):
    """A contract that its provider breaks."""

    BREAKS: ClassVar[str]
    SAYS: ClassVar[str]
    stories = 5


class TestRightStore(Wrong):
    provider = SqliteStore
    BREAKS = ""
    SAYS = ""


class WritesLate(SqliteStore):
    """Writes when it is closed, which a killed process never does."""

    async def open(self) -> None:
        await super().open()
        if self._db is not None and not self.context.read_only:
            self._db.execute("BEGIN IMMEDIATE")

    @contextlib.contextmanager
    def _transaction(self) -> Any:
        if self._db is None:
            raise StorageError("the ledger is not open")
        with self._told():
            self._db.execute("SAVEPOINT one")
            try:
                yield self._db
                self._db.execute("RELEASE one")
            except BaseException:
                self._db.execute("ROLLBACK TO one")
                self._db.execute("RELEASE one")
                raise

    async def close(self) -> None:
        if self._db is not None and self._db.in_transaction:
            self._db.execute("COMMIT")
        await super().close()


class TestWritesLate(Wrong):
    provider = WritesLate
    BREAKS, SAYS = "test_killed_process_loses_nothing_that_returned", "the ledger knows nothing"


class CreatesWhenItLooks(SqliteStore):
    """Leaves a file behind where it only looks."""

    async def open(self) -> None:
        await super().open()
        (self.context.folder / ".opened").touch()


class TestCreatesWhenItLooks(Wrong):
    provider = CreatesWhenItLooks
    BREAKS, SAYS = "test_read_only_changes_nothing", "looking into an empty project creates .opened"


class TidiesTexts(SqliteStore):
    """Keeps what it takes for the text."""

    async def record_intent(self, attempt: Attempt) -> None:
        clean = attempt.prompt.replace("\x00", "")
        await super().record_intent(replace(attempt, prompt=clean))


class TestTidiesTexts(Wrong):
    provider = TidiesTexts
    BREAKS, SAYS = "test_every_text_comes_back", "a text with controls does not come back"
    skipped: ClassVar[dict[str, str]] = {"test_any_story_is_told_as_it_happened": "it finds the same"}


class TakesAnything(SqliteStore):
    """Does not say that it knows no such attempt."""

    async def record_lost(self, attempt: str) -> None:
        with contextlib.suppress(StorageError):
            await super().record_lost(attempt)


class TestTakesAnything(Wrong):
    provider = TakesAnything
    BREAKS, SAYS = "test_unknown_attempts_are_refused_and_change_nothing", "record_lost of something unknown is taken"


class HalfWrites(SqliteStore):
    """Has written half of it when it finds that the rest cannot be."""

    async def record_saved(self, attempt: str, picture: PictureRecord, kept_as: str | None = None) -> None:
        if attempt.startswith("none"):
            with self._transaction() as db:
                db.execute("UPDATE job SET state = 'saved'")
        await super().record_saved(attempt, picture, kept_as)


class TestHalfWrites(Wrong):
    provider = HalfWrites
    BREAKS, SAYS = (
        "test_unknown_attempts_are_refused_and_change_nothing",
        "record_saved was refused, and changed something",
    )


class DropsTickets(SqliteStore):
    """Takes a ticket and keeps it for itself."""

    async def record_ticket(self, attempt: str, ticket: str) -> None:
        await super().record_ticket(attempt, "")


class TestDropsTickets(Wrong):
    provider = DropsTickets
    BREAKS, SAYS = "test_everything_comes_back", "open_attempts is .* instead of"
    skipped: ClassVar[dict[str, str]] = dict.fromkeys(
        ("test_killed_process_loses_nothing_that_returned", "test_any_story_is_told_as_it_happened"),
        "they find the same",
    )


class ForgetsWhoPaid(SqliteStore):
    """Forgets, where the job is failed by it, that an attempt may have been charged."""

    async def record_trouble(self, attempt: str, trouble: Trouble, state: JobState) -> None:
        uncharged = trouble if state is JobState.PENDING else replace(trouble, possibly_charged=False)
        await super().record_trouble(attempt, uncharged, state)


class TestForgetsWhoPaid(Wrong):
    provider = ForgetsWhoPaid
    BREAKS, SAYS = (
        "test_any_story_is_told_as_it_happened",
        "after intent, trouble: .*possibly_charged=False",
    )


class RemembersTheFirstPlan(SqliteStore):
    """Tells the oldest plan for the newest."""

    async def begin_run(self, run: str, started: datetime, plan: dict[str, object]) -> None:
        if await self.last_plan() is None:
            await super().begin_run(run, started, plan)


class TestRemembersTheFirstPlan(Wrong):
    provider = RemembersTheFirstPlan
    BREAKS, SAYS = "test_any_story_is_told_as_it_happened", r"after run, run: last_plan\(\) is not the newest plan"


class OneForAll(SqliteStore):
    """Keeps what it is at in itself, and lets others in meanwhile."""

    async def record_upload(self, key: str, uploader: str, reference: MediaReference | None) -> None:
        import asyncio

        self._at = key
        await asyncio.sleep(0)
        await super().record_upload(self._at, uploader, reference)


class TestOneForAll(Wrong):
    provider = OneForAll
    BREAKS, SAYS = "test_calls_at_once_do_not_disturb_each_other", "of twenty jobs at once 1 are right"
    skipped: ClassVar[dict[str, str]] = {"test_five_at_once_are_not_mixed_up": "it finds the same"}


class TellsOneJobOtherwise(SqliteStore):
    """Knows a job less well than all of them."""

    async def job(self, key: str) -> JobRecord | None:
        record = await super().job(key)
        return record and replace(record, attempts=0)


class TestTellsOneJobOtherwise(Wrong):
    provider = TellsOneJobOtherwise
    BREAKS, SAYS = "test_everything_comes_back", "tells something else than jobs"
    skipped: ClassVar[dict[str, str]] = {"test_any_story_is_told_as_it_happened": "it finds the same"}
