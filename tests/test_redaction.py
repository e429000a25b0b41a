"""Secrets: none gets through in any spelling, and no innocent word is lost."""

from __future__ import annotations

import json
import logging
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charimg.redaction import SHORTEST_REDACTED, Redactor, Secret


def cleaned(text: str, *secrets: str) -> str:
    redactor = Redactor()
    for secret in secrets:
        redactor.add(secret)
    return redactor.clean(text)


# -- what must go ---------------------------------------------------------------------------------------------------

ANY_SECRET = st.text(st.characters(exclude_characters="*"), min_size=SHORTEST_REDACTED, max_size=40)


@given(ANY_SECRET, st.text(max_size=20), st.text(max_size=20))
def test_no_spelling_of_a_secret_gets_through(secret: str, before: str, after: str) -> None:
    """Plain, URL-encoded in either case, in JSON and quoted: the secret is gone from any text."""
    raw = secret.encode("utf-8", "surrogatepass")
    spellings = [secret, quote(raw, safe=""), quote_plus(raw), json.dumps(secret)[1:-1], repr(secret)[1:-1]]
    spellings.append(json.dumps(secret, ensure_ascii=False)[1:-1])
    spellings += [re.sub("%[0-9A-F]{2}", lambda sign: sign[0].lower(), spelling) for spelling in spellings[1:3]]
    for spelling in spellings:
        if spelling not in before + "***" + after:
            assert spelling not in cleaned(f"{before}{spelling}{after}", secret)


@given(st.lists(st.from_regex(r"[a-z]{2,6}=[A-Za-z0-9_%.-]{12,30}", fullmatch=True), min_size=1, max_size=5))
def test_every_long_value_of_a_cookie_goes(pairs: list[str]) -> None:
    """A cookie's values are secrets of their own: each may turn up alone."""
    values = [pair.partition("=")[2] for pair in pairs]
    names_of_no_secret = {"path", "domain", "secure", "name", "host", "port", "type"}
    secret = [
        value for pair, value in zip(pairs, values, strict=True) if pair.partition("=")[0] not in names_of_no_secret
    ]
    clean = cleaned(" | ".join(secret), "; ".join(pairs))

    assert [value for value in secret if value in clean] == []


JSON_EXPORT = json.dumps(
    [
        {"domain": ".labs.google", "hostOnly": False, "name": "__Secure-next-auth.session-token", "path": "/",
         "sameSite": "unspecified", "secure": True, "storeId": "default-store-0", "value": "abcDEF012345ghi"},
    ],
    indent=1,
)  # fmt: skip
NETSCAPE = "labs.google\tTRUE\t/\tTRUE\t1790000000\t__Secure-next-auth.session-token\tabcDEF012345ghi"
HEADER = "Cookie: __Secure-next-auth.session-token=abcDEF012345ghi; lang=english"
SET_COOKIE = (
    "sid=abcDEF012345ghi; Path=/library; Secure; HttpOnly; SameSite=Strict; Domain=labs.google;"
    " Expires=Wed, 21 Oct 2026 07:28:00 GMT"
)
PASTED = [JSON_EXPORT, json.dumps(json.loads(JSON_EXPORT)), NETSCAPE, HEADER, SET_COOKIE]


@pytest.mark.parametrize("pasted", PASTED, ids=["json", "one line of json", "netscape", "header", "set-cookie"])
def test_cookie_in_any_pasted_form_loses_its_value_and_keeps_the_words(pasted: str) -> None:
    """However a cookie is pasted, its value goes, and the words around it stay readable in messages."""
    words = (
        "labs.google true TRUE Secure HttpOnly Strict unspecified Wed 2026 07:28:00 english Cookie: session /library"
        " __Secure-next-auth.session-token 1790000000 default-store-0"
    )

    assert cleaned(f"{words} abcDEF012345ghi", pasted) == f"{words} ***"


def test_lines_of_a_key_file_go_one_by_one() -> None:
    """A key of several lines is erased by the line; the words that frame it stay."""
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEA\n-----END PRIVATE KEY-----\n"

    assert cleaned("a PRIVATE KEY: MIIEvQIBADANBgkqhkiG9w0B, AQEFAASCBKcwggSjAgEA", key) == "a PRIVATE KEY: ***, ***"


def test_secret_pasted_with_space_around_it_goes() -> None:
    """The line break that came with the key does not save it."""
    assert cleaned("key hunter-two!", " hunter-two! \n") == "key ***"


