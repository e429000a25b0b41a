"""The scheduler on a virtual clock: batches, waits, cooldowns, lanes, Ctrl-C, and random schedules of answers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charimg.errors import ExitCode, StorageError
from charimg.events import (
    BatchFinished,
    BatchRetried,
    BatchStarted,
    Cooldown,
    JobFailed,
    LaneClosed,
    QuotaWait,
    Stopping,
)
from charimg.lane_work import LaneWork
from charimg.model import Job, Verdict
from charimg.policy import Outcome, Policy
from charimg.scheduler import Scheduler
from tests.scripted import (
    DAILY,
    ENDS,
    FATAL,
    FLAKY,
    INVALID,
    LONG,
    OK,
    QUOTA,
    REJECTED,
    Answer,
    Rehearsal,
    ScriptedLane,
    asked,
    make_jobs,
    on_virtual_clock,
    rehearse,
)

# -- the origin's five testing recommendations -----------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_small_batch_of_one_to_five_takes_one_jobs_time(count: int) -> None:
    """Up to five jobs run at once, in one batch, without a cooldown."""
    lane = ScriptedLane("a")

    told = rehearse(count, lane)

    assert (told.seconds, lane.most_in_flight, told.story()) == (3.0, count, ["batch_started", "batch_finished"])


@pytest.mark.parametrize(("count", "seconds"), [(10, 3 + 2 + 3), (12, 3 * 3 + 2 * 2), (15, 3 * 3 + 2 * 2)])
def test_medium_batch_is_cut_in_fives_with_cooldowns_between(count: int, seconds: float) -> None:
    """Ten to fifteen jobs run in batches of five, two seconds apart, and none after the last."""
    told = rehearse(count, ScriptedLane("a"))

    bounds = [(event.batch, event.first, event.last, len(event.jobs), event.total) for event in told.of(BatchStarted)]
    fives = [
        (batch, 5 * batch - 4, min(5 * batch, count), min(5, count - 5 * batch + 5), count)
        for batch in range(1, -(-count // 5) + 1)
    ]
    assert (told.seconds, bounds, len(told.of(Cooldown))) == (seconds, fives, len(fives) - 1)


def test_quota_simulation_waits_fifteen_seconds_once() -> None:
    """One quota answer costs its batch exactly 15 seconds and one more request."""
    told = rehearse(15, ScriptedLane("a", {"c8": [Answer(QUOTA)]}))

    waits = [(event.wait, event.retry, event.retries, event.unfinished, event.batch) for event in told.of(QuotaWait)]
    retried = [(event.retry, [job.key for job in event.jobs]) for event in told.of(BatchRetried)]
    assert (told.seconds, waits, retried, told.tries()["c8"], len(told.calls)) == (
        3 * 3 + 2 * 2 + 15 + 3,
        [(15.0, 1, 3, 1, 2)],
        [(1, ["c8"])],
        2,
        16,
    )


def test_mixed_results_are_counted_one_by_one() -> None:
    """Successes, failures, refusals and given-up jobs of one run each land in their own count."""
    script = {
        "c2": [Answer(REJECTED)],
        "c3": [Answer(FLAKY)],
        "c6": [Answer(INVALID)],
        "c7": [Answer(QUOTA)] * 4,
        "c9": [Answer(QUOTA), Answer(OK)],
    }
    told = rehearse(12, ScriptedLane("a", script))

    batches = [(event.succeeded, event.failed, event.rejected, event.pending) for event in told.of(BatchFinished)]
    summary = told.summary()
    counts = (summary.total, summary.succeeded, summary.failed, summary.rejected, summary.pending, summary.exit_code)
    assert (batches, counts) == ([(3, 1, 1, 0), (3, 2, 0, 0), (2, 0, 0, 0)], (12, 8, 3, 1, 0, ExitCode.QUOTA))


def test_live_state_is_told_in_the_order_it_happens() -> None:
    """Whoever watches hears each step of two batches with a quota wait at its moment, in order."""
    told = rehearse(7, ScriptedLane("a", {"c1": [Answer(QUOTA)]}))

    steps = [(round(time, 3), event.event) for time, event in told.heard]
    assert steps == [
        (0.0, "batch_started"),
        (3.0, "quota_wait"),
        (18.0, "batch_retried"),
        (21.0, "batch_finished"),
        (21.0, "cooldown"),
        (23.0, "batch_started"),
        (26.0, "batch_finished"),
    ]


# -- quota waits -----------------------------------------------------------------------------------------------------


@pytest.mark.looptime(end=LONG)
async def test_pytests_own_loop_can_run_on_the_virtual_clock() -> None:
    """The marker of looptime and the automatic mode of pytest-asyncio work together."""
    rehearsal = Rehearsal([ScriptedLane("a", {"c1": [Answer(QUOTA)]})], make_jobs(2))

    await rehearsal.run()

    assert (rehearsal.seconds, asyncio.get_running_loop().time()) == (21.0, 21.0)


def test_three_retries_are_three_waits_and_four_attempts() -> None:
    """``retry 1/3`` to ``3/3`` are told, then the job is given up as failed and pending."""
    told = rehearse(1, ScriptedLane("a", {"c1": [Answer(QUOTA)] * 9}))

    waits = [(event.retry, event.retries) for event in told.of(QuotaWait)]
    given_up = [(event.key, event.verdict, event.message, event.pending) for event in told.of(JobFailed)]
    assert (waits, told.tries()["c1"], told.seconds, given_up) == (
        [(1, 3), (2, 3), (3, 3)],
        4,
        4 * 3 + 3 * 15,
        [("c1", Verdict.THROTTLED, "quota exceeded", True)],
    )


def test_one_wait_serves_the_whole_batch() -> None:
    """Five quota answers in one batch cost one wait of 15 seconds, not five."""
    script = {f"c{number}": [Answer(QUOTA)] for number in range(1, 6)}
    told = rehearse(5, ScriptedLane("a", script))

    assert (told.seconds, [event.unfinished for event in told.of(QuotaWait)]) == (3 + 15 + 3, [5])


def test_a_quota_answer_cancels_nobody_and_waits_for_the_slowest() -> None:
    """The other jobs of the batch finish and are kept; the wait begins when the last of them is back."""
    lane = ScriptedLane("a", {"c1": [Answer(QUOTA, 1.0)], "c2": [Answer(OK, 10.0)]})
    told = rehearse(3, lane)

    assert (told.times(QuotaWait), told.times(BatchRetried), told.tries()) == (
        [10.0],
        [25.0],
        Counter({"c1": 2, "c2": 1, "c3": 1}),
    )


def test_nothing_is_in_flight_while_the_lane_waits() -> None:
    """Between a wait's notice and its end no request is on its way."""
    told = rehearse(11, ScriptedLane("a", {"c2": [Answer(QUOTA)], "c7": [Answer(QUOTA)] * 2}))

    pauses = [(time, time + event.wait) for time, event in told.heard if isinstance(event, (QuotaWait, Cooldown))]
    overlaps = [call for call in told.calls for began, ended in pauses if call.began < ended and call.ended > began]
    assert (len(pauses), overlaps) == (5, [])


