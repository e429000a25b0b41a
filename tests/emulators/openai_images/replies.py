"""What these servers answer when they refuse, in their own shapes. Texts of OpenAI as documented or captured."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    def with_headers(self, **headers: str) -> Reply:
        """The same with more headers; underscores become hyphens."""
        return Reply(
            self.status,
            self.body,
            {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}},
            self.content_type,
        )


class Refused(Exception):
    """Carries the reply that refuses a request."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def json_reply(document: Any, status: int = 200, **headers: str) -> Reply:
    """*document* as an answer."""
    return Reply(status, json.dumps(document, ensure_ascii=False).encode()).with_headers(**headers)


def html_reply(status: int, words: str) -> Reply:
    """A web page, as a proxy sends it."""
    return Reply(status, f"<html><body><h1>{words}</h1></body></html>".encode(), content_type="text/html")


def error(
    status: int, message: str, *, kind: str = "invalid_request_error", param: str | None = None, code: str | None = None
) -> Reply:
    """OpenAI's error object."""
    return json_reply({"error": {"message": message, "type": kind, "param": param, "code": code}}, status)


def shaped(reply: Reply, shape: str) -> Reply:
    """OpenAI's error object *reply* in another server's shape."""
    if reply.content_type != "application/json" or reply.status < 400 or shape == "openai":
        return reply
    inner = json.loads(reply.body).get("error", {})
    message, code = inner.get("message", ""), inner.get("code")
    if shape == "azure":
        document: Any = {"error": {"code": str(code or reply.status), "message": message}}
    elif shape == "localai":
        document = {"error": {"code": reply.status, "message": message, "type": inner.get("type") or ""}}
    elif inner.get("param") and reply.status == 422:  # FastAPI's own validation
        document = {"detail": [{"type": code, "loc": ["body", inner["param"]], "msg": message}]}
    else:
        document = {"detail": message}
    return Reply(reply.status, json.dumps(document).encode(), reply.headers)


def unknown_parameter(name: str) -> Reply:
    return error(400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")


def missing(name: str) -> Reply:
    return error(400, f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")


def wrong_type(name: str, expected: str, value: object) -> Reply:
    words = f"Invalid type for '{name}': expected {expected}, but got {type(value).__name__} instead."
    return error(400, words, param=name, code="invalid_type")


def wrong_value(name: str, words: str) -> Reply:
    return error(400, words, param=name, code="invalid_value")


def no_such_model(model: str, retired: str | None = None) -> Reply:
    """A model that is unknown, or shut down (the sentence of a retired one is unverified, its code is documented)."""
    if retired:
        words = (
            f"The model `{model}` has been deprecated, learn more here: https://platform.openai.com/docs/deprecations"
        )
    else:
        words = f"The model `{model}` does not exist or you do not have access to it."
    return error(404, words, code="model_not_found")


def wrong_key(shown: str) -> Reply:
    """The key that was sent comes back, but for its ends, as OpenAI has it."""
    words = (
        f"Incorrect API key provided: {shown[:4]}****{shown[-4:]}. You can find your API key at"
        " https://platform.openai.com/account/api-keys."
    )
    return error(401, words, code="invalid_api_key")


NO_KEY = error(
    401,
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e."
    " Authorization: Bearer YOUR_KEY). You can obtain an API key from https://platform.openai.com/account/api-keys.",
)

NO_ROUTE = error(404, "Invalid URL", code=None)

_QUOTA_WORDS = "You exceeded your current quota, please check your plan and billing details."


def _spent(code: str) -> Reply:
    return error(429, _QUOTA_WORDS, kind="insufficient_quota", code=code)


CATALOGUE: dict[str, Reply] = {
    "insufficient_quota": _spent("insufficient_quota"),
    "credit_balance_exhausted": _spent("credit_balance_exhausted"),
    "organization_usage_limit_exceeded": _spent("organization_usage_limit_exceeded"),
    "project_spend_limit_exceeded": _spent("project_spend_limit_exceeded"),
    "billing_hard_limit": error(
        400,
        "Billing hard limit has been reached.",
        kind="billing_limit_user_error",
        code="billing_hard_limit_reached",
    ),
    "limit_zero": error(
        429,
        "Rate limit reached for input-images per min: Limit 0, Requested 1",
        kind="input-images",
        code="rate_limit_exceeded",
    ),
    "overloaded": error(
        503,
        "The server is overloaded. Please try again later.",
        kind="service_unavailable_error",
        code="server_is_overloaded",
    ),
    "traffic": error(429, "Your traffic grew too fast. Please slow down.", kind="rate_limit_error", code="slow_down"),
    "moderation_blocked": error(
        400,
        "Your request was rejected by the safety system. If you believe this is an error, contact us at"
        " help.openai.com and include the request ID req_x. safety_violations=[violence].",
        kind="image_generation_user_error",
        code="moderation_blocked",
    ),
    "unverified": error(
        403,
        "Your organization must be verified to use the model `gpt-image-2`. Please go to:"
        " https://platform.openai.com/settings/organization/general and click on Verify Organization.",
    ),
    # Of a key that may draw and not list models (unverified; reported by users).
    "missing_scope": json_reply(
        {"error": "You have insufficient permissions for this operation. Missing scopes: api.model.read."}, 403
    ),
    "region": error(403, "Country, region, or territory not supported", code="unsupported_country_region_territory"),
    "server_error": error(
        500, "The server had an error while processing your request. Sorry about that!", kind="server_error"
    ),
    "bad_gateway": html_reply(502, "502 Bad Gateway"),
    "gateway_timeout": html_reply(504, "504 Gateway Time-out"),
    "no_picture": json_reply({"created": 1713833628, "data": []}),
    "azure_daily": json_reply(
        {
            "error": {
                "code": "429",
                "message": "Requests have exceeded call rate limit. Please retry after 86400 seconds.",
            }
        },
        429,
        Retry_After="86400",
    ),
    "azure_minute": json_reply(
        {
            "error": {
                "code": "429",
                "message": "Requests to the Images_Generate Operation under Azure OpenAI API version 2025-04-01-preview"
                " have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry after 9 seconds.",
            }
        },
        429,
    ),
    "litellm_rate": json_reply(
        {
            "error": {
                "message": "Rate limit exceeded for api_key: 88dc28. Limit type: requests. Current limit: 1,"
                " Remaining: 0. Limit resets at: 2026-11-22 10:00:00 UTC",
                "type": "rate_limit_error",
                "param": None,
                "code": "429",
            }
        },
        429,
        retry_after="60",
        reset_at="2026-11-22 10:00:00 UTC",
        rate_limit_type="requests",
    ),
    "litellm_no_deployment": error(
        429,
        "No deployments available for selected model, Try again in 5 seconds. Passed model=gpt-image-2.",
        kind="None",
        code="429",
    ),
    "litellm_budget": error(
        422,
        "Budget has been exceeded! Current cost: 1.2, Max budget: 1.0",
        kind="budget_exceeded",
        code="422",
    ),
    "localai_quota": json_reply(
        {"error": {"code": 429, "message": "quota exceeded", "type": "quota_exceeded"}}, 429, Retry_After="30"
    ),
    "vllm_not_ready": json_reply({"detail": "Engine is not ready"}, 503),
}
"""Troubles by name: what a test or ``--fault`` on the command line may ask for."""
