"""The generator ``huggingface``: one request, one picture, in the same answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from charimg.addresses import join
from charimg.contracts import ImageGenerator, Model, ProviderContext
from charimg.errors import InvalidRequestError, ProviderError
from charimg.model import GeneratedImage, ImageRequest
from charimg_hosted.huggingface.declared import DECLARATION, DEFAULT_MODEL
from charimg_hosted.huggingface.protocol import (
    MODELS,
    WHOAMI,
    may_be_picture,
    models_of,
    name_of,
    path_of,
    picture_body,
)
from charimg_hosted.huggingface.service import HuggingFaceService

if TYPE_CHECKING:
    from charimg.http import Answer, Timeouts

QUICK = 60.0
"""Seconds for the hub's own answers."""


class HuggingFaceGenerator(ImageGenerator):
    """Asks hf-inference for one picture a request; the answer is the picture itself."""

    declaration = DECLARATION

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._service = context.share(HuggingFaceService)
        self._model = str(context.settings.get("model") or DEFAULT_MODEL).strip("/ ")
        self._timeout = float(context.settings.get("timeout") or 0)

    async def check(self) -> str:
        """Ask the hub whose the token is, which costs nothing (and is limited: not before every run)."""
        hub = self._service.hub_url
        if hub is None:
            return f"the key is there; a gateway's cannot be tried without a picture; {self._model} draws"
        who = name_of(await self._ask(join(hub, WHOAMI)))
        return f"the token is {who}'s; {self._model} draws" if who else f"the token is valid; {self._model} draws"

    async def models(self) -> tuple[Model, ...] | None:
        """The models that hf-inference draws with now, as the hub lists them; ``None`` behind a gateway."""
        hub = self._service.hub_url
        return None if hub is None else models_of(await self._ask(join(hub, MODELS)))

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        """Ask for one picture."""
        if request.references:
            raise InvalidRequestError("Hugging Face's text-to-image takes no reference pictures; leave them out")
        body = picture_body(request, self.context.settings)
        answer = await self.context.http.request(
            "POST",
            self._service.url(path_of(self._model)),
            headers={**self._service.key_headers(), "Accept": "image/png"},
            json=body,
            timeouts=_within(self._timeout),
        )
        if not answer.ok or not may_be_picture(answer.headers.get("content-type", ""), answer.body):
            raise self._error(answer)
        return GeneratedImage(
            answer.body,
            seed=body["parameters"]["seed"],
            model=self._model,
            request_id=answer.headers.get("x-request-id"),
        )

    async def _ask(self, url: str) -> Any:
        """One of the hub's lists."""
        answer = await self.context.http.request(
            "GET", url, headers=self._service.key_headers(), timeouts=_within(QUICK)
        )
        if not answer.ok:
            raise self._error(answer)
        return answer.json()

    def _error(self, answer: Answer) -> ProviderError:
        return self._service.refusal(answer, self._model, retirement=self.declaration.retirement(self._model))


def _within(seconds: float) -> Timeouts:
    """Nothing comes before the whole answer does: waiting for a piece is waiting for all."""
    from charimg.http import Timeouts  # noqa: PLC0415 - aiohttp is loaded when something is sent

    return Timeouts(read=seconds, total=seconds)
