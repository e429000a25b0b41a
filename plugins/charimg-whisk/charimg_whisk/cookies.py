"""The login as people paste it, and the ``Cookie`` header it becomes.

Four forms are understood: a header (``name=value; ...``), the bare session token (``eyJ...``), the JSON list a
cookie extension exports, and a HAR file or an object out of one. Only NextAuth's cookies are kept: Whisk needs no
other, and what is not sent cannot leak.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from charimg.errors import FatalError

SESSION_COOKIE = "__Secure-next-auth.session-token"
"""The cookie that is the login: an encrypted token beginning ``eyJ``."""

HOW_TO_GET = (
    "log in at https://labs.google/fx, open the browser's developer tools, and copy the cookie "
    f"{SESSION_COOKIE} of labs.google"
)
"""Where the cookie is found; the end of every message about a wrong one."""

_FAMILY = "next-auth."
_SESSION_SUFFIX = "next-auth.session-token"
_HOST = "labs.google"
_OF_GOOGLE = re.compile(r"(?:__Secure-|__Host-)?[13]?P?(?:SID|APISID)(?:TS|CC|RTS)?|HSID|SSID|SAPISID")


@dataclass(frozen=True)
class Cookies:
    """The cookies of one login, by name."""

    pairs: tuple[tuple[str, str], ...] = field(repr=False)

    @property
    def header(self) -> str:
        """The value of the ``Cookie`` header."""
        return "; ".join(f"{name}={value}" for name, value in self.pairs)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that must never be shown."""
        return (self.header, *(value for _, value in self.pairs))

    def rotated(self, new: Iterable[tuple[str, str]]) -> Cookies:
        """These cookies with the ones a server sent put in place of those of the same name.

        A whole session token also replaces one that was kept in numbered parts.
        """
        kept = dict(self.pairs)
        for name, value in _kept(new):
            if name.endswith(_SESSION_SUFFIX):
                kept = {old: text for old, text in kept.items() if not old.startswith(f"{name}.")}
            kept[name] = value
        return Cookies(tuple(kept.items()))


def parse(pasted: str) -> Cookies:
    """Read the login in any of the four forms.

    :raises FatalError: it is none of them, or another cookie than Whisk's; the message never repeats the text.
    """
    text = pasted.strip().strip("\"'").strip() if not pasted.strip().startswith(("{", "[")) else pasted.strip()
    if not text:
        raise FatalError(f"the Whisk cookie is empty; {HOW_TO_GET}")
    found = list(_pairs(text))
    kept = dict(_kept(found))
    if not any(_is_session(name) for name in kept):
        raise FatalError(_confusion([name for name, _ in found], text))
    for name, value in kept.items():
        if not _printable(name + value):
            raise FatalError(f"the Whisk cookie holds line breaks or letters no cookie can have; {HOW_TO_GET}")
    return Cookies(tuple(kept.items()))


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """All cookies in the text, whatever its form."""
    if text.startswith(("{", "[")):
        try:
            yield from _from_json(json.loads(text))
        except (ValueError, RecursionError):
            raise FatalError(f"the Whisk cookie looks like JSON but is not complete; {HOW_TO_GET}") from None
        return
    if text.startswith("eyJ") or ("=" not in text and not text.startswith(("g.a", "ya29."))):
        yield SESSION_COOKIE, text
        return
    yield from _from_header(text)


def _from_header(text: str) -> Iterator[tuple[str, str]]:
    if text[:7].lower() == "cookie:":
        text = text[7:]
    for part in text.split(";"):
        name, equals, value = part.strip().partition("=")
        if equals:
            yield name.strip(), value.strip().strip('"')


def _from_json(data: Any) -> Iterator[tuple[str, str]]:
    """Cookies of an export, a HAR file, or an object of names and values, in the order they stand."""
    if isinstance(data, list):
        for item in data:
            yield from _from_json(item)
    elif isinstance(data, dict):
        name, value = data.get("name"), data.get("value")
        if isinstance(name, str) and isinstance(value, str):
            if name.lower() == "cookie":
                yield from _from_header(value)
            elif _of_whisk(data.get("domain")):
                yield name, value
            return
        for key, item in data.items():
            if isinstance(item, str) and key.lower() == "cookie":
                yield from _from_header(item)
            elif isinstance(item, str):
                yield key, item
            else:
                yield from _from_json(item)


def _of_whisk(domain: object) -> bool:
    """Whether a browser would send a cookie of this domain to Whisk; an export may leave the domain out."""
    return not isinstance(domain, str) or domain.lstrip(".").lower() in ("", _HOST)


def _kept(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    return ((name, value) for name, value in pairs if _FAMILY in name and value)


def _is_session(name: str) -> bool:
    """Whether it is the session token, or a numbered part of a long one."""
    head, _, part = name.rpartition(".")
    return name.endswith(_SESSION_SUFFIX) or (head.endswith(_SESSION_SUFFIX) and part.isdigit())


def _printable(text: str) -> bool:
    return all(" " <= letter <= "~" for letter in text)


def _confusion(names: list[str], text: str) -> str:
    """What was pasted instead, as far as it can be told."""
    google = next((name for name in names if _OF_GOOGLE.fullmatch(name)), None)
    if google or text.startswith("g.a"):
        shown = google or "a Google account cookie such as __Secure-1PSID"
        return f"the Whisk cookie is {shown}, which is the login of another Google service; {HOW_TO_GET}"
    if text.startswith("ya29."):
        return f"the Whisk cookie is an access token, which lives for an hour only; {HOW_TO_GET}"
    return f"the Whisk cookie has no session token in it; {HOW_TO_GET}"
