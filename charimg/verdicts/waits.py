"""How long a service asks us to wait, wherever it says so.

The places, in the order in which they are believed (a header is exact, Google's field is cut to whole seconds, a
sentence is for people): ``retry-after-ms``, ``retry-after``, ``ratelimit``, ``google.rpc.RetryInfo``, a JSON
number, the text.
Negative, endless and absurd values count as absent. All results are seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from charimg.verdicts.answer import Answer, as_dict, as_text, take_apart
from charimg.verdicts.families import QUOTED

LONGEST = 366 * 86400.0
"""Seconds beyond which a hint is no wait (a date in seconds since 1970 in the wrong field, say)."""

_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}
_NUMBER = r"([0-9]{1,12}(?:\.[0-9]{1,12})?)"
# The whole word after the number is taken, so that "ms" is never read as minutes and "5 steps" as seconds.
_PART = re.compile(_NUMBER + r"\s{0,2}(?:more\s)?([A-Za-zµμ]{1,12})")
_GLUE = re.compile(r"(?:,\s?|\s)?(?:and\s)?")
_BARE = re.compile(_NUMBER + r"(?![\w:/-]|\.[0-9]|\s?[A-Za-z%])")
_PLAIN = re.compile(r"\+?([0-9]{1,12}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})(?:[eE][+-]?[0-9]{1,2})?\Z")

_CUE = re.compile(
    r"\b(?:"
    r"again\s(?:in|after)"  # Please try again in 467ms
    r"|retry(?:ing)?\s(?:(?:your|the|this)\s)?(?:request\s)?(?:again\s)?(?:in|after)"  # Please retry in 9h54m12.1s
    r"|resets?\s(?:in|after)"  # Your rate limit resets in ~30s
    r"|time(?:d?\s|d|-)?out\sfor"  # have been timed out for 60 seconds
    r"|wait\s(?:for\s)?(?:at\sleast\s|another\s)?"  # Please wait 30 seconds
    r"|(?:available|back)\sin"
    r"|for(?=\s[0-9.]{1,16}\smore\s)"  # for 42 more seconds
    r")\s?(?:about\s|approximately\s|around\s)?~?\s?(?=[0-9])",
    re.IGNORECASE,
)
_BARE_CUE = re.compile(r"\bretry[ _-]?after[\"']?\s?[:=]?\s?[\"']?~?(?=[0-9])", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_ITEM = re.compile(r";\s?([rt])=([0-9]{1,12})(?![\w.])")


def sane(seconds: object) -> float | None:
    """*seconds* as a wait, or ``None`` for what cannot be one: no number, negative, NaN, endless, over a year."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return None
    if not 0 <= seconds <= LONGEST:  # false for NaN too; compares huge integers without converting them
        return None
    return float(seconds)


def _duration_at(text: str, start: int) -> tuple[float | None, int]:
    """The duration that begins at *start* and where it ends; ``None`` when none begins there."""
    total: float | None = None
    end = start
    while (part := _PART.match(text, start)) is not None:
        unit = _UNITS.get(part[2].lower())
        if unit is None:
            break
        total = (total or 0.0) + float(part[1]) * unit
        end = part.end()
        glue = _GLUE.match(text, end)
        start = glue.end() if glue else end
    return total, end


def parse_duration(text: object) -> float | None:
    """Seconds of a duration that is the whole of *text*, or ``None``.

    Reads Go's style (``1m30s``, ``467ms``, ``10h17m5.7s``), words (``2 minutes and 5 seconds``), and a bare number as
    seconds; a full stop at the end is forgiven. Anything else, and a value that cannot be a wait, is ``None``.
    """
    if not isinstance(text, str) or len(text) > 200:
        return None
    text = text.strip().removesuffix(".")
    if _PLAIN.match(text):
        return sane(float(text))
    total, end = _duration_at(text, 0)
    return sane(total) if end == len(text) else None


def wait_in_text(text: object) -> float | None:
    """Seconds that a sentence asks for: "try again in 467ms", "retry after 9 seconds", "for 42 more seconds"."""
    if not isinstance(text, str):
        return None
    text = _SPACES.sub(" ", text[:20_000])
    for cue in _CUE.finditer(text):
        found = sane(_duration_at(text, cue.end())[0])
        if found is not None:
            return found
    for cue in _BARE_CUE.finditer(text):
        total = _duration_at(text, cue.end())[0]
        bare = _BARE.match(text, cue.end())
        found = sane(total if total is not None else float(bare[1]) if bare else None)
        if found is not None:
            return found
    return None


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment


def _http_date(value: str) -> datetime | None:
    try:
        return _aware(parsedate_to_datetime(value[:64]))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _until(value: str, headers: Mapping[str, str], now: datetime | None) -> float | None:
    moment = _http_date(value)
    # The server's own clock wrote both dates; ours may be days wrong.
    start = _http_date(headers.get("date", "")) or (None if now is None else _aware(now))
    if moment is None or start is None:
        return None
    try:
        return sane(max(0.0, (moment - start).total_seconds()))
    except OverflowError:
        return None


def _rate_limit_field(value: str) -> float | None:
    """The IETF draft's ``"api";r=0;t=55``: the longest reset among the windows that have nothing left."""
    spent = []
    for item in value.split(",")[:16]:
        fields = dict(_ITEM.findall(item))
        if fields.get("r") == "0" and "t" in fields:
            spent.append(sane(float(fields["t"])))
    return max((seconds for seconds in spent if seconds is not None), default=None)


def wait_in_headers(headers: Mapping[str, str], now: datetime | None) -> float | None:
    """Seconds that the headers ask for; names in lower case. An HTTP date is compared with the answer's own ``date``,
    and without one with *now*."""
    exact = headers.get("retry-after-ms", "").strip()
    if _PLAIN.match(exact) and (found := sane(float(exact) / 1000)) is not None:
        return found
    value = headers.get("retry-after", "").strip()
    if value:
        found = parse_duration(value)
        if found is None:
            found = _until(value, headers, now)
        if found is not None:
            return found
    return _rate_limit_field(headers.get("ratelimit", ""))


def _retry_info(answer: Answer) -> float | None:
    for detail in answer.details:
        if not as_text(detail.get("@type")).endswith("google.rpc.RetryInfo"):
            continue
        delay = detail.get("retryDelay", detail.get("retry_delay"))
        if isinstance(delay, dict):
            delay = delay.get("seconds")
        found = parse_duration(delay) if isinstance(delay, str) else sane(delay)
        if found is not None:
            return found
    return None


def _number_in_body(answer: Answer) -> float | None:
    for place in (answer.top, as_dict(answer.top.get("error"))):
        for field in ("retry_after", "estimated_time"):
            found = sane(place.get(field))
            if found is not None:
                return found
    return None


def stated_wait(answer: Answer, now: datetime | None) -> float | None:
    """Seconds that the answer asks for in any of the places, or ``None``."""
    text = QUOTED.sub(" ", answer.text or answer.plain)
    for found in (
        wait_in_headers(answer.headers, now),
        _retry_info(answer),
        _number_in_body(answer),
        wait_in_text(text),
    ):
        if found is not None:
            return found
    return None


def find_wait(
    headers: Mapping[str, str],
    body: bytes | str | dict[str, object] | list[object] | None = None,
    *,
    now: datetime | None = None,
) -> float | None:
    """Seconds that an answer asks for, or ``None`` when it does not say. Never raises.

    *now* is what a date in ``retry-after`` is compared with where the answer has no ``date`` of its own.
    """
    return stated_wait(take_apart(0, headers, body), now)
