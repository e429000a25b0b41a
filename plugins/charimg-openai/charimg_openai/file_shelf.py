"""Pictures put into the service's Files, each once a run, however many ask for it at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

from charimg.errors import FlakyError, InvalidRequestError
from charimg.model import MediaReference, utc_now
from charimg.uploads import UploadedOnce
from charimg_openai.declared import NAME
from charimg_openai.service import ImagesService

if TYPE_CHECKING:
    from charimg.contracts import ProviderContext

TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif")
"""Pictures that the purpose ``vision`` takes."""


@dataclass(frozen=True)
class Upload:
    """A picture to be put there."""

    data: bytes = field(repr=False)
    media_type: str
    """By its content."""
    file_name: str
    """With the extension of its format, in ASCII."""
    label: str
    """What messages call it."""


class FileShelf:
    """What the lane has uploaded in this run. Made by ``context.share(FileShelf)``."""

    def __init__(self, context: ProviderContext) -> None:
        self._service = context.share(ImagesService)
        self._lane = context.lane
        self._expires_after = context.settings.get("expires_after")
        self._purpose = str(context.settings.get("purpose") or "vision")
        self._uploads = UploadedOnce[MediaReference](self.serves)

    def serves(self, reference: MediaReference | None) -> bool:
        """Whether a reference is one of this lane's that the service still knows."""
        return (
            reference is not None
            and (reference.uploader, reference.kind, reference.lane) == (NAME, "id", self._lane)
            and not reference.expired(utc_now())
        )

    async def put(self, upload: Upload) -> MediaReference:
        """Upload a picture unless this run has done so; who asks while it is under way shares the one upload.

        :raises InvalidRequestError: it is of a kind that Files does not take as a picture; nothing was sent.
        """
        if upload.media_type not in TYPES:
            raise InvalidRequestError(f"{upload.label} is {upload.media_type}; Files takes PNG, JPEG, WebP and GIF")
        digest = hashlib.sha256(upload.data).hexdigest()
        return await self._uploads.put(digest, partial(self._upload, upload))

    def forget(self, ids: set[str]) -> None:
        """The service no longer knows these: the next caller uploads again."""
        self._uploads.forget(lambda one: one.id in ids)

    async def _upload(self, upload: Upload) -> MediaReference:
        fields = [("purpose", self._purpose)]
        if self._expires_after is not None:
            fields += [
                ("expires_after[anchor]", "created_at"),
                ("expires_after[seconds]", str(int(self._expires_after))),
            ]
        part = ("file", upload.data, upload.file_name, upload.media_type)
        answer = await self._service.post_form("/files", fields, [part], spends=False)
        document = answer.json()
        file_id = document.get("id") if isinstance(document, dict) else None
        if not isinstance(file_id, str) or not file_id:
            raise FlakyError(f"{self._service.title} took {upload.label} but sent no id of it")
        return MediaReference(
            file_id, kind="id", uploader=NAME, lane=self._lane, expires_at=_moment(document.get("expires_at"))
        )


def _moment(seconds: Any) -> datetime | None:
    """A time in seconds since 1970; ``None`` for what is none."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < 4e9:
        return None
    return datetime.fromtimestamp(seconds, timezone.utc)
