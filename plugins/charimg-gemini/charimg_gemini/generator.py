"""The generator ``gemini``: a picture from words, or from words and reference pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from charimg.contracts import (
    Abilities,
    Declaration,
    ImageGenerator,
    Model,
    Price,
    ProviderContext,
    Setting,
    SettingValue,
)
from charimg.errors import FlakyError, InvalidRequestError
from charimg.model import GeneratedImage, ImageRequest, utc_now
from charimg_gemini.account import GeminiAccount
from charimg_gemini.answers import picture_of
from charimg_gemini.declared import (
    API_KEY,
    ASPECT_RATIOS,
    CHECKED,
    DEFAULT_MODEL,
    MAX_REFERENCES,
    MODELS,
    NAME,
    PRICES_BY_SIZE,
    SETTINGS,
    URL,
)
from charimg_gemini.faults import no_picture
from charimg_gemini.protocol import Shown, generate_body
from charimg_gemini.references import AUTOMATIC, MODES, ReferencePictures, file_uris

if TYPE_CHECKING:
    from charimg.http import Answer


class GeminiGenerator(ImageGenerator):
    """Asks ``generateContent`` for one picture a request."""

    declaration = Declaration(
        name=NAME,
        summary="Google Gemini (Nano Banana): an API key of a project with billing; references, no seed.",
        settings=(
            Setting("model", "The model; `--models` lists what there is now.", str, DEFAULT_MODEL, checked=CHECKED),
            Setting(
                "image_size",
                "Size of the picture, as the side of a square of its area; unset, the model's own (1K).",
                str,
                choices=("1K", "2K", "4K"),
            ),
            Setting(
                "references",
                "How reference pictures travel: inline in the request, files by the Files API, or auto by size.",
                str,
                AUTOMATIC,
                choices=MODES,
            ),
            *SETTINGS,
        ),
        credentials=(API_KEY,),
        abilities=Abilities(references=MAX_REFERENCES, negative=True, aspect_ratios=ASPECT_RATIOS),
        url=URL,
        models=MODELS,
    )

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._account = context.share(GeminiAccount)
        self._references = ReferencePictures(context)

    @classmethod
    def price(cls, settings: Mapping[str, SettingValue | None]) -> Price | None:
        """What one picture of the chosen model and size costs; ``None`` for a model that is not known."""
        model = _model_in(settings)
        larger = PRICES_BY_SIZE.get((model, str(settings.get("image_size") or "")))
        return larger or super().price({**settings, "model": model})

    async def open(self) -> None:
        """Try the key."""
        await self._account.ready()

    async def check(self) -> str:
        """Ask for the list of models, which costs nothing."""
        models = await self.models()
        chosen = self._model
        if models and not any(one.id == chosen for one in models):
            retirement = self.declaration.retirement(chosen)
            told = retirement or f"{chosen} is not among them; `charimg providers show gemini --models` lists them"
            raise InvalidRequestError(f"the key works, but {told}" if retirement is None else retirement)
        return f"the key works; {len(models)} models make pictures, {chosen} among them"

    async def models(self) -> tuple[Model, ...]:
        """The models of the service's list that make pictures, with what is known of them."""
        found = []
        for offered in await self._account.offered():
            known = self.declaration.model(offered.id)
            if offered.draws or (known is not None and offered.generates):
                found.append(known or Model(offered.id, offered.title))
        return tuple(found)

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        """Ask for one picture.

        A reference picture that the service has forgotten is uploaded again and the request replayed, once.
        """
        with self._account.told_safely(spends=True):
            shown = await self._references.shown(request.references)
            answer = await self._ask(request, shown)
            uris = file_uris(shown)
            if answer.status in (400, 403, 404) and uris and await self._references.forget_the_gone(uris):
                answer = await self._ask(request, await self._references.shown(request.references))
            return self._picture(answer)

    async def _ask(self, request: ImageRequest, shown: tuple[Shown, ...]) -> Answer:
        size = self.context.settings.get("image_size")
        body = generate_body(request, shown, size=str(size) if size else None)
        return await self._account.send("POST", self._account.path(f"models/{self._model}:generateContent"), json=body)

    def _picture(self, answer: Answer) -> GeneratedImage:
        """The picture of an answer, or what its absence means."""
        if not answer.ok:
            raise self._account.error_of(answer, model=self._model, retirement=self.declaration.retirement(self._model))
        try:
            data = answer.json()
        except FlakyError as error:
            error.possibly_charged = True  # a success that broke off: the picture was made
            raise
        picture = picture_of(data)
        if picture is None:
            raise no_picture(self._account.cleaned(answer), now=utc_now(), ceiling=self.context.wait_ceiling)
        # Tokens come with the answer, but no money: what it cost is the declared price, which the core knows.
        return GeneratedImage(data=picture.data, model=picture.model or self._model, request_id=picture.response_id)

    @property
    def _model(self) -> str:
        return _model_in(self.context.settings)


def _model_in(settings: Mapping[str, SettingValue | None]) -> str:
    """The chosen model, also as the service's own list writes it."""
    return str(settings.get("model") or DEFAULT_MODEL).strip().removeprefix("models/")
