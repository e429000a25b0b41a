"""The emulator on a thread of its own, for tests that are not asynchronous and for real subprocesses."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .behaviour import Behaviour
from .server import WhiskEmulator


@contextmanager
def serve_whisk(behaviour: Behaviour | None = None, **options: Any) -> Iterator[WhiskEmulator]:
    """Run a :class:`WhiskEmulator` (same arguments) on a background thread while the block lasts.

    Its ``url``, ``bill``, ``behaviour``, ``add_fault`` and ``revoke_bearers`` may be used from any thread.
    """
    ready = threading.Event()
    started: list[WhiskEmulator] = []
    failed: list[BaseException] = []
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def main() -> None:
        stop = asyncio.Event()
        try:
            async with WhiskEmulator(behaviour, **options) as whisk:
                loops.append((asyncio.get_running_loop(), stop))
                started.append(whisk)
                ready.set()
                await stop.wait()
        except BaseException as error:
            failed.append(error)
            raise
        finally:
            ready.set()

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            if error not in failed:
                failed.append(error)

    thread = threading.Thread(target=run, name="whisk-emulator", daemon=True)
    thread.start()
    ready.wait()
    try:
        if failed:
            raise failed[0]
        yield started[0]
    finally:
        for loop, stop in loops:
            loop.call_soon_threadsafe(stop.set)
        thread.join()
    if failed:
        raise failed[0]
