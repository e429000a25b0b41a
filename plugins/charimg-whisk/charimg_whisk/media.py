"""Pictures put where Whisk can refer to them: described, uploaded once, and remembered while the service keeps them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from charimg.errors import (
    FlakyError,
    InvalidRequestError,
    ProviderError,
    RejectedError,
)
from charimg.model import MediaReference, utc_now
from charimg.uploads import UploadedOnce
from charimg_whisk.account import WhiskAccount
from charimg_whisk.answers import caption_of, media_id_of
from charimg_whisk.declared import NAME
from charimg_whisk.protocol import MAX_UPLOAD, UPLOAD_TYPES, caption_body, data_uri, upload_body

if TYPE_CHECKING:
    from charimg.contracts import ProviderContext


@dataclass(frozen=True)
class Item:
    """A picture to be uploaded."""

    data: bytes = field(repr=False)
    media_type: str
    """Its true MIME type."""
    label: str
    """What messages call it."""
    category: str
    """``SUBJECT``, ``SCENE``, ``STYLE`` or ``BOARD``."""
    caption: str | None = None
    """The caption to use; ``None`` asks Whisk for one, where the setting allows."""
    otherwise: str = ""
    """The caption where Whisk gave none."""

    @property
    def place(self) -> tuple[str, str, str | None]:
        """The same picture, filed in the same way: one upload serves."""
        return hashlib.sha256(self.data).hexdigest(), self.category, self.caption


class MediaShelf:
    """What the lane has uploaded in this run. Made by ``context.share(MediaShelf)``."""

    def __init__(self, context: ProviderContext) -> None:
        self._account = context.share(WhiskAccount)
        self._lane = context.lane
        self._captioning = bool(context.settings.get("caption", True))
        lifetime = context.settings.get("media_lifetime")
        self._lifetime = timedelta(minutes=60 if lifetime is None else float(lifetime))
        self._uploads = UploadedOnce[MediaReference](self.serves)
        self._captions: dict[tuple[str, str, str | None], str] = {}
        self._refused: dict[tuple[str, str, str | None], RejectedError] = {}

    def reference(self, media_id: str, caption: str | None = None) -> MediaReference:
        """A reference to a picture that the service has just taken or made."""
        return MediaReference(
            media_id,
            kind="id",
            uploader=NAME,
            lane=self._lane,
            expires_at=self._now() + self._lifetime,
            caption=caption,
        )

    def serves(self, reference: MediaReference | None) -> bool:
        """Whether a reference is one of this lane's that the service still knows."""
        return (
            reference is not None
            and reference.kind == "id"
            and reference.uploader == NAME
            and reference.lane == self._lane
            and not reference.expired(self._now())
        )

    async def put(self, item: Item) -> MediaReference:
        """Upload a picture, unless this run has done so; callers with the same picture share one upload.

        A picture that was refused for its content is not offered again.

        :raises InvalidRequestError: it is of a kind or size that Whisk does not take; nothing was sent.
        """
        if item.media_type not in UPLOAD_TYPES:
            raise InvalidRequestError(f"{item.label} is {item.media_type}; Whisk takes PNG, JPEG and WebP")
        if len(item.data) > MAX_UPLOAD:
            raise InvalidRequestError(f"{item.label} has {len(item.data) / 2**20:.1f} MB; Whisk takes 20 MB at most")
        place = item.place
        if place in self._refused:
            raise self._refused[place]
        return await self._uploads.put(place, partial(self._upload, item))

    def forget(self, media_ids: set[str]) -> None:
        """The service no longer knows these: the next caller uploads again."""
        self._uploads.forget(lambda kept: kept.id in media_ids)

    async def _upload(self, item: Item) -> MediaReference:
        place = item.place
        try:
            picture = data_uri(item.data, item.media_type)
            caption = await self._caption(item, picture)
            body = upload_body(
                picture,
                caption,
                category=item.category,
                workflow=await self._account.workflow(),
                session=self._account.session,
            )
            media_id = media_id_of(await self._account.tell("backbone.uploadImage", body))
            if media_id is None:
                raise FlakyError("Whisk took the picture but sent no id of it")
        except RejectedError as error:
            self._refused[place] = error
            raise
        return replace(self.reference(media_id), caption=caption or None)

    async def _caption(self, item: Item, picture: str) -> str:
        """The words that go with an upload. A caption that fails costs the words, not the upload."""
        if item.caption is not None or not self._captioning:
            return item.caption if item.caption is not None else item.otherwise
        place = item.place
        if place not in self._captions:
            body = caption_body(picture, category=item.category, session=self._account.session)
            try:
                found = caption_of(await self._account.tell("backbone.captionImage", body))
            except (FlakyError, InvalidRequestError, RejectedError):
                found = None
            if found is None:
                return item.otherwise
            self._captions[place] = found
        return self._captions[place]

    def _now(self) -> datetime:
        return utc_now()


def named(error: ProviderError, label: str) -> ProviderError:
    """The same error, saying which picture it is about."""
    return type(error)(
        f"{label}: {error.message}",
        wait=error.wait,
        retry_at=error.retry_at,
        possibly_charged=error.possibly_charged,
        unreachable=error.unreachable,
    )
