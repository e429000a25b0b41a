"""The policy: batches of five, the quota wait, three retries, the cooldown; as pure functions over one record.

A lane's :class:`LaneRecord` says what is left of its batch, until when it is closed and why, and which permits are
out. Two functions move it: :func:`may_start` answers "may I start a job?", :func:`came_of` takes what came of one.
There is no clock and no I/O here: the time is an argument, in seconds on any monotonic clock. Whoever holds the record
(the scheduler in memory; later perhaps a database row shared by several machines) does the waiting.

One *round* sends every unfinished job of the batch once. A batch is one round, plus one more for every quota wait.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from charimg.model import Verdict

SERVER_MARGIN = 1.0
"""Seconds added to a wait the server asked for: services truncate theirs to whole seconds (Gemini's RetryInfo)."""

PERMIT_LIFETIME = 3600.0
"""Seconds after which a permit nobody returned counts as lost, so that a dead worker cannot hold a lane for ever."""

BARREN_BATCHES = 2
"""Whole batches in a row that a quota left without one success, after which the lane closes."""


@dataclass(frozen=True)
class Policy:
    """The numbers of the policy. The defaults are the policy; everything is configurable."""

    batch_size: int = 5
    """Jobs one lane runs at once."""
    quota_wait: float = 15.0
    """Seconds a lane waits after a quota answer; longer when the server asks for longer."""
    max_retries: int = 3
    """Waits, and so retries, one batch may have."""
    cooldown: float = 2.0
    """Seconds between two batches of a lane."""
    wait_ceiling: float = 900.0
    """Seconds: a server that asks for more means "not today", and the lane closes."""

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"batch size must be at least 1, not {self.batch_size}")
        if self.max_retries < 0:
            raise ValueError(f"retries cannot be fewer than 0, not {self.max_retries}")
        for name in ("quota_wait", "cooldown", "wait_ceiling"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise ValueError(f"{name.replace('_', ' ')} must be a number of seconds from 0 up, not {value}")

    def batches(self, jobs: int) -> int:
        """How many batches a lane needs for so many jobs."""
        return -(-jobs // self.batch_size)

    def least_seconds(self, jobs: int) -> float:
        """The cooldowns alone: how long so many jobs take at least on one lane, without the service's own time."""
        return max(0, self.batches(jobs) - 1) * self.cooldown


class Pause(str, Enum):
    """Why a lane may not start a job just now."""

    QUOTA = "quota"
    COOLDOWN = "cooldown"


@dataclass(frozen=True)
class Closure:
    """Why a lane takes no more jobs."""

    verdict: Verdict
    message: str
    until: datetime | None = None
    over_budget: bool = False
    """Not the service ended it, but the money the user set for the run."""


@dataclass(frozen=True)
class Permit:
    """The right to run one job now."""

    number: int
    expires: float


@dataclass(frozen=True)
class LaneRecord:
    """All the policy remembers of a lane."""

    batch: int = 0
    """The batch under way, from 1; 0 before the first."""
    retry: int = 0
    """Waits this batch has had."""
    left: int = 0
    """Jobs that may still start in this round."""
    permits: tuple[Permit, ...] = ()
    """Jobs in flight."""
    issued: int = 0
    """Permits ever given, which numbers them."""
    turned_away: int = 0
    """Jobs of this round the service was too busy for."""
    asked: float = 0.0
    """The longest wait the server asked for in this round, seconds."""
    reason: str = ""
    """The server's words for it."""
    succeeded: int = 0
    """Jobs of this batch that succeeded."""
    invalid: int = 0
    """Jobs of this batch that were invalid."""
    ended: int = 0
    """Jobs of this batch that came to an end of any kind."""
    barren: int = 0
    """Batches in a row that a quota left without one success."""
    closed_until: float = float("-inf")
    closed_why: Pause = Pause.COOLDOWN
    closure: Closure | None = None


@dataclass(frozen=True)
class Start:
    """Yes: run one job with this permit, and bring it back to :func:`came_of`."""

    permit: Permit
    first: bool
    """It is the first of a new batch."""


@dataclass(frozen=True)
class Hold:
    """Not before *until*; then ask again."""

    until: float
    why: Pause


@dataclass(frozen=True)
class Busy:
    """The round is under way and complete; ask again when its jobs have come back."""


@dataclass(frozen=True)
class Closed:
    """Never again in this run."""

    closure: Closure


Answer = Start | Hold | Busy | Closed


@dataclass(frozen=True)
class Outcome:
    """What came of one job, as far as the policy cares."""

    verdict: Verdict
    message: str = ""
    wait: float | None = None
    """Seconds the server asked for."""
    until: datetime | None = None
    """When an exhausted quota returns."""
    stage: str = "generate"
    """Where it happened, ``"generate"`` or ``"upload"``; the policy is the same for both."""
    unreachable: bool = False
    """No answer came at all; the policy is the same, what the user is told is not."""
    standing: bool = False
    """The service has accepted the job and still has it: no other lane may make it meanwhile, or it is paid twice."""


@dataclass(frozen=True)
class Retry:
    """The round is over and some jobs were turned away: after the wait they are tried again."""

    wait: float
    retry: int
    reason: str


@dataclass(frozen=True)
class BatchOver:
    """The batch is over: every job ended, or the retries are used up, or the lane closed."""

    gave_up: bool
    """Jobs were still turned away after the last retry."""


Turn = Retry | BatchOver


def held(record: LaneRecord, now: float) -> Hold | None:
    """The pause the lane is in, if it is in one: it has no use for jobs before that is over."""
    return Hold(record.closed_until, record.closed_why) if now < record.closed_until else None


def closed(record: LaneRecord, closure: Closure) -> LaneRecord:
    """The lane takes no more jobs, for a reason that no answer told: it cannot be opened, or may not spend more."""
    return replace(record, closure=record.closure or closure, left=0)


def paused(record: LaneRecord, until: float) -> LaneRecord:
    """The lane waits for a quota that it met before its first job."""
    return replace(record, closed_until=until, closed_why=Pause.QUOTA)


def may_start(record: LaneRecord, policy: Policy, now: float, waiting: int) -> tuple[LaneRecord, Answer]:
    """Ask to start one job.

    :param waiting: how many jobs stand in the queue, the one that asks included: a new batch takes no more.
    """
    record, _ = _settle(_without_expired(record, now), policy, now)
    if record.closure is not None:
        return record, Closed(record.closure)
    if (hold := held(record, now)) is not None:
        return record, hold
    if record.left == 0 and record.permits:
        return record, Busy()
    first = record.left == 0
    if first:
        record = replace(
            record,
            batch=record.batch + 1,
            retry=0,
            left=min(policy.batch_size, max(1, waiting)),
            turned_away=0,
            succeeded=0,
            invalid=0,
            ended=0,
        )
    permit = Permit(record.issued + 1, now + PERMIT_LIFETIME)
    record = replace(record, left=record.left - 1, issued=permit.number, permits=(*record.permits, permit))
    return record, Start(permit, first)


def came_of(
    record: LaneRecord, policy: Policy, now: float, permit: Permit, outcome: Outcome
) -> tuple[LaneRecord, Turn | None]:
    """Bring a permit back, with what came of its job; the answer says how the lane's batch turned, if it did."""
    if permit.number not in {out.number for out in record.permits}:
        return record, None
    record = replace(record, permits=tuple(out for out in record.permits if out.number != permit.number))
    verdict = outcome.verdict
    if verdict is Verdict.THROTTLED and (outcome.wait or 0.0) > policy.wait_ceiling:
        verdict = Verdict.EXHAUSTED
    if verdict in (Verdict.EXHAUSTED, Verdict.FATAL):
        closure = record.closure or Closure(verdict, outcome.message, outcome.until)
        record = replace(record, closure=closure, left=0)
    elif verdict is Verdict.THROTTLED:
        asked = 0.0 if outcome.wait is None else outcome.wait + SERVER_MARGIN
        record = replace(
            record,
            turned_away=record.turned_away + 1 + record.left,
            left=0,
            asked=max(record.asked, asked),
            reason=outcome.message if not record.reason or asked > record.asked else record.reason,
        )
    else:
        record = replace(
            record,
            ended=record.ended + 1,
            succeeded=record.succeeded + (verdict is Verdict.OK),
            invalid=record.invalid + (verdict is Verdict.INVALID),
        )
    return _settle(record, policy, now)


def _without_expired(record: LaneRecord, now: float) -> LaneRecord:
    """Permits of dead workers are lost; their jobs go back to the queue, which is not the record's business."""
    alive = tuple(permit for permit in record.permits if permit.expires > now)
    return record if len(alive) == len(record.permits) else replace(record, permits=alive)


def _settle(record: LaneRecord, policy: Policy, now: float) -> tuple[LaneRecord, Turn | None]:
    """If the round is over, decide how it goes on."""
    over = record.left == 0 and not record.permits and (record.turned_away or record.ended or record.closure)
    if not over:
        return record, None
    if record.closure is None and record.turned_away and record.retry < policy.max_retries:
        wait = max(policy.quota_wait, record.asked)
        turn = Retry(wait, record.retry + 1, record.reason)
        return replace(
            record,
            retry=record.retry + 1,
            left=record.turned_away,
            turned_away=0,
            asked=0.0,
            reason="",
            closed_until=now + wait,
            closed_why=Pause.QUOTA,
        ), turn
    gave_up = record.turned_away > 0 and record.closure is None
    barren = record.barren + 1 if gave_up and not record.succeeded else 0
    closure = record.closure
    if closure is None and barren >= BARREN_BATCHES:
        words = f"{barren} batches in a row without one success"
        closure = Closure(Verdict.THROTTLED, f"{words}: {record.reason}" if record.reason else words)
    if closure is None and record.batch == 1 and record.invalid > 1 and record.invalid == record.ended and not gave_up:
        closure = Closure(Verdict.INVALID, "every request of the first batch was refused as invalid")
    return replace(
        record,
        left=0,
        turned_away=0,
        ended=0,
        asked=0.0,
        reason="",
        barren=barren,
        closure=closure,
        # A server that asked for a wait is not asked again before it is over, though the batch gave up.
        closed_until=now + max(policy.cooldown, record.asked),
        closed_why=Pause.COOLDOWN,
    ), BatchOver(gave_up)
