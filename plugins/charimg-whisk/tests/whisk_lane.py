"""Generator and uploader of one account, as the tests of this folder use them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from charimg_whisk.generator import WhiskGenerator
from charimg_whisk.uploader import WhiskUploader
from PIL import Image

from charimg.contracts import ProviderContext
from charimg.images import inspect
from charimg.model import ImageRequest, MediaReference, SavedImage


@dataclass
class Lane:
    """Generator and uploader of one account, as a run makes them."""

    context: ProviderContext
    generator: WhiskGenerator
    uploader: WhiskUploader
    folder: Path
    remembered: dict[str, str] = field(default_factory=dict)

    def request(self, prompt: str = "a jester in a red cap", **more: Any) -> ImageRequest:
        return ImageRequest(
            key="gopal", name="Gopal", prompt=prompt, **{"attempt": "a1", "aspect_ratio": "9:16", **more}
        )

    def picture(self, colour: str = "red", kind: str = "PNG", name: str = "gopal") -> Path:
        """A small picture in a file, of the kind asked for."""
        path = self.folder / f"{name}-{colour}.{kind.lower()}"
        Image.new("RGB", (48, 64), colour).save(path, kind)
        return path

    def saved(self, path: Path, media: MediaReference | None = None, description: str = "a jester") -> SavedImage:
        return SavedImage("gopal", "Gopal", path, inspect(path.read_bytes()), description=description, media=media)


MakeLane = Callable[..., Lane]
"""Makes lanes: ``lane_for(whisk.url, cookie=..., model=...)``."""
