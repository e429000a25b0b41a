"""Answers and exceptions of every service are read as the verdict and wait that the run needs."""

# ruff: noqa: E501 - one reply of a service is one line of a table, as it came over the wire
from __future__ import annotations

import asyncio
import json
import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from hypothesis import given
from hypothesis import strategies as st

from charimg.errors import (
    ExhaustedError,
    FatalError,
    InputError,
    ProviderError,
    RejectedError,
    StorageError,
    ThrottledError,
)
from charimg.model import Verdict
from charimg.verdicts import Reading, error_of, find_wait, read_answer, read_exception

CORPUS = json.loads((Path(__file__).parent / "data" / "error_corpus.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=timezone.utc)


def google(code: int, message: str, status: str, *details: dict[str, Any]) -> dict[str, Any]:
    """Google's envelope of an error."""
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def reason(name: str) -> dict[str, Any]:
    """One google.rpc.ErrorInfo."""
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": name}


def violations(*quota_ids: str) -> dict[str, Any]:
    """One google.rpc.QuotaFailure."""
    return {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"quotaId": name} for name in quota_ids],
    }


def retry(delay: str) -> dict[str, Any]:
    """One google.rpc.RetryInfo."""
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def openai(message: str, kind: str | None = None, code: str | None = None) -> dict[str, Any]:
    """OpenAI's envelope of an error."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def seen(reading: Reading) -> tuple[str, float | None]:
    """The two facts that a run acts upon."""
    return reading.verdict.value, reading.wait


@pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in CORPUS])
@pytest.mark.parametrize("form", ["decoded", "bytes", "text", "array"])
def test_every_reply_of_the_corpus(row: dict[str, Any], form: str) -> None:
    """Each known reply gives its wanted verdict and wait, however its body is handed over."""
    raw = json.dumps(row["body"])
    body = {"decoded": row["body"], "bytes": raw.encode(), "text": raw, "array": f"[{raw}]"}[form]

    assert seen(read_answer(row["status"], row["headers"], body, now=NOW)) == (row["want"], row["wait"])


DENIED = "PUBLIC_ERROR_"
ANSWERS: list[tuple[str, int, dict[str, str], Any, str, float | None]] = [
    # OpenAI and its relatives
    ("oa-spend-limit", 429, {}, openai("x", "insufficient_quota", "project_spend_limit_2026"), "exhausted", None),
    ("oa-new-money-code", 400, {}, openai("x", "user_error", "prepaid_credits_used_up"), "exhausted", None),
    ("oa-traffic", 429, {}, openai("Traffic grew too fast.", "requests", "slow_down"), "throttled", None),
    ("oa-header-ms-wins", 429, {"Retry-After": "1", "Retry-After-Ms": "534"}, openai("x", "requests", "rate_limit_exceeded"), "throttled", 0.534),
    ("oa-minutes", 429, {}, openai("Limit 5, Used 5, Requested 1. Please try again in 1m30s.", "tokens", "rate_limit_exceeded"), "throttled", 90),
    ("oa-tokens-too-many", 429, {}, openai("on tokens per min (TPM): Limit 30,000, Requested 31,500.", "tokens", "rate_limit_exceeded"), "invalid", None),
    ("oa-limit-ten-is-not-zero", 429, {}, openai("Limit 10, Used 10, Requested 1.", "requests", "rate_limit_exceeded"), "throttled", None),
    ("oa-bad-key", 401, {}, openai("Incorrect API key provided", "invalid_request_error", "invalid_api_key"), "fatal", None),
    ("oa-500", 500, {}, openai("The server had an error", "server_error", None), "flaky", None),
    ("oa-region", 403, {}, openai("Country not supported", "request_forbidden", "unsupported_country_region_territory"), "fatal", None),
    ("az-filter", 400, {}, {"error": {"code": "contentFilter", "message": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, "rejected", None),
    ("az-inner-filter", 400, {}, {"error": {"code": "BadRequest", "message": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, "rejected", None),
    ("az-day", 429, {}, {"error": {"code": "429", "message": "Please retry after 86400 seconds."}}, "exhausted", 86400),
    ("az-404", 404, {}, {"error": {"code": "DeploymentNotFound", "message": "x"}}, "invalid", None),
    ("llp-budget", 422, {}, openai("Budget has been exceeded! Current cost: 2.1, Max budget: 2.0", "budget_exceeded", "422"), "exhausted", None),
    ("llp-budget-400", 400, {}, openai("ExceededBudget: User over budget", "ExceededBudget", "400"), "exhausted", None),
    ("llp-no-deployment", 429, {}, openai("No deployments available for selected model, Try again in 5 seconds. Passed model=x", "None", "429"), "throttled", 5),
    ("local-short", 429, {"Retry-After": "30"}, {"error": {"code": 429, "message": "quota", "type": "quota_exceeded"}}, "throttled", 30),
    ("local-long", 429, {"Retry-After": "7200"}, {"error": {"code": 429, "message": "quota", "type": "quota_exceeded"}}, "exhausted", 7200),
    ("vllm-503", 503, {}, {"detail": "Engine is not ready"}, "throttled", None),
    ("sglang-url", 400, {}, {"detail": "response_format=url requires cloud storage"}, "invalid", None),
    # Gemini
    ("gm-day-short-delay", 429, {}, google(429, "You exceeded your current quota", "RESOURCE_EXHAUSTED", retry("11s"), violations("GenerateRequestsPerMinutePerProjectPerModel", "GenerateRequestsPerDayPerProjectPerModel")), "exhausted", None),
    ("gm-array", 429, {}, [google(429, "You exceeded your current quota, please check your plan and billing details.", "RESOURCE_EXHAUSTED", violations("GenerateContentInputTokensPerModelPerMinute-FreeTier"), retry("7s"))], "throttled", 7),
    ("gm-money-sentence-only", 429, {}, google(429, "You exceeded your current quota, please check your plan and billing details.", "RESOURCE_EXHAUSTED"), "throttled", None),
    ("gm-prepay-402", 402, {}, google(402, "Your prepayment credits are depleted.", "RESOURCE_EXHAUSTED"), "exhausted", None),
    ("gm-504", 504, {}, google(504, "Deadline expired before operation could complete.", "DEADLINE_EXCEEDED"), "flaky", None),
    ("gm-500", 500, {}, google(500, "Internal error encountered.", "INTERNAL"), "flaky", None),
    ("gm-400", 400, {}, google(400, 'Unknown name "personGeneration"', "INVALID_ARGUMENT"), "invalid", None),
    ("gm-403", 403, {}, google(403, "The caller does not have permission", "PERMISSION_DENIED"), "fatal", None),
    ("gm-region-billing", 400, {}, google(400, "Image generation is not available in your country.", "FAILED_PRECONDITION"), "fatal", None),
    ("gm-precondition", 400, {}, google(400, "Precondition check failed.", "FAILED_PRECONDITION"), "invalid", None),
    ("gm-limit-decimals", 429, {}, google(429, "Quota exceeded, limit: 0.5, Please retry in 3s.", "RESOURCE_EXHAUSTED"), "throttled", 3),
    ("gm-spii", 200, {}, {"candidates": [{"finishReason": "SPII"}]}, "rejected", None),
    ("gm-recitation", 200, {}, {"candidates": [{"finishReason": "IMAGE_RECITATION"}]}, "rejected", None),
    ("gm-armor", 200, {}, {"promptFeedback": {"blockReason": "MODEL_ARMOR"}}, "rejected", None),
    ("gm-snake", 200, {}, {"prompt_feedback": {"block_reason": "JAILBREAK"}}, "rejected", None),
    ("gm-image-other", 200, {}, {"candidates": [{"finishReason": "IMAGE_OTHER"}]}, "flaky", None),
    ("gm-text-only", 200, {}, {"candidates": [{"content": {"parts": [{"text": "quota of safety"}]}, "finishReason": "STOP"}]}, "flaky", None),
    # Whisk and Flow
    ("wk-throttled", 429, {}, google(429, "reCAPTCHA evaluation failed", "RESOURCE_EXHAUSTED", reason(DENIED + "UNUSUAL_ACTIVITY_TOO_MUCH_TRAFFIC")), "throttled", None),
    ("wk-daily", 429, {}, google(429, "Resource has been exhausted (e.g. check quota).", "RESOURCE_EXHAUSTED", {"@type": "x"}, reason(DENIED + "PER_MODEL_DAILY_QUOTA_REACHED_UPGRADEABLE")), "exhausted", None),
    ("wk-new-quota", 429, {}, google(429, "x", "RESOURCE_EXHAUSTED", reason(DENIED + "TEAM_QUOTA_SPENT")), "exhausted", None),
    ("wk-in-progress", 400, {}, google(400, "x", "INVALID_ARGUMENT", reason(DENIED + "GENERATION_ALREADY_IN_PROGRESS")), "throttled", None),
    ("wk-people", 400, {}, google(400, "x", "INVALID_ARGUMENT", reason(DENIED + "PROMINENT_PEOPLE_FILTER_FAILED")), "rejected", None),
    ("wk-new-filter", 400, {}, google(400, "x", "INVALID_ARGUMENT", reason(DENIED + "WEAPON_FILTER")), "rejected", None),
    ("wk-minor-user", 400, {}, google(400, "x", "INVALID_ARGUMENT", reason(DENIED + "USER_MINOR")), "fatal", None),
    ("wk-model-access", 403, {}, google(403, "x", "PERMISSION_DENIED", reason(DENIED + "MODEL_ACCESS_DENIED")), "fatal", None),
    ("wk-captcha", 403, {}, google(403, "reCAPTCHA evaluation failed", "PERMISSION_DENIED", reason(DENIED + "SOMETHING_WENT_WRONG")), "fatal", None),
    ("wk-wrong-500", 500, {}, google(500, "x", "INTERNAL", reason(DENIED + "SOMETHING_WENT_WRONG")), "flaky", None),
    ("wk-too-large", 400, {}, google(400, "x", "INVALID_ARGUMENT", reason(DENIED + "IMAGE_TOO_LARGE")), "invalid", None),
    ("wk-stale-id", 404, {}, google(404, "Requested entity was not found.", "NOT_FOUND"), "invalid", None),
    ("wk-401", 401, {}, google(401, "Request had invalid authentication credentials.", "UNAUTHENTICATED"), "fatal", None),
    ("wk-trpc-401", 401, {}, {"error": {"json": {"message": "Unauthorized", "code": -32001, "data": {"code": "UNAUTHORIZED", "httpStatus": 401, "path": "project.createProject"}}}}, "fatal", None),
    ("wk-trpc-in-200", 200, {}, [{"error": {"json": {"message": "UNAUTHORIZED", "data": {"code": "UNAUTHORIZED", "httpStatus": 401}}}}], "fatal", None),
    ("wk-task-in-200", 200, {}, {"status": "failed", **google(429, "Resource has been exhausted (e.g. check quota).", "RESOURCE_EXHAUSTED", reason(DENIED + "USER_QUOTA_REACHED"))}, "exhausted", None),
    ("wk-task-throttled-in-200", 200, {}, {"status": "failed", **google(429, "Resource has been exhausted (e.g. check quota).", "RESOURCE_EXHAUSTED")}, "throttled", None),
    ("wk-no-panels", 200, {}, {"imagePanels": []}, "flaky", None),
    # hosted services
    ("rp-low-credit", 429, {}, {"detail": "Request was throttled. Your rate limit for creating predictions is reduced to 6 requests per minute with a burst of 1 requests while you have less than $5.0 in credit. Your rate limit resets in ~9s.", "status": 429, "retry_after": 10}, "throttled", 10),
    ("rp-sensitive", 200, {}, {"id": "p", "status": "failed", "error": "The input or output was flagged as sensitive. Please try again with different inputs. (E005)"}, "rejected", None),
    ("rp-failed", 200, {}, {"id": "p", "status": "failed", "error": "Director: unexpected error handling prediction (E8765)", "output": None}, "flaky", None),
    ("rp-422", 422, {}, {"title": "Input validation failed", "detail": "- input.aspect_ratio: must be one of …", "status": 422}, "invalid", None),
    ("fal-runner", 503, {}, {"detail": "Runner disconnected", "error_type": "runner_disconnected"}, "throttled", None),
    ("fal-header-only", 500, {"X-Fal-Error-Type": "runner_scheduling_failure"}, b"", "throttled", None),
    ("fal-balance", 403, {}, {"detail": "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."}, "exhausted", None),
    ("fal-403", 403, {}, {"detail": "Access denied"}, "fatal", None),
    ("fal-422", 422, {}, {"detail": [{"loc": ["body", "num_images"], "msg": "Input should be less than or equal to 4", "type": "less_than_equal", "input": "rate limit quota"}]}, "invalid", None),
    ("fal-nsfw", 200, {}, {"images": [{"url": "https://x/1.jpg"}], "has_nsfw_concepts": [False, True]}, "rejected", None),
    ("fal-completed-timeout", 200, {}, {"status": "COMPLETED", "error": "Request timed out", "error_type": "request_timeout"}, "throttled", None),
    ("bfl-output-moderated", 200, {}, {"id": "t", "status": "Content Moderated"}, "rejected", None),
    ("bfl-error", 200, {}, {"id": "t", "status": "Error", "result": None}, "flaky", None),
    ("bfl-429", 429, {}, {"detail": "Too many active tasks"}, "throttled", None),
    ("st-filtered", 200, {}, {"image": "aGk=", "finish_reason": "CONTENT_FILTERED", "seed": 1}, "rejected", None),
    ("st-400", 400, {}, {"id": "x", "name": "bad_request", "errors": ["prompt: cannot be blank"]}, "invalid", None),
    ("st-403-other", 403, {}, {"id": "x", "name": "forbidden", "errors": ["no"]}, "fatal", None),
    ("hf-loading", 503, {}, {"error": "Model x is currently loading", "estimated_time": 20.5}, "throttled", 20.5),
    ("hf-monthly-403", 403, {}, {"error": "You have exceeded your monthly included credits for Inference Providers."}, "exhausted", None),
    ("cf-second-code", 429, {}, {"success": False, "errors": [{"message": "you have used up your daily free allocation of 10,000 neurons", "code": 4006}]}, "exhausted", None),
    ("cf-number-alone", 429, {}, {"success": False, "errors": [{"message": "x", "code": 3036}]}, "exhausted", None),
    ("cf-408", 408, {}, {"success": False, "errors": [{"message": "Request timeout", "code": 3007}]}, "throttled", None),
    ("cf-bad-input", 400, {}, {"success": False, "errors": [{"message": "AiError: Bad input", "code": 5006}]}, "invalid", None),
    ("ho-ip", 403, {}, {"message": "Due to abuse prevention, your IP address has been put into timeout for 42 more seconds", "rc": "TimeoutIP"}, "throttled", 42),
    ("ho-ip-hour", 403, {}, {"message": "Your IP address has been put into timeout for 3600 more seconds", "rc": "TimeoutIP"}, "exhausted", 3600),
    ("ho-unsafe-ip", 403, {}, {"message": "You cannot use this from an unsafe IP", "rc": "UnsafeIP"}, "fatal", None),
    ("ho-maintenance", 400, {}, {"message": "Horde has entered maintenance mode. Please try again later.", "rc": "MaintenanceMode"}, "throttled", 60),
    ("ho-maintenance-bare", 400, {}, {"message": "Horde has entered maintenance mode. Please try again later."}, "throttled", 60),
    ("ho-corrupt", 400, {}, {"message": "This prompt appears to violate our terms of service", "rc": "CorruptPrompt"}, "rejected", None),
    ("ho-steps", 400, {}, {"message": "Too many steps", "rc": "TooManySteps"}, "invalid", None),
    ("ho-shared-key", 403, {}, {"message": "x", "rc": "SharedKeyInsufficientKudos"}, "exhausted", None),
    ("ho-nobody", 200, {}, {"done": False, "faulted": False, "waiting": 1, "is_possible": False}, "throttled", None),
    ("ho-censored", 200, {}, {"done": True, "generations": [{"censored": True, "img": "https://x"}]}, "rejected", None),
    ("pl-402-queue", 402, {}, {"error": "Payment Required", "message": "Queue full for IP: 1.2.3.4: 1 requests already queued"}, "throttled", None),
    ("pl-402-queue-coded", 402, {}, {"success": False, "error": {"message": "Queue is full", "code": "PAYMENT_REQUIRED"}, "status": 402}, "throttled", None),
    ("pl-402-pollen", 402, {}, {"success": False, "error": {"message": "Insufficient pollen balance", "code": "PAYMENT_REQUIRED"}, "status": 402}, "exhausted", None),
    ("pl-5xx", 500, {}, {"success": False, "error": {"message": "All backends are busy", "code": "INTERNAL_ERROR"}, "status": 500}, "throttled", None),
    ("id-daily", 402, {}, {"error": "limit", "reject_reason": "daily_generation_limit"}, "exhausted", None),
    ("id-flight", 429, {}, {"error": "too many requests in flight", "reject_reason": "in_flight_limit_exceeded"}, "throttled", None),
    ("id-unsafe", 200, {}, {"data": [{"is_image_safe": False, "url": None}]}, "rejected", None),
    ("id-words", 422, {}, {"error": "Prompt provided failed safety check due to the inclusion of prohibited content."}, "rejected", None),
    # servers at home
    ("cu-node", 200, {}, {"status": {"status_str": "error", "messages": [["execution_error", {"exception_type": "ValueError", "exception_message": "bad size"}]]}}, "invalid", None),
    ("cu-empty", 200, {}, {"p1": {"outputs": {}, "status": {"status_str": "success", "messages": [["execution_start", {}]]}}}, "flaky", None),
    ("cc-legacy", 429, {}, {"error": {"type": "PLAN_REFUSED", "message": "upgrade"}}, "exhausted", None),
    ("cc-429", 429, {"Retry-After": "20"}, {"error": {"type": "RATE_LIMITED", "message": "x"}}, "throttled", 20),
    ("a1-model", 404, {}, {"error": "HTTPException", "detail": "Model not found", "body": "", "errors": ""}, "invalid", None),
    ("iv-queue-full", 201, {}, {"queue_id": "default", "enqueued": 0, "requested": 1}, "throttled", None),
    ("iv-500", 500, {}, {"detail": "Unexpected error while enqueuing batch: x"}, "flaky", None),
    ("sw-other", 200, {}, {"error": "Invalid value for parameter Model"}, "invalid", None),
    ("sw-memory", 200, {}, {"error": "CUDA out of memory"}, "flaky", None),
    # codes that say less or more than they seem to
    ("restated-429", 429, {}, {"error": {"code": "TOO_MANY_REQUESTS", "message": "You are out of credits"}}, "exhausted", None),
    ("minute-quota", 429, {}, {"error": {"code": "requests_per_minute_quota_reached", "message": "x"}}, "throttled", None),
    ("moderation-down", 503, {}, {"error": {"code": "moderation_unavailable", "message": "x"}}, "throttled", None),
    # proxies and bare statuses
    ("html-502", 502, {}, b"<html><body>quota exceeded, billing</body></html>", "throttled", None),
    ("html-500", 500, {}, b"<html>rate limit exceeded</html>", "flaky", None),
    ("empty-429", 429, {}, b"", "throttled", None),
    ("empty-402", 402, {}, None, "exhausted", None),
    ("529", 529, {}, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "throttled", None),
    ("425", 425, {}, b"", "throttled", None),
    ("plain-429", 429, {}, b"Too many requests, try again in 30 seconds", "throttled", 30),
    ("long-retry-after", 503, {"retry-after": "3600"}, b"", "exhausted", 3600),
    ("hf-quiet-ratelimit", 429, {"ratelimit": '"api";r=3;t=55'}, {"error": "x"}, "throttled", None),
    ("text-only-400", 400, {}, {"error": "Rate limit exceeded"}, "throttled", None),
    ("redirect", 308, {"location": "https://flow.google.com/"}, b"", "invalid", None),
    ("no-answer", 0, {}, None, "throttled", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "headers", "body", "verdict", "wait"),
    [pytest.param(*row[1:], id=row[0]) for row in ANSWERS],
)
def test_replies_of_the_families(
    status: int, headers: dict[str, str], body: Any, verdict: str, wait: float | None
) -> None:
    """Replies that no fixture holds are read by their family."""
    assert seen(read_answer(status, headers, body, now=NOW)) == (verdict, wait)


class TestTraps:
    """The ways in which a reading by status or by words goes wrong."""

    @pytest.mark.parametrize("status", [400, 403, 422])
    def test_money_hides_behind_any_status(self, status: int) -> None:
        """A budget that is spent is exhausted whatever the proxy's status."""
        reading = read_answer(status, {}, openai("over", "team_budget_exceeded", None))

        assert reading.verdict is Verdict.EXHAUSTED

    def test_402_is_not_always_money(self) -> None:
        """A full queue under 402 is waited for."""
        reading = read_answer(402, {}, {"error": "Queue full for IP: 1.2.3.4"})

        assert reading.verdict is Verdict.THROTTLED

    def test_a_400_can_heal_by_waiting(self) -> None:
        """No worker of the crowd is free: throttled, for the ten minutes of the server's constant."""
        assert seen(read_answer(400, {}, {"message": "x", "rc": "NoValidWorkers"})) == ("throttled", 600)

    def test_a_429_can_be_unhealable(self) -> None:
        """A request larger than the whole limit is invalid, a limit of nothing exhausted."""
        larger = read_answer(429, {}, openai("Limit 5, Requested 10.", "requests", "rate_limit_exceeded"))
        nothing = read_answer(429, {}, openai("Limit 0, Requested 1", "requests", "rate_limit_exceeded"))

        assert (larger.verdict, nothing.verdict) == (Verdict.INVALID, Verdict.EXHAUSTED)

    def test_one_sentence_serves_two_verdicts(self) -> None:
        """ "You exceeded your current quota" is OpenAI's empty account and Gemini's busy minute."""
        sentence = "You exceeded your current quota, please check your plan and billing details."
        paid = read_answer(429, {}, openai(sentence, "insufficient_quota", "x"))
        busy = read_answer(429, {}, google(429, sentence, "RESOURCE_EXHAUSTED", violations("RequestsPerMinute")))

        assert (paid.verdict, busy.verdict) == (Verdict.EXHAUSTED, Verdict.THROTTLED)

    def test_a_retry_delay_beside_a_day_quota_is_worthless(self) -> None:
        """A short delay next to a PerDay violation is dropped."""
        body = google(429, "x", "RESOURCE_EXHAUSTED", retry("11s"), violations("RequestsPerDay"))

        assert seen(read_answer(429, {}, body)) == ("exhausted", None)

    @pytest.mark.parametrize(
        "prompt",
        [
            "RATE LIMIT EXCEEDED, quota",
            "top up, insufficient credits",
            "too many requests, nsfw, safety system",
        ],
    )
    def test_an_echoed_prompt_does_not_decide(self, prompt: str) -> None:
        """The user's own words, repeated in a 400, leave it a 400: with a code, and in quotation marks."""
        coded = read_answer(400, {}, openai(f"Invalid prompt: {prompt}", "invalid_request_error", "invalid_value"))
        quoted = read_answer(400, {}, {"detail": f"Prompt '{prompt}' is not allowed here"})

        assert (coded.verdict, quoted.verdict) == (Verdict.INVALID, Verdict.INVALID)

    def test_an_echoed_wait_is_not_a_wait(self) -> None:
        """A prompt about waiting does not lengthen the wait."""
        body = {"message": "Busy while drawing 'a clock that says try again in 5 hours'"}

        assert seen(read_answer(429, {}, body)) == ("throttled", None)

    @pytest.mark.parametrize(
        "text",
        [
            "cannot generate this",
            "seed 429 is out of range",
            "job a-429-b failed",
            "no file img_429.png",
            "no file cast-429",
            "see /cast/429 and x429",
            "width=429 is odd",
            "corporate limits",
            "missing key 'daily_pose'",
            "misquotation",
        ],
    )
    def test_substrings_do_not_decide(self, text: str) -> None:
        """Numbers and words that merely contain the signs of a throttle fail that character only."""
        assert read_exception(RuntimeError(text)).verdict is Verdict.INVALID

    @pytest.mark.parametrize(
        "body",
        [
            {"error": "Rate limit exceeded"},
            {"error": {"message": "Rate limit exceeded"}},
            [{"error": {"message": "Rate limit exceeded"}}],
            {"detail": "Rate limit exceeded"},
            {"detail": [{"msg": "Rate limit exceeded"}]},
            {"errors": ["Rate limit exceeded"]},
            {"errors": [{"message": "Rate limit exceeded"}]},
            {"message": "Rate limit exceeded"},
            "Rate limit exceeded",
        ],
    )
    def test_shapes_vary(self, body: Any) -> None:
        """The server's words are found in every envelope."""
        reading = read_answer(429, {}, body)

        assert (reading.verdict, reading.message) == (Verdict.THROTTLED, "Rate limit exceeded")

    def test_200_is_not_success(self) -> None:
        """A 200 that carries a filtered picture is a refusal; one that carries nothing is flaky."""
        filtered = read_answer(200, {}, {"image": "aGk=", "finish_reason": "CONTENT_FILTERED"})
        nothing = read_answer(200, {}, b"")

        assert (filtered.verdict, nothing.verdict) == (Verdict.REJECTED, Verdict.FLAKY)

    def test_a_gateway_timeout_may_have_been_paid_for(self) -> None:
        """A 504 of unknown origin may hide a finished picture; a 502 is a refusal to start."""
        flags = [read_answer(status, {}, b"").possibly_charged for status in (504, 502)]

        assert flags == [True, False]


