"""Pictures put into the Files API: uploaded once, remembered while the service keeps them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from charimg.errors import FatalError, FlakyError
from charimg.model import MediaReference, utc_now
from charimg.uploads import UploadedOnce
from charimg_gemini.account import GeminiAccount
from charimg_gemini.answers import file_of
from charimg_gemini.declared import NAME
from charimg_gemini.protocol import file_body

if TYPE_CHECKING:
    from charimg.contracts import ProviderContext
    from charimg.http import Answer

CHUNK = 8 * 1024 * 1024
"""Bytes of one request of an upload, as the official client sends them."""

MARGIN = timedelta(minutes=5)
"""A file that has less time left is not given to a request, which may take minutes."""


@dataclass(frozen=True)
class Item:
    """A picture to be uploaded."""

    data: bytes = field(repr=False)
    media_type: str
    """Its true MIME type."""
    title: str
    """What the list of files at the service shows."""


class FileShelf:
    """What the lane has uploaded in this run. Made by ``context.share(FileShelf)``."""

    def __init__(self, context: ProviderContext) -> None:
        self._context = context
        self._account = context.share(GeminiAccount)
        self._uploads = UploadedOnce[MediaReference](self.serves)

    def serves(self, reference: MediaReference | None) -> bool:
        """Whether a reference is one of this lane's that the service will keep for a while."""
        return (
            reference is not None
            and reference.uploader == NAME
            and reference.lane == self._context.lane
            and not reference.expired(utc_now() + MARGIN)
        )

    async def put(self, item: Item) -> MediaReference:
        """The reference to a picture: of this run's earlier upload while it lives, else of a new one."""
        digest = hashlib.sha256(item.data).hexdigest()
        with self._account.told_safely():
            return await self._uploads.put(digest, partial(self._upload, item))

    async def forget_the_gone(self, uris: set[str]) -> bool:
        """Ask the service for each of these files, which costs nothing, and forget those that it no longer gives.

        :returns: whether there was one; also one that another job has missed, and forgotten, in the meantime.
        :raises FlakyError: one is there and cannot be used yet, or never.
        """
        gone = uris - {kept.id for kept in self._uploads.kept()}
        for reference in self._uploads.kept():
            if reference.id not in uris:
                continue
            answer = await self._account.send("GET", self._account.path(_name(reference.id)))
            if answer.status in (403, 404):
                gone.add(reference.id)
            elif answer.ok:
                found = file_of(answer.json())
                if found is not None and found.state not in ("", "ACTIVE"):
                    raise FlakyError(f"Gemini has not finished with an uploaded picture ({found.state})")
        self._uploads.forget(lambda kept: kept.id in gone)
        return bool(gone)

    async def _upload(self, item: Item) -> MediaReference:
        size = len(item.data)
        announced = {
            "X-Goog-Upload-Protocol": "resumable",
            "X-Goog-Upload-Command": "start",
            "X-Goog-Upload-Header-Content-Length": str(size),
            "X-Goog-Upload-Header-Content-Type": item.media_type,
        }
        body = file_body(item.title, item.media_type, size)
        url = self._account.path("files", upload=True)
        started = self._accepted(await self._account.send("POST", url, headers=announced, json=body))
        address = self._address_of(started)
        answer = None
        for offset in range(0, size, CHUNK):
            last = offset + CHUNK >= size
            headers = {
                "X-Goog-Upload-Command": "upload, finalize" if last else "upload",
                "X-Goog-Upload-Offset": str(offset),
                "Content-Type": item.media_type,
            }
            # The address is the credential: no key goes with it.
            chunk = item.data[offset : offset + CHUNK]
            answer = self._accepted(
                await self._account.send("POST", address, headers=headers, data=chunk, with_key=False)
            )
            wanted = "final" if last else "active"
            if answer.headers.get("x-goog-upload-status", wanted) != wanted:
                raise FlakyError("Gemini broke off the upload of a picture")
        return self._reference(answer)

    def _address_of(self, answer: Answer) -> str:
        """Where the bytes go, as the answer names it; checked, since the picture and a credential go there.

        :raises FatalError: it is another service's.
        """
        address = answer.headers.get("x-goog-upload-url", "")
        if not address:
            raise FlakyError("Gemini named no address to upload the picture to")
        if not self._account.own(address):
            raise FatalError(
                f"{self._account.host} names an address of another service for the upload; nothing is sent there."
                " A gateway must put its own there: check the setting base_url"
            )
        for value in parse_qs(urlsplit(address).query).get("upload_id", []):
            self._context.redactor.add(value)
        return address

    def _reference(self, answer: Answer | None) -> MediaReference:
        found = None if answer is None else file_of(answer.json())
        if found is None:
            raise FlakyError("Gemini took the picture but told no file of it")
        if found.state == "FAILED":
            raise FlakyError("Gemini could not use the uploaded picture (FAILED)")
        return MediaReference(found.uri, kind="id", uploader=NAME, lane=self._context.lane, expires_at=found.expires_at)

    def _accepted(self, answer: Answer) -> Answer:
        """The answer, if the service took the request; else raises what its refusal means."""
        if not answer.ok:
            raise self._account.error_of(answer)
        return answer


def _name(uri: str) -> str:
    """``files/abc-123`` of a file's URI."""
    return f"files/{uri.rstrip('/').rpartition('/')[2]}"
