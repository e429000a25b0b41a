"""Files made to take long: the work grows with the file, and the memory stays within bounds."""

from __future__ import annotations

import io
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from types import FrameType

import pytest
from PIL import Image

from charimg.metadata import PictureMetadata, embed, read_metadata
from charimg.metadata.record import to_json
from charimg.metadata.xmp import MAX_PACKET_BYTES, NAMESPACE, record_in
from tests.metadata.pictures import (
    GOPAL,
    after_jpeg_start,
    after_png_header,
    gif_application,
    jpeg_segment,
    pictures,
    png_chunk,
    webp_chunk,
    webp_of,
)

_BOMB = zlib.compress(b"{" + b" " * 20_000_000, 9)
_XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"


def _png(*chunks: bytes) -> bytes:
    return after_png_header(pictures()["png"], *chunks)


FAMILIES: dict[str, Callable[[int], bytes]] = {
    "png of empty chunks": lambda size: _png(*[png_chunk(b"teSt", b"")] * size),
    "png of records": lambda size: _png(*[png_chunk(b"tEXt", b"charimg\0{}")] * size),
    "png of packed bombs": lambda size: _png(*[png_chunk(b"zTXt", b"charimg\0\0" + _BOMB)] * (size // 50)),
    "png of international bombs": lambda size: _png(
        *[png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + _BOMB)] * (size // 50)
    ),
    "jpeg of empty segments": lambda size: after_jpeg_start(pictures()["jpeg"], *[jpeg_segment(0xE7, b"")] * size),
    "jpeg of fill bytes": lambda size: after_jpeg_start(pictures()["jpeg"], b"\xff" * size * 8),
    "jpeg of records": lambda size: after_jpeg_start(
        pictures()["jpeg"], *[jpeg_segment(0xFE, b'{"charimg":1}')] * size
    ),
    "jpeg of packets": lambda size: after_jpeg_start(
        pictures()["jpeg"], *[jpeg_segment(0xE1, _XMP_HEAD + NAMESPACE.encode() + b"<a")] * size
    ),
    "webp of empty chunks": lambda size: webp_of(pictures()["webp with exif"][12:], *[webp_chunk(b"teSt", b"")] * size),
    "gif of empty blocks": lambda size: gif_application(
        pictures()["gif"], b"NETSCAPE2.0", b"\0" + b"\x21\xfe\0" * size
    ),
    "gif of tiny sub-blocks": lambda size: gif_application(pictures()["gif"], b"NETSCAPE2.0", b"\1a" * size + b"\0"),
}


def _lines_run(work: Callable[[], object]) -> int:
    count = 0

    def line(_frame: FrameType, event: str, _argument: object) -> Callable[..., object]:
        nonlocal count
        count += event == "line"
        return line

    before = sys.gettrace()
    sys.settrace(line)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("work", [read_metadata, lambda data: embed(data, GOPAL)], ids=["read", "embed"])
def test_work_grows_no_faster_than_the_file(family: str, work: Callable[[bytes], object]) -> None:
    """A file four times as long takes at most four times the steps."""
    small, large = (FAMILIES[family](size) for size in (500, 2000))
    few, many = (_lines_run(lambda data=data: work(data)) for data in (small, large))

    assert many <= 4.2 * few + 500


@pytest.mark.parametrize("family", FAMILIES)
def test_memory_is_bounded(family: str) -> None:
    """No file makes its reader take much more memory than it has bytes, however much is packed into it."""
    data = FAMILIES[family](5000)
    tracemalloc.start()
    try:
        read_metadata(data)
        embed(data, GOPAL)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 40 * len(data) + 4 * MAX_PACKET_BYTES


@pytest.mark.parametrize("family", ["png of packed bombs", "png of international bombs"])
def test_a_packed_text_is_opened_only_so_far(family: str) -> None:
    """Of twenty megabytes in twenty kilobytes no more is unpacked than a record can have."""
    data = FAMILIES[family](50)
    tracemalloc.start()
    try:
        read_metadata(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 3 * MAX_PACKET_BYTES


def test_at_most_a_few_texts_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of thousands of packed texts only so many are opened as a sound file might have."""
    data = FAMILIES["png of packed bombs"](50_000)
    opened = []
    real = zlib.decompressobj
    monkeypatch.setattr(zlib, "decompressobj", lambda: opened.append(1) or real())

    assert read_metadata(data) is None
    assert embed(data, GOPAL) is None
    assert len(opened) <= 40


_PLAIN = to_json(PictureMetadata("anna", GOPAL.made)).encode()
_HEAD = f'<charimg:Record xmlns:charimg="{NAMESPACE}">'.encode()


@pytest.mark.parametrize(
    "packet",
    [
        b'<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]>' + _HEAD + b"&c;</charimg:Record>",
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>' + _HEAD + b"&b;</charimg:Record>",
        b"<!DOCTYPE a [<!ENTITY b '" + _PLAIN + b"'>]>" + _HEAD + b"&b;</charimg:Record>",
        _HEAD * 100_000,
        b"<a>" * 1_000_000 + NAMESPACE.encode(),
        b"<a " + b"".join(b'xmlns:a%d="%s" ' % (number, NAMESPACE.encode()) for number in range(20_000)) + b"/>",
        b"<charimg:Record " * 200_000 + NAMESPACE.encode(),
        b'charimg:Record="' * 200_000 + NAMESPACE.encode(),
        b"charimg:Record " * 200_000 + NAMESPACE.encode(),
        NAMESPACE.encode() * 300_000,
        b"\xff\xfe" + NAMESPACE.encode("utf-16-le") + NAMESPACE.encode(),
        _HEAD + b"{\xff}</charimg:Record>",
        b" " * (MAX_PACKET_BYTES + 1) + NAMESPACE.encode(),
    ],
    ids=[
        "entities",
        "file",
        "record",
        "nested",
        "deep",
        "wide",
        "tags",
        "quotes",
        "blanks",
        "names",
        "utf-16",
        "bytes",
        "long",
    ],
)
def test_a_hostile_packet_is_no_record(packet: bytes) -> None:
    """Entities, endless depth and damaged letters are read as nothing, and a picture with them can still be read."""
    out = io.BytesIO()
    Image.open(io.BytesIO(pictures()["webp"])).save(out, "WEBP", xmp=packet)

    assert record_in(packet) is None
    assert read_metadata(out.getvalue()) is None
    assert (new := embed(out.getvalue(), GOPAL)) is None or read_metadata(new) == GOPAL
