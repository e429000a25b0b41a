"""Several lanes under one scheduler: shares, jobs that move, waits that hold one lane only; and any schedule at all."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charimg.events import BatchFinished, BatchStarted, Cooldown, JobFailed, LaneClosed, QuotaWait
from charimg.model import Verdict
from charimg.policy import Outcome, Policy
from tests.scripted import (
    DAILY,
    ENDS,
    FATAL,
    FLAKY,
    INVALID,
    OK,
    QUOTA,
    REJECTED,
    Answer,
    Rehearsal,
    ScriptedLane,
    asked,
    rehearse,
)

STANDING = Outcome(Verdict.THROTTLED, "not done yet", standing=True)
NO_RETRY = Policy(max_retries=0)


def by_lane(told: Rehearsal) -> Counter[str]:
    """How many requests each lane got."""
    return Counter(call.lane for call in told.calls)


# -- each lane its own policy ----------------------------------------------------------------------------------------


def test_each_lane_has_its_own_batch_and_its_own_cooldown() -> None:
    """Two at once with a long pause here, five at once there; neither takes the other's numbers."""
    slow = ScriptedLane("slow", policy=Policy(batch_size=2, cooldown=100))
    told = rehearse(14, slow, ScriptedLane("quick"))

    pauses = {(event.lane, event.wait) for event in told.of(Cooldown)}
    assert (slow.most_in_flight, by_lane(told), told.seconds) == (2, {"slow": 2, "quick": 12}, 3 + 2 + 3 + 2 + 3)
    assert pauses == {("slow", 100.0), ("quick", 2.0)}


def test_each_lane_has_its_own_wait_and_retries() -> None:
    """The notice of a wait counts the retries of the lane it concerns."""
    one = ScriptedLane("one", {"c1": [Answer(QUOTA)]}, policy=Policy(quota_wait=30, max_retries=1))
    two = ScriptedLane("two", {"c6": [Answer(QUOTA)]})
    told = rehearse(10, one, two)

    assert {(event.lane, event.wait, event.retries) for event in told.of(QuotaWait)} == {
        ("one", 30.0, 1),
        ("two", 15.0, 3),
    }


def test_a_lanes_pace_holds_after_a_quota_wait_too() -> None:
    """The first of a round may have waited for minutes: the second still comes half a second later."""
    quota = {f"c{number}": [Answer(QUOTA)] for number in range(1, 4)}
    lane = ScriptedLane("a", quota, pace=0.5)
    rehearse(3, lane)

    begun = sorted(round(call.began, 3) for call in lane.calls)
    assert begun == [0.0, 0.5, 1.0, 19.0, 19.5, 20.0]


# -- jobs that move --------------------------------------------------------------------------------------------------


def test_a_job_is_given_up_once_by_each_lane() -> None:
    """Three lanes, a job nobody can do: each tries it as often as its retries allow, and it is told once, at the end
    of the last."""
    lanes = [ScriptedLane(name, {"c1": [Answer(QUOTA)] * 99}) for name in "abc"]
    told = rehearse(9, *lanes, policy=Policy(max_retries=1, batch_size=3))

    tries = Counter(call.lane for call in told.calls if call.key == "c1")
    assert (tries, [event.key for event in told.of(JobFailed)], told.left) == ({"a": 2, "b": 2, "c": 2}, ["c1"], [])
    assert told.times(JobFailed)[0] == max(call.ended for call in told.calls if call.key == "c1")


def test_a_given_up_job_goes_first_to_who_is_free() -> None:
    """It keeps its place in the roster, before those that nobody has tried."""
    told = rehearse(
        11,
        ScriptedLane("a", {"c1": [Answer(QUOTA)]}),
        ScriptedLane("b", usual=Answer(seconds=4)),
        policy=NO_RETRY,
    )

    second = [event for event in told.of(BatchStarted) if event.lane == "b"][1]
    assert second.jobs[0].key == "c1"
    assert told.tries()["c1"] == 2


