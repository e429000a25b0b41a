"""The bodies Whisk answers with: success and error envelopes of both lanes, and a catalogue of them by name.

The two lanes speak differently. The Google lane (``/v1…``) has ``{"error": {"code", "message", "status",
"details"}}``; the tRPC lane (``/fx/api/trpc/…``) has ``{"error": {"json": {"message", "code", "data"}}}``.
Bodies marked *captured* were quoted verbatim in public reports; the others are the same envelope with the
reason's own name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

JSON_TYPE = "application/json; charset=UTF-8"
HTML_TYPE = "text/html; charset=UTF-8"


@dataclass(frozen=True)
class Reply:
    """One HTTP answer, complete but for the transport's own headers."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def document(self) -> Any:
        """The body parsed as JSON; ``None`` where it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def with_headers(self, **headers: str) -> Reply:
        """The same answer with more headers; underscores in names become hyphens."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **more})


class Refused(Exception):
    """A request the service does not accept: the answer in the Google form, and why, for the log."""

    def __init__(self, reply: Reply, why: str) -> None:
        super().__init__(why)
        self.reply = reply
        self.why = why


def json_reply(document: Any, status: int = 200) -> Reply:
    """*document* as a JSON answer."""
    return Reply(status, json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode())


def google_error(code: int, message: str, status: str, reason: str | None = None) -> Reply:
    """An error of the Google lane; *reason* is the full name of the public reason, if there is one."""
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if reason is not None:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
    return json_reply({"error": error}, code)


def trpc_success(payload: Any) -> Reply:
    """*payload* in the envelope of a successful tRPC call."""
    return json_reply({"result": {"data": {"json": {"result": payload, "status": 200, "statusText": "OK"}}}})


# JSON-RPC numbers of the tRPC library's own error names; only UNAUTHORIZED was captured from Whisk.
TRPC_CODES = {
    400: (-32600, "BAD_REQUEST"),
    401: (-32001, "UNAUTHORIZED"),
    403: (-32003, "FORBIDDEN"),
    404: (-32004, "NOT_FOUND"),
    405: (-32005, "METHOD_NOT_SUPPORTED"),
    412: (-32012, "PRECONDITION_FAILED"),
    413: (-32013, "PAYLOAD_TOO_LARGE"),
    415: (-32015, "UNSUPPORTED_MEDIA_TYPE"),
    429: (-32029, "TOO_MANY_REQUESTS"),
    500: (-32603, "INTERNAL_SERVER_ERROR"),
    503: (-32603, "SERVICE_UNAVAILABLE"),
}


def trpc_error(status: int, message: str, path: str) -> Reply:
    """An error of the tRPC lane for the procedure *path*."""
    number, name = TRPC_CODES.get(status, TRPC_CODES[500])
    data = {"code": name, "httpStatus": status, "path": path}
    return json_reply({"error": {"json": {"message": message, "code": number, "data": data}}}, status)


def as_trpc(reply: Reply, path: str) -> Reply:
    """*reply* of the Google lane as the tRPC lane puts it; what is not a Google error passes unchanged.

    How the site words an error that its own backend received was never captured beyond the 401: here the
    public reason becomes the message, or Google's message where there is no reason.
    """
    document = reply.document
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("code"), int):
        return reply
    if error["code"] == 401:
        return replace(trpc_error(401, "Unauthorized", path), headers=reply.headers)
    message = next(
        (d["reason"] for d in error.get("details", ()) if str(d.get("reason", "")).startswith("PUBLIC_")),
        error.get("message", ""),
    )
    return replace(trpc_error(error["code"], message, path), headers=reply.headers)


def html_reply(status: int, title: str) -> Reply:
    """A front end's HTML page, as comes instead of JSON when the service behind it is away."""
    page = f"<!DOCTYPE html>\n<html lang=en>\n<title>{title}</title>\n<h1>{title}</h1>\n</html>\n"
    return Reply(status, page.encode(), HTML_TYPE)


EXHAUSTED = "Resource has been exhausted (e.g. check quota)."
RECAPTCHA = "reCAPTCHA evaluation failed"
INVALID = "Request contains an invalid argument."

REASONS: dict[str, tuple[str, ...]] = {
    "rejected": (
        *("UNSAFE_GENERATION", "UNSAFE_IMAGE_UPLOAD", "PROMINENT_PEOPLE_FILTER_FAILED", "VIOLENCE_FILTER"),
        *("DANGER_FILTER", "SEXUAL", "MINOR_UPLOAD", "SEXUAL_UPLOAD", "PROMINENT_PEOPLE_UPLOAD"),
        *("PHOTOREAL_UPLOAD", "MINOR", "MINOR_HARM_UPLOAD", "PHOTOREAL_INPUT_IMAGE"),
        *("PROMINENT_PEOPLE_INPUT_IMAGE", "MINOR_INPUT_IMAGE", "AUDIO_FILTERED", "IP_INPUT_IMAGE"),
        *("IMAGE_OUTPUT_IP_FILTER", "UNSAFE_VIDEO_UPLOAD", "VERTEX_SAFETY_FILTER_TRIGGERED"),
        *("REPUTATIONAL", "UNSAFE_SEARCH", "QUALITY_FILTER_FAILED", "AESTHETIC_FILTER_FAILED"),
    ),
    "throttled": (
        *("USER_REQUESTS_THROTTLED", "HIGH_TRAFFIC", "MODEL_DISABLED_DUE_TO_TRAFFIC"),
        *("GENERATION_ALREADY_IN_PROGRESS", "MODEL_OVERLOADED", "UNUSUAL_ACTIVITY_TOO_MUCH_TRAFFIC"),
        *("CONCURRENT_LIMIT_REACHED", "VERTEX_SERVICE_UNAVAILABLE"),
    ),
    "exhausted": (
        *("USER_QUOTA_REACHED", "PER_MODEL_DAILY_QUOTA_REACHED"),
        *("PER_MODEL_DAILY_QUOTA_REACHED_UPGRADEABLE", "WORKSPACE_ACCOUNT_QUOTA_REACHED"),
        *("VERTEX_QUOTA_EXHAUSTED", "VERTEX_QUOTA_EXHAUSTED_ADMIN"),
    ),
    "fatal": (
        *("MODEL_ACCESS_DENIED", "APP_UNAVAILABLE", "USER_REGION_DISALLOWED", "USER_MINOR"),
        *("UNUSUAL_ACTIVITY", "PROJECT_NOT_ALLOWLISTED", "USER_ROLE_NOT_GRANTED"),
        "PROJECT_FLOW_ENTERPRISE_NOT_ENABLED",
    ),
    "invalid": (
        *("NON_ENGLISH_PROMPT", "UNKNOWN_IMAGE_FILE_FORMAT", "IMAGE_TOO_LARGE", "IMAGE_TOO_SMALL"),
        *("RESPONSE_TOO_LONG", "VERTEX_UNSUPPORTED_INPUT"),
    ),
    "flaky": ("UNSPECIFIED", "SOMETHING_WENT_WRONG"),
}
"""Public reasons without their prefix, by the verdict they mean."""

