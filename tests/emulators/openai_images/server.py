"""The emulator's network side: one loopback server, routes by personality, login, scripted trouble, headers."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import Callable
from typing import Any, ClassVar

from aiohttp import web

from ..served import Served
from .behaviour import Behaviour, Fault
from .bill import Bill, LoggedRequest
from .forms import words_of
from .limits import go_duration
from .replies import NO_KEY, NO_ROUTE, Refused, Reply, error, shaped, wrong_key
from .service import Service

_ROUTES: tuple[tuple[str, str, frozenset[str]], ...] = (
    (r"/images/generations", "generations", frozenset({"POST"})),
    (r"/images/edits", "edits", frozenset({"POST"})),
    (r"/files", "files", frozenset({"GET", "POST"})),
    (r"/files/(?P<name>[\w-]+)(?P<content>/content)?", "file", frozenset({"GET", "DELETE"})),
    (r"/models", "models", frozenset({"GET"})),
    (r"/models/(?P<name>.+)", "model", frozenset({"GET"})),
)


class OpenAIEmulator(Served):
    """A local server of OpenAI's Images API: ``async with OpenAIEmulator() as openai: openai.base_url``.

    Keyword arguments are the knobs of :class:`~.behaviour.Behaviour`, which may also be given whole and turned later
    through :attr:`behaviour`.
    """

    largest: ClassVar[int] = 256 * 1024 * 1024

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        prefix: str = "",
        clock: Callable[[], float] | None = None,
        speed: float = 1.0,
        **knobs: Any,
    ) -> None:
        """*clock* gives seconds (default: the event loop's time, *speed* times as fast); the quota lives by it.
        *prefix* stands before every path, as a gateway has it."""
        if behaviour is not None and knobs:
            raise TypeError("give a behaviour or single knobs, not both")
        self.behaviour = behaviour or Behaviour(**knobs)
        self.bill = Bill()
        self.service = Service(self.behaviour, self.bill)
        super().__init__(host, port, prefix)
        self._clock, self._speed = clock, speed
        self._ids = itertools.count(1)

    def now(self) -> float:
        """Seconds on the emulator's clock."""
        return self._clock() if self._clock is not None else asyncio.get_running_loop().time() * self._speed

    @property
    def base_url(self) -> str:
        """What a client's ``base_url`` is set to: with ``/v1`` or what this server has instead."""
        return f"{self.url}{self.behaviour.personality.prefixes[0]}"

    def add_fault(self, then: str | Reply, **conditions: Any) -> Fault:
        """Script one more trouble (see :class:`~.behaviour.Fault`)."""
        fault = Fault(then, **conditions)
        self.behaviour.faults.append(fault)
        return fault

    # -- one request

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        endpoint, found, deployment = self._route(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        record = self.bill.arrive(
            endpoint, method=request.method, path=request.path_qs, headers=headers, arrived=self.now()
        )
        request_id = f"req_{next(self._ids):032x}"
        fault = self._fault(record, await words_of(request))
        if fault is not None and fault.then in ("drop", "hang"):
            return await self._lose(request, fault)
        if fault is not None and fault.reply is not None:
            reply = fault.reply
        else:
            try:
                reply = await self._answer(request, record, found, deployment, request_id)
            except Refused as refused:
                reply = shaped(refused.reply, self.behaviour.personality.errors)
        if fault is not None and fault.then == "drop-after-accept":
            return await self._lose(request, fault)
        if fault is not None and isinstance(fault.then, str):
            reply = _spoilt(fault.then, reply)
        record.status = reply.status
        if reply.status >= 400:
            record.why = record.why or _why(reply)
        rate = self._rate_headers(request) if endpoint in ("generations", "edits") else {}
        return web.Response(
            status=reply.status,
            body=reply.body,
            headers={"Content-Type": reply.content_type, "x-request-id": request_id, **rate, **reply.headers},
        )

    def _route(self, request: web.Request) -> tuple[str, re.Match[str] | None, bool]:
        path = request.path
        if path.startswith(f"{self._prefix}/generated-images/"):
            return "picture", re.fullmatch(r".*/(?P<name>[\w.]+)", path), False
        personality = self.behaviour.personality
        for prefix in (*personality.prefixes, *personality.list_prefixes):
            start = re.escape(self._prefix + prefix).replace(re.escape("{deployment}"), r"[\w.-]+")
            for pattern, endpoint, methods in _ROUTES:
                found = re.fullmatch(start + pattern, path)
                if prefix in personality.list_prefixes and endpoint != "models":
                    continue
                if found and request.method in methods:
                    return endpoint, found, "{deployment}" in prefix
        return "unknown", None, False

    def _fault(self, record: LoggedRequest, words: str) -> Fault | None:
        return next(
            (one for one in self.behaviour.faults if one.meets(record.endpoint, record.call, words)),
            None,
        )

    async def _answer(
        self,
        request: web.Request,
        record: LoggedRequest,
        found: re.Match[str] | None,
        deployment: bool,
        request_id: str,
    ) -> Reply:
        personality, service = self.behaviour.personality, self.service
        endpoint = record.endpoint
        if endpoint == "picture" and found is not None:
            return service.stored_picture(found["name"])
        if found is None or (endpoint == "edits" and not personality.edits):
            raise Refused(NO_ROUTE)
        key = self._key(request)
        if deployment and personality.needs_api_version and "api-version" not in request.query:
            raise Refused(error(404, "Resource not found", code="404"))
        if endpoint in ("generations", "edits"):
            if self.behaviour.latency:
                await asyncio.sleep(self.behaviour.latency / self._speed)
            base = f"http://{request.host}{self._prefix}"
            return await service.picture(request, record, key, base, self.now(), request_id)
        if endpoint in ("files", "file") and not personality.files:
            raise Refused(NO_ROUTE)
        if endpoint == "files":
            return await service.upload(request, record, key) if request.method == "POST" else service.list_files(key)
        if endpoint == "file":
            return service.one_file(request.method, found["name"], bool(found["content"]), key)
        return service.models(found["name"] if endpoint == "model" else None)

    def _key(self, request: web.Request) -> str:
        """Whose request it is.

        Raises:
            Refused: a key is missing or wrong.
        """
        auth = self.behaviour.personality.auth
        if auth == "none":
            return "anybody"
        if auth == "api-key":
            key = request.headers.get("api-key", "")
            words = "Access denied due to invalid subscription key or wrong API endpoint."
            if key not in self.behaviour.keys:
                raise Refused(error(401, words, code="401"))
            return key
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            raise Refused(NO_KEY)
        if key not in self.behaviour.keys:
            raise Refused(wrong_key(key))
        return key

    def _rate_headers(self, request: web.Request) -> dict[str, str]:
        limit = self.behaviour.limit
        if limit is None or not self.behaviour.personality.rate_headers:
            return {}
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        now = self.now()
        headers = {
            "x-ratelimit-limit-input-images": str(limit.limit),
            "x-ratelimit-remaining-input-images": str(int(limit.left(key, now) + 1e-9)),
        }
        if "reset" in self.behaviour.wait_in:
            headers["x-ratelimit-reset-input-images"] = go_duration(limit.reset(key, now))
        return headers

    async def _lose(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault.then == "hang":
            while not self._stopping.is_set() and request.transport and not request.transport.is_closing():
                await asyncio.sleep(0.02)
        if request.transport:
            request.transport.abort()
        return web.StreamResponse()


def _spoilt(deed: str, reply: Reply) -> Reply:
    """*reply* as a damaged one."""
    body = reply.body
    if deed == "truncated-json":
        body = body[: len(body) // 2]
    elif deed in ("truncated-base64", "broken-base64", "not-a-picture") and reply.status == 200:
        document = json.loads(body)
        for item in document["data"]:
            whole = item["b64_json"]
            item["b64_json"] = {
                "truncated-base64": whole[: len(whole) // 8 * 4],
                "broken-base64": whole[:100] + "?!",
                "not-a-picture": "PGh0bWw+c29ycnk8L2h0bWw+",
            }[deed]
        body = json.dumps(document).encode()
    return Reply(reply.status, body, reply.headers, reply.content_type)


def _why(reply: Reply) -> str:
    try:
        document = json.loads(reply.body)
    except ValueError:
        return f"HTTP {reply.status}"
    inner = document.get("error", document) if isinstance(document, dict) else {}
    if not isinstance(inner, dict):
        return str(inner)
    return str(inner.get("code") or inner.get("message") or inner.get("detail") or reply.status)
