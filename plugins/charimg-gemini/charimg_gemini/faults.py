"""What an answer without a picture means, as one of the core's errors, in words of use to the user.

The core decides the verdict (quotaId, limit 0, RetryInfo, finish and block reasons). What only this service needs
is here: its sentence "You exceeded your current quota" stands in every 429 alike, so the quota's own name and size are
told instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any

from charimg.errors import ERROR_OF_VERDICT, FatalError, FlakyError, ProviderError
from charimg.model import Verdict
from charimg.verdicts import Reading, read_answer
from charimg.verdicts.answer import one_line
from charimg_gemini.answers import finish_of

if TYPE_CHECKING:
    from charimg.http import Answer

KEYS = "https://aistudio.google.com/apikey"
BILLING = "https://ai.studio/projects"
LONGEST = 200
"""Characters of the model's own words that are repeated."""

_FINISHES = {
    "PUP_LIMITED_DISABLED": Verdict.FATAL,  # the account is limited for violations of the policy
    "ESCALATION": Verdict.REJECTED,
    "MODEL_ARMOR": Verdict.REJECTED,
    "LANGUAGE": Verdict.INVALID,
}
"""Finish reasons beyond the core's families (google-genai 3.4.0, 2026-11)."""

_PACIFIC_STANDARD = timedelta(hours=8)


@dataclass(frozen=True)
class Quota:
    """One quota that a request broke."""

    id: str
    model: str
    value: str
    """Its size as the service writes it; empty where it left it out."""

    @property
    def window(self) -> str:
        """``day`` or ``minute``; empty for any other."""
        found = re.search(r"Per(Day|Minute|Hour)", self.id)
        return found[1].lower() if found else ""


def error_from(
    answer: Answer,
    *,
    now: datetime,
    ceiling: float,
    renewal: str,
    model: str = "",
    retirement: str | None = None,
    where: str = "",
) -> ProviderError:
    """The core's error for an answer that is no success.

    :param answer: its body may hold no secret any more.
    :param now: the present, for the moment when a quota returns.
    :param ceiling: the longest wait, in seconds, that is still a throttle.
    :param renewal: what to do about a key that is not accepted.
    :param model: the model that was asked, where one was.
    :param retirement: what is known of that model's end.
    :param where: the host that answered.
    """
    reading = read_answer(answer.status, answer.headers, answer.body, now=now, ceiling=ceiling)
    error = _error_object(answer)
    if not error and (300 <= answer.status < 400 or answer.status in (404, 405, 410)):
        return FatalError(
            f"{where} answers HTTP {answer.status} without a word of Gemini's; check the setting base_url"
        )
    wait, retry_at = reading.wait, reading.retry_at
    if reading.verdict is Verdict.EXHAUSTED and _limit_zero(error):
        wait = retry_at = None  # no reset helps, whatever delay stands beside it
    elif reading.verdict is Verdict.EXHAUSTED and _daily(list(_quotas(error))):
        retry_at = next_reset(now)  # likewise
    if retirement and reading.verdict is Verdict.INVALID:
        words = f"{retirement} (Gemini: {_short(reading.message, 80)})"
    else:
        words = _words(answer, reading, error, model, renewal)
    return ERROR_OF_VERDICT[reading.verdict](
        words, wait=wait, retry_at=retry_at, possibly_charged=reading.possibly_charged
    )


def no_picture(answer: Answer, *, now: datetime, ceiling: float) -> ProviderError:
    """The core's error for a 200 that holds no picture; its body may hold no secret any more."""
    data = _decoded(answer)
    if not isinstance(data, dict):
        return FlakyError("Gemini sent an answer that is none of its own (HTTP 200)", possibly_charged=True)
    reason, said = finish_of(data)
    reading = read_answer(answer.status, answer.headers, answer.body, now=now, ceiling=ceiling)
    if "error" in data:
        return ERROR_OF_VERDICT[reading.verdict](
            f"Gemini: {reading.message}", wait=reading.wait, retry_at=reading.retry_at
        )
    verdict = _FINISHES.get(reason, reading.verdict)
    words = {
        Verdict.REJECTED: f"Gemini refuses this picture ({reason}); change the description",
        Verdict.FATAL: f"Gemini has limited this account for violations of its policy ({reason}); see {BILLING}",
        Verdict.INVALID: f"Gemini does not take this prompt's language ({reason})",
    }.get(verdict, f"Gemini sent no picture ({reason or 'no reason given'})")
    said = _short(said)
    return ERROR_OF_VERDICT[verdict](f"{words}: {said}" if said else words, wait=reading.wait)


