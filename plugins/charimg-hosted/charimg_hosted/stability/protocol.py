"""The form that asks for a picture, and the picture in the answer. Pure functions.

``POST /v2beta/stable-image/generate/{core|ultra|sd3}``, always multipart, also without a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from charimg.aspect_ratios import nearest
from charimg.contracts import SettingValue
from charimg.errors import FlakyError, InvalidRequestError
from charimg.images import decode_base64
from charimg.model import ImageRequest
from charimg_hosted.stability.declared import ASPECT_RATIOS, CORE, ULTRA

LARGEST_SEED = 4_294_967_294
LONGEST_PROMPT = 10_000
"""Characters, also of the negative prompt."""
LARGEST_REQUEST = 10 * 1024 * 1024
"""Bytes."""
SUCCESS = "SUCCESS"

_PLAIN = re.compile(r"[A-Za-z_]{1,40}")


def path_of(model: str) -> str:
    """The address that draws with this model, below the base address."""
    return f"/v2beta/stable-image/generate/{model if model in (CORE, ULTRA) else 'sd3'}"


def form_fields(
    request: ImageRequest, settings: Mapping[str, SettingValue | None], *, with_picture: bool
) -> dict[str, str]:
    """The text fields of the request; the picture itself goes beside them as ``image``.

    :raises InvalidRequestError: the aspect ratio is no ratio, or the request cannot be what this model takes.
    """
    model = str(settings.get("model") or CORE)
    if with_picture and model == CORE:
        raise InvalidRequestError("core takes no reference picture; use -o model=ultra, or one of the sd3.5 models")
    for name, text in (("prompt", request.prompt), ("negative prompt", request.negative or "")):
        if len(text) > LONGEST_PROMPT:
            raise InvalidRequestError(f"the {name} has {len(text)} characters; Stability takes {LONGEST_PROMPT}")
    if request.seed is not None and not 0 <= request.seed <= LARGEST_SEED:
        raise InvalidRequestError(f"the seed {request.seed} is not from 0 to {LARGEST_SEED}, as Stability takes it")
    fields = {"prompt": request.prompt, "output_format": str(settings.get("output_format") or "png")}
    if model not in (CORE, ULTRA):
        fields["model"] = model
        fields["mode"] = "image-to-image" if with_picture else "text-to-image"
    # With a picture the models of sd3 take its shape; the field would be refused there.
    if not with_picture or model == ULTRA:
        fields["aspect_ratio"] = nearest(request.aspect_ratio, ASPECT_RATIOS)
    if with_picture:
        fields["strength"] = f"{settings.get('strength')}"
    if request.negative:
        fields["negative_prompt"] = request.negative
    if request.seed is not None:
        fields["seed"] = str(request.seed)
    if settings.get("style_preset") is not None:
        fields["style_preset"] = str(settings["style_preset"])
    return fields


@dataclass(frozen=True)
class Drawn:
    """What a good answer holds."""

    data: bytes
    seed: int | None


def refusal_in(answer: Any) -> str | None:
    """How a 2xx says that its picture was filtered, ``CONTENT_FILTERED`` mostly; ``None`` if it does not.

    There is a picture in it all the same, and it is blurred.
    """
    reason = answer.get("finish_reason") if isinstance(answer, dict) else None
    if not isinstance(reason, str) or reason.upper() == SUCCESS:
        return None
    return reason if _PLAIN.fullmatch(reason) else "no reason given"


def drawn(answer: Any) -> Drawn:
    """The picture of a 2xx that was not refused.

    :raises FlakyError: there is none.
    """
    if not isinstance(answer, dict) or not answer.get("image"):
        raise FlakyError("Stability sent no picture and no reason")
    seed = answer.get("seed")
    try:
        data = decode_base64(answer["image"])
    except FlakyError as error:
        error.possibly_charged = True  # it was made, and is damaged
        raise
    return Drawn(data, seed if isinstance(seed, int) and not isinstance(seed, bool) else None)