@pytest.mark.parametrize(("wait", "pause"), [(5.0, 15.0), (14.0, 15.0), (14.5, 15.5), (60.0, 61.0), (900.0, 901.0)])
def test_a_servers_longer_wait_is_honoured_and_a_shorter_one_shortens_nothing(wait: float, pause: float) -> None:
    """The lane waits what the server asked for and a second's margin, and never less than 15 seconds."""
    told = rehearse(1, ScriptedLane("a", {"c1": [Answer(asked(wait))]}))

    assert [event.wait for event in told.of(QuotaWait)] == [pause]
    assert told.seconds == 3 + pause + 3


def test_the_longest_wait_anybody_was_asked_for_counts() -> None:
    """Of several waits in one round the longest is kept, whoever comes back first."""
    script = {"c1": [Answer(asked(20), 1)], "c2": [Answer(asked(90), 2)], "c3": [Answer(asked(40), 3)]}
    told = rehearse(3, ScriptedLane("a", script))

    assert [(event.wait, event.message) for event in told.of(QuotaWait)] == [(91.0, "slow down, 90 s")]


def test_a_wait_beyond_the_ceiling_closes_the_lane_at_once() -> None:
    """A server that asks for more than 15 minutes means "not today": nothing is waited for, the rest is pending."""
    told = rehearse(7, ScriptedLane("a", {"c1": [Answer(asked(901))]}))

    closed = [(event.verdict, event.message) for event in told.of(LaneClosed)]
    pending = [event.pending for event in told.of(BatchFinished)]
    assert (told.seconds, closed, pending) == (3.0, [(Verdict.EXHAUSTED, "slow down, 901 s")], [1])


