"""The emulator's network side: one loopback server, its routes, scripted trouble, clean shutdown."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from aiohttp import web

from ..pictures import draw
from ..served import Served
from .accounts import Account
from .behaviour import Behaviour
from .bill import Bill, Generation, LoggedRequest, Upload
from .catalogue import MODELS, Model, pixels
from .faults import LOSING, Fault
from .files import Files
from .generation import Order, answer, order_of
from .quotas import Quotas
from .replies import (
    KEY_INVALID,
    KEY_MISSING,
    NO_SUCH_PATH,
    REGION,
    Refused,
    Reply,
    error,
    in_array,
    json_reply,
    key_suspended,
    no_such_model,
)

_ROUTES = (
    ("POST", r"/(?P<version>v1|v1beta)/models/(?P<name>[^/:]+):generateContent", "generate"),
    ("GET", r"/(?P<version>v1|v1beta)/models", "models"),
    ("GET", r"/(?P<version>v1|v1beta)/models/(?P<name>[^/:]+)", "model"),
    ("POST", r"/upload/(?P<version>v1|v1beta)/files", "start"),
    ("GET", r"/(?P<version>v1|v1beta)/files", "files"),
    ("GET", r"/(?P<version>v1|v1beta)/(?P<name>files/[^/]+)", "file"),
    ("DELETE", r"/(?P<version>v1|v1beta)/(?P<name>files/[^/]+)", "delete"),
)


class GeminiEmulator(Served):
    """A local Gemini API. ``async with GeminiEmulator(accounts=[Account(per_minute=7)]) as gemini: gemini.url``.

    Keyword arguments are the knobs of :class:`~.behaviour.Behaviour`, which may also be given whole and turned later
    through :attr:`behaviour`.
    """

    largest: ClassVar[int] = 128 * 1024 * 1024

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        prefix: str = "",
        clock: Callable[[], float] | None = None,
        **knobs: Any,
    ) -> None:
        """*clock* gives seconds (default: the event loop's time); windows, days and files live by it. *prefix* is the
        path that a gateway puts in front, as ``/gemini``."""
        if behaviour is not None and knobs:
            raise TypeError("give a behaviour or single knobs, not both")
        self.behaviour = behaviour or Behaviour(**knobs)
        self.bill = Bill()
        super().__init__(host, port, prefix)
        self._clock = clock
        self._began: float | None = None
        self._quotas = Quotas()
        self._files = Files()
        self._drawn = 0

    def now(self) -> float:
        """Seconds on the emulator's clock."""
        return self._clock() if self._clock is not None else asyncio.get_running_loop().time()

    def moment(self) -> datetime:
        """The emulator's date and time."""
        if self._began is None:
            self._began = self.now()
        return self.behaviour.started + timedelta(seconds=self.now() - self._began)

    def add_fault(self, then: str | Reply, **conditions: Any) -> Fault:
        """Script one more trouble (see :class:`~.faults.Fault`)."""
        fault = Fault(then, **conditions)
        self.behaviour.faults.append(fault)
        return fault

    async def start(self) -> None:
        """Listen; raises ``OSError`` when the port is taken."""
        self.moment()  # the calendar begins now
        await super().start()

    # One request.

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        endpoint, found = self._route(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        key = headers.get("x-goog-api-key") or request.query.get("key")
        record = self.bill.arrive(
            endpoint, method=request.method, path=request.path, key=key, headers=headers, now=self.now()
        )
        body = await request.read()
        try:
            record.prompt = _words(body) if endpoint == "generate" else None
            fault = self._fault(record)
            if fault is not None and fault.then in ("drop", "hang"):
                return await self._lose(request, record, fault)
            if fault is not None and fault.reply is not None:
                reply = fault.reply
            else:
                reply = await self._answer(request, record, endpoint, found, body)
            if fault is not None and isinstance(fault.then, str) and fault.then in LOSING:
                return await self._lose(request, record, fault, reply)
            if fault is not None and fault.reply is None:
                reply = _spoilt(fault, reply)
        except Refused as refused:
            record.why = refused.why
            reply = refused.reply
        if self.behaviour.array_errors:
            reply = in_array(reply)
        record.status = reply.status
        return web.Response(
            status=reply.status, body=reply.body, headers={"Content-Type": reply.content_type, **reply.headers}
        )

    def _route(self, request: web.Request) -> tuple[str, dict[str, str]]:
        path = request.path
        if self._prefix:
            if not path.startswith(self._prefix + "/"):
                return "unknown", {}
            path = path.removeprefix(self._prefix)
        for method, pattern, endpoint in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found and method == request.method:
                upload = endpoint == "start" and "upload_id" in request.query
                return "upload" if upload else endpoint, found.groupdict()
        return "unknown", {}

    def _fault(self, record: LoggedRequest) -> Fault | None:
        """The first scripted trouble this request meets."""
        for fault in list(self.behaviour.faults):
            if fault.meets(record.endpoint, record.call, record.prompt, record.key):
                record.why = f"fault: {fault.then if isinstance(fault.then, str) else fault.then.status}"
                return fault
        return None

    async def _lose(
        self, request: web.Request, record: LoggedRequest, fault: Fault, reply: Reply | None = None
    ) -> web.StreamResponse:
        """Answer nothing, or not all of *reply*."""
        if fault.then == "hang":
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

    async def _answer(
        self, request: web.Request, record: LoggedRequest, endpoint: str, found: dict[str, str], body: bytes
    ) -> Reply:
        """What the service says when nothing is scripted."""
        if endpoint == "unknown":
            raise Refused(NO_SUCH_PATH, "no such path or method")
        if endpoint == "upload":  # its address is the credential
            return self._take_chunk(request, record, found["version"], body)
        account = self._account(record.key)
        behaviour, name = self.behaviour, found.get("name", "")
        if endpoint == "models":
            return self._models(request)
        if endpoint == "model":
            return json_reply(_model(name, found["version"]).resource)
        if endpoint == "start":
            return self._start(record, account, found["version"], body)
        if endpoint == "files":
            listed = [one.resource for one in self._files.listed(account.owner, self.moment())]
            return json_reply({"files": listed} if listed else {})
        if endpoint == "file":
            file = self._files.get(name, account.owner, self.moment(), behaviour.gone_file_status)
            return json_reply(file.resource)
        if endpoint == "delete":
            reply = self._files.delete(name, account.owner, self.moment(), behaviour.gone_file_status)
            self.bill.note_deleted(name)
            return reply
        return await self._generate(account, found, body)

    def _account(self, key: str | None) -> Account:
        """Whose key it is; raises :class:`~.replies.Refused` for one that may not ask."""
        if not key:
            raise Refused(KEY_MISSING, "no key")
        account = self.behaviour.account(key)
        if account is None:
            raise Refused(KEY_INVALID, "unknown key")
        if account.suspended:
            raise Refused(key_suspended(key), "suspended key")
        if account.region_refused:
            raise Refused(REGION, "region")
        return account

    # Pictures.

    async def _generate(self, account: Account, found: dict[str, str], body: bytes) -> Reply:
        model = _model(found["name"], found["version"])
        if "generateContent" not in model.methods:
            raise Refused(no_such_model(model.id, found["version"]), "a model of another method")

        def find_file(uri: str) -> tuple[str, str, bytes]:
            file = self._files.by_uri(uri, account.owner, self.moment(), self.behaviour.gone_file_status)
            return file.name, file.mime_type, file.data

        order = order_of(_document(body), len(body), model, find_file)
        behaviour = self.behaviour
        self._quotas.take(
            account,
            model.id,
            now=self.now(),
            moment=self.moment(),
            minute=behaviour.minute,
            shuffle=behaviour.shuffle_details,
        )
        reply = self._drawn_for(account, model, order)
        latency = behaviour.latency
        await asyncio.sleep(latency(order.prompt) if callable(latency) else latency)
        return reply

    def _drawn_for(self, account: Account, model: Model, order: Order) -> Reply:
        """Make one picture, charge it, and answer with it."""
        self._drawn += 1
        kind = model.format if self.behaviour.picture_format == "by-model" else self.behaviour.picture_format
        size = pixels(order.aspect, order.size)
        data = draw(order.prompt, self._drawn, size, kind.upper())
        pictures = [(data, False)]
        if self.behaviour.finished_twice:
            pictures.insert(0, (draw(order.prompt, -self._drawn, (256, 256), kind.upper()), False))
        if self.behaviour.thoughts:
            thought = draw(f"a thought of {order.prompt}", self._drawn, (256, 256), kind.upper())
            pictures = [(thought, True), *pictures, (thought, True)]
        response_id = base64.urlsafe_b64encode(hashlib.sha256(f"response {self._drawn}".encode()).digest()[:15])
        self.bill.add(
            Generation(
                account.key,
                account.owner,
                model.id,
                order.prompt,
                order.aspect,
                order.size,
                order.references,
                hashlib.sha256(data).hexdigest(),
                response_id.decode(),
                self.now(),
            )
        )
        return json_reply(
            answer(
                order,
                model,
                pictures,
                words=self.behaviour.words,
                mime_type=f"image/{kind}",
                response_id=response_id.decode(),
            )
        )

    def _models(self, request: web.Request) -> Reply:
        wanted = request.query.get("pageSize", "")
        size = min(int(wanted), 1000) if wanted.isdigit() and int(wanted) else self.behaviour.models_page
        token = request.query.get("pageToken", "")
        if token and not re.fullmatch(r"page-[0-9]{1,6}", token):
            raise Refused(error(400, "Page token is invalid."), "wrong page token")
        start = int(token.removeprefix("page-")) if token else 0
        document: dict[str, Any] = {"models": [one.resource for one in MODELS[start : start + size]]}
        if start + size < len(MODELS):
            document["nextPageToken"] = f"page-{start + size}"
        return json_reply(document)

    # Files.

    def _start(self, record: LoggedRequest, account: Account, version: str, body: bytes) -> Reply:
        document = _document(body) if body else None
        upload = self._files.start(record.headers, document, key=account.key, owner=account.owner)
        base = (self.behaviour.upload_host or self.origin) + self._prefix
        address = f"{base}/upload/{version}/files?upload_id={upload}&upload_protocol=resumable"
        return json_reply(
            {},
            X_Goog_Upload_URL=address,
            X_Goog_Upload_Status="active",
            X_Goog_Upload_Chunk_Granularity=str(self.behaviour.upload_granularity),
        )

    def _take_chunk(self, request: web.Request, record: LoggedRequest, version: str, body: bytes) -> Reply:
        upload = request.query["upload_id"]
        session, last = self._files.put(upload, record.headers, body, granularity=self.behaviour.upload_granularity)
        if not last:
            return json_reply({}, X_Goog_Upload_Status="active")
        lifetime = self.behaviour.file_lifetime
        file = self._files.store(upload, base=self.url, version="v1beta", now=self.moment(), lifetime=lifetime)
        self.bill.add(
            Upload(
                session.key,
                session.owner,
                file.name,
                file.mime_type,
                file.display_name,
                hashlib.sha256(file.data).hexdigest(),
                len(file.data),
                session.chunks,
                self.now(),
            )
        )
        return json_reply({"file": file.resource}, X_Goog_Upload_Status="final")


def _model(name: str, version: str) -> Model:
    found = next((one for one in MODELS if one.id == name), None)
    if found is None:
        raise Refused(no_such_model(name, version), "no such model")
    return found


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        message = "Invalid JSON payload received. Unexpected token."
        raise Refused(error(400, message), "no JSON") from None


def _words(body: bytes) -> str | None:
    """The last text of a request, for the log and for faults that look for it."""
    try:
        parts = json.loads(body)["contents"][-1]["parts"]
        return next((part["text"] for part in reversed(parts) if "text" in part), None)
    except (ValueError, LookupError, TypeError):
        return None


def _spoilt(fault: Fault, reply: Reply) -> Reply:
    """*reply* as *fault* leaves it."""
    if fault.then == "truncated-json":
        return Reply(reply.status, reply.body[: len(reply.body) // 2], reply.headers)
    if fault.then == "no-upload-url":
        return Reply(reply.status, reply.body)
    document = reply.document
    for candidate in document.get("candidates", []) if isinstance(document, dict) else []:
        for part in candidate["content"]["parts"]:
            if "inlineData" in part:
                encoded = part["inlineData"]["data"]
                part["inlineData"]["data"] = encoded[: len(encoded) // 8 * 4 + 1]
    return json_reply(document, reply.status)
