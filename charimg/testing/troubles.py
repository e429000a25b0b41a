"""The troubles of services, as data: an answer, and what the core makes of it.

The envelopes are those that most services share; what is special to a service its author adds as ``own_troubles``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

from charimg.model import Verdict
from charimg.testing.service import Reply


@dataclass(frozen=True)
class Trouble:
    """One answer that is no success."""

    id: str
    """In a few words with hyphens: part of the test's name."""
    status: int
    body: Any = ""
    """Text and bytes are sent as they are, anything else as JSON."""
    verdict: Verdict = Verdict.THROTTLED
    """What it means."""
    wait: float | None = None
    """Seconds the service asks for; ``None`` where it says nothing."""
    headers: Mapping[str, str] = field(default_factory=dict)
    retry_date: float | None = None
    """Seconds from now that a date in ``retry-after`` names; written into the headers when the test runs."""

    def reply(self) -> Reply:
        """The answer as it is sent."""
        headers = dict(self.headers)
        if self.retry_date is not None:
            now = datetime.now(timezone.utc)
            headers["Date"] = format_datetime(now, usegmt=True)
            headers["Retry-After"] = format_datetime(now + timedelta(seconds=self.retry_date), usegmt=True)
        return Reply(self.status, self.body, headers)


def _error(message: str, **more: object) -> dict[str, object]:
    return {"error": {"message": message, **more}}


_SLOW_DOWN = _error("Too many requests", code="rate_limit_exceeded")
_RETRY_INFO = {
    "error": {
        "code": 429,
        "message": "Resource has been exhausted (e.g. check quota).",
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "18s"}],
    }
}
_MOMENT = "Rate limit reached for images per minute. Please try again in 20s."

TROUBLES: tuple[Trouble, ...] = (
    Trouble("401-wrong-key", 401, _error("Invalid API key"), Verdict.FATAL),
    Trouble("403-not-allowed", 403, _error("This account may not use the images API"), Verdict.FATAL),
    Trouble("402-no-credit", 402, _error("Insufficient credit"), Verdict.EXHAUSTED),
    Trouble("429-daily", 429, _error("Daily limit reached", code="daily_limit_reached"), Verdict.EXHAUSTED),
    Trouble("429-seconds", 429, _SLOW_DOWN, wait=37.0, headers={"Retry-After": "37"}),
    Trouble("429-date", 429, _SLOW_DOWN, wait=41.0, retry_date=41.0),
    Trouble("429-milliseconds", 429, _SLOW_DOWN, wait=12.5, headers={"Retry-After-Ms": "12500"}),
    Trouble("429-retry-info", 429, _RETRY_INFO, wait=18.0),
    Trouble("429-in-text", 429, _error(_MOMENT, code="rate_limit_exceeded"), wait=20.0),
    Trouble("429-ratelimit", 429, _SLOW_DOWN, wait=55.0, headers={"RateLimit": '"api";r=0;t=55'}),
    Trouble("429-number", 429, {"error": "Too many requests", "retry_after": 9}, wait=9.0),
    Trouble("429-silent", 429, _SLOW_DOWN),
    Trouble("429-empty", 429),
    Trouble("429-not-today", 429, _SLOW_DOWN, Verdict.EXHAUSTED, wait=90_000.0, headers={"Retry-After": "90000"}),
    Trouble("503-overloaded", 503, _error("The model is overloaded")),
    Trouble("502-web-page", 502, "<html><body><h1>502 Bad Gateway</h1></body></html>"),
    Trouble("500", 500, _error("Internal server error"), Verdict.FLAKY),
    Trouble("400-wrong-size", 400, _error("The size 9:17 is not supported"), Verdict.INVALID),
)
"""What every provider meets sooner or later."""

CONTENT_POLICY = Trouble(
    "400-content-policy",
    400,
    _error("Your request was refused by our safety system", code="content_policy_violation"),
    Verdict.REJECTED,
)
"""What generators meet."""

NO_PICTURE: dict[str, Reply] = {
    "empty": Reply(200, b""),
    "object": Reply(200, {}),
    "list": Reply(200, []),
    "null": Reply(200, None),
    "number": Reply(200, 7),
    "other-object": Reply(200, {"status": "ok", "data": [], "images": [], "candidates": [], "output": None}),
    "wrong-types": Reply(200, {"data": {"b64_json": 7}, "images": "none", "image": [None], "id": {}, "result": 1.5}),
    "web-page": Reply(200, "<!doctype html><title>Sign in</title>", {"Content-Type": "text/html"}),
    "garbage": Reply(200, bytes(range(256)) * 4, {"Content-Type": "application/json"}),
    "half-json": Reply(200, '{"data": [{"b64_json": "iVBORw0KGgo', {"Content-Type": "application/json"}),
    "deep-json": Reply(200, '{"data":' * 30_000 + "1" + "}" * 30_000, {"Content-Type": "application/json"}),
}
"""Answers that claim success and hold no picture, by name."""