class TestExhaustion:
    """When a quota comes back, as far as anybody says."""

    def test_a_throttle_beyond_the_ceiling_is_exhausted(self) -> None:
        """A wait above the ceiling closes the lane and tells the moment; one at the ceiling does not."""
        beyond = read_answer(429, {"retry-after": "901"}, b"", now=NOW)
        at = read_answer(429, {"retry-after": "900"}, b"", now=NOW)
        own = read_answer(429, {"retry-after": "61"}, b"", ceiling=60)

        assert (seen(beyond), beyond.retry_at, seen(at), seen(own)) == (
            ("exhausted", 901.0),
            NOW + timedelta(seconds=901),
            ("throttled", 900.0),
            ("exhausted", 61.0),
        )

    @pytest.mark.parametrize(
        ("now", "reset"),
        [
            (NOW, datetime(2026, 11, 23, 8, tzinfo=timezone.utc)),  # 02:00 in Los Angeles, in winter
            (datetime(2026, 7, 1, 8, tzinfo=timezone.utc), datetime(2026, 7, 2, 7, tzinfo=timezone.utc)),
        ],
    )
    def test_gemini_days_end_at_pacific_midnight(self, now: datetime, reset: datetime) -> None:
        """A day quota without a delay returns at midnight in Los Angeles, in summer and winter."""
        body = google(429, "x", "RESOURCE_EXHAUSTED", violations("GenerateRequestsPerDayPerProjectPerModel"))

        assert read_answer(429, {}, body, now=now).retry_at == reset

    def test_cloudflare_days_end_at_midnight_utc(self) -> None:
        """The free allocation returns at 00:00 UTC."""
        body = {"success": False, "errors": [{"message": "daily free allocation", "code": 3036}]}

        assert read_answer(429, {}, body, now=NOW).retry_at == datetime(2026, 11, 23, tzinfo=timezone.utc)

    def test_money_has_no_reset(self) -> None:
        """Nobody knows when the user pays."""
        assert read_answer(402, {}, {"detail": "Insufficient credits"}, now=NOW).retry_at is None

    def test_a_date_is_compared_with_the_given_moment(self) -> None:
        """A Retry-After date is a wait from now; a past one is none at all."""
        later = read_answer(429, {"Retry-After": "Sun, 22 Nov 2026 10:00:45 GMT"}, b"", now=NOW)
        past = read_answer(429, {"Retry-After": "Sun, 22 Nov 2026 09:00:00 GMT"}, b"", now=NOW)

        assert (later.wait, past.wait) == (45.0, 0.0)


