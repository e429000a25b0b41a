"""The models that are alive, and what each of them takes."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "9:16", "16:9", "21:9")
SIZES = {"1K": 1024, "2K": 2048, "4K": 4096}
"""``imageSize`` and the side in pixels of its square."""
MAX_PICTURES = 14
"""Reference pictures in one request (several gateways' documents, 2026; unverified at Google)."""
SMALLEST_SIDE = 16
"""Pixels: references of a few pixels are refused (one public measurement, 2026-09; the bound is assumed)."""
TYPES = ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif")


@dataclass(frozen=True)
class Model:
    """One model that the service offers."""

    id: str
    title: str
    methods: tuple[str, ...] = ("generateContent", "countTokens", "batchGenerateContent")
    pictures: bool = False
    sizes: tuple[str, ...] = ("1K",)
    format: str = "png"

    @property
    def resource(self) -> dict[str, Any]:
        """As the list of models shows it. Nothing in it says that the model makes pictures."""
        return {
            "name": f"models/{self.id}",
            "version": "001",
            "displayName": self.title,
            "description": self.title,
            "inputTokenLimit": 65536,
            "outputTokenLimit": 32768,
            "supportedGenerationMethods": list(self.methods),
            "temperature": 1,
            "topP": 0.95,
            "topK": 64,
            "maxTemperature": 1,
        }


MODELS = (
    Model("gemini-3.5-flash", "Gemini 3.5 Flash"),
    Model("gemini-embedding-2", "Gemini Embedding 2", ("embedContent",)),
    Model("gemini-3.1-flash-image", "Nano Banana 2", pictures=True, sizes=("1K", "2K", "4K")),
    Model("gemini-3.1-flash-lite-image", "Nano Banana 2 Lite", pictures=True),
    Model("gemini-3-pro-image", "Nano Banana Pro", pictures=True, sizes=("1K", "2K", "4K"), format="jpeg"),
)
"""Without ``gemini-2.5-flash-image`` (shut down 2026-10-02), the previews (2026-06-25) and Imagen 4 (2026-08-17)."""


def pixels(aspect: str | None, size: str | None) -> tuple[int, int]:
    """Width and height of a picture: the square's area in that shape, in multiples of 32 (assumed)."""
    across, _, down = (aspect or "1:1").partition(":")
    side = SIZES[size or "1K"]
    width = side * sqrt(int(across) / int(down))
    return round(width / 32) * 32, round(side * side / width / 32) * 32
