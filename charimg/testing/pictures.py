"""Pictures for tests: small, decodable, each unlike every other; and what services send in their place."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from functools import lru_cache

PNG_HEAD = b"\x89PNG\r\n\x1a\n"


class Picture:
    """One picture in the forms in which services send it."""

    def __init__(self, data: bytes, url: str = "", *, told: Callable[[], None] = lambda: None) -> None:
        self.data = data
        """The encoded bytes."""
        self._url = url
        self._told = told

    @property
    def url(self) -> str:
        """An address of the played service where it can be had with a plain ``GET``."""
        self._told()
        return self._url

    @property
    def base64(self) -> str:
        """The bytes as standard base64."""
        return base64.b64encode(self.data).decode("ascii")

    @property
    def data_uri(self) -> str:
        """The bytes as a ``data:`` address."""
        return f"data:image/png;base64,{self.base64}"


@lru_cache(maxsize=512)
def paint(number: int = 1, kind: str = "PNG", size: tuple[int, int] = (48, 64)) -> bytes:
    """A picture that belongs to this number: the same number gives the same bytes, another number others.

    :param kind: ``"PNG"``, ``"JPEG"``, ``"WEBP"`` or ``"GIF"``, by Pillow's names.
    :param size: width and height in pixels.
    """
    from PIL import Image  # noqa: PLC0415 - Pillow is loaded when the first picture is painted

    picture = Image.new("RGB", size, (number * 37 % 256, number * 101 % 256, number // 7 % 256))
    for bit in range(24):  # the number in black and white blocks, which survive JPEG too
        if number >> bit & 1:
            picture.paste((255, 255, 255), (bit % 6 * 8, bit // 6 * 8, bit % 6 * 8 + 8, bit // 6 * 8 + 8))
    out = io.BytesIO()
    picture.save(out, kind)
    return out.getvalue()


def no_pictures() -> dict[str, bytes]:
    """What a service may send where its picture should be, by name; none of it can be saved as one."""
    return {
        "empty": b"",
        "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><g/></svg>',
        "html": b"<!doctype html><html><head><title>Sign in</title></head><body>Sign in</body></html>",
        "json": b'{"detail": "the picture is not ready"}',
        "truncated": paint(3, "PNG", (256, 256))[:150],
        "dot": paint(1, "PNG", (1, 1)),
        "head-only": PNG_HEAD,
    }
