"""Whisk's picture sizes and formats."""

from __future__ import annotations

# Landscape is seen in real outputs; the rest are Flow's sizes or assumed, for want of a capture.
SIZES = {
    "IMAGE_ASPECT_RATIO_SQUARE": (1024, 1024),
    "IMAGE_ASPECT_RATIO_PORTRAIT": (768, 1344),
    "IMAGE_ASPECT_RATIO_LANDSCAPE": (1344, 768),
    "IMAGE_ASPECT_RATIO_UNSPECIFIED": (1344, 768),
    "IMAGE_ASPECT_RATIO_LANDSCAPE_FOUR_THREE": (1200, 896),
    "IMAGE_ASPECT_RATIO_PORTRAIT_THREE_FOUR": (896, 1200),
}
"""Pixels (width, height) of each aspect the service knows."""


def picture_format(model: str) -> str:
    """``"PNG"`` for Nano Banana, ``"JPEG"`` for the Imagen family, as captured."""
    return "PNG" if model == "GEM_PIX" else "JPEG"
