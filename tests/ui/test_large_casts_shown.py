"""A cast of a hundred thousand on a terminal: what is shown costs as much as for a handful, and stays as short."""

from __future__ import annotations

import heapq
import io
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from charimg.events import JobName
from charimg.ui.board import Board, LaneBoard, _all_taken, _Free
from charimg.ui.frame import Pen, draw
from charimg.ui.live import LiveView
from charimg.ui.log_text import log_lines
from charimg.ui.plain import PlainLog
from tests.ui.story import batch, batch_over, cooldown, done, generating, play, saved, started

MANY = 100_000


def cast(count: int) -> tuple[JobName, ...]:
    return tuple(JobName(f"guest-{number}", f"Guest {number}") for number in range(count))


def calls(work: Callable[[], object]) -> int:
    """How many calls of functions the work takes: its size, whatever the machine."""
    counted = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


def board_of(jobs: Sequence[JobName]) -> Board:
    """A run of all the jobs, with one batch behind it and one under way."""
    board = Board()
    for now, event in enumerate(
        [
            started(jobs, batches=len(jobs) // 5),
            batch(1, jobs[:5], total=len(jobs)),
            *(saved(one) for one in jobs[:5]),
            *(done(one) for one in jobs[:5]),
            batch_over(),
            cooldown(),
            batch(2, jobs[5:10], total=len(jobs)),
            generating(jobs[5]),
        ]
    ):
        board.take(event, float(now))
    return board


def test_a_frame_costs_the_same_for_any_cast() -> None:
    """Neither the bars nor the time that is left look at every character."""
    few, many = (
        calls(lambda: draw(board, Pen(15.0, 80), 20))  # noqa: B023 - called at once
        for board in (board_of(cast(1_000)), board_of(cast(MANY)))
    )

    assert abs(many - few) < few / 10


def step_by_step(free: Sequence[_Free], queued: int, pause: float) -> float:
    """The same as the board says, batch by batch."""
    waiting = [(one.at, number) for number, one in enumerate(free)]
    heapq.heapify(waiting)
    last = 0.0
    while queued > 0:
        at, number = waiting[0]
        jobs = min(free[number].lane.size, queued)
        ends = at + (free[number].lane.batch_seconds(jobs) or 0.0)
        queued, last = queued - jobs, max(last, ends)
        heapq.heapreplace(waiting, (ends + pause, number))
    return last


LANES = st.lists(
    st.tuples(
        st.floats(0, 100),
        st.integers(1, 8),
        st.none() | st.integers(1, 3),
        st.floats(0.01, 30),
    ),
    min_size=1,
    max_size=4,
)


@given(LANES, st.integers(1, 900), st.sampled_from([0.0, 2.0]))
def test_the_time_left_is_that_of_going_through_every_batch(
    lanes: list[tuple[float, int, int | None, float]], queued: int, pause: float
) -> None:
    """However many batches there are, those that are not gone through one by one are counted right."""
    free = []
    for at, size, at_once, slowest in lanes:
        lane = LaneBoard("lane", size, at_once)
        lane.slowest = slowest
        free.append(_Free(at, lane, lane.batch_seconds(size) or 0.0))
    wanted = step_by_step(free, queued, pause)

    assert _all_taken(free, queued, pause) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.looptime
async def test_a_burst_of_news_is_one_frame() -> None:
    """A thousand pictures that come in one moment are drawn once, and all of them are counted in the next frame."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80, height=20, color_system=None, legacy_windows=False)
    view, jobs = LiveView(sys.stderr, console=console), cast(1_000)
    await play(view, started(jobs), batch(1, jobs, total=1_000), *(generating(one) for one in jobs))
    await play(view, *(event for one in jobs for event in (saved(one), done(one))))
    burst = out.getvalue().count("\n")
    await play(view, 0.3)
    view.close()

    assert burst < 25
    assert " 1000/1000" in out.getvalue()


@pytest.mark.parametrize("count", [1_000, MANY])
def test_a_line_of_the_log_costs_the_same_for_any_cast(count: int) -> None:
    """A batch of uploads alone is not looked for among all of them."""
    jobs = cast(count)
    log = PlainLog(io.StringIO())
    log.hear(started(jobs, uploads_only=tuple(one.key for one in jobs)))

    class Kept(frozenset[str]):
        def __iter__(self) -> Any:
            pytest.fail("every key was looked at")

    log._board.uploads_only = Kept(log._board.uploads_only)
    log.hear(batch(1, jobs[-5:], total=count))

    assert calls(lambda: log.hear(batch(2, jobs[-5:], total=count))) < 200


def test_the_plan_of_a_large_cast_is_one_line() -> None:
    """The log begins with a count, not with names."""
    assert len(log_lines(started(cast(MANY)))) == 1
