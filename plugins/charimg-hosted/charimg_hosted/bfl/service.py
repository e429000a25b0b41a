"""Black Forest Labs' account: address, key, and which hosts the key may go to.

Sources: the protocol notes on BFL; for ``/v1/credits`` docs.bfl.ai ("Get the user's credits"); 2026-11-22.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlsplit

from charimg.addresses import join, same_service
from charimg.contracts import Credential, Setting
from charimg.verdicts.answer import as_number
from charimg_hosted.service import HostedService

NAME = "bfl"
URL = "https://bfl.ai"
API = "https://api.bfl.ai"

BASE_URL = Setting("base_url", "The address of the API; a path in front is kept.", str, API)
KEY = Credential("api_key", "An API key of Black Forest Labs (dashboard.bfl.ai).", env=("BFL_API_KEY",))

_OWN_DOMAINS = (".bfl.ai", ".bfl.ml")


class BflService(HostedService):
    """One account at Black Forest Labs."""

    title: ClassVar[str] = "Black Forest Labs"
    default_url: ClassVar[str] = API

    def key_headers(self) -> dict[str, str]:
        """See :class:`HostedService`."""
        return {"x-key": self.key}

    async def credits(self) -> float | None:
        """What the account holds (``GET /v1/credits``, free); ``None`` where a gateway does not tell.

        Raises if the key is refused.
        """
        answer = await self.ask("GET", self.url("/v1/credits"))
        if answer.status in (404, 405):
            return None
        if not answer.ok:
            raise self.trouble(answer)
        data = answer.json()
        return as_number(data.get("credits")) if isinstance(data, dict) else None

    def polling_address(self, url: str, task: str) -> str:
        """Where to ask for a task: the regional address its submit named, if the key may go there.

        Only the region that took a task knows it. But an address outside of the configured service, and of BFL's own
        domains where that is what is configured, is not given the key: then the task is asked for at our own address.
        """
        if same_service(url, self.base_url) or (_is_bfl(self.base_url) and _is_bfl(url)):
            return url
        return join(self.base_url, f"/v1/get_result?id={task}")


def _is_bfl(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return False
    return parts.scheme == "https" and port in (None, 443) and host.endswith(_OWN_DOMAINS)
