"""An event loop without sockets, threads and waiting: time is a number, and every step is counted."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")


class StuckError(AssertionError):
    """Nothing can ever happen again, and the work is not done; or it never comes to an end."""


class Clock:
    """The time of the world: true seconds since its beginning, and what the machine's clock is wrong by."""

    def __init__(self) -> None:
        self.now = 0.0
        self.wrong_by = 0.0
        """Seconds. Somebody has set the clock; what is monotonic goes on all the same."""


class SimulatedLoop(asyncio.AbstractEventLoop):
    """One process's event loop.

    :param after_step: told the number of every step when it is done: a callback, so a stretch between two awaits.
    :param tie: the order of timers that are due at the same moment.
    """

    def __init__(self, clock: Clock, after_step: Callable[[int], None], tie: Callable[[int], float]) -> None:
        self._clock = clock
        self._after_step = after_step
        self._tie = tie
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, float, int, asyncio.TimerHandle]] = []
        self._timers_set = 0
        self.steps = 0
        self.complaints: list[str] = []
        """What asyncio would have logged: exceptions nobody asked for."""
        self.tasks: list[asyncio.Task[Any]] = []

    # -- what asyncio asks a loop for ---------------------------------------------------------------------------

    def time(self) -> float:
        return self._clock.now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_soon(  # type: ignore[override]  # the types of *args need Python 3.11
        self, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]  # there is one thread only

    def call_later(  # type: ignore[override]  # likewise
        self, delay: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._clock.now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]  # likewise
        self, when: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._timers_set += 1
        heapq.heappush(self._timers, (when, self._tie(self._timers_set), self._timers_set, handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is dropped when its time comes."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]  # likewise
        self, coro: Coroutine[Any, Any, T], *, name: str | None = None, context: Context | None = None, **more: Any
    ) -> asyncio.Task[T]:
        if context is not None:
            more["context"] = context
        task = asyncio.Task(coro, loop=self, name=name, **more)
        self.tasks.append(task)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.complaints.append(f"{context.get('message')}: {context.get('exception')!r}")

    # -- the work -----------------------------------------------------------------------------------------------

    def play(self, work: asyncio.Future[Any], *, broken: Callable[[], bool], steps: int, until: float) -> bool:
        """Go on until the work is done, or the process is broken; tell whether it is done.

        :param steps: after so many it is taken never to end; likewise *until*, a moment.
        :raises StuckError: it never ends.
        """
        asyncio._set_running_loop(self)
        try:
            while not work.done():
                if broken():
                    return False
                self._turn(broken)
                if self.steps > steps or self._clock.now > until:
                    raise StuckError(f"not at its end after {self.steps} steps and {self._clock.now:.0f} seconds")
        finally:
            asyncio._set_running_loop(None)
        return not broken()

    def unwind(self, steps: int) -> None:
        """The process is dead: let Python leave every function it is in."""
        last = self.steps + steps
        asyncio._set_running_loop(self)
        try:
            while self.steps < last and (left := [task for task in self.tasks if not task.done()]):
                for task in left:
                    task.cancel()
                if not self._ready and not self._timers:
                    break
                self._turn(lambda: False)
        finally:
            asyncio._set_running_loop(None)
        for task in self.tasks:
            if task.done() and not task.cancelled():
                task.exception()  # nobody is there to be told

    def _turn(self, broken: Callable[[], bool]) -> None:
        timers = self._timers
        while timers and timers[0][3].cancelled():
            heapq.heappop(timers)
        if not self._ready:
            if not timers:
                raise StuckError("it waits for something that can never happen")
            self._clock.now = max(self._clock.now, timers[0][0])
        while timers and timers[0][0] <= self._clock.now:
            handle = heapq.heappop(timers)[3]
            if not handle.cancelled():
                self._ready.append(handle)
        for _ in range(len(self._ready)):
            step = self._ready.popleft()
            if step.cancelled():
                continue
            step._run()
            self.steps += 1
            self._after_step(self.steps)
            if broken():
                return
