"""Generator and uploader of one account, as the tests of this folder use them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from charimg_openai.generator import OpenAIGenerator
from charimg_openai.uploader import OpenAIUploader
from PIL import Image

from charimg.contracts import ProviderContext
from charimg.images import inspect
from charimg.model import ImageRequest, MediaReference, Reference, SavedImage


@dataclass
class Lane:
    """Generator and uploader of one account, as a run makes them."""

    context: ProviderContext
    generator: OpenAIGenerator
    uploader: OpenAIUploader
    folder: Path
    tickets: list[str] = field(default_factory=list)
    """What the ledger was given."""

    def request(self, prompt: str = "a jester in a red cap", **more: Any) -> ImageRequest:
        return ImageRequest(
            key="gopal", name="Gopal", prompt=prompt, **{"attempt": "a1", "aspect_ratio": "9:16", **more}
        )

    def picture(self, colour: str = "red", kind: str = "PNG", name: str = "gopal") -> Path:
        """A small picture in a file, of the kind asked for."""
        path = self.folder / f"{name}-{colour}.{kind.lower()}"
        Image.new("RGB", (48, 64), colour).save(path, kind)
        return path

    def references(self, *colours: str) -> tuple[Reference, ...]:
        return tuple(Reference(self.picture(colour)) for colour in colours)

    def saved(self, path: Path, media: MediaReference | None = None) -> SavedImage:
        return SavedImage("gopal", "Gopal", path, inspect(path.read_bytes()), description="a jester", media=media)


MakeLane = Callable[..., Lane]
"""Makes lanes: ``lane_for(openai.base_url, key=..., model=...)``."""
