"""Secrets that cannot slip into a text by accident, and the eraser for those that try.

A credential travels as :class:`Secret`, which prints as ``***``. What a provider learns on its way (a bearer
token) it adds to the run's :class:`Redactor`; every message passes through it before anyone hears it. What comes out
of a crash passes through all of them (:func:`clean_of_all`).
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus, unquote, urlsplit
from weakref import WeakSet

SHORTEST_REDACTED = 6
"""Characters: a shorter secret would turn innocent words into stars."""

SHORTEST_DISGUISED = 10
"""Characters from which a secret is known in capitals, over a line's end, and as base64 too."""

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
        self._disguised: set[str] = set()
        """The longer ones in small letters and without spaces."""
        _ALIVE.add(self)

    def add(self, secret: str | Secret) -> None:
        """Remember a secret: it is erased from now on, whole, in those of its parts that look secret themselves (the
        values of a cookie, the lines of a key), and as URLs and JSON would write them.

        Words stay readable: neither a cookie's name nor ``Secure`` nor the host it belongs to is erased.
        """
        text = secret.reveal() if isinstance(secret, Secret) else secret
        for piece in {text, text.strip(), *_secret_parts(text)}:
            if len(piece) >= SHORTEST_REDACTED:
                spelled = _spellings(piece)
                self._secrets |= spelled
                self._disguised |= {folded for one in spelled if len(folded := _folded(one)) >= SHORTEST_DISGUISED}

    def add_login_of(self, address: object) -> None:
        """Remember the name and password that stand in an address, as ``http://name:password@host``, if any do."""
        try:
            parts = urlsplit(str(address)) if "@" in str(address) else None
        except ValueError:
            return
        if parts is None or not parts.password:
            return
        login = parts.netloc.rpartition("@")[0]
        for word in (login, unquote(login), parts.password, unquote(parts.password)):
            self.add(word)

    def clean(self, text: str) -> str:
        """The text with every known secret and every key-like run replaced by ``***``."""
        text = self._without_a_beginning_at_the_end(self.erased(text))
        return _KEY_SHAPES.sub(r"\g<kept>***", text)

    def erased(self, text: str) -> str:
        """The text with every known secret replaced by ``***`` and nothing else touched: for what is no message, such
        as a prompt or an id, where a run that merely looks like a key is most likely none."""
        folded = _folded(text)
        found = [secret for secret in self._disguised if secret in folded]
        if found:  # first, while the whole of a secret still stands there that is known by its parts as well
            text = _without(text, folded, found)
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def holds(self, text: str) -> bool:
        """Whether a known secret stands in the text: an id or an address would be of no use with stars in it."""
        return self.erased(text) != text

    def line(self, text: str) -> str:
        """The clean text on one line, its spaces single: what an event may hold."""
        return " ".join(self.clean(text).split())

    def _without_a_beginning_at_the_end(self, text: str) -> str:
        """The text without the first part of a secret that was cut off at its end, or where an ellipsis says so, as
        long messages are."""
        head, mark, tail = text.rpartition("…")
        if mark and tail:
            return f"{self._without_a_beginning_at_the_end(head + mark)}{tail}"
        body = text.rstrip("… .")
        begins = len(body)
        for secret in self._secrets:
            beginning = secret[:SHORTEST_REDACTED]
            place = body.find(beginning, max(0, len(body) - len(secret) + 1))
            while 0 <= place < begins:
                if secret.startswith(body[place:]):
                    begins = place
                place = body.find(beginning, place + 1)
        return text if begins == len(body) else body[:begins] + "***" + text[len(body) :]


_ALIVE: WeakSet[Redactor] = WeakSet()
"""Every redactor of this process that is still in use; what an exception holds on to is."""


def clean_of_all(text: str, environ: Mapping[str, str] | None = None) -> str:
    """The text without whatever any redactor in use knows: for what a crash leaves behind, where nobody can say whose
    secrets stand in it. Lines stay lines.

    :param environ: variables that are called as secrets are hold one, whoever put it there.
    """
    whole = Redactor()
    for name, value in (environ or {}).items():
        whole.add_login_of(value)
        if _TELLING_VARIABLE.search(name) and len(value) >= SHORTEST_DISGUISED and not value.startswith(("/", "~")):
            whole.add(value)
    for one in list(_ALIVE):
        whole._secrets |= one._secrets
        whole._disguised |= one._disguised
    return _KEY_SHAPES.sub(r"\g<kept>***", whole.erased(text))


_TELLING_VARIABLE = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|COOKIE|CREDENTIALS?)$")

_IGNORED = re.compile(r"\\+[nrt]|\\+|\s")
"""What does not part a secret: spaces, ends of lines, and both as JSON within JSON escapes them."""

_SMALL = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def _folded(text: str) -> str:
    """Small letters without spaces and backslashes."""
    return _IGNORED.sub("", text).translate(_SMALL)


def _without(text: str, folded: str, secrets: Iterable[str]) -> str:
    """The text with stars where the secrets stand in it folded."""
    places, places_end = list[int](), 0
    for ignored in _IGNORED.finditer(text):
        places += range(places_end, ignored.start())
        places_end = ignored.end()
    places += range(places_end, len(text))
    spans = []
    for secret in secrets:
        begin = folded.find(secret)
        while begin >= 0:
            first = places[begin]
            while first and text[first - 1] == "\\":  # it would escape a star
                first -= 1
            spans.append((first, places[begin + len(secret) - 1] + 1))
            begin = folded.find(secret, begin + 1)
    pieces, end = [], 0
    for first, last in sorted(spans):
        if first >= end:
            pieces += [text[end:first], "***"]
        end = max(end, last)
    return "".join([*pieces, text[end:]])


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
    """The secret as it may stand in a URL, in JSON or HTML, in a message that quotes it, or in base64."""
    raw = secret.encode("utf-8", "surrogatepass")
    encoded = {quote(raw, safe=""), quote_plus(raw), quote(raw)}
    encoded |= {quote(one, safe="") for one in encoded}  # an address within an address
    lower = {re.sub(r"%[0-9A-F]{2}", lambda sign: sign[0].lower(), one) for one in encoded}
    quoted = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    quoted |= {html.escape(secret), *(one.replace("/", "\\/") for one in quoted)}
    quoted |= {one.translate(_AS_GO_WRITES) for one in quoted}
    return {secret, *encoded, *lower, *quoted, *(_within_base64(raw) if len(raw) >= SHORTEST_DISGUISED else ())}


_AS_GO_WRITES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "&<>"}


def _within_base64(raw: bytes) -> set[str]:
    """What stands in the base64 of any text that holds these bytes, as of a ``Basic`` login; and their hex digits."""
    found = {raw.hex()}
    for before in range(3):  # the place of the first byte in a group of three
        whole = base64.b64encode(b"\0" * before + raw).decode()
        first, last = (0, 2, 3)[before], (before + len(raw)) * 8 // 6
        found |= {whole[first:last], whole[first:last].translate(_URL_SAFE)}
    return found


_URL_SAFE = str.maketrans("+/", "-_")
