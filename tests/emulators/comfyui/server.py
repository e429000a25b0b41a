"""The emulator's network side: the server's routes, a reverse proxy's login and prefix, and scripted trouble."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import mimetypes
import posixpath
import re
import sys
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from ..served import Served
from .behaviour import Behaviour, Fault, Reply, html_reply, json_reply
from .bill import Asked, Bill
from .checks import Lists, RefusedGraphError, outputs_of
from .nodes import NODES, object_info
from .sockets import Sockets
from .worker import File, Worker

Handler = Callable[[web.Request], Awaitable[Reply]]

KNOWN_FIELDS = frozenset(
    {"prompt", "client_id", "prompt_id", "extra_data", "front", "number", "partial_execution_targets"}
)
"""What ``POST /prompt`` looks at; more is ignored, and noted as odd."""
UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
"""The form recent servers want of a client's prompt id."""
PLACES = ("input", "output", "temp")


class ComfyEmulator(Served):
    """A local ComfyUI. ``async with ComfyEmulator(step_seconds=0.1) as comfy: comfy.url``.

    Keyword arguments are the knobs of :class:`~.behaviour.Behaviour`, which may also be turned later through
    :attr:`behaviour`.
    """

    def __init__(
        self, behaviour: Behaviour | None = None, *, host: str = "127.0.0.1", port: int = 0, **knobs: Any
    ) -> None:
        if behaviour is not None and knobs:
            raise TypeError("give a behaviour or single knobs, not both")
        self.behaviour = behaviour or Behaviour(**knobs)
        self.bill = Bill()
        super().__init__(host, port)
        self._routes: dict[tuple[str, str], tuple[str, Handler]] = {
            ("GET", "/prompt"): ("status", self._status),
            ("POST", "/prompt"): ("prompt", self._prompt),
            ("GET", "/queue"): ("queue", self._queue),
            ("POST", "/queue"): ("queue", self._change_queue),
            ("GET", "/history"): ("history", self._history),
            ("POST", "/history"): ("history", self._change_history),
            ("GET", "/view"): ("view", self._view),
            ("POST", "/upload/image"): ("upload", self._upload),
            ("POST", "/interrupt"): ("interrupt", self._interrupt),
            ("POST", "/free"): ("free", self._free),
            ("GET", "/system_stats"): ("stats", self._stats),
            ("GET", "/object_info"): ("object_info", self._object_info),
            ("GET", "/features"): ("features", self._features),
        }

    # -- life -------------------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The base address, with the proxy's prefix, without a slash at the end."""
        return self.origin + self.behaviour.prefix

    async def start(self) -> None:
        """Listen; raises ``OSError`` when the port is taken."""
        self.sockets = Sockets()
        self.worker = Worker(self.behaviour, self.bill, self.sockets)
        self.worker.start()
        await super().start()

    async def stop(self) -> None:
        """End what runs and close the port."""
        self.sockets.drop_all()
        await self.worker.stop()
        await super().stop()

    async def restart(self) -> None:
        """The process ends in the middle of its work and a new one listens at once: queue and history are forgotten
        (the history unless ``history_survives``), the files stay."""
        history, files = self.worker.history, self.worker.files
        await self.stop()
        await self.start()
        self.worker.files = files
        if self.behaviour.history_survives:
            self.worker.history = history

    def add_fault(self, at: str, then: Reply | str, **rest: Any) -> Fault:
        """Script one more trouble (see :class:`~.behaviour.Fault`)."""
        fault = Fault(at, then, **rest)
        self.behaviour.faults.append(fault)
        return fault

    # -- one request ------------------------------------------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        prefix = self.behaviour.prefix
        if prefix and not request.path.startswith(f"{prefix}/"):
            return _response(html_reply(404, "Not Found"))
        path = request.path.removeprefix(prefix)
        path = path.removeprefix("/api") if path.startswith("/api/") else path
        if not self._may_enter(request):
            self.bill.unauthorised += 1
            reply = html_reply(401, "Authorization Required")
            reply.headers["WWW-Authenticate"] = 'Basic realm="comfy"'
            return self._answered(request, path, reply)
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            return self._answered(request, path, Reply(403))
        if request.method == "GET" and path == "/ws":
            return await self._websocket(request)
        endpoint, handler = self._route(request, path)
        fault = next((one for one in self.behaviour.faults if one.strikes(endpoint)), None)
        if fault is not None and isinstance(fault.then, Reply):
            return self._answered(request, path, fault.then)
        if fault is None or fault.then != "drop":
            try:
                reply = await handler(request)
            except (ValueError, KeyError, TypeError, AttributeError) as error:  # as the server's own handlers fail
                self.bill.odd.append(f"{request.method} {path}: {type(error).__name__}")
                reply = Reply(500, b"500 Internal Server Error\n\nServer got itself in trouble", "text/plain")
            if fault is None:
                return self._answered(request, path, reply)
        self.bill.requests.append(Asked(request.method, path, 0))
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _answered(self, request: web.Request, path: str, reply: Reply) -> web.Response:
        self.bill.requests.append(Asked(request.method, path, reply.status))
        return _response(reply)

    def _may_enter(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization")
        wanted = []
        if self.behaviour.login is not None:
            wanted.append("Basic " + base64.b64encode(":".join(self.behaviour.login).encode()).decode())
        if self.behaviour.token is not None:
            wanted.append(f"Bearer {self.behaviour.token}")
        if given is not None and not wanted:
            self.bill.odd.append("a login that nobody asked for")
        return not wanted or given in wanted

    def _route(self, request: web.Request, path: str) -> tuple[str, Handler]:
        for stem, endpoint, handler in (
            ("/history/", "history", self._history),
            ("/object_info/", "object_info", self._object_info),
        ):
            if request.method == "GET" and path.startswith(stem):
                return endpoint, handler
        return self._routes.get((request.method, path), ("unknown", self._unknown))

    async def _unknown(self, request: web.Request) -> Reply:
        known = any(path == request.path for _, path in self._routes)
        words = "405: Method Not Allowed" if known else "404: Not Found"
        return Reply(int(words[:3]), words.encode(), "text/plain")

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        fault = next((one for one in self.behaviour.faults if one.strikes("ws")), None)
        if fault is not None and isinstance(fault.then, Reply):
            return self._answered(request, "/ws", fault.then)
        if self.behaviour.websocket == "refused":
            return self._answered(request, "/ws", html_reply(403, "Forbidden"))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.bill.sockets += 1
        self.sockets.dropping = self.behaviour.websocket == "dropping"
        client = request.query.get("clientId") or uuid.uuid4().hex
        self.sockets.add(client, socket, request)
        try:
            await self.sockets.tell("status", {"status": self.worker.status(), "sid": client}, client)
            async with self.worker.changed:
                self.worker.changed.notify_all()
            async for _ in socket:
                pass  # features of the browser's page; nothing depends on them here
        finally:
            self.sockets.remove(client, socket)
        return socket

    # -- the routes -------------------------------------------------------------------------------------------------

    @property
    def _lists(self) -> Lists:
        there = ["/".join(part for part in where[1:] if part) for where in self.worker.files if where[0] == "input"]
        return {"checkpoints": self.behaviour.checkpoints, "input": there}

    async def _prompt(self, request: web.Request) -> Reply:
        asked = json.loads(await request.read())
        self.bill.odd += [f"POST /prompt has '{name}'" for name in sorted(asked.keys() - KNOWN_FIELDS)]
        limit = self.behaviour.queue_limit
        if limit is not None and self.worker.remaining >= limit:
            return html_reply(503, "Service Temporarily Unavailable")
        if "prompt" not in asked:
            words = "No prompt provided"
            error = {"type": "no_prompt", "message": words, "details": words, "extra_info": {}}
            return json_reply(400, {"error": error, "node_errors": {}})
        number = asked.get("number")
        number = float(number) if number is not None else self.worker.next_number(front=bool(asked.get("front")))
        chosen = asked.get("prompt_id")
        takes = self.behaviour.takes_prompt_ids
        if chosen is not None and takes == "uuid" and not (isinstance(chosen, str) and UUID.fullmatch(chosen)):
            words = "prompt_id must be a canonical UUID"
            error = {"type": "invalid_prompt_id", "message": words, "details": str(chosen), "extra_info": {}}
            return json_reply(400, {"error": error, "node_errors": {}})
        prompt_id = str(chosen) if chosen is not None and takes != "none" else str(uuid.uuid4())
        extra = dict(asked.get("extra_data") or {})
        if "client_id" in asked:
            extra["client_id"] = asked["client_id"]
        graph = asked["prompt"]
        try:
            outputs, node_errors = outputs_of(graph, self._lists)
        except RefusedGraphError as refused:
            return json_reply(400, {"error": refused.error, "node_errors": refused.node_errors})
        await self.worker.put((number, prompt_id, graph, extra, outputs))
        return json_reply(200, {"prompt_id": prompt_id, "number": number, "node_errors": node_errors})

    async def _status(self, request: web.Request) -> Reply:
        return json_reply(200, self.worker.status())

    async def _queue(self, request: web.Request) -> Reply:
        told = {"queue_running": self.worker.running, "queue_pending": self.worker.pending}
        return json_reply(200, told)

    async def _change_queue(self, request: web.Request) -> Reply:
        asked = json.loads(await request.read())
        if asked.get("clear"):
            await self.worker.clear()
        for prompt_id in asked.get("delete", []):
            await self.worker.delete(prompt_id)
        return Reply(200)

    async def _history(self, request: web.Request) -> Reply:
        prompt_id = request.path.rpartition("/history")[2].lstrip("/")
        history = self.worker.history
        if prompt_id:
            return json_reply(200, {prompt_id: history[prompt_id]} if prompt_id in history else {})
        most = int(request.query.get("max_items", len(history)))
        return json_reply(200, dict(list(history.items())[-most:] if most else []))

    async def _change_history(self, request: web.Request) -> Reply:
        asked = json.loads(await request.read())
        if asked.get("clear"):
            self.worker.history.clear()
        for prompt_id in asked.get("delete", []):
            self.worker.history.pop(prompt_id, None)
        return Reply(200)

    async def _view(self, request: web.Request) -> Reply:
        name = request.query.get("filename")
        if name is None:
            return Reply(404)
        place, subfolder = request.query.get("type", "output"), request.query.get("subfolder", "")
        if not name or name.startswith("/") or ".." in name or place not in PLACES:
            return Reply(400)
        if posixpath.normpath(posixpath.join("/x", subfolder)).split("/")[1:2] != ["x"]:
            return Reply(403)
        found: File = (place, subfolder, posixpath.basename(name))
        if found not in self.worker.files:
            return Reply(404)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Reply(200, self.worker.files[found], kind, {"Content-Disposition": f'filename="{name}"'})

    async def _upload(self, request: web.Request) -> Reply:
        if not request.content_type.startswith("multipart/"):
            return Reply(400)
        form = await request.post()
        image = form.get("image")
        place, subfolder = str(form.get("type", "input")), str(form.get("subfolder", ""))
        self.bill.odd += [
            f"POST /upload/image has '{name}'"
            for name in sorted(set(form) - {"image", "type", "subfolder", "overwrite", "original_ref"})
        ]
        if not isinstance(image, web.FileField) or not image.filename or place not in PLACES:
            return Reply(400)
        whole = posixpath.normpath(posixpath.join("/x", subfolder, image.filename))
        if not whole.startswith("/x/") or posixpath.basename(whole) != image.filename:
            return Reply(400)
        data = image.file.read()
        stem, dot = posixpath.splitext(image.filename)
        name = image.filename
        files, number = self.worker.files, 1
        if form.get("overwrite") not in ("true", "1"):
            while (place, subfolder, name) in files and not _same(files[place, subfolder, name], data):
                name = f"{stem} ({number}){dot}"
                number += 1
        files[place, subfolder, name] = data
        self.bill.uploads.append(name)
        return json_reply(200, {"name": name, "subfolder": subfolder, "type": place})

    async def _interrupt(self, request: web.Request) -> Reply:
        with contextlib.suppress(ValueError):
            asked = json.loads(await request.read())
            self.bill.interrupts.append(asked.get("prompt_id"))
            self.worker.interrupt(asked.get("prompt_id"))
            return Reply(200)
        self.bill.interrupts.append(None)
        self.worker.interrupt(None)
        return Reply(200)

    async def _free(self, request: web.Request) -> Reply:
        asked = json.loads(await request.read())
        self.bill.freed += bool(asked.get("unload_models") or asked.get("free_memory"))
        return Reply(200)

    async def _features(self, request: web.Request) -> Reply:
        return json_reply(200, {"supports_preview_metadata": True, "max_upload_size": 104857600})

    async def _object_info(self, request: web.Request) -> Reply:
        name = request.path.rpartition("/object_info")[2].lstrip("/")
        wanted = [NODES[name]] if name in NODES else [] if name else list(NODES.values())
        style = self.behaviour.combos
        return json_reply(200, {node.name: object_info(node, self._lists, style=style) for node in wanted})

    async def _stats(self, request: web.Request) -> Reply:
        total, free = self.behaviour.vram
        device = {
            "name": self.behaviour.gpu,
            "type": self.behaviour.gpu.partition(":")[0],
            "index": 0,
            "vram_total": total,
            "vram_free": free,
            "torch_vram_total": 0,
            "torch_vram_free": 0,
        }
        system = {
            "os": "posix",
            "ram_total": 32 * 1024**3,
            "ram_free": 20 * 1024**3,
            "comfyui_version": self.behaviour.version,
            "python_version": sys.version,
            "pytorch_version": "2.8.0+cu128",
            "embedded_python": False,
            "argv": ["main.py"],
        }
        return json_reply(200, {"system": system, "devices": [device]})


def _same(one: bytes, other: bytes) -> bool:
    return hashlib.sha256(one).digest() == hashlib.sha256(other).digest()


def _response(reply: Reply) -> web.Response:
    return web.Response(
        status=reply.status, body=reply.body, headers={"Content-Type": reply.content_type, **reply.headers}
    )
