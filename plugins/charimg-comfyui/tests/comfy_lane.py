"""A lane as a run makes it, and graphs, as the tests of this folder use them."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from charimg_comfyui.generator import ComfyGenerator
from charimg_comfyui.uploader import ComfyUploader
from PIL import Image

from charimg.contracts import ProviderContext
from charimg.images import inspect
from charimg.model import ImageRequest, Reference, SavedImage
from tests.emulators.comfyui import ComfyEmulator

OWN: dict[str, Any] = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 1,
            "steps": 3,
            "cfg": 8,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1,
            "model": ["4", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "dreamshaper_8.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 192, "height": 192, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["4", 1], "text": "my example"}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["4", 1], "text": "my dislikes"}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "mine", "images": ["8", 0]}},
}
"""A user's own workflow, as ComfyUI exports it, without titles."""


def own(titles: dict[str, str] | None = None, **nodes: Any) -> dict[str, Any]:
    """The user's workflow with titles by node id, and with nodes ``n20={...}`` added or replaced."""
    graph = copy.deepcopy(OWN)
    graph.update({name[1:]: node for name, node in nodes.items()})
    for id_, title in (titles or {}).items():
        graph[id_]["_meta"] = {"title": title}
    return graph


@dataclass
class Lane:
    """The generator and the uploader of one server."""

    context: ProviderContext
    generator: ComfyGenerator
    uploader: ComfyUploader
    folder: Path
    told: list[tuple[str, float | None, str]] = field(default_factory=list)
    """Key, fraction and words of every progress that was told."""
    tickets: list[str] = field(default_factory=list)
    """Tickets that the ledger was given."""

    def request(self, prompt: str = "a jester", **more: Any) -> ImageRequest:
        base = {"key": "gopal", "name": "Gopal", "prompt": prompt, "attempt": "a1b2c3d4e5", "aspect_ratio": "1:1"}
        return ImageRequest(**{**base, **more})

    def words(self, key: str = "gopal") -> list[str]:
        """What was told of a character."""
        return [words for one, _, words in self.told if one == key]

    def reference(self, name: str = "face.png", colour: str = "red") -> Reference:
        """A small picture in a file."""
        path = self.folder / name
        Image.new("RGB", (32, 32), colour).save(path)
        return Reference(path)

    def saved(self, key: str = "gopal", colour: str = "blue") -> SavedImage:
        """A picture as the core hands it to an uploader."""
        path = self.folder / f"{key}.png"
        Image.new("RGB", (16, 16), colour).save(path)
        return SavedImage(key, key, path, inspect(path.read_bytes()))


MakeLane = Callable[..., Lane]
"""Makes lanes: ``lane_for(comfy.url, workflow={...}, model=..., password=...)``."""


def put_workflow(folder: Path, graph: Any, name: str = "mine.json") -> str:
    """The workflow as a file of the project; its name."""
    (folder / name).write_text(graph if isinstance(graph, str) else json.dumps(graph), encoding="utf-8")
    return name


async def until(comfy: ComfyEmulator, condition: Callable[[], bool]) -> None:
    """Wait for something of the emulator; it tells of every move of its queue and every step."""
    async with comfy.worker.changed:
        await asyncio.wait_for(comfy.worker.changed.wait_for(condition), 20)


async def asked_often(comfy: ComfyEmulator, method: str, path: str, more: int) -> None:
    """Wait until so many more requests of a kind came."""
    wanted = comfy.bill.count(method, path) + more

    async def enough() -> None:
        while comfy.bill.count(method, path) < wanted:
            await asyncio.sleep(0.005)

    await asyncio.wait_for(enough(), 20)
