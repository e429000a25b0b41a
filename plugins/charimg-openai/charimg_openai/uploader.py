"""The uploader ``openai``: pictures in the service's Files, where later requests refer to them by id."""

from __future__ import annotations

from charimg.contracts import Declaration, ProviderContext, Uploader
from charimg.model import MediaReference, SavedImage
from charimg.uploads import read_saved
from charimg_openai.declared import API_KEY, CONNECTION, NAME, URL
from charimg_openai.faults import no_files
from charimg_openai.file_shelf import FileShelf, Upload
from charimg_openai.service import ImagesService


class OpenAIUploader(Uploader):
    """Puts pictures of any generator into Files; the same bytes once a run."""

    declaration = Declaration(
        name=NAME,
        summary="File ids at OpenAI (Files API), or at a server that speaks like it.",
        settings=CONNECTION,
        credentials=(API_KEY,),
        url=URL,
    )

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._service = context.share(ImagesService)
        self._shelf = context.share(FileShelf)

    async def open(self) -> None:
        """Try the key; a server that is known to keep no files is told before any picture is paid for."""
        if not self._service.dialect.files:
            raise no_files(self._service.title)
        await self._service.ready()

    async def check(self) -> str:
        """Ask for the list of models, which costs nothing."""
        return await self._service.check()

    async def upload(self, picture: SavedImage) -> MediaReference:
        """The reference that came with the picture where it serves, otherwise that of an upload."""
        if self._shelf.serves(picture.media):
            assert picture.media is not None
            return picture.media
        facts = picture.facts
        return await self._shelf.put(
            Upload(
                await read_saved(picture),
                facts.media_type,
                f"character-{facts.sha256[:12]}{facts.extension}",
                f"the picture of {picture.name}",
            )
        )
