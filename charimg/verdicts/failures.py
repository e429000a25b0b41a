"""What an exception means: the floor for providers that raise something of their own.

A provider that knows its service raises the core's errors, which keep their meaning. Of anything else whatever is
exact is read first (a status, headers, a body), then whether it is a lost connection, then its text.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import islice

from charimg.errors import ProviderError
from charimg.model import Verdict
from charimg.verdicts import families
from charimg.verdicts.answer import MAX_TEXT, one_line
from charimg.verdicts.reading import CEILING, Reading, read_answer, settle
from charimg.verdicts.waits import sane, wait_in_text

ADDRESS = re.compile(r"(https?://[^\s?'\"<>]{1,2000})\?[^\s'\"<>]{0,4000}")
MAX_CHAIN = 8
"""Causes and members of a group that are looked at."""

# Named, not imported: a run that uses none of these libraries must not load them.
NEVER_SENT = {
    ("builtins", "ConnectionRefusedError"),
    ("socket", "gaierror"),
    ("ssl", "SSLError"),
    ("aiohttp", "ClientConnectorError"),
    ("aiohttp", "ConnectionTimeoutError"),
    ("httpx", "ConnectError"),
    ("httpx", "ConnectTimeout"),
    ("httpx", "PoolTimeout"),
    ("requests", "ConnectTimeout"),
    ("urllib3", "NewConnectionError"),
    ("urllib3", "ConnectTimeoutError"),
}
"""Package and class of failures before the request was out."""
LOST = {
    ("builtins", "ConnectionError"),
    ("builtins", "TimeoutError"),
    ("asyncio", "TimeoutError"),  # a class of its own up to Python 3.10
    ("concurrent", "TimeoutError"),
    ("asyncio", "IncompleteReadError"),
    ("http", "IncompleteRead"),
    ("http", "RemoteDisconnected"),
    ("aiohttp", "ClientConnectionError"),
    ("aiohttp", "ClientPayloadError"),
    ("httpx", "TransportError"),
    ("requests", "ConnectionError"),
    ("requests", "Timeout"),
    ("requests", "ChunkedEncodingError"),
    ("urllib3", "ProtocolError"),
    ("urllib3", "TimeoutError"),
}
"""Package and class of failures in which the request may have been accepted."""
CERTIFICATE = {("ssl", "SSLCertVerificationError"), ("aiohttp", "ClientConnectorCertificateError")}
"""Package and class of failures that every request to this address will meet."""
NETWORK_NUMBERS = {
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENETRESET,
    errno.ETIMEDOUT,
}
"""Numbers of plain ``OSError`` that speak of the network (a missing file is one too, and no throttle)."""


def read_exception(error: BaseException, *, now: datetime | None = None, ceiling: float = CEILING) -> Reading:
    """What an exception of a provider means. Never raises.

    In this order, for the error itself, then for its causes and the members of a group:

    1. a :class:`~charimg.errors.ProviderError` keeps its verdict and wait;
    2. a status (``status``, ``status_code``, ``code``, or those of ``response``) is read by :func:`read_answer`,
       with the headers and body that the error carries;
    3. a failed connection or a timeout is ``throttled``, a certificate that is not trusted ``fatal``;
    4. the text: money and daily quotas are ``exhausted``, "429", "quota" and "rate limit" ``throttled``, with the wait
       the text asks for.

    Anything else is ``invalid``: that character fails with these words and the run goes on. It is not ``flaky``, for a
    quick retry of an unknown error may pay twice for one picture.
    """
    for candidate in _chain(error):
        found = (
            _read_own(candidate)
            or _read_http(candidate, now, ceiling)
            or _read_connection(candidate)
            or _read_text(candidate, ceiling)
        )
        if found is not None:
            return found
    return Reading(Verdict.INVALID, None, _message(error))


def _chain(error: BaseException) -> Iterable[BaseException]:
    seen: list[BaseException] = []
    waiting = [error]
    while waiting and len(seen) < MAX_CHAIN:
        candidate = waiting.pop(0)
        if any(candidate is other for other in seen):
            continue
        seen.append(candidate)
        yield candidate
        members = _attribute(candidate, "exceptions")
        if isinstance(members, tuple):
            waiting += [member for member in members[:MAX_CHAIN] if isinstance(member, BaseException)]
        if isinstance(candidate.__cause__, BaseException):
            waiting.append(candidate.__cause__)


def _attribute(thing: object, name: str) -> object:
    """An attribute of a stranger's object, ``None`` if it has none or reading it fails."""
    try:
        return getattr(thing, name, None)
    except Exception:  # a property may raise anything, and this is the last resort
        return None


def _text(error: BaseException) -> str:
    try:
        return str(error)[: 4 * MAX_TEXT]
    except Exception:  # likewise for __str__
        return ""


def _message(error: BaseException) -> str:
    # An address may carry a key or the whole prompt behind its question mark.
    name, text = type(error).__name__, one_line(ADDRESS.sub(r"\1?…", _text(error)))
    return one_line(f"{name}: {text}" if text else name)


