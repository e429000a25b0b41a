"""The core's websocket against services that close, lie, overflow, redirect and die."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import WSCloseCode, web

from charimg.errors import FatalError, FlakyError, ProviderError, ThrottledError
from charimg.http import USER_AGENT, HttpSession, Timeouts
from charimg.websocket import WebSocket

QUICK = Timeouts(connect=2.0)
Talk = Callable[[web.WebSocketResponse, web.Request], Awaitable[None]]


@dataclass
class Service:
    """A service with a websocket at /prefix/ws and what it was asked."""

    port: int = 0
    asked: list[web.Request] = field(default_factory=list)
    heard: list[object] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/prefix/ws?clientId=QUERYKEY"


@asynccontextmanager
async def serving(talk: Talk | web.Response) -> AsyncIterator[Service]:
    """Speaks websocket as *talk* does, or gives the answer."""
    service = Service()

    async def serve(request: web.Request) -> web.StreamResponse:
        service.asked.append(request)
        if isinstance(talk, web.Response):
            return talk
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await talk(socket, request)
        with contextlib.suppress(ConnectionError):
            await socket.close()
        return socket

    app = web.Application()
    app.router.add_route("GET", "/prefix/ws", serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    service.port = runner.addresses[0][1]
    try:
        yield service
    finally:
        await runner.cleanup()


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy of the machine the tests run on."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def greet(socket: web.WebSocketResponse, _: web.Request) -> None:
    await socket.send_str("one")
    await socket.send_bytes(b"\x00\x01")
    await socket.send_str("three")


async def read_all(socket: WebSocket) -> list[str | bytes]:
    return [message async for message in socket]


async def trouble_with(url: str, **options: object) -> ProviderError:
    """What reading a websocket to its end raises."""
    async with HttpSession(timeouts=QUICK) as http:
        with pytest.raises(ProviderError) as caught:
            async with http.websocket(url, **options) as socket:  # type: ignore[arg-type]
                await read_all(socket)
    return caught.value


@pytest.mark.parametrize("scheme", ["http", "ws", "WS"])
async def test_messages_arrive_in_order(scheme: str) -> None:
    """Text is text, bytes are bytes, and a proper good-bye ends the iteration."""
    async with serving(greet) as service, HttpSession() as http:
        url = service.url.replace("http", scheme, 1)
        async with http.websocket(url, headers={"X-Key": "k"}) as socket:
            heard = await read_all(socket)
    asked = service.asked[0]

    assert heard == ["one", b"\x00\x01", "three"]
    assert (asked.query["clientId"], asked.headers["X-Key"], asked.headers["User-Agent"]) == (
        "QUERYKEY",
        "k",
        USER_AGENT,
    )


async def test_what_is_sent_arrives() -> None:
    """A text can be sent to the service."""

    async def echo(socket: web.WebSocketResponse, _: web.Request) -> None:
        await socket.send_str(await socket.receive_str())

    async with serving(echo) as service, HttpSession() as http, http.websocket(service.url) as socket:
        await socket.send("hello")
        heard = await read_all(socket)

    assert heard == ["hello"]


async def test_the_block_closes_the_connection() -> None:
    """Leaving the block, for whatever reason, says good-bye to the service."""
    codes: list[int | None] = []
    over = asyncio.Event()

    async def listen(socket: web.WebSocketResponse, _: web.Request) -> None:
        await socket.receive()
        codes.append(socket.close_code)
        over.set()

    async with serving(listen) as service, HttpSession() as http:
        with pytest.raises(ZeroDivisionError):
            async with http.websocket(service.url):
                raise ZeroDivisionError
        await asyncio.wait_for(over.wait(), 5)

    assert codes == [WSCloseCode.OK]


async def test_reading_can_be_cancelled() -> None:
    """A reader that is cancelled lets go of the connection."""
    arrived, over = asyncio.Event(), asyncio.Event()

    async def silent(socket: web.WebSocketResponse, _: web.Request) -> None:
        arrived.set()
        await socket.receive()
        over.set()

    async with serving(silent) as service, HttpSession() as http:

        async def reading() -> None:
            async with http.websocket(service.url) as socket:
                await read_all(socket)

        task = asyncio.ensure_future(reading())
        await arrived.wait()
        task.cancel()
        await asyncio.wait({task})
        await asyncio.wait_for(over.wait(), 5)

    assert task.cancelled()


async def test_a_message_beyond_the_cap_is_refused() -> None:
    """A service cannot fill the memory with one message."""

    async def shout(socket: web.WebSocketResponse, _: web.Request) -> None:
        with contextlib.suppress(ConnectionError):
            await socket.send_bytes(b"x" * 100_000)

    async with serving(shout) as service:
        trouble = await trouble_with(service.url, max_message=50_000)

    assert isinstance(trouble, FlakyError)
    assert "larger than 50000 bytes" in trouble.message


async def test_a_broken_connection_is_throttled() -> None:
    """A connection that ends without a good-bye is lost, and is told as one."""

    async def die(socket: web.WebSocketResponse, request: web.Request) -> None:
        await socket.send_str("one")
        assert request.transport is not None
        request.transport.abort()

    async with serving(die) as service:
        trouble = await trouble_with(service.url)

    assert type(trouble) is ThrottledError
    assert (trouble.unreachable, trouble.possibly_charged) == (True, False)


async def test_garbage_is_flaky() -> None:
    """Bytes that are no websocket frame are told as that."""

    async def garble(_: web.WebSocketResponse, request: web.Request) -> None:
        assert request.transport is not None
        request.transport.write(b"\xff\xff\xff\xff")  # type: ignore[attr-defined]  # a transport that writes
        await asyncio.sleep(0.05)

    async with serving(garble) as service:
        trouble = await trouble_with(service.url)

    assert isinstance(trouble, FlakyError)
    assert "no websocket message" in trouble.message


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, FlakyError), (302, FlakyError), (401, FatalError), (403, FatalError), (502, ThrottledError)],
)
async def test_a_refused_handshake_means_what_its_status_means(status: int, kind: type[ProviderError]) -> None:
    """The verdict of a refusal is that of the same answer to any request."""
    async with serving(web.Response(status=status)) as service:
        trouble = await trouble_with(service.url)

    assert type(trouble) is kind
    assert f"HTTP {status}" in trouble.message


async def test_no_redirect_is_followed() -> None:
    """The key in a header does not travel to where a handshake's answer points."""
    async with serving(greet) as elsewhere:
        answer = web.Response(status=307, headers={"Location": elsewhere.url})
        async with serving(answer) as service:
            trouble = await trouble_with(service.url, headers={"Authorization": "Bearer secret"})

    assert isinstance(trouble, FlakyError)
    assert (len(service.asked), elsewhere.asked) == (1, [])


