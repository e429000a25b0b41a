"""The kit's contract suites: a hostile service, and everything a generator and an uploader promise."""

from __future__ import annotations

from typing import Any, ClassVar

from charimg_gemini.generator import GeminiGenerator
from charimg_gemini.uploader import GeminiUploader

from charimg.model import Verdict
from charimg.testing import Asked, GeneratorContract, Reply, Route, Service, Trouble, UploaderContract

LIST = Route("GET", "/v1beta/models", {"models": [{"name": "models/gemini-3.1-flash-image"}]})
FILES = Route("GET", "/v1beta/files", {})


def drawn(asked: Asked) -> dict[str, Any]:
    """The picture as a part of the candidate's content."""
    blob = {"mimeType": "image/png", "data": asked.picture.base64}
    return {"candidates": [{"content": {"parts": [{"inlineData": blob}]}, "finishReason": "STOP"}]}


def started(asked: Asked) -> Reply:
    """Where the bytes go."""
    return Reply(200, {}, {"X-Goog-Upload-URL": f"{asked.address}/resumable/1", "X-Goog-Upload-Status": "active"})


def stored(asked: Asked) -> Reply:
    """The file that the bytes have become."""
    file = {"name": f"files/{asked.ticket}", "uri": f"{asked.address}/v1beta/files/{asked.ticket}", "state": "ACTIVE"}
    return Reply(200, {"file": file}, {"X-Goog-Upload-Status": "final"})


def day(delay: str) -> dict[str, Any]:
    """A spent day, with a delay that is beside the point."""
    violation = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel", "quotaValue": "20"}
    details = [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]},
    ]
    return {"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED", "details": details}}


class TestPictures(GeneratorContract):
    """``generateContent``."""

    provider = GeminiGenerator
    service = Service(Route("POST", "/v1beta/models/{model}:generateContent", drawn), LIST)
    own_troubles: ClassVar = (
        Trouble("429-per-day", 429, day("17s"), Verdict.EXHAUSTED),
        Trouble("200-blocked", 200, {"promptFeedback": {"blockReason": "SAFETY"}}, Verdict.REJECTED),
        Trouble("200-refused", 200, {"candidates": [{"finishReason": "IMAGE_SAFETY"}]}, Verdict.REJECTED),
    )


class TestFiles(UploaderContract):
    """The Files API, whose upload has an address of its own."""

    provider = GeminiUploader
    service = Service(
        Route("POST", "/resumable/{upload}", stored), Route("POST", "/upload/v1beta/files", started), LIST, FILES
    )
