"""Every row of the protocol's error tables, as verdicts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from charimg_whisk.faults import StaleMediaError, decoded, error_from, fault_of
from charimg_whisk.reasons import VERDICT_OF_REASON
from hypothesis import given
from hypothesis import strategies as st

from charimg.errors import FatalError, ProviderError
from charimg.http import Answer
from charimg.model import Verdict
from tests.emulators.whisk import CATALOGUE, REASONS
from tests.emulators.whisk.replies import as_trpc, named_reply

GOOGLE = "https://aisandbox-pa.googleapis.com/v1/whisk:generateImage"
SITE = "https://labs.google/fx/api/trpc/backbone.uploadImage"


def answer(status: int, body: Any, url: str = GOOGLE, **headers: str) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, data, url)


def google(status: int, message: str, name: str, *reasons: str, **headers: str) -> Answer:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason} for reason in reasons]
    error = {"code": status, "message": message, "status": name, **({"details": details} if details else {})}
    return answer(status, {"error": error}, **headers)


def error_for(given_answer: Answer, *, spends: bool = True) -> ProviderError:
    fault = fault_of(given_answer)
    assert fault is not None
    return error_from(given_answer, fault, spends=spends)


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("unauthenticated", Verdict.FATAL),
        ("trpc-unauthorized", Verdict.FATAL),
        ("user-quota", Verdict.EXHAUSTED),
        ("too-much-traffic", Verdict.THROTTLED),
        ("daily-quota", Verdict.EXHAUSTED),
        ("daily-quota-upgradeable", Verdict.EXHAUSTED),
        ("workspace-quota", Verdict.EXHAUSTED),
        ("bare-429", Verdict.THROTTLED),
        ("recaptcha", Verdict.FATAL),
        ("model-denied", Verdict.FATAL),
        ("unsafe", Verdict.REJECTED),
        ("invalid-argument", Verdict.INVALID),
        ("failed-precondition", Verdict.INVALID),
        ("not-found", Verdict.INVALID),
        ("internal", Verdict.FLAKY),
        ("bad-gateway", Verdict.THROTTLED),
        ("unavailable", Verdict.THROTTLED),
        ("gateway-timeout", Verdict.THROTTLED),
        ("failed-task", Verdict.EXHAUSTED),
    ],
)
@pytest.mark.parametrize("lane", ["google", "trpc"])
def test_every_row_of_the_error_table(name: str, verdict: Verdict, lane: str) -> None:
    """Each captured body has its verdict, in Google's envelope and in the site's."""
    reply = CATALOGUE[name]
    if lane == "trpc":
        reply = as_trpc(reply, "backbone.uploadImage")

    actual = error_for(answer(reply.status, reply.body, SITE if lane == "trpc" else GOOGLE)).verdict

    assert actual == verdict


def test_no_row_of_the_catalogue_is_left_out() -> None:
    """Every error the emulator knows is one of the rows above, or a success without a picture."""
    silent = {name for name, reply in CATALOGUE.items() if fault_of(answer(reply.status, reply.body)) is None}

    assert silent == {"empty-body"}


@pytest.mark.parametrize(
    ("reason", "verdict"), [(reason, verdict) for verdict, reasons in REASONS.items() for reason in reasons]
)
def test_every_public_reason_has_its_verdict(reason: str, verdict: str) -> None:
    """The whole public enum, each with the status it comes with."""
    reply = named_reply(reason)

    actual = error_for(answer(reply.status, reply.body))

    assert actual.verdict == Verdict(verdict)
    assert reason in actual.message


def test_the_reason_table_has_no_entry_the_enum_lacks() -> None:
    """The table and the enum list the same reasons."""
    known = {reason for reasons in REASONS.values() for reason in reasons}

    assert set(VERDICT_OF_REASON) == known


@pytest.mark.parametrize(
    ("reason", "verdict"),
    [
        ("PUBLIC_ERROR_SOME_NEW_TRAFFIC_CONTROL", Verdict.THROTTLED),
        ("PUBLIC_ERROR_WEEKLY_QUOTA_REACHED", Verdict.EXHAUSTED),
        ("PUBLIC_ERROR_TRAFFIC_QUOTA", Verdict.THROTTLED),
        ("PUBLIC_ERROR_HATE_FILTER", Verdict.REJECTED),
        ("PUBLIC_ERROR_MYSTERY", Verdict.THROTTLED),
    ],
)
def test_a_reason_nobody_has_seen_is_read_by_its_family(reason: str, verdict: Verdict) -> None:
    """New reasons are judged by their words, traffic before quota; one that says nothing leaves it to the status."""
    actual = error_for(google(429, "Resource has been exhausted.", "RESOURCE_EXHAUSTED", reason)).verdict

    assert actual == verdict


def test_the_reason_is_found_among_several_details_and_decides_before_the_status() -> None:
    """The reason need not be in the first item, and its verdict beats the status 500."""
    body = {
        "error": {
            "code": 500,
            "status": "INTERNAL",
            "message": "x",
            "details": [
                {"@type": "type.googleapis.com/google.rpc.Help"},
                {"reason": "rateLimitExceeded"},
                {"reason": "PUBLIC_ERROR_UNSAFE_GENERATION"},
            ],
        }
    }

    assert error_for(answer(500, body)).verdict == Verdict.REJECTED


def test_of_several_reasons_traffic_comes_before_quota() -> None:
    """Both are 429; the traffic reason means that a short wait helps."""
    both = google(429, "x", "RESOURCE_EXHAUSTED", "PUBLIC_ERROR_USER_QUOTA_REACHED", "PUBLIC_ERROR_HIGH_TRAFFIC")

    assert error_for(both).verdict == Verdict.THROTTLED


def test_of_several_reasons_well_known_people_come_before_generic_safety() -> None:
    """The more telling reason is the one the user reads."""
    both = google(
        400, "x", "INVALID_ARGUMENT", "PUBLIC_ERROR_UNSAFE_GENERATION", "PUBLIC_ERROR_PROMINENT_PEOPLE_FILTER_FAILED"
    )

    assert "well-known people" in error_for(both).message


@pytest.mark.parametrize("status", [400, 500])
def test_the_prompt_in_a_message_decides_nothing(status: int) -> None:
    """A prompt that speaks of quotas, repeated in the service's message, is no throttle."""
    body = google(status, "Cannot generate: 'a clerk, his quota, PUBLIC_ERROR_USER_QUOTA_REACHED and 429 stamps'", "X")

    assert error_for(body).verdict == (Verdict.INVALID if status == 400 else Verdict.FLAKY)