@pytest.mark.parametrize("url", ["ftp://host/ws", "wss//host", "", "http://[bad"])
async def test_an_address_that_is_none_is_fatal(url: str) -> None:
    """The same addresses are refused as for requests."""
    trouble = await trouble_with(url)

    assert isinstance(trouble, FatalError)
    assert "is not a web address" in trouble.message


async def test_a_header_with_a_line_break_is_fatal() -> None:
    """A key pasted with a line break is told as that."""
    trouble = await trouble_with("http://127.0.0.1:1/ws", headers={"Authorization": "a\nb"})

    assert isinstance(trouble, FatalError)
    assert "line break" in trouble.message


async def test_where_nothing_listens_it_is_throttled() -> None:
    """A service that is not there is the connection's trouble."""
    async with serving(greet) as service:
        url = service.url
    trouble = await trouble_with(url)

    assert type(trouble) is ThrottledError
    assert "cannot be reached" in trouble.message


async def test_a_silent_handshake_ends() -> None:
    """A server that takes the connection and says nothing holds nobody for ever."""

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"
    trouble = await trouble_with(url, timeouts=Timeouts(connect=0.1))
    server.close()

    assert type(trouble) is ThrottledError
    assert "did not answer within" in trouble.message


async def test_no_trouble_tells_the_address(caplog: pytest.LogCaptureFixture) -> None:
    """Neither the query nor a password stands in a message, a log or a cause."""
    caplog.set_level(logging.DEBUG)
    shown = []
    for answer in (web.Response(status=500), web.Response(status=404), greet):
        async with serving(answer) as service:
            url = service.url.replace("//", "//user:PASSWORD@")
            if answer is greet:
                async with HttpSession() as http, http.websocket(url) as socket:
                    await read_all(socket)
                continue
            trouble = await trouble_with(url)
            shown += [repr(trouble), repr(trouble.__cause__)]
    shown += [record.getMessage() for record in caplog.records]

    assert not [text for text in shown if "KEY" in text or "PASSWORD" in text]
