"""What an answer says, before anybody judges it: its codes and its sentences, dug out of some twenty envelopes.

Everything read here comes from outside and is taken to be hostile: lengths, counts and depths are bounded, any value
may have any type, and nothing raises.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

MAX_BODY = 4 * 1024 * 1024
"""Bytes of a body that are read as JSON: room for a refused picture that came along, no more."""
MAX_TEXT = 4096
"""Characters of one sentence that are looked at."""
MAX_ITEMS = 32
"""Entries of one list that are looked at."""
MOST = 1e15
"""The largest number of a body that is taken for one: whole numbers up to it are exact."""
MAX_CODE = 128
"""Characters of one machine code."""
MAX_MESSAGE = 300
"""Characters of a message for people."""

_CODE_FIELDS = ("code", "type", "__type", "rc", "reject_reason", "reason", "error_type", "error_id")
_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,63}\Z")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]{0,16}[@-~]")
_UNPRINTABLE = re.compile("[\x00-\x20\x7f-\xa0\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, taken apart."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Any = None
    """The decoded JSON, a one-element list unwrapped; ``None`` when the body was no JSON."""
    codes: tuple[str, ...] = ()
    """Machine codes in the order found, as written."""
    listed_codes: tuple[str, ...] = ()
    """Those of them that stood in ``errors[]`` (where Cloudflare numbers its errors)."""
    texts: tuple[str, ...] = ()
    """The server's sentences from the known fields of a JSON body."""
    plain: str = ""
    """A body that is neither JSON nor markup: for people and for waits, never for the verdict."""
    rpc_status: str = ""
    """Google's ``error.status``: one word for throttle and quota alike, so not a code."""

    @property
    def text(self) -> str:
        """All sentences in one."""
        return " ".join(self.texts)[: 2 * MAX_TEXT]

    @property
    def top(self) -> dict[Any, Any]:
        """The body's fields, none when it is no object."""
        return as_dict(self.body)

    @property
    def details(self) -> list[dict[Any, Any]]:
        """The entries of Google's ``error.details``."""
        return [as_dict(entry) for entry in as_list(as_dict(self.top.get("error")).get("details"))]


def as_dict(value: object) -> dict[Any, Any]:
    """*value* if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """The first entries of *value* if it is a list, else none."""
    return value[:MAX_ITEMS] if isinstance(value, list) else []


def as_text(value: object) -> str:
    """The beginning of *value* if it is a string with something in it, else the empty string."""
    return value[:MAX_TEXT].strip() if isinstance(value, str) else ""


def as_number(value: object) -> float | None:
    """*value* if it is a number that something can cost, count or take; ``None`` for all else, for NaN, and for what is
    beyond :data:`MOST`: JSON's whole numbers may be larger than any float."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if -MOST <= value <= MOST else None


def one_line(text: str, limit: int = MAX_MESSAGE) -> str:
    """*text* fit for a terminal: one line, no control, direction or half characters, at most *limit* long."""
    text = _UNPRINTABLE.sub(" ", _ESCAPES.sub("", text[:MAX_TEXT])).strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def lower_names(headers: object) -> dict[str, str]:
    """Headers with lower-case names; values that are no text are left out."""
    if not isinstance(headers, Mapping):
        return {}
    return {
        name.lower(): value[:MAX_TEXT]
        for name, value in islice(headers.items(), 256)
        if isinstance(name, str) and isinstance(value, str)
    }


def _number(digits: str) -> float:
    # A number of a million digits would take minutes to convert; beyond 18 digits only the size matters.
    return int(digits) if len(digits) <= 18 else float(digits)


def decode(body: object) -> tuple[Any, str]:
    """The JSON value of a body, and the text of one that is neither JSON nor markup.

    Never raises. A list of one is unwrapped; of a longer list (a batched call) the first entry counts.
    """
    if isinstance(body, (bytes, bytearray, memoryview)):
        if len(body) > MAX_BODY:
            return None, ""
        body = bytes(body).decode("utf-8-sig", errors="replace")
    if isinstance(body, str):
        text = body if len(body) <= MAX_BODY else ""
        start = text[:64].lstrip("\ufeff \t\r\n")[:1]
        try:
            body = json.loads(text.lstrip("\ufeff"), parse_int=_number) if start in {"{", "[", '"'} else None
        except (ValueError, RecursionError):
            body = None
        if body is None:
            return None, "" if start in {"<", "{", "["} else as_text(text)
    if isinstance(body, list):
        body = body[0] if body else None
    return (body, "") if isinstance(body, (dict, str)) else (None, "")


