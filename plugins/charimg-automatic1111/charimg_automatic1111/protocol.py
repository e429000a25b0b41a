"""The bodies of ``/sdapi/v1`` and what its answers say. Pure functions.

Read in the servers' source (the project's notes on AUTOMATIC1111, 2026-11-22; webuiapi 0.9.17). Everything in an
answer may have any type: three servers speak this protocol, in many versions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from charimg.aspect_ratios import size_for
from charimg.contracts import Model, Price, SettingValue
from charimg.errors import FlakyError
from charimg.images import decode_base64
from charimg.model import ImageRequest
from charimg.verdicts.answer import MOST, as_number

TXT2IMG = "/sdapi/v1/txt2img"
IMG2IMG = "/sdapi/v1/img2img"
PROGRESS = "/sdapi/v1/progress"
CHECKPOINTS = "/sdapi/v1/sd-models"
OPTIONS = "/sdapi/v1/options"

MULTIPLE = 64
"""Pixels: sides are multiples of it, as the pictures the models were taught with."""

CROP_AND_RESIZE = 1
"""How a reference picture of another shape is fitted (``resize_mode``); 0 would stretch it."""

ANY_SEED = -1

FREE = Price(0)
"""One's own GPU."""


def picture_body(
    request: ImageRequest,
    settings: Mapping[str, SettingValue | None],
    *,
    checkpoint: str | None,
    start: str | None = None,
) -> dict[str, Any]:
    """The request for one picture; with *start* (base64) for :data:`IMG2IMG`, else for :data:`TXT2IMG`.

    What is unset is left out, so that the server's own choice holds.

    :raises InvalidRequestError: the aspect ratio is not of the form W:H.
    """
    width, height = size_for(request.aspect_ratio, int(settings.get("pixels") or 1_048_576), MULTIPLE)
    body: dict[str, Any] = {
        "prompt": request.prompt,
        "negative_prompt": request.negative or "",
        "width": width,
        "height": height,
        "seed": ANY_SEED if request.seed is None else request.seed,
        "batch_size": 1,
        "n_iter": 1,
        "send_images": True,
        "save_images": False,
        "override_settings": {},  # Forge trips over a request that has none
    }
    for setting, field in (
        ("steps", "steps"),
        ("cfg_scale", "cfg_scale"),
        ("distilled_cfg_scale", "distilled_cfg_scale"),
        ("sampler", "sampler_name"),
        ("scheduler", "scheduler"),
    ):
        if settings.get(setting) is not None:
            body[field] = settings[setting]
    if checkpoint is not None:
        # Not restored afterwards: loading a checkpoint takes longer than a picture.
        body["override_settings"] = {"sd_model_checkpoint": checkpoint}
        body["override_settings_restore_afterwards"] = False
    if start is not None:
        body["init_images"] = [start]
        body["resize_mode"] = CROP_AND_RESIZE
        body["denoising_strength"] = settings.get("strength")
    return body


@dataclass(frozen=True)
class Drawn:
    """What the answer holds of a picture."""

    data: bytes
    seed: int | None
    checkpoint: str | None
    """The one that drew, by its model name."""


def drawn(answer: Any) -> Drawn:
    """The picture of an answer, with the seed that was really used.

    ``info`` is a JSON text (an object in some forks); one that cannot be read costs the seed, not the picture. With a
    grid in front, ``index_of_first_image`` says where the pictures begin.

    :raises FlakyError: there is no picture.
    """
    answer = answer if isinstance(answer, dict) else {}
    images = answer.get("images")
    if not isinstance(images, list) or not images:
        raise FlakyError("the server sent no picture and no reason; its console may tell more")
    info = _info(answer.get("info"))
    first = info.get("index_of_first_image")
    place = first if isinstance(first, int) and 0 < first < len(images) else 0
    seed, name = info.get("seed"), info.get("sd_model_name")
    return Drawn(
        decode_base64(images[place]),
        seed if isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0 else None,
        name if isinstance(name, str) and name else None,
    )


def _info(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def progress_of(answer: Any) -> tuple[float | None, str] | None:
    """How far the server is, from 0 to 1, and in words; ``None`` where it does not say.

    It is whatever the server draws at the moment: while somebody else's picture is drawn, ours has not begun, and the
    answer does not tell whose it is.
    """
    if not isinstance(answer, dict) or not isinstance(answer.get("state"), dict):
        return None
    state = answer["state"]
    step, steps = state.get("sampling_step"), state.get("sampling_steps")
    if not state.get("job_count"):
        return None, "waiting for the server"
    fraction = as_number(answer.get("progress"))
    part = None if fraction is None else min(1.0, max(0.0, fraction))
    if isinstance(step, int) and isinstance(steps, int) and 0 < step <= steps <= MOST:
        return part, f"step {step} of {steps}"
    return part, "preparing"


def checkpoints_of(answer: Any) -> tuple[Model, ...]:
    """The checkpoints that the server has, each by the name that is easiest to type."""
    named = ((_text(entry, "model_name") or _text(entry, "title"), _text(entry, "title")) for entry in _entries(answer))
    return tuple(Model(name, title, FREE) for name, title in named if name and f"{name}{title}".isprintable())


def title_of(answer: Any, wanted: str) -> str | None:
    """The title of the checkpoint *wanted*, which may be its title, model name, file name or hash.

    The title is what every version takes; of the other names some take one and some another.
    """
    for entry in _entries(answer):
        title = _text(entry, "title")
        file = _text(entry, "filename").replace("\\", "/").rpartition("/")[2]
        names = {title, title.partition(" [")[0], _text(entry, "model_name"), file, file.rpartition(".")[0]}
        if wanted.lower() in {name.lower() for name in names if name}:
            return title or wanted
        if len(wanted) >= 8 and wanted.lower() in {_text(entry, "hash").lower(), _text(entry, "sha256").lower()}:
            return title or wanted
    return None


def _entries(answer: Any) -> Iterable[dict[str, Any]]:
    return (entry for entry in answer if isinstance(entry, dict)) if isinstance(answer, list) else ()


def _text(entry: Mapping[str, Any], field: str) -> str:
    value = entry.get(field)
    return value if isinstance(value, str) else ""
