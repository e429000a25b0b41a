"""Small real pictures that carry the attempt they belong to in their pixels, whatever is written around them."""

from __future__ import annotations

import re
import struct
import zlib

_SIDE = 16
_MARK = re.compile(rb"MARK([0-9a-f]{32})")

NOBODY = "0" * 32
"""The mark of a picture that belongs to nobody: a placeholder, the same for everyone."""


def paint(mark: str) -> bytes:
    """A PNG of its own; the mark (32 hex digits) stands in it uncompressed."""
    row = b"MARK" + mark.encode()
    pixels = (b"\0" + row.ljust(_SIDE * 3, b"\x55")) + (b"\0" + b"\x99" * (_SIDE * 3)) * (_SIDE - 1)
    head = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(pixels, 0)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def paint_jpeg(mark: str) -> bytes:
    """A JPEG of its own; the mark stands in a comment."""
    global _jpeg  # noqa: PLW0603 - drawn once for all
    if not _jpeg:
        import io

        from PIL import Image

        out = io.BytesIO()
        Image.new("RGB", (_SIDE, _SIDE), (90, 120, 30)).save(out, "JPEG")
        _jpeg = out.getvalue()
    comment = b"MARK" + mark.encode()
    return _jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + _jpeg[2:]


_jpeg = b""


def mark_of(data: bytes) -> str | None:
    """The attempt whose picture these bytes are, if they are one."""
    found = _MARK.search(data)
    return found.group(1).decode() if found else None


def is_whole(data: bytes) -> bool:
    """Whether nothing is missing at the end."""
    return data.endswith((b"IEND" + struct.pack(">I", zlib.crc32(b"IEND")), b"\xff\xd9"))
