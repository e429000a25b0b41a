"""The policy as tables: what a lane's record answers, and what becomes of it; then random schedules of workers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, precondition, rule

from charimg.model import Verdict
from charimg.policy import (
    BARREN_BATCHES,
    PERMIT_LIFETIME,
    SERVER_MARGIN,
    Answer,
    BatchOver,
    Busy,
    Closed,
    Closure,
    Hold,
    LaneRecord,
    Outcome,
    Pause,
    Permit,
    Policy,
    Retry,
    Start,
    Turn,
    came_of,
    may_start,
)

POLICY = Policy()
NOW = 100.0
OK = Outcome(Verdict.OK)
BUSY = Outcome(Verdict.THROTTLED, "busy")


def out(*numbers: int) -> tuple[Permit, ...]:
    """Permits that are out, all alive at NOW."""
    return tuple(Permit(number, NOW + 60) for number in numbers)


def in_batch(*numbers: int, **changes: object) -> LaneRecord:
    """A lane in its third batch with these permits out."""
    record = LaneRecord(batch=3, issued=max(numbers, default=0), permits=out(*numbers))
    return replace(record, **changes)  # type: ignore[arg-type]


# -- the numbers -----------------------------------------------------------------------------------------------------


def test_the_defaults_are_the_policy() -> None:
    """Five at once, 15 seconds, three retries, two seconds, a ceiling of 15 minutes."""
    assert Policy() == Policy(batch_size=5, quota_wait=15, max_retries=3, cooldown=2, wait_ceiling=900)


@pytest.mark.parametrize(
    "numbers",
    [
        {"batch_size": 0},
        {"batch_size": -1},
        {"max_retries": -1},
        {"quota_wait": -0.1},
        {"cooldown": float("nan")},
        {"wait_ceiling": float("inf")},
    ],
    ids=str,
)
def test_numbers_that_make_no_policy_are_refused(numbers: dict[str, float]) -> None:
    """A batch of nobody would never end; a wait that is no number would never be over."""
    with pytest.raises(ValueError, match=r"must be|cannot be"):
        Policy(**numbers)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("jobs", "batches", "seconds"), [(0, 0, 0), (1, 1, 0), (5, 1, 0), (6, 2, 2), (15, 3, 4), (16, 4, 6)]
)
def test_how_long_it_takes_at_least(jobs: int, batches: int, seconds: float) -> None:
    """One cooldown less than there are batches."""
    assert (POLICY.batches(jobs), POLICY.least_seconds(jobs)) == (batches, seconds)


# -- may I start? ----------------------------------------------------------------------------------------------------

MAY_START: dict[str, tuple[LaneRecord, int, type[object], LaneRecord | None]] = {
    # state, jobs waiting, wanted answer, wanted record afterwards (None: only the answer matters)
    "a fresh lane begins batch 1 and may start four more": (
        LaneRecord(),
        15,
        Start,
        LaneRecord(batch=1, left=4, issued=1, permits=(Permit(1, NOW + PERMIT_LIFETIME),)),
    ),
    "a batch is no larger than the queue": (
        LaneRecord(),
        2,
        Start,
        LaneRecord(batch=1, left=1, issued=1, permits=(Permit(1, NOW + PERMIT_LIFETIME),)),
    ),
    "a job of the round under way starts without a new batch": (
        in_batch(7, left=2),
        9,
        Start,
        in_batch(7, left=1, issued=8, permits=(*out(7), Permit(8, NOW + PERMIT_LIFETIME))),
    ),
    "a sixth job is not started while five are out": (in_batch(1, 2, 3, 4, 5), 10, Busy, in_batch(1, 2, 3, 4, 5)),
    "one that came back leaves no room before the round is over": (in_batch(2, 3, 4, 5, ended=1), 10, Busy, None),
    "while a quota closes the lane nothing starts": (
        in_batch(left=3, closed_until=NOW + 15, closed_why=Pause.QUOTA, retry=1),
        3,
        Hold,
        None,
    ),
    "at the very moment a pause ends the lane is open": (in_batch(left=3, closed_until=NOW, retry=1), 3, Start, None),
    "a new batch forgets the retries and counts of the last": (
        in_batch(retry=3, succeeded=4, invalid=1),
        5,
        Start,
        in_batch(1, batch=4, left=4, permits=(Permit(1, NOW + PERMIT_LIFETIME),)),
    ),
    "a new batch remembers that the last was barren": (
        in_batch(barren=1, retry=3),
        1,
        Start,
        in_batch(1, batch=4, barren=1, permits=(Permit(1, NOW + PERMIT_LIFETIME),)),
    ),
    "a closed lane never starts again": (in_batch(closure=Closure(Verdict.FATAL, "wrong key")), 5, Closed, None),
    "a closed lane is told as closed even in a pause": (
        in_batch(closure=Closure(Verdict.FATAL, "wrong key"), closed_until=NOW + 9),
        5,
        Closed,
        None,
    ),
    "a permit of a dead worker makes room when it expires": (
        in_batch(permits=(Permit(1, NOW),), issued=1),
        5,
        Start,
        in_batch(batch=4, left=4, issued=2, permits=(Permit(2, NOW + PERMIT_LIFETIME),)),
    ),
    "a permit of a dead worker ends its round, and what was turned away waits": (
        in_batch(permits=(Permit(1, NOW),), issued=1, turned_away=2),
        5,
        Hold,
        in_batch(issued=1, left=2, retry=1, closed_until=NOW + 15, closed_why=Pause.QUOTA),
    ),
}


@pytest.mark.parametrize("row", MAY_START.values(), ids=MAY_START.keys())
def test_may_start(row: tuple[LaneRecord, int, type[object], LaneRecord | None]) -> None:
    """A row of the table: a record, and the answer it gives at NOW."""
    record, waiting, wanted, wanted_record = row
    after, answer = may_start(record, POLICY, NOW, waiting)

    assert isinstance(answer, wanted), answer
    if wanted_record is not None:
        assert after == wanted_record


@pytest.mark.parametrize(
    ("record", "wanted"),
    [
        (LaneRecord(), True),
        (in_batch(left=2), False),
        (in_batch(left=2, retry=1), False),
        (in_batch(), True),
    ],
)
def test_only_the_first_job_of_a_batch_is_told_so(record: LaneRecord, wanted: bool) -> None:
    """Neither the others nor a retry begin a batch."""
    _, answer = may_start(record, POLICY, NOW, 5)

    assert isinstance(answer, Start)
    assert answer.first is wanted


def test_a_hold_says_until_when_and_why() -> None:
    """Whoever waits can tell the user what for."""
    _, quota = may_start(in_batch(left=1, closed_until=115.0, closed_why=Pause.QUOTA), POLICY, NOW, 1)
    _, cooldown = may_start(in_batch(closed_until=102.0), POLICY, NOW, 1)

    assert (quota, cooldown) == (Hold(115.0, Pause.QUOTA), Hold(102.0, Pause.COOLDOWN))


# -- what came of it -------------------------------------------------------------------------------------------------

UNTIL = datetime(2026, 12, 1, tzinfo=timezone.utc)

CAME_OF: dict[str, tuple[LaneRecord, Outcome, LaneRecord, Turn | None]] = {
    # state with permit 1 out, what came of it, wanted state, wanted turn
    "a success leaves the others at work": (in_batch(1, 2), OK, in_batch(2, issued=2, ended=1, succeeded=1), None),
    "the last success ends the batch with a cooldown": (
        in_batch(1, ended=4, succeeded=4),
        OK,
        in_batch(issued=1, succeeded=5, closed_until=NOW + 2),
        BatchOver(gave_up=False),
    ),
    "a quota answer waits for those in flight": (
        in_batch(1, 2),
        BUSY,
        in_batch(2, issued=2, turned_away=1, reason="busy"),
        None,
    ),
    "a quota answer spares those not yet sent, and they are retried with it": (
        in_batch(1, left=4),
        BUSY,
        in_batch(issued=1, left=5, retry=1, closed_until=NOW + 15, closed_why=Pause.QUOTA),
        Retry(15.0, 1, "busy"),
    ),
    "the round over, only those turned away are retried": (
        in_batch(1, ended=3, succeeded=3, turned_away=1, reason="busy"),
        OK,
        in_batch(issued=1, ended=4, succeeded=4, left=1, retry=1, closed_until=NOW + 15, closed_why=Pause.QUOTA),
        Retry(15.0, 1, "busy"),
    ),
    "the third wait is retry 3": (
        in_batch(1, retry=2),
        BUSY,
        in_batch(issued=1, left=1, retry=3, closed_until=NOW + 15, closed_why=Pause.QUOTA),
        Retry(15.0, 3, "busy"),
    ),
    "after the third retry the batch gives up, and a cooldown follows": (
        in_batch(1, retry=3, ended=2, succeeded=2),
        BUSY,
        in_batch(issued=1, retry=3, succeeded=2, closed_until=NOW + 2),
        BatchOver(gave_up=True),
    ),
    "a batch that gave up without a success is barren": (
        in_batch(1, retry=3),
        BUSY,
        in_batch(issued=1, retry=3, barren=1, closed_until=NOW + 2),
        BatchOver(gave_up=True),
    ),
    "a second barren batch closes the lane": (
        in_batch(1, retry=3, barren=BARREN_BATCHES - 1),
        BUSY,
        in_batch(
            issued=1,
            retry=3,
            barren=2,
            closed_until=NOW + 2,
            closure=Closure(Verdict.THROTTLED, "2 batches in a row without one success: busy"),
        ),
        BatchOver(gave_up=True),
    ),
    "a success between two barren batches starts the count again": (
        in_batch(1, retry=3, barren=1, ended=1, succeeded=1),
        BUSY,
        in_batch(issued=1, retry=3, succeeded=1, closed_until=NOW + 2),
        BatchOver(gave_up=True),
    ),
    "failures without a quota are not barren": (
        in_batch(1, barren=1),
        Outcome(Verdict.FLAKY),
        in_batch(issued=1, closed_until=NOW + 2),
        BatchOver(gave_up=False),
    ),
    "a rejection ends its job": (
        in_batch(1, 2),
        Outcome(Verdict.REJECTED),
        in_batch(2, issued=2, ended=1),
        None,
    ),
    "fatal closes at once: those not sent never are": (
        in_batch(1, 2, left=3),
        Outcome(Verdict.FATAL, "wrong key"),
        in_batch(2, issued=2, closure=Closure(Verdict.FATAL, "wrong key")),
        None,
    ),
    "exhausted closes with the moment the quota returns": (
        in_batch(1),
        Outcome(Verdict.EXHAUSTED, "daily", until=UNTIL),
        in_batch(issued=1, closure=Closure(Verdict.EXHAUSTED, "daily", UNTIL), closed_until=NOW + 2),
        BatchOver(gave_up=False),
    ),
    "the first reason to close stands": (
        in_batch(1, closure=Closure(Verdict.EXHAUSTED, "daily")),
        Outcome(Verdict.FATAL, "wrong key"),
        in_batch(issued=1, closure=Closure(Verdict.EXHAUSTED, "daily"), closed_until=NOW + 2),
        BatchOver(gave_up=False),
    ),
    "a closing lane does not retry what was turned away": (
        in_batch(1, turned_away=2, reason="busy"),
        Outcome(Verdict.FATAL, "wrong key"),
        in_batch(issued=1, closure=Closure(Verdict.FATAL, "wrong key"), closed_until=NOW + 2),
        BatchOver(gave_up=False),
    ),
    "a whole first batch of invalid closes the lane": (
        in_batch(1, batch=1, ended=4, invalid=4),
        Outcome(Verdict.INVALID),
        in_batch(
            issued=1,
            batch=1,
            invalid=5,
            closed_until=NOW + 2,
            closure=Closure(Verdict.INVALID, "every request of the first batch was refused as invalid"),
        ),
        BatchOver(gave_up=False),
    ),
    "a first batch with one success does not": (
        in_batch(1, batch=1, ended=4, invalid=3, succeeded=1),
        Outcome(Verdict.INVALID),
        in_batch(issued=1, batch=1, invalid=4, succeeded=1, closed_until=NOW + 2),
        BatchOver(gave_up=False),
    ),
    "a later batch of invalid does not": (
        in_batch(1, ended=4, invalid=4),
        Outcome(Verdict.INVALID),
        in_batch(issued=1, invalid=5, closed_until=NOW + 2),
        BatchOver(gave_up=False),
    ),
}


@pytest.mark.parametrize("row", CAME_OF.values(), ids=CAME_OF.keys())
def test_came_of(row: tuple[LaneRecord, Outcome, LaneRecord, Turn | None]) -> None:
    """A row of the table: a record with permit 1 out, what came of its job, and what becomes of the record."""
    record, outcome, wanted, wanted_turn = row

    assert came_of(record, POLICY, NOW, Permit(1, NOW + 60), outcome) == (wanted, wanted_turn)


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        (None, 15.0),  # the server is silent
        (0.0, 15.0),  # "at once" shortens nothing
        (9.0, 15.0),  # a shorter wait never shortens ours
        (14.0, 15.0),  # the margin alone
        (14.5, 15.5),  # the margin lifts it above ours
        (60.0, 60.0 + SERVER_MARGIN),
        (900.0, 900.0 + SERVER_MARGIN),  # the ceiling itself is still waited for
    ],
)
def test_the_servers_wait(asked: float | None, wait: float) -> None:
    """At least the policy's, at least the server's and a margin."""
    record, turn = came_of(in_batch(1), POLICY, NOW, out(1)[0], Outcome(Verdict.THROTTLED, "busy", asked))

    assert (turn, record.closed_until) == (Retry(wait, 1, "busy"), NOW + wait)


def test_beyond_the_ceiling_is_exhausted() -> None:
    """A wait the policy would not sit out closes the lane instead, with the server's words and its moment."""
    outcome = Outcome(Verdict.THROTTLED, "in an hour", 900.1, UNTIL)
    record, turn = came_of(in_batch(1), POLICY, NOW, out(1)[0], outcome)

    assert (record.closure, turn) == (Closure(Verdict.EXHAUSTED, "in an hour", UNTIL), BatchOver(gave_up=False))


