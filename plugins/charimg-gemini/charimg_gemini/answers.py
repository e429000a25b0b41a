"""What successful answers hold: a picture, a file, a page of models. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from charimg.errors import FlakyError
from charimg.images import decode_base64

_PICTURE_MODEL = re.compile(r"(?:^|-)(?:image|banana)(?:-|$)")


@dataclass(frozen=True)
class Picture:
    """A generated picture and what came with it."""

    data: bytes = field(repr=False)
    model: str | None = None
    response_id: str | None = None


@dataclass(frozen=True)
class File:
    """A file at the service."""

    name: str
    """``files/abc-123``."""
    uri: str
    """What requests refer to it by."""
    expires_at: datetime | None
    state: str


@dataclass(frozen=True)
class OfferedModel:
    """A model in the service's list."""

    id: str
    title: str
    generates: bool
    """It answers ``generateContent``."""

    @property
    def draws(self) -> bool:
        """It makes pictures. The list does not say so; by the names of all such models so far."""
        return self.generates and bool(_PICTURE_MODEL.search(self.id))


def picture_of(data: Any) -> Picture | None:
    """The finished picture of an answer: the last one that is not a thought; ``None`` where there is none.

    :raises FlakyError: its base64 is damaged. The picture was made, and is paid for.
    """
    encoded = None
    for part in parts_of(data):
        blob = _either(part, "inlineData", "inline_data")
        if isinstance(blob, dict) and part.get("thought") is not True and blob.get("data"):
            encoded = blob["data"]
    if encoded is None:
        return None
    try:
        picture = decode_base64(encoded)
    except FlakyError as error:
        error.possibly_charged = True
        raise
    return Picture(
        picture,
        _text(_either(data, "modelVersion", "model_version")),
        _text(_either(data, "responseId", "response_id")),
    )


def parts_of(data: Any) -> Iterator[dict[str, Any]]:
    """The parts of every candidate, in order."""
    for candidate in _objects(data, "candidates"):
        yield from _objects(candidate.get("content"), "parts")


def finish_of(data: Any) -> tuple[str, str]:
    """Why there is no picture: a reason such as ``NO_IMAGE``, and the service's own words, each perhaps empty."""
    feedback = _either(data, "promptFeedback", "prompt_feedback")
    reason = _text(_either(feedback, "blockReason", "block_reason"))
    if reason:
        return reason, _text(_either(feedback, "blockReasonMessage", "block_reason_message")) or ""
    for candidate in _objects(data, "candidates"):
        reason = _text(_either(candidate, "finishReason", "finish_reason"))
        words = _text(_either(candidate, "finishMessage", "finish_message"))
        said = [part["text"] for part in _objects(candidate.get("content"), "parts") if _text(part.get("text"))]
        return reason or "", words or " ".join(said)
    return "", ""


def file_of(data: Any) -> File | None:
    """The file that an answer describes, bare or under ``file``; ``None`` if it is none."""
    described = data.get("file", data) if isinstance(data, dict) else None
    name, uri = _text(_either(described, "name", "name")), _text(_either(described, "uri", "uri"))
    if not name or not uri:
        return None
    expires = _text(_either(described, "expirationTime", "expiration_time"))
    return File(name, uri, _moment(expires), _text(_either(described, "state", "state")) or "")


def page_of(data: Any) -> tuple[list[OfferedModel], str | None]:
    """A page of the list of models, and the token of the next."""
    models = []
    for one in _objects(data, "models"):
        methods = _either(one, "supportedGenerationMethods", "supported_generation_methods")
        generates = isinstance(methods, list) and "generateContent" in methods
        name = (_text(one.get("name")) or "").removeprefix("models/")
        if name:
            models.append(OfferedModel(name, _text(_either(one, "displayName", "display_name")) or "", generates))
    return models, _text(_either(data, "nextPageToken", "next_page_token"))


def _moment(text: str | None) -> datetime | None:
    """A protobuf timestamp, which may have nanoseconds; ``None`` if it is none."""
    found = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?Z", text or "")
    if found is None:
        return None
    try:
        return datetime.fromisoformat(found[1]).replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def _either(value: Any, camel: str, snake: str) -> Any:
    """A field in either of the spellings that proto-JSON allows."""
    return value.get(camel, value.get(snake)) if isinstance(value, dict) else None


def _objects(value: Any, name: str) -> Iterator[dict[str, Any]]:
    entries = value.get(name) if isinstance(value, dict) else None
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict):
            yield entry


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
