"""A generator that is right in everything, and what the deliberately wrong ones have in common with it.

Every wrong class differs from the right one in the one thing its docstring names. ``BREAKS`` of a contract class is the
one standard test that must fail, ``SAYS`` what its message must contain.
"""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from charimg.addresses import join
from charimg.contracts import (
    Abilities,
    Credential,
    Declaration,
    ImageGenerator,
    Model,
    Price,
    Setting,
)
from charimg.errors import InvalidRequestError, ProviderError
from charimg.http import Answer
from charimg.model import GeneratedImage, ImageRequest
from charimg.reference_pictures import read_reference
from charimg.testing import GeneratorContract, Route, Service, Trouble
from charimg.verdicts import error_of, read_answer

BASE_URL = Setting("base_url", "Address of the service.", default="https://sketch.example")
KEY = Credential("api_key", "From the account page.")


class Sketch(ImageGenerator):
    """Right in everything."""

    declaration = Declaration(
        name="sketch",
        summary="Draws a sketch.",
        settings=(BASE_URL, Setting("model", "The model.", default="s2", checked=date(2026, 11, 22))),
        credentials=(KEY,),
        abilities=Abilities(seed=True, negative=True, references=2, aspect_ratios=("1:1", "9:16")),
        models=(Model("s1", retired=date(2026, 1, 1), successor="s2"), Model("s2", price=Price(0))),
    )

    @property
    def key(self) -> str:
        return self.context.credentials["api_key"].reveal()

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        answer = await self.send(request)
        if not answer.ok or not answer.headers.get("content-type", "").startswith("image/"):
            raise self.error(answer)
        return GeneratedImage(answer.body, seed=request.seed)

    async def send(self, request: ImageRequest) -> Answer:
        body = await self.body(request)
        return await self.post("/v1/draw", body)

    async def body(self, request: ImageRequest) -> dict[str, Any]:
        return {
            "prompt": request.prompt,
            "negative": request.negative,
            "seed": request.seed,
            "ratio": request.aspect_ratio,
            "references": [(await read_reference(one)).base64 for one in request.references],
        }

    async def post(self, path: str, body: dict[str, Any]) -> Answer:
        url = join(str(self.context.settings["base_url"]), path)
        return await self.context.http.request("POST", url, headers={"Authorization": f"Bearer {self.key}"}, json=body)

    async def hello(self) -> None:
        url = join(str(self.context.settings["base_url"]), "/v1/hello")
        await self.context.http.request("GET", url)

    def error(self, answer: Answer) -> ProviderError:
        model = str(self.context.settings["model"])
        retirement = self.declaration.retirement(model) if answer.status == 404 else None
        if retirement:
            return InvalidRequestError(retirement)
        return error_of(read_answer(answer.status, answer.headers, answer.body, ceiling=self.context.wait_ceiling))


SERVICE = Service(
    Route("POST", "/v1/draw", lambda asked: asked.picture.data),
    Route("GET", "/v1/hello", {"hello": "you"}),
)


class Wrong(GeneratorContract):
    """A contract that its provider breaks."""

    service = SERVICE
    BREAKS: ClassVar[str]
    SAYS: ClassVar[str]

    @classmethod
    def standard_troubles(cls) -> tuple[Trouble, ...]:
        """Some of them, for there are many wrong generators."""
        some = ("401-wrong-key", "403-not-allowed", "429-seconds", "429-silent", "503-overloaded", "500")
        return tuple(one for one in super().standard_troubles() if one.id in some)
