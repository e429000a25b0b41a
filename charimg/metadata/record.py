"""What a picture tells of itself, and its form as JSON.

A :class:`PictureMetadata` is sound by construction: its texts hold no control characters and no halves of letters, and
none is longer than its bound. So whatever is written can be read back, and what is read from a stranger's file is no
more dangerous than what the user wrote.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime

from charimg.model import Cost, in_utc
from charimg.roster.keys import MAX_KEY_BYTES, key_fault

RECORD_VERSION = 1
"""The value of ``charimg`` in a record. Later versions only add fields: a reader takes those it knows."""

MARK = "charimg"
"""The field that tells a record of ours from any other JSON, and the keyword of its PNG chunk."""

MAX_TEXT = 64_000
"""Characters of a prompt, a description or a negative: what a roster can hold with its style around it."""

MAX_NAME = 1_000
"""Characters of a name, as in a roster."""

MAX_WORD = 300
"""Characters of an id, an address, a model's name."""

MAX_RECORD_BYTES = 5 * 512 * 1024
"""Bytes of JSON that are read: the largest record that can be written (each character in twelve) fits."""

ELLIPSIS = "…"

_LONG = ("prompt", "description", "negative")
_WORDS = ("name", "provider", "lane", "model", "attempt", "asked", "aspect_ratio", "request_id", "place")
_OPTIONAL = frozenset({"negative", "model", "request_id"})

# Line ends of other systems, then all that no text of a person holds: controls but tab and line feed, halves of
# surrogate pairs, and the two code points that XML cannot carry.
_LINE_END = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_UNSPEAKABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_BLANKS = re.compile(r"[\t\n]+")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3}(?:\d{3})?)?(?:Z|[+-]\d\d:\d\d)")
_MAX_SEED = 2**64
_MAX_DIGITS = 20


@dataclass(frozen=True)
class PictureMetadata:
    """What is known of the making of one picture.

    Texts are made sound as the value is made: control characters vanish (a word keeps no line break either), and what
    is longer than :data:`MAX_TEXT`, :data:`MAX_NAME` or :data:`MAX_WORD` is cut, which :attr:`shortened` tells of a
    long text.
    """

    key: str
    """The character's key."""
    made: datetime
    """When the picture arrived, in UTC (a time without a zone is taken for local time)."""
    name: str = ""
    """The character's name as the user wrote it."""
    description: str = ""
    """How the character looks, in the user's words."""
    prompt: str = ""
    """The whole text that was sent."""
    provider: str = ""
    lane: str = ""
    model: str | None = None
    seed: int | None = None
    """As the service reports it, else as it was asked for."""
    attempt: str = ""
    """The ledger's id of the attempt."""
    asked: str = ""
    """Fingerprint of what the roster asked for (:attr:`charimg.model.ImageRequest.fingerprint`)."""
    aspect_ratio: str = ""
    """Width to height as it was asked for."""
    negative: str | None = None
    request_id: str | None = None
    """The service's id of the request."""
    cost: Cost | None = None
    original: str | None = None
    """SHA-256 in hex of the bytes as the service sent them, before anything was written into them."""
    candidate: bool = False
    """It was made as one of several to pick from."""
    place: str = ""
    """The account or server that made it, as media references name it."""
    shortened: bool = False
    """A text was too long for the file and ends with an ellipsis."""

    def __post_init__(self) -> None:
        kept: dict[str, object] = {"made": in_utc(self.made)}
        for name in _LONG:
            kept[name], cut = _shortened(_sound(getattr(self, name)), MAX_TEXT)
            if cut:
                kept["shortened"] = True
        for name in _WORDS:
            word = _sound(getattr(self, name))
            most = MAX_NAME if name == "name" else MAX_WORD
            kept[name], _ = _shortened(None if word is None else _BLANKS.sub(" ", word), most)
        if self.seed is not None and abs(self.seed) > _MAX_SEED:
            kept["seed"] = None
        if self.cost is not None:
            kept["cost"] = _cost(self.cost.amount, self.cost.currency, self.cost.source)
        if self.original is not None and not _DIGEST.fullmatch(self.original):
            kept["original"] = None
        for name, value in kept.items():
            object.__setattr__(self, name, None if value == "" and name in _OPTIONAL else value)

    def shorter(self, most: int) -> PictureMetadata:
        """The same with no long text above *most* characters."""
        if self.longest <= most:
            return self
        (description, _), (prompt, _), (negative, _) = (
            _shortened(text, most) for text in (self.description, self.prompt, self.negative)
        )
        return replace(self, description=description or "", prompt=prompt or "", negative=negative, shortened=True)

    @property
    def longest(self) -> int:
        """Characters of the longest of the texts that can be shortened."""
        return max(len(getattr(self, name) or "") for name in _LONG)