class TestMessages:
    """What people read."""

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b"<html><h1>Bad gateway</h1></html>", "HTTP 502"),
            (b"", "HTTP 502"),
            ({"title": "Only a title"}, "Only a title"),
            ({"error": "OutOfMemoryError", "detail": "", "errors": "CUDA out of memory"}, "OutOfMemoryError: CUDA out of memory"),
            ({"detail": [{"loc": ["body", "seed"], "msg": "Field required"}]}, "body.seed: Field required"),
            ({"error": "a\x1b[31m\r\nb\u2028c\u202e\x00"}, "a b c"),
            ({"error": "গোপাল ভাঁড়"}, "গোপাল ভাঁড়"),
            (b"upstream connect error", "upstream connect error"),
            (
                {"error": {"message": "Prompt outputs failed validation"}, "node_errors": {"4": {"errors": [{"details": "ckpt_name: 'x' not in []"}]}}},
                "Prompt outputs failed validation: ckpt_name: 'x' not in []",
            ),
        ],
    )  # fmt: skip
    def test_the_servers_own_words(self, body: Any, message: str) -> None:
        """The message is the server's, on one clean line, or else the status."""
        assert read_answer(502, {}, body).message == message

    def test_codes_are_told_in_lower_case(self) -> None:
        """Machine codes are given for logs, each once."""
        body = openai("x", "Insufficient_Quota", "insufficient_quota")

        assert read_answer(429, {}, body).codes == ("insufficient_quota",)


