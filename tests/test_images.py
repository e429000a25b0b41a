"""Decoding pictures: what is one, what is none, and what must not be decoded at all."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image, ImageFile, WebPImagePlugin

from charimg.errors import FlakyError
from charimg.images import MAX_PIXELS, MIN_SIDE, decode_base64, inspect
from charimg.model import ImageFacts


def picture(mode: str = "RGB", width: int = 40, height: int = 30) -> Image.Image:
    """A picture with noise in it, so that every part of its file matters."""
    return Image.effect_noise((width, height), 60).convert(mode)


def encoded(kind: str, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    picture(mode).save(file, kind, **options)  # type: ignore[arg-type]
    return file.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def tiny_png(width: int, height: int) -> bytes:
    """A few bytes that claim any size."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def tiny_gif(width: int, height: int) -> bytes:
    screen = b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + b"\0\0\0\xff\xff\xff"
    return screen + b"," + struct.pack("<HHHH", 0, 0, 16, 16) + b"\0\x02\x02\x4c\x01\0;"


def tiny_webp(width: int, height: int) -> bytes:
    """One small frame on a canvas of any size: such a file decodes, to all of its pixels."""
    frame = encoded("WEBP")[12:]
    head = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + _three(width - 1) + _three(height - 1)
    place = bytes(6) + _three(39) + _three(29) + _three(100) + b"\0"
    body = b"WEBP" + head + b"ANIM" + struct.pack("<IIH", 6, 0, 0)
    body += b"ANMF" + struct.pack("<I", len(place + frame)) + place + frame
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")


@pytest.mark.parametrize(
    ("kind", "called", "extension", "media_type"),
    [
        ("PNG", "png", ".png", "image/png"),
        ("JPEG", "jpeg", ".jpg", "image/jpeg"),
        ("WEBP", "webp", ".webp", "image/webp"),
        ("GIF", "gif", ".gif", "image/gif"),
    ],
)
def test_facts_of_a_picture(kind: str, called: str, extension: str, media_type: str) -> None:
    """Format, size, digest and bytes are those of the file; the format decides the extension."""
    data = encoded(kind)

    facts = inspect(data)

    assert facts == ImageFacts(called, 40, 30, hashlib.sha256(data).hexdigest(), len(data))
    assert (facts.extension, facts.media_type) == (extension, media_type)


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("PNG", "RGBA"), ("PNG", "P"), ("PNG", "1"), ("PNG", "LA"), ("PNG", "I;16"), ("JPEG", "CMYK"), ("JPEG", "L")],
)
def test_every_kind_of_pixel_is_a_picture(kind: str, mode: str) -> None:
    """Palettes, transparency, 16 bits a channel and printers' colours are all fine."""
    source = Image.new("I;16", (40, 30), 40_000) if mode == "I;16" else picture(mode)
    file = io.BytesIO()
    source.save(file, kind)

    assert (inspect(file.getvalue()).width, inspect(file.getvalue()).height) == (40, 30)


@pytest.mark.parametrize(("kind", "called"), [("GIF", "gif"), ("WEBP", "webp"), ("PNG", "png"), ("MPO", "jpeg")])
def test_several_frames_are_a_picture_of_the_usual_format(kind: str, called: str) -> None:
    """An animation counts by its first frame; a camera's multi-picture JPEG is a JPEG, and is named .jpg."""
    facts = inspect(encoded(kind, save_all=True, append_images=[picture(), picture()]))

    assert facts.format == called


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_truncated_picture_is_refused(kind: str) -> None:
    """A file cut anywhere is damaged, unless only what follows the last pixel is missing."""
    data = encoded(kind)
    with Image.open(io.BytesIO(data)) as whole:
        pixels = whole.convert("RGB").tobytes()
    wrong = []
    for length in range(0, len(data), 10):
        try:
            inspect(data[:length])
        except FlakyError:
            continue
        with Image.open(io.BytesIO(data[:length])) as part:
            if part.convert("RGB").tobytes() != pixels:
                wrong.append(length)

    assert wrong == []


