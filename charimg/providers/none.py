"""The uploader ``none``: pictures stay where they were saved."""

from __future__ import annotations

from collections.abc import Callable

from charimg.contracts import Declaration, Uploader
from charimg.hookspecs import hookimpl
from charimg.model import MediaReference, SavedImage


class NoUploader(Uploader):
    """Uploads nothing. A reference that came with the generation is kept."""

    declaration = Declaration(name="none", summary="Uploads nothing: pictures stay in the project.")

    keeps_references = False

    async def upload(self, picture: SavedImage) -> MediaReference | None:
        """Keep the generator's own reference, if it gave one."""
        return picture.media


@hookimpl
def register_uploaders(register: Callable[[type[Uploader]], None]) -> None:
    """Offer :class:`NoUploader`."""
    register(NoUploader)
