"""The arguments of a request to a model at fal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from charimg.aspect_ratios import nearest, size_for
from charimg.errors import InvalidRequestError
from charimg.model import ImageRequest

RATIOS = ("21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21")
"""What models with an ``aspect_ratio`` take (source: fal's pages of the FLUX.1 Kontext models)."""

SHAPES = ("image_size", "aspect_ratio", "none")
"""How a model is told the picture's shape: width and height, a ratio, or not at all."""


def arguments(
    request: ImageRequest,
    *,
    shape: str,
    pixels: int,
    reference_input: str,
    references: Sequence[str],
    further: Mapping[str, Any],
) -> dict[str, Any]:
    """The body of a submit.

    :param reference_input: the argument for reference pictures; one that ends in ``s`` takes a list.
    :param references: addresses, ``data:`` included.
    :raises InvalidRequestError: there are more references than the argument takes.
    """
    asked: dict[str, Any] = {"prompt": request.prompt}
    if shape == "image_size":
        width, height = size_for(request.aspect_ratio, pixels, 16)
        asked["image_size"] = {"width": width, "height": height}
    elif shape == "aspect_ratio":
        asked["aspect_ratio"] = nearest(request.aspect_ratio, RATIOS)
    if request.seed is not None:
        asked["seed"] = request.seed
    if request.negative:
        asked["negative_prompt"] = request.negative
    if references:
        several = reference_input.endswith("s")
        if len(references) > 1 and not several:
            raise InvalidRequestError(
                f"{len(references)} reference pictures are too many: the model takes one, as '{reference_input}'"
            )
        asked[reference_input] = list(references) if several else references[0]
    return {**asked, **further}
