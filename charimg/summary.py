"""The honest summary: counts a run from its events, once, for everyone who shows it."""

from __future__ import annotations

from collections import defaultdict

from charimg.errors import CharimgError, ExitCode
from charimg.events import (
    Event,
    JobDone,
    JobFailed,
    JobName,
    JobPossiblyCharged,
    JobRejected,
    JobSaved,
    LaneClosed,
    Problem,
    RunFinished,
    RunStarted,
)
from charimg.model import Cost, Verdict

QUOTA = (Verdict.THROTTLED, Verdict.EXHAUSTED)
"""Verdicts that a later run may heal without the user's doing anything."""


class Tally:
    """Hears every event of a run and can say at any moment how it stands. Each job is counted once."""

    def __init__(self) -> None:
        self._started: RunStarted | None = None
        self._succeeded: set[str] = set()
        self._problems: dict[str, Problem] = {}
        self._possibly_charged: dict[str, JobName] = {}
        self._closed: list[LaneClosed] = []
        self._spent: defaultdict[tuple[str, str], float] = defaultdict(float)

    def hear(self, event: Event) -> None:
        """Take note of one event."""
        if isinstance(event, RunStarted):
            self._started = event
        elif isinstance(event, JobDone):
            self._succeeded.add(event.key)
            self._problems.pop(event.key, None)
        elif isinstance(event, (JobFailed, JobRejected)):
            self._succeeded.discard(event.key)
            unreachable = isinstance(event, JobFailed) and event.unreachable
            self._problems[event.key] = Problem(
                event.key, event.name, event.verdict, event.message, event.stage, unreachable
            )
        elif isinstance(event, JobPossiblyCharged):
            self._possibly_charged[event.key] = JobName(event.key, event.name)
        elif isinstance(event, LaneClosed):
            self._closed.append(event)
        elif isinstance(event, JobSaved) and event.cost is not None:
            self._spent[event.cost.currency, event.cost.source] += event.cost.amount

    def finished(self, *, seconds: float, interrupted: bool = False, failure: Exception | None = None) -> RunFinished:
        """The summary as it stands.

        :param failure: what ended the run before its time: the disk, the ledger, or a fault of our own.
        """
        started = self._started
        jobs = started.jobs if started else ()
        problems = tuple(self._problems[job.key] for job in jobs if job.key in self._problems)
        rejected = sum(problem.verdict is Verdict.REJECTED for problem in problems)
        left = tuple(job for job in jobs if job.key not in self._succeeded and job.key not in self._problems)
        pending = len(left)
        return RunFinished(
            run=started.run if started else "",
            total=len(jobs),
            succeeded=len(self._succeeded),
            failed=len(problems) - rejected,
            rejected=rejected,
            pending=pending,
            skipped=started.skipped if started else 0,
            seconds=round(seconds, 3),
            exit_code=int(self._exit_code(pending, problems, interrupted, failure)),
            interrupted=interrupted,
            problems=problems,
            left=left,
            closed=tuple(self._closed),
            spent=tuple(Cost(amount, currency, source) for (currency, source), amount in self._spent.items()),
            possibly_charged=tuple(self._possibly_charged.values()),
            out=started.out if started else "",
        )

    def _exit_code(
        self, pending: int, problems: tuple[Problem, ...], interrupted: bool, failure: Exception | None
    ) -> ExitCode:
        if failure is not None:
            return failure.exit_code if isinstance(failure, CharimgError) else ExitCode.FAILED
        if not pending and not problems:
            return ExitCode.OK
        if interrupted:
            return ExitCode.INTERRUPTED
        if pending and any(lane.verdict is Verdict.FATAL for lane in self._closed):
            return ExitCode.LOGIN
        quota_closed = pending and any(lane.verdict in QUOTA for lane in self._closed)
        if quota_closed or any(problem.verdict in QUOTA for problem in problems):
            return ExitCode.QUOTA
        return ExitCode.FAILED
