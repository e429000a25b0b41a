"""What a job may hold, and what is wrong with one."""

from __future__ import annotations

import base64
import binascii
import io
from typing import Any

from PIL import Image

FREE_PIXELS, FREE_STEPS = 576 * 576, 50

FIELDS: dict[str, tuple[type, ...]] = {
    "prompt": (str,),
    "params": (dict,),
    "nsfw": (bool,),
    "trusted_workers": (bool,),
    "validated_backends": (bool,),
    "slow_workers": (bool,),
    "extra_slow_workers": (bool,),
    "censor_nsfw": (bool,),
    "workers": (list,),
    "worker_blacklist": (bool,),
    "models": (list,),
    "source_image": (str,),
    "source_processing": (str,),
    "source_mask": (str,),
    "extra_source_images": (list,),
    "r2": (bool,),
    "shared": (bool,),
    "replacement_filter": (bool,),
    "dry_run": (bool,),
    "proxied_account": (str,),
    "disable_batching": (bool,),
    "allow_downgrade": (bool,),
    "webhook": (str,),
    "style": (str,),
}
PARAMS: dict[str, tuple[type, ...]] = {
    "sampler_name": (str,),
    "cfg_scale": (int, float),
    "denoising_strength": (int, float),
    "seed": (str,),
    "height": (int,),
    "width": (int,),
    "seed_variation": (int,),
    "post_processing": (list,),
    "post_processing_order": (str,),
    "karras": (bool,),
    "tiling": (bool,),
    "hires_fix": (bool,),
    "hires_fix_denoising_strength": (int, float),
    "clip_skip": (int,),
    "facefixer_strength": (int, float),
    "loras": (list,),
    "tis": (list,),
    "special": (dict,),
    "workflow": (str,),
    "transparent": (bool,),
    "use_nsfw_censor": (bool,),
    "extra_texts": (list,),
    "steps": (int,),
    "n": (int,),
}
SAMPLERS = frozenset(
    [
        "k_lms",
        "k_heun",
        "k_euler",
        "k_euler_a",
        "k_dpm_2",
        "k_dpm_2_a",
        "k_dpm_fast",
        "k_dpm_adaptive",
        "k_dpmpp_2m",
        "k_dpmpp_2s_a",
        "k_dpmpp_sde",
        "dpmsolver",
        "lcm",
        "DDIM",
    ]
)


def faults_of(body: Any) -> tuple[str, str] | None:
    """Words and return code of what is wrong; ``None`` when the job fits."""
    if not isinstance(body, dict):
        return "Input payload validation failed", ""
    params = body.get("params", {})
    for fields, given in ((FIELDS, body), (PARAMS, params if isinstance(params, dict) else {"params": params})):
        for name, value in given.items():
            kinds = fields.get(name)
            if kinds is None or (isinstance(value, bool) and bool not in kinds) or not isinstance(value, kinds):
                return f"Input payload validation failed: {name}", ""
    if not body.get("prompt", "").strip():
        return "You cannot specify an empty prompt.", "MissingPrompt"
    if body.get("nsfw", False) and body.get("censor_nsfw", False):
        return "Input payload validation failed: censor_nsfw", ""
    if "forbidden" in body["prompt"]:
        return "This prompt appears to violate our terms of service and will be reported.", "CorruptPrompt"
    width, height = params.get("width", 512), params.get("height", 512)
    if width % 64 or height % 64 or not (64 <= width <= 3072 and 64 <= height <= 3072):
        return "The image dimensions must be multiples of 64.", "InvalidSize"
    if params.get("steps", 30) > 500:
        return "Too many steps.", "TooManySteps"
    if params.get("sampler_name", "k_lms") not in SAMPLERS:
        return "Unsupported sampler.", "UnsupportedSampler"
    if "source_image" in body and not _is_picture(body["source_image"]):
        return "Source image could not be read.", "SourceImageUnreadable"
    return None


def is_large(body: dict[str, Any]) -> bool:
    """Whether kudos are asked for up front in busy hours."""
    params = body.get("params", {})
    large = params.get("width", 512) * params.get("height", 512) > FREE_PIXELS
    return bool(large or params.get("steps", 30) > FREE_STEPS)


def _is_picture(text: str) -> bool:
    try:
        Image.open(io.BytesIO(base64.b64decode(text, validate=True))).load()
    except (OSError, binascii.Error, ValueError):
        return False
    return True