def test_after_giving_up_the_next_batch_goes_on_after_the_cooldown() -> None:
    """The retries used up, the rest of the batch is failed and the lane takes its next batch two seconds later."""
    told = rehearse(6, ScriptedLane("a", {"c1": [Answer(QUOTA)] * 4}))

    assert (told.succeeded(), told.times(Cooldown), told.seconds) == (["c2", "c3", "c4", "c5", "c6"], [57.0], 62.0)


def test_after_giving_up_a_servers_wait_still_holds() -> None:
    """A server that asked for a minute at the last attempt is left alone for that minute before the next batch."""
    told = rehearse(6, ScriptedLane("a", {"c1": [Answer(asked(60))] * 4}))

    gave_up = told.times(JobFailed)[0]
    assert [(event.wait, began) for event, began in zip(told.of(Cooldown), told.times(Cooldown), strict=True)] == [
        (61.0, gave_up)
    ]
    assert told.calls[-1].began == gave_up + 61.0


def test_two_barren_batches_close_the_lane() -> None:
    """Two whole batches in a row that a quota left without one success: the lane closes and says why."""
    told = rehearse(15, ScriptedLane("a", usual=Answer(QUOTA)))

    closed = [(event.verdict, event.message) for event in told.of(LaneClosed)]
    summary = told.summary()
    assert (closed, summary.failed, summary.pending, summary.exit_code) == (
        [(Verdict.THROTTLED, "2 batches in a row without one success: quota exceeded")],
        10,
        5,
        ExitCode.QUOTA,
    )


def test_one_success_between_keeps_the_lane_open() -> None:
    """A success in the second batch starts the count of barren batches again."""
    told = rehearse(15, ScriptedLane("a", {"c6": [Answer(OK)]}, usual=Answer(QUOTA)))

    assert (told.of(LaneClosed), len(told.of(JobFailed))) == ([], 14)


# -- answers that come at once, as an offline provider's do ----------------------------------------------------------


def test_an_instant_quota_answer_is_told_before_the_wait_and_the_batch_waits_once() -> None:
    """A first answer that is there before the last request is sent holds for all; the notice comes before the wait."""
    told = rehearse(5, ScriptedLane("a", {"c1": [Answer(QUOTA, 0)]}, usual=Answer(OK, 0)))

    assert (told.times(QuotaWait), told.times(BatchRetried), told.seconds, len(told.calls)) == ([0.0], [15.0], 15.0, 6)


def test_a_quota_wait_of_zero_still_retries_at_most_three_times() -> None:
    """Without a wait, instant answers neither skip a retry nor add one."""
    policy = Policy(quota_wait=0, cooldown=0)
    told = rehearse(1, ScriptedLane("a", usual=Answer(QUOTA, 0)), policy=policy)

    assert ([event.retry for event in told.of(QuotaWait)], len(told.calls)) == ([1, 2, 3], 4)


