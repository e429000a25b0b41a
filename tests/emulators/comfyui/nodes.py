"""The node classes the emulator has: their inputs, with ranges, and their outputs, as ``/object_info`` tells them.

Names, types, defaults and ranges are those of the server's own nodes (0.3.64, October 2025); the lists of samplers are
shortened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SEED_MAX = 0xFFFFFFFFFFFFFFFF
"""The largest seed: 64 bits."""
SIZE_MAX = 16384
"""Pixels of the longest side."""

SAMPLERS = ("euler", "euler_ancestral", "dpmpp_2m", "dpmpp_2m_sde", "ddim", "uni_pc")
SCHEDULERS = ("simple", "normal", "karras", "exponential", "sgm_uniform")
SCALING = ("nearest-exact", "bilinear", "area", "bicubic", "lanczos")

LINKED = frozenset({"MODEL", "CLIP", "VAE", "CONDITIONING", "LATENT", "IMAGE", "MASK"})
"""Types whose values come over links only."""


@dataclass(frozen=True)
class Input:
    """One input of a class."""

    type: str
    """``INT``, ``FLOAT``, ``STRING``, ``COMBO``, or a type of :data:`LINKED`."""
    options: tuple[str, ...] | str = ()
    """Of a ``COMBO``: the choices, or the name of the server's list (``checkpoints``, ``input``)."""
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    required: bool = True
    multiline: bool = False


@dataclass(frozen=True)
class Node:
    """One class of nodes."""

    name: str
    inputs: dict[str, Input]
    outputs: tuple[str, ...]
    category: str
    display_name: str
    output_node: bool = False


def _whole(default: int, minimum: int, maximum: int) -> Input:
    return Input("INT", default=default, minimum=minimum, maximum=maximum)


def _side(default: int = 512, minimum: int = 16) -> Input:
    return _whole(default, minimum, SIZE_MAX)


_TEXT = Input("STRING", default="", multiline=True)

NODES: dict[str, Node] = {
    node.name: node
    for node in (
        Node(
            "CheckpointLoaderSimple",
            {"ckpt_name": Input("COMBO", "checkpoints")},
            ("MODEL", "CLIP", "VAE"),
            "loaders",
            "Load Checkpoint",
        ),
        Node(
            "CLIPTextEncode",
            {"text": _TEXT, "clip": Input("CLIP")},
            ("CONDITIONING",),
            "conditioning",
            "CLIP Text Encode (Prompt)",
        ),
        Node(
            "CLIPTextEncodeSDXL",
            {
                "clip": Input("CLIP"),
                "width": _side(1024, 0),
                "height": _side(1024, 0),
                "crop_w": _side(0, 0),
                "crop_h": _side(0, 0),
                "target_width": _side(1024, 0),
                "target_height": _side(1024, 0),
                "text_g": _TEXT,
                "text_l": _TEXT,
            },
            ("CONDITIONING",),
            "advanced/conditioning",
            "CLIPTextEncodeSDXL",
        ),
        Node(
            "EmptyLatentImage",
            {"width": _side(), "height": _side(), "batch_size": _whole(1, 1, 4096)},
            ("LATENT",),
            "latent",
            "Empty Latent Image",
        ),
        Node(
            "KSampler",
            {
                "model": Input("MODEL"),
                "seed": _whole(0, 0, SEED_MAX),
                "steps": _whole(20, 1, 10000),
                "cfg": Input("FLOAT", default=8.0, minimum=0.0, maximum=100.0),
                "sampler_name": Input("COMBO", SAMPLERS),
                "scheduler": Input("COMBO", SCHEDULERS),
                "positive": Input("CONDITIONING"),
                "negative": Input("CONDITIONING"),
                "latent_image": Input("LATENT"),
                "denoise": Input("FLOAT", default=1.0, minimum=0.0, maximum=1.0),
            },
            ("LATENT",),
            "sampling",
            "KSampler",
        ),
        Node("VAEDecode", {"samples": Input("LATENT"), "vae": Input("VAE")}, ("IMAGE",), "latent", "VAE Decode"),
        Node("VAEEncode", {"pixels": Input("IMAGE"), "vae": Input("VAE")}, ("LATENT",), "latent", "VAE Encode"),
        Node("LoadImage", {"image": Input("COMBO", "input")}, ("IMAGE", "MASK"), "image", "Load Image"),
        Node(
            "ImageScale",
            {
                "image": Input("IMAGE"),
                "upscale_method": Input("COMBO", SCALING),
                "width": _side(512, 0),
                "height": _side(512, 0),
                "crop": Input("COMBO", ("disabled", "center")),
            },
            ("IMAGE",),
            "image/upscaling",
            "Upscale Image",
        ),
        Node("PrimitiveStringMultiline", {"value": _TEXT}, ("STRING",), "utils/primitive", "String (Multiline)"),
        Node(
            "PrimitiveInt",
            {"value": _whole(0, -(2**63) + 1, 2**63 - 1)},
            ("INT",),
            "utils/primitive",
            "Int",
        ),
        Node(
            "SaveImage",
            {"images": Input("IMAGE"), "filename_prefix": Input("STRING", default="ComfyUI")},
            (),
            "image",
            "Save Image",
            output_node=True,
        ),
        Node("PreviewImage", {"images": Input("IMAGE")}, (), "image", "Preview Image", output_node=True),
    )
}
"""By class name."""


def input_info(one: Input, lists: dict[str, Sequence[str]], *, style: str) -> list[Any]:
    """One input as ``/object_info`` has it: the type and its limits.

    :param lists: the server's own lists of files.
    :param style: ``"classic"``: a choice's type is the list itself; ``"combo"``: it is ``COMBO`` with ``options``.
    """
    extra: dict[str, Any] = {
        name: value
        for name, value in (("default", one.default), ("min", one.minimum), ("max", one.maximum))
        if value is not None
    }
    if one.multiline:
        extra["multiline"] = True
    if one.type != "COMBO":
        return [one.type, extra]
    options = choices(one, lists)
    return ["COMBO", {"multiselect": False, "options": options}] if style == "combo" else [options, extra]


def choices(one: Input, lists: dict[str, Sequence[str]]) -> list[str]:
    """What a choice offers now."""
    return list(lists[one.options] if isinstance(one.options, str) else one.options)


def object_info(node: Node, lists: dict[str, Sequence[str]], *, style: str = "classic") -> dict[str, Any]:
    """One class as ``/object_info`` has it."""
    told: dict[str, Any] = {}
    for required in (True, False):
        of_kind = {name: one for name, one in node.inputs.items() if one.required is required}
        if of_kind or required:
            told["required" if required else "optional"] = {
                name: input_info(one, lists, style=style) for name, one in of_kind.items()
            }
    return {
        "input": told,
        "input_order": {kind: list(inputs) for kind, inputs in told.items()},
        "output": list(node.outputs),
        "output_is_list": [False] * len(node.outputs),
        "output_name": list(node.outputs),
        "name": node.name,
        "display_name": node.display_name,
        "description": "",
        "python_module": "nodes",
        "category": node.category,
        "output_node": node.output_node,
    }
