"""What a refusal means, and how it is told: what only these servers have, before the core's families of words.

Decisions rest on the status and on machine codes. The service's sentence is shown and never searched: it may repeat the
user's prompt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from charimg.errors import (
    ERROR_OF_VERDICT,
    ExhaustedError,
    FatalError,
    FlakyError,
    InvalidRequestError,
    ProviderError,
    RejectedError,
)
from charimg.model import Verdict, utc_now
from charimg.verdicts import Reading, find_wait, parse_duration, read_answer

if TYPE_CHECKING:
    from charimg.http import Answer
    from charimg_openai.dialects import Dialect

SHOW_MODELS = "charimg providers show openai --models"

LONGEST_READ = 1_000_000
"""Characters of a refusal that are looked at."""

_BUCKETS = ("input-images", "requests", "tokens")
"""What OpenAI counts, as the names of its x-ratelimit headers end."""

_VIOLATIONS = re.compile(r"safety_violations=\[([a-z_/, -]{1,120})\]")
_ADVERTISED = re.compile(r"\s+(?:Visit https?://\S+ to learn more|You can find your API key at https?://\S+)\.?\Z")
"""OpenAI's last sentence about every limit and every key, which leaves no room for the first on a terminal."""
_GONE = frozenset({"model_not_found", "model_not_available", "model_deprecated", "deploymentnotfound"})
"""Codes of OpenAI, Together and Azure for a model that is not, or no longer, to be had."""
_NO_PICTURES = {"rate_limit_exceeded", "input-images"}
"""The codes beside "Limit 0": the account's tier has no pictures a minute at all."""
_LOST_BEHIND = frozenset({502, 504, 524})
"""A gateway that gave up on what stands behind it, which may have drawn all the same."""


class NoRouteError(FatalError):
    """The server does not have the path that was asked for."""


@dataclass(frozen=True)
class Sent:
    """What the refused request was about."""

    path: str
    """Below the base address, as ``/images/generations``."""
    dialect: Dialect
    title: str
    """How messages call the server."""
    keyed: bool
    """A key was sent along."""
    renewal: str
    """What to do about a key that is missing or not accepted."""
    model: str = ""
    retirement: str | None = None
    """The sentence about this model, where it is known to be gone."""
    spends: bool = False
    """It asked for a picture."""
    ceiling: float = 900.0


def error_from(answer: Answer, sent: Sent, clean: Callable[[str], str]) -> ProviderError:
    """The core's error for an answer without a picture.

    :param clean: erases secrets from what the service says, before it is cut to length.
    """
    body = _without_secrets(answer.text[:LONGEST_READ], clean)
    # Only a 429's: beside a 403 a wait would turn a refusal into a throttle.
    headers = {**answer.headers, **(_reset(answer.headers, body) if answer.status == 429 else {})}
    reading = read_answer(answer.status, headers, body, now=utc_now(), ceiling=sent.ceiling)
    error = _special(answer, sent, reading, _error_object(body)) or _told(answer, sent, reading)
    unproven = answer.status in _LOST_BEHIND or (answer.ok and reading.verdict is Verdict.FLAKY)
    error.possibly_charged = sent.spends and (reading.possibly_charged or unproven)
    return error


def _special(answer: Answer, sent: Sent, reading: Reading, fault: Mapping[str, Any]) -> ProviderError | None:
    """What is known of these servers beyond the families of words."""
    status, where, title = answer.status, host_of(answer.url), sent.title
    if 300 <= status < 400:
        return FatalError(f"{where} redirects (HTTP {status}) and is not followed; check the setting base_url")
    if status == 401:
        return FatalError(_login(where, sent, reading.message))
    if _is_gone(status, sent, reading, fault):
        told = ERROR_OF_VERDICT[Verdict.FATAL if status == 403 else Verdict.INVALID]
        if sent.retirement:
            return told(f"{title}: {sent.retirement} (it answered HTTP {status})")
        advice = f"choose another with -o model=..., listed by: {SHOW_MODELS}"
        return told(f"{title}: {reading.message.rstrip('.')}; {advice}")
    if status in (404, 405) and _is_no_route(reading, fault):
        return _no_route(where, sent, f"HTTP {status}")
    if status in (400, 422) and fault.get("param") == "response_format" and reading.verdict is Verdict.INVALID:
        advice = "say what it takes with -o response_format=none, b64_json or base64"
        return InvalidRequestError(f"{title}: {reading.message.rstrip('.')}; {advice}")
    if sent.dialect.serves_one_model and sent.model and status in (400, 404) and reading.verdict is Verdict.INVALID:
        advice = f"if it serves another model than {sent.model}, leave the name out with -o model="
        return InvalidRequestError(f"{title}: {reading.message.rstrip('.')}; {advice}")
    if "moderation_blocked" in reading.codes and reading.verdict is Verdict.REJECTED:
        found = _VIOLATIONS.search(str(fault.get("message") or ""))
        why = f" ({found[1].replace('_', ' ')})" if found else ""
        return RejectedError(f"{title}'s safety system refuses it{why}; change the description")
    if reading.verdict is Verdict.EXHAUSTED and reading.wait is None and set(reading.codes) >= _NO_PICTURES:
        return ExhaustedError(f"{title}: {reading.message.rstrip('.')}: this account's tier draws no pictures")
    return None


