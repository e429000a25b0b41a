"""The one HTTP session of a run: time-outs, size caps, quick transport retries, redaction.

Providers speak plain REST through :class:`HttpSession`. It returns every answer, whatever its status, as an
:class:`Answer`; the provider (or :mod:`charimg.verdicts`) decides what it means. What it raises is already in the
core's words: :class:`~charimg.errors.ThrottledError` when no answer came, :class:`~charimg.errors.FatalError` for an
address that cannot work, :class:`~charimg.errors.FlakyError` for an answer too large or damaged.

Redirects are never followed by themselves: a key must not travel to another host. :meth:`HttpSession.download`, which
fetches a picture from an address a service gave, follows a few, but only on http(s) and never into a private network.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import backoff
from aiohttp.abc import AbstractResolver, ResolveResult

from charimg._version import __version__
from charimg.errors import FatalError, FlakyError, ProviderError, ThrottledError
from charimg.redaction import Redactor

log = logging.getLogger("charimg.http")

USER_AGENT = f"charimg/{__version__}"
"""What every request calls itself."""

MAX_BODY = 96 * 1024 * 1024
"""Bytes: the largest answer read, after decompression. A 4K PNG as base64 in JSON stays below it."""

QUICK_TRIES = 3
"""Attempts for a request that never reached the service, within a few seconds."""

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
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    url: str = ""

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON data. Raises :class:`FlakyError` if it is none, as a truncated answer is."""
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

    async def __aenter__(self) -> HttpSession:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        for session in (self._services, self._strangers):
            if session is not None:
                await session.close()
        self._services = self._strangers = None

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
        the service is not, except a ``GET`` or ``HEAD``: it may have been accepted, and charged.

        :raises ThrottledError: no answer came; ``possibly_charged`` tells whether the request may have arrived.
        :raises FatalError: the address is malformed or its certificate is not trusted.
        :raises FlakyError: the answer is larger than *max_bytes* or its compression is damaged.
        """
        if self._services is None:
            self._services = _session(aiohttp.TCPConnector(limit=0), self._timeouts)
        session = self._services
        safe = method.upper() in ("GET", "HEAD")

        async def send() -> Answer:
            return await self._send(
                session,
                method,
                url,
                safe=safe,
                max_bytes=max_bytes,
                headers=headers,
                params=params,
                json=json,
                data=data,
                timeout=_client_timeout(timeouts or self._timeouts),
                proxy=_proxy_of(url),
            )

        return await _with_quick_retries(send)

    async def download(self, url: str, *, trusted_host: str | None = None, max_bytes: int = MAX_BODY) -> Answer:
        """Fetch a picture from an address that a service's answer named.

        No credential is sent. Redirects are followed within http and https, never from https down to http, and
        neither the address nor a redirect may lead into a private network, unless its host is *trusted_host* (the
        host the user configured for the service).

        :raises FlakyError: the address is not allowed, redirects too often, or the answer is too large.
        :raises ThrottledError: no answer came.
        """
        for _ in range(MAX_REDIRECTS + 1):
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise FlakyError(f"the picture's address is not a web address: {parts.scheme or 'nothing'}://…")
            trusted = trusted_host is not None and parts.hostname == trusted_host
            if not trusted and _is_private_literal(parts.hostname):
                raise FlakyError("the picture's address lies in a private network; it is not fetched")
            answer = await self._download_once(url, trusted=trusted, max_bytes=max_bytes)
            location = answer.headers.get("location")
            if answer.status not in (301, 302, 303, 307, 308) or not location:
                return answer
            target = urljoin(url, location)
            if parts.scheme == "https" and urlsplit(target).scheme != "https":
                raise FlakyError("the picture's address redirects from https to something else; it is not followed")
            url = target
        raise FlakyError("the picture's address redirects too often")

    async def _download_once(self, url: str, *, trusted: bool, max_bytes: int) -> Answer:
        if trusted:
            return await self.request("GET", url, max_bytes=max_bytes)
        if self._strangers is None:
            connector = aiohttp.TCPConnector(limit=0, resolver=_PublicResolver())
            self._strangers = _session(connector, self._timeouts)
        session = self._strangers

        async def send() -> Answer:
            return await self._send(session, "GET", url, safe=True, max_bytes=max_bytes)

        return await _with_quick_retries(send)

    async def _send(
        self,
        session: aiohttp.ClientSession,
        method: str,
        url: str,
        *,
        safe: bool,
        max_bytes: int,
        **options: Any,
    ) -> Answer:
        where = urlsplit(url).netloc.rpartition("@")[2] or url
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with session.request(method, url, allow_redirects=False, **options) as response:
                body = await _read(response, max_bytes, where)
                headers = {name.lower(): value for name, value in response.headers.items()}
                log.debug(
                    "%s %s -> %d, %d bytes, %.2f s",
                    method,
                    self._redactor.clean(url.partition("?")[0]),
                    response.status,
                    len(body),
                    loop.time() - began,
                )
                return Answer(response.status, headers, body, str(response.url))
        except aiohttp.ClientSSLError as error:
            raise FatalError(f"the certificate of {where} is not trusted: {_words(error)}") from error
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, ValueError) as error:
            raise FatalError(f"'{where}' is not a web address; check the provider's address setting") from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise _NotReachedError(f"{where} cannot be reached: {_words(error)}") from error
        except (aiohttp.ClientPayloadError, aiohttp.ContentTypeError) as error:
            raise FlakyError(f"the answer of {where} broke off or is damaged", possibly_charged=not safe) from error
        except (asyncio.TimeoutError, aiohttp.ServerTimeoutError) as error:
            raise ThrottledError(
                f"{where} did not answer within {loop.time() - began:.0f} seconds", possibly_charged=not safe
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            lost = f"the connection to {where} was lost: {_words(error)}"
            if safe:
                raise _NotReachedError(lost) from error
            raise ThrottledError(lost, possibly_charged=True) from error


class _NotReachedError(ThrottledError):
    """The request did not reach the service, or repeating it is free of consequence."""


async def _with_quick_retries(send: Any) -> Answer:
    retry = backoff.on_exception(
        backoff.expo, _NotReachedError, max_tries=QUICK_TRIES, factor=0.5, jitter=backoff.full_jitter
    )
    try:
        answer: Answer = await retry(send)()
    except _NotReachedError as error:
        raise ThrottledError(error.message) from error
    return answer


async def _read(response: aiohttp.ClientResponse, max_bytes: int, where: str) -> bytes:
    """The whole body, decompressed, never more than the cap in memory."""
    announced = response.content_length
    if announced is not None and announced > max_bytes:
        raise _too_large(where, max_bytes)
    pieces = bytearray()
    async for piece in response.content.iter_chunked(64 * 1024):
        pieces += piece
        if len(pieces) > max_bytes:
            raise _too_large(where, max_bytes)
    return bytes(pieces)


def _too_large(where: str, max_bytes: int) -> ProviderError:
    return FlakyError(f"the answer of {where} is larger than {max_bytes // (1024 * 1024)} MB; it was not read")


def _session(connector: aiohttp.TCPConnector, timeouts: Timeouts) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        timeout=_client_timeout(timeouts),
        headers={"User-Agent": USER_AGENT},
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _client_timeout(timeouts: Timeouts) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=timeouts.total, connect=timeouts.connect, sock_connect=timeouts.connect, sock_read=timeouts.read
    )


def _proxy_of(url: str) -> str | None:
    """The system's proxy for this address. aiohttp's own ``trust_env`` would also let ``~/.netrc`` replace the
    provider's Authorization header."""
    parts = urlsplit(url)
    if not parts.hostname or proxy_bypass(parts.hostname):
        return None
    return getproxies().get(parts.scheme)


def _words(error: BaseException) -> str:
    """The error in one short line, without the addresses of memory and sockets."""
    inner = getattr(error, "os_error", None)
    text = getattr(inner, "strerror", None) or str(inner or error) or type(error).__name__
    return " ".join(text.split())[:200]


def _is_private_literal(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host.partition("%")[0]).is_global
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class _PublicResolver(AbstractResolver):
    """Resolves names to public addresses only: what is checked is what is connected to."""

    def __init__(self) -> None:
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        public = [one for one in found if not _is_private_literal(one["host"])]
        if found and not public:
            raise FlakyError("the picture's address lies in a private network; it is not fetched")
        return public

    async def close(self) -> None:
        await self._inner.close()