def test_a_deadline_of_googles_own_is_a_throttle_here() -> None:
    """A 504 is a busy service in this protocol, also as one of Google's error objects."""
    late = google(504, "Deadline expired before operation could complete.", "DEADLINE_EXCEEDED")

    assert error_for(late).verdict == Verdict.THROTTLED


def test_an_error_inside_a_successful_answer_is_read() -> None:
    """A relay's task answer is HTTP 200 with the error object inside."""
    failed = answer(200, {"status": "failed", "error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "m"}})

    assert error_for(failed).verdict == Verdict.THROTTLED


def test_a_refusal_passed_on_inside_the_sites_success_envelope_is_read() -> None:
    """The site wraps the status of the service behind it: a 429 in there is no success."""
    inside = answer(
        200, {"result": {"data": {"json": {"result": None, "status": 429, "statusText": "Too Many"}}}}, SITE
    )

    assert error_for(inside).verdict == Verdict.THROTTLED


def test_a_batched_list_of_one_is_unwrapped() -> None:
    """The site may answer with a list of one."""
    reply = CATALOGUE["trpc-unauthorized"]

    fault = fault_of(answer(401, b"[" + reply.body + b"]", SITE))

    assert fault is not None
    assert fault.status == 401


@pytest.mark.parametrize("header", ["37", "37.0"])
@pytest.mark.parametrize("name", ["too-much-traffic", "bare-429", "unavailable", "bad-gateway"])
def test_the_wait_the_service_asks_for_is_kept(name: str, header: str) -> None:
    """Retry-After is honoured where it is present, with a reason and without."""
    reply = CATALOGUE[name]

    assert error_for(answer(reply.status, reply.body, retry_after=header)).wait == 37


def test_a_wait_among_the_details_is_kept() -> None:
    """Google's own RetryInfo tells the wait where no header does."""
    body = {
        "error": {
            "code": 429,
            "status": "RESOURCE_EXHAUSTED",
            "message": "m",
            "details": [
                {"reason": "PUBLIC_ERROR_HIGH_TRAFFIC"},
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "42s"},
            ],
        }
    }

    assert error_for(answer(429, body)).wait == 42


@pytest.mark.parametrize(("status", "charged"), [(502, True), (504, True), (503, False), (500, False), (429, False)])
def test_an_answer_lost_behind_a_gateway_may_have_been_charged(status: int, charged: bool) -> None:
    """A gateway that gave up may have passed the request on; a service that refuses has not taken it."""
    assert error_for(answer(status, b"<html>x</html>")).possibly_charged is charged
    assert error_for(answer(status, b"<html>x</html>"), spends=False).possibly_charged is False


@pytest.mark.parametrize(
    "gone",
    [
        answer(308, b"", location="https://flow.google.com/"),
        answer(302, b"", location="https://flow.google.com/"),
        answer(301, b"", location="https://labs.google/fx/flow"),
        answer(404, b"<html>Error 404 (Not Found)!!1</html>"),
        answer(404, b""),
        answer(405, b"<html>"),
        answer(410, b"<html>"),
        answer(410, {"error": {"code": 410, "message": "Gone"}}),
        google(404, "Method not found.", "NOT_FOUND"),
        answer(
            404,
            {"error": {"json": {"message": 'No "mutation"-procedure on path "x"', "data": {"httpStatus": 404}}}},
            SITE,
        ),
        google(401, "Bad request: Origin doesn't match Host for XD3", "UNAUTHENTICATED"),
    ],
)
def test_a_closed_service_is_told_in_one_line_with_what_to_use_instead(gone: Answer) -> None:
    """However the addresses say it: Google closed Whisk, on that day, and here is what works."""
    error = error_for(gone)

    assert isinstance(error, FatalError)
    assert error.message.startswith(
        "Google closed Whisk on 2026-04-30; use --provider avatar offline, or another service: `charimg providers`"
    )
    assert "\n" not in error.message
    assert "gateway" not in error.message


def test_a_gateway_that_answers_like_a_closed_service_points_to_its_setting() -> None:
    """With an address of the user's own, the address itself may be the mistake."""
    error = error_for(answer(404, b"<html>", "http://127.0.0.1:8000/prefix/v1/whisk:generateImage"))

    assert "127.0.0.1:8000 answers HTTP 404; if that is a gateway of yours" in error.message


def test_a_forgotten_picture_is_not_a_closed_service() -> None:
    """The same 404 with Google's words about an entity means a stale id."""
    error = error_for(google(404, "Requested entity was not found.", "NOT_FOUND"))

    assert isinstance(error, StaleMediaError)


def test_a_redirect_to_a_sign_in_page_is_a_login_not_a_closed_service() -> None:
    """A redirect that asks for a login is fatal but speaks of the login."""
    error = error_for(answer(308, b"", SITE, location="https://labs.google/fx/api/auth/signin"))

    assert isinstance(error, FatalError)
    assert "Google closed" not in error.message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 700) | st.text(max_size=20) | st.sampled_from(["PUBLIC_ERROR_MINOR"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["error", "json", "code", "status", "message", "details", "reason", "data", "result", "httpStatus"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.integers(200, 599), json_values | st.binary(max_size=40))
def test_no_answer_makes_the_reading_stumble(status: int, body: object) -> None:
    """Whatever comes is a success or one of the core's errors with one line of text."""
    given_answer = answer(status, body)
    fault = fault_of(given_answer)
    if fault is None:
        assert given_answer.ok
        return
    error = error_from(given_answer, fault, spends=True)

    assert isinstance(error, ProviderError)
    assert error.message
    assert "\n" not in error.message


def test_a_body_nested_beyond_reason_is_no_json() -> None:
    """A bomb of brackets is read as no JSON at all."""
    assert decoded(answer(200, b"[" * 200_000)) is None
