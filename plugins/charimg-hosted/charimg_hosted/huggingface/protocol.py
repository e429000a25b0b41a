"""The request for a picture and the lists of the hub. Pure functions.

``POST {router}/hf-inference/models/{owner/name}`` answers with the picture's bytes. Other companies are reached by the
same router in wire formats of their own; this speaks hf-inference only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from charimg.aspect_ratios import size_for
from charimg.contracts import Model, SettingValue
from charimg.model import ImageRequest
from charimg.seeds import seed_of
from charimg.verdicts.answer import one_line

TASK = "text-to-image"
PROVIDER = "hf-inference"
WHOAMI = "/api/whoami-v2"
MODELS = f"/api/models?inference_provider={PROVIDER}&pipeline_tag={TASK}&limit=100"

MULTIPLE = 16
"""Pixels: sides are multiples of it."""


def path_of(model: str) -> str:
    """The address that draws with this model, below the router's."""
    return f"/{PROVIDER}/models/{quote(model, safe='/')}"


def picture_body(request: ImageRequest, settings: Mapping[str, SettingValue | None]) -> dict[str, Any]:
    """The request for one picture; what is unset is left out, so that the model's own value holds.

    :raises InvalidRequestError: the aspect ratio is not of the form W:H.
    """
    width, height = size_for(request.aspect_ratio, int(settings.get("pixels") or 1_048_576), MULTIPLE)
    parameters: dict[str, Any] = {"width": width, "height": height, "seed": seed_of(request)}
    if request.negative:
        parameters["negative_prompt"] = request.negative
    if settings.get("steps") is not None:
        parameters["num_inference_steps"] = settings["steps"]
    if settings.get("cfg_scale") is not None:
        parameters["guidance_scale"] = settings["cfg_scale"]
    return {"inputs": request.prompt, "parameters": parameters}


def may_be_picture(content_type: str, body: bytes) -> bool:
    """Whether an answer can be a picture: there is something in it, and it does not call itself a text."""
    kind = content_type.lower()
    return bool(body) and not kind.startswith("text/") and "json" not in kind


def models_of(answer: Any) -> tuple[Model, ...]:
    """The models in one of the hub's lists, most used first as the hub sends them."""
    entries = answer if isinstance(answer, list) else []
    return tuple(
        Model(entry["id"], _summary(entry))
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("id"), str) and entry["id"] and entry["id"].isprintable()
    )


def _summary(entry: Mapping[str, Any]) -> str:
    library, likes = entry.get("library_name"), entry.get("likes")
    parts = [library] if isinstance(library, str) else []
    parts += [f"{likes} likes"] if isinstance(likes, int) else []
    return ", ".join(parts)


def name_of(answer: Any) -> str:
    """Whose the token is, by the hub's ``whoami``; empty where it does not say."""
    name = answer.get("name") if isinstance(answer, dict) else None
    return one_line(name, 100) if isinstance(name, str) else ""
