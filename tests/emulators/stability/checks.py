"""The form's fields, checked as the API reference describes them (v2beta, 2026-11-22).

How the service words a complaint is not known beyond its envelope: "field: what is wrong" is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RATIOS = {
    "16:9": (1344, 768),
    "1:1": (1024, 1024),
    "21:9": (1536, 640),
    "2:3": (832, 1216),
    "3:2": (1216, 832),
    "4:5": (896, 1088),
    "5:4": (1088, 896),
    "9:16": (768, 1344),
    "9:21": (640, 1536),
}
"""Shapes the service knows, with pixels of about a million; the exact sizes are assumed."""

SD3 = {"sd3.5-large": 6.5, "sd3.5-large-turbo": 4.0, "sd3.5-medium": 3.5, "sd3.5-flash": 2.5}
"""Credits by model; 3.0 is answered by 3.5 since 2025-04-17."""
CREDITS = {"core": 3.0, "ultra": 8.0}

PRESETS = (
    *("3d-model", "analog-film", "anime", "cinematic", "comic-book", "digital-art", "enhance", "fantasy-art"),
    *("isometric", "line-art", "low-poly", "modeling-compound", "neon-punk", "origami", "photographic", "pixel-art"),
    "tile-texture",
)

LARGEST_SEED = 4_294_967_294

_COMMON = {"prompt", "negative_prompt", "aspect_ratio", "seed", "output_format", "style_preset"}
FIELDS = {
    "core": _COMMON,
    "ultra": _COMMON | {"image", "strength"},
    "sd3": _COMMON | {"image", "strength", "mode", "model", "cfg_scale"},
}


@dataclass(frozen=True)
class Upload:
    """The file of a form."""

    data: bytes
    media_type: str
    size: tuple[int, int] | None
    """Pixels; ``None`` if it is no picture."""


def complaints(endpoint: str, form: Mapping[str, str], image: Upload | None) -> list[str]:
    """What is wrong with a form, one sentence each; empty if nothing is."""
    wrong = [f"{name}: unrecognized field" for name in sorted(form.keys() - FIELDS[endpoint] - {"none"})]
    if not 1 <= len(form.get("prompt", "")) <= 10_000:
        wrong.append("prompt: must be between 1 and 10000 characters")
    if len(form.get("negative_prompt", "")) > 10_000:
        wrong.append("negative_prompt: must be at most 10000 characters")
    wrong += _choice(form, "aspect_ratio", RATIOS)
    wrong += _choice(form, "output_format", ("png", "jpeg", "webp"))
    wrong += _choice(form, "style_preset", PRESETS)
    wrong += _number(form, "seed", 0, LARGEST_SEED, whole=True)
    wrong += _number(form, "strength", 0, 1)
    wrong += _number(form, "cfg_scale", 1, 10)
    if endpoint == "sd3":
        wrong += _choice(form, "model", (*SD3, *(name.replace("3.5", "3") for name in SD3)))
        wrong += _choice(form, "mode", ("text-to-image", "image-to-image"))
    with_picture = image is not None
    if endpoint == "sd3" and with_picture != (form.get("mode") == "image-to-image"):
        wrong.append("mode: must be image-to-image if and only if image is given")
    if endpoint == "sd3" and with_picture and "aspect_ratio" in form:
        wrong.append("aspect_ratio: is only valid for text-to-image requests")
    if with_picture and "image" not in FIELDS[endpoint]:
        wrong.append("image: unrecognized field")
    elif "image" in FIELDS[endpoint] and with_picture != ("strength" in form):
        wrong.append("strength: is required when image is provided, and only then")
    if image is not None:
        if image.size is None or image.media_type not in ("image/png", "image/jpeg", "image/webp"):
            wrong.append("image: must be a jpeg, png or webp")
        elif min(image.size) < 64:
            wrong.append("image: every side must be at least 64 pixels")
    return wrong


def _choice(form: Mapping[str, str], name: str, known: object) -> list[str]:
    fits = name not in form or form[name] in known  # type: ignore[operator]  # a dict, a tuple or a list
    return [] if fits else [f"{name}: '{form[name]}' is not one of the allowed values"]


def _number(form: Mapping[str, str], name: str, least: float, most: float, *, whole: bool = False) -> list[str]:
    if name not in form:
        return []
    try:
        value = int(form[name]) if whole else float(form[name])
    except ValueError:
        return [f"{name}: must be a number"]
    return [] if least <= value <= most else [f"{name}: must be between {least} and {most}"]
