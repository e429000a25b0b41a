"""Secrets: none gets through in any spelling, and no innocent word is lost."""

from __future__ import annotations

import base64
import html
import json
import logging
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charimg.redaction import SHORTEST_REDACTED, Redactor, Secret, clean_of_all


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


# -- in disguise ----------------------------------------------------------------------------------------------------

KEY = "Planted/Key+of_the-House&4711=Qx"

DISGUISES: dict[str, Callable[[str], str]] = {
    "capitals": str.upper,
    "small letters": str.lower,
    "over two lines": lambda key: f"{key[:13]}\n    {key[13:]}",
    "wide": " ".join,
    "an address in an address": lambda key: quote(quote(key, safe=""), safe=""),
    "an end of line escaped": lambda key: json.dumps(f"{key[:9]}\n{key[9:]}")[1:-1],
    "JSON within JSON": lambda key: json.dumps(json.dumps(key).replace("/", "\\/"))[3:-3],
    "as Go writes JSON": lambda key: json.dumps(key)[1:-1].replace("&", "\\u0026"),
    "a slash escaped": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "html": html.escape,
    "hex digits": lambda key: key.encode().hex(),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 for addresses": lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
    "a basic login": lambda key: base64.b64encode(f"me:{key}".encode()).decode(),
    "another basic login": lambda key: base64.b64encode(f"admin:{key}!".encode()).decode(),
    "lines of base64": lambda key: base64.encodebytes(b"x" * 50 + key.encode()).decode(),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_secret_in_disguise_is_known(disguise: str) -> None:
    """However a service writes what it was sent, most of it is stars, and the words around it stay."""
    told = cleaned(f"no such key: {DISGUISES[disguise](KEY)} (in your header)", KEY)

    assert told.startswith("no such key: ")
    assert told.endswith(" (in your header)")
    assert "***" in told
    assert len(told) < 50 + 90 * (disguise == "lines of base64")


@given(st.binary(min_size=10, max_size=40), st.binary(max_size=9), st.binary(max_size=9))
def test_no_base64_of_any_text_around_a_secret_keeps_it(raw: bytes, before: bytes, after: bytes) -> None:
    """Wherever it begins in the text that was encoded, what is left of it cannot be decoded."""
    secret = raw.hex()  # any text will do, and this one is no word
    whole = base64.b64encode(before + secret.encode() + after).decode()
    rest = cleaned(whole, secret)

    assert len(rest) <= len(whole) - len(secret) * 8 // 6 + 4 + len("***")


@given(st.from_regex("[a-zA-Z0-9]{10,20}", fullmatch=True), st.text(max_size=30))
def test_words_without_the_secret_stay_to_the_letter(secret: str, text: str) -> None:
    """Folding finds what is there and nothing else: spaces and capitals of other words stay as they are."""
    told = cleaned(f"{text} Quota  {secret.upper()} EXCEEDED", secret)

    assert told in (f"{text} Quota  *** EXCEEDED", cleaned(text, secret) + " Quota  *** EXCEEDED")


@pytest.mark.parametrize(
    ("address", "secrets"),
    [
        ("http://me:hunter-two-4711@host:1/x", ["hunter-two-4711", "bWU6aHVudGVyLXR3by00NzEx"]),
        ("https://me%40home:p%40ss-word-4711@host", ["p%40ss-word-4711", "p@ss-word-4711", "me@home:p@ss-word-4711"]),
    ],
)
def test_a_login_in_an_address_is_a_secret(address: str, secrets: list[str]) -> None:
    """As it is written, as it is meant, and as it is sent."""
    redactor = Redactor()
    redactor.add_login_of(address)

    assert [redactor.clean(f"<{secret}>") for secret in secrets] == ["<***>"] * len(secrets)


@pytest.mark.parametrize("value", ["http://host/a@b:c", "nobody@example.org", "http://me@host", None, 7, "http://[::1"])
def test_what_holds_no_password_adds_no_secret(value: object) -> None:
    """An address without a login, a mail address, or no address at all."""
    redactor = Redactor()
    redactor.add_login_of(value)

    assert redactor.clean(f"{value} me host example") == f"{value} me host example"


def test_what_a_crash_leaves_is_cleaned_by_all_who_know_a_secret() -> None:
    """Nobody can say whose secret stands in a traceback; lines stay lines."""
    one, other = Redactor(), Redactor()
    one.add("secret-of-the-first-1")
    other.add("secret-of-the-second-2")
    told = clean_of_all("Traceback:\n  a = 'secret-of-the-first-1'\nRuntimeError: SECRET-OF-THE-SECOND-2")

    assert told == "Traceback:\n  a = '***'\nRuntimeError: ***"
