"""The generator ``stability``: one request, one picture, in the same answer."""

from __future__ import annotations

from charimg.contracts import ImageGenerator, ProviderContext
from charimg.errors import InvalidRequestError, RejectedError
from charimg.model import GeneratedImage, ImageRequest
from charimg.reference_pictures import read_reference
from charimg_hosted.stability.declared import CORE, DECLARATION
from charimg_hosted.stability.protocol import LARGEST_REQUEST, drawn, form_fields, path_of, refusal_in
from charimg_hosted.stability.service import CHANGE, StabilityService


class StabilityGenerator(ImageGenerator):
    """Asks Stability for one picture a request. No call tries a key for nothing: the first picture does."""

    declaration = DECLARATION

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._service = context.share(StabilityService)
        self._model = str(context.settings.get("model") or CORE)
        self._timeout = float(context.settings.get("timeout") or 0)

    async def check(self) -> str:
        """Say what would draw; no request that tries a key for nothing is known."""
        return f"the key is there; it cannot be tried without a paid picture; {self._model} draws"

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        """Ask for one picture."""
        from aiohttp import FormData  # noqa: PLC0415 - loaded when something is sent

        from charimg.http import Timeouts  # noqa: PLC0415 - likewise

        if len(request.references) > 1:
            raise InvalidRequestError(
                f"{len(request.references)} reference pictures are too many: Stability begins with one"
            )
        fields = form_fields(request, self.context.settings, with_picture=bool(request.references))
        form = FormData(default_to_multipart=True)
        for name, value in fields.items():
            form.add_field(name, value)
        for reference in request.references:
            picture = await read_reference(reference)
            if len(picture.data) > LARGEST_REQUEST - 64 * 1024:  # the words want room too
                limit = LARGEST_REQUEST // (1024 * 1024)
                raise InvalidRequestError(f"{picture.label} is too large: Stability takes requests up to {limit} MB")
            form.add_field("image", picture.data, filename=picture.file_name, content_type=picture.media_type)
        answer = await self.context.http.request(
            "POST",
            self._service.url(path_of(self._model)),
            headers=self._service.key_headers(),
            data=form,
            # Nothing comes before the whole answer does, so waiting for a piece is waiting for all.
            timeouts=Timeouts(read=self._timeout, total=self._timeout),
        )
        if not answer.ok:
            raise self._service.refusal(answer, retirement=self.declaration.retirement(self._model))
        data = self._service.accepted(answer)
        filtered = refusal_in(data)  # before its picture is looked at: a filtered one is there, and useless
        if filtered is not None:
            raise RejectedError(f"Stability filtered the picture it drew ({filtered}); {CHANGE}")
        made = drawn(data)
        return GeneratedImage(
            made.data,
            seed=made.seed,
            model=self._model,
            request_id=answer.headers.get("x-request-id"),
        )