def test_an_instant_quota_answer_without_a_wait_is_told_before_the_retry() -> None:
    """The notice stands between the two rounds even when nothing is waited for."""
    policy = Policy(quota_wait=0)
    told = rehearse(3, ScriptedLane("a", {"c1": [Answer(QUOTA, 0)]}, usual=Answer(OK, 0)), policy=policy)

    assert told.story() == ["batch_started", "quota_wait", "batch_retried", "batch_finished"]
    assert [len(event.jobs) for event in told.of(BatchRetried)] == [3]


def test_a_job_that_was_never_sent_is_given_up_with_the_reason_of_the_others() -> None:
    """Spared because the first was turned away at once, it is told with the service's words too."""
    told = rehearse(2, ScriptedLane("a", usual=Answer(QUOTA, 0)), policy=Policy(max_retries=0))

    assert [(event.key, event.message) for event in told.of(JobFailed)] == [
        ("c1", "quota exceeded"),
        ("c2", "quota exceeded"),
    ]


def test_answers_that_come_at_once_do_not_keep_the_same_jobs_waiting() -> None:
    """Who was spared in one round is sent first in the next, so that nobody starves behind one who is turned away."""
    lane = ScriptedLane("a", {"c1": [Answer(QUOTA, 0)] * 4}, usual=Answer(OK, 0))
    told = rehearse(3, lane)

    assert told.succeeded() == ["c2", "c3"]


def test_an_instant_fatal_answer_spares_the_rest_of_the_batch() -> None:
    """A wrong key that is known at once costs one request, not five."""
    told = rehearse(9, ScriptedLane("a", usual=Answer(FATAL, 0)))

    assert (len(told.calls), [event.verdict for event in told.of(LaneClosed)]) == (1, [Verdict.FATAL])


# -- rows of the verdict table ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "exit_code"), [(FATAL, ExitCode.LOGIN), (DAILY, ExitCode.QUOTA)], ids=["fatal", "exhausted"]
)
def test_fatal_and_exhausted_close_the_lane_without_waiting(outcome: Outcome, exit_code: ExitCode) -> None:
    """What is in flight finishes and is kept; nothing else is sent, nothing waits, the rest stays pending."""
    told = rehearse(12, ScriptedLane("a", {"c2": [Answer(outcome, 1)]}))

    closed = [(event.verdict, event.message) for event in told.of(LaneClosed)]
    summary = told.summary()
    counts = (summary.succeeded, summary.failed, summary.pending, summary.exit_code)
    assert (told.seconds, closed, len(told.calls), counts) == (
        3.0,
        [(outcome.verdict, outcome.message)],
        5,
        (4, 0, 8, exit_code),
    )


@pytest.mark.parametrize("outcome", [REJECTED, INVALID, FLAKY], ids=lambda outcome: str(outcome.verdict))
def test_rejected_invalid_and_flaky_end_their_job_alone(outcome: Outcome) -> None:
    """The job is not sent again, and the run goes on without a wait."""
    told = rehearse(6, ScriptedLane("a", {"c2": [Answer(outcome)]}))

    assert (told.tries()["c2"], len(told.succeeded()), told.seconds) == (1, 5, 3 + 2 + 3)


def test_a_whole_first_batch_of_invalid_closes_the_lane() -> None:
    """When every request of the first batch is refused as invalid, the other ten are not tried."""
    told = rehearse(15, ScriptedLane("a", usual=Answer(INVALID)))

    assert (len(told.calls), [event.verdict for event in told.of(LaneClosed)]) == (5, [Verdict.INVALID])


def test_a_later_batch_of_invalid_closes_nothing() -> None:
    """Once something succeeded, a whole batch of invalid requests is five failures and no more."""
    script = {f"c{number}": [Answer(INVALID)] for number in range(6, 11)}
    told = rehearse(15, ScriptedLane("a", script))

    assert (len(told.succeeded()), told.of(LaneClosed)) == (10, [])


