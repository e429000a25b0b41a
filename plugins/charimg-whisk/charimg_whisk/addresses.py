"""The two addresses of Whisk: Google's own, or those of a gateway or emulator that speaks like them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from charimg.errors import InputError

LABS_URL = "https://labs.google"
"""The site: login, projects, uploads and captions, by cookie."""

SANDBOX_URL = "https://aisandbox-pa.googleapis.com"
"""Google's API: generation, by bearer token."""


@dataclass(frozen=True)
class Addresses:
    """Where requests go. A path in front, as gateways have it, is kept; a tail that belongs to the calls is not."""

    labs: str = LABS_URL
    sandbox: str = SANDBOX_URL

    @staticmethod
    def of(labs_url: str | None, sandbox_url: str | None) -> Addresses:
        """Addresses as the user may write them: with or without a last slash, ``/fx/api/trpc`` or ``/v1``.

        :raises InputError: one is no web address; the message names the setting.
        """
        return Addresses(
            _without(_web_address("labs_url", labs_url or LABS_URL), "/trpc", "/api", "/fx"),
            _without(_web_address("sandbox_url", sandbox_url or SANDBOX_URL), "/v1"),
        )

    @property
    def session(self) -> str:
        """Where the cookie becomes a bearer token."""
        return f"{self.labs}/fx/api/auth/session"

    def procedure(self, name: str) -> str:
        """The address of one procedure of the site."""
        return f"{self.labs}/fx/api/trpc/{quote(name)}"

    def method(self, name: str) -> str:
        """The address of one method of the API, such as ``whisk:generateImage``."""
        return f"{self.sandbox}/v1/{quote(name, safe=':')}"


def host_of(url: str) -> str:
    """Host and port of an address, for messages; never a name and password."""
    return urlsplit(url).netloc.rpartition("@")[2] or url


def is_google(url: str) -> bool:
    """Whether the address is Google's own rather than a gateway's."""
    host = (urlsplit(url).hostname or "").lower()
    return host in ("labs.google", "flow.google") or host.endswith((".google.com", ".googleapis.com", ".labs.google"))


def _web_address(setting: str, url: str) -> str:
    try:
        parts = urlsplit(url.strip())
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # such as http://[::1
        good = False
    if not good:
        shown = host_of(url) if "@" in url else url
        raise InputError(f"whisk: {setting}: expected a web address such as {LABS_URL}, found '{shown[:80]}'")
    return url


def _without(url: str, *tails: str) -> str:
    url = url.strip().rstrip("/")
    for tail in tails:
        url = url.removesuffix(tail).rstrip("/")
    return url
