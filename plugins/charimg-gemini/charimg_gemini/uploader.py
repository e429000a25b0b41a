"""The uploader ``gemini``: pictures in the Files API, where later requests of the same project can refer to them."""

from __future__ import annotations

from charimg.contracts import Declaration, ProviderContext, Uploader
from charimg.model import MediaReference, SavedImage
from charimg.uploads import read_saved
from charimg_gemini.account import GeminiAccount
from charimg_gemini.declared import API_KEY, NAME, SETTINGS, URL
from charimg_gemini.shelf import FileShelf, Item


class GeminiUploader(Uploader):
    """Puts pictures of any generator into the Files API, which keeps them for 48 hours."""

    declaration = Declaration(
        name=NAME,
        summary="Files at Google Gemini: kept for 48 hours, for requests of the same project.",
        settings=SETTINGS,
        credentials=(API_KEY,),
        url=URL,
    )

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._account = context.share(GeminiAccount)
        self._shelf = context.share(FileShelf)

    async def open(self) -> None:
        """Try the key."""
        await self._account.ready()

    async def check(self) -> str:
        """Ask for the list of files, which costs nothing."""
        await self._account.ask("GET", self._account.path("files"), params={"pageSize": "1"})
        return "the key works"

    async def upload(self, picture: SavedImage) -> MediaReference:
        """The reference to the picture's file, with the moment the service forgets it.

        The same bytes are uploaded once a run, as long as the file lives.
        """
        return await self._shelf.put(Item(await read_saved(picture), picture.facts.media_type, picture.path.name))