class Answered(Exception):
    """A stranger's exception that carries what it was answered."""

    def __init__(self, text: str, **attributes: object) -> None:
        super().__init__(text)
        vars(self).update(attributes)


class Awkward(Exception):
    """A stranger's exception that cannot even be printed."""

    @property
    def status(self) -> int:
        raise RuntimeError("no")

    def __str__(self) -> str:
        raise RuntimeError("no")


class Envelope:
    """A stranger's response object."""

    def __init__(self, **attributes: object) -> None:
        vars(self).update(attributes)


KEY = ConnectionKey("example.org", 443, True, True, None, None, None)
REFUSED = aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(111, "refused"))


class QuotaExceededError(Exception):
    """A third party's own class whose name says it all."""


@pytest.mark.parametrize(
    ("error", "verdict", "wait"),
    [
        (RuntimeError("429"), "throttled", None),
        (RuntimeError("HTTP 429: Too Many Requests"), "throttled", None),
        (RuntimeError("QUOTA reached, retry after 20 seconds"), "throttled", 20),
        (RuntimeError("Rate-Limit hit; Retry-After: 7"), "throttled", 7),
        (RuntimeError("quota {'retry_after': 2.5}"), "throttled", 2.5),
        (RuntimeError("rate_limit_exceeded"), "throttled", None),
        (QuotaExceededError(), "throttled", None),
        (RuntimeError("quota: please retry in 2h"), "exhausted", 7200),
        (RuntimeError("429 insufficient_quota, try again in 5s"), "exhausted", None),
        (RuntimeError("Daily quota reached"), "exhausted", None),
        (RuntimeError("429: 100 requests per day"), "exhausted", None),
        (RuntimeError("Insufficient credits"), "exhausted", None),
        (RuntimeError("refused: content_policy_violation"), "rejected", None),
        (ValueError("no such model"), "invalid", None),
        (KeyError("images"), "invalid", None),
        (FileNotFoundError(2, "No such file"), "invalid", None),
        (StorageError("disk full"), "invalid", None),
        (InputError("bad"), "invalid", None),
        (Awkward(), "invalid", None),
        (TimeoutError(), "throttled", None),
        (asyncio.TimeoutError(), "throttled", None),
        (ConnectionResetError(104, "reset"), "throttled", None),
        (OSError(101, "Network is unreachable"), "throttled", None),
        (aiohttp.ServerDisconnectedError(), "throttled", None),
        (aiohttp.ClientPayloadError("cut"), "throttled", None),
        (REFUSED, "throttled", None),
        (ssl.SSLCertVerificationError(1, "self-signed certificate"), "fatal", None),
        (Answered("x", status=503), "throttled", None),
        (Answered("x", status_code=401), "fatal", None),
        (Answered("x", status=429, headers={"RETRY-AFTER": "33"}), "throttled", 33),
        (Answered("x", status_code=429, body={"message": "m", "type": "insufficient_quota", "code": "y"}), "exhausted", None),
        (Answered("x", response=Envelope(status_code=429, headers={"retry-after": "9"}, text="{}")), "throttled", 9),
        (Answered("x", response=Envelope(status_code=400, text='{"error": {"code": "moderation_blocked"}}')), "rejected", None),
        (Answered("Error code: 429 - insufficient_quota", status_code=429), "exhausted", None),
        (Answered("Exhausted balance", status=403), "exhausted", None),
        (Answered("quota", code=7), "throttled", None),
        (Answered("x", code=429, details={"error": {"details": [violations("PerDay")]}}), "exhausted", None),
    ],
    ids=repr,
)  # fmt: skip
def test_exceptions_of_strangers(error: BaseException, verdict: str, wait: float | None) -> None:
    """Whatever a third-party provider raises is read: attributes first, then the kind, then the text."""
    assert seen(read_exception(error)) == (verdict, wait)


