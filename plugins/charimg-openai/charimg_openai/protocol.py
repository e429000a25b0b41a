"""What is sent: the bodies of generations and edits in their forms. Pure functions.

Source: the official client 3.54.0 and the OpenAPI document of 2026-08; for other servers their dialect.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from charimg.aspect_ratios import nearest_size, proportion, size_for
from charimg.errors import InputError, InvalidRequestError
from charimg_openai.known_models import (
    DEFAULT_MODEL,
    DEFAULT_QUALITY,
    FIXED_SIZES,
    LONGEST_RATIO,
    draws_any_size,
    is_of_openai,
)

if TYPE_CHECKING:
    from charimg.contracts import SettingValue
    from charimg.model import ImageRequest
    from charimg.reference_pictures import ReferencePicture
    from charimg_openai.dialects import Dialect

AUTOMATIC = "auto"

MAX_REFERENCES = 16
"""Pictures an edit takes."""

REFERENCE_TYPES = ("image/png", "image/jpeg", "image/webp")

MAX_PROMPT = 32_000
"""Characters OpenAI's models read."""

LONG_SIDE = 1536
"""Pixels: the longer side of OpenAI's upright and wide sizes, which other shapes get too."""

_SIZE = re.compile(r"([1-9]\d{0,4})\s*[xX×]\s*([1-9]\d{0,4})")


@dataclass(frozen=True)
class Choices:
    """What the user chose, as the requests need it."""

    dialect: Dialect
    model: str
    """Empty where the server is to take its own."""
    quality: str | None
    size: tuple[int, int] | None
    """``None``: by the character's aspect ratio."""
    response_format: str | None
    references: str
    """``multipart``, ``json``, ``files`` or ``fields``."""
    extras: Mapping[str, str | int]
    """Further fields for generations and edits alike."""
    moderation: str | None
    """For generations only."""

    @property
    def of_openai(self) -> bool:
        """The model is one of OpenAI's, so its rules for size, quality and length hold."""
        return self.dialect.only_openai or is_of_openai(self.model)


def choices_of(settings: Mapping[str, SettingValue | None], dialect: Dialect) -> Choices:
    """The settings, each ``auto`` decided.

    :raises InputError: ``size`` is no size.
    """
    model = str(settings.get("model") or "")
    if dialect.serves_one_model and model == DEFAULT_MODEL:
        model = ""
    of_openai = dialect.only_openai or is_of_openai(model)
    response_format = _chosen(settings, "response_format") or dialect.response_format
    if response_format == AUTOMATIC:
        response_format = "none" if of_openai else "b64_json"
    quality = settings.get("quality") or (DEFAULT_QUALITY if of_openai else AUTOMATIC)
    extras = {
        name: value
        for name in ("background", "output_format", "output_compression")
        if (value := settings.get(name)) is not None
    }
    return Choices(
        dialect=dialect,
        model=model,
        quality=None if quality == AUTOMATIC else str(quality),
        size=_size_of(str(settings.get("size") or AUTOMATIC)),
        response_format=None if response_format == "none" else response_format,
        references=_chosen(settings, "references") or dialect.references,
        extras={name: value if isinstance(value, int) else str(value) for name, value in extras.items()},
        moderation=_chosen(settings, "moderation"),
    )


def generation_body(
    request: ImageRequest, choices: Choices, pictures: Sequence[ReferencePicture] = ()
) -> dict[str, Any]:
    """The JSON of ``/images/generations``.

    :param pictures: references, for servers that take them here.
    """
    body = _common(request, choices)
    if choices.moderation is not None:
        body["moderation"] = choices.moderation
    if pictures:
        dialect = choices.dialect
        texts = [one.data_uri if dialect.as_data_uri else one.base64 for one in pictures]
        if len(texts) == 1 and dialect.one_field != dialect.many_field:
            body[dialect.one_field] = texts[0]
        else:
            body[dialect.many_field] = texts
    return body


def edit_body(request: ImageRequest, choices: Choices, images: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The JSON form of ``/images/edits``.

    :param images: ``{"file_id": ...}`` or ``{"image_url": ...}`` each.
    """
    return {**_common(request, choices), "images": [dict(one) for one in images]}


def edit_form(
    request: ImageRequest, choices: Choices, pictures: Sequence[ReferencePicture]
) -> tuple[list[tuple[str, str]], list[tuple[str, ReferencePicture]]]:
    """The multipart form of ``/images/edits``: its fields, and its pictures with the name of their part.

    One picture is called ``image``, several are called ``image[]`` each.
    """
    fields = [(name, str(value)) for name, value in _common(request, choices).items()]
    part = "image" if len(pictures) == 1 else "image[]"
    return fields, [(part, one) for one in pictures]


def pixels(ratio: str, choices: Choices) -> tuple[int, int]:
    """Width and height for this shape, by the model's rules.

    :raises InvalidRequestError: *ratio* is none.
    """
    if choices.size is not None:
        return choices.size
    if not choices.of_openai:
        return size_for(ratio)
    if not draws_any_size(choices.model):
        return nearest_size(ratio, FIXED_SIZES)
    shape = min(max(proportion(ratio), 1 / LONGEST_RATIO), LONGEST_RATIO)
    if shape == 1:
        return FIXED_SIZES[0]
    short = _sixteens(LONG_SIDE * min(shape, 1 / shape))
    return (LONG_SIDE, short) if shape > 1 else (short, LONG_SIDE)


def _common(request: ImageRequest, choices: Choices) -> dict[str, Any]:
    """The fields that generations and edits share."""
    dialect = choices.dialect
    prompt = request.prompt
    if choices.of_openai and len(prompt) > MAX_PROMPT:
        raise InvalidRequestError(f"the prompt has {len(prompt)} characters; OpenAI's models read {MAX_PROMPT} at most")
    if dialect.negative_mark and request.negative:
        prompt = f"{prompt}{dialect.negative_mark}{request.negative}"
    body: dict[str, Any] = {"model": choices.model} if choices.model else {}
    body |= {"prompt": prompt, "n": 1}
    width, height = pixels(request.aspect_ratio, choices)
    if dialect.size == "width_height":
        body |= {"width": width, "height": height}
    else:
        body["size"] = f"{width}x{height}"
    if choices.quality is not None:
        body["quality"] = choices.quality
    if choices.response_format is not None:
        body["response_format"] = choices.response_format
    return {**body, **choices.extras}


def _chosen(settings: Mapping[str, SettingValue | None], name: str) -> str | None:
    value = settings.get(name)
    return None if value in (None, "", AUTOMATIC) else str(value)


def _size_of(text: str) -> tuple[int, int] | None:
    if text == AUTOMATIC:
        return None
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise InputError(f"openai: size: expected auto or WIDTHxHEIGHT such as 1024x1536, found {text[:40]!r}")
    return int(found[1]), int(found[2])


def _sixteens(length: float) -> int:
    """The nearest multiple of 16 that keeps the shape within 3:1."""
    return max(round(length / 16) * 16, int(LONG_SIDE / LONGEST_RATIO))
