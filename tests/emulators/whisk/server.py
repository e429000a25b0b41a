"""The emulator's network side: one loopback server, both lanes by path, scripted trouble, clean shutdown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from random import Random
from typing import Any

from aiohttp import web

from ..served import Served
from .behaviour import Behaviour
from .bill import Bill, LoggedRequest
from .checks import refuse
from .faults import Fault
from .google_lane import GOOGLE
from .google_lane import Handler as GoogleHandler
from .replies import (
    NO_SUCH_METHOD,
    UNAUTHENTICATED,
    Refused,
    Reply,
    as_trpc,
    html_reply,
    json_reply,
    trpc_error,
    trpc_success,
)
from .service import Call, Service
from .session import session_reply
from .spoiling import empty_panels, no_image, spoilt, words_of
from .trpc_lane import TRPC, Procedure

SESSION_PATH = "/fx/api/auth/session"
TRPC_PATH = "/fx/api/trpc/"
CONTENT_TYPES = frozenset({"application/json", "text/plain"})
"""Both lanes take both: the site sends text/plain to Google, the npm client sends it everywhere."""


class WhiskEmulator(Served):
    """A local Whisk. ``async with WhiskEmulator(limits=(Window(7, 60),)) as whisk: whisk.url``.

    Keyword arguments are the knobs of :class:`~.behaviour.Behaviour`, which may also be given whole and
    turned later through :attr:`behaviour`.
    """

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], float] | None = None,
        speed: float = 1.0,
        **knobs: Any,
    ) -> None:
        """*clock* gives seconds (default: the event loop's time, *speed* times as fast); windows, bearers, ids
        and the log live by it. Latencies and delays are waited for in real time divided by *speed*."""
        if behaviour is not None and knobs:
            raise TypeError("give a behaviour or single knobs, not both")
        self.behaviour = behaviour or Behaviour(**knobs)
        self.bill = Bill()
        super().__init__(host, port)
        self._speed = speed
        self._clock = clock
        # Not for secrets: the dice of faults with a probability, the same in every run.
        self._dice = Random(20260430)
        self.service = Service(self.behaviour, self.bill, self.now, self._sleep)

    def now(self) -> float:
        """Seconds on the emulator's clock."""
        if self._clock is not None:
            return self._clock()
        return asyncio.get_running_loop().time() * self._speed

    async def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            await asyncio.sleep(seconds / self._speed)

    def add_fault(self, then: str | Reply, **conditions: Any) -> Fault:
        """Script one more trouble (see :class:`~.faults.Fault`)."""
        fault = Fault(then, **conditions)
        self.behaviour.faults.append(fault)
        return fault

    def revoke_bearers(self) -> None:
        """Every bearer given so far stops working, as when Google ends a session."""
        self.service.accounts.revoke_bearers()

    # One request.

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        endpoint, handler, tail = _route(request.method, request.path)
        record = self.bill.arrive(
            endpoint,
            method=request.method,
            path=request.path,
            content_type=request.headers.get("Content-Type"),
            now=self.now(),
        )
        try:
            document = _document(request, await request.read())
            record.prompt = words_of(document)
            fault = await self._fault(record)
            if fault is not None and fault.then in ("hang", "drop"):
                return await self._lose(request, record, fault)
            if fault is not None and fault.then in ("empty-panels", "no-image"):
                maker = empty_panels if fault.then == "empty-panels" else no_image
                reply = maker(record)
                reply = trpc_success(reply.document) if endpoint == "edit" else reply
            elif fault is not None and fault.reply is not None:
                reply = self._on_lane(request.path, fault.reply)
            else:
                reply = await self._answer(request, record, handler, tail, document)
            if fault is not None and fault.then in ("hang-after-accept", "drop-after-accept", "drop-mid-body"):
                return await self._lose(request, record, fault, reply)
            if fault is not None:
                reply = spoilt(fault, reply)
            record.status = reply.status
            return web.Response(
                status=reply.status,
                body=reply.body,
                headers={"Content-Type": reply.content_type, **reply.headers},
            )
        finally:
            self.bill.leave(record, self.now())

    async def _fault(self, record: LoggedRequest) -> Fault | None:
        """The first scripted trouble this request meets; delays are served on the way."""
        for fault in list(self.behaviour.faults):
            if not fault.meets(record.endpoint, record.call, record.prompt, self._dice):
                continue
            record.why = f"fault: {fault.then if isinstance(fault.then, str) else fault.then.status}"
            if fault.then != "delay":
                return fault
            await self._sleep(fault.seconds)
        return None

    async def _lose(
        self, request: web.Request, record: LoggedRequest, fault: Fault, reply: Reply | None = None
    ) -> web.StreamResponse:
        """Answer nothing, or not all of *reply*."""
        if fault.then in ("hang", "hang-after-accept"):
            while not self._stopping.is_set() and request.transport and not request.transport.is_closing():
                await asyncio.sleep(0.02)
        response = web.StreamResponse()
        if fault.then == "drop-mid-body" and reply is not None:
            record.status = reply.status
            response.set_status(reply.status)
            response.headers["Content-Type"] = reply.content_type
            response.content_length = len(reply.body)
            await response.prepare(request)
            await response.write(reply.body[: len(reply.body) // 2])
            if request.transport:
                request.transport.close()
        elif request.transport:
            request.transport.abort()
        return response

    def _on_lane(self, path: str, reply: Reply) -> Reply:
        """*reply*, a Google answer, as the lane of *path* words it."""
        if path.startswith(TRPC_PATH) and self.behaviour.upstream_errors == "trpc":
            return as_trpc(reply, path.removeprefix(TRPC_PATH))
        return reply

    async def _answer(
        self,
        request: web.Request,
        record: LoggedRequest,
        handler: GoogleHandler | Procedure | None,
        tail: str,
        document: Any,
    ) -> Reply:
        """What the service says when nothing is scripted."""
        labs = request.path.startswith("/fx")
        accounts, closed = self.service.accounts, self.behaviour.closed
        cookie, bearer = request.headers.get("Cookie"), request.headers.get("Authorization")
        record.stray = ("bearer" if bearer and labs else None) or ("cookie" if cookie and not labs else None)
        if closed in ("404", "410"):
            return html_reply(int(closed), f"Error {closed}")
        if closed == "redirect" and labs:
            return Reply(308, b"", headers={"Location": "https://flow.google.com/"})
        if labs:
            record.token = accounts.login_in(cookie)
            account = accounts.by_login(record.token)
        else:
            scheme, _, record.token = (bearer or "").partition(" ")
            account = accounts.by_bearer(record.token) if scheme == "Bearer" else None
        record.account = account.name if account else None
        if request.path == SESSION_PATH:
            if request.method != "GET":
                return html_reply(405, "Method Not Allowed")
            return json_reply({}) if closed == "logged-out" else session_reply(self.service, account)
        if labs and not request.path.startswith(TRPC_PATH):
            return html_reply(404, "404: This page could not be found")
        if account is None or (labs and closed is not None):
            record.why = record.why or ("service closed" if closed else "no valid login for this lane")
            return self._on_lane(request.path, UNAUTHENTICATED) if labs else UNAUTHENTICATED
        # What the Google lane says since the closure was never observed: here, that the method is gone.
        if closed is not None:
            return NO_SUCH_METHOD
        call = Call(
            record.endpoint,
            record,
            account,
            document,
            tail,
            {name.lower(): value for name, value in request.headers.items()},
        )
        if labs:
            return await self._procedure(request, call, handler)
        if handler is None:
            record.why = "no such method"
            return NO_SUCH_METHOD
        try:
            _check_content_type(request)
            return await handler(self.service, call)
        except Refused as refused:
            record.why = refused.why
            return refused.reply

    async def _procedure(self, request: web.Request, call: Call, handler: Procedure | None) -> Reply:
        path = request.path.removeprefix(TRPC_PATH)
        if handler is None:
            known = TRPC.get(path)
            call.record.why = "wrong method" if known else "no such procedure"
            kind = "query" if request.method == "GET" else "mutation"
            return trpc_error(405 if known else 404, f'No "{kind}"-procedure on path "{path}"', path)
        try:
            if "batch" in request.query:
                raise Refused(trpc_error(400, "Batching is not enabled on the server", path), "batch=1")
            _check_content_type(request)
            return trpc_success(await handler(self.service, call))
        except Refused as refused:
            call.record.why = refused.why
            return self._on_lane(request.path, refused.reply)


def _route(method: str, path: str) -> tuple[str, Any, str]:
    """Short name, handler (``None`` where path or method is wrong) and argument of a request."""
    if path == SESSION_PATH:
        return "session", None, ""
    if path.startswith(TRPC_PATH):
        name, wanted, procedure = TRPC.get(path.removeprefix(TRPC_PATH), ("unknown", "", None))
        return name, procedure if method == wanted else None, ""
    for known, (name, wanted, handler) in GOOGLE.items():
        tail = path.removeprefix(known) if known.endswith("/") and path.startswith(known) else ""
        if path == known or tail:
            return name, handler if method == wanted else None, tail
    return "unknown", None, ""


def _document(request: web.Request, raw: bytes) -> Any:
    """The parsed body, or the parsed ``input`` of a query; ``None`` where it is missing or no JSON."""
    text: str | bytes = request.query.get("input", "") if request.method == "GET" else raw
    try:
        return json.loads(text)
    except ValueError:
        return None


def _check_content_type(request: web.Request) -> None:
    if request.method == "POST" and request.content_type not in CONTENT_TYPES:
        raise refuse(f"Content-Type cannot be {request.content_type}")
