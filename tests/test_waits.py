"""Waits are found wherever a service states them, and nowhere else."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charimg.verdicts import find_wait, parse_duration

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=timezone.utc)
INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo"}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12s", 12),
        ("467ms", 0.467),
        ("1m30s", 90),
        ("6m0s", 360),
        ("10h17m5.7s", 37025.7),
        ("35652s", 35652),
        ("11.161852119s", 11.161852119),
        ("18.2s.", 18.2),
        ("0", 0),
        (" 55 ", 55),
        ("1.5", 1.5),
        ("500µs", 0.0005),
        ("2 minutes and 5 seconds", 125),
        ("1 day, 2 hours", 93600),
        ("3 HOURS", 10800),
        ("-5", None),
        ("-5s", None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        ("9" * 400 + "s", None),
        ("99999999999", None),
        ("", None),
        (".", None),
        ("s", None),
        ("5 steps", None),
        ("5s or so", None),
        ("٣s", None),
        (None, None),
        (12, None),
    ],
)
def test_durations(text: Any, seconds: float | None) -> None:
    """Go's style, words and bare seconds are read; what is no wait is absent."""
    assert parse_duration(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Please try again in 467ms. Visit https://x.", 0.467),
        ("Please retry in 9h54m12.1s.", 35652.1),
        ("Please retry after 9 seconds.", 9),
        ("Please retry your request after 3 seconds", 3),
        ("Your rate limit resets in ~30s.", 30),
        ("limit of 150 requests within a 10 second period, and have been timed out for 60 seconds.", 60),
        ("put into timeout for 42 more seconds", 42),
        ("blocked for 7 more minutes", 420),
        ("TRY AGAIN IN 20 SECONDS", 20),
        ("Please wait 1 minute and 5 seconds before", 65),
        ("retry-after: 30", 30),
        ("retry_after=2.5, sorry", 2.5),
        ("retry after 3 attempts", None),
        ("retry after 2026-11-22", None),
        ("Request timed out after 60 seconds", None),
        ("2 per 1 second", None),
        ("wait a few minutes", None),
        ("please try again in a while", None),
        ("try again in 5 parsecs", None),
        ("Limit resets at: 2026-11-22 10:00:00 UTC", None),
        ("generate in 30s", None),
    ],
)
def test_sentences(text: str, seconds: float | None) -> None:
    """The wait in a sentence is found by its verb; other durations are left alone."""
    assert find_wait({}, {"message": text}) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "12"}, 12),
        ({"RETRY-AFTER": "0.5"}, 0.5),
        ({"Retry-After-MS": "534", "retry-after": "1"}, 0.534),
        ({"retry-after-ms": "-1", "retry-after": "7"}, 7),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:45 GMT"}, 45),
        ({"retry-after": "Sunday, 22-Nov-26 10:00:45 GMT"}, 45),
        ({"retry-after": "Sun Nov 22 10:00:45 2026"}, 45),
        ({"retry-after": "Sun, 22 Nov 2026 09:59:00 GMT"}, 0),
        ({"retry-after": "Sun, 22 Nov 9999 10:00:45 GMT"}, None),
        ({"retry-after": "Sun, 99 Nov 2026 10:00:45 GMT"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "1700000000"}, None),
        ({"ratelimit": '"api";r=0;t=55'}, 55),
        ({"ratelimit": '"burst";r=0;t=5, "hour";r=0;t=55, "day";r=9;t=999'}, 55),
        ({"ratelimit": '"api";r=1;t=55'}, None),
        ({"ratelimit": '"api";t=55'}, None),
        ({"x-ratelimit-reset-requests": "58s"}, None),
    ],
)
def test_headers(headers: dict[str, str], seconds: float | None) -> None:
    """Each header form is read; a value that is no wait falls through to the next place."""
    assert find_wait(headers, None, now=NOW) == seconds


def test_the_servers_own_clock_serves_where_none_is_given() -> None:
    """Without a moment given, a Retry-After date is compared with the answer's own date."""
    headers = {"date": "Sun, 22 Nov 2026 10:00:00 GMT", "retry-after": "Sun, 22 Nov 2026 10:00:45 GMT"}

    assert [find_wait(headers), find_wait({"retry-after": headers["retry-after"]})] == [45, None]


def test_the_order_of_the_places() -> None:
    """Header before limit field before RetryInfo before number before sentence: each wins once the former are gone."""
    headers = {"retry-after-ms": "1000", "retry-after": "2", "ratelimit": '"a";r=0;t=3'}
    body: dict[str, Any] = {
        "error": {"details": [{"@type": "x"}, {**INFO, "retryDelay": "4s"}], "message": "try again in 7s"},
        "retry_after": 5,
        "estimated_time": 6,
    }
    found = [find_wait(headers, body)]
    for name in list(headers):
        del headers[name]
        found.append(find_wait(headers, body))
    body["error"]["details"] = None
    found.append(find_wait(headers, body))
    for name in ("retry_after", "estimated_time"):
        del body[name]
        found.append(find_wait(headers, body))

    assert found == [1, 2, 3, 4, 5, 6, 7]


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.integers(1, 999))
def test_go_durations(hours: int, minutes: int, seconds: int, milliseconds: int) -> None:
    """Whatever Go prints is read back, in a field and in a sentence."""
    text = f"{hours}h{minutes}m{seconds}.{milliseconds:03}s"
    expected = hours * 3600 + minutes * 60 + seconds + milliseconds / 1000

    assert [parse_duration(text), find_wait({}, {"error": f"Please retry in {text}."})] == [
        pytest.approx(expected),
        pytest.approx(expected),
    ]


@given(st.integers(-86400, 30 * 86400))
def test_http_dates(seconds: int) -> None:
    """A date is the seconds until then, a past one zero."""
    headers = {"Retry-After": format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)}

    assert find_wait(headers, now=NOW) == max(0, seconds)


@given(st.text() | st.from_regex(r"[0-9hms. ]{1,80}", fullmatch=True))
def test_any_text_is_a_wait_or_none(text: str) -> None:
    """No text makes the reading raise, and what it gives is a wait."""
    for wait in (parse_duration(text), find_wait({"retry-after": text}, text, now=NOW)):
        assert wait is None or 0 <= wait < float("inf")
