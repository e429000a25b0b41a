"""Something small done every so often while one long request is under way.

The server tells its progress at another address, and only while the request that draws is still open. This is the one
place of the plugin that knows about time, and it does not sleep: it waits for the request itself, and looks up in
between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from charimg.errors import ProviderError

T = TypeVar("T")


async def with_looks(work: Coroutine[Any, Any, T], look: Callable[[], Awaitable[None]], every: float) -> T:
    """What *work* returns or raises; meanwhile *look* is awaited every *every* seconds.

    A look never delays the work nor breaks it: one that is under way when the work ends is cancelled, and one that
    meets trouble is the last. When this call is cancelled, both end before it does.
    """
    task = asyncio.ensure_future(work)
    looks = asyncio.ensure_future(_look_until(task, look, every))
    try:
        return await task  # whoever cancels this call cancels the task with it
    finally:
        looks.cancel()
        await asyncio.gather(looks, return_exceptions=True)


async def _look_until(task: asyncio.Future[Any], look: Callable[[], Awaitable[None]], every: float) -> None:
    while True:
        done, _ = await asyncio.wait({task}, timeout=every)
        if done:
            return
        try:
            await look()
        except ProviderError:
            return