def test_what_stands_at_a_service_is_not_handed_on() -> None:
    """Another lane would make it a second time: it is told as failed for now, and pending."""
    lanes = ScriptedLane("a", {"c1": [Answer(STANDING)] * 9}), ScriptedLane("b")
    told = rehearse(10, *lanes)

    failed = [(event.lane, event.key, event.pending) for event in told.of(JobFailed)]
    assert ({call.lane for call in told.calls if call.key == "c1"}, failed) == ({"a"}, [("a", "c1", True)])


@pytest.mark.parametrize("more_to_come", [False, True])
def test_what_stands_at_a_lane_that_closes_stays_there(more_to_come: bool) -> None:
    """The lane's other jobs move, this one does not, to no fallback either."""
    lane = ScriptedLane("a", {"c1": [Answer(STANDING)], "c2": [Answer(DAILY)]})
    told = rehearse(3, lane, more_to_come=more_to_come)

    assert ([event.key for event in told.of(JobFailed)], [one.job.key for one in told.left]) == (["c1"], ["c2"])


def test_a_job_bound_to_a_lane_is_left_alone_by_the_others() -> None:
    """However long its lane is at other work; when its lane closes it is told why nobody makes it."""
    a = ScriptedLane("a", usual=Answer(seconds=50), policy=Policy(batch_size=1))
    told = rehearse(4, a, ScriptedLane("b"), only_by={"c3": "a", "c4": "a"})
    dead = rehearse(
        2, ScriptedLane("a", usual=Answer(FATAL)), ScriptedLane("b"), only_by={"c2": "a"}, policy=Policy(batch_size=1)
    )

    assert [call.lane for call in told.calls if call.key in ("c3", "c4")] == ["a", "a"]
    (stranded,) = dead.of(JobFailed)
    assert (dead.left, dead.succeeded(), stranded.key, stranded.pending) == ([], ["c1"], "c2", True)
    assert stranded.message == "a has accepted it, and cannot be asked for it: wrong key"


def test_a_job_of_a_lane_that_is_not_here_is_left_over() -> None:
    """No lane takes it, nobody waits for it, and it is no failure."""
    told = rehearse(3, ScriptedLane("a"), only_by={"c2": "elsewhere"})

    assert ([one.job.key for one in told.left], told.seconds, told.of(JobFailed)) == (["c2"], 3.0, [])


def test_what_a_lane_gave_up_is_returned_to_whoever_opens_the_next() -> None:
    """It closed, and others are to come: nothing is told as failed; how it would be told goes with the job."""
    one_by_one = Policy(max_retries=0, batch_size=1)
    lane = ScriptedLane("a", {"c1": [Answer(QUOTA)], "c2": [Answer(FATAL)]})
    told = rehearse(2, lane, policy=one_by_one, more_to_come=True)

    left, never_tried = told.left
    assert (told.of(JobFailed), left.job.key, never_tried.given_up) == ([], "c1", None)
    assert left.given_up is not None
    assert (left.given_up.key, left.given_up.message, left.given_up.pending) == ("c1", "quota exceeded", True)


def test_what_an_open_lane_gave_up_is_told_though_others_stand_by() -> None:
    """A fallback is for lanes that have closed."""
    told = rehearse(2, ScriptedLane("a", {"c2": [Answer(QUOTA)]}), policy=NO_RETRY, more_to_come=True)

    assert (told.left, [event.key for event in told.of(JobFailed)]) == ([], ["c2"])


# -- shares ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "shares"),
    [((1, 1), (30, 30)), ((3, 1), (45, 15)), ((5, 1), (50, 10)), ((2, 1, 1), (30, 15, 15))],
)
def test_weights_are_proportions_whoever_is_quicker(weights: tuple[float, ...], shares: tuple[int, ...]) -> None:
    """Sixty jobs are shared as the weights say, though the last lane is a hundred times as quick."""
    lanes = [
        ScriptedLane(str(number), usual=Answer(seconds=10 if number + 1 < len(weights) else 0.1), weight=weight)
        for number, weight in enumerate(weights)
    ]
    told = rehearse(60, *lanes)

    assert tuple(by_lane(told)[lane.name] for lane in lanes) == shares


