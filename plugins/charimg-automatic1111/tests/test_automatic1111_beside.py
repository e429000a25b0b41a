"""Looks beside a long request, on a virtual clock."""

from __future__ import annotations

import asyncio

import pytest
from charimg_automatic1111.beside import with_looks

from charimg.errors import FlakyError, ThrottledError

pytestmark = pytest.mark.looptime


async def drawing(seconds: float, error: Exception | None = None) -> str:
    """The long request."""
    await asyncio.sleep(seconds)
    if error is not None:
        raise error
    return "picture"


class Looks:
    """Counts looks; each takes *seconds*, and the one of number *fails* meets trouble."""

    def __init__(self, seconds: float = 0.0, fails: int = 0) -> None:
        self.count = self.finished = 0
        self._seconds, self._fails = seconds, fails

    async def __call__(self) -> None:
        self.count += 1
        await asyncio.sleep(self._seconds)
        if self.count == self._fails:
            raise ThrottledError("no progress today")
        self.finished += 1


def now() -> float:
    """Virtual seconds since the test began."""
    return asyncio.get_running_loop().time()


async def test_it_looks_every_so_often_until_the_work_is_done() -> None:
    """A request of ten and a half seconds is looked at ten times."""
    looks = Looks()

    assert await with_looks(drawing(10.5), looks, 1.0) == "picture"
    assert looks.count == 10


async def test_a_short_request_is_never_looked_at() -> None:
    """The first look comes after the first pause."""
    looks = Looks()
    await with_looks(drawing(0.5), looks, 1.0)

    assert looks.count == 0


async def test_a_slow_look_does_not_delay_the_picture() -> None:
    """One that is under way when the picture comes is let go."""
    looks = Looks(seconds=60)
    began = now()
    await with_looks(drawing(3), looks, 1.0)

    assert now() - began == pytest.approx(3)
    assert (looks.count, looks.finished) == (1, 0)


async def test_a_look_that_meets_trouble_is_the_last() -> None:
    """The picture comes, and nobody asks again."""
    looks = Looks(fails=2)

    assert await with_looks(drawing(10), looks, 1.0) == "picture"
    assert looks.count == 2


async def test_the_trouble_of_the_work_is_what_is_raised() -> None:
    """After it nobody looks."""
    looks = Looks()
    with pytest.raises(FlakyError, match="the GPU is on fire"):
        await with_looks(drawing(2.5, FlakyError("the GPU is on fire")), looks, 1.0)
    await asyncio.sleep(5)

    assert looks.count == 2


async def test_a_call_that_is_broken_off_ends_both() -> None:
    """Neither the request nor a look outlives it."""
    looks = Looks(seconds=60)
    work = asyncio.ensure_future(with_looks(drawing(100), looks, 1.0))
    await asyncio.sleep(1.5)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work

    assert asyncio.all_tasks() == {asyncio.current_task()}
