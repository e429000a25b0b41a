"""``generateContent``: what a request asks for, and the answer with its picture."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image

from .catalogue import MAX_PICTURES, RATIOS, SMALLEST_SIDE, TYPES, Model, pixels
from .replies import Refused, error
from .schema import GENERATE, invalid, read

INLINE_LIMIT = 20 * 1024 * 1024
"""Bytes of one request (docs)."""


@dataclass(frozen=True)
class Order:
    """One picture that is asked for."""

    prompt: str
    """The last text: what comes before describes the references."""
    texts: tuple[str, ...]
    aspect: str | None
    size: str | None
    references: tuple[str, ...]


def order_of(document: Any, size: int, model: Model, find_file: Callable[[str], tuple[str, str, bytes]]) -> Order:
    """What *document* asks *model* for; raises :class:`~.replies.Refused` where it does not fit.

    :param size: bytes of the request.
    :param find_file: name, MIME type and bytes of the file at a URI.
    """
    if size > INLINE_LIMIT:
        raise invalid(f"Request payload size exceeds the limit: {INLINE_LIMIT} bytes.")
    asked = read(document, GENERATE)
    contents = asked.get("contents") or []
    if not contents:
        raise invalid("* GenerateContentRequest.contents: contents is not specified\n", "contents")
    texts: list[str] = []
    references: list[str] = []
    for content in contents:
        if content.get("role") not in (None, "user", "model"):
            raise invalid("Please use a valid role: user, model.")
        if not content.get("parts"):
            raise invalid("* GenerateContentRequest.contents.parts: contents.parts must not be empty.\n")
        for part in content["parts"]:
            _read_part(part, texts, references, find_file)
    if len(references) > MAX_PICTURES:
        raise invalid(f"Too many images in request: {len(references)}, the maximum is {MAX_PICTURES}.")
    if not any(text.strip() for text in texts):
        raise invalid("Request contains an invalid argument.")
    aspect, wanted = _picture_of(asked.get("generationConfig") or {}, model)
    return Order(texts[-1], tuple(texts), aspect, wanted, tuple(references))


def _read_part(
    part: dict[str, Any], texts: list[str], references: list[str], find_file: Callable[[str], tuple[str, str, bytes]]
) -> None:
    kinds = part.keys() & {"text", "inlineData", "fileData"}
    if len(kinds) != 1:
        raise invalid(
            "* GenerateContentRequest.contents.parts.data: required oneof field 'data' must have one initialized field"
        )
    if "text" in part:
        texts.append(part["text"])
        return
    if "inlineData" in part:
        data = part["inlineData"].get("data", b"")
        mime_type = part["inlineData"].get("mimeType", "")
        references.append(f"inline:{hashlib.sha256(data).hexdigest()}")
    else:
        name, stored, data = find_file(part["fileData"].get("fileUri", ""))
        mime_type = part["fileData"].get("mimeType", stored)
        references.append(name)
    if mime_type not in TYPES:
        raise invalid(f"Unsupported MIME type: {mime_type}")
    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
            usable = min(picture.size) >= SMALLEST_SIDE
    except (OSError, ValueError, SyntaxError):
        usable = False
    if not usable:
        raise invalid(
            "Unable to process input image. Please retry or report in"
            " https://developers.generativeai.google/guide/troubleshooting"
        )


def _picture_of(config: dict[str, Any], model: Model) -> tuple[str | None, str | None]:
    modalities = config.get("responseModalities") or []
    for number, one in enumerate(modalities):
        if one not in ("TEXT", "IMAGE", "AUDIO"):
            kind = "type.googleapis.com/google.ai.generativelanguage.v1beta.GenerationConfig.Modality"
            path = f"generation_config.response_modalities[{number}]"
            raise invalid(f"Invalid value at '{path}' ({kind}), \"{one}\"", path)
    if not model.pictures or "AUDIO" in modalities or (modalities and "IMAGE" not in modalities):
        # The sentences of these two are assumed: no capture.
        if modalities and (not model.pictures or "AUDIO" in modalities):
            asked = ", ".join(modalities)
            raise invalid(f"The requested combination of response modalities ({asked}) is not supported by the model.")
        raise Refused(error(400, "This emulator answers with pictures only."), "asked for no picture")
    if config.get("candidateCount", 1) != 1:
        raise invalid("Multiple candidates is not enabled for this model")
    image = config.get("imageConfig") or {}
    aspect, size = image.get("aspectRatio"), image.get("imageSize")
    if aspect is not None and aspect not in RATIOS:
        known = ", ".join(f"'{one}'" for one in RATIOS)
        raise invalid(f"* GenerateContentRequest.generation_config.image_config.aspect_ratio: must be one of {known}.")
    if size is not None and size not in model.sizes:
        known = ", ".join(f"'{one}'" for one in model.sizes)
        raise invalid(f"* GenerateContentRequest.generation_config.image_config.image_size: must be one of {known}.")
    return aspect, size


def answer(
    order: Order, model: Model, pictures: list[tuple[bytes, bool]], *, words: bool, mime_type: str, response_id: str
) -> dict[str, Any]:
    """A success: words, then *pictures* in order, each with whether it is only a thought."""
    parts: list[dict[str, Any]] = [{"text": "Here is the character you asked for."}] if words else []
    for data, thought in pictures:
        encoded = base64.b64encode(data).decode()
        part: dict[str, Any] = {"inlineData": {"mimeType": mime_type, "data": encoded}}
        parts.append({**part, "thought": True} if thought else {**part, "thoughtSignature": "c2lnbmF0dXJl"})
    asked = sum(len(text.split()) for text in order.texts)
    looked = 1120 * len(order.references)
    drawn = 1120 if max(pixels(order.aspect, order.size)) < 2048 else 1680
    return {
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": asked + looked,
            "candidatesTokenCount": drawn,
            "totalTokenCount": asked + looked + drawn,
            "promptTokensDetails": [
                {"modality": "TEXT", "tokenCount": asked},
                *([{"modality": "IMAGE", "tokenCount": looked}] if looked else []),
            ],
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": drawn}],
        },
        "modelVersion": model.id,
        "responseId": response_id,
    }