def test_a_providers_own_error_keeps_its_meaning() -> None:
    """The core's errors are taken as they are, whatever their text says."""
    moment = NOW + timedelta(hours=3)
    error = RejectedError("429 quota", wait=None)
    spent = ExhaustedError("gone", wait=12.0, retry_at=moment, possibly_charged=True)

    assert [read_exception(error).verdict, read_exception(spent)] == [
        Verdict.REJECTED,
        Reading(Verdict.EXHAUSTED, 12.0, "gone", (), moment, True),
    ]


def test_an_explicit_cause_is_read() -> None:
    """An error that says nothing by itself is read by what it was raised from."""
    error = RuntimeError("could not draw")
    error.__cause__ = ThrottledError("busy", wait=20)

    assert seen(read_exception(error)) == ("throttled", 20)


def test_the_members_of_a_group_are_read() -> None:
    """An error that holds others (a task group's) is read by the first that says something."""
    group = Answered("2 errors", exceptions=(ValueError("x"), ThrottledError("busy", wait=20)))

    assert seen(read_exception(group)) == ("throttled", 20)


def test_a_ring_of_causes_ends() -> None:
    """Two errors that name each other as cause do not hang the reading."""
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one

    assert read_exception(one).message == "ValueError: one"


def test_only_a_request_that_went_out_may_have_been_paid_for() -> None:
    """A refused connection costs nothing; one that broke may have."""
    flags = [read_exception(error).possibly_charged for error in (REFUSED, aiohttp.ServerDisconnectedError())]

    assert flags == [False, True]


