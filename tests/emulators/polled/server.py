"""The network side: one loopback server, routes by path, pictures that expire, a clean end."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiohttp import web

from ..served import Served
from .bill import Asked, Bill, Made
from .faults import Fault
from .windows import Window


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int
    body: Any = None
    """JSON data, or bytes."""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def raw(self) -> bytes:
        """The body as it travels."""
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


class Refused(Exception):
    """Raised by a handler that refuses; carries the answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


@dataclass
class Call:
    """A request as a handler sees it."""

    request: web.Request
    endpoint: str
    raw: bytes
    parts: dict[str, str]
    """The named groups of the route's pattern."""

    @property
    def json(self) -> Any:
        """The body as JSON data; ``None`` if it is none."""
        try:
            return json.loads(self.raw)
        except ValueError:
            return None

    def header(self, name: str) -> str:
        """A header, empty where it is missing."""
        return self.request.headers.get(name, "")


class Route(NamedTuple):
    """Method and path (a whole-match pattern) of an endpoint."""

    method: str
    pattern: str
    endpoint: str
    handler: Callable[[Call], Reply]


class PolledEmulator(Served):
    """The base of the emulated services.

    :param polls: how often a job is asked for before it is done.
    :param windows: quotas beside the service's own.
    :param faults: trouble by script.
    :param picture_life: seconds a finished picture can be fetched.
    :param clock: seconds; by default the event loop's time, *speed* times as fast.
    """

    key_headers: tuple[str, ...] = ("Authorization",)
    """Where the service's key travels: a download that carries one is noted."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        polls: int = 2,
        windows: Iterable[Window] = (),
        faults: Iterable[Fault] = (),
        picture_life: float = 3600.0,
        clock: Callable[[], float] | None = None,
        speed: float = 1.0,
    ) -> None:
        self.polls = polls
        self.windows = list(windows)
        self.faults = list(faults)
        self.picture_life = picture_life
        self.bill = Bill()
        super().__init__(host, port)
        self._clock, self._speed = clock, speed
        self._pictures: dict[str, tuple[bytes, str, float]] = {}
        self._routes = [(route, re.compile(route.pattern)) for route in self.routes()]

    def routes(self) -> list[Route]:
        """The service's endpoints."""
        raise NotImplementedError

    def throttled(self, wait: float) -> Reply:
        """The service's answer when a window is full."""
        raise NotImplementedError

    def unknown(self) -> Reply:
        """The service's answer to a path it does not have."""
        return Reply(404, {"detail": "Not Found"})

    # -- for handlers and tests -----------------------------------------------------------------------------

    def now(self) -> float:
        """Seconds on the emulator's clock."""
        return asyncio.get_running_loop().time() * self._speed if self._clock is None else self._clock()

    def add_fault(self, then: str | Reply, endpoint: str, *, times: int = 1, skip: int = 0) -> None:
        """Script one more trouble."""
        self.faults.append(Fault(then, endpoint, times, skip))

    def accept(self, job: str, prompt: str, body: dict[str, Any]) -> None:
        """Put an accepted job on the bill."""
        self.bill.made.append(Made(job, prompt, body))

    def publish(self, name: str, data: bytes, media_type: str) -> str:
        """Put a file where it can be fetched for a while; its address."""
        self._pictures[name] = (data, media_type, self.now() + self.picture_life)
        return f"{self.url}/pictures/{name}"

    def published(self, address: str) -> bytes | None:
        """The bytes of a file that was published here and has not expired."""
        found = self._pictures.get(address.removeprefix(f"{self.url}/pictures/"))
        return found[0] if found and found[2] > self.now() else None

    # -- one request ----------------------------------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        call, handler = self._routed(request, raw)
        record = Asked(
            call.endpoint, request.method, request.path_qs, {k.lower(): v for k, v in request.headers.items()}
        )
        self.bill.asked.append(record)
        fault = next((one for one in self.faults if one.meets(call.endpoint)), None)
        then = fault.then if fault else ""
        if then == "drop":
            return _dropped(request)
        reply = then if isinstance(then, Reply) else self._answer(call, handler)
        if then == "drop-after":
            return _dropped(request)
        record.status = reply.status
        headers = {"Content-Type": "application/json", **reply.headers}
        if then == "truncate":
            response = web.StreamResponse(status=reply.status, headers=headers)
            response.content_length = len(reply.raw)
            await response.prepare(request)
            await response.write(reply.raw[: len(reply.raw) // 2])
            return _dropped(request, response)
        return web.Response(status=reply.status, body=reply.raw, headers=headers)

    def _routed(self, request: web.Request, raw: bytes) -> tuple[Call, Callable[[Call], Reply] | None]:
        if request.path.startswith("/pictures/"):
            return Call(request, "picture", raw, {"name": request.path.removeprefix("/pictures/")}), self._picture
        for route, pattern in self._routes:
            found = pattern.fullmatch(request.path)
            if found and route.method == request.method:
                return Call(request, route.endpoint, raw, found.groupdict()), route.handler
        return Call(request, "unknown", raw, {}), None

    def _answer(self, call: Call, handler: Callable[[Call], Reply] | None) -> Reply:
        if handler is None:
            return self.unknown()
        try:
            waits = [window.wait(call.endpoint, self.now()) for window in self.windows]
            longest = max((wait for wait in waits if wait is not None), default=None)
            if longest is not None:
                return self.throttled(longest)
            reply = handler(call)
        except Refused as refused:
            return refused.reply
        for window in self.windows:
            window.take(call.endpoint, self.now())
        return reply

    def _picture(self, call: Call) -> Reply:
        if any(call.header(name) for name in self.key_headers):
            self.bill.stray.append(call.request.path)
        found = self._pictures.get(call.parts["name"])
        if found is None or found[2] <= self.now():
            return Reply(404, b"gone", {"Content-Type": "text/plain"})
        return Reply(200, found[0], {"Content-Type": found[1]})


def _dropped(request: web.Request, response: web.StreamResponse | None = None) -> web.StreamResponse:
    if request.transport:
        request.transport.abort()
    return response or web.StreamResponse()
