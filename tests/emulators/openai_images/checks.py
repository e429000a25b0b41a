"""What the fields of a request must look like; everything else is refused as OpenAI refuses it.

Rules of the models as in OpenAI's specification of 2026-08 (docstrings of the official client 3.54.0).
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .personalities import RETIRED, Personality
from .replies import (
    Refused,
    error,
    missing,
    no_such_model,
    unknown_parameter,
    wrong_type,
    wrong_value,
)

MAX_PROMPT = 32_000
MAX_REFERENCES = 16
MAX_REFERENCE_BYTES = 50 * 1024 * 1024
FIXED_SIZES = ("1024x1024", "1536x1024", "1024x1536")
FIXED_ONLY = ("gpt-image-1.5", "gpt-image-1-mini", "chatgpt-image-latest")
"""Models that know no other sizes."""
FINE_QUALITIES = re.compile(r"gpt-image-2\.[56]-")
"""Models that know ``xhigh`` and ``max``."""
SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")

_COMMON: dict[str, tuple[type, ...]] = {
    "prompt": (str,),
    "model": (str,),
    "n": (int,),
    "size": (str,),
    "quality": (str,),
    "background": (str,),
    "output_format": (str,),
    "output_compression": (int,),
    "stream": (bool,),
    "partial_images": (int,),
    "safety_identifier": (str,),
    "user": (str,),
    "complexity": (str,),
    "frame_count": (int,),
    "frame_duration_ms": (int,),
    "svg": (dict,),
}
GENERATION_FIELDS = {**_COMMON, "moderation": (str,)}
EDIT_FIELDS = {**_COMMON, "input_fidelity": (str,), "images": (list,), "mask": (dict,)}
FILES_OF_AN_EDIT = frozenset({"mask", "markup"})

_CHOICES = {
    "background": ("transparent", "opaque", "auto"),
    "output_format": ("png", "webp", "jpeg", "gif", "svg"),
    "moderation": ("low", "auto"),
    "complexity": ("low", "medium", "high"),
    "input_fidelity": ("high", "low"),
}
_RANGES = {"n": (1, 10), "output_compression": (0, 100), "partial_images": (0, 3), "frame_count": (2, 16)}
_NAMES = {str: "a string", int: "an integer", bool: "a boolean", dict: "an object", list: "an array"}


@dataclass(frozen=True)
class Asked:
    """A request that may be served."""

    prompt: str
    model: str
    n: int
    size: tuple[int, int]
    quality: str
    output_format: str
    background: str
    answer: str
    """``b64_json``, ``url``, ``relative-url`` or ``data``."""


def read_fields(fields: Mapping[str, Any], personality: Personality, *, edit: bool) -> Asked:
    """Check every field.

    Raises:
        Refused: with the server's answer.
    """
    known = EDIT_FIELDS if edit else GENERATION_FIELDS
    extra = {"response_format", *personality.reference_fields} if personality.response_formats else set()
    if personality.size == "width_height":
        extra |= {"width", "height", "steps"}
    for name, value in fields.items():
        if name in extra:
            continue
        if name not in known:
            if personality.strict:
                raise Refused(unknown_parameter(name))
            continue
        if name == "size" and personality.size == "width_height":
            raise Refused(unknown_parameter(name))
        _check_type(name, value, known[name])
    prompt = fields.get("prompt")
    if prompt is None or not prompt.strip():
        raise Refused(missing("prompt"))
    if len(prompt) > MAX_PROMPT:
        words = f"Invalid 'prompt': string too long. Expected a string with maximum length {MAX_PROMPT}."
        raise Refused(error(400, words, param="prompt", code="string_above_max_length"))
    _check_values(fields)
    if fields.get("stream"):
        raise Refused(wrong_value("stream", "This emulator does not stream."))
    model = _model(fields.get("model"), personality)
    if personality.size == "openai":
        _check_by_model(fields, model)
    return Asked(
        prompt=prompt,
        model=model,
        n=fields.get("n", 1),
        size=_size(fields, personality, model),
        quality=fields.get("quality", "auto"),
        output_format=fields.get("output_format", personality.picture_format.lower()),
        background="opaque" if fields.get("background", "auto") == "auto" else fields["background"],
        answer=_answer(fields.get("response_format"), personality),
    )


def check_picture(data: bytes, name: str, kinds: tuple[str, ...] = ("PNG", "WEBP", "JPEG")) -> str:
    """The format of a picture that was sent along.

    Raises:
        Refused: it is none, of another kind, or too large.
    """
    from PIL import Image, UnidentifiedImageError

    if len(data) > MAX_REFERENCE_BYTES:
        raise Refused(error(400, f"Invalid image file: '{name}' is too large.", param="image", code="image_too_large"))
    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
            found = picture.format or ""
    except (UnidentifiedImageError, OSError, SyntaxError):
        found = ""
    if found not in kinds:
        words = "Invalid image file or mode for image 1, please check your image file."
        raise Refused(error(400, words, kind="image_generation_user_error", param=name, code="invalid_image_file"))
    return found


def _check_type(name: str, value: object, types: tuple[type, ...]) -> None:
    good = isinstance(value, types) and not (isinstance(value, bool) and bool not in types)
    if not good:
        raise Refused(wrong_type(name, _NAMES[types[0]], value))


def _check_values(fields: Mapping[str, Any]) -> None:
    for name, allowed in _CHOICES.items():
        if name in fields and fields[name] not in allowed:
            listed = ", ".join(f"'{one}'" for one in allowed)
            raise Refused(wrong_value(name, f"Invalid value: '{fields[name]}'. Supported values are: {listed}."))
    for name, (low, high) in _RANGES.items():
        if name in fields and not low <= fields[name] <= high:
            words = f"Invalid '{name}': integer out of range. Expected a value from {low} to {high}."
            raise Refused(error(400, words, param=name, code="integer_out_of_range"))
    if fields.get("output_format") in ("gif", "svg"):
        raise Refused(error(403, f"Your project does not have access to {fields['output_format']} output."))


def _model(name: str | None, personality: Personality) -> str:
    if name is None:
        if personality.served_only or personality.auth == "none":
            return personality.models[0]
        raise Refused(missing("model"))
    if personality.served_only and name != personality.models[0]:
        raise Refused(error(400, f"Model mismatch: request specifies '{name}' but server is running another."))
    if personality.name == "relay" or name in personality.models or personality.name == "azure":
        return name
    raise Refused(no_such_model(name, RETIRED.get(name)))


def _check_by_model(fields: Mapping[str, Any], model: str) -> None:
    quality = fields.get("quality", "auto")
    allowed = ["low", "medium", "high", "auto"]
    if FINE_QUALITIES.search(model):
        allowed += ["xhigh", "max"]
    if quality not in allowed:
        listed = ", ".join(f"'{one}'" for one in allowed)
        raise Refused(wrong_value("quality", f"Invalid value: '{quality}'. Supported values are: {listed}."))
    kind = fields.get("output_format", "png")
    if fields.get("background") == "transparent" and kind not in ("png", "webp"):
        raise Refused(wrong_value("background", "Transparent background is not supported for JPEG output format."))
    if "output_compression" in fields and kind not in ("webp", "jpeg"):
        words = "Compression less than 100 is not supported for PNG output format"
        raise Refused(wrong_value("output_compression", words))
    if "input_fidelity" in fields and model not in ("gpt-image-1.5", "gpt-image-1-mini"):
        raise Refused(wrong_value("input_fidelity", f"The model '{model}' does not support 'input_fidelity'."))


def _size(fields: Mapping[str, Any], personality: Personality, model: str) -> tuple[int, int]:
    if personality.size == "width_height":
        for name in ("width", "height"):
            _check_type(name, fields.get(name, 1024), (int,))
        return fields.get("width", 1024), fields.get("height", 1024)
    text = fields.get("size", "auto")
    found = SIZE.fullmatch(text)
    if personality.size == "x":
        return (int(found[1]), int(found[2])) if found else (512, 512)
    if text == "auto":
        return 1024, 1024
    fixed = text in FIXED_SIZES
    if model in FIXED_ONLY and not fixed:
        listed = ", ".join(f"'{one}'" for one in (*FIXED_SIZES, "auto"))
        raise Refused(wrong_value("size", f"Invalid value: '{text}'. Supported values are: {listed}."))
    if found is None:
        raise Refused(wrong_value("size", f"Invalid size '{text}'. Expected WIDTHxHEIGHT or 'auto'."))
    width, height = int(found[1]), int(found[2])
    if width % 16 or height % 16 or not width or not height:
        raise Refused(wrong_value("size", f"Invalid size '{text}'. Width and height must both be divisible by 16."))
    if max(width, height) > 3 * min(width, height):
        raise Refused(wrong_value("size", f"Invalid size '{text}'. The aspect ratio must be between 1:3 and 3:1."))
    if max(width, height) > 3840 or width * height > 3840 * 2160:
        raise Refused(wrong_value("size", f"Invalid size '{text}'. The maximum supported resolution is 3840x2160."))
    return width, height


def _answer(asked: object, personality: Personality) -> str:
    if asked is None:
        if personality.default_format in personality.refused_formats:
            raise Refused(error(400, personality.refused_formats[personality.default_format]))
        return personality.default_format
    words = personality.refused_formats.get(str(asked))
    if words is None and asked not in personality.response_formats:
        words = f"Invalid value: '{asked}' for response_format"
    if words is not None:
        raise Refused(error(400, words, param="response_format", code="invalid_value"))
    return "b64_json" if asked == "base64" else str(asked)
