"""The emulator's network side, its models, its window and its credits."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from aiohttp import web

from ..pictures import draw
from ..served import Served

TEST_TOKEN = "hf_EmulatorToken0000000000000000001"
"""The token that works when none is given: of the true shape, and nobody's."""

ROUTE = "/hf-inference/models/"

MODELS = {
    "black-forest-labs/FLUX.1-schnell": "text-to-image",
    "stabilityai/stable-diffusion-xl-base-1.0": "text-to-image",
    "sentence-transformers/all-MiniLM-L6-v2": "sentence-similarity",
}
"""What hf-inference serves, with the task of each."""

PARAMETERS: dict[str, tuple[type, ...]] = {
    "negative_prompt": (str,),
    "height": (int,),
    "width": (int,),
    "num_inference_steps": (int,),
    "guidance_scale": (int, float),
    "scheduler": (str,),
    "seed": (int,),
}
"""The parameters of the task, as huggingface_hub sends them."""


@dataclass
class Fault:
    """One scripted trouble for the next picture: a status with body and headers verbatim, or one of ``drop``,
    ``drop-after`` (drawn and charged, the answer lost), ``truncate``, ``empty``, ``soft-error`` (200 with an error)."""

    then: str | int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1


@dataclass
class Window:
    """A fixed window of requests, told in the ``ratelimit`` headers of every answer."""

    requests: int = 500
    seconds: float = 300.0
    began: float | None = None
    used: int = 0

    def count(self, now: float) -> bool:
        """Whether one more request fits; if so, it is counted."""
        if self.began is None or now - self.began >= self.seconds:
            self.began, self.used = now, 0
        if self.used >= self.requests:
            return False
        self.used += 1
        return True

    def headers(self, now: float) -> dict[str, str]:
        """What every answer says of the window."""
        left = self.seconds if self.began is None else max(0.0, self.began + self.seconds - now)
        return {
            "ratelimit": f'"api";r={self.requests - self.used};t={round(left)}',
            "ratelimit-policy": f'"fixed window";"api";q={self.requests};w={self.seconds:g}',
        }


@dataclass
class Behaviour:
    """How the emulated service behaves. Every knob may be turned while it runs."""

    token: str = TEST_TOKEN
    models: dict[str, str] = field(default_factory=lambda: dict(MODELS))
    gated: tuple[str, ...] = ()
    """Models whose licence the account has not accepted: 403."""
    may_infer: bool = True
    """``False``: the token lacks the permission: 403 (the sentence is assumed)."""
    window: Window = field(default_factory=Window)
    credits: int | None = None
    """Pictures that the month's credits still pay for; ``None``: enough."""
    loading: float = 0.0
    """Seconds that a model needs to load after it is first asked for; meanwhile a 503 says how long (unverified)."""
    seconds: float = 0.0
    """How long a picture takes."""
    picture_format: str = "PNG"
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True)
class Made:
    """One picture that was drawn and charged."""

    model: str
    prompt: str
    parameters: dict[str, Any] = field(repr=False)


class _RefusedError(Exception):
    def __init__(self, status: int, error: str | list[str], **more: Any) -> None:
        super().__init__(str(error))
        self.status, self.body = status, {"error": error, **more}