def next_reset(now: datetime) -> datetime:
    """When a day's quota returns: the next midnight in Los Angeles (Google's page of rate limits), in UTC.

    Where the system has no time zones, midnight by standard time: in summer an hour after the true one, never before.
    """
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - reads the system's time zones, seldom

    try:
        there = now.astimezone(ZoneInfo("America/Los_Angeles"))
    except (ZoneInfoNotFoundError, OSError):
        there = now.astimezone(timezone(-_PACIFIC_STANDARD))
    return datetime.combine(there.date() + timedelta(days=1), time(), there.tzinfo).astimezone(timezone.utc)


def _words(answer: Answer, reading: Reading, error: dict[str, Any], model: str, renewal: str) -> str:
    """What the service said, and what to do about it."""
    quotas = list(_quotas(error))
    if reading.verdict is Verdict.EXHAUSTED and _limit_zero(error):
        return f"Gemini: {model or 'the model'} is not in this project's tier (limit 0); set up billing at {BILLING}"
    if reading.verdict is Verdict.EXHAUSTED and quotas:
        # The day's quota first, where several came together.
        quota = _daily(quotas) or quotas[0]
        return f"{_size(quota, model)}, and they are used up until midnight Pacific time ({quota.id})"
    if reading.verdict is Verdict.THROTTLED and quotas:
        return f"{_size(quotas[0], model)} ({quotas[0].id})"
    words = f"Gemini: {reading.message}"
    if "api_key_invalid" in reading.codes:
        return f"{words} Get one at {KEYS}, then {renewal}"
    if answer.status in (401, 403) and reading.verdict is Verdict.FATAL:
        return f"{words} (HTTP {answer.status}: check the key; {renewal})"
    if answer.status == 404 and model:
        return f"{words} `charimg providers show gemini --models` lists what there is"
    return words


def _size(quota: Quota, model: str) -> str:
    allowed = {"": "only so many requests", "1": "1 request"}.get(quota.value, f"{quota.value} requests")
    window = f" a {quota.window}" if quota.window else ""
    return f"Gemini allows this project {allowed}{window} for {quota.model or model or 'this model'}"


def _daily(quotas: list[Quota]) -> Quota | None:
    return next((one for one in quotas if one.window == "day"), None)


def _limit_zero(error: dict[str, Any]) -> bool:
    """The model is not in the project's tier: no reset helps."""
    message = error.get("message")
    return isinstance(message, str) and bool(re.search(r"\blimit:\s?0\b(?!\.)", message[:4096]))


def _decoded(answer: Answer) -> Any:
    """The body as JSON data, out of a list of one; ``None`` if it is none."""
    try:
        data = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return data[0] if isinstance(data, list) and data else data


def _error_object(answer: Answer) -> dict[str, Any]:
    """Google's error, out of its envelope; empty if there is none."""
    data = _decoded(answer)
    error = data.get("error") if isinstance(data, dict) else None
    return error if isinstance(error, dict) else {}


def _quotas(error: dict[str, Any]) -> Iterator[Quota]:
    details = error.get("details")
    for detail in details if isinstance(details, list) else []:
        violations = detail.get("violations") if isinstance(detail, dict) else None
        for one in violations if isinstance(violations, list) else []:
            if isinstance(one, dict) and isinstance(one.get("quotaId"), str):
                dimensions = one.get("quotaDimensions")
                model = dimensions.get("model") if isinstance(dimensions, dict) else None
                value = one.get("quotaValue")
                yield Quota(_short(one["quotaId"], 80), _short(model, 80), _short(value, 20))


def _short(text: object, limit: int = LONGEST) -> str:
    """One line of at most *limit* characters; empty for what is no text."""
    return one_line(text, limit) if isinstance(text, str) else ""
