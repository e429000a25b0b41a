"""Generator and uploader of one account, as the tests of this folder use them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charimg_gemini.generator import GeminiGenerator
from charimg_gemini.uploader import GeminiUploader
from PIL import Image

from charimg.contracts import ProviderContext
from charimg.images import inspect
from charimg.model import ImageRequest, SavedImage


@dataclass
class Lane:
    """Generator and uploader of one account, as a run makes them."""

    context: ProviderContext
    generator: GeminiGenerator
    uploader: GeminiUploader
    folder: Path

    def request(self, prompt: str = "a jester in a red cap", **more: Any) -> ImageRequest:
        return ImageRequest(
            key="gopal", name="Gopal", prompt=prompt, **{"attempt": "a1", "aspect_ratio": "9:16", **more}
        )

    def picture(self, colour: str = "red", kind: str = "PNG", size: tuple[int, int] = (48, 64)) -> Path:
        """A small picture in a file, of the kind asked for."""
        path = self.folder / f"gopal-{colour}.{kind.lower()}"
        Image.new("RGB", size, colour).save(path, kind)
        return path

    def saved(self, path: Path) -> SavedImage:
        return SavedImage("gopal", "Gopal", path, inspect(path.read_bytes()), description="a jester")


MakeLane = Callable[..., Lane]
"""Makes lanes: ``lane_for(gemini.url, key=..., model=...)``."""