def _codes_in(place: object) -> Iterable[str]:
    for field in _CODE_FIELDS:
        value = as_dict(place).get(field)
        if isinstance(value, str) and 0 < len(value) <= MAX_CODE:
            yield value
        elif isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9:
            yield str(value)


def _all_codes(top: dict[Any, Any], headers: Mapping[str, str]) -> Iterable[str]:
    error, detail = top.get("error"), top.get("detail")
    trpc = as_dict(as_dict(error).get("json"))
    yield from _codes_in(top)
    if "errors" in top and isinstance(top.get("name"), str):  # Stability; elsewhere a name is a file's or a model's
        yield top["name"][:MAX_CODE]
    for place in (error, as_dict(error).get("innererror"), detail, trpc, trpc.get("data")):
        yield from _codes_in(place)
    for entries in (
        as_dict(error).get("details"),  # google.rpc.ErrorInfo: reason
        as_dict(error).get("errors"),  # Google's older form: reason
        error,
        detail,  # FastAPI: type
    ):
        for entry in as_list(entries):
            yield from _codes_in(entry)
    yield from _listed_codes(top)
    if isinstance(error, str) and _TOKEN.match(error):
        yield error  # {"error": "insufficient_funds"}
    if headers.get("x-fal-error-type"):
        yield headers["x-fal-error-type"][:MAX_CODE]


def _listed_codes(top: dict[Any, Any]) -> Iterable[str]:
    for entry in as_list(top.get("errors")):
        yield from _codes_in(entry)


def _sentences(value: object) -> Iterable[str]:
    """The sentences of a field that is a string, an object with a message, or a list of either."""
    for entry in value[:MAX_ITEMS] if isinstance(value, list) else [value]:
        if isinstance(entry, dict):
            message = as_text(entry.get("message")) or as_text(entry.get("msg")) or as_text(entry.get("detail"))
            place = ".".join(str(part)[:40] for part in as_list(entry.get("loc")) if isinstance(part, (str, int)))
            yield f"{place}: {message}" if place and message else message
        else:
            yield as_text(entry)


def _node_errors(top: dict[Any, Any]) -> Iterable[str]:
    """ComfyUI's reasons for refusing a graph, which name the missing model."""
    for node in islice(as_dict(top.get("node_errors")).values(), MAX_ITEMS):
        for entry in as_list(as_dict(node).get("errors")):
            yield as_text(as_dict(entry).get("details"))


def _all_texts(top: dict[Any, Any]) -> Iterable[str]:
    error = top.get("error")
    yield from _sentences(error)
    yield from _sentences(as_dict(error).get("json"))  # tRPC
    for field in ("detail", "message", "errors"):
        yield from _sentences(top.get(field))
    yield from _node_errors(top)


def take_apart(status: object, headers: object, body: object) -> Answer:
    """Read an answer of any shape. Never raises."""
    number = status if isinstance(status, int) and not isinstance(status, bool) else 0
    names = lower_names(headers)
    value, plain = decode(body)
    top = as_dict(value)
    texts = [value[:MAX_TEXT]] if isinstance(value, str) else list(_all_texts(top))
    return Answer(
        status=number,
        headers=names,
        body=value,
        codes=tuple(dict.fromkeys(islice(_all_codes(top, names), 4 * MAX_ITEMS))),
        listed_codes=tuple(_listed_codes(top)),
        texts=tuple(dict.fromkeys(text for text in texts if text)),
        plain=plain,
        rpc_status=as_text(as_dict(top.get("error")).get("status")).upper(),
    )


def message_of(answer: Answer) -> str:
    """The server's own words for people, or ``"HTTP 502"`` where it has none."""
    parts: list[str] = []
    for text in answer.texts or (answer.plain, as_text(answer.top.get("title"))):
        line = one_line(text)
        if line and not any(line in part or part in line for part in parts):
            parts.append(line)
    return one_line(": ".join(part.rstrip(":") for part in parts)) or f"HTTP {answer.status}"
