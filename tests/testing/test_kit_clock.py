"""The kit's clock: exact, quick, honest about threads and sockets, and never stuck."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from charimg.testing import NeverEndsError, on_virtual_clock


def test_time_jumps_from_timer_to_timer() -> None:
    """Waits of every length end at their exact moment, in their order."""
    heard: list[tuple[str, float]] = []

    async def one(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        heard.append((name, asyncio.get_running_loop().time()))

    async def story() -> None:
        await asyncio.gather(one("quota", 15), one("cooldown", 2), one("day", 86_400), one("blink", 0.001))

    on_virtual_clock(story)

    assert heard == [("blink", 0.001), ("cooldown", 2), ("quota", 15), ("day", 86_400)]


def test_time_stands_still_while_a_thread_works() -> None:
    """A time limit does not strike because the work is done in a thread, of the loop's or of one's own."""

    async def story() -> tuple[str, float]:
        done = asyncio.Event()
        loop = asyncio.get_running_loop()

        def work() -> None:
            time.sleep(0.05)
            loop.call_soon_threadsafe(done.set)

        threading.Thread(target=work).start()
        await asyncio.wait_for(done.wait(), 10)
        said = await asyncio.wait_for(asyncio.to_thread(lambda: time.sleep(0.05) or "done"), 10)
        return said, loop.time()

    assert on_virtual_clock(story) == ("done", 0.0)


def test_time_stands_still_while_bytes_travel() -> None:
    """A large body over a real socket takes no time at all, and a silent other side lets it pass."""

    async def story() -> tuple[int, float, float]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"x" * 5_000_000)
            await writer.drain()
            await reader.read()
            writer.close()

        loop = asyncio.get_running_loop()
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        got = await asyncio.wait_for(reader.readexactly(5_000_000), 1)
        arrived = loop.time()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(reader.readexactly(1), 300)
        silent = loop.time()
        writer.close()
        server.close()
        await asyncio.sleep(1)
        return len(got), arrived, silent

    assert on_virtual_clock(story) == (5_000_000, 0.0, 300.0)


@pytest.mark.parametrize("waits", ["nothing", "a timer that starts another"])
def test_what_never_ends_fails(waits: str) -> None:
    """A scenario that waits for ever fails in no time, rather than hang the suite."""

    async def story() -> None:
        if waits == "nothing":
            await asyncio.Event().wait()
        while True:
            await asyncio.sleep(86_400)

    with pytest.raises(NeverEndsError, match="does not come to an end"):
        on_virtual_clock(story)


def test_what_fails_inside_fails_outside() -> None:
    """The scenario's own exception comes out, and its tasks are gone."""
    tasks: list[asyncio.Task[bool]] = []

    async def story() -> None:
        tasks.append(asyncio.ensure_future(asyncio.Event().wait()))
        raise LookupError("the cat")

    with pytest.raises(LookupError, match="the cat"):
        on_virtual_clock(story)

    assert tasks[0].cancelled()
