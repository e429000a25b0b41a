"""What the server answers: errors in its own envelope, entries of its lists, and what it tells of a picture."""

from __future__ import annotations

import base64
import io
from typing import Any

from aiohttp import web
from PIL import Image

from .behaviour import Fault
from .bill import Made


class ServerError(Exception):
    """An error of the server, in its own envelope."""

    def __init__(self, status: int, detail: str, kind: str = "HTTPException") -> None:
        super().__init__(detail)
        self.status, self.detail, self.kind = status, detail, kind

    @property
    def body(self) -> dict[str, str]:
        """The envelope."""
        if self.kind == "HTTPException":
            return {"error": self.kind, "detail": self.detail, "body": "", "errors": ""}
        return {"error": self.kind, "detail": "", "body": "", "errors": self.detail}


def scripted(fault: Fault) -> web.Response | None:
    """The answer a fault spells out; ``None`` for one that cuts the connection."""
    if not isinstance(fault.then, int):
        return None
    headers = {"Content-Type": "application/json", **fault.headers}
    return web.Response(status=fault.then, body=fault.data, headers=headers)


def model_entry(title: str) -> dict[str, Any]:
    """A checkpoint as ``sd-models`` lists it."""
    file, _, mark = title.partition(" ")
    return {
        "title": title,
        "model_name": file.rpartition(".")[0],
        "hash": mark.strip("[]") or None,
        "sha256": (mark.strip("[]") * 7)[:64] or None,
        "filename": f"/models/Stable-diffusion/{file}",
        "config": None,
    }


def init_image(body: dict[str, Any]) -> Image.Image:
    """The picture that img2img begins with."""
    images = body.get("init_images")
    if not images:
        raise ServerError(404, "Init image not found")
    text = images[0]
    if isinstance(text, str) and text.startswith("data:image/"):
        text = text.partition(",")[2]
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
        picture.load()
        return picture.convert("RGB")
    except Exception as error:  # Pillow's decoders raise many kinds
        raise ServerError(500, "Invalid encoded image") from error


def plain_picture(size: tuple[int, int], colour: str = "black") -> bytes:
    """One colour, as a PNG."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def info_of(made: Made, body: dict[str, Any], steps: int) -> dict[str, Any]:
    """What the real server tells of a picture, as an object; it is sent as a JSON string."""
    file, _, mark = made.checkpoint.partition(" ")
    words = f"{made.prompt}\nSteps: {steps}, Sampler: {body.get('sampler_name') or 'Euler'}, Seed: {made.seed}"
    return {
        "prompt": made.prompt,
        "all_prompts": [made.prompt],
        "negative_prompt": body.get("negative_prompt") or "",
        "seed": made.seed,
        "all_seeds": [made.seed],
        "width": made.size[0],
        "height": made.size[1],
        "sampler_name": body.get("sampler_name") or "Euler",
        "cfg_scale": body.get("cfg_scale") or 7.0,
        "steps": steps,
        "batch_size": body.get("batch_size") or 1,
        "sd_model_name": file.rpartition(".")[0],
        "sd_model_hash": mark.strip("[]"),
        "denoising_strength": body.get("denoising_strength"),
        "index_of_first_image": 0,
        "infotexts": [words],
        "job_timestamp": "20261122000000",
    }