def test_a_lane_without_a_weight_takes_what_it_can() -> None:
    """Only those that have one keep to their shares among themselves."""
    lanes = (
        ScriptedLane("a", usual=Answer(seconds=10), weight=1),
        ScriptedLane("b", usual=Answer(seconds=1), weight=1),
        ScriptedLane("free", usual=Answer(seconds=1)),
    )
    told = rehearse(60, *lanes)

    counts = by_lane(told)
    assert 0 <= counts["b"] - counts["a"] <= 5
    assert counts["free"] > 2 * counts["a"]


def test_a_lane_that_waits_for_a_quota_does_not_hold_the_others_to_their_shares() -> None:
    """While the heavy one waits for ten minutes the light one goes on alone."""
    heavy = ScriptedLane("heavy", {"c1": [Answer(asked(600))]}, weight=9)
    told = rehearse(40, heavy, ScriptedLane("light", weight=1))

    during = [call for call in told.calls if call.lane == "light" and call.ended < 600]
    assert len(during) == 35


def test_a_lane_that_gave_up_and_rests_does_not_hold_the_others_to_their_shares() -> None:
    """A rest that its service asked for is as good as a quota wait: nobody waits ten minutes for its turn."""
    heavy = ScriptedLane("heavy", {"c1": [Answer(asked(600))]}, weight=9, policy=NO_RETRY)
    told = rehearse(40, heavy, ScriptedLane("light", weight=1))

    assert told.seconds < 600


def test_a_closed_lane_holds_nobody_to_its_share() -> None:
    """The others share what is left."""
    told = rehearse(30, ScriptedLane("a", usual=Answer(DAILY), weight=9), ScriptedLane("b", weight=1))

    assert (len(told.succeeded()), told.seconds) == (30, 6 * 3 + 5 * 2)


# -- any schedule ----------------------------------------------------------------------------------------------------

answers = st.builds(
    Answer,
    st.one_of(
        st.sampled_from([OK, OK, OK, QUOTA, QUOTA, REJECTED, FLAKY, INVALID, STANDING]),
        st.sampled_from([OK, OK, OK, DAILY, FATAL]),
        st.builds(asked, st.sampled_from([1.0, 20.0, 900.0, 1000.0])),
    ),
    st.sampled_from([0.0, 0.0, 0.5, 3.0, 20.0]),
)
policies = st.builds(
    Policy,
    batch_size=st.integers(1, 6),
    max_retries=st.integers(0, 3),
    quota_wait=st.sampled_from([0.0, 15.0, 15.0]),
    cooldown=st.sampled_from([0.0, 2.0, 2.0]),
)
weights = st.none() | st.sampled_from([0.001, 0.5, 1.0, 2.0, 1000.0])
moments = st.sampled_from([0.0, 0.5, 1.0, 4.0, 17.0, 18.0, 40.0])


@st.composite
def schedules(draw: st.DrawFn) -> tuple[int, list[ScriptedLane], dict[str, str], list[float]]:
    """Up to 23 jobs, two to four lanes with policies and weights of their own, jobs bound to one, and Ctrl-C."""
    count = draw(st.integers(1, 23))
    keys = st.sampled_from([f"c{number}" for number in range(1, count + 1)])
    scripts = st.dictionaries(keys, st.lists(answers, max_size=4), max_size=count)
    usual = st.sampled_from([Answer(), Answer(), Answer(OK, 0), Answer(QUOTA, 1), Answer(DAILY, 5)])
    lanes = [
        ScriptedLane(
            name,
            draw(scripts),
            draw(usual),
            weight=draw(weights),
            policy=draw(policies),
            at_once=draw(st.sampled_from([None, None, 1, 2])),
            pace=draw(st.sampled_from([0.0, 0.0, 0.5])),
        )
        for name in "abcd"[: draw(st.integers(2, 4))]
    ]
    bound = draw(st.dictionaries(keys, st.sampled_from("abcd"), max_size=3))
    return count, lanes, bound, sorted(draw(st.lists(moments, max_size=2)))