def test_the_longest_of_several_waits_is_kept_with_its_reason() -> None:
    """Whoever comes back last, the longest wait asked for counts."""
    record = in_batch(1, 2, 3)
    for permit, wait in zip(out(1, 2, 3), (20.0, 90.0, 40.0), strict=True):
        record, turn = came_of(record, POLICY, NOW, permit, Outcome(Verdict.THROTTLED, f"{wait:g}", wait))

    assert turn == Retry(91.0, 1, "90")


def test_a_wait_of_an_earlier_round_is_forgotten() -> None:
    """Each round waits for what was asked in it."""
    record, _ = came_of(in_batch(1), POLICY, NOW, out(1)[0], Outcome(Verdict.THROTTLED, "busy", 60.0))
    record, answer = may_start(record, POLICY, NOW + 61, 1)
    assert isinstance(answer, Start)
    _, turn = came_of(record, POLICY, NOW + 61, answer.permit, BUSY)

    assert turn == Retry(15.0, 2, "busy")


def test_giving_up_does_not_shorten_a_wait_the_server_asked_for() -> None:
    """The next batch is not sent into a minute the server asked to be left alone in."""
    outcome = Outcome(Verdict.THROTTLED, "busy", 60.0)
    record, turn = came_of(in_batch(1, retry=3), POLICY, NOW, out(1)[0], outcome)

    assert (turn, record.closed_until) == (BatchOver(gave_up=True), NOW + 61)


