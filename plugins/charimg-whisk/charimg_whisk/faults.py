"""What an answer of Whisk says went wrong, as one of the core's errors.

Both envelopes are read: Google's ``{"error": {"code", "message", "status", "details"}}`` and the site's
``{"error": {"json": {"message", "code", "data": {"code", "httpStatus"}}}}``, also inside an HTTP 200. The public
reason decides before the status, the status before any text; what neither decides is left to the core's rules.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from charimg.errors import ERROR_OF_VERDICT, FatalError, InvalidRequestError, ProviderError
from charimg.model import Verdict
from charimg.verdicts import find_wait, read_answer
from charimg_whisk.addresses import host_of, is_google
from charimg_whisk.reasons import PREFIX, advice_on, chosen, verdict_of

if TYPE_CHECKING:
    from charimg.http import Answer

CLOSED = "Google closed Whisk on 2026-04-30; use --provider avatar offline, or another service: `charimg providers`"
"""What a user is told when the service is gone, and what to do instead."""

LONGEST_MESSAGE = 240
"""Characters of the service's own words that are repeated."""

_REASON = re.compile(r"PUBLIC_[A-Z]{1,20}_[A-Z0-9_]{1,80}")
_SIGN_IN = re.compile(r"(?i)sign-?in|login")
_STATUS_OF_NAME = {
    "UNAUTHENTICATED": 401,
    "UNAUTHORIZED": 401,
    "PERMISSION_DENIED": 403,
    "FORBIDDEN": 403,
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "BAD_REQUEST": 400,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "TOO_MANY_REQUESTS": 429,
    "INTERNAL": 500,
    "INTERNAL_SERVER_ERROR": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class StaleMediaError(InvalidRequestError):
    """The service no longer has a picture the request refers to; uploading it again may help."""


@dataclass(frozen=True)
class Fault:
    """One refusal, taken out of its envelope."""

    status: int
    """The error's own code where it has one, otherwise the answer's HTTP status."""
    message: str = ""
    """The service's sentence on one line; empty where it sent none."""
    reason: str | None = None
    """The public reason without its prefix."""
    structured: bool = False
    """The body was one of Whisk's own error objects rather than a web page."""


def decoded(answer: Answer) -> Any:
    """The body as JSON data; ``None`` if it is none. A batch of one is unwrapped."""
    try:
        data = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return data[0] if isinstance(data, list) and len(data) == 1 else data


def fault_of(answer: Answer, clean: Callable[[str], str] = str) -> Fault | None:
    """What is wrong with an answer; ``None`` for a 2xx without an error inside.

    :param clean: erases secrets from the service's words, before they are cut to length (half a secret is not known
        as one any more).
    """
    data = decoded(answer)
    error = data.get("error") if isinstance(data, dict) else None
    inner = error.get("json", error) if isinstance(error, dict) else error
    if not inner:
        relayed = _relayed_status(data)
        if relayed is not None:
            return Fault(relayed, structured=True)
        return None if answer.ok else Fault(answer.status)
    if isinstance(inner, str):
        return Fault(answer.status, _one_line(clean(inner)), _reason_in(inner), structured=True)
    if not isinstance(inner, dict):
        return Fault(answer.status)
    message = inner.get("message")
    message = message if isinstance(message, str) else ""
    reasons = [*_reasons(inner), *filter(None, [_reason_in(message)])]
    return Fault(_status(inner, answer.status), _one_line(clean(message)), chosen(reasons), structured=True)


def error_from(answer: Answer, fault: Fault, *, spends: bool = False, now: datetime | None = None) -> ProviderError:
    """The core's error for a fault.

    :param spends: the request asked for a picture: if its answer was lost behind a gateway, it may have been made.
    :param now: the present, against which a date in ``Retry-After`` is measured.
    """
    if fault.reason is not None:
        verdict = verdict_of(fault.reason, fault.status)
        if verdict is not None:
            words = advice_on(fault.reason) or fault.message or "no further words"
            waits = verdict in (Verdict.THROTTLED, Verdict.EXHAUSTED)
            wait = find_wait(answer.headers, answer.body, now=now) if waits else None
            return ERROR_OF_VERDICT[verdict](f"Whisk: {words} ({fault.reason})", wait=wait)
    gone = closed_by(answer, fault)
    if gone is not None:
        return gone
    text = f"Whisk: {fault.message or f'{host_of(answer.url)} answered HTTP {fault.status}'}"
    if fault.status == 404:
        return StaleMediaError(text)
    if 300 <= fault.status < 400:
        where = host_of(answer.url)
        return FatalError(f"{where} redirects (HTTP {fault.status}) and is not followed; check the login and labs_url")
    if fault.status == 401:
        return FatalError(f"Whisk does not accept the login (HTTP 401: {fault.message or 'no further words'})")
    reading = read_answer(fault.status, answer.headers, answer.body, now=now)
    verdict = reading.verdict
    if fault.status in (429, 502, 503, 504) and verdict is not Verdict.EXHAUSTED:
        verdict = Verdict.THROTTLED
    return ERROR_OF_VERDICT[verdict](
        text,
        wait=reading.wait,
        retry_at=reading.retry_at,
        possibly_charged=spends and (reading.possibly_charged or fault.status in (502, 504)),
    )


def closed_by(answer: Answer, fault: Fault) -> FatalError | None:
    """The error that says the service is gone, if this is how a closed one answers.

    A redirect to Flow or for good, a 410, a 404 or 405 that is no error object of Whisk's, or one that says the method
    itself is unknown. A 404 about an *entity* is none of them: it means a forgotten picture. Nor is a redirect to a
    page for signing in.
    """
    status = fault.status
    if 300 <= status < 400:
        try:
            target = urlsplit(answer.headers.get("location", ""))
        except ValueError:  # such as http://[::1
            return None
        to_flow = (target.hostname or "") in ("flow.google", "flow.google.com")
        moved = status in (301, 308) and not _SIGN_IN.search(target.path)
        observed = f"redirects to {target.hostname or 'another page'} (HTTP {status})"
        return closed(answer.url, observed) if to_flow or moved else None
    if "doesn't match Host for XD3" in fault.message:
        return closed(answer.url, f"answers HTTP {status} '{fault.message}'")
    gone = status == 410 or (
        status in (404, 405)
        and (not fault.structured or bool(re.search(r"(?i)\bmethod\b|procedure|no such|requested url", fault.message)))
    )
    return closed(answer.url, f"answers HTTP {status}") if gone else None


def closed(url: str, observed: str) -> FatalError:
    """The one line about the closed service, with what was seen at the address."""
    mend = "" if is_google(url) else "; if that is a gateway of yours, check the settings labs_url and sandbox_url"
    return FatalError(f"{CLOSED} ({host_of(url)} {observed}{mend})")


def endpoint_removed(url: str) -> FatalError:
    """The site refuses a cookie that its own login page has just accepted: not the login is dead but the endpoint."""
    return closed(url, "refuses a login that is valid (HTTP 401): the endpoint is removed, the cookie is not expired")


def login_refused(url: str, renewal: str) -> FatalError:
    """The API refuses a token that was renewed a moment ago.

    :param renewal: how a new login is given.
    """
    return FatalError(
        f"{host_of(url)} refuses a freshly renewed login (HTTP 401): log in again, then {renewal}; "
        f"if that does not help, the endpoint is removed: {CLOSED}"
    )


def _status(error: dict[str, Any], http_status: int) -> int:
    """The error's own status: a number, or the name of one; the site's ``code`` is a JSON-RPC number and no status."""
    data = error.get("data")
    numbers = [data.get("httpStatus") if isinstance(data, dict) else None, error.get("code")]
    names = [data.get("code") if isinstance(data, dict) else None, error.get("status")]
    for number in numbers:
        if isinstance(number, int) and not isinstance(number, bool) and 300 <= number < 600:
            return number
    if http_status >= 300:
        return http_status
    return next((_STATUS_OF_NAME[name] for name in names if isinstance(name, str) and name in _STATUS_OF_NAME), 200)


def _relayed_status(data: Any) -> int | None:
    """The status that the site passes on inside a successful envelope, where it is an error's."""
    if not isinstance(data, dict):
        return None
    for key in ("result", "data", "json"):
        data = data.get(key) if isinstance(data, dict) else None
    status = data.get("status") if isinstance(data, dict) else None
    return status if isinstance(status, int) and status >= 400 else None


def _reasons(value: Any, depth: int = 6) -> Iterator[str]:
    """Every public reason among the details: there may be none, or several items, in any order."""
    if depth and isinstance(value, list):
        for item in value[:50]:
            yield from _reasons(item, depth - 1)
    elif depth and isinstance(value, dict):
        for key, item in value.items():
            if key == "reason" and isinstance(item, str) and _REASON.fullmatch(item):
                yield item.removeprefix(PREFIX)
            elif isinstance(item, (dict, list)):
                yield from _reasons(item, depth - 1)


def _reason_in(message: str) -> str | None:
    """The reason of a message that is nothing else; a longer text may repeat the user's prompt and is not searched."""
    return message.strip().removeprefix(PREFIX) if _REASON.fullmatch(message.strip()) else None


def _one_line(text: str) -> str:
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 1]}…"
