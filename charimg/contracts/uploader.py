"""The contract of an uploader."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from charimg.contracts.provider import Provider
from charimg.model import MediaReference, SavedImage


class Uploader(Provider):
    """Puts one saved picture where later work can refer to it.

    Uploading the same bytes twice should not make two of them where the service allows it. It never sleeps and
    never retries. A complete example is ``charimg/providers/folder.py``.
    """

    keeps_references: ClassVar[bool] = True
    """Whether later work may ask it for a picture: if so, a picture that another uploader has is uploaded again."""

    @abstractmethod
    async def upload(self, picture: SavedImage) -> MediaReference | None:
        """Upload the picture and say where it is; ``None`` if this uploader keeps no references.

        ``picture.media`` holds the reference that came with the generation, if one did: an uploader of the same
        service may return it as it is when it serves, and so spare the upload.
        """
