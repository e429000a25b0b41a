"""The uploader ``comfyui``: pictures in the server's input folder, where *Load Image* nodes find them."""

from __future__ import annotations

import hashlib
import re

from charimg.contracts import Declaration, ProviderContext, Uploader
from charimg.model import MediaReference, SavedImage
from charimg.uploads import read_saved
from charimg_comfyui.declared import CREDENTIALS, NAME, SERVER_SETTINGS, URL
from charimg_comfyui.device import words_of
from charimg_comfyui.server import ComfyServer


class ComfyUploader(Uploader):
    """Uploads pictures of any generator. The reference is the name that a *Load Image* node takes."""

    declaration = Declaration(
        name=NAME,
        summary="The input folder of your own ComfyUI, for Load Image nodes.",
        settings=SERVER_SETTINGS,
        credentials=CREDENTIALS,
        url=URL,
    )

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._server = ComfyServer(context)

    async def check(self) -> str:
        """The server's version and graphics card."""
        return words_of(await self._server.stats())

    async def upload(self, picture: SavedImage) -> MediaReference:
        """Upload the picture; the server keeps equal ones once and may change the name of a different one."""
        name = await self._server.upload(await read_saved(picture), file_name(picture), picture.facts.media_type)
        return MediaReference(name, "id", uploader=NAME, lane=self.context.lane)


def file_name(picture: SavedImage) -> str:
    """The name to ask for: the key, in ASCII, with a few characters of its digest where that lost something."""
    plain = re.sub(r"[^\w.-]+", "-", picture.key, flags=re.ASCII).strip("-.")
    if plain != picture.key:
        plain = f"{plain}-{hashlib.sha256(picture.key.encode()).hexdigest()[:8]}".lstrip("-")
    return f"{plain}{picture.facts.extension}"
