"""The bodies of requests: what a character becomes in the words of ``generateContent``. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from charimg.aspect_ratios import nearest
from charimg.model import ImageRequest, Reference, ReferenceKind
from charimg_gemini.declared import ASPECT_RATIOS

PICTURE_TYPES = ("image/png", "image/jpeg", "image/webp")
"""What it looks at, of the formats charimg reads."""

MAX_REQUEST = 20 * 1024 * 1024
"""Bytes of one request (Google's documents)."""

INLINE_BYTES = 8 * 1024 * 1024
"""Bytes of all reference pictures of a request up to which ``auto`` sends them along: a third more as base64, and
with room to spare below :data:`MAX_REQUEST`. Larger ones are uploaded once and referred to."""

_LENDS = {
    ReferenceKind.SUBJECT: "The next picture shows who or what must appear",
    ReferenceKind.SCENE: "The next picture shows the place",
    ReferenceKind.STYLE: "The next picture shows the manner to draw in, not what to draw",
}


@dataclass(frozen=True)
class Shown:
    """A reference picture in the form it is sent: the part that holds or names it."""

    reference: Reference
    part: dict[str, Any] = field(repr=False)


def inline(media_type: str, encoded: str) -> dict[str, Any]:
    """The part that carries a picture, given as base64."""
    return {"inlineData": {"mimeType": media_type, "data": encoded}}


def by_file(media_type: str, uri: str) -> dict[str, Any]:
    """The part that refers to an uploaded picture."""
    return {"fileData": {"fileUri": uri, "mimeType": media_type}}


def introduction(reference: Reference) -> str:
    """What a reference lends to the picture, in words: the API knows no kinds of references."""
    words = _LENDS[reference.kind]
    return f"{words}: {reference.caption}" if reference.caption else f"{words}."


def words_of(request: ImageRequest) -> str:
    """The prompt as it is sent. There is no field for what must not be in the picture, so words say it."""
    if not request.negative:
        return request.prompt
    return f"{request.prompt}\n\nThe picture must not contain: {request.negative}"


def generate_body(request: ImageRequest, shown: Sequence[Shown], *, size: str | None) -> dict[str, Any]:
    """The body for ``:generateContent``.

    :raises InvalidRequestError: the aspect ratio is none.
    """
    parts: list[dict[str, Any]] = []
    for one in shown:
        parts += [{"text": introduction(one.reference)}, one.part]
    parts.append({"text": words_of(request)})
    image: dict[str, Any] = {"aspectRatio": nearest(request.aspect_ratio, ASPECT_RATIOS)}
    if size:
        image["imageSize"] = size
    return {
        "contents": [{"role": "user", "parts": parts}],
        "generationConfig": {"responseModalities": ["IMAGE"], "imageConfig": image},
    }


def file_body(name: str, media_type: str, size: int) -> dict[str, Any]:
    """The body that announces an upload."""
    return {"file": {"display_name": name, "mime_type": media_type, "size_bytes": size}}
