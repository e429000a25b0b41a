"""What an answer means for the run: the decision order, from what a service states exactly to what it only hints.

Structured codes come before the status, the status before sentences; sentences are searched only where no code
decides, never inside quotation marks, and a 400 that has a code is never read by its sentence, for there the
user's own prompt may be repeated. The steps are numbered in the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from enum import Enum
from typing import Any

from charimg.errors import ERROR_OF_VERDICT, ProviderError
from charimg.model import Verdict
from charimg.verdicts import families, hidden
from charimg.verdicts.answer import Answer, as_dict, as_list, as_text, message_of, one_line, take_apart
from charimg.verdicts.waits import stated_wait

CEILING = 900.0
"""Seconds: a longer wait is no rate limit but an exhausted quota."""
NO_WORKERS_WAIT = 600.0
"""Seconds; a constant in AI Horde's server that its answer leaves out."""
MAINTENANCE_WAIT = 60.0
"""Seconds; likewise."""


@dataclass(frozen=True)
class Reading:
    """What an answer means."""

    verdict: Verdict
    """Never ``ok``: only a decoded picture is."""
    wait: float | None
    """Seconds the service asked for, only if it said so, and only for ``throttled`` and ``exhausted``."""
    message: str
    """The service's own words on one line of at most 300 characters, or ``"HTTP 502"`` where it has none."""
    codes: tuple[str, ...] = ()
    """The machine codes found, in lower case."""
    retry_at: datetime | None = None
    """When an exhausted quota returns, in UTC, where the wait or the service's documents tell (and *now* was given)."""
    possibly_charged: bool = False
    """The request was probably accepted and its answer lost: the picture may have been made and paid for."""


class _Reset(Enum):
    """Documented moments at which a day's quota returns."""

    UNKNOWN = "unknown"
    PACIFIC = "midnight in Los Angeles"  # Gemini
    UTC = "midnight UTC"  # Cloudflare


@dataclass(frozen=True)
class _Judgement:
    verdict: Verdict
    wait: float | None = None
    """The service's constant, where the answer itself is silent."""
    reset: _Reset = _Reset.UNKNOWN


def read_answer(
    status: int,
    headers: Mapping[str, str],
    body: bytes | str | dict[str, Any] | list[Any] | None,
    *,
    now: datetime | None = None,
    ceiling: float = CEILING,
) -> Reading:
    """What an HTTP answer without a picture means. Never raises, whatever the answer holds.

    Also for 2xx answers: they may hide a soft error or a refusal; a 2xx without either is ``flaky``. *body* is the
    raw body or its decoded JSON. *now* (timezone-aware) is compared with an HTTP date and gives
    :attr:`Reading.retry_at`; *ceiling* is the longest wait, in seconds, that is still a throttle.
    """
    return read(take_apart(status, headers, body), now=now, ceiling=ceiling)


def read(answer: Answer, *, now: datetime | None, ceiling: float) -> Reading:
    """:func:`read_answer` for an answer that is already taken apart."""
    stated = stated_wait(answer, now)
    judgement = _judge(answer, stated, ceiling)
    verdict = judgement.verdict
    wait = stated if stated is not None else judgement.wait
    verdict, wait = settle(verdict, wait, ceiling)
    return Reading(
        verdict=verdict,
        wait=wait,
        message=message_of(answer),
        codes=tuple(dict.fromkeys(one_line(code, 128).lower() for code in answer.codes)),
        retry_at=_retry_at(verdict, wait, judgement.reset, now),
        # A gateway that gave up on its backend: the backend may have gone on drawing.
        possibly_charged=answer.status in {504, 524} and _code_verdict(answer) is None,
    )


def settle(verdict: Verdict, wait: float | None, ceiling: float) -> tuple[Verdict, float | None]:
    """The verdict and wait with the ceiling applied: a throttle beyond it is exhaustion, and a short hint beside an
    exhausted quota is misleading and dropped. Other verdicts have no wait."""
    if verdict is Verdict.THROTTLED and wait is not None and wait > ceiling:
        verdict = Verdict.EXHAUSTED
    if verdict is Verdict.EXHAUSTED:
        return verdict, wait if wait is not None and wait > ceiling else None
    return verdict, wait if verdict is Verdict.THROTTLED else None


def error_of(reading: Reading) -> ProviderError:
    """The error that carries *reading*, ready to raise."""
    return ERROR_OF_VERDICT[reading.verdict](
        reading.message,
        wait=reading.wait,
        retry_at=reading.retry_at,
        possibly_charged=reading.possibly_charged,
    )


