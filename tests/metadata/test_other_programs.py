"""What other programs make of the record: re-saved, rewritten and reordered, it is still read."""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from charimg.metadata import embed, read_metadata
from charimg.metadata.record import to_json
from charimg.metadata.xmp import NAMESPACE
from tests.metadata.pictures import (
    GOPAL,
    after_jpeg_start,
    after_png_header,
    jpeg_segment,
    pictures,
    pixels,
    png_chunk,
)

XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;").replace("'", "&apos;")


def rewritten(body: str) -> bytes:
    """A packet as another program writes it, with *body* in its description and room to grow."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Paint 9">'
        f'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{body}</rdf:RDF></x:xmpmeta>\n'
        + " " * 2000 + '<?xpacket end="w"?>'
    ).encode()  # fmt: skip


PACKETS = {
    "attribute": rewritten(
        f'<rdf:Description rdf:about="" xmlns:charimg="{NAMESPACE}" charimg:Record="{escaped(to_json(GOPAL))}"/>'
    ),
    "single quotes": rewritten(
        f"<rdf:Description rdf:about='' xmlns:charimg='{NAMESPACE}' charimg:Record='{escaped(to_json(GOPAL))}'/>"
    ),
    "element": rewritten(
        f'<rdf:Description rdf:about="" xmlns:charimg="{NAMESPACE}"><charimg:Record>{escaped(to_json(GOPAL))}'
        "</charimg:Record></rdf:Description>"
    ),
    "own namespace": rewritten(
        f'<rdf:Description rdf:about=""><charimg:Record xmlns:charimg="{NAMESPACE}">{escaped(to_json(GOPAL))}'
        "</charimg:Record></rdf:Description>"
    ),
}


def resaved(data: bytes, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        picture.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("as_text", [str, lambda text: text])
@pytest.mark.parametrize("prompt", ["plain", "café", "গোপাল"])
def test_a_png_saved_again_by_pillow(packed: bool, as_text: type[str], prompt: str) -> None:
    """Texts copied by Pillow become tEXt, zTXt or packed iTXt; the record is read from each, and replaced in each."""
    record = replace(GOPAL, prompt=prompt, name=prompt)
    first = embed(pictures()["png"], record)
    assert first is not None
    texts = PngImagePlugin.PngInfo()
    for name, text in Image.open(io.BytesIO(first)).text.items():
        texts.add_text(name, as_text(text), zip=packed)
    again = resaved(first, "PNG", pnginfo=texts)
    new = embed(again, GOPAL)

    assert read_metadata(again) == record
    assert new is not None
    assert Image.open(io.BytesIO(new)).text == Image.open(io.BytesIO(embed(pictures()["png"], GOPAL) or b"")).text
    assert new.count(b"Description") == 1


def test_a_png_text_in_utf8_where_latin_1_should_be() -> None:
    """Many programs write UTF-8 into tEXt."""
    data = after_png_header(pictures()["png"], png_chunk(b"tEXt", b"charimg\0" + to_json(GOPAL).encode()))

    assert read_metadata(data) == GOPAL


def test_a_png_text_with_a_wrong_checksum_is_no_record() -> None:
    """A record that was damaged on the way is not believed, and is replaced."""
    chunk = bytearray(png_chunk(b"tEXt", b"charimg\0" + to_json(GOPAL).encode()))
    chunk[-1] ^= 1
    data = after_png_header(pictures()["png"], bytes(chunk))

    assert read_metadata(data) is None
    assert embed(data, GOPAL) == embed(pictures()["png"], GOPAL)


@pytest.mark.parametrize("form", PACKETS)
def test_a_rewritten_packet_is_read_and_renewed_in_place(form: str) -> None:
    """However another program wrote the packet, the record is found; a new one takes its place and nothing else's."""
    jpeg = after_jpeg_start(pictures()["jpeg"], jpeg_segment(0xE1, XMP_HEAD + PACKETS[form]))
    webp = resaved(pictures()["webp"], "WEBP", xmp=PACKETS[form])
    later = replace(GOPAL, seed=5, prompt="another 'word' \\1 \\g<0>")
    for data in (jpeg, webp):
        new = embed(data, later)

        assert read_metadata(data) == GOPAL
        assert new is not None
        assert read_metadata(new) == later
        assert b"Paint 9" in new
        assert new.count(b"gopal-bhar&quot;,") + new.count(b'gopal-bhar",') == 1


def test_a_packet_with_another_prefix_is_read() -> None:
    """The prefix of a namespace is any program's own choice."""
    body = PACKETS["attribute"].replace(b"xmlns:charimg", b"xmlns:ns1").replace(b"charimg:Record", b"ns1:Record")
    data = after_jpeg_start(pictures()["jpeg"], jpeg_segment(0xE1, XMP_HEAD + body))
    new = embed(data, replace(GOPAL, seed=5))

    assert read_metadata(data) == GOPAL
    assert new is None or read_metadata(new) == replace(GOPAL, seed=5)


def test_a_picture_converted_with_its_packet_is_read() -> None:
    """A JPEG turned into a WebP, or into a PNG with its packet, still tells how it was made."""
    packet = Image.open(io.BytesIO(embed(pictures()["jpeg"], GOPAL) or b"")).info["xmp"]
    webp = resaved(pictures()["jpeg"], "WEBP", xmp=packet)
    png = after_png_header(pictures()["png"], png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet))

    assert read_metadata(webp) == GOPAL
    assert read_metadata(png) == GOPAL


def exiftool(*arguments: object) -> str:
    program = shutil.which("exiftool")
    if program is None:
        pytest.skip("exiftool is not installed (Debian: libimage-exiftool-perl)")
    ran = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, encoding="utf-8", check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize(
    "kind", ["png", "png animated", "jpeg", "jpeg with exif", "webp", "webp animated", "gif", "gif animated"]
)
def test_exiftool_shows_the_prompt_without_a_warning(kind: str, tmp_path: Path) -> None:
    """The strictest of readers finds nothing to complain about, and shows what people look for."""
    path = tmp_path / f"picture.{kind.split(maxsplit=1)[0]}"
    path.write_bytes(embed(pictures()[kind], GOPAL) or b"")
    before = tmp_path / f"before.{kind.split(maxsplit=1)[0]}"
    before.write_bytes(pictures()[kind])
    said = [exiftool("-validate", "-warning", "-error", "-a", "-s3", file) for file in (before, path)]

    assert said[1] == said[0]
    assert exiftool("-b", "-Description", path) == GOPAL.prompt


@pytest.mark.parametrize("shorthand", [False, True])
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif"])
def test_a_picture_changed_by_exiftool_is_read_and_renewed(kind: str, shorthand: bool, tmp_path: Path) -> None:
    """A rating given by exiftool rewrites the packet: the record survives it, and the rating survives a new record."""
    path = tmp_path / f"picture.{kind}"
    path.write_bytes(embed(pictures()[kind], GOPAL) or b"")
    compact = ["-api", "Compact=Shorthand"] if shorthand else []
    exiftool(*compact, "-overwrite_original", "-XMP-xmp:Rating=5", path)
    rated = path.read_bytes()
    path.write_bytes(embed(rated, replace(GOPAL, seed=5)) or b"")

    assert read_metadata(rated) == GOPAL
    assert read_metadata(path.read_bytes()) == replace(GOPAL, seed=5)
    assert exiftool("-s3", "-XMP-xmp:Rating", path) == "5\n"
    assert pixels(path.read_bytes()) == pixels(pictures()[kind])
