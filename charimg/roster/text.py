"""From a file to its text: size, encoding, and characters that no roster holds."""

from __future__ import annotations

import codecs
import re
import stat
from pathlib import Path

from charimg.roster.tree import Place

MAX_BYTES = 64 * 1024 * 1024
"""Largest roster file; looked at before anything is read. A hundred thousand characters, as many as a roster may have,
with a long paragraph each."""
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def load_text(path: Path, place: Place) -> str:
    """The text of the roster at *path*: UTF-8, or UTF-16 where a byte order mark says so.

    Raises:
        InputError: missing, a folder, unreadable, too large, not text. Names the line and byte that is wrong.
    """
    try:
        facts = path.stat()
        if stat.S_ISDIR(facts.st_mode):
            raise place.fault("this is a folder; name the roster file in it")
        if not stat.S_ISREG(facts.st_mode):
            raise place.fault("this is not a regular file; save the roster to one")
        if facts.st_size > MAX_BYTES:
            raise _too_large(place, facts.st_size)
        pieces = bytearray()  # a single read would take room for the largest there can be
        with path.open("rb") as file:
            while len(pieces) <= MAX_BYTES and (piece := file.read(1024 * 1024)):
                pieces += piece
        data = bytes(pieces)
    except FileNotFoundError:
        raise place.fault("there is no such file; 'charimg init' writes a roster to start from") from None
    except PermissionError:
        raise place.fault("this file may not be read; change its permissions") from None
    except OSError as error:
        raise place.fault(f"cannot be read ({error.strerror or error})") from None
    except ValueError:  # a NUL in the path
        raise place.fault("this is not a file name") from None
    if len(data) > MAX_BYTES:  # it grew since
        raise _too_large(place, len(data))
    return _decoded(data, place)


def _decoded(data: bytes, place: Place) -> str:
    encoding, skipped = "utf-8", 0
    for bom, name in _BOMS:
        if data.startswith(bom):
            encoding, skipped = name, len(bom)
            break
    if encoding == "utf-8" and b"\0" in data:
        raise _not_text(place)
    try:
        text = data[skipped:].decode(encoding)
    except UnicodeDecodeError as error:
        offset = skipped + error.start
        line = data[skipped:offset].decode(encoding, "replace").count("\n") + 1
        raise place.at(line).fault(
            f"the byte 0x{data[offset]:02x} at offset {offset} is not {encoding[:6].rstrip('-').upper()}; save the file"
            " as UTF-8 (in Excel: 'CSV UTF-8')"
        ) from None
    if not text.strip():
        raise place.fault("the file is empty; 'charimg init' writes a roster to start from")
    found = _UNWANTED.search(text)
    if found is not None:
        if found[0] == "\0":
            raise _not_text(place)
        line = text.count("\n", 0, found.start()) + 1
        raise place.at(line).fault(f"holds the control character U+{ord(found[0]):04X}; delete it")
    return text


def _too_large(place: Place, size: int) -> Exception:
    return place.fault(
        f"is {size / 1024 / 1024:.0f} MB large; a roster has at most {MAX_BYTES // 1024 // 1024} MB: split the cast"
    )


def _not_text(place: Place) -> Exception:
    return place.fault("this is not a text file; a roster is plain text (export a spreadsheet as CSV)")
