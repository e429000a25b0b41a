"""The emulator's network side and its one lock."""

from __future__ import annotations

import asyncio
import base64
import binascii
import io
import json
import random
from typing import Any

from aiohttp import web
from PIL import Image

from ..pictures import draw
from ..served import Served
from .answers import ServerError, info_of, init_image, model_entry, plain_picture, scripted
from .behaviour import Behaviour, Fault
from .bill import Asked, Bill, Made
from .checks import FIELDS, wrong_fields


class Automatic1111Emulator(Served):
    """A local server. ``async with Automatic1111Emulator(auth=("ann", "x")) as server: server.url``.

    Keyword arguments are the knobs of :class:`~.behaviour.Behaviour`, turned later through :attr:`behaviour`.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, **knobs: Any) -> None:
        self.behaviour = Behaviour(**knobs)
        self.bill = Bill()
        self.loaded = self.behaviour.checkpoints[0] if self.behaviour.checkpoints else ""
        """The title of the checkpoint in memory."""
        super().__init__(host, port)
        self._lock = asyncio.Lock()
        self._open = 0
        self._hold_at: int | None = None
        self._moved = asyncio.Event()
        self._dice = random.Random(7860)
        self._idle()

    def _idle(self) -> None:
        self._state: dict[str, Any] = {
            "skipped": False,
            "interrupted": False,
            "job": "",
            "job_count": 0,
            "job_timestamp": "20261122000000",
            "job_no": 0,
            "sampling_step": 0,
            "sampling_steps": 0,
        }

    # -- the test's own hands ----------------------------------------------------------------------------------------

    def hold_at(self, step: int) -> None:
        """Whatever is drawn stops at this step, until :meth:`release`."""
        self._hold_at = step

    def release(self) -> None:
        """Let what is held go on."""
        self._hold_at = None
        self._moved.set()

    def add_fault(self, then: str | int, body: Any = None, **more: Any) -> None:
        """Script one more trouble (see :class:`~.behaviour.Fault`)."""
        self.behaviour.faults.append(Fault(then, body, **more))

    async def stop(self) -> None:
        """Let go of what is held, and close the port."""
        self._stopping.set()
        self.release()
        await super().stop()

    # -- one request -------------------------------------------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        user: str | None = None
        try:
            user = self._user(request)
            response = await self._answer(request, user)
        except ServerError as error:
            response = self._refusal(error)
        if response is None:
            self.bill.asked.append(Asked(request.method, request.path, 0, user))
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        self.bill.asked.append(Asked(request.method, request.path, response.status, user))
        return response

    def _refusal(self, error: ServerError) -> web.Response:
        headers = {"WWW-Authenticate": "Basic"} if error.status == 401 else {}
        if not self.behaviour.forge:
            return web.json_response(error.body, status=error.status, headers=headers)
        if error.kind != "HTTPException":
            return web.Response(text="Internal Server Error", status=500)
        return web.json_response({"detail": error.detail}, status=error.status, headers=headers)

    def _user(self, request: web.Request) -> str | None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            return base64.b64decode(given, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return None

    async def _answer(self, request: web.Request, user: str | None) -> web.StreamResponse | None:
        path = request.path
        if not path.startswith("/sdapi/"):
            return web.Response(text="<!doctype html><title>Stable Diffusion</title>", content_type="text/html")
        if not self.behaviour.api:
            return web.json_response({"detail": "Not Found"}, status=404)
        name = path.removeprefix("/sdapi/v1/")
        route = {
            "txt2img": "POST",
            "img2img": "POST",
            "progress": "GET",
            "interrupt": "POST",
            "sd-models": "GET",
            "samplers": "GET",
            "schedulers": "GET",
            "scripts": "GET",
            "options": "GET POST",
            "refresh-checkpoints": "POST",
        }.get(name)
        if route is None:
            return web.json_response({"detail": "Not Found"}, status=404)
        if request.method not in route.split():
            return web.json_response({"detail": "Method Not Allowed"}, status=405)
        self._admit(request)
        if name in FIELDS:
            return await self._picture(request, name)
        fault = self.behaviour.fault_for(name)
        if fault is not None:
            return scripted(fault)
        return web.json_response(await self._small(request, name))

    def _admit(self, request: web.Request) -> None:
        if self.behaviour.auth is None:
            return
        wanted = base64.b64encode(":".join(self.behaviour.auth).encode()).decode()
        given = request.headers.get("Authorization")
        if given is None:
            raise ServerError(401, "Not authenticated")
        if given.split(" ")[-1] != wanted:
            raise ServerError(401, "Incorrect username or password")

    async def _small(self, request: web.Request, name: str) -> Any:
        """Everything but pictures; never waits for the lock."""
        knobs = self.behaviour
        if name == "progress":
            return self._progress()
        if name == "sd-models":
            return [model_entry(title) for title in knobs.checkpoints]
        if name == "samplers":
            return [{"name": one, "aliases": [f"k_{one}"], "options": {}} for one in knobs.samplers]
        if name == "schedulers":
            return [{"name": one, "label": one.title(), "aliases": None} for one in knobs.schedulers]
        if name == "scripts":
            return {"txt2img": ["prompt matrix", "x/y/z plot"], "img2img": ["loopback", "outpainting mk2"]}
        if name == "interrupt":
            self.bill.interrupts += 1
            if self._state["job_count"]:
                self._state["interrupted"] = True
                self._moved.set()
            return {}
        if name == "options" and request.method == "POST":
            wanted = (await request.json()).get("sd_model_checkpoint")
            if wanted is not None:
                found = self._find(wanted)
                if found is None:
                    raise ServerError(500, f"model {wanted!r} not found", "RuntimeError")
                self.loaded = found
            return None
        if name == "options":
            return {"sd_model_checkpoint": self.loaded, "samples_format": "png"}
        return None  # refresh-checkpoints

    def _progress(self) -> dict[str, Any]:
        state = self._state
        progress = eta = 0.0
        if state["job_count"]:
            done = state["sampling_step"] / state["sampling_steps"] if state["sampling_steps"] else 0.0
            progress, eta = min(1.0, 0.01 + done), 3.4
        return {
            "progress": progress,
            "eta_relative": eta,
            "state": dict(state),
            "current_image": None,
            "textinfo": None,
        }

    # -- pictures ----------------------------------------------------------------------------------------------------

    async def _picture(self, request: web.Request, mode: str) -> web.StreamResponse | None:
        try:
            body = json.loads(await request.read())
        except ValueError:
            return web.json_response(
                {"detail": [{"type": "json_invalid", "loc": ["body", 0], "msg": "JSON decode error"}]}, status=422
            )
        wrong = wrong_fields(mode, body)
        if wrong:
            return web.json_response({"detail": wrong}, status=422)
        self.bill.ignored |= body.keys() - FIELDS[mode].keys()
        self._open += 1
        self.bill.most_at_once = max(self.bill.most_at_once, self._open)
        try:
            fault = self.behaviour.fault_for("pictures")
            if fault is not None and (isinstance(fault.then, int) or fault.then == "drop"):
                return scripted(fault)
            if fault is not None and fault.then == "hang":
                await self._stopping.wait()
                return None
            if self.behaviour.forge and mode == "txt2img" and body.get("override_settings") is None:
                raise ServerError(500, "'NoneType' object has no attribute 'get'", "AttributeError")
            self._check_sampler(body)
            # The server opens the picture before it takes the lock of the processing.
            start = init_image(body) if mode == "img2img" else None
            async with self._lock:
                made, answer = await self._draw(mode, body, start)
            self.bill.made.append(made)
            return await self._deliver(request, answer, fault)
        finally:
            self._open -= 1

    def _check_sampler(self, body: dict[str, Any]) -> None:
        name = body.get("sampler_name") or body.get("sampler_index") or "Euler"
        if name not in self.behaviour.samplers:
            raise ServerError(400 if self.behaviour.forge else 404, "Sampler not found")

    def _find(self, wanted: str) -> str | None:
        """The title of a checkpoint by any of its names."""
        for title in self.behaviour.checkpoints:
            file, _, mark = title.partition(" ")
            if wanted in (title, file, file.rpartition(".")[0], mark.strip("[]")):
                return title
        return None

    async def _draw(self, mode: str, body: dict[str, Any], start: Image.Image | None) -> tuple[Made, dict[str, Any]]:
        overrides = body.get("override_settings") or {}
        wanted = overrides.get("sd_model_checkpoint")
        before = self.loaded
        if wanted is not None:
            found = self._find(wanted)
            if found is None and self.behaviour.forge:
                raise ServerError(500, f"model {wanted!r} not found", "RuntimeError")
            if found is None and self.behaviour.unknown_checkpoint == "refuse":
                raise ServerError(404, "Model not found")
            self.loaded = found or self.loaded
        steps = body.get("steps") or 50
        self._state.update(job=f"scripts_{mode}", job_count=1, job_no=0, sampling_steps=steps)
        try:
            for step in range(steps):
                self._state["sampling_step"] = step
                await self._pause(step)
                if self._state["interrupted"]:
                    break
        finally:
            self._idle()
        checkpoint = self.loaded
        if body.get("override_settings_restore_afterwards", True):
            self.loaded = before
        seed = body.get("seed")
        seed = self._dice.randrange(2**32) if seed in (None, -1) else seed
        size = ((body.get("width") or 512) // 8 * 8, (body.get("height") or 512) // 8 * 8)
        made = Made(mode, body.get("prompt") or "", seed, size, checkpoint, body)
        # What was given to begin with tells in the picture, as it would.
        origin = "" if start is None else f"{start.size}{start.getpixel((0, 0))}{body.get('denoising_strength')}"
        picture = await asyncio.to_thread(draw, f"{checkpoint}|{made.prompt}|{origin}", seed, size, "PNG")
        return made, {
            "images": [base64.b64encode(picture).decode()],
            "parameters": {**body, "init_images": None} if mode == "img2img" else body,
            "info": json.dumps(info_of(made, body, steps)),
        }

    async def _pause(self, step: int) -> None:
        if self.behaviour.step_seconds:
            await asyncio.sleep(self.behaviour.step_seconds)
        while self._hold_at == step and not self._state["interrupted"] and not self._stopping.is_set():
            self._moved.clear()
            await self._moved.wait()

    async def _deliver(
        self, request: web.Request, answer: dict[str, Any], fault: Fault | None
    ) -> web.StreamResponse | None:
        then = fault.then if fault is not None else ""
        size = Image.open(io.BytesIO(base64.b64decode(answer["images"][0]))).size
        if then == "drop-after":
            return None
        if then == "no-pictures":
            answer["images"] = []
        elif then == "bad-base64":
            answer["images"] = ["this is no picture!"]
        elif then == "black":
            answer["images"] = [base64.b64encode(plain_picture(size)).decode()]
        elif then == "grid":
            grid = base64.b64encode(plain_picture((16, 16), "white")).decode()
            info = {**json.loads(answer["info"]), "index_of_first_image": 1}
            answer.update(images=[grid, *answer["images"]], info=json.dumps(info))
        elif then == "garbled-info":
            answer["info"] = "none today"
        elif then == "object-info":
            answer["info"] = json.loads(answer["info"])
        data = json.dumps(answer).encode()
        if then != "truncate":
            return web.Response(body=data, content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(data))})
        await response.prepare(request)
        await response.write(data[: len(data) // 2])
        return None
