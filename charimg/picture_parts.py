"""How many parts a picture's file has, counted before it is decoded.

The decoders bound the pixels of a picture, but not the pieces its file is made of: a JPEG of 200 kB may order the same
fifty million pixels to be refined a thousand times, which takes minutes; a file of millions of empty chunks, comments
or markers takes gigabytes. Real pictures have some dozens of pieces, a large one some thousands. Pure.
"""

from __future__ import annotations

import re
import struct

MOST_PARTS = 100_000
"""Chunks of a PNG, segments of a JPEG, blocks before the first frame of a GIF. A PNG of 96 MB in the smallest usual
pieces (8 kB) has 12,000."""

MOST_SCANS = 100
"""Passes over all its pixels that a progressive JPEG may order. Encoders write about ten."""

_PNG = b"\x89PNG\r\n\x1a\n"
_CHUNK = struct.Struct(">I4s")
_LENGTH = struct.Struct(">H")
_NEXT_MARKER = re.compile(rb"\xff(?=[^\x00\xff\xd0-\xd7])")
"""In the pixels of a JPEG: neither an escaped 0xff, nor a filling one, nor a restart."""
_SCAN, _END = 0xDA, 0xD9
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers of a JPEG without a length."""
_EXTENSION, _FRAME, _TRAILER = 0x21, 0x2C, 0x3B


def excess_of(data: bytes) -> str | None:
    """What the file has too much of to be a picture somebody meant, in words; ``None`` where it is within measure.

    It says nothing of whether the file is sound: what it cannot follow is the decoder's to judge.
    """
    if data.startswith(_PNG):
        return _excess_of_png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _excess_of_jpeg(data)
    if data.startswith((b"GIF87a", b"GIF89a")):
        return _excess_of_gif(data)
    return None  # the parts of a WebP are walked in C, without a copy of any


def _excess_of_png(data: bytes) -> str | None:
    at = len(_PNG)
    for _ in range(MOST_PARTS):
        if at + _CHUNK.size > len(data):
            return None
        length, name = _CHUNK.unpack_from(data, at)
        if name == b"IEND":
            return None
        at += 12 + length
    return f"more than {MOST_PARTS:,} chunks"


def _excess_of_jpeg(data: bytes) -> str | None:
    at, scans = 2, 0
    for _ in range(MOST_PARTS):
        marker = data[at + 1 : at + 2]
        if data[at : at + 1] != b"\xff" or not marker or marker[0] == _END:
            return None
        if marker == b"\xff" or marker[0] in _ALONE:  # a filling byte is walked one by one, too
            at += 1 if marker == b"\xff" else 2
            continue
        if at + 4 > len(data):
            return None
        at += 2 + _LENGTH.unpack_from(data, at + 2)[0]
        if marker[0] == _SCAN:
            scans += 1
            if scans > MOST_SCANS:
                return f"more than {MOST_SCANS} passes over its pixels"
            found = _NEXT_MARKER.search(data, at)
            if found is None:
                return None
            at = found.start()
    return f"more than {MOST_PARTS:,} segments"


def _excess_of_gif(data: bytes) -> str | None:
    """Only what stands before the first frame: no other is decoded."""
    if len(data) < 13:
        return None
    at = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    inside = False  # among the blocks of an extension, each with its length before it
    for _ in range(MOST_PARTS):
        if at >= len(data):
            return None
        byte = data[at]
        if inside:
            inside = byte != 0
            at += 1 + byte
        elif byte == _EXTENSION:
            inside = True
            at += 2
        elif byte in (_FRAME, _TRAILER):
            return None
        else:
            at += 1  # what is no block is skipped, as the decoder does
    return f"more than {MOST_PARTS:,} blocks before its first frame"
