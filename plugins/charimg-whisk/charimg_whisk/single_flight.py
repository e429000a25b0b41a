"""Work that several callers need at once and that must be done once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Those who call while the work is under way share its outcome; the next call after it starts it again.

    A caller that is cancelled leaves the work to the others.
    """

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._task: asyncio.Task[T] | None = None

    async def __call__(self) -> T:
        """Start the work or join it. Raises what it raises."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
            self._task.add_done_callback(_seen)
        return await asyncio.shield(self._task)

    async def _run(self) -> T:
        return await self._work()

    async def stop(self) -> None:
        """Cancel the work if it is under way, and wait until it has ended."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])


def _seen(task: asyncio.Task[T]) -> None:
    """Take note of the outcome, so that asyncio does not complain when every caller was cancelled."""
    if not task.cancelled():
        task.exception()
