"""What must be true whatever happens: each a function whose docstring is the sentence that is broken.

Every function looks at one run of a story when that run's process is gone, and yields what contradicts its sentence.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from charimg.contracts import JobRecord, JobState, PictureRecord
from charimg.errors import CharimgError, ExitCode, InputError, ProjectBusyError, StorageError
from charimg.events import (
    BatchFinished,
    BatchStarted,
    JobDone,
    JobFailed,
    JobGenerating,
    JobPossiblyCharged,
    JobRejected,
    JobSaved,
    JobUploading,
    LaneClosed,
    QuotaWait,
    RunStarted,
    Stopping,
)
from charimg.metadata import PictureMetadata, read_metadata, read_sidecar, sidecar_of
from charimg.model import Verdict
from tests.simulation.history import Call, History, Ledger, Played, versions_of
from tests.simulation.pictures import NOBODY, is_whole, mark_of
from tests.simulation.providers import GENERATORS, POLLED, PRICE, REPORTED
from tests.simulation.service import DAY

Invariant = Callable[[Played, History], Iterator[str]]

Files = dict[Path, bytes]

_TINY = 1e-6
"""Seconds, or money: sums of floats are not exact."""


def no_success_is_ever_lost(run: Played, history: History) -> Iterator[str]:
    """A picture that was recorded stays in the ledger and on disk, unaltered."""
    if run.ledger_before_deeds is not None:
        for words in _lost(history, run.ledger_before_deeds, run.files_before_deeds, run.before, run.files_before):
            yield f"before this run, {words}"
    if run.after is None:
        return
    yield from _lost(history, run.before, run.files_before, run.after, run.files_after)
    after = {(key, one.attempt, one.facts.sha256): one for key, one in _versions(run.after.jobs)}
    known = {(key, one.attempt, one.facts.sha256) for key, one in _versions(run.before.jobs)}
    for (key, attempt, digest), picture in after.items():
        is_new = run.before.readable and (key, attempt, digest) not in known
        if is_new and not _file(history, run.files_after, picture):
            yield f"{key}: version {picture.version} was recorded in this run, and {picture.path} is not there"
    before = Counter(key for key, _ in _versions(run.before.jobs))
    recorded = Counter(key for key, _ in _versions(run.after.jobs))
    saved = Counter(_character(event.key) for event in run.of(JobSaved))
    for key, count in saved.items():
        if recorded[key] < before[key] + count:
            yield f"{key}: {count} pictures were told as saved, {recorded[key] - before[key]} were recorded"


def nothing_is_made_twice(run: Played, history: History) -> Iterator[str]:
    """No character with a recorded or adoptable picture is generated again, unless the user asks for it."""
    if run.plan.redo:
        return
    there = {
        key
        for key, record in run.before.jobs.items()
        if record.picture is not None
        and record.state not in (JobState.REJECTED, JobState.OPEN)  # another is under way
        and _file(history, run.files_before, record.picture)
    }
    there |= run.to_be_known
    adoptable = dict(_adoptable(run, history))
    for call in _made(run):
        if call.key in run.wanted_again:
            continue
        if call.key in there:
            yield f"{call.key}: its picture was there, recorded, when the run began"
        elif call.key in adoptable:
            yield f"{call.key}: a whole picture of its attempt {adoptable[call.key][:6]} was on disk"
    for heard in run.told(JobSaved):
        assert isinstance(heard.event, JobSaved)
        in_place = Path(heard.event.image).stem == heard.event.key
        if heard.event.adopted and not (in_place and _had_begun(run, heard.event.key)):
            continue  # a candidate of an earlier run
        for call in _made(run):
            if call.key == heard.event.key and call.order > heard.order:
                yield f"{call.key}: its picture was saved in this run, and made again"


def every_charge_is_accounted_for(run: Played, history: History) -> Iterator[str]:
    """Every picture that a service charged for is recorded, or its attempt is listed as possibly charged."""
    if run.after is None or not run.after.readable:
        return
    ticketed = {one.id for record in run.after.jobs.values() for one in record.open_attempts if one.ticket}
    pending = ticketed if run.final else run.after.open
    known = run.after.saved | run.after.lost | pending | history.forgotten
    for charge in history.charges():
        if charge.run <= run.number and charge.attempt not in known:
            yield f"{charge.key}: attempt {charge.attempt[:6]} was charged by {charge.account}, and nothing tells so"


def what_is_lost_is_told(run: Played, history: History) -> Iterator[str]:
    """An attempt that is taken for possibly charged is told in the run that finds it out, and is in its summary."""
    if run.after is None or run.crashed or not run.before.readable:
        return
    told = {event.attempt for event in run.of(JobPossiblyCharged)}
    for attempt in run.after.lost - run.before.lost - told:
        if not isinstance(run.error, StorageError):
            yield f"attempt {attempt[:6]} is recorded as possibly charged, and nobody was told"
    free = {lane.name for started in run.of(RunStarted) for lane in started.lane_facts if lane.free}
    listed = {one.key for one in run.summary.possibly_charged} if run.summary else set()
    for event in run.of(JobPossiblyCharged):
        if run.summary and event.key not in listed and event.lane not in free:
            yield f"{event.key} is missing among the possibly charged of the summary"


def a_request_is_recorded_before_it_is_sent(run: Played, history: History) -> Iterator[str]:
    """Before a request is sent, the ledger knows its attempt."""
    for call in run.calls:
        if not call.intended:
            yield f"{call.key}: {call.kind} of attempt {call.attempt[:6]} was sent before its intent was recorded"


def what_stands_is_not_asked_anew(run: Played, history: History) -> Iterator[str]:
    """A job that a service has accepted under a ticket is not submitted to it a second time while it stands there."""
    for call in run.calls:
        if call.standing is not None:
            yield f"{call.key}: attempt {call.standing[:6]} stands at {call.account}, and another was submitted"


def counts_are_exact(run: Played, history: History) -> Iterator[str]:
    """Succeeded, failed, rejected and pending add up to the total, and each job is counted once."""
    end = run.summary
    if end is None:
        return
    if end.succeeded + end.failed + end.rejected + end.pending != end.total:
        yield f"{end.succeeded} + {end.failed} + {end.rejected} + {end.pending} is not {end.total}"
    (started,) = run.of(RunStarted)
    jobs = {job.key for job in started.jobs}
    done = {event.key for event in run.of(JobDone)}
    problems = [problem.key for problem in end.problems]
    left = [job.key for job in end.left]
    counted = Counter([*done, *problems, *left])
    if set(counted) != jobs or max(counted.values(), default=1) > 1:
        yield f"not each job once: {sorted(jobs)} became {sorted(counted.elements())}"
    if len(jobs) != end.total or len(started.jobs) != end.total:
        yield f"{end.total} jobs in the summary, {len(jobs)} in the plan"
    for kind in (JobDone, JobRejected):
        for key, times in Counter(event.key for event in run.of(kind)).items():
            if times > 1:
                yield f"{key}: {times} times {kind.event}"
    for lane in {event.lane for event in run.of(BatchFinished)}:
        batches = [event for event in run.of(BatchFinished) if event.lane == lane]
        begun = [event for event in run.of(BatchStarted) if event.lane == lane]
        for finished in batches:
            size = next((len(one.jobs) for one in begun if one.batch == finished.batch), None)
            if size is not None and size != finished.succeeded + finished.failed + finished.rejected + finished.pending:
                yield f"batch {finished.batch} of {lane}: {size} jobs, and {finished}"


def the_summary_agrees_with_the_ledger(run: Played, history: History) -> Iterator[str]:
    """What the summary says of a character, the ledger says too."""
    if run.after is None or run.summary is None or run.error is not None:
        return
    jobs = run.after.jobs
    for event in run.of(JobDone):
        record = jobs.get(_character(event.key))
        if record is None or record.picture is None:
            yield f"{event.key}: done, and the ledger has no picture"
        elif "~" not in event.key and record.state is not JobState.DONE:
            yield f"{event.key}: done, and its state is {record.state}"
    begun = {event.key for event in run.of(JobGenerating, JobUploading)}
    for problem in run.summary.problems:
        record = jobs.get(_character(problem.key))
        wanted = {
            Verdict.REJECTED: (JobState.REJECTED,),
            Verdict.FLAKY: (JobState.FAILED,),
            Verdict.INVALID: (JobState.FAILED,),
        }.get(problem.verdict, (JobState.PENDING, JobState.OPEN, JobState.SAVED, JobState.FAILED))
        if problem.verdict is Verdict.THROTTLED and problem.key not in begun:
            continue  # given up with its batch, and never sent
        if "~" not in problem.key and (record is None or record.state not in wanted):
            yield f"{problem.key}: {problem.verdict} in the summary, {record and record.state} in the ledger"
    for standing in run.summary.standing:
        record = jobs.get(_character(standing.key))
        if record is None or not any(one.ticket for one in record.open_attempts):
            yield f"{standing.key}: told as standing, and the ledger has no ticket"


def the_summary_agrees_with_the_bill(run: Played, history: History) -> Iterator[str]:
    """What a run says it has spent is what the services charged for the pictures it recorded."""
    if run.summary is None or run.after is None or run.error is not None:
        return
    expected = 0.0
    for event in run.of(JobSaved):
        expected += 0.0 if event.cost is None else event.cost.amount
    told = sum(cost.amount for cost in run.summary.spent)
    if abs(expected - told) > _TINY:
        yield f"{told} in the summary, {expected} in its pictures"
    new = run.after.saved - run.before.saved
    heard = {charge.attempt: charge for charge in history.charges()}
    made = [event for event in run.of(JobSaved) if not event.adopted]
    fresh = [attempt for attempt in new if attempt in heard]
    adopted = sum(event.adopted for event in run.of(JobSaved))
    if not run.touched and len(made) + adopted != len(fresh):
        yield f"{len(made)} pictures told as made and {adopted} as adopted, {len(fresh)} charged ones recorded"


def never_more_in_flight_than_allowed(run: Played, history: History) -> Iterator[str]:
    """A lane never has more calls in flight than its batch size, or than its service can take at once."""
    lanes = {lane.name: lane for lane in history.scenario.lanes}
    for name, lane in lanes.items():
        parallel = GENERATORS[lane.provider].declaration.abilities.parallel
        most = run.policy.batch_size if parallel is None else min(parallel, run.policy.batch_size)
        moments = []
        for call in run.calls:
            if call.lane == name:
                moments += [(call.order, 1), *([(call.end_order, -1)] if call.end_order is not None else [])]
        under_way = 0
        for _, change in sorted(moments):
            under_way += change
            if under_way > most:
                yield f"{name}: {under_way} calls at once, {most} are allowed"
                break


def nothing_is_in_flight_while_a_lane_waits(run: Played, history: History) -> Iterator[str]:
    """From the moment a lane says that it waits until the wait is over, it has no call in flight."""
    for heard in run.told(QuotaWait):
        event = heard.event
        assert isinstance(event, QuotaWait)
        # The wait counts from the last answer of the round; a lane with a pace tells of it a moment later.
        since = heard.at - GENERATORS[str(event.lane).partition("@")[0]].declaration.abilities.pace
        for call in run.calls:
            if call.lane != event.lane:
                continue
            over = call.end_order is not None and call.end_order < heard.order
            if not over and call.order < heard.order:
                yield f"{event.lane}: {call.kind} of {call.key} is in flight while it waits"
            elif call.order > heard.order and call.begun < since + event.wait - _TINY - 0.001:
                yield f"{event.lane}: {call.kind} of {call.key} {since + event.wait - call.begun:.2f} s too early"


def no_wait_is_shorter_than_asked(run: Played, history: History) -> Iterator[str]:
    """After a quota answer a lane waits as long as the policy says, and as long as the service asked for."""
    for lane in {call.lane for call in run.calls}:
        bounds = [heard.order for heard in run.told(QuotaWait, BatchFinished) if heard.event.lane == lane]
        calls = [call for call in run.calls if call.lane == lane]
        for answer in calls:
            if answer.hint is None or answer.ended is None or answer.end_order is None or answer.kind == "ask":
                continue
            rounds = [order for order in bounds if order > answer.end_order]
            for call in calls:
                if rounds and call.order > rounds[0] and call.begun < answer.ended + answer.hint - _TINY:
                    early = answer.ended + answer.hint - call.begun
                    yield f"{lane}: {call.kind} of {call.key} {early:.2f} s before the {answer.hint:g} s were over"
                    break
    for heard in run.told(QuotaWait):
        assert isinstance(heard.event, QuotaWait)
        if heard.event.wait < run.policy.quota_wait - 0.001:
            yield f"{heard.event.lane}: waits {heard.event.wait} s, the policy says {run.policy.quota_wait}"


def a_poll_waits_as_long_as_asked(run: Played, history: History) -> Iterator[str]:
    """A service that is asked for a job, and wants to be left alone for a while, is."""
    last: dict[str, Call] = {}
    for call in run.calls:
        if call.kind != "ask":
            continue
        before = last.get(call.attempt)
        if before is not None and before.hint is not None and before.ended is not None:
            early = before.ended + before.hint - call.begun
            if early > _TINY:
                yield f"{call.key}: asked again {early:.2f} s before the {before.hint:g} s were over"
        last[call.attempt] = call


def a_closed_lane_asks_for_nothing(run: Played, history: History) -> Iterator[str]:
    """A lane that has closed makes no further call."""
    for heard in run.told(LaneClosed):
        for call in run.calls:
            if call.lane == heard.event.lane and call.order > heard.order:
                yield f"{call.lane}: {call.kind} of {call.key} after it closed"


def a_batch_has_no_more_retries_than_allowed(run: Played, history: History) -> Iterator[str]:
    """A batch waits at most as often as the policy says, and counts its waits one by one."""
    waits: dict[tuple[str | None, int], list[int]] = {}
    for event in run.of(QuotaWait):
        if event.batch:
            waits.setdefault((event.lane, event.batch), []).append(event.retry)
    for (lane, batch), retries in waits.items():
        if retries != list(range(1, len(retries) + 1)) or len(retries) > run.policy.max_retries:
            yield f"batch {batch} of {lane}: retries {retries} of {run.policy.max_retries}"
    per_round: Counter[tuple[str, str, int]] = Counter()
    bounds = run.told(QuotaWait, BatchFinished)
    for call in _made(run):
        number = sum(one.order < call.order and one.event.lane == call.lane for one in bounds)
        per_round[call.lane, call.key, number] += 1
    for (lane, key, _), count in per_round.items():
        if count > 3 and not run.plan.redo:  # a flaky answer is tried twice more, at once
            yield f"{key}: {count} requests to {lane} in one round"


def no_job_is_done_by_two_lanes(run: Played, history: History) -> Iterator[str]:
    """No two lanes work on one character at the same time."""
    if run.plan.redo:
        return
    latest: dict[str, Call] = {}
    for call in run.calls:
        before = latest.get(call.key)
        under_way = before is not None and (before.end_order is None or before.end_order > call.order)
        if before is not None and under_way and before.lane != call.lane:
            yield f"{call.key}: {call.lane} calls while {before.lane} is at it"
        latest[call.key] = call


def the_budget_is_kept(run: Played, history: History) -> Iterator[str]:
    """What a run is charged never exceeds its budget."""
    limit = history.scenario.budget
    if limit is None or run.final:
        return
    total = 0.0
    for charge in history.charges(run.number):
        provider = charge.account.partition("@")[0]
        reported = provider in POLLED and charge.heard
        total += 0.0 if provider == "gratis" else REPORTED if reported else PRICE
    if total > limit + _TINY:
        yield f"{total:.2f} was charged, the budget is {limit:.2f}"


def ctrl_c_starts_nothing_new(run: Played, history: History) -> Iterator[str]:
    """After Ctrl-C nothing new is sent; what is in flight finishes, unless Ctrl-C comes again."""
    for heard in run.told(Stopping):
        for later in run.told(JobGenerating):
            if later.order > heard.order and later.at > heard.at:  # what was just let go is in flight
                assert isinstance(later.event, JobGenerating)
                yield f"{later.event.key}: begun after Ctrl-C"
    if run.stopped < 2 and not run.crashed:
        for call in run.calls:
            if call.cancelled and call.ended is not None and call.ended - call.begun < 1700:
                yield f"{call.key}: {call.kind} was broken off"


def a_second_process_is_turned_away(run: Played, history: History) -> Iterator[str]:
    """While a run holds the project, another is told so and does nothing."""
    if run.rival_came and not run.crashed and not isinstance(run.rival, ProjectBusyError):
        yield f"the second process got {run.rival!r}"


def a_run_ends(run: Played, history: History) -> Iterator[str]:
    """A run always comes to its end."""
    if run.stuck:
        yield run.stuck
    for complaint in run.complaints:
        yield f"something was left behind: {complaint}"


def the_exit_code_is_right(run: Played, history: History) -> Iterator[str]:
    """A run ends with the exit code that tells what happened, and never with an error that nobody planned."""
    if run.crashed or run.stuck:
        return
    full = run.plan.disk_full is not None or run.plan.ledger_full is not None
    if run.error is not None:
        if isinstance(run.error, StorageError) and full:
            return
        if isinstance(run.error, InputError) and "--budget" in str(run.error):
            return
        kind = type(run.error).__name__
        yield f"{kind}: {run.error}" if isinstance(run.error, CharimgError) else f"a traceback of {kind}: {run.error}"
        return
    end = run.summary
    if end is None:
        yield "no summary and no error"
        return
    verdicts = {problem.verdict for problem in end.problems}
    closed = {event.verdict for event in run.of(LaneClosed) if not event.message.startswith("the budget of ")}
    quota = {Verdict.THROTTLED, Verdict.EXHAUSTED}
    if end.succeeded == end.total:
        wanted = ExitCode.OK
    elif end.interrupted:  # a Ctrl-C that comes when all is counted interrupts nothing any more
        wanted = ExitCode.INTERRUPTED
    elif Verdict.FATAL in verdicts or (end.pending and Verdict.FATAL in closed):
        wanted = ExitCode.LOGIN
    elif verdicts & quota or (end.pending and closed & quota):
        wanted = ExitCode.QUOTA
    else:
        wanted = ExitCode.FAILED
    if end.exit_code != wanted:
        yield f"it ended with {end.exit_code}, not {int(wanted)}"


def what_is_recorded_is_what_is_there(run: Played, history: History) -> Iterator[str]:
    """A recorded picture's file has the recorded digest, names its character and attempt, and is that attempt's."""
    if run.after is None:
        return
    paths: Counter[str] = Counter()
    for key, picture in _versions(run.after.jobs):
        if run.after.jobs[key].open_attempts:
            continue  # one of them may have put its picture there, and the next run takes it up
        data = run.files_after.get(history.folder / picture.path)
        if data is None:
            continue
        paths[picture.path] += 1
        mark = mark_of(data)
        if hashlib.sha256(data).hexdigest() != picture.facts.sha256 or len(data) != picture.facts.size:
            yield f"{key}: {picture.path} is not what was recorded as version {picture.version}"
        elif mark not in (picture.attempt, NOBODY) and picture.attempt not in history.forgotten:
            if mark not in history.forgotten and history.scenario.metadata != "none":
                yield f"{key}: {picture.path} is attempt {mark and mark[:6]}'s, recorded as {picture.attempt[:6]}'s"
        elif history.scenario.metadata != "none":
            told = _told(data, run.files_after.get(sidecar_of(history.folder / picture.path)))
            if told is None:
                yield f"{key}: {picture.path} says nothing of itself"
            elif told.key != key or told.attempt != picture.attempt:
                yield f"{key}: {picture.path} says it is {told.key}'s, of attempt {told.attempt[:6]}"
    for path, count in paths.items():
        if count > 1:
            yield f"{path} is recorded for {count} versions"


def all_is_well_in_the_end(run: Played, history: History) -> Iterator[str]:
    """After the storm, one run against healthy services gives every character its one current picture, and leaves
    nothing to do for the next."""
    if not run.final or run.after is None:
        return
    if run.error is not None or run.summary is None:
        yield f"the last run ended with {run.error!r}"
        return
    if run.summary.exit_code:
        yield f"the last run ended with {run.summary.exit_code}: {[one.message for one in run.summary.problems]}"
    for key in history.scenario.keys:
        record = run.after.jobs.get(key)
        # Where another picture was asked for and cannot be had, the old one stands.
        if record is None or record.picture is None or record.uploader is None:
            yield f"{key} has no picture, or is not done: {record and record.state}"
        elif not _file(history, run.files_after, record.picture):
            yield f"{key}: the file of its current picture is not there: {record.picture.path}"
        elif Path(record.picture.path).stem != key and not history.half_rebuilt:
            yield f"{key}: its current picture stands at {record.picture.path}"
    for path, data in run.files_after.items():
        mark = mark_of(data) if path.name.startswith(".") and is_whole(data) else None
        if mark is not None and mark not in history.forgotten:
            yield f"{path.name} was left behind"
    if run.number == len(history.scenario.runs) + 1 and (run.calls or run.summary.total):
        yield f"the run after the last still had something to do: {run.summary.total} jobs, {len(run.calls)} calls"


INVARIANTS: tuple[Invariant, ...] = (
    a_run_ends,
    no_success_is_ever_lost,
    nothing_is_made_twice,
    every_charge_is_accounted_for,
    what_is_lost_is_told,
    a_request_is_recorded_before_it_is_sent,
    what_stands_is_not_asked_anew,
    counts_are_exact,
    the_summary_agrees_with_the_ledger,
    the_summary_agrees_with_the_bill,
    never_more_in_flight_than_allowed,
    nothing_is_in_flight_while_a_lane_waits,
    no_wait_is_shorter_than_asked,
    a_poll_waits_as_long_as_asked,
    a_closed_lane_asks_for_nothing,
    a_batch_has_no_more_retries_than_allowed,
    no_job_is_done_by_two_lanes,
    the_budget_is_kept,
    ctrl_c_starts_nothing_new,
    a_second_process_is_turned_away,
    the_exit_code_is_right,
    what_is_recorded_is_what_is_there,
    all_is_well_in_the_end,
)


def broken(history: History) -> Iterator[tuple[Invariant, int, str]]:
    """Every invariant that does not hold, with the number of the run and what contradicts it."""
    for run in history.runs:
        for invariant in INVARIANTS:
            for words in invariant(run, history):
                yield invariant, run.number, words


def sentence(invariant: Invariant) -> str:
    """What an invariant says."""
    return " ".join((invariant.__doc__ or "").split())


def _had_begun(run: Played, key: str) -> bool:
    """Whether an attempt at the character's own picture was open when the run began."""
    record = run.before.jobs.get(key)
    return record is not None and any(not one.candidate for one in record.open_attempts)


