"""The JSON of stored media, as generation, edit and reading calls show it."""

from __future__ import annotations

import base64
from typing import Any

from .library import Medium
from .service import Order, id_field


def panels(order: Order, media: list[Medium], id_mode: str, *, endpoint: str) -> dict[str, Any]:
    """The answer of every call that makes pictures."""
    images = []
    for medium in media:
        image: dict[str, Any] = {
            "encodedImage": base64.b64encode(medium.data).decode("ascii"),
            "seed": medium.seed,
            **id_field(medium.id, id_mode),
            "prompt": medium.prompt,
            "modelNameType" if endpoint == "imagefx" else "imageModel": medium.model,
            "workflowId": medium.workflow,
        }
        # An edit's answer was captured without this one.
        if endpoint != "edit":
            image["fingerprintLogRecordId"] = medium.fingerprint
        images.append({**image, "aspectRatio": medium.aspect})
    return {
        "imagePanels": [{"prompt": order.prompt, "generatedImages": images}],
        "workflowId": order.workflow,
    }


def whole(medium: Medium) -> dict[str, Any]:
    """A stored medium with all that is known of it (``GET /v1/media/…`` and ``media.fetchMedia``)."""
    encoded = base64.b64encode(medium.data).decode("ascii")
    answer: dict[str, Any] = {
        "name": medium.id,
        "createTime": medium.created,
        "backboneMetadata": {
            "mediaCategory": medium.category or "MEDIA_CATEGORY_BOARD",
            "recipeInput": {
                "userInput": {"userInstructions": medium.prompt},
                "mediaInputs": [{"mediaGenerationId": i, "mediaCategory": c} for i, c in medium.inputs],
            },
        },
        "mediaGenerationId": {
            "mediaType": "IMAGE",
            "workflowId": medium.workflow,
            "workflowStepId": str(medium.step),
            "mediaKey": medium.key,
        },
    }
    if medium.uploaded:
        answer["userUploadedImage"] = {
            "image": encoded,
            "aspectRatio": medium.aspect,
            "mediaVisibility": "PRIVATE",
            "caption": medium.caption,
        }
        return answer
    answer["image"] = {
        "encodedImage": encoded,
        "seed": medium.seed,
        "prompt": medium.prompt,
        "modelNameType": medium.model,
        "aspectRatio": medium.aspect,
        "mediaGenerationId": medium.id,
        "mediaVisibility": "PRIVATE",
        "workflowId": medium.workflow,
        "fingerprintLogRecordId": medium.fingerprint,
    }
    if medium.previous is not None:
        answer["image"]["previousMediaGenerationId"] = medium.previous
    return answer
