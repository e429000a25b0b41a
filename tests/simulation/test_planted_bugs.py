"""The simulation finds faults that are planted in the product, and names the promise that each breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import charimg.policy
import charimg.scheduler
from charimg.bench import Bench
from charimg.budget import Budget
from charimg.events import JobFailed, RunFinished, Stopping
from charimg.job_queue import JobQueue
from charimg.picture_folder import PictureFolder, Saved
from charimg.project import Project
from charimg.providers.sqlite import SqliteStore
from charimg.scheduler import Scheduler
from charimg.summary import Tally
from charimg.work_reports import WorkReports
from tests.simulation import invariants
from tests.simulation.disk import SimulatedDisk
from tests.simulation.invariants import Invariant
from tests.simulation.premises import forget_everything
from tests.simulation.story import report
from tests.simulation.trial import Trial, attempt_seed

Plant = Callable[[pytest.MonkeyPatch], None]

FIRST = 500_000
"""The seeds of these tests are none of the other tests'."""

MOST = 400
"""Seeds within which each fault must be found."""


@pytest.fixture(autouse=True, scope="module")
def _swept() -> Iterator[None]:
    yield
    forget_everything()


def the_intent_is_recorded_with_the_end(patch: pytest.MonkeyPatch) -> None:
    """The ledger learns of an attempt only when something came of it."""
    kept: dict[str, Any] = {}
    intent = SqliteStore.record_intent

    async def later(self: SqliteStore, attempt: Any) -> None:
        kept[attempt.id] = attempt

    def first(name: str) -> None:
        real = getattr(SqliteStore, name)

        async def record(self: SqliteStore, attempt: str, *more: Any, **named: Any) -> None:
            if attempt in kept:
                await intent(self, kept.pop(attempt))
            await real(self, attempt, *more, **named)

        patch.setattr(SqliteStore, name, record)

    patch.setattr(SqliteStore, "record_intent", later)
    for name in ("record_ticket", "record_saved", "record_trouble", "record_lost"):
        first(name)


def the_folder_is_not_flushed(patch: pytest.MonkeyPatch) -> None:
    """A picture is recorded before its name is durable."""
    patch.setattr(SimulatedDisk, "sync_folder", lambda _self, _path: None)


def the_ticket_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    """What a service accepted is not remembered."""

    async def accepted(_self: WorkReports, _request: Any, _ticket: str) -> None:
        return None

    patch.setattr(WorkReports, "accepted", accepted)


def it_waits_less_than_asked(patch: pytest.MonkeyPatch) -> None:
    """Three seconds are taken off every wait a service asks for."""
    patch.setattr(charimg.policy, "SERVER_MARGIN", -3.0)


def it_does_not_wait_at_all(patch: pytest.MonkeyPatch) -> None:
    """The wait is told and not kept."""
    patch.setattr(charimg.scheduler, "held", lambda _record, _now: None)
    patch.setattr(charimg.policy, "held", lambda _record, _now: None)


def a_made_picture_is_made_again(patch: pytest.MonkeyPatch) -> None:
    """Nobody looks whether the picture is there already."""
    patch.setattr(Bench, "usable_picture", lambda _self, _job, _record: None)


def any_picture_is_adopted(patch: pytest.MonkeyPatch) -> None:
    """An interrupted attempt takes whatever picture it finds."""
    real = PictureFolder.adopt

    def adopt(self: PictureFolder, key: str, attempt: str, *more: Any, **named: Any) -> Saved | None:
        found = real(self, key, attempt, *more, **named)
        others = [path for path in self.files() if not path.name.startswith(f"{key}.")]
        if found is None and others:
            facts = self._facts_of(others[0])
            found = None if facts is None else Saved(others[0], facts)
        return found

    patch.setattr(PictureFolder, "adopt", adopt)


def the_old_picture_is_written_over(patch: pytest.MonkeyPatch) -> None:
    """Nothing keeps the picture that stood there before."""
    patch.setattr(PictureFolder, "_keep", lambda _self, path: path)


def a_job_is_counted_twice(patch: pytest.MonkeyPatch) -> None:
    """A job that was given up counts as failed and as pending."""
    real = Tally.finished

    def finished(self: Tally, **named: Any) -> RunFinished:
        end = real(self, **named)
        return replace(end, pending=end.pending + sum(one.verdict == "throttled" for one in end.problems))

    patch.setattr(Tally, "finished", finished)


def one_retry_more(patch: pytest.MonkeyPatch) -> None:
    """A batch is tried once more than the policy says."""
    real = charimg.scheduler.came_of
    patch.setattr(
        charimg.scheduler,
        "came_of",
        lambda record, policy, *more: real(record, replace(policy, max_retries=policy.max_retries + 1), *more),
    )


def one_job_more(patch: pytest.MonkeyPatch) -> None:
    """A batch has one job more than the policy says."""
    may_start, take = charimg.scheduler.may_start, JobQueue.take
    patch.setattr(
        charimg.scheduler,
        "may_start",
        lambda record, policy, *more: may_start(record, replace(policy, batch_size=policy.batch_size + 1), *more),
    )
    patch.setattr(JobQueue, "take", lambda self, lane, most: take(self, lane, most + 1))


def ctrl_c_is_heard_and_not_heeded(patch: pytest.MonkeyPatch) -> None:
    """The run says that it stops, and goes on."""
    patch.setattr(Scheduler, "stop", lambda self: self._emit(Stopping(in_flight=0)))


