"""A lane as the scheduler works with it: what it is given to do the work with, and where it stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

from charimg.events import JobFailed
from charimg.model import Job, Verdict
from charimg.policy import BatchOver, LaneRecord, Outcome, Policy, Retry

ENDS = (Verdict.OK, Verdict.REJECTED, Verdict.INVALID, Verdict.FLAKY)
"""Verdicts with which a job came to an end in this run."""

Work = Callable[[Job], Awaitable[Outcome]]
"""Does one job on a lane: a pipeline's ``work``."""


async def _always(_job: Job) -> bool:
    return True


def _nothing(_job: Job) -> None:
    return None


@dataclass(frozen=True)
class LaneWork:
    """What the scheduler knows of a lane."""

    name: str
    work: Work
    policy: Policy
    """The lane's own: its batch, its waits, its cooldown."""
    at_once: int | None = None
    """Jobs of a batch that it can take at once; ``None`` for all of them. A server with one graphics card takes one."""
    pace: float = 0.0
    """Seconds between the beginnings of two jobs."""
    weight: float | None = None
    """Its share of the jobs, relative to the other lanes with a weight; without one it takes a batch whenever it is
    free."""
    opened: Callable[[], AbstractAsyncContextManager[object]] = nullcontext
    """Gets the lane ready for its work, and lets it go; entered when there is a job for it."""
    admit: Callable[[Job], Awaitable[bool]] = _always
    """Asked before a job is begun: whether there is money for it now. Raises ExhaustedError if there never will be."""
    release: Callable[[Job], None] = _nothing
    """Told that a job which was let in is not begun after all."""


@dataclass(frozen=True)
class Leftover:
    """A job that no lane brought to an end."""

    job: Job
    given_up: JobFailed | None = None
    """How it is told, if a lane tried it and gave it up."""


class LaneAtWork:
    """One lane at work."""

    def __init__(self, told: LaneWork) -> None:
        self.told = told
        self.name = told.name
        self.work = told.work
        self.policy = told.policy
        self.at_once = told.at_once
        self.pace = told.pace
        self.next_start = float("-inf")
        """When the pace lets the next job begin."""
        self.weight = told.weight
        self.ready = False
        """It has been opened."""
        self.taken = 0
        """Jobs it took, however they ended."""
        self.record = LaneRecord()
        self.turns: list[Retry | BatchOver] = []
        """How the round under way turned, once it has."""
        self.outcomes: dict[str, Outcome] = {}
        """What came of the batch's jobs, the newest of each."""
        self.announced: float | None = None
        """The end of the pause that was last told to the user."""

    @property
    def share(self) -> float:
        """Jobs it took for each unit of its weight."""
        return self.taken / (self.weight or 1.0)

    def has_ended(self, job: Job) -> bool:
        """Whether the job came to an end in this batch."""
        return job.key in self.outcomes and self.outcomes[job.key].verdict in ENDS

    def was_unreachable(self, jobs: Sequence[Job]) -> bool:
        """Whether none of those that were sent got an answer."""
        told = [self.outcomes[job.key] for job in jobs if job.key in self.outcomes]
        return bool(told) and all(outcome.unreachable for outcome in told)

    def count(self, *verdicts: Verdict) -> int:
        """How many jobs of this batch came to such an end."""
        return sum(outcome.verdict in verdicts for outcome in self.outcomes.values())
