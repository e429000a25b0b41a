"""The login in the forms people paste."""

from __future__ import annotations

import json

import pytest
from charimg_whisk.cookies import SESSION_COOKIE, parse
from hypothesis import given
from hypothesis import strategies as st

from charimg.errors import FatalError

TOKEN = "eyJhbGciOiJkaXIifQ..abc.def"
CSRF = "__Host-next-auth.csrf-token"
PLAIN = f"{SESSION_COOKIE}={TOKEN}"
HAR = {"log": {"entries": [{"request": {"cookies": [{"name": SESSION_COOKIE, "value": TOKEN}]}}]}}
HAR_HEADERS = {"log": {"entries": [{"request": {"headers": [{"name": "Cookie", "value": f"_ga=1; {PLAIN}"}]}}]}}
EXPORT: list[dict[str, object]] = [
    {"name": "_ga", "value": "GA1.1", "domain": ".labs.google"},
    {"name": SESSION_COOKIE, "value": TOKEN, "domain": "labs.google", "secure": True},
]


@pytest.mark.parametrize(
    ("pasted", "header"),
    [
        pytest.param(PLAIN, PLAIN, id="header"),
        pytest.param(f"Cookie: _ga=GA1; {PLAIN}; NID=5", PLAIN, id="header-with-its-name-and-strangers"),
        pytest.param(f"{CSRF}=abc%7Cdef; {PLAIN}", f"{CSRF}=abc%7Cdef; {PLAIN}", id="header-with-csrf"),
        pytest.param(f"  {TOKEN}\n", PLAIN, id="bare-token"),
        pytest.param(f'"{TOKEN}"', PLAIN, id="quoted-token"),
        pytest.param(json.dumps(EXPORT), PLAIN, id="extension-export"),
        pytest.param(json.dumps(EXPORT[1]), PLAIN, id="one-object"),
        pytest.param(json.dumps(HAR), PLAIN, id="har-cookies"),
        pytest.param(json.dumps(HAR_HEADERS), PLAIN, id="har-headers"),
        pytest.param(json.dumps({"cookies": EXPORT}), PLAIN, id="object-of-cookies"),
        pytest.param(json.dumps({SESSION_COOKIE: TOKEN}), PLAIN, id="object-of-names"),
        pytest.param(f"{SESSION_COOKIE}.0=eyJa; {SESSION_COOKIE}.1=bcd", None, id="in-parts"),
    ],
)
def test_every_form_people_paste_becomes_the_same_header(pasted: str, header: str | None) -> None:
    """A header, a bare token, an export and a HAR all give the login, without cookies of other trades."""
    actual = parse(pasted).header

    assert actual == (pasted if header is None else header)


@pytest.mark.parametrize(
    ("pasted", "words"),
    [
        (
            "__Secure-1PSID=g.a000abcdefgh; SID=g.a000xyz",
            "__Secure-1PSID, which is the login of another Google service",
        ),
        ("g.a000abcdefghijk", "another Google service"),
        ("ya29.a0abcdefghijk", "an access token, which lives for an hour only"),
        ("_ga=GA1; NID=511", "no session token"),
        ('[{"name": "_ga", "value": "1"}]', "no session token"),
        ('[{"name": "x", "val', "not complete"),
        (json.dumps([{**EXPORT[1], "domain": ".example.com"}]), "no session token"),
        ("   ", "is empty"),
        (f"{SESSION_COOKIE}=", "no session token"),
        (f"{SESSION_COOKIE}=eyJa\r\nX-Evil: 1", "line breaks"),
    ],
)
def test_a_wrong_cookie_is_named_and_the_right_one_explained(pasted: str, words: str) -> None:
    """What was pasted instead is recognised, and the message says which cookie is wanted and where it is."""
    with pytest.raises(FatalError) as refused:
        parse(pasted)

    assert words in refused.value.message
    assert SESSION_COOKIE in refused.value.message
    assert "\n" not in refused.value.message


@given(st.text(min_size=1))
def test_broken_json_is_refused_without_being_repeated(pasted: str) -> None:
    """An export that was cut gives one clear line, which never repeats the text."""
    with pytest.raises(FatalError) as refused:
        parse(f"[s3cret{pasted}s3cret")
    assert "s3cret" not in refused.value.message


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_any_bare_word_is_a_login_or_one_clear_line(pasted: str) -> None:
    """A word without a name is taken for the token, or refused without being repeated."""
    try:
        header = parse(f"s3cret{pasted}").header
    except FatalError as error:
        header, said = f"{SESSION_COOKIE}=", error.message
    else:
        said = ""

    assert "s3cret" not in said
    assert header.startswith(SESSION_COOKIE)


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_json_is_read_without_stumbling(data: object) -> None:
    """Any JSON text is a login or a FatalError, nothing else."""
    try:
        parse(json.dumps([data]))
    except FatalError:
        return
    raise AssertionError("random JSON holds no session token")


def test_a_rotated_token_replaces_the_old_one_and_its_parts() -> None:
    """A whole new token takes the place of a numbered old one; other cookies stay."""
    old = parse(f"{CSRF}=c; {SESSION_COOKIE}.0=eyJa; {SESSION_COOKIE}.1=bcd")

    actual = old.rotated([(SESSION_COOKIE, "eyJnew"), ("_ga", "1")]).header

    assert actual == f"{CSRF}=c; {SESSION_COOKIE}=eyJnew"


def test_cookies_do_not_print_themselves() -> None:
    """The representation of cookies, as a traceback shows it, holds no value."""
    actual = repr(parse(PLAIN))

    assert TOKEN not in actual
