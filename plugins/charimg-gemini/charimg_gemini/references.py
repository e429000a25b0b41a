"""The user's own reference pictures as parts of a request: sent along, or uploaded once and referred to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from charimg.errors import InvalidRequestError
from charimg.model import Reference
from charimg.reference_pictures import ReferencePicture, read_reference
from charimg_gemini.declared import MAX_REFERENCES
from charimg_gemini.protocol import INLINE_BYTES, MAX_REQUEST, PICTURE_TYPES, Shown, by_file, inline
from charimg_gemini.shelf import FileShelf, Item

if TYPE_CHECKING:
    from charimg.contracts import ProviderContext

AUTOMATIC, INLINE, FILES = "auto", "inline", "files"
MODES = (AUTOMATIC, INLINE, FILES)


class ReferencePictures:
    """Turns references of a request into its parts."""

    def __init__(self, context: ProviderContext) -> None:
        self._shelf = context.share(FileShelf)
        self._mode = str(context.settings.get("references") or AUTOMATIC)

    async def shown(self, references: Sequence[Reference]) -> tuple[Shown, ...]:
        """Every reference as it is sent, in order.

        :raises InvalidRequestError: there are too many, or one cannot be read or is no picture Gemini looks at.
        """
        if len(references) > MAX_REFERENCES:
            raise InvalidRequestError(
                f"{len(references)} reference pictures are too many: Gemini takes {MAX_REFERENCES} in one request"
            )
        pictures = [await read_reference(reference) for reference in references]
        for picture in pictures:
            if picture.media_type not in PICTURE_TYPES:
                raise InvalidRequestError(f"{picture.label} is {picture.media_type}; Gemini takes PNG, JPEG and WebP")
        size = sum(len(picture.data) for picture in pictures)
        if self._mode == FILES or (self._mode == AUTOMATIC and size > INLINE_BYTES):
            return tuple([await self._uploaded(picture) for picture in pictures])
        if size * 4 // 3 > MAX_REQUEST:
            raise InvalidRequestError(
                f"the reference pictures have {size / 2**20:.1f} MB; Gemini takes {MAX_REQUEST // 2**20} MB in one"
                " request, as base64: use -o references=auto"
            )
        return tuple(Shown(one.reference, inline(one.media_type, one.base64)) for one in pictures)

    async def forget_the_gone(self, uris: set[str]) -> bool:
        """See :meth:`charimg_gemini.shelf.FileShelf.forget_the_gone`."""
        return await self._shelf.forget_the_gone(uris)

    async def _uploaded(self, picture: ReferencePicture) -> Shown:
        media = await self._shelf.put(Item(picture.data, picture.media_type, picture.file_name))
        return Shown(picture.reference, by_file(picture.media_type, media.id))


def file_uris(shown: Iterable[Shown]) -> set[str]:
    """The URIs of the files that a request refers to."""
    return {one.part["fileData"]["fileUri"] for one in shown if "fileData" in one.part}