def _told(answer: Answer, sent: Sent, reading: Reading) -> ProviderError:
    """The core's verdict in the service's own words."""
    words = reading.message
    if answer.ok and reading.verdict is Verdict.FLAKY:
        words = "it sent no picture and no reason"
    elif reading.verdict is Verdict.THROTTLED:
        words = _ADVERTISED.sub("", words)
    elif reading.verdict is Verdict.FLAKY and answer.headers.get("x-request-id"):
        words = f"{words.rstrip('.')} (request {answer.headers['x-request-id'][:60]})"
    return ERROR_OF_VERDICT[reading.verdict](f"{sent.title}: {words}", wait=reading.wait, retry_at=reading.retry_at)


def damaged(title: str, error: FlakyError) -> FlakyError:
    """A picture that came and cannot be read: it was made, and charged."""
    return FlakyError(f"{title}: {error.message}", possibly_charged=True)


def no_key(dialect: Dialect, renewal: str) -> FatalError:
    """The service wants a key and none was found.

    :param renewal: what to do about it.
    """
    return FatalError(f"openai: no api_key found, and {dialect.title} wants one; {renewal}")


def no_files(title: str) -> FatalError:
    """The server is known to keep no files, so it cannot be the uploader."""
    return FatalError(f"{title} keeps no pictures; use --uploader none, or another uploader")


def _login(where: str, sent: Sent, words: str) -> str:
    if not sent.keyed:
        return f"{where} wants a key (HTTP 401) and there is none; {sent.renewal}"
    said = _ADVERTISED.sub("", words).rstrip(".")
    return f"{where} does not accept the key (HTTP 401: {said}); {sent.renewal}"


def _no_route(where: str, sent: Sent, how: str) -> ProviderError:
    told = f"{where} has no {sent.path} ({how})"
    if sent.path == "/images/edits":
        advice = "it takes no reference pictures, or takes them with -o references=fields"
        return InvalidRequestError(f"{told}: {advice}")
    if sent.path == "/files":
        return NoRouteError(f"{told}: it keeps no pictures; use --uploader none")
    return NoRouteError(f"{told}; check the setting base_url: it ends in /v1 as a rule")


def _is_gone(status: int, sent: Sent, reading: Reading, fault: Mapping[str, Any]) -> bool:
    """The refusal is about the model: by its code, by the field it names, or because the model is known to be gone."""
    if not _GONE.isdisjoint(reading.codes):
        return True
    if not sent.model or reading.verdict not in (Verdict.INVALID, Verdict.FATAL):
        return False
    if fault.get("param") == "model":
        return status in (400, 404, 410)
    # LocalAI says it in words alone: nothing but the model's own name, in quotation marks, is looked for.
    quoted = [f"{mark}{sent.model}{mark}" for mark in "`'\""]
    if status == 404 and any(one in str(fault.get("message")) for one in quoted):
        return True
    return sent.retirement is not None and status in (404, 410)


def _is_no_route(reading: Reading, fault: Mapping[str, Any]) -> bool:
    """A 404 that is about the path: no code but the status itself, and no field of the request is named."""
    return not fault.get("param") and all(code in ("404", "405", "invalid_request_error") for code in reading.codes)


def _reset(headers: Mapping[str, str], body: str) -> dict[str, str]:
    """The wait that OpenAI's x-ratelimit headers tell, as a header that the core reads, where no other place tells one:
    the longest reset among the windows that have nothing left."""
    if find_wait(headers, body) is not None:
        return {}
    waits = [
        parse_duration(headers.get(f"x-ratelimit-reset-{bucket}"))
        for bucket in _BUCKETS
        if headers.get(f"x-ratelimit-remaining-{bucket}", "").strip() == "0"
    ]
    longest = max((wait for wait in waits if wait is not None), default=None)
    return {} if longest is None else {"retry-after": f"{longest:.3f}"}


def _without_secrets(body: str, clean: Callable[[str], str]) -> str:
    """The body with every text in it cleaned: once taken out of its JSON a secret is spelled as it is known."""

    def cleaned(value: Any, depth: int = 12) -> Any:
        if isinstance(value, str):
            return clean(value)
        if depth and isinstance(value, list):
            return [cleaned(one, depth - 1) for one in value]
        if depth and isinstance(value, dict):
            return {clean(name): cleaned(one, depth - 1) for name, one in value.items()}
        return None if isinstance(value, (list, dict)) else value

    try:
        return json.dumps(cleaned(json.loads(body)))
    except (ValueError, RecursionError):
        return clean(body)


def _error_object(body: str) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    found = document.get("error") if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}


def host_of(url: str) -> str:
    """Host and port of an address, for messages; never a name and password."""
    return urlsplit(url).netloc.rpartition("@")[2] or "the server"
