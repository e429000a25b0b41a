"""What Whisk's successful answers hold: a picture, an id, a caption."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from charimg.errors import FlakyError
from charimg.images import decode_base64

MAX_ID = 255
"""Characters; ids are opaque, case-sensitive and never longer."""


@dataclass(frozen=True)
class Picture:
    """A generated picture and what came with it."""

    data: bytes = field(repr=False)
    seed: int | None = None
    model: str | None = None
    prompt: str | None = None
    media_id: str | None = None
    request_id: str | None = None


def unwrapped(data: Any) -> Any:
    """The payload of a procedure's answer: ``result.data.json.result``, or as much of that path as there is."""
    for key in ("result", "data", "json", "result"):
        if not isinstance(data, dict) or key not in data:
            break
        data = data[key]
    return data


def media_id_of(data: Any) -> str | None:
    """The media id of an answer: a string, an object around one, or under another name; never an object's text."""
    if isinstance(data, str):
        return data if 0 < len(data) <= MAX_ID else None
    if isinstance(data, dict):
        for key in ("uploadMediaGenerationId", "mediaGenerationId", "mediaId"):
            found = media_id_of(data.get(key))
            if found is not None:
                return found
        media = data.get("media")
        if isinstance(media, dict):
            return media_id_of(media.get("name"))
    return None


def picture_of(data: Any) -> Picture:
    """The first picture of a generation's answer.

    :raises FlakyError: there is none (Whisk filters silently, or failed), or its base64 is damaged.
    """
    for image in _images(data):
        encoded = image.get("encodedImage")
        if isinstance(encoded, str) and encoded:
            return Picture(
                data=_bytes_of(encoded),
                seed=_number(image.get("seed")),
                model=_text(image.get("imageModel")) or _text(image.get("modelNameType")),
                prompt=_text(image.get("prompt")),
                media_id=media_id_of(image),
                request_id=_text(image.get("fingerprintLogRecordId")),
            )
    raise FlakyError("Whisk sent no picture and no reason (it filters some pictures silently)")


def caption_of(payload: Any) -> str | None:
    """The first description in a caption's payload."""
    candidates = payload.get("candidates") if isinstance(payload, dict) else None
    for one in candidates if isinstance(candidates, list) else []:
        if isinstance(one, dict) and isinstance(one.get("output"), str) and one["output"].strip():
            return str(one["output"].strip())
    return None


def workflow_of(payload: Any) -> str:
    """The id of a project just made.

    :raises FlakyError: the answer holds none.
    """
    found = payload.get("workflowId") if isinstance(payload, dict) else None
    if not isinstance(found, str) or not found:
        raise FlakyError("Whisk made a project but sent no id of it")
    return found


def _images(data: Any) -> Iterator[dict[str, Any]]:
    panels = data.get("imagePanels") if isinstance(data, dict) else None
    for panel in panels if isinstance(panels, list) else []:
        images = panel.get("generatedImages") if isinstance(panel, dict) else None
        for image in images if isinstance(images, list) else []:
            if isinstance(image, dict):
                yield image


def _bytes_of(encoded: str) -> bytes:
    """The bytes of base64, with or without ``data:...,`` before it. The picture was made, whatever became of it."""
    try:
        return decode_base64(encoded)
    except FlakyError as error:
        error.possibly_charged = True
        raise


def _number(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