def _retry_at(verdict: Verdict, wait: float | None, reset: _Reset, now: datetime | None) -> datetime | None:
    if verdict is not Verdict.EXHAUSTED or now is None:
        return None
    if now.tzinfo is None:
        now = now.replace(tzinfo=timezone.utc)
    try:
        if wait is not None:
            return now.astimezone(timezone.utc) + timedelta(seconds=wait)
        if reset is _Reset.UTC:
            return _next_midnight(now.astimezone(timezone.utc))
        if reset is _Reset.PACIFIC:
            from zoneinfo import ZoneInfo  # noqa: PLC0415 - reads the system's time zones, and is seldom needed

            return _next_midnight(now.astimezone(ZoneInfo("America/Los_Angeles")))
    except (OverflowError, KeyError):  # the end of the calendar; a system without time zones
        return None
    return None


def _next_midnight(now: datetime) -> datetime:
    return datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo).astimezone(timezone.utc)


# -- the decision order --------------------------------------------------------------------------------------------


def _judge(answer: Answer, wait: float | None, ceiling: float) -> _Judgement:
    if answer.status <= 0:  # no HTTP answer at all
        return _Judgement(Verdict.THROTTLED)
    if 200 <= answer.status < 300:  # 1
        return _judge_success(answer, wait, ceiling)
    return _judge_error(answer, answer.status, wait, ceiling)


def _judge_error(answer: Answer, status: int, wait: float | None, ceiling: float) -> _Judgement:
    text = families.QUOTED.sub(" ", answer.text)
    found = _gemini_quota(answer, status) or _arithmetic(status, text)  # 2, 3
    if found is not None:
        return found
    if status == 402 and families.QUEUE_FULL_TEXT.search(text):  # 7, before its own code "payment required"
        return _Judgement(Verdict.THROTTLED)
    if status == 402 and families.TIER_TEXT.search(text):
        return _Judgement(Verdict.FATAL)
    found = _by_codes(answer, status, wait, ceiling)  # 4, 5, 6
    if found is not None:
        return found
    found = _by_status(answer, status, text, wait)  # 7 to 10
    if found is not None:
        return found
    if not answer.codes and status in {400, 403, 409, 422, 500}:
        found = _by_sentence(status, text)
        if found is not None:
            return found
    return _the_rest(answer, status, text)  # 11 to 13


def _by_status(answer: Answer, status: int, text: str, wait: float | None) -> _Judgement | None:
    if status == 402:  # 7
        return _Judgement(Verdict.EXHAUSTED)
    if status in {403, 429} and families.MONEY_TEXT.search(text):  # 8
        reset = _Reset.UTC if "daily free allocation" in text.lower() else _Reset.UNKNOWN
        return _Judgement(Verdict.EXHAUSTED, reset=reset)
    if status == 504 and answer.rpc_status == "DEADLINE_EXCEEDED":  # 9, Gemini's own
        return _Judgement(Verdict.FLAKY)
    if status in {408, 425, 429, 502, 503, 504, 529}:
        return _Judgement(Verdict.THROTTLED)
    if status == 403 and wait is not None:  # 10
        return _Judgement(Verdict.THROTTLED)
    return None


def _the_rest(answer: Answer, status: int, text: str) -> _Judgement:
    if status in {401, 403} or (status < 500 and _code_verdict(answer) is Verdict.FATAL):  # 11
        return _Judgement(Verdict.FATAL)
    if answer.rpc_status == "FAILED_PRECONDITION" and text and not families.PRECONDITION_TEXT.search(text.strip()):
        return _Judgement(Verdict.FATAL)
    if status >= 500:  # 12
        # Pollinations wraps the overload of whatever draws for it as any 5xx.
        wrapped = answer.top.get("success") is False and {"error", "status"} <= answer.top.keys()
        return _Judgement(Verdict.THROTTLED if wrapped else Verdict.FLAKY)
    return _Judgement(Verdict.INVALID)  # 13


# -- 1: a 2xx without a picture ------------------------------------------------------------------------------------


def _judge_success(answer: Answer, wait: float | None, ceiling: float) -> _Judgement:
    if hidden.lost_session(answer):
        return _Judgement(Verdict.THROTTLED, wait=0.0)
    if hidden.not_taken(answer):
        return _Judgement(Verdict.THROTTLED)
    if hidden.refused(answer):
        return _Judgement(Verdict.REJECTED)
    inner = hidden.inner_status(answer)
    if inner is not None:
        return _judge_error(answer, inner, wait, ceiling)
    found = _by_codes(answer, answer.status, wait, ceiling)
    if found is not None:
        return found
    if _code_verdict(answer) is Verdict.FATAL:
        return _Judgement(Verdict.FATAL)
    return _Judgement(hidden.comfy_failure(answer) or hidden.sentence(answer))


# -- 2 and 3: quotas that state their size -------------------------------------------------------------------------