@settings(max_examples=150, deadline=None)
@given(schedules())
def test_whatever_the_lanes_do_the_run_ends_and_its_counts_are_exact(
    drawn: tuple[int, list[ScriptedLane], dict[str, str], list[float]],
) -> None:
    """No job is in two lanes at once or sent again after its end, no lane has more in flight than its batch, and what
    is left is told or returned."""
    count, lanes, bound, interrupts = drawn

    async def interrupt(told: Rehearsal) -> None:
        began = asyncio.get_running_loop().time()
        for number, moment in enumerate(interrupts):
            await asyncio.sleep(max(0.0, began + moment - asyncio.get_running_loop().time()))
            (told.scheduler.stop, told.scheduler.abandon)[number]()

    told = rehearse(count, *lanes, meanwhile=interrupt, only_by=bound)

    ended = {call.key for call in told.calls if call.verdict in ENDS}
    failed = [event.key for event in told.of(JobFailed)]
    left = [one.job.key for one in told.left]
    assert sorted([*ended, *failed, *left]) == sorted(f"c{number}" for number in range(1, count + 1))
    for key in told.tries():
        calls = sorted((call for call in told.calls if call.key == key), key=lambda call: (call.began, call.number))
        assert all(before.ended <= after.began for before, after in pairwise(calls)), "in one lane at a time"
        assert all(call.verdict not in ENDS for call in calls[:-1]), "never sent again after its end"
        assert {call.lane for call in calls} <= ({bound[key]} if key in bound else set("abcd"))
    for lane in lanes:
        assert lane.policy is not None
        assert lane.most_in_flight <= min(lane.policy.batch_size, lane.at_once or 99)
        begun = sorted(call.began for call in lane.calls)
        assert all(after - before >= lane.pace - 1e-3 for before, after in pairwise(begun)), "at its pace"
        assert max(Counter(call.key for call in lane.calls).values(), default=0) <= lane.policy.max_retries + 1
    closed = {event.lane for event in told.of(LaneClosed)}
    if not interrupts and len(closed) < len(lanes):
        stuck = {key for key, owner in bound.items() if owner in closed or owner not in {lane.name for lane in lanes}}
        assert set(left) <= stuck, "as long as a lane is open nothing is left undone"
    _numbered_without_gaps(told)


@settings(max_examples=80, deadline=None)
@given(
    count=st.integers(1, 60),
    shares=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    paces=st.lists(st.sampled_from([0.0, 0.5, 3.0, 40.0]), min_size=4, max_size=4),
    size=st.integers(1, 6),
)
def test_shares_are_kept_to_within_a_batch(count: int, shares: list[int], paces: list[float], size: int) -> None:
    """Of lanes that never fail none is ever ahead of another's share by more than the batch it took."""
    lanes = [
        ScriptedLane(str(number), usual=Answer(seconds=paces[number]), weight=share)
        for number, share in enumerate(shares)
    ]
    told = rehearse(count, *lanes, policy=Policy(batch_size=size))

    taken = by_lane(told)
    assert taken.total() == count
    for lane, share in zip(lanes, shares, strict=True):
        for other, theirs in zip(lanes, shares, strict=True):
            assert (taken[lane.name] - size) / share <= taken[other.name] / theirs + 1e-9


def _numbered_without_gaps(told: Rehearsal) -> None:
    for lane in told.lanes:
        started = [event for event in told.of(BatchStarted) if event.lane == lane.name]
        finished = [event for event in told.of(BatchFinished) if event.lane == lane.name]
        assert [event.batch for event in started] == list(range(1, len(started) + 1))
        for batch, end in zip(started, finished, strict=False):
            assert end.succeeded + end.failed + end.rejected + end.pending == len(batch.jobs)