# -- Ctrl-C ----------------------------------------------------------------------------------------------------------


def test_stop_in_flight_lets_it_finish_and_starts_nothing_new() -> None:
    """What is in flight is paid for: it finishes and counts; the rest stays pending."""

    async def interrupt(told: Rehearsal) -> None:
        await asyncio.sleep(1)
        told.scheduler.stop()

    told = rehearse(12, ScriptedLane("a", {"c1": [Answer(seconds=0.5)]}), meanwhile=interrupt)

    assert ([event.in_flight for event in told.of(Stopping)], told.seconds, told.succeeded()) == (
        [4],
        3.0,
        ["c1", "c2", "c3", "c4", "c5"],
    )


def test_stop_in_a_quota_wait_ends_at_once() -> None:
    """The wait is not sat out, and what was to be retried stays pending."""

    async def interrupt(told: Rehearsal) -> None:
        await asyncio.sleep(8)
        told.scheduler.stop()

    told = rehearse(12, ScriptedLane("a", {"c1": [Answer(QUOTA)]}), meanwhile=interrupt)

    pending = [(event.succeeded, event.pending) for event in told.of(BatchFinished)]
    assert (told.seconds, pending, told.of(JobFailed), told.tries()["c1"]) == (8.0, [(4, 1)], [], 1)


def test_stop_in_a_cooldown_ends_at_once() -> None:
    """No next batch begins."""

    async def interrupt(told: Rehearsal) -> None:
        await asyncio.sleep(4)
        told.scheduler.stop()

    told = rehearse(12, ScriptedLane("a"), meanwhile=interrupt)

    assert (told.seconds, len(told.of(BatchStarted)), len(told.succeeded())) == (4.0, 1, 5)


def test_stop_after_a_quota_answer_but_in_flight_does_not_begin_the_wait() -> None:
    """The batch's others finish; no quota wait is told or sat out."""

    async def interrupt(told: Rehearsal) -> None:
        await asyncio.sleep(2)
        told.scheduler.stop()

    told = rehearse(3, ScriptedLane("a", {"c1": [Answer(QUOTA, 1)]}), meanwhile=interrupt)

    assert (told.seconds, told.of(QuotaWait)) == (3.0, [])


def test_stop_twice_says_so_once() -> None:
    """Asking twice to stop is told once."""

    async def interrupt(told: Rehearsal) -> None:
        await asyncio.sleep(1)
        told.scheduler.stop()
        told.scheduler.stop()

    assert len(rehearse(3, ScriptedLane("a"), meanwhile=interrupt).of(Stopping)) == 1


def test_abandon_leaves_now() -> None:
    """What is in flight is broken off at once and counts neither as done nor as failed."""

    async def interrupt(told: Rehearsal) -> None:
        await asyncio.sleep(1)
        told.scheduler.stop()
        told.scheduler.abandon()

    told = rehearse(12, ScriptedLane("a", {"c1": [Answer(seconds=0.5)]}), meanwhile=interrupt)

    pending = [(event.succeeded, event.pending) for event in told.of(BatchFinished)]
    assert (told.seconds, told.succeeded(), pending) == (1.0, ["c1"], [(1, 4)])


def test_a_run_that_is_given_up_from_outside_breaks_off_what_is_in_flight() -> None:
    """Cancelling whoever waits for the run leaves no job behind that goes on spending."""

    async def play() -> tuple[int, int]:
        lane = ScriptedLane("a", usual=Answer(seconds=60))
        running = asyncio.ensure_future(Rehearsal([lane], make_jobs(5)).run())
        await asyncio.sleep(1)
        before = lane.in_flight
        running.cancel()
        await asyncio.wait({running})
        return before, lane.in_flight

    assert on_virtual_clock(play) == (5, 0)


