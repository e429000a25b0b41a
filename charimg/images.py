"""Decoding pictures: is it really one, and what is it? The only I/O below the floor of the run is Pillow's decoding."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import re
import warnings

from charimg.errors import FlakyError
from charimg.model import ImageFacts
from charimg.picture_parts import excess_of

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
"""What is accepted, by Pillow's names. Vector and document formats are not pictures here."""

MAX_PIXELS = 50_000_000
"""Width times height: above it a picture is taken for a decompression bomb (an 8K picture has 33 million). Decoding
takes up to 16 bytes of memory a pixel (an animated WebP), whatever the size of the file."""

MIN_SIDE = 8
"""Pixels: tracking dots and empty placeholders are smaller than any picture of a character."""


def inspect(data: bytes) -> ImageFacts:
    """Decode the whole picture and tell its format, size and digest.

    :raises FlakyError: the bytes are empty, no picture, a truncated one, or one too large to be meant; or a plugin
        gave something other than bytes.
    """
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - loaded when the first picture arrives

    if not isinstance(data, bytes | bytearray | memoryview):
        raise FlakyError(f"the generator gave {type(data).__name__} instead of the picture's bytes")
    data = bytes(data)
    if not data:
        raise FlakyError("the service sent an empty picture (0 bytes)")
    excess = excess_of(data)
    if excess is not None:
        raise FlakyError(f"the service sent a picture of {excess}; it was not decoded")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MAX_PIXELS is checked below; other oddities are not the user's to mend
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > MAX_PIXELS:
                    raise FlakyError(f"the service sent a picture of {width} x {height} pixels; that is too large")
                if min(width, height) < MIN_SIDE:
                    raise FlakyError(f"the service sent a picture of only {width} x {height} pixels")
                picture.load()
                kind = _FORMAT_NAMES.get(picture.format or "", "")
    except UnidentifiedImageError as error:
        raise FlakyError(f"the service sent {_guess(data)} instead of a picture") from error
    except FlakyError:
        raise
    except Image.DecompressionBombError as error:  # Pillow looks at the size before we can
        raise FlakyError("the service sent a picture of far too many pixels; it was not decoded") from error
    except Exception as error:  # Pillow's decoders raise many kinds for damaged data
        raise FlakyError(f"the service sent a damaged picture ({_guess(data)})") from error
    return ImageFacts(kind, width, height, hashlib.sha256(data).hexdigest(), len(data))


_DATA_URI = re.compile(r"data:[^,]{0,200}?;base64,", re.IGNORECASE)
_STANDARD = str.maketrans("-_", "+/", " \t\r\n\v\f")
"""Both alphabets as the standard one, without line ends. Not by ``split``: of 96 MB of short words it makes 2 GB."""


def decode_base64(text: object) -> bytes:
    """The bytes of a base64 text, in the standard or the URL-safe alphabet, with or without padding and ``data:``
    prefix: services differ, and some change their mind.

    :raises FlakyError: it is none, or empty.
    """
    if not isinstance(text, str):
        raise FlakyError("the service sent no base64 text where its picture should be")
    prefix = _DATA_URI.match(text)
    body = text[prefix.end() if prefix else 0 :].translate(_STANDARD).rstrip("=")
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise FlakyError("the service sent a picture whose base64 text is damaged") from None
    if not data:
        raise FlakyError("the service sent an empty picture (0 bytes)")
    return data


_FORMAT_NAMES = {"PNG": "png", "JPEG": "jpeg", "MPO": "jpeg", "WEBP": "webp", "GIF": "gif"}
"""From Pillow's names to ours. A multi-picture JPEG, as cameras write, is a JPEG to everyone else."""


def _guess(data: bytes) -> str:
    """What the bytes look like, for the message."""
    head = data[:256].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    if head.startswith((b"<svg", b"<?xml")):
        return "an SVG or XML text"
    if head.startswith((b"{", b"[")):
        return "a JSON text"
    beginning = data[:4].decode("ascii", "replace")
    shown = f'"{beginning}"' if beginning.isprintable() and beginning.isascii() else data[:4].hex(" ")
    return f"{len(data)} bytes beginning {shown}"
