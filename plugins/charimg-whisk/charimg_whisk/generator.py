"""The generator ``whisk``: a picture from words, or from words and up to three reference pictures."""

from __future__ import annotations

from typing import Any

from charimg.contracts import Abilities, Declaration, ImageGenerator, ProviderContext, Setting
from charimg.errors import InvalidRequestError
from charimg.model import GeneratedImage, ImageRequest
from charimg_whisk.account import WhiskAccount
from charimg_whisk.answers import picture_of
from charimg_whisk.declared import COOKIE, NAME, SETTINGS, URL
from charimg_whisk.faults import StaleMediaError
from charimg_whisk.media import MediaShelf
from charimg_whisk.protocol import (
    ASPECTS,
    DEFAULT_MODEL,
    MAX_REFERENCES,
    MODELS,
    RECIPES_ONLY,
    REFERENCE_MODEL,
    generate_body,
    recipe_body,
)
from charimg_whisk.references import ReferencePictures

AUTOMATIC = "auto"
"""The model setting that lets the request decide."""


class WhiskGenerator(ImageGenerator):
    """Asks Whisk for one picture a request; the id that comes with it serves as its media reference."""

    declaration = Declaration(
        name=NAME,
        summary="Google Labs Whisk (closed by Google on 2026-04-30; through a gateway that still speaks its protocol).",
        settings=(
            Setting(
                "model",
                f"The model; auto is {DEFAULT_MODEL}, and {REFERENCE_MODEL} where a request has reference pictures.",
                str,
                AUTOMATIC,
                choices=(AUTOMATIC, *MODELS),
            ),
            *SETTINGS,
        ),
        credentials=(COOKIE,),
        abilities=Abilities(references=MAX_REFERENCES, seed=True, aspect_ratios=tuple(ASPECTS)),
        url=URL,
    )

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._account = context.share(WhiskAccount)
        self._shelf = context.share(MediaShelf)
        self._references = ReferencePictures(context)

    async def open(self) -> None:
        """Log in."""
        await self._account.ready()

    async def close(self) -> None:
        """Give up what is under way."""
        await self._account.close()

    async def check(self) -> str:
        """Log in and ask for the user's preferences, which costs nothing."""
        return await self._account.check()

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        """Ask for one picture.

        A reference picture that the service has forgotten is uploaded again and the request replayed, once.
        """
        data = await (self._cook(request) if request.references else self._draw(request))
        picture = picture_of(data)
        return GeneratedImage(
            data=picture.data,
            seed=picture.seed,
            model=picture.model,
            prompt=picture.prompt,
            media=self._shelf.reference(picture.media_id) if picture.media_id else None,
            request_id=picture.request_id,
        )

    def _model(self, automatic: str) -> str:
        chosen = str(self.context.settings.get("model") or AUTOMATIC)
        return automatic if chosen == AUTOMATIC else chosen

    async def _draw(self, request: ImageRequest) -> Any:
        model = self._model(DEFAULT_MODEL)
        if model == RECIPES_ONLY:
            raise InvalidRequestError(
                f"{RECIPES_ONLY} draws from reference pictures only and this request has none; use -o model={AUTOMATIC}"
            )
        body = generate_body(
            request,
            model=model,
            category=str(self.context.settings.get("media_category") or "SUBJECT"),
            workflow=await self._account.workflow(),
            session=self._account.session,
        )
        return await self._account.generate("whisk:generateImage", body)

    async def _cook(self, request: ImageRequest) -> Any:
        try:
            return await self._cook_once(request)
        except StaleMediaError:
            pass
        try:
            return await self._cook_once(request)
        except StaleMediaError as error:
            raise InvalidRequestError(
                f"Whisk does not find the reference pictures it has just been sent ({error.message})"
            ) from error

    async def _cook_once(self, request: ImageRequest) -> Any:
        ingredients = await self._references.ingredients(request.references)
        body = recipe_body(
            request,
            ingredients,
            model=self._model(REFERENCE_MODEL),
            workflow=await self._account.workflow(),
            session=self._account.session,
        )
        try:
            return await self._account.generate("whisk:runImageRecipe", body)
        except StaleMediaError:
            self._references.forget(ingredients)
            raise