PREFIX = "PUBLIC_ERROR_"


def reason_reply(reason: str) -> Reply:
    """The answer that carries a public *reason*, given with or without its prefix.

    Raises:
        KeyError: nobody has seen a reason of this name.
    """
    name = reason.removeprefix(PREFIX)
    verdict = next((verdict for verdict, names in REASONS.items() if name in names), None)
    full = PREFIX + name
    if verdict in ("throttled", "exhausted"):
        message = RECAPTCHA if name == "UNUSUAL_ACTIVITY_TOO_MUCH_TRAFFIC" else EXHAUSTED
        return google_error(429, message, "RESOURCE_EXHAUSTED", full)
    if verdict in ("rejected", "invalid"):
        return google_error(400, INVALID, "INVALID_ARGUMENT", full)
    if verdict == "fatal":
        message = RECAPTCHA if name == "UNUSUAL_ACTIVITY" else "The caller does not have permission"
        return google_error(403, message, "PERMISSION_DENIED", full)
    if verdict == "flaky":
        return google_error(500, "Internal error encountered.", "INTERNAL", full)
    raise KeyError(reason)


UNAUTHENTICATED = google_error(
    401,
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
    "valid authentication credential. See "
    "https://developers.google.com/identity/sign-in/web/devconsole-project.",
    "UNAUTHENTICATED",
)
NOT_FOUND = google_error(404, "Requested entity was not found.", "NOT_FOUND")
INVALID_ARGUMENT = google_error(400, INVALID, "INVALID_ARGUMENT")
# What Google's API front end says of a path or method it does not know.
NO_SUCH_METHOD = html_reply(404, "Error 404 (Not Found)!!1")
# Google's words for a web key that is bound to a site, when the Referer header is missing.
REFERRER_BLOCKED = google_error(
    403, "Requests from referer <empty> are blocked.", "PERMISSION_DENIED", "API_KEY_HTTP_REFERRER_BLOCKED"
)

CATALOGUE: dict[str, Reply] = {
    "unauthenticated": UNAUTHENTICATED,
    "trpc-unauthorized": trpc_error(401, "Unauthorized", "project.createProject"),
    "user-quota": reason_reply("USER_QUOTA_REACHED"),
    "too-much-traffic": reason_reply("UNUSUAL_ACTIVITY_TOO_MUCH_TRAFFIC"),
    "daily-quota": reason_reply("PER_MODEL_DAILY_QUOTA_REACHED"),
    "daily-quota-upgradeable": reason_reply("PER_MODEL_DAILY_QUOTA_REACHED_UPGRADEABLE"),
    "workspace-quota": reason_reply("WORKSPACE_ACCOUNT_QUOTA_REACHED"),
    "bare-429": google_error(429, EXHAUSTED, "RESOURCE_EXHAUSTED"),
    "recaptcha": google_error(403, RECAPTCHA, "PERMISSION_DENIED", PREFIX + "SOMETHING_WENT_WRONG"),
    "model-denied": reason_reply("MODEL_ACCESS_DENIED"),
    "unsafe": reason_reply("UNSAFE_GENERATION"),
    "invalid-argument": INVALID_ARGUMENT,
    "failed-precondition": google_error(400, "Precondition check failed.", "FAILED_PRECONDITION"),
    "not-found": NOT_FOUND,
    "internal": google_error(500, "Internal error encountered.", "INTERNAL"),
    "bad-gateway": html_reply(502, "502. That's an error."),
    "unavailable": google_error(503, "The service is currently unavailable.", "UNAVAILABLE"),
    "gateway-timeout": html_reply(504, "504. That's an error."),
    # A relay's task answer: the error sits inside a 200.
    "failed-task": json_reply({"status": "failed", "error": reason_reply("USER_QUOTA_REACHED").document["error"]}, 200),
    "empty-body": Reply(200, b""),
}
"""Every row of the error table by a short name, for scripted faults and for tests."""


def named_reply(name: str) -> Reply:
    """The answer called *name*: of the catalogue, or a public reason.

    Raises:
        KeyError: no such name.
    """
    return CATALOGUE[name] if name in CATALOGUE else reason_reply(name)
