"""The bodies of Whisk's requests, and the names it gives to shapes, models and kinds of picture.

Pure functions: what identifies a session or a project is an argument.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from charimg.aspect_ratios import nearest
from charimg.model import ImageRequest
from charimg.seeds import seed_of

MODELS = ("IMAGEN_3_5", "GEM_PIX", "R2I")
DEFAULT_MODEL = "IMAGEN_3_5"
"""What draws a picture from words alone."""
REFERENCE_MODEL = "GEM_PIX"
"""What looks at reference pictures themselves; ``IMAGEN_3_5`` reads only their captions."""
RECIPES_ONLY = "R2I"
"""The model that needs reference pictures."""

CATEGORIES = ("SUBJECT", "SCENE", "STYLE", "BOARD")

MAX_REFERENCES = 3
"""Reference pictures in one request; the site's clients send no more."""

MAX_UPLOAD = 20 * 1024 * 1024
"""Bytes of the largest picture the service takes."""

UPLOAD_TYPES = ("image/png", "image/jpeg", "image/webp")

_TOOL = "BACKBONE"

ASPECTS = {
    "9:16": "IMAGE_ASPECT_RATIO_PORTRAIT",
    "16:9": "IMAGE_ASPECT_RATIO_LANDSCAPE",
    "1:1": "IMAGE_ASPECT_RATIO_SQUARE",
    "4:3": "IMAGE_ASPECT_RATIO_LANDSCAPE_FOUR_THREE",
    "3:4": "IMAGE_ASPECT_RATIO_PORTRAIT_THREE_FOUR",
}
"""The shapes Whisk knows, by width to height."""


@dataclass(frozen=True)
class Ingredient:
    """One uploaded picture that a recipe uses."""

    media_id: str
    category: str
    caption: str


def aspect_of(ratio: str) -> str:
    """Whisk's name for a shape: the same, or the nearest it knows.

    :raises InvalidRequestError: *ratio* is not ``W:H`` with two numbers above zero.
    """
    return ASPECTS[nearest(ratio, ASPECTS)]


def category_name(kind: str) -> str:
    """Whisk's name for what a picture lends: ``subject`` becomes ``MEDIA_CATEGORY_SUBJECT``."""
    return f"MEDIA_CATEGORY_{kind.upper()}"


def data_uri(data: bytes, media_type: str) -> str:
    """A picture as the site sends it: base64 behind its true type."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"


def workflow_body(name: str, session: str) -> dict[str, Any]:
    """Make a project (``media.createOrUpdateWorkflow``)."""
    return {
        "clientContext": {"tool": _TOOL, "sessionId": session},
        "mediaGenerationIdsToCopy": [],
        "workflowMetadata": {"workflowName": name},
    }


def generate_body(request: ImageRequest, *, model: str, category: str, workflow: str, session: str) -> dict[str, Any]:
    """Ask for a picture from words (``whisk:generateImage``)."""
    return {
        "clientContext": {"workflowId": workflow, "tool": _TOOL, "sessionId": session},
        "imageModelSettings": {"imageModel": model, "aspectRatio": aspect_of(request.aspect_ratio)},
        "seed": seed_of(request),
        "prompt": request.prompt,
        "mediaCategory": category_name(category),
    }


def recipe_body(
    request: ImageRequest, ingredients: Sequence[Ingredient], *, model: str, workflow: str, session: str
) -> dict[str, Any]:
    """Ask for a picture from words and reference pictures (``whisk:runImageRecipe``)."""
    return {
        "clientContext": {"workflowId": workflow, "tool": _TOOL, "sessionId": session},
        "seed": seed_of(request),
        "imageModelSettings": {"imageModel": model, "aspectRatio": aspect_of(request.aspect_ratio)},
        "userInstruction": request.prompt,
        "recipeMediaInputs": [
            {
                "caption": one.caption,
                "mediaInput": {"mediaCategory": category_name(one.category), "mediaGenerationId": one.media_id},
            }
            for one in ingredients
        ],
    }


def caption_body(picture: str, *, category: str, session: str) -> dict[str, Any]:
    """Ask for a picture's description (``backbone.captionImage``); *picture* is a data URI."""
    return {
        "clientContext": {"sessionId": session, "workflowId": ""},
        "captionInput": {
            "candidatesCount": 1,
            "mediaInput": {"mediaCategory": category_name(category), "rawBytes": picture},
        },
    }


def upload_body(picture: str, caption: str, *, category: str, workflow: str, session: str) -> dict[str, Any]:
    """Upload a picture (``backbone.uploadImage``); *picture* is a data URI."""
    return {
        "clientContext": {"workflowId": workflow, "sessionId": session},
        "uploadMediaInput": {"mediaCategory": category_name(category), "rawBytes": picture, "caption": caption},
    }