def test_one_wait_a_round_however_many_were_turned_away() -> None:
    """Five quota answers close the lane once."""
    record = in_batch(1, 2, 3, 4, 5)
    turns = []
    for permit in out(1, 2, 3, 4, 5):
        record, turn = came_of(record, POLICY, NOW, permit, BUSY)
        turns.append(turn)

    assert turns == [None, None, None, None, Retry(15.0, 1, "busy")]


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_permit_nobody_gave_changes_nothing(verdict: Verdict) -> None:
    """An unknown permit, or one brought back twice, is ignored."""
    record = in_batch(1, 2)

    assert came_of(record, POLICY, NOW, Permit(9, NOW + 60), Outcome(verdict)) == (record, None)


def test_a_permit_that_expired_is_not_counted_when_it_comes_back_after_all() -> None:
    """The dead worker was alive: its place is another's by now."""
    record, answer = may_start(in_batch(permits=(Permit(1, NOW),), issued=1), POLICY, NOW, 1)
    assert isinstance(answer, Start)

    assert came_of(record, POLICY, NOW + 1, Permit(1, NOW), BUSY) == (record, None)


def test_without_retries_the_first_quota_answer_gives_up() -> None:
    """``--max-retries 0`` never waits for a quota."""
    _, turn = came_of(in_batch(1), Policy(max_retries=0), NOW, out(1)[0], BUSY)

    assert turn == BatchOver(gave_up=True)


