"""PNG: the record is an ``iTXt`` chunk of the keyword ``charimg``, right after the header.

Beside it stand ``Description`` (the prompt) and ``Software``, which viewers show, unless the file has its own.
Directly after ``IHDR`` no chunk that counts bytes (Apple's ``iDOT``) or frames (``acTL``) comes to stand elsewhere
than it says. Format: PNG (third edition), sections 5.3 and 11.3.3.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from charimg.metadata.record import MARK, PictureMetadata, from_json, to_json
from charimg.metadata.xmp import MAX_PACKET_BYTES, TOOL, names_provenance, record_in

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_CREDENTIALS = b"caBX"  # C2PA
_XMP = "XML:com.adobe.xmp"
_DESCRIPTION = "Description"
_SOFTWARE = "Software"
_LOOKED_AT = frozenset({MARK, _XMP, _DESCRIPTION, _SOFTWARE})
_MAX_CHUNKS = 200_000
_MAX_TEXTS = 16  # of the keywords we look at; each may be packed a thousandfold
_LONGEST_KEYWORD = 79


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
    texts = list(_texts(data, chunks, _LOOKED_AT))
    if len(texts) > _MAX_TEXTS or any(one.keyword == _XMP and names_provenance(one.value.encode()) for one in texts):
        return None
    ours = _written_by_us(texts)
    theirs = {one.keyword for one in texts if one.start not in ours}
    new = [_chunk_of(MARK, to_json(metadata))]
    if metadata.prompt and _DESCRIPTION not in theirs:
        new.append(_chunk_of(_DESCRIPTION, metadata.prompt))
    if _SOFTWARE not in theirs:
        new.append(_chunk_of(_SOFTWARE, TOOL))
    header, *rest = chunks
    kept = [data[chunk.start : chunk.end] for chunk in rest if chunk.start not in ours]
    return b"".join([data[: header.end], *new, *kept, data[chunks[-1].end :]])


def read(data: bytes) -> PictureMetadata | None:
    """The record in the file, whichever program rewrote it since; ``None`` if it has none."""
    for text in _texts(data, _walk(data), {MARK, _XMP}):
        record = record_in(text.value.encode()) if text.keyword == _XMP else from_json(text.value)
        if record is not None:
            return record
    return None


def _written_by_us(texts: Collection[_Text]) -> set[int]:
    """The texts of an earlier record, which the new one replaces."""
    records = [one for one in texts if one.keyword == MARK]
    prompts = {record.prompt for one in records if (record := from_json(one.value)) is not None}
    ours = {one.start for one in records}
    ours |= {one.start for one in texts if one.keyword == _DESCRIPTION and one.value in prompts}
    return ours | {one.start for one in texts if one.keyword == _SOFTWARE and one.value.startswith("charimg ")}


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


def _texts(data: bytes, chunks: Collection[_Chunk] | Iterator[_Chunk], keywords: Collection[str]) -> Iterator[_Text]:
    """The texts of these keywords, one more than are sound at most."""
    count = 0
    for chunk in chunks:
        if chunk.kind not in _READERS:
            continue
        keyword, zero, _ = data[chunk.start + 8 : min(chunk.end - 4, chunk.start + 9 + _LONGEST_KEYWORD)].partition(
            b"\0"
        )
        name = keyword.decode("latin-1")
        if not zero or name not in keywords:
            continue
        body = data[chunk.start + 8 : chunk.end - 4]
        checksum = int.from_bytes(data[chunk.end - 4 : chunk.end], "big")
        value = _READERS[chunk.kind](body[len(keyword) + 1 :])
        sound = value is not None and zlib.crc32(body, zlib.crc32(chunk.kind)) == checksum
        yield _Text(chunk.start, name, value if sound and value is not None else "")
        count += 1
        if count > _MAX_TEXTS:
            return


def _plain(body: bytes) -> str | None:
    """The text of ``tEXt``: Latin-1, but many programs write UTF-8 there."""
    try:
        return body[:MAX_PACKET_BYTES].decode()
    except UnicodeDecodeError:
        return body[:MAX_PACKET_BYTES].decode("latin-1")


def _packed(body: bytes) -> str | None:
    """The text of ``zTXt``: one byte for the method, then the packed text."""
    text = _unpacked(body[1:]) if body[:1] == b"\0" else None
    return None if text is None else _plain(text)


def _international(body: bytes) -> str | None:
    """The text of ``iTXt``: whether packed, the method, a language, the translated keyword, the text in UTF-8."""
    flag, method = body[:1], body[1:2]
    _, zero, rest = body[2:].partition(b"\0")
    _, second_zero, text = rest.partition(b"\0")
    if not zero or not second_zero:
        return None
    whole = text if flag == b"\0" else _unpacked(text) if (flag, method) == (b"\1", b"\0") else None
    return None if whole is None else whole[:MAX_PACKET_BYTES].decode(errors="replace")


def _unpacked(packed: bytes) -> bytes | None:
    """At most :data:`MAX_PACKET_BYTES` of what is packed; ``None`` if there is more, or it is damaged."""
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, MAX_PACKET_BYTES)
    except zlib.error:
        return None
    return text if unpacker.eof else None


_READERS = {b"tEXt": _plain, b"zTXt": _packed, b"iTXt": _international}


def _chunk_of(keyword: str, text: str) -> bytes:
    body = b"iTXt" + keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode()
    return (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
