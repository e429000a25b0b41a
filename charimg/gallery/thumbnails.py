"""Thumbnails: a picture file made small, whatever its format, for embedding."""

from __future__ import annotations

import io
import os
import struct
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from PIL import Image

from charimg.images import FORMATS, MAX_PIXELS
from charimg.picture_parts import excess_of

QUALITY = 82
"""WebP quality: at this the eye sees no difference on a card."""

MAX_BYTES = 128 * 1024 * 1024
"""Largest picture file that is read: more than any service may send."""

_ORIENTATION, _SHORT = 0x0112, 3
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How a picture is turned upright, by its orientation."""

_AT_ONCE = 8
"""Pictures worked on together, and held in memory."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Thumbnail:
    """A small copy of a picture."""

    data: bytes
    """WebP."""
    width: int
    height: int


def small_copy(path: Path, longest: int) -> Image.Image | None:
    """The picture, upright as its camera data say, at most *longest* pixels a side; ``None`` if it cannot be read.

    The first frame of an animation. Transparency is kept.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        data = path.read_bytes()
        if excess_of(data) is not None:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MAX_PIXELS is checked below; the oddities of camera data matter to nobody
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    return None
                picture.draft("RGB", (longest, longest))
                picture.load()  # a PNG may have its camera data behind its pixels
                turn = _TURNS.get(_orientation_of(picture.info.get("exif")))
                upright: Image.Image = picture if turn is None else picture.transpose(turn)
                seen = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except Exception:  # Pillow's decoders raise many kinds for damaged data
        return None
    seen.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return seen


def _orientation_of(exif: object) -> int:
    """The orientation in camera data, 1 (upright) to 8; 0 where they say none.

    Read here and not by Pillow, whose versions below 13 read every other entry first: entries that overlap unfold to
    gigabytes. Layout: TIFF 6.0, section 2; the tag: Exif 2.32, section 4.6.4.
    """
    data = exif.removeprefix(b"Exif\0\0") if isinstance(exif, bytes) else b""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        return 0
    try:
        (at,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, at)
        for entry in range(count):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", data, at + 2 + 12 * entry)
            if (tag, kind) == (_ORIENTATION, _SHORT):
                return int(value)
    except struct.error:  # it leads out of the data
        return 0
    return 0


def thumbnail_of(path: Path, longest: int) -> Thumbnail | None:
    """A WebP copy of at most *longest* pixels a side; ``None`` where the file is no picture any more."""
    copy = small_copy(path, longest)
    if copy is None:
        return None
    out = io.BytesIO()
    copy.save(out, "WEBP", quality=QUALITY, method=2)  # half the default's time, 1 to 6 % larger
    return Thumbnail(out.getvalue(), copy.width, copy.height)


def in_step(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """``map(work, items)`` on all processors, with only a few results in memory at a time. Pillow's decoding and
    scaling leave Python's lock to others."""
    waiting = iter(items)
    with ThreadPoolExecutor(min(_AT_ONCE, os.cpu_count() or 1)) as pool:
        while some := list(islice(waiting, _AT_ONCE)):
            yield from pool.map(work, some)
