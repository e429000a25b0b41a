"""The kit's contract suite: a hostile service, and everything a generator promises."""

from __future__ import annotations

import json
from typing import ClassVar

from charimg_automatic1111.generator import Automatic1111Generator

from charimg.model import Verdict
from charimg.testing import Asked, GeneratorContract, Route, Service, Trouble

CHECKPOINTS = Route("GET", "/sdapi/v1/sd-models", [{"title": "sdxl.safetensors [0123456789]", "model_name": "sdxl"}])
OPTIONS = Route("GET", "/sdapi/v1/options", {"sd_model_checkpoint": "sdxl.safetensors [0123456789]"})
PROGRESS = Route("GET", "/sdapi/v1/progress", {"progress": 0.0, "state": {"job_count": 0}})
OUT_OF_MEMORY = {"error": "OutOfMemoryError", "detail": "", "body": "", "errors": "CUDA out of memory."}


def answer(asked: Asked) -> dict[str, object]:
    """The picture, and what the server says of it in a text of JSON."""
    return {
        "images": [asked.picture.base64],
        "parameters": {},
        "info": json.dumps({"seed": 42, "sd_model_name": "sdxl"}),
    }


class TestAutomatic1111(GeneratorContract):
    """With a login, as --api-auth wants one."""

    provider = Automatic1111Generator
    service = Service(
        Route("POST", "/sdapi/v1/txt2img", answer),
        Route("POST", "/sdapi/v1/img2img", answer),  # with a reference
        CHECKPOINTS,
        OPTIONS,
        PROGRESS,
    )
    settings: ClassVar = {"user": "ann"}
    own_troubles: ClassVar = (Trouble("out-of-memory", 500, OUT_OF_MEMORY, Verdict.FLAKY),)