# -- faults ----------------------------------------------------------------------------------------------------------


def failing(kind: Callable[[], BaseException]) -> Callable[[Job], object]:
    """Work whose second job raises after two seconds, the others succeed after three."""

    async def work(job: Job) -> Outcome:
        await asyncio.sleep(3 if job.key != "c2" else 2)
        if job.key == "c2":
            raise kind()
        return OK

    return work


@pytest.mark.parametrize(
    ("raised", "seen"),
    [(StorageError("disk full"), StorageError), (KeyError("a fault of ours"), KeyError)],
    ids=["storage", "fault"],
)
def test_a_failing_disk_or_a_fault_of_ours_stops_the_run_and_is_raised_at_the_end(
    raised: Exception, seen: type[Exception]
) -> None:
    """What is in flight finishes, nothing more is sent, and the caller gets the error itself."""
    finished: list[BatchFinished] = []

    async def play() -> float:
        def hear(event: object) -> None:
            if isinstance(event, BatchFinished):
                finished.append(event)

        scheduler = Scheduler([LaneWork("a", failing(lambda: raised), Policy())], make_jobs(12), hear)  # type: ignore[arg-type]
        with pytest.raises(seen):
            await scheduler.run()
        return asyncio.get_running_loop().time()

    assert (on_virtual_clock(play), [(event.succeeded, event.pending) for event in finished]) == (3.0, [(4, 1)])


def test_work_that_is_cancelled_by_somebody_else_does_not_hang_the_lane() -> None:
    """A permit that would never come back ends the run with an error instead of spinning for ever."""

    async def play() -> None:
        work = failing(asyncio.CancelledError)
        scheduler = Scheduler([LaneWork("a", work, Policy())], make_jobs(5), lambda _event: None)  # type: ignore[arg-type]
        await scheduler.run()

    with pytest.raises(RuntimeError, match="cancelled by somebody else"):
        on_virtual_clock(play)


# -- several lanes ---------------------------------------------------------------------------------------------------


def test_two_lanes_share_one_queue() -> None:
    """Each takes its batches from the same queue: ten jobs take one job's time, none is done twice."""
    told = rehearse(10, ScriptedLane("a"), ScriptedLane("b"))

    by_lane = Counter(call.lane for call in told.calls)
    assert (told.seconds, by_lane, set(told.tries().values())) == (3.0, Counter(a=5, b=5), {1})


def test_an_exhausted_lane_hands_its_jobs_back_and_the_other_takes_them() -> None:
    """A lane whose money is gone closes; the other does its jobs, and the run ends with all of them done."""
    told = rehearse(8, ScriptedLane("a", usual=Answer(DAILY, 1)), ScriptedLane("b"))

    summary = told.summary()
    assert ([event.lane for event in told.of(LaneClosed)], len(told.succeeded()), summary.exit_code) == (
        ["a"],
        8,
        ExitCode.OK,
    )


def test_a_lane_without_work_waits_for_what_another_may_hand_back() -> None:
    """A lane that found the queue empty still takes over when a slow lane closes much later."""
    lanes = ScriptedLane("a", usual=Answer(DAILY, 100)), ScriptedLane("b")
    told = rehearse(6, *lanes)

    assert (len(told.succeeded()), {call.lane for call in told.calls if call.verdict is Verdict.OK}) == (6, {"b"})


def test_a_quota_of_one_lane_does_not_hold_the_other() -> None:
    """While one account waits, the other works on."""
    told = rehearse(15, ScriptedLane("a", {"c1": [Answer(QUOTA)]}), ScriptedLane("b"))

    waiting = next(time for time, event in told.heard if isinstance(event, QuotaWait))
    during = [call for call in told.calls if call.lane == "b" and waiting < call.began < waiting + 15]
    assert (len(during), told.seconds) == (5, 21.0)


