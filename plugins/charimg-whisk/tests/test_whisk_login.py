"""The session's answer: how long a bearer serves, and why there may be none."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from charimg_whisk.login import Login, deadline, read_login
from hypothesis import given
from hypothesis import strategies as st

from charimg.errors import FatalError, FlakyError, ThrottledError
from charimg.http import Answer

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
URL = "https://labs.google/fx/api/auth/session"


def session(body: object, status: int = 200, **headers: str) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, headers, data, URL)


def in_(seconds: float) -> str:
    return (NOW + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("expires", "seconds"),
    [
        (in_(30 * 86400), 3000),
        (in_(1200), 1200),
        ("2026-03-01T12:10:00.000Z", 600),
        ("2026-03-01T12:10:00", 600),
        (in_(-5), -5),
        (None, 3000),
        ("soon", 3000),
        (12345, 3000),
    ],
)
def test_the_deadline_is_the_earlier_of_expires_and_fifty_minutes(expires: object, seconds: float) -> None:
    """The login's own end, a month away, is never taken for the bearer's; a date that is none is left out."""
    actual = deadline(expires, NOW)

    assert actual == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(("left", "due"), [(3000, False), (61, False), (60, False), (59, True), (30, True), (0, True)])
def test_a_bearer_is_renewed_when_less_than_sixty_seconds_remain(left: float, due: bool) -> None:
    """The margin is sixty seconds before the end."""
    login = Login("ya29.x", NOW + timedelta(seconds=left))

    assert login.due(NOW) is due


def test_the_margin_is_counted_in_seconds_not_milliseconds() -> None:
    """A public client's margin of 30 s was 15 ms: a bearer with a second left was used and refused."""
    assert Login("ya29.x", NOW + timedelta(seconds=1)).due(NOW)


def test_the_margin_lies_before_the_end_not_after_it() -> None:
    """A public client's margin had the wrong sign: a bearer was used until 30 s after its end."""
    late = NOW + timedelta(seconds=10)

    assert Login("ya29.x", NOW).due(late)


@given(st.integers(-(10**6), 10**6))
def test_a_bearer_past_its_deadline_is_always_due(seconds: int) -> None:
    """Whatever the session said, a bearer is never used after its deadline nor later than fifty minutes."""
    until = deadline(in_(seconds), NOW)

    assert until <= NOW + timedelta(seconds=3000)
    assert Login("ya29.x", until).due(until)


def test_a_session_is_read_with_its_rotated_cookie_and_first_letter() -> None:
    """Bearer, rotated cookies, and no more of the name than its first letter."""
    login = read_login(
        session(
            {
                "user": {"name": "Test User", "email": "test.user@example.com"},
                "expires": in_(9999),
                "access_token": "ya29.tok",
                "cookies": [{"name": "n", "value": "v"}, {"name": 3}, "x"],
            }
        ),
        NOW,
        renewal="run: charimg keys set whisk",
    )

    assert (login.bearer, login.rotated, login.person) == ("ya29.tok", (("n", "v"),), "T…")
    assert "ya29" not in repr(login)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        pytest.param(session({}), FatalError, "either the cookie is wrong or expired", id="empty"),
        pytest.param(session({}), FatalError, "closed Whisk on 2026-04-30", id="empty-says-both"),
        pytest.param(session({"user": None}), FatalError, "wrong or expired", id="null-user"),
        pytest.param(
            session({"error": "ACCESS_TOKEN_REFRESH_NEEDED", "access_token": "ya29.dead"}),
            FatalError,
            "cannot be renewed",
            id="refresh-needed-with-token",
        ),
        pytest.param(session({"access_token": "ya29.x", "error": "Other"}), FatalError, "no login", id="other-error"),
        pytest.param(session(b"<html>"), FatalError, "could not verify", id="html"),
        pytest.param(session(b""), FatalError, "an empty answer", id="blank"),
        pytest.param(session({}, 401), FatalError, "could not verify", id="401"),
        pytest.param(session({}, 403), FatalError, "could not verify", id="403"),
        pytest.param(
            session(b"", 308, location="https://labs.google/fx/api/auth/signin"),
            FatalError,
            "could not verify",
            id="308-sign-in",
        ),
        pytest.param(session(b"", 302, location="/"), FatalError, "could not verify", id="302"),
        pytest.param(
            session(b"", 308, location="https://flow.google.com/"), FatalError, "Google closed Whisk", id="308-flow"
        ),
        pytest.param(session(b"<html>", 404), FatalError, "Google closed Whisk", id="404"),
        pytest.param(session(b"<html>", 410), FatalError, "Google closed Whisk", id="410"),
        pytest.param(session(b"<html>", 503), ThrottledError, "503", id="503"),
        pytest.param(session(b"{}", 429), ThrottledError, "429", id="429"),
        pytest.param(session(b"{}", 500), FlakyError, "500", id="500"),
    ],
)
def test_every_answer_without_a_usable_bearer_is_an_error(answer: Answer, kind: type[Exception], words: str) -> None:
    """The status of a dead login is 200: only a token without an error beside it counts as logged in."""
    with pytest.raises(kind, match=r"^.+$") as refused:
        read_login(answer, NOW, renewal="correct CHARIMG_WHISK_COOKIE in the environment")

    assert words in str(refused.value)
    assert len(str(refused.value)) <= 300  # what the terminal shows of a message
    assert "ya29" not in str(refused.value)
