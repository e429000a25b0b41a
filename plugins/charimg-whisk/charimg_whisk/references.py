"""The user's own reference pictures as ingredients of a recipe: read, checked, described and uploaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from charimg.errors import InvalidRequestError, RejectedError
from charimg.model import Reference
from charimg.reference_pictures import read_reference
from charimg_whisk.media import Item, MediaShelf, named
from charimg_whisk.protocol import MAX_REFERENCES, Ingredient

if TYPE_CHECKING:
    from charimg.contracts import ProviderContext


class ReferencePictures:
    """Turns references of a request into ingredients."""

    def __init__(self, context: ProviderContext) -> None:
        self._shelf = context.share(MediaShelf)

    async def ingredients(self, references: Sequence[Reference]) -> tuple[Ingredient, ...]:
        """Every reference uploaded, in order; those uploaded before in this run are not uploaded again.

        :raises InvalidRequestError: there are too many, or one cannot be read or is no picture Whisk takes.
        """
        if len(references) > MAX_REFERENCES:
            raise InvalidRequestError(
                f"{len(references)} reference pictures are too many: Whisk takes {MAX_REFERENCES} in one request"
            )
        return tuple([await self._ingredient(reference) for reference in references])

    def forget(self, ingredients: Sequence[Ingredient]) -> None:
        """The service no longer knows one of these."""
        self._shelf.forget({one.media_id for one in ingredients})

    async def _ingredient(self, reference: Reference) -> Ingredient:
        picture = await read_reference(reference)
        category = str(reference.kind).upper()
        item = Item(picture.data, picture.media_type, picture.label, category, reference.caption)
        try:
            uploaded = await self._shelf.put(item)
        except RejectedError as error:
            raise named(error, picture.label) from error
        return Ingredient(uploaded.id, category, uploaded.caption or "")