@pytest.mark.parametrize("bomb", [tiny_png, tiny_gif, tiny_webp])
@pytest.mark.parametrize("side", [8_000, 16_000, 60_000])
def test_bomb_is_refused_before_it_is_decoded(bomb: object, side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny file of gigantic dimensions is refused by its header: no pixel of it is decoded."""
    decoded = []
    for kind in (ImageFile.ImageFile, WebPImagePlugin.WebPImageFile):
        monkeypatch.setattr(kind, "load", lambda picture: decoded.append(picture.size))
    with pytest.raises(FlakyError, match=r"too large|too many pixels|damaged") as caught:
        inspect(bomb(side, side))  # type: ignore[operator]

    assert decoded == []
    assert side * side > MAX_PIXELS
    assert side != 8_000 or "8000 x 8000 pixels; that is too large" in str(caught.value)


def test_bomb_is_told_as_one() -> None:
    """A picture beyond what the decoder itself allows is told as too large, not as damaged."""
    with pytest.raises(FlakyError, match="far too many pixels"):
        inspect(tiny_png(60_000, 60_000))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (MIN_SIDE - 1, 500), (500, MIN_SIDE - 1)])
def test_tracking_dot_is_no_picture(width: int, height: int) -> None:
    """A placeholder of a few pixels is refused with its size."""
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")

    with pytest.raises(FlakyError, match=f"only {width} x {height} pixels"):
        inspect(file.getvalue())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty picture"),
        (b"  <!DOCTYPE html><html>", "a web page"),
        (b"\xef\xbb\xbf<html>", "a web page"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG or XML text"),
        (b"<?xml version='1.0'?><svg/>", "an SVG or XML text"),
        (b'{"error": "no quota"}', "a JSON text"),
        (b"%PDF-1.7", r'8 bytes beginning "%PDF"'),
        (encoded("TIFF"), "instead of a picture"),
        (encoded("ICO"), "instead of a picture"),
        (encoded("BMP"), "instead of a picture"),
        (encoded("PPM"), "instead of a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "instead of a picture"),
    ],
)
def test_other_things_are_told_as_what_they_are(data: bytes, words: str) -> None:
    """What is no PNG, JPEG, WebP or GIF is refused, in words that tell what came; no other decoder is tried."""
    with pytest.raises(FlakyError, match=words):
        inspect(data)


def test_polyglot_is_the_picture_its_head_says() -> None:
    """A picture with a web page behind it keeps the picture's format, and so its extension."""
    assert inspect(encoded("GIF") + b"<script>alert(1)</script>").format == "gif"


@pytest.mark.parametrize("data", [None, "iVBORw0KGgo=", 7, ["a"]])
def test_plugin_that_gives_no_bytes_is_named(data: object) -> None:
    """A generator that returns text or nothing gets a verdict, not a crash of the run."""
    with pytest.raises(FlakyError, match=f"gave {type(data).__name__} instead of the picture's bytes"):
        inspect(data)  # type: ignore[arg-type]


def test_other_buffers_are_bytes_too() -> None:
    """What a library returns in place of bytes has the facts of the bytes."""
    data = encoded("PNG")

    assert inspect(bytearray(data)) == inspect(memoryview(data)) == inspect(data)  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [MemoryError, RecursionError, SyntaxError, struct.error, ValueError, OverflowError])
def test_whatever_the_decoder_raises_is_flaky(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    """The decoder's many exceptions mean one thing: a damaged picture."""

    def broken(_: object) -> None:
        raise error

    monkeypatch.setattr(ImageFile.ImageFile, "load", broken)

    with pytest.raises(FlakyError, match="a damaged picture"):
        inspect(encoded("GIF"))


def test_oddities_of_a_picture_print_nothing() -> None:
    """A warning of the decoder would tear the live view; the user could not mend its cause anyway."""
    exif = Image.Exif()
    exif[0x010E] = "a description"
    data = bytearray(encoded("JPEG", exif=exif))
    at = data.index(b"Exif") + 14
    data[at : at + 2] = b"\x40\x00"  # claims more entries than there are
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        inspect(bytes(data))

    assert heard == []


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF"]))
@example(b"", b"RIFF\x04\0\0\0WEBP")
def test_random_bytes_are_flaky(tail: bytes, head: bytes) -> None:
    """Noise, with or without a picture's head, gives the core's error and nothing else."""
    with pytest.raises(FlakyError):
        inspect(head + tail)


WHOLE = {kind: encoded(kind) for kind in ("PNG", "JPEG", "WEBP", "GIF")}


@given(st.sampled_from(sorted(WHOLE)), st.integers(0, 2000), st.binary(min_size=1, max_size=4))
def test_flipped_bytes_give_facts_or_flaky(kind: str, at: int, put: bytes) -> None:
    """A damaged file of a real picture is either still one or flaky."""
    data = bytearray(WHOLE[kind])
    at %= len(data)
    data[at : at + len(put)] = put
    try:
        facts = inspect(bytes(data))
    except FlakyError:
        return

    assert facts.format == kind.lower()
    assert facts.width * facts.height <= MAX_PIXELS


@pytest.mark.parametrize(
    "text", ["+/+/", "-_-_", "data:image/png;base64,+/+/", " +/\n+/ ", "DATA:image/jpeg;name=x;base64,-_-_"]
)
def test_base64_is_read_in_every_alphabet(text: str) -> None:
    """Services send the standard or the URL-safe one, with or without a prefix."""
    assert decode_base64(text) == b"\xfb\xff\xbf"


def test_base64_without_its_padding_is_read() -> None:
    """Some services leave it out."""
    assert decode_base64("cGljdHVyZQ") == b"picture"


@pytest.mark.parametrize("text", ["", "    ", "abc!", "a", None, 7, "data:image/png;base64,"])
def test_what_is_no_base64_is_flaky(text: object) -> None:
    """A damaged answer is tried again."""
    with pytest.raises(FlakyError):
        decode_base64(text)