# -- random schedules ------------------------------------------------------------------------------------------------


@dataclass
class Queued:
    """A job of the machine below, and what became of it."""

    number: int
    tries_in_batch: int = 0
    ended: bool = False
    turned_away: bool = False
    batch: int = 0


@dataclass
class Under:
    """A permit out, and its job."""

    permit: Permit
    job: Queued
    since: float = field(default=0.0)


VERDICTS = st.sampled_from([*[Verdict.OK] * 6, *[Verdict.THROTTLED] * 5, *Verdict])


class Workers(RuleBasedStateMachine):
    """Workers that share one lane's record ask and come back in any order while time passes."""

    flying = Bundle("flying")

    def __init__(self) -> None:
        super().__init__()
        self.policy = Policy(batch_size=3, max_retries=2)
        self.record = LaneRecord()
        self.now = 0.0
        self.queue = [Queued(number) for number in range(12)]
        self.out: dict[int, Under] = {}
        self.not_before = 0.0
        """No job may start before: the end of every wait that was decided."""
        self.asked = 0.0
        self.waits: Counter[int] = Counter()

    def unfinished(self) -> list[Queued]:
        """Jobs that may be asked for: those of the batch under way first."""
        flying = {under.job.number for under in self.out.values()}
        waiting = [job for job in self.queue if not job.ended and job.number not in flying]
        return sorted(waiting, key=lambda job: (not job.turned_away, job.number))

    @precondition(lambda self: self.unfinished())
    @rule(target=flying)
    def ask(self) -> object:
        """A worker asks to start the next job."""
        waiting = self.unfinished()
        self.record, answer = may_start(self.record, self.policy, self.now, len(waiting))
        if not isinstance(answer, Start):
            assert self._has_a_reason(answer)
            return multiple()
        assert self.record.closure is None, "nothing starts on a closed lane"
        assert self.now >= self.not_before, "nothing starts while the lane waits"
        assert answer.permit.number not in self.out, "a permit is given once"
        job = waiting[0]
        if answer.first:
            assert not self.out, "a batch begins when the last is wholly over"
            for other in self.queue:
                other.tries_in_batch = 0
        else:
            assert self.record.batch == job.batch or not job.turned_away, "what was turned away comes first"
        job.batch, job.turned_away = self.record.batch, False
        job.tries_in_batch += 1
        assert job.tries_in_batch <= self.policy.max_retries + 1, "at most so many retries a batch"
        self.out[answer.permit.number] = Under(answer.permit, job, self.now)
        return answer.permit

    def _has_a_reason(self, answer: Answer) -> bool:
        if isinstance(answer, Hold):
            return answer.until > self.now and not self.out
        if isinstance(answer, Busy):
            return bool(self.out)
        return isinstance(answer, Closed) and self.record.closure is not None

    @rule(permit=consumes(flying), verdict=VERDICTS, wait=st.none() | st.sampled_from([1.0, 30.0, 400.0, 5000.0]))
    def come_back(self, permit: Permit, verdict: Verdict, wait: float | None) -> None:
        """A worker comes back with an answer."""
        under = self.out.pop(permit.number)
        outcome = Outcome(verdict, "words", wait if verdict is Verdict.THROTTLED else None)
        closed_before = self.record.closure
        self.record, turn = came_of(self.record, self.policy, self.now, permit, outcome)
        if verdict is Verdict.THROTTLED and (wait is None or wait <= self.policy.wait_ceiling):
            under.job.turned_away = True
            self.asked = max(self.asked, wait or 0.0)
        elif verdict in (Verdict.FATAL, Verdict.EXHAUSTED, Verdict.THROTTLED):
            assert self.record.closure is not None, "this closes the lane at once"
            assert closed_before is None or self.record.closure == closed_before, "the first reason stands"
        else:
            under.job.ended = True
        if turn is None:
            assert self.out or self.record.left, "a round that is over says how it turned"
            return
        assert not self.out, "a round is over when everybody is back"
        if isinstance(turn, Retry):
            self.waits[self.record.batch] += 1
            assert turn.retry == self.waits[self.record.batch] <= self.policy.max_retries, (
                "retries count up to the limit"
            )
            assert turn.wait >= self.policy.quota_wait, "never shorter than the policy"
            turned_away = sum(job.turned_away for job in self.queue)
            assert turned_away <= self.record.left <= self.policy.batch_size, (
                "those turned away, and those spared with them"
            )
        else:
            assert turn.gave_up == ((self._some_left() and self.record.closure is None) or self._barren_close())
            for job in self.queue:
                if job.turned_away:  # given up: pending, out of this run
                    job.ended, job.turned_away = True, False
        self.not_before = self.record.closed_until
        assert self.record.closed_until >= self.now + self.asked, "never shorter than the server asked for"
        self.asked = 0.0

    def _some_left(self) -> bool:
        return any(job.turned_away for job in self.queue)

    def _barren_close(self) -> bool:
        closure = self.record.closure
        return closure is not None and closure.verdict is Verdict.THROTTLED

    @rule(seconds=st.sampled_from([0.0, 1.0, 2.0, 14.9, 15.0, 31.0]))
    def time_passes(self, seconds: float) -> None:
        """The clock goes on (within the life of a permit)."""
        oldest = min((under.permit.expires for under in self.out.values()), default=float("inf"))
        self.now = min(self.now + seconds, max(self.now, oldest - 1.0))

    @rule(permit=flying, verdict=VERDICTS)
    def come_back_with_a_stranger(self, permit: Permit, verdict: Verdict) -> None:
        """A permit nobody gave changes nothing."""
        stranger = Permit(-permit.number, permit.expires)

        assert came_of(self.record, self.policy, self.now, stranger, Outcome(verdict)) == (self.record, None)

    @invariant()
    def never_more_than_a_batch_in_flight(self) -> None:
        """The lane's one account never sees more than the batch size at once."""
        assert len(self.record.permits) == len(self.out) <= self.policy.batch_size

    @invariant()
    def the_record_knows_who_is_out(self) -> None:
        """The permits of the record are those that were given and not brought back."""
        assert {permit.number for permit in self.record.permits} == set(self.out)


TestWorkers = Workers.TestCase
TestWorkers.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