def test_an_address_in_an_exception_loses_its_query() -> None:
    """What stands behind the question mark of an address may be a key."""
    message = read_exception(RuntimeError("failed: https://example.org/image?key=secret&x=1")).message

    assert message == "RuntimeError: failed: https://example.org/image?…"


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.OK])
def test_the_error_of_a_reading(verdict: Verdict) -> None:
    """A reading becomes the core's error of its verdict and back without loss."""
    reading = Reading(verdict, 3.0, "words", (), NOW, True)

    assert read_exception(error_of(reading)) == reading


def test_the_fatal_error_is_the_fatal_class() -> None:
    """A wrong key leaves with the exit code of a login."""
    assert isinstance(error_of(read_answer(401, {}, b"")), FatalError)


class TestHostileInput:
    """No answer can break or stall the reading."""

    @pytest.mark.parametrize(
        "body",
        [
            b"[" * 200_000,
            b'{"error":' * 100_000,
            b"\xff\xfe\x00{",
            b'{"error": {"code": ' + b"9" * 1_000_000 + b"}}",
            b'{"retry_after": 1e400, "error": {"message": "' + b"try again in " * 60_000 + b'"}}',
            b'{"retry_after": -5, "estimated_time": NaN}',
            ("'a " * 2_000_000).encode(),
            {"error": {"message": "'a " * 300_000}},
            {"error": {"message": "Limit 1,000,000," * 100_000}},
            {"error": {"code": "a_" * 50_000, "details": [[]] * 100_000, "message": {"x": 1}}},
            {"error": {"details": [{"@type": 5, "violations": "x"}, None, 3]}, "errors": {"a": 1}, "detail": 5},
            b'{"error": "\\ud800 half a character"}',
        ],
        ids=range(12),
    )  # fmt: skip
    @pytest.mark.timeout(20)
    def test_monsters(self, body: Any) -> None:
        """Deep, huge, broken and mistyped bodies under a 429 are a throttle without a wait."""
        reading = read_answer(429, {}, body)
        reading.message.encode()

        assert seen(reading) == ("throttled", None)


