"""Black Forest Labs' models: how each is told the shape, and where its reference pictures go.

Sources: the protocol notes (flux-2-pro, flux-kontext-max); the public pages docs.comfy.org (FLUX.2: width, height and
up to eight input images) and docs.litellm.ai (FLUX.1), all read on 2026-11-22. A model that is not listed is asked as
the FLUX.2 family is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from charimg.aspect_ratios import nearest, size_for
from charimg.contracts import Model, Price
from charimg.errors import InvalidRequestError
from charimg.model import ImageRequest

DEFAULT_MODEL = "flux-2-pro"
CHECKED = date(2026, 11, 22)

RATIOS = ("21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21")


@dataclass(frozen=True)
class Manner:
    """How one model is asked."""

    references: int = 8
    """How many reference pictures it takes."""
    ratio: bool = False
    """It takes an aspect ratio rather than a width and a height."""
    multiple_of: int = 16
    """Its sides are multiples of so many pixels."""
    reference_input: str = "input_image"


_MANNERS = {
    "flux-kontext-pro": Manner(references=4, ratio=True),
    "flux-kontext-max": Manner(references=4, ratio=True),
    "flux-pro-1.1": Manner(references=1, multiple_of=32, reference_input="image_prompt"),
    "flux-pro-1.1-ultra": Manner(references=1, ratio=True, reference_input="image_prompt"),
    "flux-dev": Manner(references=1, multiple_of=32, reference_input="image_prompt"),
}

MODELS = (
    Model("flux-2-pro", "FLUX.2, with up to eight reference pictures"),
    Model("flux-2-max", "FLUX.2, the best"),
    Model("flux-2-flex", "FLUX.2, adjustable"),
    Model("flux-kontext-pro", "edits and refers to pictures"),
    Model("flux-kontext-max", "edits and refers to pictures; six tasks at once"),
    Model("flux-pro-1.1", "FLUX.1.1", Price(0.04, checked=CHECKED)),
    Model("flux-pro-1.1-ultra", "FLUX.1.1 with up to four megapixels", Price(0.06, checked=CHECKED)),
    Model("flux-dev", "FLUX.1 dev", Price(0.025, checked=CHECKED)),
)


def manner_of(model: str) -> Manner:
    """How a model is asked."""
    return _MANNERS.get(model, Manner())


def task_body(
    request: ImageRequest, model: str, *, pixels: int, safety_tolerance: int, references: Sequence[str]
) -> dict[str, Any]:
    """The body of a submit.

    :param references: pictures as base64.
    :raises InvalidRequestError: there are more references than the model takes.
    """
    manner = manner_of(model)
    body: dict[str, Any] = {
        "prompt": request.prompt,
        "safety_tolerance": safety_tolerance,
        "output_format": "png",
    }
    if manner.ratio:
        body["aspect_ratio"] = nearest(request.aspect_ratio, RATIOS)
    else:
        body["width"], body["height"] = size_for(request.aspect_ratio, pixels, manner.multiple_of)
    if request.seed is not None:
        body["seed"] = request.seed
    if len(references) > manner.references:
        raise InvalidRequestError(
            f"{len(references)} reference pictures are too many: {model} takes {manner.references}"
        )
    for place, picture in enumerate(references, 1):
        body[manner.reference_input + (f"_{place}" if place > 1 else "")] = picture
    return body
