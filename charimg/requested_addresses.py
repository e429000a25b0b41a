"""An address as it is about to be asked: read as aiohttp reads it, judged, and shown without what may be a key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.request import getproxies, proxy_bypass

from yarl import URL  # aiohttp's own: a host must be judged as aiohttp reads it

from charimg.errors import FatalError, RefusedAddressError


def web_address(url: str) -> URL | None:
    """The address, parsed as aiohttp will; ``None`` if it is none of the web."""
    try:
        address = URL(url)
        return address if address.scheme in ("http", "https") and address.raw_host and address.port else None
    except (ValueError, IndexError):  # yarl's own slip at a name before brackets: http://a@[::1]@
        return None


def service_address(url: str) -> URL:
    """The address of a service, as a setting has it.

    :raises FatalError: it is no web address.
    """
    address = web_address(url)
    if address is None:
        raise FatalError(f"'{_showable(url)}' is not a web address; check the provider's address setting")
    return address


def picture_address(url: str) -> URL:
    """The address of a picture, as an answer named it.

    :raises RefusedAddressError: it is no web address.
    """
    address = web_address(url)
    if address is None:
        scheme = re.match(r"[a-z][a-z0-9+.-]{0,20}(?=:)", url, re.IGNORECASE)
        raise RefusedAddressError(
            f"the picture's address is not a web address: {scheme[0] if scheme else 'nothing'}://…"
        )
    return address


def host_shown(address: URL) -> str:
    """Host and port as written, for messages: never the user, the path or the query, which may hold a key."""
    port = "" if address.explicit_port is None else f":{address.explicit_port}"
    return f"{address.host_subcomponent}{port}"


def _showable(url: str) -> str:
    """The head of something that is no address, without what may be a key."""
    head, *rest = re.split("[?#]", url, maxsplit=1)
    shown = "…" if "@" in "".join(rest) else head.rpartition("@")[2]
    return "".join(sign if " " <= sign <= "~" else ascii(sign)[1:-1] for sign in shown[:100])


def is_same_service(address: URL, trusted: str) -> bool:
    """Whether the address is that of the trusted ``host:port`` (without a port: the scheme's own)."""
    try:
        own = URL(f"{address.scheme}://{trusted}")
        return (own.raw_host, own.port) == (address.raw_host, address.port)
    except ValueError:
        return False


def check_headers(headers: Mapping[str, str], address: URL) -> None:
    """A key pasted with a line break, and two logins for one request, are told as that, rather than in the words of
    whoever writes the headers.

    :raises FatalError: the request cannot be sent as it is.
    """
    for name, value in headers.items():
        if re.search(r"[\r\n\0]", f"{name}{value}"):
            raise FatalError(
                f"the header '{name.split()[0]}' for {host_shown(address)} holds a line break; check the key"
            )
        if name.lower() == "authorization" and (address.user or address.password):
            raise FatalError(
                f"the address of {host_shown(address)} holds a login, and the provider sends its own: there is room for"
                " one; take the login out of the address"
            )


def proxy_of(address: URL) -> str | None:
    """The system's proxy for this address. aiohttp's own ``trust_env`` would also let ``~/.netrc`` replace the
    provider's Authorization header.

    :raises FatalError: it is set to something that is no http proxy.
    """
    proxy = getproxies().get(address.scheme)
    if not proxy or proxy_bypass(f"{address.host}:{address.port}"):
        return None
    whole = proxy if "://" in proxy else f"http://{proxy}"
    if web_address(whole) is None:
        variable = f"{address.scheme.upper()}_PROXY"
        raise FatalError(f"{variable} names no http proxy; write it as http://host:port, or unset it")
    return whole