def test_the_run_ends_when_no_lane_is_left() -> None:
    """All lanes closed, the rest is pending and the run ends by itself."""
    told = rehearse(30, ScriptedLane("a", usual=Answer(DAILY)), ScriptedLane("b", usual=Answer(FATAL)))

    summary = told.summary()
    assert (len(told.of(LaneClosed)), summary.pending, summary.exit_code) == (2, 30, ExitCode.LOGIN)


def test_stop_reaches_a_lane_that_waits_for_handed_back_jobs() -> None:
    """A lane without work ends as well when the run is stopped."""

    async def interrupt(told: Rehearsal) -> None:
        await asyncio.sleep(10)
        told.scheduler.stop()

    lanes = ScriptedLane("a", usual=Answer(DAILY, 100)), ScriptedLane("b")
    told = rehearse(6, *lanes, meanwhile=interrupt)

    assert (told.seconds, len(told.succeeded())) == (100.0, 1)


# -- random schedules ------------------------------------------------------------------------------------------------

answers = st.builds(
    Answer,
    st.one_of(
        st.sampled_from([OK, OK, OK, QUOTA, QUOTA, REJECTED, FLAKY, INVALID]),
        st.sampled_from([OK, OK, OK, DAILY, FATAL]),
        st.builds(asked, st.sampled_from([1.0, 14.0, 20.0, 300.0, 900.0, 1000.0])),
    ),
    st.sampled_from([0.0, 0.0, 0.5, 3.0, 20.0]),
)


@st.composite
def rehearsals(draw: st.DrawFn) -> tuple[int, list[ScriptedLane], Policy, float | None]:
    """Up to 23 jobs on one to three lanes, with random answers; perhaps a Ctrl-C at some moment."""
    count = draw(st.integers(0, 23))
    keys = st.sampled_from([f"c{number}" for number in range(1, count + 1)] or ["c0"])
    scripts = st.dictionaries(keys, st.lists(answers, max_size=5), max_size=count)
    usual = st.sampled_from([Answer(), Answer(), Answer(OK, 0), Answer(QUOTA, 1)])
    lanes = [ScriptedLane(name, draw(scripts), draw(usual)) for name in "abc"[: draw(st.integers(1, 3))]]
    policy = draw(
        st.builds(
            Policy,
            batch_size=st.integers(1, 7),
            max_retries=st.integers(0, 4),
            quota_wait=st.sampled_from([0.0, 15.0, 15.0]),
            cooldown=st.sampled_from([0.0, 2.0, 2.0]),
        )
    )
    return count, lanes, policy, draw(st.none() | st.sampled_from([0.0, 1.0, 4.0, 17.0, 40.0]))


@settings(max_examples=120, deadline=None)
@given(rehearsals())
def test_whatever_the_services_answer_the_promises_hold(
    drawn: tuple[int, list[ScriptedLane], Policy, float | None],
) -> None:
    """Counts are exact, batches are small, waits are long enough, nobody is paid twice, and the run always ends."""
    count, lanes, policy, interrupt_at = drawn

    async def interrupt(told: Rehearsal) -> None:
        if interrupt_at is not None:
            await asyncio.sleep(interrupt_at)
            told.scheduler.stop()

    told = rehearse(count, *lanes, policy=policy, meanwhile=interrupt)

    summary = told.summary()
    assert summary.succeeded + summary.failed + summary.rejected + summary.pending == summary.total == count
    assert all(number >= 0 for number in (summary.succeeded, summary.failed, summary.rejected, summary.pending))
    ended = {call.key for call in told.calls if call.verdict in ENDS}
    given_up = {event.key for event in told.of(JobFailed)}
    assert summary.pending == count - len(ended | given_up)
    if interrupt_at is None and not told.of(LaneClosed):
        assert summary.pending == 0, "an open lane leaves nothing undone"
    for lane in lanes:
        _keeps_its_promises(lane, told, policy)
    for key in told.tries():
        calls = [call for call in told.calls if call.key == key]
        assert all(call.verdict not in ENDS for call in calls[:-1]), "a job that came to an end is never sent again"


