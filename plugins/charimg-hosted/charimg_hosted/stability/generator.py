"""The generator ``stability``: one request, one picture, in the same answer."""

from __future__ import annotations

from charimg.addresses import join
from charimg.contracts import ImageGenerator, ProviderContext
from charimg.errors import FatalError, InvalidRequestError
from charimg.http import Timeouts
from charimg.model import Cost, GeneratedImage, ImageRequest
from charimg.reference_pictures import read_reference
from charimg_hosted.stability.declared import CORE, DECLARATION
from charimg_hosted.stability.faults import error_from, refused
from charimg_hosted.stability.protocol import LARGEST_REQUEST, drawn, form_fields, path_of, was_refused


class StabilityGenerator(ImageGenerator):
    """Asks Stability for one picture a request. No call tries a key for nothing: the first picture does."""

    declaration = DECLARATION

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._model = str(context.settings.get("model") or CORE)
        self._timeout = float(context.settings.get("timeout") or 0)

    async def check(self) -> str:
        """Say what would be used; nothing is asked of the service, where every call that needs a key is paid for."""
        self._headers()
        return f"a key is set; {self._model} draws (the key itself is tried by the first picture)"

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        """Ask for one picture."""
        from aiohttp import FormData  # noqa: PLC0415 - loaded when the first picture is asked for

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
            join(str(self.context.settings.get("base_url") or ""), path_of(self._model)),
            headers=self._headers(),
            data=form,
            # Nothing comes before the whole answer does, so waiting for a piece is waiting for all.
            timeouts=Timeouts(read=self._timeout, total=self._timeout),
        )
        if not answer.ok:
            raise error_from(
                answer,
                retirement=self.declaration.retirement(self._model),
                clean=self.context.redactor.clean,
                ceiling=self.context.wait_ceiling,
            )
        data = answer.json()
        if was_refused(data):  # before its picture is looked at: a filtered one is there, and useless
            raise refused()
        made = drawn(data)
        price = self.price(self.context.settings)
        return GeneratedImage(
            made.data,
            seed=made.seed,
            model=self._model,
            cost=None if price is None else Cost(price.amount, price.currency),
            request_id=answer.headers.get("x-request-id"),
        )

    def _headers(self) -> dict[str, str]:
        key = self.context.credentials.get("api_key")
        if not key:
            raise FatalError("Stability needs a key: `charimg keys set stability`, or STABILITY_API_KEY")
        self.context.redactor.add(key)
        return {"Authorization": f"Bearer {key.reveal().strip()}", "Accept": "application/json"}
