"""JPEG: the record travels in an XMP packet (``APP1``); beside another program's packet, in a comment (``COM``).

Only segments before the first scan are looked at and moved; picture data is never touched. A file whose index counts
bytes (a multi-picture file, MPF) or that is signed (C2PA in ``APP11``) stays as it is.
Formats: ITU-T T.81 annex B; XMP part 3 (ISO 16684-3) section on JPEG; CIPA DC-007 for MPF.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from charimg.metadata.record import PictureMetadata, from_json, to_json
from charimg.metadata.xmp import is_ours, names_provenance, packet_of, record_in, renewed

SIGNATURE = b"\xff\xd8\xff"

_APP0, _APP1, _APP2, _APP11, _APP15, _COM, _SOS, _EOI = 0xE0, 0xE1, 0xE2, 0xEB, 0xEF, 0xFE, 0xDA, 0xD9
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXIF = b"Exif\0"
_INDEX = b"MPF\0"
_BOXES = b"JP"  # JUMBF boxes, in which C2PA stores its manifests
_COMMENT = b'{"charimg":'
_MOST = 0xFFFF - 2
_MAX_SEGMENTS = 10_000
_MAX_FILL = 64
_WITHOUT_LENGTH = frozenset({0x00, 0x01, *range(0xD0, 0xDA)})


@dataclass(frozen=True)
class _Segment:
    marker: int
    start: int
    """Of its marker."""
    end: int
    body: bytes
    """Without marker and length."""

    @property
    def packet(self) -> bytes | None:
        """The XMP packet, if it is one."""
        return self.body[len(_XMP) :] if self.marker == _APP1 and self.body.startswith(_XMP) else None

    @property
    def comment(self) -> bytes | None:
        """Our comment, if it is one."""
        return self.body if self.marker == _COM and self.body.startswith(_COMMENT) else None

    @property
    def is_ours(self) -> bool:
        """Whether it holds an earlier record and nothing else."""
        return self.comment is not None or (self.packet is not None and is_ours(self.packet))

    @property
    def leads(self) -> bool:
        """Whether it belongs before everything else: JFIF, Exif."""
        return self.marker == _APP0 or (self.marker == _APP1 and self.body.startswith(_EXIF))

    @property
    def forbids(self) -> bool:
        """Whether nothing may be written into its file."""
        return (
            (self.marker == _APP2 and self.body.startswith(_INDEX))
            or (self.marker == _APP11 and self.body.startswith(_BOXES))
            or (self.packet is not None and names_provenance(self.packet))
        )


def embed(data: bytes, metadata: PictureMetadata) -> bytes | None:
    """The file with the record in it; ``None`` where it must stay as it is."""
    segments = _segments(data)
    if segments is None or any(one.forbids for one in segments):
        return None
    end = segments[-1].end if segments else 2
    kept = [one for one in segments if not one.is_ours]
    place, replaced = next((number for number, one in enumerate(kept) if not one.leads), len(kept)), 0
    packets = [(number, one.packet) for number, one in enumerate(kept) if one.packet is not None]
    if not packets:
        new = _fitted(metadata, lambda said: _segment(_APP1, _XMP + packet_of(said)))
    elif record_in(packets[0][1]) is not None:
        place, replaced = packets[0][0], 1
        new = _fitted(metadata, lambda said: _renewed(packets[0][1], said))
    else:
        place = next((number for number, one in enumerate(kept) if not _APP0 <= one.marker <= _APP15), len(kept))
        new = _fitted(metadata, lambda said: _segment(_COM, to_json(said, ascii_only=True).encode()))
    if new is None:
        return None
    before, after = kept[:place], kept[place + replaced :]
    return b"".join([data[:2], *_bytes(data, before), new, *_bytes(data, after), data[end:]])


def read(data: bytes) -> PictureMetadata | None:
    """The record in the file, whichever program rewrote it since; ``None`` if it has none."""
    segments = _segments(data) or []
    for body in [one.comment for one in segments]:
        if body is not None and (record := from_json(body.decode(errors="replace"))) is not None:
            return record
    for packet in [one.packet for one in segments]:
        if packet is not None and (record := record_in(packet)) is not None:
            return record
    return None


def _segments(data: bytes) -> list[_Segment] | None:
    """The segments between the first marker and the first scan; ``None`` if there is no scan after them."""
    segments: list[_Segment] = []
    position = 2
    while len(segments) < _MAX_SEGMENTS:
        start, limit = position, position + _MAX_FILL
        if data[position : position + 1] != b"\xff":
            return None
        while data[position : position + 1] == b"\xff" and position < limit:
            position += 1
        marker = data[position] if position < len(data) else _EOI
        if marker == _SOS:
            return segments
        length = int.from_bytes(data[position + 1 : position + 3], "big")
        end = position + 1 + length
        if marker in _WITHOUT_LENGTH or length < 2 or end > len(data):
            return None
        segments.append(_Segment(marker, start, end, data[position + 3 : end]))
        position = end
    return None


def _fitted(metadata: PictureMetadata, render: Callable[[PictureMetadata], bytes | None]) -> bytes | None:
    """The segment with as much of the long texts as it can hold."""
    whole = render(metadata)
    if whole is not None:
        return whole
    best, low, high = None, 0, metadata.longest
    while low <= high:
        middle = (low + high) // 2
        tried = render(metadata.shorter(middle))
        if tried is None:
            high = middle - 1
        else:
            best, low = tried, middle + 1
    return best


def _renewed(foreign: bytes, metadata: PictureMetadata) -> bytes | None:
    packet = renewed(foreign, metadata)
    return None if packet is None else _segment(_APP1, _XMP + packet)


def _segment(marker: int, body: bytes) -> bytes | None:
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body if len(body) <= _MOST else None


def _bytes(data: bytes, segments: list[_Segment]) -> list[bytes]:
    return [data[one.start : one.end] for one in segments]