def _character(key: str) -> str:
    """The character of a job, which may be one of its candidates."""
    return key.partition("~")[0]


def _made(run: Played) -> list[Call]:
    return [call for call in run.calls if call.kind == "make"]


def _versions(jobs: dict[str, JobRecord]) -> Iterator[tuple[str, PictureRecord]]:
    for key, record in jobs.items():
        for picture in versions_of(record):
            yield key, picture


def _file(history: History, files: dict[Path, bytes], picture: PictureRecord) -> bool:
    """Whether the file of a recorded picture is there, as it was recorded."""
    data = files.get(history.folder / picture.path)
    return data is not None and hashlib.sha256(data).hexdigest() == picture.facts.sha256


def _lost(history: History, before: Ledger, files_before: Files, after: Ledger, files_after: Files) -> Iterator[str]:
    """What the ledger knew and the disk had, and do not any more."""
    if not after.readable:
        if before.readable:
            yield "the ledger cannot be read any more"
        return
    there = {(key, one.attempt, one.facts.sha256): one for key, one in _versions(after.jobs)}
    digests = {hashlib.sha256(data).hexdigest() for data in files_after.values()}
    for key, picture in _versions(before.jobs):
        now = there.get((key, picture.attempt, picture.facts.sha256))
        if now is None:
            yield f"{key}: version {picture.version} is in the ledger no more"
        elif not _file(history, files_before, picture) or _file(history, files_after, now):
            continue
        elif not after.jobs[key].open_attempts or picture.facts.sha256 not in digests:
            # (An attempt that the ledger has yet to hear of may have given it another name.)
            yield f"{key}: the file of version {picture.version} is gone or altered: {now.path}"


def _adoptable(run: Played, history: History) -> Iterator[tuple[str, str]]:
    """Whole pictures on disk that belong to attempts which are open."""
    owners = {
        one.id: key
        for key, record in run.before.jobs.items()
        for one in record.open_attempts
        if not one.candidate and not any(other.ticket for other in record.open_attempts)
    }
    recorded = run.before.saved
    if history.scenario.metadata == "none" and any(by < 0 for one in history.runs for _, by in one.plan.clock):
        return  # pictures that say nothing are known by their time, and nobody can know what the clock said
    for path, data in run.files_before.items():
        mark = mark_of(data)
        if path.suffix in (".png", ".jpg", ".part") and mark in owners and mark not in recorded and is_whole(data):
            yield owners[mark], mark


@lru_cache(maxsize=4096)
def _told(data: bytes, sidecar: bytes | None) -> PictureMetadata | None:
    found = read_metadata(data)
    if found is None and sidecar is not None:
        beside = read_sidecar(sidecar)
        found = None if beside is None else beside.metadata
    return found


__all__ = ["DAY", "INVARIANTS", "Invariant", "JobFailed", "broken", "sentence"]
