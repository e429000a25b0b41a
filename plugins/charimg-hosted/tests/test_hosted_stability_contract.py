"""The kit's contract suite for ``stability``: a hostile service, and everything a generator promises."""

from __future__ import annotations

from typing import ClassVar

from charimg_hosted.stability.generator import StabilityGenerator

from charimg.model import Verdict
from charimg.testing import Asked, GeneratorContract, Route, Service, Trouble

BLURRED = {"image": "aGVsbG8=", "finish_reason": "CONTENT_FILTERED", "seed": 1}


def answer(asked: Asked) -> dict[str, object]:
    """The picture in JSON."""
    return {"image": asked.picture.base64, "finish_reason": "SUCCESS", "seed": 42}


class TestStability(GeneratorContract):
    """Core, which is the default."""

    provider = StabilityGenerator
    service = Service(Route("POST", "/v2beta/stable-image/generate/core", answer))
    own_troubles: ClassVar = (Trouble("filtered", 200, BLURRED, Verdict.REJECTED),)
    skipped: ClassVar = {"test_declared_references_are_sent": "Core takes none, and says so; those of 3.5 do"}


class TestStableDiffusion(GeneratorContract):
    """The address that the models of version 3.5 share."""

    provider = StabilityGenerator
    service = Service(Route("POST", "/v2beta/stable-image/generate/sd3", answer))
    settings: ClassVar = {"model": "sd3.5-medium"}
