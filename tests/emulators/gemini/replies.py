"""What the service answers, as bytes: Google's error envelope, and the 200s that hold no picture."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

JSON_TYPE = "application/json; charset=UTF-8"
HTML_TYPE = "text/html; charset=UTF-8"
RPC = "type.googleapis.com/google.rpc."
HELP = {
    "@type": f"{RPC}Help",
    "links": [
        {
            "description": "Learn more about Gemini API quotas",
            "url": "https://ai.google.dev/gemini-api/docs/rate-limits",
        }
    ],
}
NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


@dataclass(frozen=True)
class Reply:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON_TYPE

    @property
    def document(self) -> Any:
        """The body as JSON data; ``None`` where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Refused(Exception):
    """Ends a request with *reply*; *why* goes into the log."""

    def __init__(self, reply: Reply, why: str) -> None:
        super().__init__(why)
        self.reply, self.why = reply, why


def json_reply(document: Any, status: int = 200, **headers: str) -> Reply:
    """*document* as JSON; underscores in header names become dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(document, ensure_ascii=False).encode(), named)


def error(code: int, message: str, status: str | None = None, *details: dict[str, Any]) -> Reply:
    """An error in Google's envelope."""
    inner: dict[str, Any] = {"code": code, "message": message, "status": status or NAMES[code]}
    if details:
        inner["details"] = list(details)
    return json_reply({"error": inner}, code)


def in_array(reply: Reply) -> Reply:
    """The same error as a list of one, as it comes on the streaming and OpenAI-compatible routes."""
    document = reply.document
    if not isinstance(document, dict) or "error" not in document:
        return reply
    return Reply(reply.status, json.dumps([document]).encode(), reply.headers, reply.content_type)


def error_info(reason: str, service: bool = True) -> dict[str, Any]:
    """The detail that names a reason."""
    info: dict[str, Any] = {"@type": f"{RPC}ErrorInfo", "reason": reason, "domain": "googleapis.com"}
    if service:
        info["metadata"] = {"service": "generativelanguage.googleapis.com"}
    return info


KEY_INVALID = error(400, "API key not valid. Please pass a valid API key.", None, error_info("API_KEY_INVALID"))
KEY_MISSING = error(
    403,
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other"
    " form of API consumer identity to call this API.",
)
REGION = error(400, "User location is not supported for the API use.", "FAILED_PRECONDITION")
DEPLETED = (
    "Your prepayment credits are depleted. Please go to AI Studio at https://ai.studio/projects to manage your project"
    " and billing."
)
EXHAUSTED = error(429, "Resource has been exhausted (e.g. check quota).")
OVERLOADED = error(
    503,
    "This model is currently experiencing high demand. Spikes in demand are usually temporary. Please try again later.",
)
INTERNAL = error(
    500,
    "An internal error has occurred. Please retry or report in"
    " https://developers.generativeai.google/guide/troubleshooting",
)
DEADLINE = error(504, "The request timed out. Please try again.")


def key_suspended(key: str) -> Reply:
    """A key that is no longer allowed: the service repeats it in its sentence."""
    told = f"Permission denied: Consumer 'api_key:{key}' has been suspended."
    return error(403, told, None, error_info("CONSUMER_SUSPENDED"))


def no_such_model(model: str, version: str, method: str = "generateContent") -> Reply:
    """A model that is retired or never was."""
    return error(
        404,
        f"models/{model} is not found for API version {version}, or is not supported for {method}. Call ListModels to"
        " see the list of available models and their supported methods.",
    )


def no_such_file(name: str, status: int = 403) -> Reply:
    """A file that is gone, or another project's: the service does not tell which."""
    if status == 404:
        return error(404, "Requested entity was not found.")
    return error(403, f"You do not have permission to access the File {name} or it may not exist.")


def html_reply(status: int, title: str) -> Reply:
    """A front end's page, as comes instead of JSON when the service behind it is away."""
    page = f"<!DOCTYPE html>\n<html lang=en>\n<title>{title}</title>\n<h1>{title}</h1>\n</html>\n"
    return Reply(status, page.encode(), {}, HTML_TYPE)


NO_SUCH_PATH = html_reply(404, "Error 404 (Not Found)!!1")

_USAGE = {"promptTokenCount": 9, "totalTokenCount": 9}
BLOCK_REASONS = ("SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "JAILBREAK", "MODEL_ARMOR")
REFUSING_FINISHES = (
    "SAFETY",
    "IMAGE_SAFETY",
    "PROHIBITED_CONTENT",
    "IMAGE_PROHIBITED_CONTENT",
    "RECITATION",
    "IMAGE_RECITATION",
    "BLOCKLIST",
    "SPII",
)
EMPTY_FINISHES = ("NO_IMAGE", "IMAGE_OTHER", "MALFORMED_RESPONSE")


def blocked(reason: str) -> Reply:
    """A 200 whose prompt was refused: no candidates."""
    return json_reply({"promptFeedback": {"blockReason": reason}, "usageMetadata": _USAGE})


def finished(reason: str, *, text: str | None = None, message: str | None = None) -> Reply:
    """A 200 with one candidate that ended for *reason*, perhaps with words and never with a picture."""
    candidate: dict[str, Any] = {"finishReason": reason, "index": 0}
    if text is not None:
        candidate = {"content": {"role": "model", "parts": [{"text": text}]}, **candidate}
    if message is not None:
        candidate["finishMessage"] = message
    return json_reply({"candidates": [candidate], "usageMetadata": _USAGE})


CATALOGUE: dict[str, Reply] = {
    "key-invalid": KEY_INVALID,
    "key-missing": KEY_MISSING,
    "region": REGION,
    "prepay": error(429, DEPLETED),
    "prepay-402": error(402, DEPLETED),
    "exhausted": EXHAUSTED,
    "overloaded": OVERLOADED,
    "internal": INTERNAL,
    "deadline": DEADLINE,
    "html-502": html_reply(502, "502 Bad Gateway"),
    "nothing": Reply(200, b""),
    "no-candidates": json_reply({"usageMetadata": _USAGE}),
    "text-only": finished("STOP", text="I can't draw that."),
    **{f"block:{reason}": blocked(reason) for reason in BLOCK_REASONS},
    **{reason: finished(reason, message="Unable to show the generated image.") for reason in REFUSING_FINISHES},
    **{reason: finished(reason, text="I can't draw that.") for reason in EMPTY_FINISHES},
}
"""Answers by name, for faults given on a command line."""