@pytest.mark.parametrize(
    "pair",
    [
        "password=hunters",
        "lang=en; session=opensesame",
        "a=b; id=x1y2z3x1y2z3",
        "token:opensesame",
        "user=x;pwd=swordfish",
    ],
)
def test_wordlike_value_of_a_telling_name_goes(pair: str) -> None:
    """A password that is a word is still a password."""
    value = pair.replace(":", "=").rpartition("=")[2]

    assert cleaned(f"it was {value}", pair) == "it was ***"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Authorization: Bearer abc.def-1234", "Authorization: ***"),
        ("got ya29.a0AfH6SMBx-y_z", "got ***"),
        ("jwt eyJhbGciOiJkaXIi.e30.x-y_z.", "jwt ***"),
        ("key sk-proj-abc123def456", "key ***"),
        ("key 'sk-abcdefghijklmnop'", "key '***'"),
        ("q%3Dsk-proj-abc123def456", "q%3D***"),
        ("AIzaSyA1234567890abcdefghij", "***"),
        ("hf_abcdefghijklmnop and r8_abcdefghijklmnop", "*** and ***"),
        ("GET https://host/a?size=2&key=swordfish&n=1", "GET https://host/a?size=2&key=***&n=1"),
        ("https://host/?api_key=a#b", "https://host/?api_key=***#b"),
        ("proxy http://me:pass@proxy:3128/", "proxy http://***@proxy:3128/"),
    ],
)
def test_what_looks_like_a_key_goes_unasked(text: str, clean: str) -> None:
    """Common shapes of keys are erased even where nobody added them."""
    assert Redactor().clean(text) == clean


# -- what must stay -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "the bearer authentication failed",
        "Bearer authorization required",
        "task-management-system of risk-assessment-2024-07",
        "desk-1234567890-lamp",
        "see https://labs.google/fx/tools/whisk?hl=en for help@example.org",
        "http://127.0.0.1:8188/view?filename=a.png",
        "Gopal Bhar: quota, rate limit 429, retry in 30s",
        "গোপাল ভাঁড় *** ünïcode",
        "",
    ],
)
def test_innocent_text_is_left_alone(text: str) -> None:
    """Words that merely resemble keys are not stars."""
    assert cleaned(text, "abcDEF012345ghi") == text


@pytest.mark.parametrize("short", ["", "a", "true", "1", "None", "x" * (SHORTEST_REDACTED - 1)])
def test_short_secret_blanks_no_words(short: str) -> None:
    """What is shorter than a real key is not hunted, for it would be found everywhere."""
    assert cleaned("a true xxxxxx None 1", short) == "a true xxxxxx None 1"


@given(st.text(), st.sampled_from(PASTED))
def test_cleaning_twice_changes_nothing_more(text: str, secret: str) -> None:
    """A cleaned text is clean."""
    once = cleaned(text, secret)

    assert cleaned(once, secret) == once


@pytest.mark.timeout(30)  # a pattern that looks back or ahead without bound takes minutes for these
@pytest.mark.parametrize(
    "text",
    ["bearer " * 9, "bearer" + " " * 60, "sk-", "eyJ.", "http://a:", "?key=", "a", "://", "bearer a", "ya29.", "x@:"],
)
def test_megabyte_made_to_be_slow_is_cleaned(text: str) -> None:
    """Texts that nearly look like keys, over and over, are as quick to clean as any other."""
    redactor = Redactor()
    for number in range(50):
        redactor.add(f"secret-number-{number}-{'x' * 40}")
    whole = (text * (1_000_000 // len(text)))[:-40] + " and secret-number-7-" + "x" * 40

    assert redactor.clean(whole).endswith("***")


# -- the type -------------------------------------------------------------------------------------------------------


def test_secret_prints_as_stars(caplog: pytest.LogCaptureFixture) -> None:
    """No way of printing a credential shows it; only asking for it does."""
    secret = Secret("swordfish")
    logging.getLogger("charimg").warning("%s %r", secret, [secret])

    assert (str(secret), f"{secret}", repr({"key": secret})) == ("***", "***", "{'key': Secret(***)}")
    assert "swordfish" not in caplog.text
    assert secret.reveal() == "swordfish"


def test_secrets_compare_by_their_text() -> None:
    """Equal credentials are equal, an empty one is false, and none equals its plain text."""
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")
    assert Secret("a") != "a"


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=60), st.integers(6, 40))
def test_a_secret_that_was_cut_off_with_its_message_is_erased_too(secret: str, length: int) -> None:
    """Long messages are cut; what is left of a secret at the cut is as little to be shown as the whole."""
    redactor = Redactor()
    redactor.add(secret)
    beginning = secret[: min(length, len(secret) - 1)].rstrip("….")
    told = redactor.clean(f"the service says: no such key as {beginning}…")

    assert len(beginning) < SHORTEST_REDACTED or not told.endswith(f"{beginning}…")
