"""Deliberately wrong stores: the right one with one fault each; see sample_generator.py."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from charimg.contracts import Attempt, AttemptRecord, JobRecord, PictureRecord, Trouble
from charimg.contracts.store import JobState
from charimg.errors import StorageError
from charimg.model import MediaReference
from charimg.providers.sqlite import SqliteStore
from charimg.providers.sqlite_file import told
from charimg.testing import StoreContract


def finds_the_same(*names: str) -> dict[str, str]:
    """Tests to leave out: they would tell the fault as well."""
    return dict.fromkeys(names, "it finds the same")


ANY_STORY = finds_the_same("test_any_story_is_told_as_it_happened")
CANDIDATES = "test_a_candidate_leaves_the_job_as_it_is"
FOUND = "test_an_attempt_that_left_a_picture_after_all_is_lost_no_more"


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
    def _transaction(self, begin: str = "") -> Any:
        if self._db is None:
            raise StorageError("the ledger is not open")
        with told(self._path):
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
    skipped: ClassVar[dict[str, str]] = ANY_STORY


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
    BREAKS, SAYS = "test_everything_comes_back", "attempt: ticket is '' instead of 'ticket-1'"
    skipped: ClassVar[dict[str, str]] = {
        **ANY_STORY,
        **finds_the_same("test_killed_process_loses_nothing_that_returned", CANDIDATES),
    }


class ForgetsWhoPaid(SqliteStore):
    """Forgets, where the job is failed by it, that an attempt may have been charged."""

    async def record_trouble(self, attempt: str, trouble: Trouble, state: JobState) -> None:
        uncharged = trouble if state is JobState.PENDING else replace(trouble, possibly_charged=False)
        await super().record_trouble(attempt, uncharged, state)


class TestForgetsWhoPaid(Wrong):
    provider = ForgetsWhoPaid
    BREAKS, SAYS = (
        "test_any_story_is_told_as_it_happened",
        "after intent, trouble: .*trouble: possibly_charged is False instead of True",
    )
    skipped: ClassVar[dict[str, str]] = finds_the_same(CANDIDATES)


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
    skipped: ClassVar[dict[str, str]] = {
        **ANY_STORY,
        **finds_the_same(
            CANDIDATES,
            FOUND,
            "test_a_candidate_is_the_picture_of_a_job_without_one",
            "test_a_pick_takes_along_what_is_the_versions_own",
        ),
    }


class LosesTheJobWithItsCandidate(SqliteStore):
    """Takes a candidate that was lost for the job's own attempt."""

    async def record_lost(self, attempt: str) -> None:
        with self._transaction() as db:
            db.execute("UPDATE attempt SET candidate = 0 WHERE id = ?", (attempt,))
        await super().record_lost(attempt)
        with self._transaction() as db:
            db.execute("UPDATE attempt SET candidate = 1 WHERE id = ? AND lane = 'lane-2'", (attempt,))


class TestLosesTheJobWithItsCandidate(Wrong):
    provider = LosesTheJobWithItsCandidate
    BREAKS, SAYS = (
        "test_a_candidate_leaves_the_job_as_it_is",
        "after record_lost of rani-7: of rani it tells otherwise: state is .*done.* instead of .*open",
    )
    skipped: ClassVar[dict[str, str]] = ANY_STORY


class LetsTheNewestCandidateWin(SqliteStore):
    """Makes the last candidate that was saved the picture of a job that had none of its own."""

    async def record_saved(self, attempt: str, picture: PictureRecord, kept_as: str | None = None) -> None:
        with self._transaction() as db:
            only_candidates = db.execute(
                "SELECT MIN(candidate) FROM attempt WHERE key = (SELECT key FROM attempt WHERE id = ?)", (attempt,)
            ).fetchone()[0]
            if only_candidates:
                db.execute("UPDATE attempt SET candidate = 0 WHERE id = ?", (attempt,))
        await super().record_saved(attempt, picture, kept_as)
        if only_candidates:
            with self._transaction() as db:
                db.execute("UPDATE attempt SET candidate = 1 WHERE id = ?", (attempt,))


class TestLetsTheNewestCandidateWin(Wrong):
    provider = LetsTheNewestCandidateWin
    BREAKS, SAYS = (
        "test_a_candidate_is_the_picture_of_a_job_without_one",
        "after record_saved of raja-2: .*version is 3 instead of 2",
    )
    skipped: ClassVar[dict[str, str]] = ANY_STORY