def ctrl_c_breaks_off_what_is_paid_for(patch: pytest.MonkeyPatch) -> None:
    """The first Ctrl-C does what only the second should."""
    real = Scheduler.stop

    def stop(self: Scheduler) -> None:
        real(self)
        self.abandon()

    patch.setattr(Scheduler, "stop", stop)


def a_loss_is_not_listed(patch: pytest.MonkeyPatch) -> None:
    """An attempt that nobody heard the end of is closed as if nothing had been sent."""

    async def record_lost(self: SqliteStore, attempt: str) -> None:
        with self._transaction() as db:
            self._end(db, attempt, "lost")

    patch.setattr(SqliteStore, "record_lost", record_lost)


def nobody_locks_the_project(patch: pytest.MonkeyPatch) -> None:
    """Two processes may run one project."""
    patch.setattr(Project, "locked", lambda _self: nullcontext())


def the_budget_is_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    """Whatever is asked for, there is room for it."""
    patch.setattr(Budget, "_fits", lambda _self, _amount: True)


def a_failure_is_a_success(patch: pytest.MonkeyPatch) -> None:
    """The exit code is 0 whatever happened."""
    real = Tally.finished
    patch.setattr(Tally, "finished", lambda self, **named: replace(real(self, **named), exit_code=0))


def a_lane_waits_for_nobody(patch: pytest.MonkeyPatch) -> None:
    """A lane that waits for jobs is never told that there are some."""
    patch.setattr(JobQueue, "tell", lambda _self: None)


def a_rejection_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    """What was refused stands in the ledger as a failure."""
    real = SqliteStore._set_trouble

    def set_trouble(db: Any, key: str, trouble: Any, state: Any) -> None:
        real(db, key, trouble, type(state).FAILED)

    patch.setattr(SqliteStore, "_set_trouble", staticmethod(set_trouble))


def a_digest_of_something_else(patch: pytest.MonkeyPatch) -> None:
    """The facts that are recorded are those of the picture before anything was written into it."""
    real = PictureFolder.save

    def save(self: PictureFolder, key: str, attempt: str, data: bytes, facts: Any, *more: Any, **named: Any) -> Saved:
        return replace(real(self, key, attempt, data, facts, *more, **named), facts=facts)

    patch.setattr(PictureFolder, "save", save)


PLANTED: dict[Plant, Invariant] = {
    the_intent_is_recorded_with_the_end: invariants.a_request_is_recorded_before_it_is_sent,
    the_folder_is_not_flushed: invariants.no_success_is_ever_lost,
    the_ticket_is_forgotten: invariants.what_stands_is_not_asked_anew,
    it_waits_less_than_asked: invariants.no_wait_is_shorter_than_asked,
    it_does_not_wait_at_all: invariants.nothing_is_in_flight_while_a_lane_waits,
    a_made_picture_is_made_again: invariants.nothing_is_made_twice,
    any_picture_is_adopted: invariants.what_is_recorded_is_what_is_there,
    the_old_picture_is_written_over: invariants.no_success_is_ever_lost,
    a_job_is_counted_twice: invariants.counts_are_exact,
    one_retry_more: invariants.a_batch_has_no_more_retries_than_allowed,
    one_job_more: invariants.never_more_in_flight_than_allowed,
    ctrl_c_is_heard_and_not_heeded: invariants.ctrl_c_starts_nothing_new,
    ctrl_c_breaks_off_what_is_paid_for: invariants.ctrl_c_starts_nothing_new,
    a_loss_is_not_listed: invariants.every_charge_is_accounted_for,
    nobody_locks_the_project: invariants.a_second_process_is_turned_away,
    the_budget_is_not_looked_at: invariants.the_budget_is_kept,
    a_failure_is_a_success: invariants.the_exit_code_is_right,
    a_lane_waits_for_nobody: invariants.a_run_ends,
    a_rejection_is_forgotten: invariants.the_summary_agrees_with_the_ledger,
    a_digest_of_something_else: invariants.what_is_recorded_is_what_is_there,
}
"""What is planted, and the promise it breaks."""


def found(wanted: Invariant) -> tuple[int, Trial | None]:
    """The first seed that breaks the promise, and how many it took."""
    for count in range(MOST):
        trial = attempt_seed(FIRST + count)
        if any(fault.invariant is wanted for fault in trial.faults):
            return count + 1, replace(trial, faults=tuple(one for one in trial.faults if one.invariant is wanted))
    return MOST, None


@pytest.mark.parametrize(("plant", "wanted"), list(PLANTED.items()), ids=lambda one: one.__name__)
def test_a_planted_fault_is_found(plant: Plant, wanted: Invariant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a bounded number of seeds, by the sentence it breaks."""
    plant(monkeypatch)
    count, trial = found(wanted)

    assert trial is not None, f"not found in {count} seeds"


def test_a_failure_is_told_with_its_seed_its_sentence_and_a_short_story(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a failing seed prints says what is wrong, how it came about, and how to see it again."""
    the_folder_is_not_flushed(monkeypatch)
    _, trial = found(invariants.no_success_is_ever_lost)
    assert trial is not None
    told = report(trial)
    small = next(line for line in told.splitlines() if line.startswith("  Scenario("))

    assert f"seed {trial.scenario.seed}: A picture that was recorded stays in the ledger and on disk" in told
    assert f"--seed {trial.scenario.seed} --story" in told
    assert "THE POWER FAILS" in told
    assert len(small) < 400, "the story was made small"


__all__ = ["JobFailed", "Path"]