class HuggingFaceEmulator(Served):
    """A local Hugging Face. ``async with HuggingFaceEmulator(credits=3) as service: service.url``."""

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, clock: Callable[[], float] = time.monotonic, **knobs: Any
    ) -> None:
        """*clock* gives the seconds by which windows count and models load."""
        self.behaviour = Behaviour(**knobs)
        self.made: list[Made] = []
        """The bill: every picture that was drawn, whether or not its answer arrived."""
        self.asked: list[tuple[str, int]] = []
        """Path and status of every answer, 0 where the connection was cut."""
        self._clock = clock
        self._loaded_at: dict[str, float] = {}
        super().__init__(host, port)
        self._dice = Random(2026)

    def add_fault(self, then: str | int, body: Any = None, **more: Any) -> None:
        """Script one more trouble (see :class:`Fault`)."""
        self.behaviour.faults.append(Fault(then, body, **more))

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        headers = {"x-request-id": f"Root=1-{secrets.token_hex(12)}"}
        try:
            response = await self._answer(request)
        except _RefusedError as error:
            response = web.json_response(error.body, status=error.status)
            headers["x-error-message"] = str(error)
        if response is None:
            self.asked.append((request.path, 0))
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        for name, value in {**self.behaviour.window.headers(self._clock()), **headers}.items():
            response.headers.setdefault(name, value)
        self.asked.append((request.path, response.status))
        return response

    async def _answer(self, request: web.Request) -> web.StreamResponse | None:
        given = request.headers.get("Authorization")
        if given is not None and given != f"Bearer {self.behaviour.token}":
            raise _RefusedError(401, "Invalid username or password.")
        path = request.path
        if path == "/api/whoami-v2" and request.method == "GET":
            if given is None:
                raise _RefusedError(401, "Invalid username or password.")
            return web.json_response({"type": "user", "name": "ann", "isPro": False, "orgs": []})
        if path == "/api/models" and request.method == "GET":
            return web.json_response(self._list(request))
        if path.startswith("/api/models/") and request.method == "GET":
            return web.json_response(self._model(path.removeprefix("/api/models/")))
        if path.startswith(ROUTE) and request.method == "POST":
            if given is None:
                raise _RefusedError(401, "Invalid username or password.")
            return await self._infer(request, path.removeprefix(ROUTE))
        raise _RefusedError(404, "Sorry, we can't find the page you are looking for.")

    # -- the hub -----------------------------------------------------------------------------------------------------

    def _list(self, request: web.Request) -> list[dict[str, Any]]:
        tag = request.query.get("pipeline_tag")
        provider = request.query.get("inference_provider", "hf-inference")
        limit = int(request.query.get("limit", "1000"))
        found = [self._model(id_) for id_, task in self.behaviour.models.items() if tag in (None, task)]
        return found[:limit] if provider in ("hf-inference", "all") else []

    def _model(self, id_: str) -> dict[str, Any]:
        task = self.behaviour.models.get(id_)
        if task is None:
            raise _RefusedError(404, "Repository not found")
        return {
            "_id": "66aaa908fc35e079a941470d",
            "id": id_,
            "modelId": id_,
            "author": id_.partition("/")[0],
            "pipeline_tag": task,
            "library_name": "diffusers",
            "likes": 4500,
            "downloads": 400_000,
            "private": False,
            "tags": ["diffusers", task],
        }

    # -- the router --------------------------------------------------------------------------------------------------

    async def _infer(self, request: web.Request, model: str) -> web.StreamResponse | None:
        knobs = self.behaviour
        if not knobs.window.count(self._clock()):
            raise _RefusedError(429, "Too Many Requests")
        if not knobs.may_infer:
            words = "This authentication method does not have sufficient permissions to call Inference Providers"
            raise _RefusedError(403, f"{words} on behalf of user ann")
        if model in knobs.gated:
            raise _RefusedError(403, f"Access to model {model} is restricted and you are not in the authorized list.")
        if model not in knobs.models:
            raise _RefusedError(404, f"Model {model} does not exist")
        prompt, parameters = await _job_of(request)
        if knobs.models[model] != "text-to-image":
            raise _RefusedError(400, f"Model {model} does not do text-to-image")
        fault = self._fault()
        if fault is not None and isinstance(fault.then, int):
            data = fault.body if isinstance(fault.body, bytes) else json.dumps(fault.body).encode()
            headers = {"Content-Type": "application/json", **fault.headers}
            return web.Response(status=fault.then, body=data, headers=headers)
        if fault is not None and fault.then == "drop":
            return None
        ready = self._loaded_at.setdefault(model, self._clock() + knobs.loading)
        if self._clock() < ready:
            left = round(ready - self._clock(), 1)
            raise _RefusedError(503, f"Model {model} is currently loading", estimated_time=left)
        if knobs.credits is not None and knobs.credits <= 0:
            words = "You have exceeded your monthly included credits for Inference Providers."
            raise _RefusedError(402, f"{words} Subscribe to PRO to get 20x more monthly included credits.")
        if knobs.credits is not None:
            knobs.credits -= 1
        if knobs.seconds:
            await asyncio.sleep(knobs.seconds)
        self.made.append(Made(model, prompt, parameters))
        return await self._deliver(request, model, prompt, parameters, fault)

    def _fault(self) -> Fault | None:
        if not self.behaviour.faults:
            return None
        fault = self.behaviour.faults[0]
        fault.times -= 1
        if fault.times <= 0:
            self.behaviour.faults.pop(0)
        return fault

    async def _deliver(
        self, request: web.Request, model: str, prompt: str, parameters: dict[str, Any], fault: Fault | None
    ) -> web.StreamResponse | None:
        then = "" if fault is None else fault.then
        if then == "drop-after":
            return None
        if then == "soft-error":
            return web.json_response({"error": "unknown error"})
        size = (parameters.get("width", 1024), parameters.get("height", 1024))
        seed = parameters.get("seed") or self._dice.randrange(2**31)
        kind = self.behaviour.picture_format
        words = f"{model}|{prompt}|{parameters.get('negative_prompt', '')}"
        data = b"" if then == "empty" else await asyncio.to_thread(draw, words, seed, size, kind)
        media_type = f"image/{kind.lower()}"
        if then != "truncate":
            return web.Response(body=data, content_type=media_type)
        response = web.StreamResponse(headers={"Content-Type": media_type, "Content-Length": str(len(data))})
        await response.prepare(request)
        await response.write(data[: len(data) // 2])
        return None


async def _job_of(request: web.Request) -> tuple[str, dict[str, Any]]:
    """Prompt and parameters of a request, or the refusal of one that is not of the task's form (words assumed)."""
    try:
        body = json.loads(await request.read())
    except ValueError:
        raise _RefusedError(400, "the body is not JSON") from None
    if request.content_type != "application/json" or not isinstance(body, dict):
        raise _RefusedError(400, "the body is not a JSON object")
    unknown = sorted(body.keys() - {"inputs", "parameters"})
    if unknown:
        raise _RefusedError(400, [f"unknown field `{name}`" for name in unknown])
    prompt, parameters = body.get("inputs"), body.get("parameters", {})
    if not isinstance(prompt, str) or not prompt:
        raise _RefusedError(400, ["Error in `inputs`: field required"])
    if not isinstance(parameters, dict):
        raise _RefusedError(400, ["Error in `parameters`: must be an object"])
    wrong = [
        f"Error in `parameters.{name}`: not of the expected type"
        for name, value in parameters.items()
        if name not in PARAMETERS or not isinstance(value, PARAMETERS[name]) or isinstance(value, bool)
    ]
    if wrong:
        raise _RefusedError(400, wrong)
    accept = request.headers.get("Accept", "*/*")
    if not accept.startswith(("image/", "*/*")):
        raise _RefusedError(406, f"cannot answer as {accept}")
    return prompt, parameters
