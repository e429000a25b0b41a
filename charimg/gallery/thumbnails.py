"""Thumbnails: a picture file made small, whatever its format, for embedding."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from PIL import Image, ImageOps

from charimg.images import FORMATS, MAX_PIXELS
from charimg.picture_parts import excess_of

QUALITY = 82
"""WebP quality: at this the eye sees no difference on a card."""

MAX_BYTES = 128 * 1024 * 1024
"""Largest picture file that is read: more than any service may send."""

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
                upright = ImageOps.exif_transpose(picture)
                seen = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except Exception:  # Pillow's decoders raise many kinds for damaged data
        return None
    seen.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return seen


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