def _read_own(error: BaseException) -> Reading | None:
    if not isinstance(error, ProviderError):
        return None
    retry_at = error.retry_at if isinstance(error.retry_at, datetime) else None
    verdict = _attribute(error, "verdict")
    return Reading(
        verdict=verdict if isinstance(verdict, Verdict) else Verdict.INVALID,
        wait=sane(error.wait),
        message=one_line(_text(error)) or type(error).__name__,
        retry_at=retry_at,
        possibly_charged=bool(error.possibly_charged),
    )


def _status_of(error: BaseException) -> int | None:
    response = _attribute(error, "response")
    for thing, name in (
        (error, "status"),
        (error, "status_code"),
        (error, "http_status"),
        (response, "status"),
        (response, "status_code"),
        (error, "code"),  # urllib, google-genai
    ):
        value = _attribute(thing, name)
        if isinstance(value, int) and not isinstance(value, bool) and 200 <= value <= 599:
            return int(value)
    return None


def _headers_of(error: BaseException) -> dict[str, str]:
    response = _attribute(error, "response")
    for thing, name in ((error, "headers"), (error, "response_headers"), (response, "headers")):
        value = _attribute(thing, name)
        if isinstance(value, Mapping):
            return dict(islice(((str(key), str(text)) for key, text in value.items()), 256))
        items = _attribute(value, "items")  # the standard library's header classes are no Mapping
        if callable(items):
            return {str(key): str(text) for key, text in islice(items(), 256)}
    return {}


def _body_of(error: BaseException) -> object:
    response = _attribute(error, "response")
    for thing, name in (
        (error, "body"),
        (error, "details"),
        (error, "response_json"),
        (response, "text"),
        (response, "content"),
        (error, "detail"),
    ):
        value = _attribute(thing, name)
        if isinstance(value, (dict, list)) and value:
            # Some libraries hand over the inside of {"error": …} only.
            return {"error": value} if isinstance(value, dict) and _is_inner(value) else value
        if isinstance(value, (bytes, str)) and value.strip()[:1] in {"{", "[", b"{", b"["}:
            return value
    return None


def _is_inner(value: dict[object, object]) -> bool:
    return "message" in value and "error" not in value and ("type" in value or "status" in value)


def _read_http(error: BaseException, now: datetime | None, ceiling: float) -> Reading | None:
    status = _status_of(error)
    if status is None:
        return None
    try:
        headers, body = _headers_of(error), _body_of(error)
    except Exception:  # a stranger's header class
        headers, body = {}, None
    text = _text(error)
    if body is None:
        body = {"message": text, "detail": [{"type": code} for code in families.codes_in_text(text)]}
    reading = read_answer(status, headers, body, now=now, ceiling=ceiling)  # type: ignore[arg-type] # read by type
    if reading.message == f"HTTP {status}" and text:
        return replace(reading, message=_message(error))
    return reading


def _read_connection(error: BaseException) -> Reading | None:
    kinds = {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(error).__mro__}
    # The modules of the standard library hide some classes behind an underscore.
    kinds |= {(module.lstrip("_"), name) for module, name in kinds}
    if kinds & CERTIFICATE:
        return Reading(Verdict.FATAL, None, _message(error))
    if kinds & NEVER_SENT or (isinstance(error, OSError) and error.errno in NETWORK_NUMBERS):
        return Reading(Verdict.THROTTLED, None, _message(error))
    if kinds & LOST:
        return Reading(Verdict.THROTTLED, None, _message(error), possibly_charged=True)
    return None


def _speaks_of_429(text: str) -> bool:
    return any(
        not families.NUMBER_NAMED.search(text[max(0, found.start() - 24) : found.start()])
        for found in islice(families.NUMBER_429.finditer(text), 64)
    )


def _read_text(error: BaseException, ceiling: float) -> Reading | None:
    text = _text(error)
    # "QuotaExceededError" has a word boundary for people only.
    words = families.CAMEL.sub(" ", f"{type(error).__name__}: {text}")
    codes = {code.lower(): families.verdict_of_code(code) for code in families.codes_in_text(text)}
    if Verdict.REJECTED in codes.values():
        verdict = Verdict.REJECTED
    elif Verdict.EXHAUSTED in codes.values() or families.MONEY_TEXT.search(words):
        verdict = Verdict.EXHAUSTED
    elif (
        Verdict.THROTTLED in codes.values()
        or _speaks_of_429(text)
        or families.QUOTA_WORDS.search(words)
        or families.THROTTLE_TEXT.search(words)
    ):
        spent = families.DAILY_TEXT.search(words) or "0" in families.LIMIT.findall(text)
        verdict = Verdict.EXHAUSTED if spent else Verdict.THROTTLED
    else:
        return None
    verdict, wait = settle(verdict, wait_in_text(text), ceiling)
    return Reading(verdict, wait, _message(error), tuple(codes))
