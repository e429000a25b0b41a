"""The emulator's network side, its rate limit and its purse."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from aiohttp import BodyPartReader, web
from PIL import Image, ImageFilter

from ..pictures import draw
from ..served import Served
from .checks import CREDITS, RATIOS, SD3, Upload, complaints

TEST_KEY = "sk-EmulatorKey0000000000000000000000000000000001"
"""The key that works when none is given: of the true shape, and nobody's."""

LARGEST = 10 * 1024 * 1024


@dataclass
class Fault:
    """One scripted trouble for the next generation: a status with body and headers verbatim, or one of ``drop``,
    ``drop-after`` (drawn and charged, the answer lost), ``truncate``, ``no-image``, ``html``."""

    then: str | int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1


@dataclass
class RateLimit:
    """So many requests within so many seconds; one more, and everything is refused for *ban* seconds."""

    requests: int = 150
    seconds: float = 10.0
    ban: float = 60.0
    arrivals: list[float] = field(default_factory=list)
    banned_until: float = 0.0

    def refuses(self, now: float) -> str | None:
        """The sentence of the refusal, or ``None``: the request counts."""
        if now < self.banned_until:
            return self._words
        self.arrivals = [*(one for one in self.arrivals if now - one < self.seconds), now]
        if len(self.arrivals) <= self.requests:
            return None
        self.arrivals = []
        self.banned_until = now + self.ban
        return self._words

    @property
    def _words(self) -> str:
        return (
            f"You have exceeded the rate limit of {self.requests} requests within a {self.seconds:g} second period,"
            f" and have been timed out for {self.ban:g} seconds."
        )


@dataclass
class Behaviour:
    """How the emulated service behaves. Every knob may be turned while it runs."""

    key: str = TEST_KEY
    limit: RateLimit = field(default_factory=RateLimit)
    credits: float | None = None
    """What the account has; ``None``: enough. A picture costs what its model does, and a refusal nothing."""
    refused_words: tuple[str, ...] = ()
    """A prompt with one of these is refused with 403 before anything is drawn."""
    filtered_words: tuple[str, ...] = ()
    """A prompt with one of these is drawn, and answered with 200 and a blurred picture."""
    seconds: float = 0.0
    """How long a picture takes."""
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True)
class Made:
    """One picture that was drawn and charged."""

    endpoint: str
    model: str
    prompt: str
    seed: int
    form: dict[str, str] = field(repr=False)
    reference: Upload | None = None


class _RefusedError(Exception):
    def __init__(self, status: int, name: str, *errors: str) -> None:
        super().__init__(name)
        self.status, self.name, self.errors = status, name, list(errors)


