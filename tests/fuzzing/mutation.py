"""From some inputs to another one: bytes flipped, cut, doubled and spliced, and JSON changed in one place."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from random import Random
from typing import Any

BYTES = (
    b"\0",
    b"\xff",
    b"\n",
    b"\r",
    b"\x1b[2J",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"[",
    b"{",
    b'"',
    b"'",
    b"\\",
    b"&a ",
    b"*a",
)
WORDS = (
    *(b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"\xe2\x80\xae"),
    *(b"9" * 30, b"-1", b"1e999", b"NaN", b"null", b"true", b"data:image/png;base64,", b"http://[::1", b"file:///"),
)
"""What parsers stumble over."""

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 7, 2**31, 2**63, 2**64, -(2**63), 10**30, 10**400, -(10**400)),
    *(0.0, -0.5, 1e300, math.inf, -math.inf, math.nan, 1e-300),
    *("", " ", "a", "\0", "a\nb", "\x1b[2J", "\u202e", "\ud800", "a\udfffb", "গোপাল", "x" * 5_000, "Ready"),
    *("http://[::1", "http://a:99999/", "file:///etc/passwd", "data:,", "data:image/png;base64,", "//", "http://", "/"),
    *(
        "http://127.0.0.1:1/",
        "https://example.org/\ud800",
        "http://a b/",
        "ftp://x",
        "http://\x00/",
        "[",
        "{}",
        "1e999",
    ),
    *("2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0000-00-00T00:00:00Z", "2026-13-45T99:99:99.999999999Z", "NaN"),
    *([], {}, [[]], [{}], [None], {"": None}, {"a": {"a": {"a": {}}}}, [0] * 50, {"id": None}, {"message": []}),
)
"""What a field of somebody's JSON may hold instead."""


def mutated(random: Random, data: bytes, others: Sequence[bytes], most: int = 200_000) -> bytes:
    """Another input that resembles *data*.

    :param others: inputs that parts may be taken from.
    """
    if random.random() < 0.6:
        changed = json_mutated(random, data)
        if changed is not None:
            return changed[:most]
    result = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        at = random.randrange(len(result) + 1)
        end = min(len(result), at + random.choice((1, 2, 4, 16, 200)))
        kind = random.randrange(9)
        if kind == 0 and at < len(result):
            result[at] ^= 1 << random.randrange(8)
        elif kind == 1 and at < len(result):
            result[at] = random.randrange(256)
        elif kind == 2:
            del result[at:end]
        elif kind == 3:
            result[at:at] = result[at:end] * random.choice((1, 2, 50))
        elif kind == 4:
            result[at:end] = random.choice(BYTES)
        elif kind == 5:
            result[at:at] = random.choice(WORDS)
        elif kind == 6:
            del result[at:]
        elif others:
            other = random.choice(others)
            start = random.randrange(len(other) + 1)
            result[at:end] = other[start : start + random.choice((4, 40, 1000))]
    return bytes(result[:most])


def json_mutated(random: Random, data: bytes) -> bytes | None:
    """The JSON in *data* with one value, name or place changed; ``None`` where it holds none.

    What stands before it, in the first bytes, is kept. The text is ASCII, so that halves of characters are escapes, as
    services write them.
    """
    start = min((at for at in (data.find(b"{", 0, 200), data.find(b"[", 0, 200)) if at >= 0), default=0)
    try:
        root = json.loads(data[start:])
    except (ValueError, RecursionError):
        return None
    holder = [root]
    places = list(_places(holder))
    for _ in range(random.choice((1, 1, 2, 4))):
        inside, at = random.choice(places)
        try:
            old = inside[at]
        except (KeyError, IndexError):  # gone with an earlier change
            continue
        kind = random.randrange(8)
        if kind == 0 and inside is not holder:
            del inside[at]
        elif kind == 1 and isinstance(inside, dict):
            inside[str(random.choice(VALUES))[:40]] = inside.pop(at)
        elif kind == 2:
            inside[at] = [old]
        elif kind == 3:
            inside[at] = {"data": old}
        elif kind == 4 and isinstance(old, str):
            cut = random.randrange(len(old) + 1)
            inside[at] = old[:cut] + str(random.choice(VALUES))[:100] + old[cut:]
        else:
            inside[at] = random.choice(VALUES)
    return data[:start] + json.dumps(holder[0]).encode()


def _places(inside: Any) -> Any:
    """Every value's place, as what holds it and its name or number there."""
    waiting = [inside]
    while waiting:
        holder = waiting.pop()
        for at, value in list(holder.items() if isinstance(holder, dict) else enumerate(holder)):
            yield holder, at
            if isinstance(value, (dict, list)):
                waiting.append(value)
