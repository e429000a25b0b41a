"""GIF: the record travels in the XMP application extension; beside another program's packet, in a comment.

The new block stands before the first frame and after what leads the file (the loop count of an animation, which some
players look for in the very first place). A block of this kind needs the version ``GIF89a``: the six bytes of an
older head are raised to it. Formats: GIF89a; XMP part 3 (ISO 16684-3) section on GIF, whose packet is not cut into
blocks but followed by 258 bytes that lead any reader of blocks out of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from charimg.metadata.record import PictureMetadata, from_json, to_json
from charimg.metadata.xmp import MAX_PACKET_BYTES, names_provenance, packet_after, record_in

SIGNATURES = (b"GIF87a", b"GIF89a")

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_APPLICATION, _COMMENT = 0xFF, 0xFE
_XMP = b"\x0bXMP DataXMP"
_CREDENTIALS = b"\x0bC2PA_GIF"
_WAY_OUT = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
_OURS = b'{"charimg":'
_MAX_BLOCKS = 100_000
_MAX_SUB_BLOCKS = 2_000_000


@dataclass(frozen=True)
class _Block:
    kind: int
    """The label of an extension, :data:`_IMAGE` or :data:`_TRAILER`."""
    start: int
    end: int
    inside: int
    """Where its data begin: for an extension, after the label."""


def embed(data: bytes, metadata: PictureMetadata) -> bytes | None:
    """The file with the record in it; ``None`` where it must stay as it is."""
    blocks = list(_walk(data))
    if not blocks or blocks[-1].kind != _TRAILER or all(one.kind != _IMAGE for one in blocks):
        return None
    packets = {one.start: _packet(data, one) for one in blocks if _is(data, one, _XMP)}
    if any(_is(data, one, _CREDENTIALS) for one in blocks) or len(packets) > 1:
        return None
    old = next(iter(packets.values()), None)
    if packets and (old is None or names_provenance(old)):
        return None
    packet = packet_after(old, metadata)
    replaced = {one.start for one in blocks if _comment(data, one) is not None}
    if packet is not None:
        replaced |= packets.keys()
        new = bytes([_EXTENSION, _APPLICATION]) + _XMP + packet + _WAY_OUT
    else:
        new = bytes([_EXTENSION, _COMMENT]) + _sub_blocks(to_json(metadata, ascii_only=True).encode())
    kept = [one for one in blocks if one.start not in replaced]
    leading = (_APPLICATION, _COMMENT)
    place = next(number for number, one in enumerate(kept) if one.kind not in leading)
    pieces = [data[one.start : one.end] for one in kept]
    head = SIGNATURES[1] + data[6 : blocks[0].start]
    return b"".join([head, *pieces[:place], new, *pieces[place:], data[blocks[-1].end :]])


def read(data: bytes) -> PictureMetadata | None:
    """The record in the file, whichever program rewrote it since; ``None`` if it has none."""
    packet = None
    for block in _walk(data):
        comment = _comment(data, block)
        if comment is not None and (record := from_json(comment.decode(errors="replace"))) is not None:
            return record
        if packet is None and _is(data, block, _XMP):
            packet = _packet(data, block)
    return None if packet is None else record_in(packet)


def _walk(data: bytes) -> Iterator[_Block]:
    """The blocks, to the trailer or to the first that cannot be one."""
    if len(data) < 13:
        return
    position = 13 + _colours(data[10])
    left = _MAX_SUB_BLOCKS
    for _ in range(_MAX_BLOCKS):
        head = data[position : position + 10]
        start = position
        if head[:1] == bytes([_TRAILER]):
            yield _Block(_TRAILER, start, start + 1, start + 1)
            return
        if head[:1] == bytes([_EXTENSION]) and len(head) > 1:
            kind, inside = head[1], start + 2
        elif head[:1] == bytes([_IMAGE]) and len(head) == 10:
            kind, inside = _IMAGE, start + 10 + _colours(head[9]) + 1
        else:
            return
        position = inside
        while left and position < len(data) and data[position]:
            position += data[position] + 1
            left -= 1
        if not left or position >= len(data):
            return
        position += 1
        yield _Block(kind, start, position, inside)


def _colours(packed: int) -> int:
    """Bytes of the colour table that the packed field of a head or an image announces: at most 768."""
    return 3 * 2 ** ((packed & 7) + 1) if packed & 0x80 else 0


def _is(data: bytes, block: _Block, application: bytes) -> bool:
    return block.kind == _APPLICATION and data.startswith(application, block.inside)


def _packet(data: bytes, block: _Block) -> bytes | None:
    """The XMP packet; ``None`` if it is not followed by the way out, so that nobody can say where it ends."""
    start, end = block.inside + len(_XMP), block.end - len(_WAY_OUT)
    return (
        data[start:end]
        if start <= end <= start + MAX_PACKET_BYTES and data.endswith(_WAY_OUT, end, block.end)
        else None
    )


def _comment(data: bytes, block: _Block) -> bytes | None:
    """Our comment, if it is one, in one piece."""
    if block.kind != _COMMENT or not data.startswith(_OURS, block.inside + 1):
        return None
    pieces, position = [], block.inside
    while data[position]:
        pieces.append(data[position + 1 : position + 1 + data[position]])
        position += data[position] + 1
    return b"".join(pieces)


def _sub_blocks(text: bytes) -> bytes:
    pieces = [text[at : at + 255] for at in range(0, len(text), 255)]
    return b"".join(bytes([len(piece)]) + piece for piece in pieces) + b"\0"
