"""The one HTTP session of a run: time-outs, size caps, quick transport retries, redaction.

Providers speak plain REST through :class:`HttpSession`. It returns every answer, whatever its status, as an
:class:`Answer`; the provider (or :mod:`charimg.verdicts`) decides what it means. What it raises is already in the
core's words: :class:`~charimg.errors.ThrottledError` when no answer came, :class:`~charimg.errors.FatalError` for an
address that cannot work, :class:`~charimg.errors.FlakyError` for an answer too large or damaged.

Redirects are never followed by themselves: a key must not travel to another host. :meth:`HttpSession.download`, which
fetches a picture from an address a service gave, follows a few, but only on http(s) and never into a private network.

The errors of aiohttp hold whole addresses, and so the keys in them: they go no further than this module, neither as a
message nor as the cause that a traceback would show.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import aiohttp
import backoff
from yarl import URL

from charimg._version import __version__
from charimg.errors import FatalError, FlakyError, ProviderError, RefusedAddressError, ThrottledError
from charimg.public_network import PublicResolver, may_be_public
from charimg.redaction import Redactor
from charimg.requested_addresses import (
    check_headers,
    host_shown,
    is_same_service,
    picture_address,
    proxy_of,
    service_address,
)
from charimg.transport_errors import LostError, NotReachedError, in_our_words
from charimg.websocket import MAX_MESSAGE, WebSocket, opened

log = logging.getLogger("charimg.http")

USER_AGENT = f"charimg/{__version__}"
"""What every request calls itself."""

MAX_BODY = 96 * 1024 * 1024
"""Bytes: the largest answer read, after decompression. A 4K PNG as base64 in JSON stays below it."""

MAX_TROUBLE = 4 * 1024 * 1024
"""Bytes that are read of the body of an answer of status 4xx or 5xx: what explains itself for longer is judged by its
beginning and its status."""

MOST_VALUES = 2_000_000
"""Values in one JSON answer. The smallest take three bytes in an answer and sixty in memory."""

_SOCKET_SCHEME = re.compile("^ws(s?)(?=://)", re.IGNORECASE)

QUICK_TRIES = 3
"""Attempts for a request that never reached the service, within a few seconds."""

QUICK_WAIT = 0.5
"""Seconds: the scale of the exponential wait between them."""

MAX_REDIRECTS = 5


@dataclass(frozen=True)
class Timeouts:
    """Seconds. Slow generators block for minutes before the first byte; the totals are generous on purpose."""

    connect: float = 20.0
    """To reach the server, DNS and TLS included."""
    read: float = 300.0
    """Between two pieces of the answer."""
    total: float = 600.0
    """For the whole request."""


@dataclass(frozen=True)
class Answer:
    """What a service answered: status, headers (lower-case names), and the whole body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str = field(default="", repr=False)

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON data.

        :raises FlakyError: it is none, as a truncated answer is, or is made of more than :data:`MOST_VALUES` values.
        """
        # Counted in the bytes, which costs nothing: those inside texts are counted too, but base64 has none of them.
        if sum(map(self.body.count, (b",", b"[", b"{"))) > MOST_VALUES:
            raise FlakyError(f"the service answered HTTP {self.status} with more than {MOST_VALUES:,} values")
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            kind = self.headers.get("content-type", "no content type")
            raise FlakyError(
                f"the service answered HTTP {self.status} with something that is not JSON ({kind})"
            ) from error

    @property
    def ok(self) -> bool:
        """The status is 2xx; it is not yet success (a 200 may carry no picture)."""
        return 200 <= self.status < 300


class HttpSession:
    """See the module's text. Use as ``async with HttpSession(redactor) as http``."""

    def __init__(self, redactor: Redactor | None = None, timeouts: Timeouts | None = None) -> None:
        self._redactor = redactor or Redactor()
        self._timeouts = timeouts or Timeouts()
        self._services: aiohttp.ClientSession | None = None
        self._strangers: aiohttp.ClientSession | None = None
        self._sockets: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> HttpSession:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        for session in (self._services, self._strangers, self._sockets):
            if session is not None:
                await session.close()
        self._services = self._strangers = self._sockets = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | str | aiohttp.FormData | None = None,
        max_bytes: int = MAX_BODY,
        timeouts: Timeouts | None = None,
    ) -> Answer:
        """Send one request and read the whole answer, whatever its status.

        A connection that could not be made is tried again at once, a few times; a request that may have reached
        the service is not, except a ``GET`` or ``HEAD``: it may have been accepted, and charged. (aiohttp repeats a
        lost ``GET``, ``HEAD``, ``PUT`` or ``DELETE`` once by itself; never ask for a picture with one of them.)

        :raises ThrottledError: no answer came; ``possibly_charged`` tells whether the request may have arrived.
        :raises FatalError: the address or a header is malformed, the proxy cannot be used, or the certificate is
            not trusted.
        :raises FlakyError: the answer is larger than *max_bytes*, broke off, or is no proper HTTP.
        """
        address = service_address(url)
        check_headers(headers or {}, address)
        if self._services is None:
            self._services = _session(aiohttp.TCPConnector(limit=0), self._timeouts)
        session = self._services
        proxy = proxy_of(address)

        async def send() -> Answer:
            return await self._send(
                session,
                method,
                address,
                max_bytes=max_bytes,
                headers=headers,
                params=params,
                json=json,
                data=data,
                timeout=_client_timeout(timeouts or self._timeouts),
                proxy=proxy,
            )

        return await _with_quick_retries(send)

    @asynccontextmanager
    async def websocket(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_message: int = MAX_MESSAGE,
        timeouts: Timeouts | None = None,
    ) -> AsyncIterator[WebSocket]:
        """Read what a service tells by and by.

        ``async with http.websocket(url) as socket:`` and then ``async for message in socket:``.

        The connection is closed at the end of the block, however it ends. Only the handshake has a time-out
        (``connect``): a service may have nothing to say for long; one that died is noticed by pings.

        :param url: ``http(s)://`` or ``ws(s)://``; redirects are not followed.
        :param max_message: bytes of the largest message taken.
        :raises ThrottledError: the service cannot be reached, or the connection was lost.
        :raises FatalError: the address or a header is malformed, the certificate is not trusted, or the service refuses
            the login.
        :raises FlakyError: no websocket is spoken there, or a message is too large or damaged.
        """
        address = service_address(_SOCKET_SCHEME.sub(r"http\1", url, count=1))
        where = host_shown(address)
        check_headers(headers or {}, address)
        if self._sockets is None:
            connector = aiohttp.TCPConnector(limit=0)
            self._sockets = _session(connector, self._timeouts, middlewares=(_no_redirects,))
        socket = await opened(
            self._sockets,
            str(address),
            where,
            max_message=max_message,
            seconds=(timeouts or self._timeouts).connect,
            headers=headers,
            proxy=proxy_of(address),
        )
        log.debug("websocket %s opened", self._redactor.clean(f"{where}{address.path}"))
        try:
            yield socket
        finally:
            await socket.close()

    async def download(self, url: str, *, trusted_host: str | None = None, max_bytes: int = MAX_BODY) -> Answer:
        """Fetch a picture from an address that a service's answer named.

        No credential is sent. Redirects are followed within http and https, never from https down to http, and
        neither the address nor a redirect may lead into a private network, unless it is *trusted_host*: the
        ``host:port`` the user configured for the service (without a port: the scheme's own). Another port of that
        host is another service, and not trusted. Behind a proxy it is the proxy that resolves names.

        :raises RefusedAddressError: the address is not allowed, or redirects too often; no other try will help.
        :raises FlakyError: the answer is too large, or broke off.
        :raises ThrottledError: no answer came.
        """
        for _ in range(MAX_REDIRECTS + 1):
            address = picture_address(url)
            trusted = trusted_host is not None and is_same_service(address, trusted_host)
            if not trusted and not may_be_public(address.raw_host or ""):
                raise RefusedAddressError
            answer = await self._download_once(address, trusted=trusted, max_bytes=max_bytes)
            location = answer.headers.get("location")
            if answer.status not in (301, 302, 303, 307, 308) or not location:
                return answer
            try:
                url = urljoin(str(address), location)
            except ValueError:
                raise RefusedAddressError(
                    "the picture's address redirects to something that is no web address"
                ) from None
            if address.scheme == "https" and picture_address(url).scheme != "https":
                raise RefusedAddressError("the picture's address redirects from https to something else")
        raise RefusedAddressError("the picture's address redirects too often")

    async def _download_once(self, address: URL, *, trusted: bool, max_bytes: int) -> Answer:
        if trusted or proxy_of(address):  # a proxy is of the user's own choosing, and may well be a neighbour
            return await self.request("GET", str(address), max_bytes=max_bytes)
        if self._strangers is None:
            connector = aiohttp.TCPConnector(limit=0, resolver=PublicResolver())
            self._strangers = _session(connector, self._timeouts)
        session = self._strangers

        async def send() -> Answer:
            return await self._send(session, "GET", address, max_bytes=max_bytes)

        return await _with_quick_retries(send)

    async def _send(
        self, session: aiohttp.ClientSession, method: str, address: URL, *, max_bytes: int, **options: Any
    ) -> Answer:
        where = host_shown(address)
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with session.request(method, address, allow_redirects=False, **options) as response:
                body = await _read(response, max_bytes, where)
                headers = {name.lower(): value for name, value in response.headers.items()}
                took = loop.time() - began
                shown = self._redactor.clean(f"{where}{address.path}")
                log.debug("%s %s -> %d, %d bytes, %.2f s", method, shown, response.status, len(body), took)
                return Answer(response.status, headers, body, str(response.url))
        except (
            aiohttp.ClientError,
            asyncio.TimeoutError,
            OSError,
            UnicodeError,
            FlakyError,
            RefusedAddressError,
        ) as error:
            told = in_our_words(error, where, loop.time() - began)
            # What may have reached the service is neither sent again nor forgotten, unless asking is free.
            safe = method.upper() in ("GET", "HEAD")
            if isinstance(told, LostError) and safe:
                told = NotReachedError(told.message)
            told.possibly_charged = not safe and not isinstance(told, (NotReachedError, FatalError))
            log.debug("%s %s -> %s", method, where, type(error).__name__)
            raise told from None


