"""WebP: the record travels in the ``XMP`` chunk, which only an extended file may have.

A simple file (one ``VP8`` or ``VP8L`` chunk) becomes an extended one: a ``VP8X`` chunk in front that repeats the size
which the picture data state, and whether they hold transparency. Formats: RFC 9649 (container, VP8L), RFC 6386
section 9.1 (VP8).
"""

from __future__ import annotations

from dataclasses import dataclass

from charimg.metadata.record import PictureMetadata
from charimg.metadata.xmp import MAX_PACKET_BYTES, names_provenance, packet_after, record_in

_HEAD = 12
_EXTENDED, _LOSSY, _LOSSLESS, _XMP, _CREDENTIALS = b"VP8X", b"VP8 ", b"VP8L", b"XMP ", b"C2PA"
_BEFORE_XMP = frozenset({_EXTENDED, b"ICCP", b"ANIM", b"ANMF", b"ALPH", _LOSSY, _LOSSLESS, b"EXIF"})
_XMP_FLAG, _ALPHA_FLAG = 0x04, 0x10
_MAX_CHUNKS = 100_000
_MAX_FILE = 2**32 - 10  # what the size in the head can say


@dataclass(frozen=True)
class _Chunk:
    kind: bytes
    start: int
    length: int
    """Of its body, without the head and the byte that makes it even."""

    @property
    def end(self) -> int:
        """Where the next begins."""
        return self.start + 8 + self.length + self.length % 2


def is_webp(data: bytes) -> bool:
    """Whether the bytes begin as a WebP file does."""
    return data[:4] == b"RIFF" and data[8:_HEAD] == b"WEBP"


def embed(data: bytes, metadata: PictureMetadata) -> bytes | None:
    """The file with the record in it; ``None`` where it must stay as it is."""
    chunks = _chunks(data)
    if not chunks or any(one.kind == _CREDENTIALS for one in chunks):
        return None
    packets = [_body(data, one) for one in chunks if one.kind == _XMP]
    head = _extended_head(data, chunks)
    if head is None or len(packets) > 1 or any(names_provenance(one) for one in packets):
        return None
    packet = packet_after(packets[0] if packets else None, metadata)
    if packet is None:
        return None
    rest = [one for one in chunks if one.kind not in (_EXTENDED, _XMP)]
    place = max(number for number, one in enumerate(rest, 1) if one.kind in _BEFORE_XMP)
    pieces = [data[one.start : one.end] for one in rest]
    body = b"".join([_chunk(_EXTENDED, head), *pieces[:place], _chunk(_XMP, packet), *pieces[place:]])
    if len(body) > _MAX_FILE:
        return None
    return b"".join([b"RIFF", (len(body) + 4).to_bytes(4, "little"), b"WEBP", body, data[chunks[-1].end :]])


def read(data: bytes) -> PictureMetadata | None:
    """The record in the file, whichever program rewrote it since; ``None`` if it has none."""
    packet = next((one for one in _chunks(data) or () if one.kind == _XMP), None)
    if packet is None or packet.length > MAX_PACKET_BYTES:
        return None
    return record_in(_body(data, packet))


def _chunks(data: bytes) -> list[_Chunk] | None:
    """All chunks; ``None`` if they do not fill the file as its head says."""
    last = 8 + int.from_bytes(data[4:8], "little")
    chunks: list[_Chunk] = []
    position = _HEAD
    while position < last <= len(data) and len(chunks) < _MAX_CHUNKS:
        chunk = _Chunk(
            data[position : position + 4], position, int.from_bytes(data[position + 4 : position + 8], "little")
        )
        chunks.append(chunk)
        position = chunk.end
    return chunks if position == last else None


def _extended_head(data: bytes, chunks: list[_Chunk]) -> bytes | None:
    """The body of ``VP8X`` with the flag of XMP; ``None`` where the file is neither simple nor extended."""
    first, *others = chunks
    body = _body(data, first)
    if first.kind == _EXTENDED:
        drawn = any(one.kind in (_LOSSY, _LOSSLESS, b"ANMF") for one in others)
        once = all(one.kind != _EXTENDED for one in others)
        return bytes([body[0] | _XMP_FLAG]) + body[1:] if len(body) >= 10 and drawn and once else None
    if others:
        return None
    if first.kind == _LOSSY and len(body) >= 10 and body[3:6] == b"\x9d\x01\x2a" and not body[0] & 1:
        # 14 bits each; the two above them ask for scaling, which no decoder of still pictures does
        width, height = (int.from_bytes(body[at : at + 2], "little") & 0x3FFF for at in (6, 8))
        return _head(width, height, alpha=False)
    if first.kind == _LOSSLESS and len(body) >= 5 and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return _head((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, alpha=bool(bits >> 28 & 1))
    return None


def _head(width: int, height: int, *, alpha: bool) -> bytes | None:
    if not width or not height:
        return None
    flags = _XMP_FLAG | (_ALPHA_FLAG if alpha else 0)
    return bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


def _body(data: bytes, chunk: _Chunk) -> bytes:
    return data[chunk.start + 8 : chunk.start + 8 + chunk.length]


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)