FIELDS = [
    "error",
    "code",
    "type",
    "message",
    "detail",
    "details",
    "errors",
    "status",
    "reason",
    "violations",
    "quotaId",
    "retryDelay",
    "@type",
    "json",
    "data",
    "retry_after",
    "candidates",
    "finishReason",
    "promptFeedback",
    "blockReason",
    "rc",
    "httpStatus",
    "enqueued",
    "requested",
    "generations",
    "messages",
    "node_errors",
    "metadata",
    "name",
    "title",
]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["insufficient_quota", "429", "Limit 0", "try again in 5s", "-1s", "PerDay", "SAFETY"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(FIELDS) | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "Retry-After-Ms", "RateLimit", "Date", "x-fal-error-type"]),
    st.text(max_size=30) | st.sampled_from(["1e400", "nan", "-3", "inf", '"a";r=0;t=9', "Sun, 22 Nov 2026 10:00:45 GMT"]),
)  # fmt: skip


def assert_sound(reading: Reading) -> None:
    """What every reading promises."""
    assert reading.verdict in set(Verdict) - {Verdict.OK}
    assert reading.wait is None or 0 <= reading.wait < float("inf")
    assert reading.message
    assert len(reading.message) <= 300
    assert reading.message == " ".join(reading.message.splitlines())
    assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in reading.message)
    assert isinstance(error_of(reading), ProviderError)


