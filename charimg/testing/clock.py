"""A clock on which nobody waits: an event loop whose time jumps to the next timer when nothing else can happen.

Sockets, threads and files work as ever: time moves only when the loop has nothing to do, no thread of anybody's is at
work and nothing comes in from the network. A time-out of five minutes or a quota wait of fifteen seconds passes in some
milliseconds, in the right order, and every moment is exact::

    def test_quota_wait():
        async def story():
            await asyncio.sleep(15)
            return asyncio.get_running_loop().time()

        assert on_virtual_clock(story) == 15.0
"""

from __future__ import annotations

import asyncio
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

GRACE = 0.005
"""Real seconds in which the network may still bring something before the clock jumps."""

LONGEST = 86_400.0 * 30
"""Virtual seconds after which a scenario is taken never to end."""

_STUCK = 20.0
"""Real seconds of nothing at all, not even a timer, after which a scenario is taken never to end."""


class NeverEndsError(AssertionError):
    """What was run on the virtual clock waits for something that cannot happen any more."""


class _JumpingSelector(selectors.DefaultSelector):
    """Asks the system what came in; when that is nothing, moves the clock instead of waiting."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        real = time.monotonic()
        while True:
            busy = self.loop.busy_elsewhere()
            if not busy and timeout is not None and len(self.get_map()) <= 1:  # nothing but the loop's own alarm
                found = super().select(0)
            else:
                found = super().select(GRACE)
            if found:
                return found
            if self.loop.busy_elsewhere() and time.monotonic() - real < _STUCK:
                continue
            if timeout is not None:
                self.loop.jump(timeout)
                return []
            if time.monotonic() - real >= (_STUCK if busy else 1.0):
                raise NeverEndsError("it waits for something that never comes, without a time limit")


class VirtualLoop(asyncio.SelectorEventLoop):
    """The event loop of :func:`on_virtual_clock`; its time begins at 0."""

    on_timer: Callable[[float], None] | None = None
    """Told the seconds of every timer that is set, on the stack of whoever sets it."""

    def __init__(self) -> None:
        self._virtual = 0.0
        self._threads = 0
        self._known = set(threading.enumerate())
        selector = _JumpingSelector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual

    def jump(self, seconds: float) -> None:
        """Let so much time pass."""
        self._virtual += seconds

    def call_at(  # type: ignore[override]  # the types of *args need Python 3.11
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        """As ever."""
        if self.on_timer is not None:
            self.on_timer(when - self._virtual)
        return super().call_at(when, callback, *args, context=context)

    def run_in_executor(  # type: ignore[override]  # likewise
        self, executor: Any, func: Any, *args: Any
    ) -> asyncio.Future[Any]:
        """As ever; time stands still until the thread is done."""
        future = super().run_in_executor(executor, func, *args)
        self._threads += 1
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _future: asyncio.Future[Any]) -> None:
        self._threads -= 1

    def busy_elsewhere(self) -> bool:
        """Whether a thread is at work whose end the loop may be waiting for."""
        if self._threads > 0:
            return True
        others = set(threading.enumerate()) - self._known
        return any(one.is_alive() and not one.name.startswith(("asyncio_", "ThreadPool")) for one in others)


def on_virtual_clock(
    work: Callable[[], Coroutine[Any, Any, T]], *, on_timer: Callable[[float], None] | None = None
) -> T:
    """Run a coroutine function on a loop of its own with a virtual clock, and return what it returns.

    :param on_timer: told the seconds of every timer that is set, on the stack of whoever sets it.

    No plugin of pytest is needed, and none disturbs: any synchronous test may call this.

    :raises NeverEndsError: it waits for something that cannot happen.
    """
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(_bounded(work, loop, on_timer))
    finally:
        _close(loop)


async def _bounded(
    work: Callable[[], Coroutine[Any, Any, T]], loop: VirtualLoop, on_timer: Callable[[float], None] | None
) -> T:
    end = loop.call_at(LONGEST, _never_ends, asyncio.current_task())
    loop.on_timer = on_timer
    try:
        return await work()
    except asyncio.CancelledError:
        if loop.time() >= LONGEST:
            raise NeverEndsError("it does not come to an end within a month of virtual time") from None
        raise
    finally:
        loop.on_timer = None
        end.cancel()


def _never_ends(task: asyncio.Task[Any] | None) -> None:
    if task is not None:
        task.cancel()


def _close(loop: VirtualLoop) -> None:
    try:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=60.0))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


@pytest.fixture
def virtual_clock() -> Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]:
    """:func:`on_virtual_clock` as a fixture, for those who import it into their ``conftest.py``."""
    return on_virtual_clock