def to_tree(metadata: PictureMetadata) -> dict[str, object]:
    """The record as plain JSON data; what is empty is left out."""
    tree: dict[str, object] = {MARK: RECORD_VERSION}
    for field in fields(metadata):
        value = getattr(metadata, field.name)
        if isinstance(value, datetime):
            value = value.isoformat()
        elif isinstance(value, Cost):
            value = {"amount": value.amount, "currency": value.currency, "source": value.source}
        if value is not None and value != "" and value is not False:
            tree[field.name] = value
    return tree


def to_json(metadata: PictureMetadata, *, ascii_only: bool = False) -> str:
    """The record on one line.

    :param ascii_only: for places whose encoding is anybody's guess: other letters are written as ``\\uXXXX``.
    """
    return json.dumps(to_tree(metadata), ensure_ascii=ascii_only, separators=(",", ":"))


def from_json(text: str) -> PictureMetadata | None:
    """The record a text holds; ``None`` for every other text, however long, deep or strange."""
    tree = parsed(text)
    return None if tree is None else from_tree(tree)


def parsed(text: str) -> Mapping[str, object] | None:
    """The JSON object a text holds, read within bounds; ``None`` if it holds none."""
    if len(text) > MAX_RECORD_BYTES or not text.lstrip().startswith("{"):
        return None
    try:
        tree = json.loads(text, parse_int=_integer, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, dict) else None


def from_tree(tree: Mapping[str, object]) -> PictureMetadata | None:
    """The record in *tree*. Without our mark, a valid key and a time it is none; any other value of the wrong kind is
    left out."""
    version, key, made = tree.get(MARK), tree.get("key"), _moment(tree.get("made"))
    if type(version) is not int or version < 1 or made is None:
        return None
    if not isinstance(key, str) or len(key) > MAX_KEY_BYTES or key_fault(key) is not None:
        return None
    texts = {name: _text(tree.get(name), None if name in _OPTIONAL else "") for name in (*_LONG, *_WORDS)}
    seed, cost, original = tree.get("seed"), tree.get("cost"), tree.get("original")
    return PictureMetadata(
        key=key,
        made=made,
        seed=seed if type(seed) is int else None,
        cost=_cost(cost.get("amount"), cost.get("currency"), cost.get("source")) if isinstance(cost, dict) else None,
        original=original if isinstance(original, str) else None,
        candidate=tree.get("candidate") is True,
        shortened=tree.get("shortened") is True,
        **texts,  # type: ignore[arg-type] # the names are those of the fields, the kinds those of _OPTIONAL
    )


def sound_line(text: str) -> str:
    """*text* as one line without control characters, at most :data:`MAX_WORD` long."""
    cut, _ = _shortened(_BLANKS.sub(" ", _sound(text) or ""), MAX_WORD)
    return cut or ""


def _sound(text: str | None) -> str | None:
    return None if text is None else _UNSPEAKABLE.sub("", _LINE_END.sub("\n", text))


def _shortened(text: str | None, most: int) -> tuple[str | None, bool]:
    if text is None or len(text) <= most:
        return text, False
    return text[: max(0, most - 1)] + ELLIPSIS, True


def _text(value: object, default: str | None) -> str | None:
    return value if isinstance(value, str) else default


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str) or len(value) > 40 or not _MOMENT.fullmatch(value):
        return None
    try:
        return in_utc(datetime.fromisoformat(value.replace("Z", "+00:00")))
    except (ValueError, OverflowError):
        return None


def _cost(amount: object, currency: object, source: object) -> Cost | None:
    if type(amount) not in (int, float) or not isinstance(currency, str):
        return None
    try:
        number = float(amount)  # type: ignore[arg-type] # the line above says what it is
    except OverflowError:
        return None
    if not math.isfinite(number) or number < 0:
        return None
    return Cost(number, sound_line(currency), "reported" if source == "reported" else "declared")


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MAX_DIGITS + 1 else None


def _no_number(word: str) -> None:
    raise ValueError(word)
