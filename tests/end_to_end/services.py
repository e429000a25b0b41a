"""Every emulated service as the command line meets it: how it is started, pointed at, and what it has made."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from tests.emulators import (
    aihorde,
    automatic1111,
    bfl,
    comfyui,
    fal,
    gemini,
    huggingface,
    openai_images,
    replicate,
    stability,
)
from tests.emulators.threaded import serve_in_thread


@dataclass(frozen=True)
class Kind:
    """One service."""

    make: Callable[..., Any]
    """The emulator's class."""
    key: dict[str, str] = field(default_factory=dict)
    """The login, under the variables that people already have."""
    made: Callable[[Any], int] = lambda service: len(service.bill.made)
    """How many pictures it has made, and would have charged."""
    knobs: dict[str, Any] = field(default_factory=dict)
    further: Callable[[str], dict[str, str]] = lambda _url: {}
    """What it needs beside ``CHARIMG_<NAME>_BASE_URL``."""


SERVICES: dict[str, Kind] = {
    "gemini": Kind(
        gemini.GeminiEmulator, {"GEMINI_API_KEY": gemini.TEST_KEY}, lambda service: len(service.bill.generations)
    ),
    "openai": Kind(
        openai_images.OpenAIEmulator,
        {"OPENAI_API_KEY": openai_images.TEST_KEY},
        lambda service: len(service.bill.generations),
    ),
    "comfyui": Kind(comfyui.ComfyEmulator, made=lambda service: len(service.bill.drawings)),
    "automatic1111": Kind(automatic1111.Automatic1111Emulator),
    "stability": Kind(
        stability.StabilityEmulator, {"STABILITY_API_KEY": stability.TEST_KEY}, lambda service: len(service.made)
    ),
    "huggingface": Kind(
        huggingface.HuggingFaceEmulator,
        {"HF_TOKEN": huggingface.TEST_TOKEN},
        lambda service: len(service.made),
        further=lambda url: {"HF_ENDPOINT": url},
    ),
    "replicate": Kind(replicate.ReplicateEmulator, {"REPLICATE_API_TOKEN": replicate.TEST_TOKEN}),
    "fal": Kind(fal.FalEmulator, {"FAL_KEY": fal.TEST_KEY}, further=lambda url: {"CHARIMG_FAL_REST_URL": url}),
    "bfl": Kind(bfl.BflEmulator, {"BFL_API_KEY": bfl.TEST_KEY}),
    "aihorde": Kind(aihorde.AiHordeEmulator, knobs={"limited": False}),
}
"""By the provider's name."""


def serve(name: str, **knobs: Any) -> AbstractContextManager[Any]:
    """The emulated service on a thread, while the block lasts."""
    kind = SERVICES[name]
    return serve_in_thread(lambda: kind.make(**{**kind.knobs, **knobs}))


def environment(name: str, url: str) -> dict[str, str]:
    """The variables that lead the command to the service at *url*."""
    return {f"CHARIMG_{name.upper()}_BASE_URL": url, **SERVICES[name].key, **SERVICES[name].further(url)}
