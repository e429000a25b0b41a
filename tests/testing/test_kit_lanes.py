"""Rehearsals: the real scheduler and policy with fake lanes and with real generators."""

from __future__ import annotations

from charimg.events import BatchStarted, Cooldown, LaneClosed, QuotaWait
from charimg.model import Verdict
from charimg.testing import Asked, FakeLane, Reply, Route, Service, Turn, rehearse
from charimg.testing.lanes import DAILY, QUOTA, asked_to_wait
from tests.testing.sample_generator import Sketch


def test_fake_lane_meets_the_policy() -> None:
    """Fifteen jobs, one quota answer: 15 s of waiting after the first batch's 3 s, and 2 s between batches."""
    told = rehearse(FakeLane("sketch", {"c3": [Turn(QUOTA)]}), jobs=15)

    assert (told.times(QuotaWait), told.times(Cooldown), told.seconds) == ([3.0], [21.0, 26.0], 31.0)
    assert told.tries()["c3"] == 2


def test_real_generator_meets_its_service() -> None:
    """A generator over its socket: the service's own wait is kept, only the refused job is asked for again."""
    count: list[int] = []

    def answer(asked: Asked) -> Reply | bytes:
        count.append(1)
        return Reply(429, "slow down", {"Retry-After": "20"}) if len(count) == 7 else asked.picture.data

    told = rehearse(Sketch, jobs=15, service=Service(Route("POST", "/v1/draw", answer)))

    assert [wait.wait for wait in told.of(QuotaWait)] == [21.0]
    assert (len(told.succeeded()), len(count), len(told.of(BatchStarted))) == (15, 16, 3)


def test_exhausted_lane_hands_its_jobs_over() -> None:
    """Of two lanes one has its day's quota used up: the other makes everything."""
    told = rehearse(FakeLane("a", usual=Turn(DAILY)), FakeLane("b"), jobs=10)

    assert [(closed.lane, closed.verdict) for closed in told.of(LaneClosed)] == [("a", Verdict.EXHAUSTED)]
    assert len(told.succeeded()) == 10


def test_pictures_of_a_rehearsal_are_those_of_their_jobs() -> None:
    """Every job has a picture of its own."""
    told = rehearse(Sketch, jobs=6, service=Service(Route("POST", "/v1/draw", lambda asked: asked.picture.data)))
    (lane,) = told.lanes
    pictures = getattr(lane, "pictures")  # noqa: B009 - a fake lane has none

    assert (sorted(pictures), len(set(pictures.values()))) == (["c1", "c2", "c3", "c4", "c5", "c6"], 6)


def test_wait_that_a_lane_is_asked_for() -> None:
    """A longer wait of the service replaces the policy's, with its margin of a second."""
    told = rehearse(FakeLane("sketch", {"c1": [Turn(asked_to_wait(40))]}), jobs=1)

    assert (told.times(QuotaWait), told.seconds) == ([3.0], 47.0)
