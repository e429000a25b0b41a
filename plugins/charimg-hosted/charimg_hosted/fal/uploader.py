"""The uploader ``fal``: public addresses in fal's storage."""

from __future__ import annotations

from charimg.contracts import Declaration, ProviderContext, Setting, Uploader
from charimg.model import MediaReference, SavedImage
from charimg.uploads import read_saved
from charimg_hosted.fal.service import BASE_URL, KEY, NAME, REST_URL, URL, FalService


class FalUploader(Uploader):
    """Puts pictures into fal's storage, the same bytes once a run."""

    declaration = Declaration(
        name=NAME,
        summary="fal's storage: a public address for each picture, which fal's models take as input.",
        settings=(
            Setting("keep_days", "Days after which fal deletes the picture; 0 for never.", int, 0, minimum=0),
            BASE_URL,
            REST_URL,
        ),
        credentials=(KEY,),
        url=URL,
    )

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._service = context.share(FalService)

    async def open(self) -> None:
        """Try the key."""
        await self._service.log_in()

    async def check(self) -> str:
        """Ask for an upload token, which costs nothing."""
        return "the key is good" if await self._service.log_in() else "the key could not be tried without an upload"

    async def upload(self, picture: SavedImage) -> MediaReference:
        """Upload the picture. Whoever has the address can see it."""
        name = f"{picture.facts.sha256[:16]}{picture.facts.extension}"
        days = int(self.context.settings.get("keep_days") or 0)
        stored = await self._service.store(await read_saved(picture), name, picture.facts.media_type, days)
        return MediaReference(stored.url, kind="url", uploader=NAME, expires_at=stored.expires_at)
