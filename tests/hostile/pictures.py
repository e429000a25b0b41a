"""Pictures that no service should send, each made on the spot: bombs, torsos, two files in one, odd but sound ones."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping

from PIL import Image

ACCEPTED = ""
"""What is said of a picture that is one."""


def drawn(kind: str, mode: str = "RGB", size: tuple[int, int] = (40, 30), **options: object) -> bytes:
    """A small sound picture with noise in it."""
    file = io.BytesIO()
    Image.effect_noise(size, 60).convert(mode).save(file, kind, **options)  # type: ignore[arg-type]
    return file.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    """One of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_with(*chunks: bytes) -> bytes:
    """A PNG with further chunks before its pixels."""
    png = drawn("PNG")
    return png[:33] + b"".join(chunks) + png[33:]


def jpeg_with(*segments: bytes) -> bytes:
    """A JPEG with further segments after its beginning."""
    jpeg = drawn("JPEG")
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def segment(marker: int, data: bytes) -> bytes:
    """One of a JPEG."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def gif_with(blocks: bytes) -> bytes:
    """A GIF with further blocks before its first frame."""
    gif = drawn("GIF")
    at = 13 + (3 << ((gif[10] & 7) + 1))
    return gif[:at] + blocks + gif[at:]


def webp_with(chunks: bytes) -> bytes:
    """An extended WebP with further chunks before its pixels."""
    pixels = drawn("WEBP")[12:]
    head = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (39).to_bytes(3, "little") + (29).to_bytes(3, "little")
    body = b"WEBP" + head + chunks + pixels
    return b"RIFF" + struct.pack("<I", len(body)) + body


def packed(size: int) -> bytes:
    """So many bytes, squeezed a thousandfold."""
    packer = zlib.compressobj(9)
    whole = b"".join(packer.compress(bytes(1_000_000)) for _ in range(size // 1_000_000))
    return whole + packer.flush()


def wide_png(width: int, height: int) -> bytes:
    """Whole rows of zeros, so that every pixel is there, in a few kilobytes."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    row = bytes(1 + (width + 7) // 8)
    packer = zlib.compressobj(9)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def refined_jpeg(passes: int, side: int = 4000) -> bytes:
    """A progressive JPEG of one colour that orders its pixels to be gone over again and again: 100 bytes a pass."""
    file = io.BytesIO()
    Image.new("L", (side, side)).save(file, "JPEG", progressive=True)
    jpeg = file.getvalue()
    last = jpeg[jpeg.rindex(b"\xff\xc4") : -2]
    return jpeg[:-2] + last * passes + b"\xff\xd9"


def turned(orientation: object, *, big: bool = False) -> bytes:
    """Camera data with this orientation, perhaps no number at all."""
    order = ">" if big else "<"
    head = (b"MM\0*" if big else b"II*\0") + struct.pack(f"{order}I", 8)
    value = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation if isinstance(orientation, int) else 0, 0)
    if not isinstance(orientation, int):
        value = struct.pack(f"{order}HHII", 0x0112, 2, 0xFFFFFFFF, 8)
    return head + struct.pack(f"{order}H", 1) + value + bytes(4)


def overlapping_exif(size: int, entries: int) -> bytes:
    """Entries each of which claims nearly the whole of it: read naively, their product."""
    fields = b"".join(struct.pack("<HHII", 0x9000 + number, 7, size - 64, 8) for number in range(entries))
    whole = b"II*\0" + struct.pack("<IH", 8, entries) + fields + bytes(4)
    return whole + bytes(max(0, size - len(whole)))


def ring_exif() -> bytes:
    """A directory whose next one, and whose inner one, is itself."""
    return b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHII", 0x8769, 4, 1, 8) + struct.pack("<I", 8)


