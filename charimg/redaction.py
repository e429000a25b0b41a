"""Secrets that cannot slip into a text by accident, and the eraser for those that try.

A credential travels as :class:`Secret`, which prints as ``***``. What a provider learns on its way (a bearer
token) it adds to the run's :class:`Redactor`; every message passes through it before anyone hears it.
"""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus

SHORTEST_REDACTED = 6
"""Characters: a shorter secret would turn innocent words into stars."""

_KEY_SHAPES = re.compile(
    r"(ya29\.[\w.-]{6,}|eyJ[\w-]{10,}(?:\.[\w-]*)*|sk-[\w-]{12,}|AIza[\w-]{20,}|hf_\w{12,}|r8_\w{12,}"
    r"|(?i:bearer)\s+[\w.~+/=-]{8,})"
)
"""Shapes of common keys and tokens (Google, JWT and JWE, OpenAI, Hugging Face, Replicate)."""


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
        """Remember a secret: it, its parts by line or ``;``, and its URL-encoded form are erased from now on."""
        text = secret.reveal() if isinstance(secret, Secret) else secret
        parts = {text, *re.split(r"[;\s,]+", text)}
        values = {part.split("=", 1)[-1] for part in parts}
        for piece in parts | values:
            if len(piece) >= SHORTEST_REDACTED:
                self._secrets |= {piece, quote(piece, safe=""), quote_plus(piece)}

    def clean(self, text: str) -> str:
        """The text with every known secret and every key-like run replaced by ``***``."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return _KEY_SHAPES.sub("***", text)
