"""A generator as a run makes it, as the tests of this folder use it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from charimg_automatic1111.generator import Automatic1111Generator
from PIL import Image

from charimg.contracts import ProviderContext
from charimg.model import ImageRequest, Reference


@dataclass
class Lane:
    """The generator of one server."""

    context: ProviderContext
    generator: Automatic1111Generator
    folder: Path
    told: list[tuple[str, float | None, str]] = field(default_factory=list)
    """Key, fraction and words of every progress that was told."""

    def request(self, prompt: str = "a jester in a red cap", **more: Any) -> ImageRequest:
        base = {"key": "gopal", "name": "Gopal", "prompt": prompt, "attempt": "a1", "aspect_ratio": "9:16"}
        return ImageRequest(**{**base, **more})

    def picture(self, colour: str = "red", size: tuple[int, int] = (96, 64)) -> Reference:
        """A small picture in a file."""
        path = self.folder / f"{colour}.png"
        Image.new("RGB", size, colour).save(path)
        return Reference(path)


MakeLane = Callable[..., Lane]
"""Makes lanes: ``lane_for(server.url, model=...)``."""