def archive() -> bytes:
    """A ZIP with something in it that starts when opened."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archived:
        archived.writestr("run.js", "alert(1)")
    return file.getvalue()


def _animated(kind: str) -> bytes:
    """Three frames, the second and third in other colours."""
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "green", "blue")]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=50)
    return file.getvalue()


def _many_frames() -> bytes:
    """A GIF whose frames would be two hundred gigabytes if they were decoded."""
    gif = wide_gif(7000, 7000)
    frame = gif[gif.index(b",") : -1]
    return gif[:-1] + frame * 4000 + b";"


def wide_gif(width: int, height: int) -> bytes:
    """A canvas of any size with a frame of 16 by 16."""
    screen = b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + b"\0\0\0\xff\xff\xff"
    return screen + b"," + struct.pack("<HHHH", 0, 0, 16, 16) + b"\0" + _lzw() + b";"


def _lzw() -> bytes:
    """The pixels of a frame of 16 by 16."""
    file = io.BytesIO()
    Image.new("P", (16, 16)).save(file, "GIF")
    gif = file.getvalue()
    return gif[gif.index(b",", 13) + 10 : -1]


def _frame_beyond_the_canvas() -> bytes:
    return wide_gif(16, 16).replace(struct.pack("<HHHH", 0, 0, 16, 16), struct.pack("<HHHH", 0, 0, 60_000, 60_000))


def _jfif_without_end() -> bytes:
    return b"\xff\xd8" + b"\xff" * 300_000 + b"\xe0"


DAMAGED = "damaged|instead of a picture"
MANY = "it was not decoded"

PICTURES: Mapping[str, tuple[Callable[[], bytes], str]] = {
    # id: how it is made, and what is said of it: nothing where it is a picture
    "PNG of many passes of nothing": (lambda: wide_png(6000, 6000), ACCEPTED),
    "PNG of too many pixels": (lambda: wide_png(9000, 9000), "too large"),
    "PNG of a line": (lambda: wide_png(1_000_000, 8), ACCEPTED),
    "PNG of half a million chunks": (lambda: png_with(chunk(b"vpAg", b"") * 500_000), MANY),
    "PNG with a bomb in zTXt": (lambda: png_with(chunk(b"zTXt", b"k\0\0" + packed(200_000_000))), DAMAGED),
    "PNG with a bomb in iTXt": (lambda: png_with(chunk(b"iTXt", b"k\0\1\0\0\0" + packed(200_000_000))), DAMAGED),
    "PNG with a bomb in iCCP": (lambda: png_with(chunk(b"iCCP", b"k\0\0" + packed(200_000_000))), DAMAGED),
    "PNG with many small bombs": (lambda: png_with(chunk(b"zTXt", b"k\0\0" + packed(1_000_000)) * 300), DAMAGED),
    "PNG with long words": (lambda: png_with(chunk(b"tEXt", b"workflow\0" + b"x" * 3_000_000)), ACCEPTED),
    "PNG with words of any language": (lambda: png_with(chunk(b"iTXt", "k\0\0\0\0\0গোপাল".encode())), ACCEPTED),
    "PNG with words in no encoding": (lambda: png_with(chunk(b"iTXt", b"k\0\0\0\0\0\xff\xfe\xff")), ACCEPTED),
    "PNG with entries that overlap": (lambda: png_with(chunk(b"eXIf", overlapping_exif(1_000_000, 2_000))), ACCEPTED),
    "PNG with a ring in its EXIF": (lambda: png_with(chunk(b"eXIf", ring_exif())), ACCEPTED),
    "PNG of sixteen bits": (lambda: drawn("PNG", "I;16"), ACCEPTED),
    "PNG of a palette with transparency": (lambda: drawn("PNG", "P", transparency=0), ACCEPTED),
    "PNG of one bit": (lambda: drawn("PNG", "1"), ACCEPTED),
    "PNG, turned": (lambda: png_with(chunk(b"eXIf", turned(6))), ACCEPTED),
    "PNG with a ZIP behind it": (lambda: drawn("PNG") + archive(), ACCEPTED),
    "PNG with a page behind it": (lambda: drawn("PNG") + b"<script>alert(1)</script>", ACCEPTED),
    "PNG with a length beyond its end": (lambda: drawn("PNG")[:33] + struct.pack(">I", 0x7FFFFFFF) + b"IDAT", DAMAGED),
    "PNG with a negative length": (lambda: drawn("PNG")[:33] + struct.pack(">I", 0xFFFFFFFF) + b"IDAT", DAMAGED),
    "PNG without pixels": (lambda: drawn("PNG")[:33] + chunk(b"IEND", b""), DAMAGED),
    "PNG, animated": (lambda: _animated("PNG"), ACCEPTED),
    "PNG of one pixel": (lambda: drawn("PNG", size=(1, 1)), "only 1 x 1 pixels"),
    "JPEG gone over too often": (lambda: refined_jpeg(2_000), "passes over its pixels"),
    "JPEG gone over often": (lambda: refined_jpeg(60, 400), ACCEPTED),
    "JPEG of half a million segments": (lambda: jpeg_with(segment(0xE1, b"") * 500_000), MANY),
    "JPEG of half a million comments": (lambda: jpeg_with(segment(0xFE, b"a") * 500_000), MANY),
    "JPEG of filling bytes": (lambda: jpeg_with(b"\xff" * 2_000_000), MANY),
    "JPEG that never begins": (_jfif_without_end, MANY),
    "JPEG of four colours": (lambda: drawn("JPEG", "CMYK"), ACCEPTED),
    "JPEG of several pictures": (lambda: _animated("MPO"), ACCEPTED),
    "JPEG with a large profile": (
        lambda: jpeg_with(*(segment(0xE2, b"ICC_PROFILE\0" + bytes((n, 200)) + bytes(65_000)) for n in range(1, 201))),
        ACCEPTED,
    ),
    "JPEG with entries that overlap": (
        lambda: jpeg_with(segment(0xE1, b"Exif\0\0" + overlapping_exif(65_000, 5_000))),
        ACCEPTED,
    ),
    "JPEG with a ring in its EXIF": (lambda: jpeg_with(segment(0xE1, b"Exif\0\0" + ring_exif())), ACCEPTED),
    "JPEG, turned": (lambda: jpeg_with(segment(0xE1, b"Exif\0\0" + turned(8, big=True))), ACCEPTED),
    "JPEG, turned by no number": (lambda: jpeg_with(segment(0xE1, b"Exif\0\0" + turned("?"))), ACCEPTED),
    "JPEG with a script behind it": (lambda: drawn("JPEG") + b"<?php system($_GET['c']); ?>", ACCEPTED),
    "JPEG with a script in it": (lambda: jpeg_with(segment(0xFE, b"<?php system($_GET['c']); ?>")), ACCEPTED),
    "JPEG without tables": (lambda: re.sub(rb"\xff\xdb.{67}", b"", drawn("JPEG"), flags=re.DOTALL), DAMAGED),
    "GIF of four thousand frames": (_many_frames, ACCEPTED),
    "GIF with a frame beyond its canvas": (_frame_beyond_the_canvas, "too large|too many pixels"),
    "GIF of comments": (lambda: gif_with(b"\x21\xfe\1a\0" * 300_000), MANY),
    "GIF of one comment in crumbs": (lambda: gif_with(b"\x21\xfe" + b"\1a" * 300_000 + b"\0"), MANY),
    "GIF with the words of another program": (
        lambda: gif_with(b"\x21\xff\x0bXMP DataXMP" + (b"\xfe" + b"x" * 254) * 400 + b"\0"),
        ACCEPTED,
    ),
    "GIF that is a script": (lambda: drawn("GIF").replace(b"GIF89a", b"GIF89a", 1) + b"=1;alert(1)", ACCEPTED),
    "GIF whose width is a comment": (lambda: b"GIF89a/*" + drawn("GIF")[8:] + b"*/=1;alert(1)", ACCEPTED),
    "GIF, animated": (lambda: _animated("GIF"), ACCEPTED),
    "WebP of half a million chunks": (lambda: webp_with(b"abcd\0\0\0\0" * 500_000), ACCEPTED),
    "WebP, animated": (lambda: _animated("WEBP"), ACCEPTED),
    "WebP, its length a lie": (lambda: b"RIFF\xff\xff\xff\xff" + drawn("WEBP")[8:], DAMAGED),
    "WebP, empty": (lambda: b"RIFF\4\0\0\0WEBP", DAMAGED),
    "an SVG": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "an SVG or XML text"),
    "an SVG with a doctype": (lambda: b'<!DOCTYPE svg [<!ENTITY a "b">]><svg/>', "instead of a picture"),
    "an SVG after a space": (lambda: b"\xef\xbb\xbf \n<SVG/>", "an SVG or XML text"),
    "a page": (lambda: b"<HTML><body>Sign in</body></HTML>", "a web page"),
    "a page that begins late": (lambda: b"\n" * 400 + b"<html>", "instead of a picture"),
    "a JSON text": (lambda: b' {"error": "quota"}', "a JSON text"),
    "a sound": (lambda: b"RIFF\x24\0\0\0WAVEfmt ", "instead of a picture"),
    "a film": (lambda: b"\0\0\0\x20ftypavif\0\0\0\0avifmif1", "instead of a picture"),
    "a TIFF": (lambda: drawn("TIFF"), "instead of a picture"),
    "an icon": (lambda: drawn("ICO"), "instead of a picture"),
    "PostScript": (
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run",
        "instead of a picture",
    ),
    "nothing": (lambda: b"", "an empty picture"),
    "one byte": (lambda: b"\x89", "instead of a picture"),
    "zeros": (lambda: bytes(1_000_000), "instead of a picture"),
}
"""By what it is."""


def cuts_of(data: bytes) -> list[bytes]:
    """The file cut at every kind of place: in its head, between and within its parts, before its last byte."""
    places = {0, 1, 2, 3, 4, 7, 8, 9, 12, 16, 20, 24, 29, 33, len(data) // 4, len(data) // 2, len(data) - 13}
    places |= {len(data) - 4, len(data) - 2, len(data) - 1}
    places |= {found.start() for found in re.finditer(rb"IDAT|IEND|\xff[\xc0-\xfe]|VP8|,", data)}
    return [data[:place] for place in sorted(places) if 0 <= place < len(data)][:60]
