"""XMP: the packet that JPEG, WebP and GIF carry, which file managers and photo programs show.

It says what people look for in the vocabularies they know (Dublin Core, XMP basic, IPTC) and holds the record as one
property of our own. Other programs rewrite packets: properties become attributes, prefixes change, padding appears.
The packet is therefore read as XML; a document type, which a packet never has, is refused before anything is read.
Specification: ISO 16684-1.
"""

from __future__ import annotations

import re
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from charimg._version import __version__
from charimg.metadata.record import PictureMetadata, from_json, to_json

NAMESPACE = "urn:charimg:picture:"
"""Of our one property, ``Record``."""

DIGITAL_SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's word for a picture that a trained model made."""

MAX_PACKET_BYTES = 4 * 1024 * 1024
"""Of a packet that is read: more than the largest that can be written."""

TOOL = f"charimg {__version__}"

_MAX_DEPTH = 64
_OURS = b'x:xmptk="charimg"'
_TERMS = b"http://purl.org/dc/terms/"
_RECORD = f"{NAMESPACE} Record"

# Bounded or stopped by the next mark, so that no packet makes them slow.
_ATTRIBUTE = re.compile(rb"(charimg:Record[ \t\r\n]{0,20}=[ \t\r\n]{0,20})(?:\"[^\"<]*\"|'[^'<]*')")
_ELEMENT = re.compile(rb"(<charimg:Record(?:[ \t\r\n][^<>]{0,200})?>)[^<]*(</charimg:Record)")


def packet_of(metadata: PictureMetadata) -> bytes:
    """A packet that says what *metadata* says."""
    lines = [
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>',
        '<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="charimg">',
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">',
        '  <rdf:Description rdf:about=""',
        '    xmlns:dc="http://purl.org/dc/elements/1.1/"',
        '    xmlns:xmp="http://ns.adobe.com/xap/1.0/"',
        '    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"',
        f'    xmlns:charimg="{NAMESPACE}">',
        f"   <xmp:CreatorTool>{TOOL}</xmp:CreatorTool>",
        f"   <xmp:CreateDate>{metadata.made.isoformat(timespec='seconds')}</xmp:CreateDate>",
    ]
    if metadata.prompt:
        text = f'<rdf:Alt><rdf:li xml:lang="x-default">{escape(metadata.prompt)}</rdf:li></rdf:Alt>'
        lines.append(f"   <dc:description>{text}</dc:description>")
    if metadata.provider and metadata.model:
        lines.append(f"   <Iptc4xmpExt:DigitalSourceType>{DIGITAL_SOURCE}</Iptc4xmpExt:DigitalSourceType>")
    lines += [
        f"   <charimg:Record>{escape(to_json(metadata))}</charimg:Record>",
        "  </rdf:Description>",
        " </rdf:RDF>",
        "</x:xmpmeta>",
        '<?xpacket end="w"?>',
    ]
    return "\n".join(lines).encode()


def packet_after(old: bytes | None, metadata: PictureMetadata) -> bytes | None:
    """The packet that takes the place of *old*: a new one for none or one of ours, else :func:`renewed`."""
    return packet_of(metadata) if old is None or is_ours(old) else renewed(old, metadata)


def renewed(packet: bytes, metadata: PictureMetadata) -> bytes | None:
    """Another program's packet with our record in it replaced; ``None`` for one that has none where we can find it."""
    value = to_json(metadata)
    attribute, element = quoteattr(value).encode(), escape(value).encode()
    new = _ATTRIBUTE.sub(lambda found: found[1] + attribute, packet)
    new = _ELEMENT.sub(lambda found: found[1] + element + found[2], new)
    return new if record_in(new) == metadata else None


def is_ours(packet: bytes) -> bool:
    """Whether nobody but us wrote the packet: programs put their own name where ours stands."""
    return _OURS in packet[:400]


def names_provenance(packet: bytes) -> bool:
    """Whether the packet tells where signed credentials of the file are kept (C2PA, ``dcterms:provenance``)."""
    return _TERMS in packet and b"provenance" in packet


def record_in(packet: bytes) -> PictureMetadata | None:
    """The record in a packet, in whatever form other programs gave it; ``None`` for every other packet."""
    if len(packet) > MAX_PACKET_BYTES or NAMESPACE.encode() not in packet or b"<!DOCTYPE" in packet:
        return None
    found = _Finder()
    parser = expat.ParserCreate("UTF-8", " ")
    parser.buffer_text = True
    parser.StartElementHandler = found.start
    parser.EndElementHandler = found.end
    parser.CharacterDataHandler = found.text
    try:
        parser.Parse(packet.strip(b"\0 \t\r\n"), True)
    except (expat.ExpatError, _TooDeepError):
        return None
    return from_json(found.value)


class _TooDeepError(Exception):
    """Elements within elements, far beyond any packet."""


class _Finder:
    """Keeps the first value of our property."""

    def __init__(self) -> None:
        self.value = ""
        self._depth = 0
        self._pieces: list[str] | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _TooDeepError
        if name == _RECORD:
            self._pieces = []
        self.value = self.value or attributes.get(_RECORD, "")

    def end(self, name: str) -> None:
        self._depth -= 1
        if name == _RECORD and self._pieces is not None:
            self.value = self.value or "".join(self._pieces)
            self._pieces = None

    def text(self, piece: str) -> None:
        if self._pieces is not None:
            self._pieces.append(piece)
