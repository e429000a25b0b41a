"""The generator ``huggingface``: one request, one picture, in the same answer."""

from __future__ import annotations

from typing import Any

from charimg.addresses import join
from charimg.contracts import ImageGenerator, Model, ProviderContext
from charimg.errors import FatalError, InvalidRequestError
from charimg.http import Answer, Timeouts
from charimg.model import GeneratedImage, ImageRequest
from charimg_hosted.huggingface.declared import DECLARATION, DEFAULT_MODEL
from charimg_hosted.huggingface.faults import error_from
from charimg_hosted.huggingface.protocol import MODELS, WHOAMI, models_of, name_of, path_of, picture_body

QUICK = Timeouts(connect=20, read=30, total=60)
"""For the hub's own answers."""


class HuggingFaceGenerator(ImageGenerator):
    """Asks hf-inference for one picture a request; the answer is the picture itself."""

    declaration = DECLARATION

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._model = str(context.settings.get("model") or DEFAULT_MODEL).strip("/ ")
        self._timeout = float(context.settings.get("timeout") or 0)

    async def check(self) -> str:
        """Ask the hub whose the token is, which costs nothing (and is limited: not before every run)."""
        who = name_of(await self._hub(WHOAMI))
        return f"the token is {who}'s; {self._model} draws" if who else f"the token is valid; {self._model} draws"

    async def models(self) -> tuple[Model, ...]:
        """The models that hf-inference draws with now, as the hub lists them."""
        return models_of(await self._hub(MODELS))

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        """Ask for one picture."""
        if request.references:
            raise InvalidRequestError("Hugging Face's text-to-image takes no reference pictures; leave them out")
        body = picture_body(request, self.context.settings)
        answer = await self.context.http.request(
            "POST",
            join(str(self.context.settings.get("base_url") or ""), path_of(self._model)),
            headers={**self._login(), "Accept": "image/png"},
            json=body,
            # Nothing comes before the whole answer does, so waiting for a piece is waiting for all.
            timeouts=Timeouts(read=self._timeout, total=self._timeout),
        )
        if not answer.ok or "json" in answer.headers.get("content-type", ""):
            raise self._error(answer)
        return GeneratedImage(
            answer.body,
            seed=body["parameters"]["seed"],
            model=self._model,
            request_id=answer.headers.get("x-request-id"),
        )

    async def _hub(self, path: str) -> Any:
        url = join(str(self.context.settings.get("hub_url") or ""), path)
        answer = await self.context.http.request("GET", url, headers=self._login(), timeouts=QUICK)
        if not answer.ok:
            raise self._error(answer)
        return answer.json()

    def _error(self, answer: Answer) -> Exception:
        return error_from(
            answer,
            self._model,
            retirement=self.declaration.retirement(self._model),
            clean=self.context.redactor.clean,
            ceiling=self.context.wait_ceiling,
        )

    def _login(self) -> dict[str, str]:
        token = self.context.credentials.get("token")
        if not token:
            raise FatalError("Hugging Face needs a token: `charimg keys set huggingface`, or HF_TOKEN")
        self.context.redactor.add(token)
        return {"Authorization": f"Bearer {token.reveal().strip()}"}
