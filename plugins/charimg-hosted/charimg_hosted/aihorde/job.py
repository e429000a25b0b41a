"""What is asked of the Horde: the body of ``/v2/generate/async``."""

from __future__ import annotations

from typing import Any

from charimg.aspect_ratios import nearest_size, proportion
from charimg.model import ImageRequest

STEP = 64
"""Sides are multiples of so many pixels."""
LONGEST = 3072
FREE_PIXELS = 576 * 576
"""Above it, those without kudos are refused in busy hours ("for requests over 576x576 ... you need kudos upfront")."""


def size_within(ratio: str, pixels: int) -> tuple[int, int]:
    """The size of the nearest shape with at most so many pixels, and not much fewer.

    :raises InvalidRequestError: *ratio* is not of the form ``W:H``.
    """
    proportion(ratio)
    sides = range(STEP, LONGEST + 1, STEP)
    sizes = [(width, height) for width in sides for height in sides if 0.8 * pixels <= width * height <= pixels]
    return nearest_size(ratio, sizes or [(STEP, STEP)])


def job_body(
    request: ImageRequest,
    *,
    model: str,
    pixels: int,
    steps: int,
    cfg_scale: float,
    sampler: str,
    nsfw: bool,
    strength: float,
    picture: str | None,
) -> dict[str, Any]:
    """The job.

    :param model: its name at the Horde; empty for whichever comes first.
    :param picture: the reference picture as base64, which the new one is drawn over.
    :param strength: from 0 to 1: how far it may depart from the reference picture.
    """
    width, height = size_within(request.aspect_ratio, pixels)
    params: dict[str, Any] = {
        "sampler_name": sampler,
        "cfg_scale": cfg_scale,
        "width": width,
        "height": height,
        "steps": steps,
        "n": 1,
    }
    if request.seed is not None:
        params["seed"] = str(request.seed)
    # Three number signs begin the negative prompt at the Horde; the user's own must not.
    prompt = request.prompt.replace("###", "# # #")
    if request.negative:
        prompt = f"{prompt} ### {request.negative.replace('###', '# # #')}"
    body: dict[str, Any] = {"prompt": prompt, "params": params, "nsfw": nsfw, "r2": True}
    if not nsfw:
        body["censor_nsfw"] = True
    if model:
        body["models"] = [model]
    if picture is not None:
        body["source_image"] = picture
        body["source_processing"] = "img2img"
        params["denoising_strength"] = strength
    return body
