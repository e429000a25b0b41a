"""The uploader ``whisk``: the id a generation returned, or an upload with category and caption."""

from __future__ import annotations

from charimg.contracts import Declaration, ProviderContext, Setting, Uploader
from charimg.model import MediaReference, SavedImage
from charimg.uploads import read_saved
from charimg_whisk.account import WhiskAccount
from charimg_whisk.declared import COOKIE, NAME, SETTINGS, URL
from charimg_whisk.media import Item, MediaShelf


class WhiskUploader(Uploader):
    """Puts pictures of any generator where Whisk's recipes can refer to them."""

    declaration = Declaration(
        name=NAME,
        summary="Media ids at Google Labs Whisk (closed by Google on 2026-04-30; through a gateway).",
        settings=(
            Setting(
                "reuse_generated_id",
                "Use the id that Whisk returned with a picture of its own, and upload only what has none.",
                bool,
                default=True,
            ),
            *SETTINGS,
        ),
        credentials=(COOKIE,),
        url=URL,
    )

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._account = context.share(WhiskAccount)
        self._shelf = context.share(MediaShelf)

    async def open(self) -> None:
        """Log in."""
        await self._account.ready()

    async def close(self) -> None:
        """Give up what is under way."""
        await self._account.close()

    async def check(self) -> str:
        """Log in and ask for the user's preferences, which costs nothing."""
        return await self._account.check()

    async def upload(self, picture: SavedImage) -> MediaReference:
        """The reference that came with the picture where it serves, otherwise that of an upload."""
        if self.context.settings.get("reuse_generated_id", True) and self._shelf.serves(picture.media):
            assert picture.media is not None
            return picture.media
        captioned = bool(self.context.settings.get("caption", True))
        return await self._shelf.put(
            Item(
                await read_saved(picture),
                picture.facts.media_type,
                f"the picture of {picture.name}",
                str(self.context.settings.get("media_category") or "SUBJECT"),
                caption=None if captioned else picture.description,
                otherwise=picture.description,
            )
        )