async def _with_quick_retries(send: Any) -> Answer:
    retry = backoff.on_exception(
        backoff.expo, NotReachedError, max_tries=QUICK_TRIES, factor=QUICK_WAIT, jitter=backoff.full_jitter
    )
    try:
        answer: Answer = await retry(send)()
    except (NotReachedError, LostError) as error:
        raise ThrottledError(error.message, possibly_charged=error.possibly_charged, unreachable=True) from None
    return answer


async def _read(response: aiohttp.ClientResponse, max_bytes: int, where: str) -> bytes:
    """The whole body, decompressed; what exceeds the cap is never collected. Of an error, the beginning."""
    if response.status >= 400:
        return await _beginning(response, min(max_bytes, MAX_TROUBLE))
    announced = response.content_length
    if announced is not None and announced > max_bytes and response.method != "HEAD":
        raise _too_large(where, max_bytes)
    pieces = bytearray()
    async for piece in response.content.iter_chunked(64 * 1024):
        pieces += piece
        if len(pieces) > max_bytes:
            raise _too_large(where, max_bytes)
    return bytes(pieces)


async def _beginning(response: aiohttp.ClientResponse, most: int) -> bytes:
    pieces = bytearray()
    async for piece in response.content.iter_chunked(64 * 1024):
        pieces += piece
        if len(pieces) > most:
            response.close()  # nobody reads the rest
            return bytes(pieces[:most])
    return bytes(pieces)


def _too_large(where: str, max_bytes: int) -> ProviderError:
    cap = f"{max_bytes // (1024 * 1024)} MB" if max_bytes >= 1024 * 1024 else f"{max_bytes} bytes"
    return FlakyError(f"the answer of {where} is larger than {cap}; it was not read")


def _session(
    connector: aiohttp.TCPConnector, timeouts: Timeouts, middlewares: tuple[aiohttp.ClientMiddlewareType, ...] = ()
) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        middlewares=middlewares,
        timeout=_client_timeout(timeouts),
        headers={"User-Agent": USER_AGENT},
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def _no_redirects(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Refuse to be sent elsewhere with a key: the handshake of a websocket takes no ``allow_redirects``."""
    response = await handler(request)
    if 300 <= response.status < 400:
        response.close()
        raise aiohttp.WSServerHandshakeError(response.request_info, (), status=response.status)
    return response


def _client_timeout(timeouts: Timeouts) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=timeouts.total, connect=timeouts.connect, sock_connect=timeouts.connect, sock_read=timeouts.read
    )
