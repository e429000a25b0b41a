"""Pictures of every kind that may meet the record, and records of every kind that may be written."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from datetime import datetime, timezone
from functools import cache

from hypothesis import strategies as st
from PIL import Image, ImageSequence

from charimg.metadata import PictureMetadata
from charimg.model import Cost

MADE = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=timezone.utc)

GOPAL = PictureMetadata(
    key="gopal-bhar",
    made=MADE,
    name="গোপাল ভাঁড়",
    description="A round court jester",
    prompt='Watercolour. A round court jester, "merry" & <bald>\nগোপাল ভাঁড় 🎭',
    provider="whisk",
    lane="whisk@work",
    model="IMAGEN_3_5",
    seed=424242,
    attempt="run-1/gopal-bhar/1",
    asked="0123456789abcdef",
    aspect_ratio="9:16",
    negative="text, frames",
    request_id="req-77",
    cost=Cost(0.039, "USD", "reported"),
    original="ab" * 32,
    candidate=True,
    place="https://labs.example",
)


def _encoded(kind: str, picture: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def _frames(mode: str = "RGB") -> list[Image.Image]:
    return [Image.linear_gradient("L").resize((20, 13)).rotate(90 * turn).convert(mode) for turn in range(3)]


@cache
def pictures() -> dict[str, bytes]:
    """One file of each kind, by its name; the first part of the name is the format."""
    plain = Image.linear_gradient("L").resize((21, 17)).convert("RGB")
    clear = plain.copy()
    clear.putalpha(Image.radial_gradient("L").resize((21, 17)))
    first, *others = _frames()
    moving = {"save_all": True, "append_images": others, "duration": 40, "loop": 3}
    exif = Image.Exif()
    exif[0x010E] = "a service's own words"
    return {
        "png": _encoded("PNG", plain),
        "png with alpha": _encoded("PNG", clear),
        "png with palette": _encoded("PNG", plain.quantize(16)),
        "png animated": _encoded("PNG", first, **moving),
        "jpeg": _encoded("JPEG", plain),
        "jpeg progressive": _encoded("JPEG", plain, progressive=True),
        "jpeg with exif": _encoded("JPEG", plain, exif=exif, comment=b"by hand"),
        "jpeg cmyk": _encoded("JPEG", plain.convert("CMYK")),
        "webp": _encoded("WEBP", plain),
        "webp lossless": _encoded("WEBP", plain, lossless=True),
        "webp lossless with alpha": _encoded("WEBP", clear, lossless=True),
        "webp with alpha": _encoded("WEBP", clear),
        "webp with exif": _encoded("WEBP", plain, exif=exif),
        "webp animated": _encoded("WEBP", first, **moving),
        "gif": _encoded("GIF", plain.quantize(16)),
        "gif with comment": _encoded("GIF", plain.quantize(16), comment=b"by hand"),
        "gif animated": _encoded("GIF", first, **moving),
    }


def pixels(data: bytes) -> list[tuple[str, tuple[int, int], bytes, object]]:
    """Every frame as it is decoded: mode, size, pixels, and how long it stands."""
    with warnings.catch_warnings(), Image.open(io.BytesIO(data)) as picture:
        warnings.simplefilter("ignore")  # oddities of mutated files
        if picture.width * picture.height > 100_000:
            raise ValueError("a mutation made a giant of it, which is not worth the memory")
        loops = picture.info.get("loop")
        frames = ImageSequence.Iterator(picture)
        shown = [(one.mode, one.size, one.tobytes(), one.info.get("duration") or None) for one in frames]
    return [*shown, ("loops", (len(shown), 0), b"", loops or None)]


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def after_png_header(data: bytes, *chunks: bytes) -> bytes:
    """The file with more chunks after its header."""
    return data[:33] + b"".join(chunks) + data[33:]


def jpeg_segment(marker: int, body: bytes) -> bytes:
    """A segment with its length."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def after_jpeg_start(data: bytes, *segments: bytes) -> bytes:
    """The file with more segments after its JFIF head."""
    return data[:20] + b"".join(segments) + data[20:]


def webp_chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk with its length, made even."""
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def webp_of(*chunks: bytes) -> bytes:
    """A file of these chunks."""
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif_application(data: bytes, name: bytes, blocks: bytes) -> bytes:
    """The file with an application extension before its first block."""
    colours = 3 * 2 ** ((data[10] & 7) + 1) if data[10] & 0x80 else 0
    start = 13 + colours
    return b"GIF89a" + data[6:start] + b"\x21\xff\x0b" + name + blocks + data[start:]


texts = st.text(st.characters(), max_size=80) | st.text(max_size=9).map(lambda text: text * 30)
"""Any texts, with halves of surrogate pairs and control characters among them."""

records = st.builds(
    PictureMetadata,
    key=st.sampled_from(["anna", "gopal-bhar", "গোপাল", "x_1", "岩"]),
    made=st.datetimes(datetime(1900, 1, 1), datetime(9998, 1, 1), timezones=st.just(timezone.utc)),  # noqa: DTZ001 - hypothesis adds the zone
    name=texts,
    description=texts,
    prompt=texts,
    provider=texts,
    lane=texts,
    model=st.none() | texts,
    seed=st.none() | st.integers(),
    attempt=texts,
    asked=texts,
    aspect_ratio=texts,
    negative=st.none() | texts,
    request_id=st.none() | texts,
    cost=st.none() | st.builds(Cost, st.floats(), texts, st.sampled_from(["reported", "declared"])),
    original=st.none() | st.just("0f" * 32),
    candidate=st.booleans(),
    place=texts,
)
