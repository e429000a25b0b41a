"""Real, decodable pictures, the same for the same prompt, seed and size: what the emulated services draw."""

from __future__ import annotations

import hashlib
import io
from functools import lru_cache

from PIL import Image, ImageDraw, ImageOps


@lru_cache(maxsize=256)
def draw(prompt: str, seed: int, size: tuple[int, int], format_: str = "PNG") -> bytes:
    """One picture: a gradient, some discs and a row of blocks that spell the digest of the arguments.

    :param size: width and height, pixels.
    :param format_: ``"PNG"``, ``"JPEG"`` or ``"WEBP"``.

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
        image.save(out, format_, quality=80)
    return out.getvalue()
