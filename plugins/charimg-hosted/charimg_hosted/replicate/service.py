"""Replicate's account: address, token, files.

Source: the protocol notes on Replicate (requests captured from the official client 1.0), and that client's code for
``/v1/account``, ``/v1/collections`` and ``/v1/files``, 2026-11-22.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from charimg.contracts import Credential, Setting
from charimg.errors import FlakyError
from charimg.model import utc_now
from charimg.uploads import UploadedOnce
from charimg.verdicts.answer import one_line
from charimg_hosted.service import HostedService

if TYPE_CHECKING:
    from charimg.contracts import ProviderContext

NAME = "replicate"
URL = "https://replicate.com"

BASE_URL = Setting(
    "base_url",
    "The address of the API; a path in front is kept.",
    str,
    "https://api.replicate.com",
    env=("REPLICATE_BASE_URL",),
)
TOKEN = Credential(
    "api_key",
    "An API token of replicate.com (Account settings, API tokens), which begins with r8_.",
    env=("REPLICATE_API_TOKEN",),
)

FILE_LIFE = timedelta(hours=24)
"""How long Replicate keeps a file that states no expiry."""
MARGIN = timedelta(minutes=30)
"""A file with less than this to live is uploaded again rather than referred to."""


@dataclass(frozen=True)
class StoredFile:
    """A file at Replicate."""

    url: str
    """What a model's input takes; only this account can read it."""
    expires_at: datetime


class ReplicateService(HostedService):
    """One account at Replicate."""

    title: ClassVar[str] = "Replicate"
    default_url: ClassVar[str] = "https://api.replicate.com"

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._files = UploadedOnce[StoredFile](lambda known: known.expires_at - utc_now() > MARGIN)

    def key_headers(self) -> dict[str, str]:
        """See :class:`HostedService`."""
        return {"Authorization": f"Bearer {self.key}"}

    async def whoami(self) -> str:
        """The account's name (``GET /v1/account``, free). Raises if the token is refused."""
        answer = await self.ask("GET", self.url("/v1/account"))
        if not answer.ok:
            raise self.trouble(answer)
        data = answer.json()
        return one_line(str(data.get("username") or "unknown"), 100) if isinstance(data, dict) else "unknown"

    async def store(self, data: bytes, name: str, media_type: str) -> StoredFile:
        """Put a file there, once for equal bytes (``POST /v1/files``, multipart part ``content``)."""
        digest = hashlib.sha256(data).hexdigest()
        return await self._files.put(digest, lambda: self._upload(data, name, media_type))

    async def _upload(self, data: bytes, name: str, media_type: str) -> StoredFile:
        from aiohttp import FormData  # noqa: PLC0415 - loaded when something is sent

        form = FormData()
        form.add_field("content", data, filename=name, content_type=media_type)
        answer = await self.ask("POST", self.url("/v1/files"), data=form)
        if not answer.ok:
            raise self.trouble(answer)
        return _stored(answer.json())


def _stored(data: object) -> StoredFile:
    urls = data.get("urls") if isinstance(data, dict) else None
    url = urls.get("get") if isinstance(urls, dict) else None
    if not isinstance(data, dict) or not isinstance(url, str) or not url:
        raise FlakyError("Replicate took the file but did not say where it is")
    return StoredFile(url, _moment(data.get("expires_at")) or utc_now() + FILE_LIFE)


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
