"""The web addresses users configure for services, and those that services name in their answers.

The address of every service is a setting, whose path prefix is kept: people put gateways in front of services.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from charimg.errors import FatalError

_PORTS = {"http": 80, "https": 443}


def join(base_url: str, path: str) -> str:
    """The address of *path* below *base_url*: its prefix and its query are kept, slashes are not doubled.

    ``join("https://host/openai?v=1", "/v1/models")`` is ``https://host/openai/v1/models?v=1``.

    :raises FatalError: *base_url* is no web address.
    """
    base = _taken_apart(base_url)
    asked, _, query = path.partition("?")
    whole = f"{base.path.rstrip('/')}/{asked.lstrip('/')}"
    queries = "&".join(part for part in (base.query, query) if part)
    return base._replace(path=whole, query=queries, fragment="").geturl()


def host_and_port(base_url: str) -> str:
    """``host:port`` of an address, as :meth:`charimg.http.HttpSession.download` takes its trusted host.

    :raises FatalError: it is no web address.
    """
    parts = _taken_apart(base_url)
    host = parts.hostname or ""
    return f"{f'[{host}]' if ':' in host else host}:{_port(parts)}"


def same_service(url: str, base_url: str) -> bool:
    """Whether an address that an answer named belongs to the service: the same scheme, host and port. Only there may
    the service's key be sent."""
    try:
        named, own = _taken_apart(url), _taken_apart(base_url)
    except FatalError:
        return False
    return (named.scheme, named.hostname, _port(named)) == (own.scheme, own.hostname, _port(own))


def server_of(base_url: str) -> str:
    """What tells one server from another: scheme, host, port and path, without a login; empty for no web address."""
    try:
        parts = _taken_apart(base_url)
    except FatalError:
        return ""
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    port = "" if _port(parts) == _PORTS[parts.scheme] else f":{_port(parts)}"
    return f"{parts.scheme}://{shown}{port}{parts.path.rstrip('/')}"


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]


def _taken_apart(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        if parts.scheme in _PORTS and parts.hostname and parts.port != 0:
            return parts
    except ValueError:
        pass
    # The text is not repeated: people paste keys into the wrong field.
    raise FatalError("the setting base_url is no web address; write it as https://host or http://host:port/path")
