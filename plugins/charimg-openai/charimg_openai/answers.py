"""What a successful answer holds: a picture in one of three forms, and what it used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from charimg.images import decode_base64


@dataclass(frozen=True)
class Item:
    """One entry of an answer's ``data``: the picture, or the address where it is."""

    data: bytes | None = field(default=None, repr=False)
    url: str | None = None
    """Absolute."""
    prompt: str | None = None
    """As the service rewrote it."""


def item_of(answer: Any, base_url: str) -> Item | None:
    """The first picture of an answer; ``None`` if there is none.

    :param base_url: what an address without a host is relative to.
    :raises FlakyError: the picture's base64 is damaged.
    """
    entries = answer.get("data") if isinstance(answer, dict) else None
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict):
            continue
        prompt = _text(entry.get("revised_prompt"))
        encoded, url = _text(entry.get("b64_json")), _text(entry.get("url"))
        if encoded is not None:
            return Item(decode_base64(encoded), prompt=prompt)
        if url is not None and url[:5].lower() == "data:":
            return Item(decode_base64(url), prompt=prompt)
        if url is not None:
            return Item(url=_joined(base_url, url), prompt=prompt)
    return None


@dataclass(frozen=True)
class Usage:
    """The tokens of one answer."""

    text_in: int
    image_in: int
    image_out: int


def usage_of(answer: Any) -> Usage | None:
    """The ``usage`` of an answer; ``None`` where it has none that could be priced.

    Where the output's details are absent, all of the output is picture, as it was before they were added.
    """
    usage = _object(answer, "usage")
    details, output = _object(usage, "input_tokens_details"), _object(usage, "output_tokens_details")
    text_in, image_in = _count(details, "text_tokens"), _count(details, "image_tokens")
    image_out = _count(output, "image_tokens") if output else _count(usage, "output_tokens")
    if text_in is None or image_in is None or image_out is None:
        return None
    return Usage(text_in, image_in, image_out)


def _joined(base_url: str, url: str) -> str:
    try:
        return urljoin(base_url, url)
    except ValueError:  # such as http://[::1; whoever is to ask there refuses it
        return url


def _object(value: Any, name: str) -> Mapping[str, Any]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _count(value: Mapping[str, Any], name: str) -> int | None:
    found = value.get(name)
    good = isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 10**9
    return found if good else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
