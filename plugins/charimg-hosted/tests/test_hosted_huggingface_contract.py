"""The kit's contract suite for ``huggingface``: a hostile service, and everything a generator promises."""

from __future__ import annotations

from typing import ClassVar

from charimg_hosted.huggingface.generator import HuggingFaceGenerator

from charimg.model import Verdict
from charimg.testing import GeneratorContract, Route, Service, Trouble

LOADING = {"error": "Model x/y is currently loading", "estimated_time": 20.0}
LIST = Route("GET", "/api/models", [{"id": "black-forest-labs/FLUX.1-schnell", "likes": 4500}])
WHO = Route("GET", "/api/whoami-v2", {"type": "user", "name": "ann"})


class TestHuggingFace(GeneratorContract):
    """The answer is the picture itself."""

    provider = HuggingFaceGenerator
    service = Service(Route("POST", "/hf-inference/models/{model...}", lambda asked: asked.picture.data), LIST, WHO)
    settings: ClassVar = {"hub_url": "{address}"}
    own_troubles: ClassVar = (Trouble("loading", 503, LOADING, Verdict.THROTTLED, 20.0),)
