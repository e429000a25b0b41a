"""Real, decodable pictures in Whisk's sizes, the same for the same prompt, seed and size."""

from __future__ import annotations

import hashlib
import io
from functools import lru_cache

from PIL import Image, ImageDraw, ImageOps

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


@lru_cache(maxsize=256)
def draw(prompt: str, seed: int, size: tuple[int, int], format_: str) -> bytes:
    """One picture: a gradient, some discs and a row of blocks that spell the digest of the arguments.

    The blocks survive JPEG, so two different requests never give equal files. Takes some 25 ms as JPEG, 60 as PNG.
    """
    digest = hashlib.sha256(f"{seed}|{size}|{prompt}".encode()).digest()
    dark = (digest[0] // 3, digest[1] // 3, digest[2] // 3)
    light = (155 + digest[3] // 3, 155 + digest[4] // 3, 155 + digest[5] // 3)
    width, height = size
    ramp = Image.linear_gradient("L").rotate(90 * (digest[6] % 4)).resize(size)
    image = ImageOps.colorize(ramp, dark, light)
    pen = ImageDraw.Draw(image)
    for at in range(8, 20, 4):
        x, y = digest[at] * width // 255, digest[at + 1] * height // 255
        radius = 20 + digest[at + 2]
        colour = (digest[at + 3], digest[at], digest[at + 1])
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    for at, value in enumerate(digest):
        pen.rectangle((at * 16, height - 16, at * 16 + 15, height), fill=(value, 255 - value, value ^ 0x55))
    out = io.BytesIO()
    if format_ == "PNG":
        image.save(out, "PNG", compress_level=1)
    else:
        image.save(out, "JPEG", quality=80)
    return out.getvalue()