class StabilityEmulator(Served):
    """A local Stability. ``async with StabilityEmulator(credits=20) as service: service.url``."""

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, clock: Callable[[], float] = time.monotonic, **knobs: Any
    ) -> None:
        """*clock* gives the seconds by which the rate limit counts."""
        self.behaviour = Behaviour(**knobs)
        self.made: list[Made] = []
        """The bill: every picture that was drawn, whether or not its answer arrived."""
        self.statuses: list[int] = []
        """The status of every answer, 0 where the connection was cut."""
        self._clock = clock
        super().__init__(host, port)
        self._dice = Random(2026)

    def add_fault(self, then: str | int, body: Any = None, **more: Any) -> None:
        """Script one more trouble (see :class:`Fault`)."""
        self.behaviour.faults.append(Fault(then, body, **more))

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        try:
            response = await self._answer(request)
        except _RefusedError as error:
            body = {"id": secrets.token_hex(16), "name": error.name, "errors": error.errors}
            response = web.json_response(body, status=error.status)
        if response is None:
            self.statuses.append(0)
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        self.statuses.append(response.status)
        return response

    async def _answer(self, request: web.Request) -> web.StreamResponse | None:
        endpoint = request.path.removeprefix("/v2beta/stable-image/generate/")
        if endpoint not in ("core", "ultra", "sd3") or request.method != "POST":
            raise _RefusedError(404, "not_found", "The specified resource was not found.")
        limited = self.behaviour.limit.refuses(self._clock())
        if limited is not None:
            raise _RefusedError(429, "rate_limit_exceeded", limited)
        if request.headers.get("Authorization") != f"Bearer {self.behaviour.key}":
            raise _RefusedError(401, "unauthorized", "authorization: missing or invalid")
        accept = request.headers.get("Accept", "image/*")
        if accept not in ("application/json", "image/*"):
            raise _RefusedError(400, "bad_request", "accept: must be application/json or image/*")
        if (request.content_length or 0) > LARGEST:
            raise _RefusedError(413, "payload_too_large", "The request is larger than 10MiB.")
        if request.content_type != "multipart/form-data":
            raise _RefusedError(400, "bad_request", "content-type: must be multipart/form-data")
        form, image = await _form_of(request)
        wrong = complaints(endpoint, form, image)
        if wrong:
            raise _RefusedError(400, "bad_request", *wrong)
        fault = self._fault()
        if fault is not None and isinstance(fault.then, int):
            data = fault.body if isinstance(fault.body, bytes) else json.dumps(fault.body).encode()
            headers = {"Content-Type": "application/json", **fault.headers}
            return web.Response(status=fault.then, body=data, headers=headers)
        if fault is not None and fault.then == "drop":
            return None
        if fault is not None and fault.then == "html":
            return web.Response(text="<html>Please log in to the hotel's network</html>", content_type="text/html")
        return await self._draw(request, endpoint, form, image, accept, fault)

    def _fault(self) -> Fault | None:
        if not self.behaviour.faults:
            return None
        fault = self.behaviour.faults[0]
        fault.times -= 1
        if fault.times <= 0:
            self.behaviour.faults.pop(0)
        return fault

    async def _draw(
        self,
        request: web.Request,
        endpoint: str,
        form: dict[str, str],
        image: Upload | None,
        accept: str,
        fault: Fault | None,
    ) -> web.StreamResponse | None:
        knobs, prompt = self.behaviour, form["prompt"]
        if any(word in prompt for word in knobs.refused_words):
            words = (
                "Your request was flagged by our content moderation system, as a result your request was denied and"
                " you were not charged."
            )
            raise _RefusedError(403, "content_moderation", words)
        model = form.get("model", "sd3.5-large").replace("sd3-", "sd3.5-") if endpoint == "sd3" else endpoint
        price = {**CREDITS, **SD3}[model]
        if knobs.credits is not None:
            if knobs.credits < price:
                words = (
                    "You lack sufficient credits to make this request. Please purchase more credits at"
                    " https://platform.stability.ai/account/credits and try again."
                )
                raise _RefusedError(402, "payment_required", words)
            knobs.credits -= price
        if knobs.seconds:
            await asyncio.sleep(knobs.seconds)
        seed = int(form.get("seed", "0")) or self._dice.randrange(1, 2**32 - 1)
        self.made.append(Made(endpoint, model, prompt, seed, form, image))
        if fault is not None and fault.then == "drop-after":
            return None
        size = RATIOS[form.get("aspect_ratio", "1:1")]
        if image is not None and image.size is not None and endpoint == "sd3":
            size = (image.size[0] // 64 * 64 or 64, image.size[1] // 64 * 64 or 64)
        kind = form.get("output_format", "png").upper()
        origin = "" if image is None else f"{len(image.data)}|{form['strength']}"
        data = await asyncio.to_thread(draw, f"{model}|{prompt}|{origin}", seed, size, kind)
        reason = "SUCCESS"
        if any(word in prompt for word in knobs.filtered_words):
            reason, data = "CONTENT_FILTERED", _blurred(data, kind)
        if accept == "image/*":
            headers = {"finish-reason": reason, "seed": str(seed), "Content-Type": f"image/{kind.lower()}"}
            return web.Response(body=data, headers=headers)
        answer = {"image": base64.b64encode(data).decode(), "finish_reason": reason, "seed": seed}
        if fault is not None and fault.then == "no-image":
            del answer["image"]
        body = json.dumps(answer).encode()
        if fault is None or fault.then != "truncate":
            return web.Response(body=body, content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        return None


async def _form_of(request: web.Request) -> tuple[dict[str, str], Upload | None]:
    form: dict[str, str] = {}
    image: Upload | None = None
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        assert isinstance(part, BodyPartReader)
        name = part.name or ""
        if name == "image" and part.filename:
            data = bytes(await part.read())
            image = Upload(data, part.headers.get("Content-Type", ""), _pixels(data))
        else:
            form[name] = await part.text()
    return form, image


def _pixels(data: bytes) -> tuple[int, int] | None:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
            return width, height
    except Exception:  # Pillow's decoders raise many kinds
        return None


def _blurred(data: bytes, kind: str) -> bytes:
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        picture.filter(ImageFilter.BoxBlur(40)).save(out, kind)
    return out.getvalue()