def _keeps_its_promises(lane: ScriptedLane, told: Rehearsal, policy: Policy) -> None:
    assert lane.most_in_flight <= policy.batch_size
    mine = [(time, event) for time, event in told.heard if event.lane == lane.name]
    retries: Counter[int] = Counter()
    for time, event in mine:
        if isinstance(event, (QuotaWait, Cooldown)):
            early = [call for call in lane.calls if time + 1e-6 < call.began < time + event.wait - 1e-3]
            assert not early, "nothing starts in a pause"
            flying = [call for call in lane.calls if call.began < time - 1e-6 and call.ended > time + 1e-6]
            assert not flying, "nothing is in flight in a pause"
        if isinstance(event, QuotaWait):
            retries[event.batch] += 1
            assert event.retry == retries[event.batch] <= policy.max_retries == event.retries
            assert policy.quota_wait <= event.wait <= max(policy.quota_wait, policy.wait_ceiling + 1)
    assert max(Counter(call.key for call in lane.calls).values(), default=0) <= policy.max_retries + 1
    for (_, event), (_, following) in pairwise(mine):
        # What no other lane came to take after all is told at the very end.
        if isinstance(event, Cooldown) and following.event not in ("stopping", "lane_closed", "job_failed"):
            assert isinstance(following, BatchStarted), "a cooldown stands between two batches"
    finished = [event for _, event in mine if isinstance(event, BatchFinished)]
    started = [event for _, event in mine if isinstance(event, BatchStarted)]
    assert [event.batch for event in started] == list(range(1, len(started) + 1)), "batches are numbered without a gap"
    for batch, end in zip(started, finished, strict=False):
        assert end.succeeded + end.failed + end.rejected + end.pending == len(batch.jobs)


def test_a_lane_that_rests_holds_no_jobs_another_could_do() -> None:
    """Told to wait ten minutes, it leaves the rest to the other lane, and nobody waits for it in the end."""
    busy = ScriptedLane("busy", usual=Answer(Outcome(Verdict.THROTTLED, "busy", wait=600), 1))
    free = ScriptedLane("free", usual=Answer(OK, 1))
    told = rehearse(15, busy, free, policy=Policy(max_retries=0))

    assert Counter(call.lane for call in told.calls) == {"busy": 5, "free": 15}
    assert told.seconds == 1.0 + 2.0 + 1.0 + 2.0 + 1.0


def test_a_service_that_takes_two_a_second_is_asked_at_its_pace() -> None:
    """Requests of a batch begin one after the other, and so do those of the next; the answers overlap."""
    slow = ScriptedLane("slow", usual=Answer(OK, 5), pace=0.6)
    told = rehearse(7, slow, policy=Policy(cooldown=0))

    assert [round(call.began, 1) for call in told.calls] == [0.0, 0.6, 1.2, 1.8, 2.4, 7.4, 8.0]
    assert slow.most_in_flight == 5


def test_ctrl_c_does_not_wait_for_the_pace() -> None:
    """What has not begun does not begin."""

    async def interrupt(told: Rehearsal) -> None:
        await asyncio.sleep(1)
        told.scheduler.stop()

    told = rehearse(5, ScriptedLane("slow", usual=Answer(OK, 2), pace=60), meanwhile=interrupt)

    assert (len(told.calls), told.seconds) == (1, 2.0)


def test_one_graphics_card_draws_a_batch_one_by_one() -> None:
    """Five are one batch with one cooldown after it, though one at a time is sent."""
    card = ScriptedLane("card", usual=Answer(OK, 4), at_once=1)
    told = rehearse(10, card)

    assert (card.most_in_flight, told.seconds, len(told.of(BatchStarted))) == (1, 42.0, 2)