def _gemini_quota(answer: Answer, status: int) -> _Judgement | None:
    violations: list[dict[Any, Any]] = []
    for detail in answer.details:
        violations.extend(map(as_dict, as_list(detail.get("violations"))))
        violations.append(as_dict(detail.get("metadata")))  # ErrorInfo names the limit once more
    names = [
        (as_text(entry.get(field)), as_text(entry.get(value)))
        for entry in violations
        for field, value in (
            ("quotaId", "quotaValue"),
            ("quotaMetric", "quotaValue"),
            ("quota_limit", "quota_limit_value"),
        )
        if as_text(entry.get(field))
    ]
    if status == 429 and _stated(families.LIMIT, answer.text) == 0:  # the model is not in this tier: no reset helps
        return _Judgement(Verdict.EXHAUSTED)
    if any(value == "0" for _, value in names):
        return _Judgement(Verdict.EXHAUSTED)
    if any(families.LONG_QUOTA.search(families.words_of(name)) for name, _ in names):
        return _Judgement(Verdict.EXHAUSTED, reset=_Reset.PACIFIC)
    return _Judgement(Verdict.THROTTLED) if names and status == 429 else None


def _stated(pattern: Any, text: str) -> int | None:
    numbers = [int(found.replace(",", "")) for found in pattern.findall(text)]
    return min(numbers, default=None)


def _arithmetic(status: int, text: str) -> _Judgement | None:
    """OpenAI's "Limit 5, Used 5, Requested 1": what exceeds the limit by itself never fits."""
    if status != 429:
        return None
    limit, requested = _stated(families.LIMIT, text), _stated(families.REQUESTED, text)
    if limit is not None and requested is not None and requested > limit:
        return _Judgement(Verdict.INVALID)
    return None


# -- 4, 5, 6: codes ------------------------------------------------------------------------------------------------

_DECIDING = (Verdict.REJECTED, Verdict.EXHAUSTED, Verdict.THROTTLED)


def _code_verdicts(answer: Answer) -> dict[str, Verdict]:
    found: dict[str, Verdict] = {}
    for code in answer.codes:
        verdict = families.verdict_of_code(code)
        if verdict is None and code in answer.listed_codes:
            verdict = families.CLOUDFLARE_CODES.get(code)
        if verdict is not None:
            found[code] = verdict
    return found


def _code_verdict(answer: Answer) -> Verdict | None:
    """What the codes mean together: the first of the decision order, then any other."""
    found = _code_verdicts(answer)
    return next((verdict for verdict in _DECIDING if verdict in found.values()), next(iter(found.values()), None))


def _by_codes(answer: Answer, status: int, wait: float | None, ceiling: float) -> _Judgement | None:
    found = {
        code: verdict
        for code, verdict in _code_verdicts(answer).items()
        # "TOO_MANY_REQUESTS" beside a 429 leaves the question open which of its three kinds it is.
        if not (status in {402, 429, 503} and families.RESTATED.search(families.words_of(code)))
    }
    for code, verdict in found.items():
        # LocalAI's window: its code speaks of a quota, its short wait of a throttle.
        window = families.words_of(code) in families.WINDOW_QUOTA_CODES
        if window and verdict is Verdict.EXHAUSTED and wait is not None and wait <= ceiling:
            found[code] = Verdict.THROTTLED
    for verdict in _DECIDING:
        if verdict in found.values():
            reset = _Reset.UTC if "3036" in found and verdict is Verdict.EXHAUSTED else _Reset.UNKNOWN
            return _Judgement(verdict, _constant(answer) if verdict is Verdict.THROTTLED else None, reset)
    public = [verdict for code, verdict in found.items() if families.words_of(code).startswith(families.PUBLIC_ERROR)]
    if public and not (public[0] is Verdict.FLAKY and status in {401, 403}):
        return _Judgement(public[0])
    return None


def _constant(answer: Answer) -> float | None:
    """AI Horde's waits, which are in its server and not in its answer."""
    code = families.words_of(as_text(answer.top.get("rc")))
    if families.NO_WORKER_CODES.search(code):
        return NO_WORKERS_WAIT
    return MAINTENANCE_WAIT if "_maintenance_" in code else None


# -- sentences, only where there is no code ------------------------------------------------------------------------


def _by_sentence(status: int, text: str) -> _Judgement | None:
    if status == 400 and families.NO_WORKER_TEXT.search(text):
        return _Judgement(Verdict.THROTTLED, NO_WORKERS_WAIT)
    if status == 400 and families.MAINTENANCE_TEXT.search(text):
        return _Judgement(Verdict.THROTTLED, MAINTENANCE_WAIT)
    if families.THROTTLE_TEXT.search(text):
        return _Judgement(Verdict.THROTTLED)
    if status in {400, 422} and families.CONTENT_TEXT.search(text):
        return _Judgement(Verdict.REJECTED)
    return None
