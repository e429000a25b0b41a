"""The summary: every job counted once, and the exit code that says the gravest."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charimg.errors import ExitCode, StorageError
from charimg.events import (
    Event,
    FallbackOpened,
    JobDone,
    JobFailed,
    JobName,
    JobPossiblyCharged,
    JobRejected,
    JobSaved,
    JobWaiting,
    LaneClosed,
    LaneFacts,
    LaneSummary,
    QuotaWait,
    RunFinished,
    RunStarted,
)
from charimg.model import Cost, Verdict
from charimg.summary import Tally


def started(count: int, skipped: int = 0) -> RunStarted:
    """The beginning of a run of jobs ``c1``, ``c2``..."""
    return RunStarted(
        run="r",
        total=count,
        skipped=skipped,
        jobs=tuple(JobName(f"c{number}", f"C{number}") for number in range(1, count + 1)),
        lanes=("a",),
        generator="g",
        uploader="u",
        store="s",
        out="pictures",
        batch_size=5,
        quota_wait=15,
        max_retries=3,
        cooldown=2,
        batches=1,
    )


def tally(count: int, *events: Event) -> Tally:
    """A tally that heard a run begin, and then these."""
    tally = Tally()
    for event in (started(count), *events):
        tally.hear(event)
    return tally


def done(key: str) -> JobDone:
    return JobDone(key=key, name=key.upper())


def failed(key: str, verdict: Verdict = Verdict.INVALID) -> JobFailed:
    return JobFailed(key=key, name=key.upper(), verdict=verdict, message="words", stage="generate")


def rejected(key: str) -> JobRejected:
    return JobRejected(key=key, name=key.upper(), verdict=Verdict.REJECTED, message="words", stage="generate")


def waiting(key: str) -> JobWaiting:
    return JobWaiting(key=key, name=key.upper(), verdict=Verdict.THROTTLED, message="busy")


def saved(key: str, cost: Cost | None) -> JobSaved:
    return JobSaved(key=key, name=key.upper(), image="x.png", format="png", width=9, height=9, seconds=1.0, cost=cost)


def closed(verdict: Verdict) -> LaneClosed:
    return LaneClosed(lane="a", verdict=verdict, message="words")


EXIT_CODES: dict[str, tuple[tuple[Event, ...], bool, Exception | None, ExitCode]] = {
    # what was heard of two jobs, interrupted?, failure, wanted
    "everything done": ((done("c1"), done("c2")), False, None, ExitCode.OK),
    "everything done in spite of Ctrl-C": ((done("c1"), done("c2")), True, None, ExitCode.OK),
    "everything done though a lane closed": (
        (done("c1"), done("c2"), closed(Verdict.EXHAUSTED)),
        False,
        None,
        ExitCode.OK,
    ),
    "one failed": ((done("c1"), failed("c2")), False, None, ExitCode.FAILED),
    "one rejected": ((done("c1"), rejected("c2")), False, None, ExitCode.FAILED),
    "one given up to a quota": ((done("c1"), failed("c2", Verdict.THROTTLED)), False, None, ExitCode.QUOTA),
    "a quota beside a failure": ((failed("c1"), failed("c2", Verdict.THROTTLED)), False, None, ExitCode.QUOTA),
    "the lane exhausted": ((done("c1"), closed(Verdict.EXHAUSTED)), False, None, ExitCode.QUOTA),
    "the lane throttled for good": ((done("c1"), closed(Verdict.THROTTLED)), False, None, ExitCode.QUOTA),
    "the lane's first batch invalid": ((failed("c1"), closed(Verdict.INVALID)), False, None, ExitCode.FAILED),
    "a wrong key": ((done("c1"), closed(Verdict.FATAL)), False, None, ExitCode.LOGIN),
    "a wrong key beside a quota": ((closed(Verdict.EXHAUSTED), closed(Verdict.FATAL)), False, None, ExitCode.LOGIN),
    "interrupted": ((done("c1"),), True, None, ExitCode.INTERRUPTED),
    "interrupted beside a wrong key": ((closed(Verdict.FATAL),), True, None, ExitCode.INTERRUPTED),
    "the disk failed": ((done("c1"),), True, StorageError("full"), ExitCode.STORAGE),
    "a fault of our own": ((done("c1"), closed(Verdict.FATAL)), False, KeyError("x"), ExitCode.FAILED),
}


@pytest.mark.parametrize("row", EXIT_CODES.values(), ids=EXIT_CODES.keys())
def test_the_exit_code_tells_the_gravest(row: tuple[tuple[Event, ...], bool, Exception | None, ExitCode]) -> None:
    """INTERRUPTED before LOGIN before QUOTA before FAILED, and OK only when nothing is missing."""
    events, interrupted, failure, wanted = row

    assert tally(2, *events).finished(seconds=0, interrupted=interrupted, failure=failure).exit_code == wanted


def test_a_job_that_succeeds_after_trouble_is_a_success() -> None:
    """Trouble on one lane and success on another is one job, and it succeeded."""
    end = tally(1, waiting("c1"), failed("c1"), done("c1")).finished(seconds=0)

    assert (end.succeeded, end.failed, end.pending, end.problems) == (1, 0, 0, ())


def test_a_job_told_twice_counts_once_with_its_last_words() -> None:
    """Waiting and then given up is one failure."""
    end = tally(1, failed("c1"), failed("c1", Verdict.THROTTLED)).finished(seconds=0)

    assert (end.failed, [problem.verdict for problem in end.problems]) == (1, [Verdict.THROTTLED])


def test_trouble_after_a_success_is_no_second_job() -> None:
    """The last word counts: what is told as failed in the end is no longer a success."""
    end = tally(2, done("c1"), rejected("c1")).finished(seconds=0)

    assert (end.succeeded, end.rejected, end.pending) == (0, 1, 1)


def test_problems_stand_in_roster_order() -> None:
    """Whoever failed first, the list reads like the roster."""
    end = tally(3, failed("c3"), rejected("c1"), failed("c2")).finished(seconds=0)

    assert [problem.key for problem in end.problems] == ["c1", "c2", "c3"]


def test_costs_are_added_by_currency_and_source() -> None:
    """Dollars are not added to credits, nor the declared to the reported."""
    events = [
        saved("c1", Cost(0.25)),
        saved("c2", Cost(0.5)),
        saved("c3", Cost(3, "credits", "reported")),
        saved("c4", None),
    ]
    end = tally(4, *events).finished(seconds=0)

    assert end.spent == (Cost(0.75), Cost(3, "credits", "reported"))


def test_what_may_have_been_charged_is_listed_once() -> None:
    """Two lost attempts of one character are one line for the user."""
    lost = JobPossiblyCharged(key="c1", name="C1", attempt="x", message="words")
    end = tally(1, lost, lost).finished(seconds=0)

    assert end.possibly_charged == (JobName("c1", "C1"),)


def test_where_nothing_is_charged_nothing_may_have_been() -> None:
    """A lane that is free by declaration raises no alarm about money; one of unknown price does."""
    lost = JobPossiblyCharged(key="c1", name="C1", attempt="x", message="words")
    facts = (LaneFacts("a", "g", "a", "u", 5, free=True), LaneFacts("b", "g", "b", "u", 5))
    told = []
    for lane in ("a", "b"):
        tally = Tally()
        for event in (replace(started(1), lane_facts=facts), replace(lost, lane=lane)):
            tally.hear(event)
        told.append(tally.finished(seconds=0).possibly_charged)

    assert told == [(), (JobName("c1", "C1"),)]


def test_a_run_that_never_began_counts_nothing() -> None:
    """The summary of nothing is empty, and a success."""
    end = Tally().finished(seconds=0)

    assert (end.total, end.pending, end.exit_code) == (0, 0, ExitCode.OK)


keys = st.sampled_from([f"c{number}" for number in range(1, 9)])
events = st.lists(
    st.one_of(
        st.builds(done, keys),
        st.builds(failed, keys, st.sampled_from([Verdict.INVALID, Verdict.FLAKY, Verdict.THROTTLED])),
        st.builds(rejected, keys),
        st.builds(waiting, keys),
    ),
    max_size=40,
)


@given(events)
def test_whatever_is_heard_each_job_is_counted_once(heard: list[Event]) -> None:
    """Succeeded, failed, rejected and pending add up to the total, and none is negative."""
    end = tally(8, *heard).finished(seconds=0)

    counts = (end.succeeded, end.failed, end.rejected, end.pending)
    assert (sum(counts), min(counts) >= 0, len(end.problems)) == (8, True, end.failed + end.rejected)


# -- lanes ---------------------------------------------------------------------------------------------------------


def by(lane: str, event: Event) -> Event:
    """The same of another lane."""
    return replace(event, lane=lane)


def of_lanes(count: int, *events: Event) -> RunFinished:
    """The summary of a run with the lanes ``a``, ``b`` and ``spare``."""
    facts = tuple(LaneFacts(name, "g", name, "u", 5, fallback=name == "spare") for name in ("a", "b", "spare"))
    tally = Tally()
    for event in (replace(started(count), lane_facts=facts), *events):
        tally.hear(event)
    return tally.finished(seconds=0)


def test_a_job_that_moved_counts_for_who_ended_it() -> None:
    """Turned away here and done there: a success of the second lane, and none of the first."""
    wait = QuotaWait(
        lane="a", wait=15, retry=1, retries=3, batch=1, unfinished=1, verdict=Verdict.THROTTLED, message="busy"
    )
    end = of_lanes(2, by("a", waiting("c1")), wait, by("b", done("c1")), by("a", rejected("c2")))

    assert end.lanes == (
        LaneSummary("a", rejected=1, waits=1),
        LaneSummary("b", succeeded=1),
        LaneSummary("spare", not_needed=True),
    )


def test_a_failure_and_then_a_success_elsewhere_is_one_success() -> None:
    """The last word counts for the lane that had it."""
    end = of_lanes(1, by("a", failed("c1")), by("b", done("c1")))

    assert [(lane.succeeded, lane.failed) for lane in end.lanes] == [(0, 0), (1, 0), (0, 0)]
    assert (end.succeeded, end.failed, end.problems) == (1, 0, ())


def test_costs_stand_with_the_lane_that_paid() -> None:
    """A picture drawn here and uploaded there cost where it was drawn; reported and declared stay apart."""
    end = of_lanes(
        3,
        by("a", saved("c1", Cost(0.25, "USD", "reported"))),
        by("a", saved("c2", Cost(0.5))),
        by("b", saved("c3", Cost(0.25, "USD", "reported"))),
        by("b", done("c1")),
    )

    assert [lane.spent for lane in end.lanes] == [
        (Cost(0.25, "USD", "reported"), Cost(0.5)),
        (Cost(0.25, "USD", "reported"),),
        (),
    ]
    assert end.spent == (Cost(0.5, "USD", "reported"), Cost(0.5))


def wait_of(lane: str, unreachable: bool) -> QuotaWait:
    return QuotaWait(
        lane=lane,
        wait=15,
        retry=1,
        retries=3,
        batch=1,
        unfinished=1,
        verdict=Verdict.THROTTLED,
        message="words",
        unreachable=unreachable,
    )


def test_a_dead_connection_is_no_quota() -> None:
    """Waits for a service that gives no answer are counted apart."""
    end = of_lanes(1, wait_of("a", unreachable=True), wait_of("a", unreachable=True), wait_of("a", unreachable=False))

    assert (end.lanes[0].waits, end.lanes[0].connection_waits) == (1, 2)


def test_a_fallback_that_was_opened_was_needed() -> None:
    """Even when it brought nothing to its end."""
    end = of_lanes(1, FallbackOpened(lane="spare", jobs=1))

    assert [lane.not_needed for lane in end.lanes] == [False, False, False]


@pytest.mark.parametrize(("free", "unpriced"), [(False, 2), (True, 0)])
def test_pictures_without_a_known_price_are_counted(free: bool, unpriced: int) -> None:
    """Where a picture costs nothing by declaration there is nothing to know; one found on disk cost an earlier run."""
    tally = Tally()
    facts = (LaneFacts("a", "g", "a", "u", 5, free=free),)
    found = replace(saved("c3", None), adopted=True)
    for event in (replace(started(3), lane_facts=facts), by("a", saved("c1", None)), by("a", saved("c2", None)), found):
        tally.hear(event)

    assert tally.finished(seconds=0).lanes == (LaneSummary("a", unpriced=unpriced),)


NO_ROOM = "the budget of 1.00 USD has no room for another picture at 0.25 USD; a higher --budget goes on"


@pytest.mark.parametrize(("ours", "code"), [(True, ExitCode.FAILED), (False, ExitCode.QUOTA)])
def test_a_budget_is_no_quota(ours: bool, code: ExitCode) -> None:
    """No later hour has room for more: its own exit code says so. A service's like words are not ours."""
    tally = Tally()
    shut = replace(closed(Verdict.EXHAUSTED), message=NO_ROOM, over_budget=ours)
    for event in (started(2), done("c1"), shut):
        tally.hear(event)
    end = tally.finished(seconds=0)

    assert (end.over_budget, end.exit_code) == (ours, code)


def test_who_had_a_picture_before_is_counted_apart() -> None:
    """A job that is done without a picture saved in this run was uploaded only."""
    end = tally(3, saved("c1", None), done("c1"), done("c2")).finished(seconds=0)

    assert (end.succeeded, end.uploads_only) == (2, 1)


lanes = st.sampled_from(["a", "b", "spare"])


@given(st.lists(st.tuples(lanes, st.one_of(st.builds(done, keys), st.builds(failed, keys), st.builds(rejected, keys)))))
def test_the_lanes_add_up_to_the_run(heard: list[tuple[str, Event]]) -> None:
    """Every ended job is one lane's."""
    end = of_lanes(8, *(by(lane, event) for lane, event in heard))

    assert sum(lane.succeeded for lane in end.lanes) == end.succeeded
    assert sum(lane.failed for lane in end.lanes) == end.failed
    assert sum(lane.rejected for lane in end.lanes) == end.rejected
