"""The honest summary: counts a run from its events, once, for everyone who shows it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from charimg.errors import CharimgError, ExitCode
from charimg.events import (
    Event,
    FallbackOpened,
    JobDone,
    JobFailed,
    JobName,
    JobPossiblyCharged,
    JobRejected,
    JobSaved,
    LaneClosed,
    LaneFacts,
    LaneSummary,
    Problem,
    QuotaWait,
    RunFinished,
    RunStarted,
    StandingJob,
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
        self._spent: defaultdict[tuple[str, str, str], float] = defaultdict(float)
        """By lane, currency and source."""
        self._ended_by: dict[str, str] = {}
        """The lane that brought each job to its end."""
        self._waits: Counter[str] = Counter()
        self._connection_waits: Counter[str] = Counter()
        self._saved: set[str] = set()
        self._unpriced: Counter[str] = Counter()
        """Pictures without a cost, by lane."""
        self._fallbacks: set[str] = set()
        """Those that were opened."""

    def hear(self, event: Event) -> None:
        """Take note of one event."""
        if isinstance(event, (JobDone, JobFailed, JobRejected)):
            self._ended_by[event.key] = event.lane or ""
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
        elif isinstance(event, JobPossiblyCharged) and not self._is_free(event.lane):
            self._possibly_charged[event.key] = JobName(event.key, event.name)
        elif isinstance(event, LaneClosed):
            self._closed.append(event)
        elif isinstance(event, JobSaved):
            self._take_picture(event)
        elif isinstance(event, QuotaWait):
            waits = self._connection_waits if event.unreachable else self._waits
            waits[event.lane or ""] += 1
        elif isinstance(event, FallbackOpened):
            self._fallbacks.add(event.lane or "")

    def _is_free(self, lane: str | None) -> bool:
        return self._started is not None and any(one.free for one in self._started.lane_facts if one.name == lane)

    def _take_picture(self, event: JobSaved) -> None:
        self._saved.add(event.key)
        if event.cost is not None:
            self._spent[event.lane or "", event.cost.currency, event.cost.source] += event.cost.amount
        elif not event.adopted:  # what an earlier run found out of its cost is nowhere to be had
            self._unpriced[event.lane or ""] += 1

    def finished(
        self,
        *,
        seconds: float,
        interrupted: bool = False,
        failure: Exception | None = None,
        standing: Sequence[StandingJob] = (),
    ) -> RunFinished:
        """The summary as it stands.

        :param failure: what ended the run before its time: the disk, the ledger, or a fault of our own.
        :param standing: what is still under way at a service, by the ledger.
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
            uploads_only=len(self._succeeded - self._saved),
            seconds=round(seconds, 3),
            exit_code=int(self._exit_code(pending, problems, interrupted, failure)),
            interrupted=interrupted,
            problems=problems,
            left=left,
            closed=tuple(self._closed),
            spent=self._costs(None),
            lanes=tuple(self._lane(lane) for lane in (started.lane_facts if started else ())),
            over_budget=any(lane.over_budget for lane in self._closed),
            possibly_charged=tuple(self._possibly_charged.values()),
            standing=tuple(standing),
            out=started.out if started else "",
        )

    def _lane(self, lane: LaneFacts) -> LaneSummary:
        name = lane.name
        ended = [key for key, lane in self._ended_by.items() if lane == name]
        troubled = [self._problems[key].verdict for key in ended if key in self._problems]
        rejected = troubled.count(Verdict.REJECTED)
        return LaneSummary(
            name,
            succeeded=sum(key in self._succeeded for key in ended),
            failed=len(troubled) - rejected,
            rejected=rejected,
            waits=self._waits[name],
            connection_waits=self._connection_waits[name],
            spent=self._costs(name),
            unpriced=0 if lane.free else self._unpriced[name],
            not_needed=lane.fallback and name not in self._fallbacks,
        )

    def _costs(self, lane: str | None) -> tuple[Cost, ...]:
        """What a lane cost, or all of them, by currency and source."""
        sums: defaultdict[tuple[str, str], float] = defaultdict(float)
        for (whose, currency, source), amount in self._spent.items():
            if lane in (None, whose):
                sums[currency, source] += amount
        return tuple(Cost(amount, currency, source) for (currency, source), amount in sums.items())

    def _exit_code(
        self, pending: int, problems: tuple[Problem, ...], interrupted: bool, failure: Exception | None
    ) -> ExitCode:
        if failure is not None:
            return failure.exit_code if isinstance(failure, CharimgError) else ExitCode.FAILED
        if not pending and not problems:
            return ExitCode.OK
        if interrupted:
            return ExitCode.INTERRUPTED
        shut_out = any(problem.verdict is Verdict.FATAL for problem in problems)
        if shut_out or (pending and any(lane.verdict is Verdict.FATAL for lane in self._closed)):
            return ExitCode.LOGIN
        # A budget is no quota: no later hour has room for more.
        quotas = [lane for lane in self._closed if lane.verdict in QUOTA and not lane.over_budget]
        quota_closed = pending and bool(quotas)
        if quota_closed or any(problem.verdict in QUOTA for problem in problems):
            return ExitCode.QUOTA
        return ExitCode.FAILED
