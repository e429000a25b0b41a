"""PNG: the record is an ``iTXt`` chunk of the keyword ``charimg``, right after the header.

Beside it stand ``Description`` (the prompt) and ``Software``, which viewers show, unless the file has its own.
Directly after ``IHDR`` no chunk that counts bytes (Apple's ``iDOT``) or frames (``acTL``) comes to stand elsewhere
than it says. Format: PNG (third edition), sections 5.3 and 11.3.3.
"""

from __future__ import annotations

import zlib
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass

from charimg.metadata.record import MARK, MAX_RECORD_BYTES, MAX_TEXT, MAX_WORD, PictureMetadata, from_json, to_json
from charimg.metadata.xmp import MAX_PACKET_BYTES, TOOL, names_provenance, record_in

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_CREDENTIALS = b"caBX"  # C2PA
_XMP = "XML:com.adobe.xmp"
_DESCRIPTION = "Description"
_SOFTWARE = "Software"
_MAX_CHUNKS = 200_000
_MAX_TEXTS = 16  # of the keywords we look at; each may be packed a thousandfold
_LONGEST_KEYWORD = 79
_LIMITS = {MARK: MAX_RECORD_BYTES, _XMP: MAX_PACKET_BYTES, _DESCRIPTION: 4 * MAX_TEXT, _SOFTWARE: MAX_WORD}
"""Bytes of a text that are read, by the keywords we look at."""


@dataclass(frozen=True)
class _Chunk:
    kind: bytes
    start: int
    """Where its length stands."""
    end: int
    """After its checksum."""


@dataclass(frozen=True)
class _Text:
    start: int
    """Of its chunk."""
    keyword: str
    value: str


def embed(data: bytes, metadata: PictureMetadata) -> bytes | None:
    """The file with the record in it; ``None`` where it must stay as it is."""
    chunks = list(_walk(data))
    kinds = [chunk.kind for chunk in chunks]
    if _CREDENTIALS in kinds or b"IDAT" not in kinds or kinds[0] != b"IHDR" or kinds[-1] != b"IEND":
        return None
    texts = _survey(data, chunks)
    if texts is None:
        return None
    new = [_chunk_of(MARK, to_json(metadata))]
    if metadata.prompt and _DESCRIPTION not in texts.theirs:
        new.append(_chunk_of(_DESCRIPTION, metadata.prompt))
    if _SOFTWARE not in texts.theirs:
        new.append(_chunk_of(_SOFTWARE, TOOL))
    header, *rest = chunks
    kept = [data[chunk.start : chunk.end] for chunk in rest if chunk.start not in texts.ours]
    return b"".join([data[: header.end], *new, *kept, data[chunks[-1].end :]])


def read(data: bytes) -> PictureMetadata | None:
    """The record in the file, whichever program rewrote it since; ``None`` if it has none."""
    for text in _texts(data, _walk(data), {MARK, _XMP}):
        record = record_in(text.value.encode()) if text.keyword == _XMP else from_json(text.value)
        if record is not None:
            return record
    return None


@dataclass(frozen=True)
class _Survey:
    ours: frozenset[int]
    """Where the chunks of an earlier record start, which the new one replaces."""
    theirs: frozenset[str]
    """The keywords that others have taken."""


def _survey(data: bytes, chunks: list[_Chunk]) -> _Survey | None:
    """Whose the texts are; ``None`` where the file must stay as it is."""
    prompts: set[str] = set()
    ours: set[int] = set()
    others: list[_Text] = []
    count = 0
    for text in _texts(data, chunks, _LIMITS):
        count += 1
        if text.keyword == MARK:
            ours.add(text.start)
            record = from_json(text.value)
            prompts |= set() if record is None else {record.prompt}
        elif text.keyword != _XMP:
            others.append(text)
        elif names_provenance(text.value.encode()):
            return None
    if count > _MAX_TEXTS:
        return None
    written = {one.start for one in others if _is_ours(one, prompts)}
    theirs = frozenset(one.keyword for one in others if one.start not in written)
    return _Survey(frozenset(ours | written), theirs)


def _is_ours(text: _Text, prompts: set[str]) -> bool:
    if text.keyword == _SOFTWARE:
        return text.value.startswith("charimg ")
    return text.value != "" and text.value in prompts


def _walk(data: bytes) -> Iterator[_Chunk]:
    """The chunks, to ``IEND`` or to the first that cannot be one."""
    position = len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        kind = data[position + 4 : position + 8]
        end = position + 12 + int.from_bytes(data[position : position + 4], "big")
        if len(kind) < 4 or end > len(data):
            return
        yield _Chunk(kind, position, end)
        if kind == b"IEND":
            return
        position = end


def _texts(data: bytes, chunks: Iterable[_Chunk], keywords: Container[str]) -> Iterator[_Text]:
    """The texts of these keywords, at most one more than :data:`_MAX_TEXTS`; empty where damaged or too long."""
    count = 0
    for chunk in chunks:
        if chunk.kind not in _READERS:
            continue
        start = chunk.start + 8
        keyword, zero, _ = data[start : min(chunk.end - 4, start + _LONGEST_KEYWORD + 1)].partition(b"\0")
        name = keyword.decode("latin-1")
        if not zero or name not in keywords:
            continue
        body = data[start : chunk.end - 4]
        whole = zlib.crc32(body, zlib.crc32(chunk.kind)) == int.from_bytes(data[chunk.end - 4 : chunk.end], "big")
        text = _READERS[chunk.kind](body[len(keyword) + 1 :], _LIMITS[name])
        yield _Text(chunk.start, name, text if whole and text is not None else "")
        count += 1
        if count > _MAX_TEXTS:
            return


def _plain(body: bytes, most: int) -> str | None:
    """The text of ``tEXt``: Latin-1, but many programs write UTF-8 there."""
    if len(body) > most:
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1")


def _packed(body: bytes, most: int) -> str | None:
    """The text of ``zTXt``: one byte for the method, then the packed text."""
    text = _unpacked(body[1:], most) if body[:1] == b"\0" else None
    return None if text is None else _plain(text, most)


def _international(body: bytes, most: int) -> str | None:
    """The text of ``iTXt``: whether packed, the method, a language, the translated keyword, the text in UTF-8."""
    _, zero, rest = body[2:].partition(b"\0")
    _, second_zero, text = rest.partition(b"\0")
    if not zero or not second_zero:
        return None
    whole = _unpacked(text, most) if body[:2] == b"\1\0" else text if body[:1] == b"\0" else None
    return None if whole is None or len(whole) > most else whole.decode(errors="replace")


def _unpacked(packed: bytes, most: int) -> bytes | None:
    """What is packed; ``None`` if it is damaged or longer than *most* bytes, which are all that is ever unpacked."""
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, most)
    except zlib.error:
        return None
    return text if unpacker.eof else None


_READERS = {b"tEXt": _plain, b"zTXt": _packed, b"iTXt": _international}


def _chunk_of(keyword: str, text: str) -> bytes:
    body = b"iTXt" + keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode()
    return (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
