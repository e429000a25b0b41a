"""fal's account: the queue's address, the key, the storage.

Source: the protocol notes on fal (requests captured from the official client), and the client's code, fal-client
1.0.3, 2026-11-22.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from charimg.addresses import join, same_service
from charimg.contracts import Credential, Setting
from charimg.errors import FlakyError
from charimg.model import utc_now
from charimg.uploads import UploadedOnce
from charimg_hosted.service import HostedService

if TYPE_CHECKING:
    from charimg.contracts import ProviderContext

NAME = "fal"
URL = "https://fal.ai"
QUEUE = "https://queue.fal.run"
REST = "https://rest.fal.ai"

BASE_URL = Setting("base_url", "The address of the queue; a path in front is kept.", str, QUEUE)
REST_URL = Setting(
    "rest_url", f"The address of the storage and the login; by default {REST}, or base_url where that was changed."
)
KEY = Credential("api_key", "A key of fal.ai (dashboard, keys), of the form id:secret.", env=("FAL_KEY",))


@dataclass(frozen=True)
class StoredFile:
    """A file in fal's storage."""

    url: str
    """Public."""
    expires_at: datetime | None


class FalService(HostedService):
    """One account at fal."""

    title: ClassVar[str] = "fal"
    default_url: ClassVar[str] = QUEUE

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        own = same_service(self.base_url, QUEUE)
        self.rest_url = str(context.settings.get("rest_url") or (REST if own else self.base_url))
        self._files = UploadedOnce(_lives_on)

    def key_headers(self) -> dict[str, str]:
        """See :class:`HostedService`."""
        return {"Authorization": f"Key {self.key}"}

    def own_address(self, url: str) -> str:
        """An address of the queue's answer, as it may be asked with the key.

        One of another host (a gateway passes on fal's own, or worse) becomes its path at our own address.
        """
        if same_service(url, self.base_url):
            return url
        try:
            return join(self.base_url, urlsplit(url).path)
        except ValueError:  # such as http://[::1
            raise FlakyError("fal named an address that is none") from None

    async def log_in(self) -> bool:
        """Ask for an upload token, which costs nothing; whether the login could be tried (not every gateway has it).

        Raises if the key is refused.
        """
        address = join(self.rest_url, "/storage/auth/token?storage_type=fal-cdn-v3")
        answer = await self.ask("POST", address, json={})
        if answer.status in (404, 405):
            return False
        if not answer.ok:
            raise self.trouble(answer)
        data = answer.json()
        token = data.get("token") if isinstance(data, dict) else None
        if isinstance(token, str):
            self.context.redactor.add(token)
        return True

    async def store(self, data: bytes, name: str, media_type: str, days: int) -> StoredFile:
        """Put a file there, once for equal bytes.

        :param days: how long it is kept; 0 for ever.
        """
        mark = (hashlib.sha256(data).hexdigest(), days)
        return await self._files.put(mark, lambda: self._upload(data, name, media_type, days))

    async def _upload(self, data: bytes, name: str, media_type: str, days: int) -> StoredFile:
        headers = {}
        if days:
            lifecycle = json.dumps({"expiration_duration_seconds": days * 86_400})
            headers = {"X-Fal-Object-Lifecycle": lifecycle, "X-Fal-Object-Lifecycle-Preference": lifecycle}
        answer = await self.ask(
            "POST",
            join(self.rest_url, "/storage/upload/initiate?storage_type=gcs"),
            headers=headers,
            json={"file_name": name, "content_type": media_type},
        )
        if not answer.ok:
            raise self.trouble(answer)
        place = answer.json()
        upload_url, file_url = (place.get(field) if isinstance(place, dict) else None for field in _PLACES)
        if not isinstance(upload_url, str) or not isinstance(file_url, str):
            raise FlakyError("fal took the upload but did not say where it goes")
        if not (same_service(upload_url, self.rest_url) or _is_public_and_secret(upload_url)):
            raise FlakyError("fal wants the picture sent to an address that is not public or not encrypted")
        # No key: the address carries its own permission.
        sent = await self.context.http.request("PUT", upload_url, headers={"Content-Type": media_type}, data=data)
        if not sent.ok:
            raise self.trouble(sent)
        return StoredFile(file_url, utc_now() + timedelta(days=days) if days else None)


def _lives_on(stored: StoredFile) -> bool:
    return stored.expires_at is None or stored.expires_at - utc_now() > timedelta(minutes=30)


def _is_public_and_secret(url: str) -> bool:
    from charimg.public_network import may_be_public  # noqa: PLC0415 - it brings aiohttp, loaded when something is sent

    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and may_be_public(parts.hostname or "")
    except ValueError:
        return False


_PLACES = ("upload_url", "file_url")