class PicksThePictureAlone(SqliteStore):
    """Picks a version, and tells the uploader and the reference of the one before."""

    async def record_pick(self, key: str, version: int, operation: str, *, undoes: bool = False) -> None:
        before = await self.job(key)
        await super().record_pick(key, version, operation, undoes=undoes)
        if before is not None and before.uploader == "rack":
            with self._transaction() as db:
                db.execute("UPDATE job SET uploader = 'rack', media = NULL WHERE key = ?", (key,))


class TestPicksThePictureAlone(Wrong):
    provider = PicksThePictureAlone
    BREAKS, SAYS = (
        "test_a_pick_takes_along_what_is_the_versions_own",
        "after record_pick of rani, 1, pick 1: .*uploader is 'rack' instead of 'shelf'",
    )
    skipped: ClassVar[dict[str, str]] = ANY_STORY


class AddsWhatItShouldUndo(SqliteStore):
    """Remembers that something was undone as one more choice."""

    async def record_pick(self, key: str, version: int, operation: str, *, undoes: bool = False) -> None:
        if undoes and len(await self.choices(key)) > 1:
            await super().record_pick(key, version, operation)
        else:
            await super().record_pick(key, version, operation, undoes=undoes)


class TestAddsWhatItShouldUndo(Wrong):
    provider = AddsWhatItShouldUndo
    BREAKS, SAYS = (
        "test_a_pick_takes_along_what_is_the_versions_own",
        r"after record_pick of rani, 1, undo 1: choices\(None\) tells .*undo 1",
    )
    skipped: ClassVar[dict[str, str]] = ANY_STORY


class MovesOnlyThePicture(SqliteStore):
    """Forgets that other versions may stand at the same path."""

    async def record_moved(self, key: str, path: str, now_at: str) -> None:
        record = await self.job(key)
        if record is None or (record.picture is not None and record.picture.path == path):
            await super().record_moved(key, path, now_at)


class TestMovesOnlyThePicture(Wrong):
    provider = MovesOnlyThePicture
    BREAKS, SAYS = (
        "test_a_pick_takes_along_what_is_the_versions_own",
        "after record_moved of rani, .*path='pictures/rani.png'.* instead of .*path='pictures/rani.3.png'",
    )
    skipped: ClassVar[dict[str, str]] = ANY_STORY


class MournsTheFound(SqliteStore):
    """Still lists an attempt as lost that left a picture after all."""

    async def record_saved(self, attempt: str, picture: PictureRecord, kept_as: str | None = None) -> None:
        charged = attempt in [one.id for one in await self.lost_attempts()]
        await super().record_saved(attempt, picture, kept_as)
        if charged:
            with self._transaction() as db:
                db.execute("UPDATE attempt SET possibly_charged = 1 WHERE id = ?", (attempt,))


class TestMournsTheFound(Wrong):
    provider = MournsTheFound
    BREAKS, SAYS = (
        "test_an_attempt_that_left_a_picture_after_all_is_lost_no_more",
        r"after record_saved of rani-1: lost_attempts\(\) tells 2 instead of 1",
    )
    skipped: ClassVar[dict[str, str]] = ANY_STORY


class ForgetsHowItEnded(SqliteStore):
    """Keeps an attempt's trouble with the job alone."""

    async def history(self, key: str) -> tuple[AttemptRecord, ...]:
        return tuple(replace(one, trouble=None) for one in await super().history(key))


class TestForgetsHowItEnded(Wrong):
    provider = ForgetsHowItEnded
    BREAKS, SAYS = "test_everything_comes_back", r"history\('raja'\) tells otherwise: trouble is None instead of"
    skipped: ClassVar[dict[str, str]] = {**ANY_STORY, **finds_the_same(CANDIDATES, FOUND)}


class FindsFaultWithEverything(SqliteStore):
    """Tells faults of a ledger that has none."""

    async def faults(self) -> tuple[str, ...]:
        return ("a fault",)


class TestFindsFaultWithEverything(Wrong):
    provider = FindsFaultWithEverything
    BREAKS, SAYS = "test_any_story_is_told_as_it_happened", r"faults\(\) finds a fault"
