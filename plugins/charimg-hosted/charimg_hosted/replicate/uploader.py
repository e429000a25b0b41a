"""The uploader ``replicate``: files that this account's predictions can read for a day."""

from __future__ import annotations

from charimg.contracts import Declaration, ProviderContext, Uploader
from charimg.model import MediaReference, SavedImage
from charimg.uploads import read_saved
from charimg_hosted.replicate.service import BASE_URL, NAME, TOKEN, URL, ReplicateService


class ReplicateUploader(Uploader):
    """Puts pictures into Replicate's files, the same bytes once a run."""

    declaration = Declaration(
        name=NAME,
        summary="Files at Replicate, which its models take as input; kept for 24 hours.",
        settings=(BASE_URL,),
        credentials=(TOKEN,),
        url=URL,
    )

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._service = context.share(ReplicateService)

    async def open(self) -> None:
        """Try the token."""
        await self._service.whoami()

    async def check(self) -> str:
        """Ask whose token it is, which costs nothing."""
        return f"logged in as {await self._service.whoami()}"

    async def upload(self, picture: SavedImage) -> MediaReference:
        """Upload the picture. The address serves this account only, until Replicate removes the file."""
        name = f"{picture.facts.sha256[:16]}{picture.facts.extension}"
        stored = await self._service.store(await read_saved(picture), name, picture.facts.media_type)
        return MediaReference(
            stored.url, kind="url", uploader=NAME, lane=self.context.lane, expires_at=stored.expires_at
        )
