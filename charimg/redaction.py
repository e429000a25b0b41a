"""Secrets that cannot slip into a text by accident, and the eraser for those that try.

A credential travels as :class:`Secret`, which prints as ``***``. What a provider learns on its way (a bearer
token) it adds to the run's :class:`Redactor`; every message passes through it before anyone hears it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

SHORTEST_REDACTED = 6
"""Characters: a shorter secret would turn innocent words into stars."""

_KEY_SHAPES = re.compile(
    r"(?P<kept>[?&](?:key|api_?key|token|access_token|signature|sig)=|://(?=[^/@\s]{0,99}:[^/@\s]{0,99}@))"
    r"(?:(?<==)[^&#\s\"']+|(?<=//)[^/@\s]+)"
    r"|ya29\.[\w.-]{6,}|eyJ[\w-]{10,}(?:\.[\w-]*)*|AIza[\w-]{20,}|hf_\w{12,}|r8_\w{12,}"
    r"|(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2}))sk-[\w-]{12,}"
    r"|(?i:bearer)\s+(?=[\w.~+/=-]{0,50}\d)[\w.~+/=-]{8,}"
)
"""Shapes of common keys and tokens (Google, JWT and JWE, OpenAI, Hugging Face, Replicate), and the places in addresses
where keys and passwords stand. ``task-management`` and ``bearer authentication`` are words. Every look
ahead is bounded, so that no text takes longer than its length."""

_INNOCENT = re.compile(
    r"path|domain|expires|expirationdate|max-age|samesite|priority|version|storeid|name|secure|httponly|hostonly"
    r"|sourcescheme|sourceport|host|port|type"
)
"""Names whose values describe a cookie or an account and are no secret, as exports and ``Set-Cookie`` have them."""

_TELLING = re.compile(r"pass|pwd|secret|token|key|auth|sid|session|cookie", re.IGNORECASE)
"""Names whose values are secret even where they read like words."""


class Secret:
    """A credential. Only :meth:`reveal` gives the text; printing and logging show stars."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one place that sends it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class Redactor:
    """Replaces known secrets, and texts that look like keys, by stars."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def add(self, secret: str | Secret) -> None:
        """Remember a secret: it is erased from now on, whole, in those of its parts that look secret themselves (the
        values of a cookie, the lines of a key), and as URLs and JSON would write them.

        Words stay readable: neither a cookie's name nor ``Secure`` nor the host it belongs to is erased.
        """
        text = secret.reveal() if isinstance(secret, Secret) else secret
        for piece in {text, text.strip(), *_secret_parts(text)}:
            if len(piece) >= SHORTEST_REDACTED:
                self._secrets |= _spellings(piece)

    def clean(self, text: str) -> str:
        """The text with every known secret and every key-like run replaced by ``***``."""
        text = self._without_a_beginning_at_the_end(self.erased(text))
        return _KEY_SHAPES.sub(r"\g<kept>***", text)

    def erased(self, text: str) -> str:
        """The text with every known secret replaced by ``***`` and nothing else touched: for what is no message, such
        as a prompt or an id, where a run that merely looks like a key is most likely none."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def holds(self, text: str) -> bool:
        """Whether a known secret stands in the text: an id or an address would be of no use with stars in it."""
        return any(secret in text for secret in self._secrets)

    def line(self, text: str) -> str:
        """The clean text on one line, its spaces single: what an event may hold."""
        return " ".join(self.clean(text).split())

    def _without_a_beginning_at_the_end(self, text: str) -> str:
        """The text without the first part of a secret that was cut off at its end, as long messages are."""
        body = text.rstrip("… .")
        for secret in self._secrets:
            for length in range(min(len(secret) - 1, len(body)), SHORTEST_REDACTED - 1, -1):
                if body.endswith(secret[:length]):
                    return body[:-length] + "***" + text[len(body) :]
        return text


def _secret_parts(text: str) -> set[str]:
    """What of a longer credential must not be shown by itself either."""
    found = set()
    for name, value in _named_values(text):
        if not name:
            secret = len(value) >= 2 * SHORTEST_REDACTED and not _is_word(value, 40) and "://" not in value
        else:
            secret = bool(_TELLING.search(name)) or not _is_word(value, 12)
        if secret and not _INNOCENT.fullmatch(name):
            found.add(value)
    return found


def _named_values(text: str) -> Iterator[tuple[str, str]]:
    """Everything in a credential with its name in lower case, which is empty where there is none."""
    if text.lstrip().startswith(("{", "[")):
        try:
            yield from _named_values_of(json.loads(text), "")
            return
        except (ValueError, RecursionError):
            pass
    for word in re.split(r"[;\s,]+", text):
        name, mark, value = re.split("([=:])", word, maxsplit=1) if re.search("[=:]", word) else ("", "", word)
        if mark:
            yield name.strip(_BRACKETS).lower(), value.strip(_BRACKETS)
        yield "", word.strip(_BRACKETS)


def _named_values_of(data: object, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _named_values_of(value, str(key).lower())
    elif isinstance(data, list):
        for value in data:
            yield from _named_values_of(value, name)
    elif isinstance(data, str):
        yield name, data


_BRACKETS = "\"'{}[]()"


def _is_word(text: str, longest: int) -> bool:
    """It reads like a word, a host, a date or a number: no secret by itself."""
    if len(text) >= longest:
        return False
    if any(char.isdigit() for char in text) and any(char.isalpha() for char in text):
        return False
    return not re.search(r"[A-Z]{2}[a-z]+[A-Z]+|[a-z][A-Z]+[a-z]+[A-Z]", text)  # letters mixed as in base64


def _spellings(secret: str) -> set[str]:
    """The secret as it may stand in a URL, in JSON, or in a message that quotes it."""
    raw = secret.encode("utf-8", "surrogatepass")
    encoded = {quote(raw, safe=""), quote_plus(raw)}
    lower = {re.sub(r"%[0-9A-F]{2}", lambda sign: sign[0].lower(), one) for one in encoded}
    return {secret, *encoded, *lower, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]} | {
        repr(secret)[1:-1]
    }
