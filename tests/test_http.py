"""The HTTP session against servers that misbehave in every way a service, a proxy or a stranger may."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

import charimg.http
from charimg.errors import FatalError, FlakyError, ProviderError, RefusedAddressError, ThrottledError
from charimg.http import MAX_REDIRECTS, QUICK_TRIES, USER_AGENT, Answer, HttpSession, Timeouts
from charimg.public_network import may_be_public
from charimg.redaction import Redactor

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
QUICK = Timeouts(connect=2.0, read=0.15, total=0.6)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


class Server:
    """A server on the loopback that keeps every request's head and answers as its handler says."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.heads: list[bytes] = []
        self.port = 0
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/picture"

    @property
    def sent(self) -> bytes:
        """Everything but the bodies, of all requests."""
        return b"".join(self.heads).lower()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            await self.handler(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await writer.wait_closed()


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[Server]:
    server = Server(handler)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in server.tasks:
            task.cancel()
        await asyncio.gather(*server.tasks)


def saying(*pieces: bytes, then: float = 0.0) -> Handler:
    """Send the pieces, wait, and close."""

    async def handler(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        await asyncio.sleep(then)

    return handler


def redirecting(location: str, status: int = 302) -> Handler:
    return saying(f"HTTP/1.1 {status} Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())


async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Break the connection off as a crashing server does."""
    writer.transport.abort()


@pytest.fixture(autouse=True)
def quick_and_direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waits between quick tries, and no proxy of the machine the tests run on."""
    monkeypatch.setattr(charimg.http, "QUICK_WAIT", 0.001)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def public_names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What names resolve to, in place of the system's resolver."""
    names: dict[str, str] = {}

    async def resolve(_: object, host: str, port: int = 0, family: int = 0) -> list[dict[str, object]]:
        known = {"hostname": host, "host": names[host], "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
        return [known]

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", resolve)
    return names


async def asked(handler: Handler, method: str = "GET", **options: object) -> tuple[Server, Answer | ProviderError]:
    """What one request to such a server comes to."""
    async with serving(handler) as server, HttpSession(timeouts=QUICK) as http:
        try:
            return server, await http.request(method, f"{server.url}?key=QUERYKEY", **options)  # type: ignore[arg-type]
        except ProviderError as error:
            return server, error


# -- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 429, 500, 503])
async def test_every_status_is_an_answer(status: int) -> None:
    """A status is the provider's to judge: none is raised, and none is retried."""
    server, answer = await asked(saying(f"HTTP/1.1 {status} So\r\nX-Why: this\r\nContent-Length: 0\r\n\r\n".encode()))

    assert isinstance(answer, Answer)
    assert (answer.status, answer.headers["x-why"], answer.ok, len(server.heads)) == (
        status,
        "this",
        status in (200, 204),
        1,
    )


async def test_request_follows_no_redirect() -> None:
    """The key in a request's header does not travel to where an answer points."""
    async with serving(saying(OK)) as elsewhere:
        server, answer = await asked(redirecting(elsewhere.url), "POST", headers={"Authorization": "Bearer secret"})

    assert isinstance(answer, Answer)
    assert (answer.status, elsewhere.heads, b"bearer secret" in server.sent) == (302, [], True)


async def test_every_request_names_the_client() -> None:
    """The User-Agent is charimg's own."""
    server, _ = await asked(saying(OK))

    assert f"user-agent: {USER_AGENT}".encode() in server.sent


async def test_no_cookie_is_kept() -> None:
    """A cookie an answer sets is not sent with the next request: providers manage their own."""
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 2\r\n\r\nhi"
    async with serving(saying(answer)) as server, HttpSession() as http:
        for _ in range(2):  # by name: jars refuse the cookies of bare addresses anyway
            await http.request("GET", server.url.replace("127.0.0.1", "localhost"))

    assert b"\r\ncookie:" not in server.sent


async def test_netrc_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password in ~/.netrc neither joins a request nor replaces its key."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password hidden\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    server, _ = await asked(saying(OK), headers={"Authorization": "Bearer mine"})

    assert b"authorization: bearer mine\r\n" in server.sent
    assert b"basic" not in server.sent


def test_json_of_something_else_is_flaky() -> None:
    """A web page, a torn text or bottomless nesting where JSON was due is a flaky answer that names its type."""
    for body in (b"<html>", b'{"a": ', b"", b"[" * 100_000, b"\xff\xfe"):
        with pytest.raises(FlakyError, match=r"HTTP 200 with something that is not JSON \(text/html\)"):
            Answer(200, {"content-type": "text/html"}, body).json()


def test_a_printed_answer_shows_no_secret() -> None:
    """Neither the address with its key, nor a cookie, nor the body stands in an answer's repr."""
    shown = repr(Answer(200, {"set-cookie": "session=SECRET"}, b"SECRET", "https://host/?key=SECRET"))

    assert "SECRET" not in shown


# -- trouble --------------------------------------------------------------------------------------------------------

SLOW = {
    "hang": saying(then=5),
    "slow headers": saying(b"HTTP/1.1 200 OK\r\n", then=5),
    "slow body": saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", then=5),
}


async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte now and then, each within the read time-out, without end."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("handler", [*SLOW.values(), drip], ids=[*SLOW, "drip"])
async def test_slow_server_times_out(handler: Handler, method: str) -> None:
    """A server that is too slow is a throttled one; only a request that may spend is possibly charged."""
    server, trouble = await asked(handler, method)

    assert isinstance(trouble, ThrottledError)
    assert "did not answer within" in trouble.message
    assert (trouble.possibly_charged, len(server.heads)) == (method == "POST", 1)


@pytest.mark.parametrize("handler", [reset, saying(b""), saying(b"HTTP/1.1 200 OK\r\nX-Half")])
async def test_lost_get_is_asked_again_a_few_times(handler: Handler) -> None:
    """Asking is free, so a lost GET is repeated; then it is throttled, and nothing was charged."""
    server, trouble = await asked(handler)

    assert type(trouble) is ThrottledError
    assert (len(server.heads), trouble.possibly_charged) == (2 * QUICK_TRIES, False)  # aiohttp doubles each


@pytest.mark.parametrize("handler", [reset, saying(b""), saying(b"HTTP/1.1 200 OK\r\nX-Half")])
async def test_lost_post_is_sent_once(handler: Handler) -> None:
    """A POST that was sent may have been accepted: it is not sent again, and is told as possibly charged."""
    server, trouble = await asked(handler, "POST", json={})

    assert type(trouble) is ThrottledError
    assert (len(server.heads), trouble.possibly_charged) == (1, True)


async def test_get_recovers_from_one_lost_connection() -> None:
    """One broken connection among good ones is not noticed."""
    broken = iter([reset])

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(broken, saying(OK))(reader, writer)

    server, answer = await asked(handler)

    assert isinstance(answer, Answer)
    assert (answer.body, len(server.heads)) == (b"hi", 2)


async def test_refused_connection_is_tried_again_then_throttled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing listens, a POST is tried a few times, for nothing was sent, and nothing was charged."""
    tries = []
    original = aiohttp.TCPConnector._create_connection

    async def counted(self: aiohttp.TCPConnector, *rest: object) -> object:
        tries.append(rest)
        return await original(self, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(aiohttp.TCPConnector, "_create_connection", counted)
    async with serving(saying(OK)) as server:
        pass
    async with HttpSession() as http:
        with pytest.raises(ThrottledError, match="cannot be reached") as caught:
            await http.request("POST", server.url)

    assert (len(tries), caught.value.possibly_charged) == (QUICK_TRIES, False)


DAMAGED = {
    "cut short": b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhi",
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi",
    "chunks without end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
    "not gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
    "bad status": b"HTTP/1.1 abc\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    "endless header": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
async def test_damaged_answer_is_flaky(data: bytes, method: str) -> None:
    """An answer that is torn or no HTTP is flaky; after a POST the picture may have been paid for."""
    server, trouble = await asked(saying(data), method)

    assert isinstance(trouble, FlakyError)
    assert (len(server.heads), trouble.possibly_charged) == (1, method == "POST")


@pytest.mark.parametrize("data", [*DAMAGED.values(), b""])
async def test_no_trouble_tells_the_address(data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Keys stand in queries and passwords before hosts: neither reaches a message, a log or a traceback."""
    caplog.set_level(logging.DEBUG, "charimg")
    async with serving(saying(data)) as server, HttpSession(timeouts=QUICK) as http:
        with pytest.raises(ProviderError) as caught:
            await http.request("POST", f"http://me:USERPASS@127.0.0.1:{server.port}/a?key=QUERYKEY#FRAGMENT")

    told = [str(caught.value), caplog.text, *(str(error) for error in shown_with(caught.value))]
    assert f"127.0.0.1:{server.port}" in told[0]
    assert not [secret for secret in ("USERPASS", "QUERYKEY", "FRAGMENT") if secret in "".join(told)]


def shown_with(error: BaseException) -> list[BaseException]:
    """The exceptions that a traceback of this one would show before it."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return [] if before is None else [before, *shown_with(before)]


async def test_log_of_a_good_answer_tells_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    """With --debug a line says what was asked and answered, without user, query or a known secret in the path."""
    caplog.set_level(logging.DEBUG, "charimg")
    redactor = Redactor()
    redactor.add("PATHSECRET")
    async with serving(saying(OK)) as server, HttpSession(redactor) as http:
        await http.request("GET", f"http://me:USERPASS@127.0.0.1:{server.port}/PATHSECRET/a?key=QUERYKEY")

    assert f"GET 127.0.0.1:{server.port}/***/a -> 200, 2 bytes" in caplog.text
    assert "USERPASS" not in caplog.text
    assert "QUERYKEY" not in caplog.text


BAD_ADDRESSES = {
    "": "''",
    "labs.google/api?key=SECRET": "'labs.google/api'",
    "me:SECRET@host/a": "'host/a'",
    "?key=SECRET": "''",
    "http:///x?key=SECRET": "'http:///x'",
    "http://[::1?key=SECRET": "'http://[::1'",
    "http://me:SECRET@host:99999/": "'host:99999/'",
    "http://me:SEC?RET@host/": "'…'",
    "ftp://host/?key=SECRET": "'ftp://host/'",
    "http://" + "a" * 70 + ".example/?key=SECRET": "a" * 70 + ".example'",
    "http://host\ud800/": "'http://host\\ud800/'",
}


@pytest.mark.parametrize("url", BAD_ADDRESSES)
async def test_malformed_service_address_is_fatal(url: str) -> None:
    """An address that cannot work closes the lane at once, with words on where to mend it and without keys."""
    async with HttpSession() as http:
        with pytest.raises(FatalError, match="is not a web address; check the provider's address setting") as caught:
            await http.request("POST", url)

    told = str(caught.value)
    assert told.encode("ascii", "backslashreplace").decode().count(BAD_ADDRESSES[url].replace("…", "\\u2026")) == 1
    assert "SEC" not in told


async def test_key_with_a_line_break_is_told_as_that() -> None:
    """A key pasted with its line break is refused before anything is sent, by the header's name alone."""
    server, trouble = await asked(saying(OK), headers={"Authorization": "Bearer SECRET\n"})

    assert isinstance(trouble, FatalError)
    assert "the header 'Authorization' for 127.0.0.1" in trouble.message
    assert "SECRET" not in trouble.message
    assert server.heads == []


async def test_https_to_a_plain_server_is_fatal() -> None:
    """An https address of an http server is a wrong setting, not a passing trouble."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(handler, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening, HttpSession() as http:
        with pytest.raises(FatalError, match="does not speak https"):
            await http.request("POST", f"https://127.0.0.1:{port}/")


async def test_cancelled_request_leaves_nothing_open() -> None:
    """A cancelled request closes its connection at once; the server sees the end of it."""
    ended = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        assert await reader.read() == b""
        ended.set()

    async with serving(handler) as server, HttpSession() as http:
        request = asyncio.create_task(http.request("GET", server.url))
        while not server.heads:
            await asyncio.sleep(0.001)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        await asyncio.wait_for(ended.wait(), 5)

    assert ended.is_set()


# -- size -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_announced_giant_is_not_read(method: str) -> None:
    """A gigabyte that is announced is refused by its announcement."""
    server, trouble = await asked(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", then=5), method)

    assert isinstance(trouble, FlakyError)
    assert "larger than 96 MB; it was not read" in trouble.message
    assert (len(server.heads), trouble.possibly_charged) == (1, method == "POST")


async def test_head_of_a_giant_is_an_answer() -> None:
    """HEAD asks for no body, so the size announced is no danger."""
    _, answer = await asked(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"), "HEAD")

    assert isinstance(answer, Answer)
    assert answer.headers["content-length"] == "1000000000"


async def test_body_of_exactly_the_cap_is_read() -> None:
    """The cap itself is allowed, one byte more is not."""
    for length, fits in ((1000, True), (1001, False)):
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunk = f"{length:x}\r\n".encode() + b"a" * length + b"\r\n0\r\n\r\n"
        _, came = await asked(saying(head, chunk), max_bytes=1000)

        assert isinstance(came, Answer) is fits


async def test_endless_body_is_cut_at_the_cap() -> None:
    """A body without announced end is read up to the cap and no further."""

    async def handler(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"a" * 65536)
            await writer.drain()

    _, trouble = await asked(handler, max_bytes=1_000_000)

    assert isinstance(trouble, FlakyError)
    assert "larger than 1000000 bytes" in trouble.message


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_compressed_bomb_stays_small_in_memory(coding: str) -> None:
    """A small answer that unpacks to 200 MB is refused at the cap, without unpacking it first."""
    bits = 31 if coding == "gzip" else 15
    packer = zlib.compressobj(9, zlib.DEFLATED, bits)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(200)) + packer.flush()
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()

    tracemalloc.start()
    try:
        _, trouble = await asked(saying(head, bomb), max_bytes=2_000_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert isinstance(trouble, FlakyError)
    assert "larger than" in trouble.message
    assert peak < 20_000_000


# -- downloads ------------------------------------------------------------------------------------------------------

PRIVATE = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "localhost",
    "LOCALHOST.",
    "printer.localhost",
    "[::1]",
    "[::]",
    "[::127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[fe80::1%25eth0]",
    "[fd00::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "me@127.0.0.1",
]


@pytest.mark.parametrize("host", PRIVATE)
async def test_picture_address_in_a_private_network_is_refused(host: str) -> None:
    """However the address is written, a stranger's answer cannot make charimg call this machine or its neighbours."""
    async with serving(saying(OK)) as server, HttpSession(timeouts=QUICK) as http:
        with pytest.raises(RefusedAddressError, match="private network"):
            await http.download(f"http://{host}:{server.port}/")

    assert server.heads == []


@pytest.mark.parametrize(
    "host", ["8.8.8.8", "example.org", "EXAMPLE.org.", "2606:4700::1111", "64:ff9b::808:808", "localhost.org"]
)
def test_public_hosts_are_public(host: str) -> None:
    """The guard lets the public network through, names included."""
    assert may_be_public(host)


async def test_name_that_resolves_to_a_private_address_is_refused(public_names: dict[str, str]) -> None:
    """A public name in front of a private address is found out when it is resolved."""
    async with serving(saying(OK)) as server, HttpSession(timeouts=QUICK) as http:
        public_names["pictures.example"] = "127.0.0.1"
        with pytest.raises(RefusedAddressError, match="private network"):
            await http.download(f"http://pictures.example:{server.port}/")

    assert server.heads == []


@pytest.mark.parametrize(
    "location",
    [
        "http://10.0.0.1/",
        "//2130706433/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "http://[::1/",
        "http://a:99999/",
        "javascript:1",
    ],
)
async def test_redirect_to_somewhere_forbidden_is_not_followed(location: str) -> None:
    """A redirect is judged as strictly as the first address, and named without what it holds."""
    async with serving(redirecting(location + "?key=SECRET")) as server, HttpSession(timeouts=QUICK) as http:
        with pytest.raises(RefusedAddressError, match=r"private network|not a web address|no web address") as caught:
            await http.download(server.url, trusted_host=f"127.0.0.1:{server.port}")

    assert "SECRET" not in str(caught.value)


async def test_redirect_loop_ends() -> None:
    """A few redirects are followed, then no more."""
    async with serving(redirecting("/again")) as server, HttpSession() as http:
        with pytest.raises(RefusedAddressError, match="too often"):
            await http.download(server.url, trusted_host=f"127.0.0.1:{server.port}")

    assert len(server.heads) == MAX_REDIRECTS + 1


async def test_redirect_from_https_down_to_http_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked for under encryption is not fetched without it."""

    async def once(_self: HttpSession, address: object, **_: object) -> Answer:
        return Answer(302, {"location": "http://example.org/b"}, b"", str(address))

    monkeypatch.setattr(HttpSession, "_download_once", once)
    async with HttpSession() as http:
        with pytest.raises(RefusedAddressError, match="from https to something else"):
            await http.download("https://example.org/a")


async def test_relative_redirect_is_followed() -> None:
    """A picture that moved within its host is found."""
    answers = iter([redirecting("../b/picture.png"), saying(OK)])

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(answers)(reader, writer)

    async with serving(handler) as server, HttpSession() as http:
        answer = await http.download(server.url, trusted_host=f"127.0.0.1:{server.port}")

    assert (answer.body, server.heads[1].split()[1]) == (b"hi", b"/b/picture.png")


@pytest.mark.parametrize("trusted", ["127.0.0.1", "127.0.0.1:1", "localhost", "[::1", ""])
async def test_trust_is_in_host_and_port(trusted: str) -> None:
    """Another port of the configured host is another service, which a picture's address may not reach."""
    async with serving(saying(OK)) as server, HttpSession(timeouts=QUICK) as http:
        with pytest.raises(RefusedAddressError, match="private network"):
            await http.download(server.url, trusted_host=trusted)

    assert server.heads == []


async def test_download_sends_no_credential() -> None:
    """A picture's address gets a bare request: no authorization, no cookie, no referrer."""
    async with serving(saying(OK)) as server, HttpSession() as http:
        await http.request("GET", server.url, headers={"Authorization": "Bearer mine", "Cookie": "a=b"})
        server.heads.clear()
        await http.download(server.url, trusted_host=f"127.0.0.1:{server.port}")

    assert not [name for name in (b"authorization", b"cookie", b"referer") if name in server.sent]


# -- proxies --------------------------------------------------------------------------------------------------------


async def test_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests and downloads go through HTTP_PROXY, written with or without a scheme."""
    async with serving(saying(OK)) as proxy, HttpSession() as http:
        for written in (f"http://127.0.0.1:{proxy.port}", f"127.0.0.1:{proxy.port}"):
            monkeypatch.setenv("http_proxy", written)
            await http.request("GET", "http://service.example/a")
            await http.download("http://pictures.example/b")

    assert [head.split(b" ")[1] for head in proxy.heads] == [
        b"http://service.example/a",
        b"http://pictures.example/b",
    ] * 2


async def test_no_proxy_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that NO_PROXY names is spoken to directly."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    _, answer = await asked(saying(OK))

    assert isinstance(answer, Answer)


async def test_proxy_does_not_open_the_private_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a proxy too, an address of a private network is refused."""
    async with serving(saying(OK)) as proxy, HttpSession() as http:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(RefusedAddressError, match="private network"):
            await http.download("http://10.0.0.1/")

    assert proxy.heads == []


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "http://[::1", "http://host:port"])
async def test_unusable_proxy_is_named_as_the_fault(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy charimg cannot speak to is told by its variable, not as a wrong service address."""
    monkeypatch.setenv("https_proxy", proxy)
    async with HttpSession() as http:
        with pytest.raises(FatalError, match="HTTPS_PROXY names no http proxy"):
            await http.request("POST", "https://service.example/")


async def test_proxy_that_wants_a_login_is_fatal_and_shows_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusing proxy is told as that, without the password that stands in its address."""
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    async with serving(saying(refusal)) as proxy, HttpSession() as http:
        monkeypatch.setenv("https_proxy", f"http://me:PROXYPASS@127.0.0.1:{proxy.port}")
        with pytest.raises(FatalError, match="asks for a login") as caught:
            await http.request("POST", "https://service.example/?key=SECRET")

    assert not [error for error in (caught.value, *shown_with(caught.value)) if "PASS" in str(error)]


async def test_dead_proxy_is_named() -> None:
    """A proxy that cannot be reached is told as the proxy, and nothing was charged."""
    async with serving(saying(OK)) as proxy:
        pass
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        async with HttpSession() as http:
            with pytest.raises(ThrottledError, match=r"the proxy before service\.example cannot be reached") as caught:
                await http.request("POST", "https://service.example/")

    assert not caught.value.possibly_charged


async def test_two_logins_for_one_request_are_told_as_that() -> None:
    """An address with a login and a provider with a key of its own: one line, and neither of them in it."""
    async with HttpSession() as http:
        with pytest.raises(FatalError) as refused:
            await http.request("GET", "http://me:hunter-two@127.0.0.1:9/", headers={"Authorization": "Bearer key-4711"})

    assert refused.value.message == (
        "the address of 127.0.0.1:9 holds a login, and the provider sends its own: there is room for one; take the"
        " login out of the address"
    )