@given(st.integers(-1, 700), HEADERS, JSON | st.binary(max_size=60) | st.text(max_size=60), st.floats())
def test_any_answer_is_read(status: int, headers: dict[str, str], body: Any, ceiling: float) -> None:
    """No status, header, body or ceiling makes the reading raise or break a promise."""
    reading = read_answer(status, headers, body, now=NOW, ceiling=ceiling)

    assert_sound(reading)


@given(st.integers(200, 599), HEADERS, JSON)
def test_the_case_of_header_names_does_not_matter(status: int, headers: dict[str, str], body: Any) -> None:
    """Upper-case names give the same reading."""
    upper = {name.upper(): value for name, value in headers.items()}

    assert read_answer(status, upper, body, now=NOW) == read_answer(status, headers, body, now=NOW)


@given(st.text() | st.from_regex(r"(429|quota|Limit 0|retry in [0-9]+[a-z]+|\W)+", fullmatch=True), JSON, JSON)
def test_any_exception_is_read(text: str, status: Any, body: Any) -> None:
    """No attribute and no text of a stranger's exception makes the reading raise or break a promise."""
    reading = read_exception(Answered(text, status=status, status_code=429, body=body, headers=body, response=body))

    assert_sound(reading)


@given(HEADERS, JSON)
def test_a_wait_is_found_or_absent(headers: dict[str, str], body: Any) -> None:
    """A wait is finite and not negative, or there is none."""
    wait = find_wait(headers, body, now=NOW)

    assert wait is None or 0 <= wait < float("inf")
