"""The shared queue: no job is lost or in two hands, whatever lanes take, hand back and give up."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from charimg.job_queue import JobQueue
from charimg.model import Job
from tests.scripted import make_jobs, on_virtual_clock

LANES = ("a", "b", "c")


def keys(jobs: list[Job]) -> list[str]:
    return [job.key for job in jobs]


class Hands(RuleBasedStateMachine):
    """Lanes that take batches and hand some of them back, beside a plain model of who has what."""

    batches: Bundle[tuple[str, list[Job]]] = Bundle("batches")

    @initialize(count=st.integers(0, 12), refused=st.dictionaries(st.sampled_from(LANES), st.sets(st.integers(1, 12))))
    def begin(self, count: int, refused: dict[str, set[int]]) -> None:
        self.jobs = make_jobs(count)
        self.refused = {lane: {f"c{number}" for number in refused.get(lane, ())} for lane in LANES}
        self.queue = JobQueue(self.jobs, self.refused)
        self.refused = {lane: set(names) for lane, names in self.refused.items()}
        self.waiting = list(self.jobs)
        self.out: list[list[Job]] = []
        self.done: list[Job] = []
        self.loop = asyncio.new_event_loop()

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.loop.close()

    @rule(target=batches, lane=st.sampled_from(LANES), most=st.integers(1, 5))
    def take(self, lane: str, most: int) -> tuple[str, list[Job]]:
        """The first jobs in roster order that the lane may have, and no more than it asked for."""
        wanted = [job for job in self.waiting if job.key not in self.refused[lane]][:most]
        taken = self.queue.take(lane, most)

        assert keys(taken) == keys(wanted)
        self.waiting = [job for job in self.waiting if job not in taken]
        self.out += [taken] if taken else []
        return lane, taken

    @rule(batch=batches, ended=st.sets(st.integers(0, 4)), given_up=st.sets(st.integers(0, 4)))
    def hand_back(self, batch: tuple[str, list[Job]], ended: set[int], given_up: set[int]) -> None:
        """Some ended, some go back, some of these the lane does not want to see again."""
        lane, jobs = batch
        if jobs not in self.out:
            return
        back = [job for number, job in enumerate(jobs) if number not in ended]
        refused = [job.key for number, job in enumerate(jobs) if number in given_up and number not in ended]
        self.queue.done_with_batch(lane, back, refused)
        self.out.remove(jobs)
        self.done += [job for job in jobs if job not in back]
        self.waiting = sorted([*self.waiting, *back], key=lambda job: job.position)
        self.refused[lane] |= set(refused)

    @invariant()
    def every_job_is_in_one_place(self) -> None:
        """Waiting, with one lane, or at its end."""
        if not hasattr(self, "queue"):
            return
        out = [job for batch in self.out for job in batch]

        assert keys(self.queue.left()) == keys(self.waiting)
        assert sorted(keys([*self.waiting, *out, *self.done])) == sorted(keys(self.jobs))
        assert bool(self.queue) == bool(self.waiting)

    @invariant()
    def a_lane_is_told_whether_there_is_work_for_it(self) -> None:
        """Now, or when another lane may still hand some back; and it is never left waiting for nothing."""
        if not hasattr(self, "queue"):
            return
        for lane in LANES:
            has = any(job.key not in self.refused[lane] for job in self.waiting)

            assert self.queue.has(lane) == has
            assert self.at_once(self.queue.has_jobs(lane)) == (has if has or not self.out else None)
            assert self.at_once(self.queue.drained(lane)) == (None if has or self.out else True)
            assert all(self.queue.has_refused(lane, job) == (job.key in self.refused[lane]) for job in self.jobs)

    def at_once(self, question: Any) -> bool | None:
        """The answer if it is there without waiting; ``None`` if somebody would wait for it."""

        async def ask() -> bool | None:
            asked = asyncio.ensure_future(question)
            for _ in range(3):
                await asyncio.sleep(0)
            if not asked.done():
                asked.cancel()
                await asyncio.wait({asked})
                return None
            answer = asked.result()
            return True if answer is None else bool(answer)

        return self.loop.run_until_complete(ask())


Hands.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestHands = Hands.TestCase


def test_a_job_handed_back_wakes_who_waits_for_one() -> None:
    """A lane without work hears of it in the same moment, and so does one for whom there will be none."""

    async def play() -> list[tuple[str, bool, float]]:
        queue, told = JobQueue(make_jobs(2)), list[tuple[str, bool, float]]()
        jobs = queue.take("a", 2)

        async def wait(lane: str) -> None:
            has = await queue.has_jobs(lane)
            told.append((lane, has, asyncio.get_running_loop().time()))

        waiting = [asyncio.ensure_future(wait(lane)) for lane in ("b", "a")]
        await asyncio.sleep(7)
        queue.done_with_batch("a", jobs[:1], [jobs[0].key])
        await asyncio.wait(waiting, timeout=50)
        return sorted(told)

    assert on_virtual_clock(play) == [("a", False, 7.0), ("b", True, 7.0)]


def test_every_lane_that_waits_is_woken() -> None:
    """One word reaches all who wait, however many."""

    async def play() -> int:
        queue, woken = JobQueue(make_jobs(1)), list[int]()

        async def wait(number: int) -> None:
            await queue.changed()
            woken.append(number)

        waiting = [asyncio.ensure_future(wait(number)) for number in range(5)]
        await asyncio.sleep(1)
        queue.tell()
        await asyncio.wait(waiting, timeout=5)
        return len(woken)

    assert on_virtual_clock(play) == 5


def test_what_a_lane_has_given_up_is_not_looked_through() -> None:
    """With forty thousand jobs that it has given up before them, a lane finds its next batch as fast as with none."""
    jobs = make_jobs(40_010)
    queue, calls = JobQueue(jobs, {"a": {job.key for job in jobs[:40_000]}}), 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        there, taken = queue.has("a"), queue.take("a", 5)
    finally:
        sys.setprofile(None)

    assert (there, keys(taken)) == (True, keys(jobs[40_000:40_005]))
    assert calls < 100
