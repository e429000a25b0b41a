"""The record in its four formats: there, read back, shown by others, and nothing else changed."""

from __future__ import annotations

import io
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from charimg.metadata import PictureMetadata, embed, read_metadata
from charimg.metadata.record import ELLIPSIS, to_json
from charimg.metadata.xmp import DIGITAL_SOURCE, packet_of
from tests.metadata.pictures import (
    GOPAL,
    after_jpeg_start,
    after_png_header,
    gif_application,
    jpeg_segment,
    pictures,
    pixels,
    png_chunk,
    records,
    webp_chunk,
    webp_of,
)

KINDS = list(pictures())
XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
FOREIGN = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Paint 9"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="5"/></rdf:RDF></x:xmpmeta>'
)


def embedded(data: bytes, record: PictureMetadata = GOPAL) -> bytes:
    new = embed(data, record)
    assert new is not None
    return new


@pytest.mark.parametrize("kind", KINDS)
def test_the_record_is_read_back_and_no_pixel_changes(kind: str) -> None:
    """Every kind of picture carries the record, and is decoded to the same frames, times and loops."""
    data = pictures()[kind]
    new = embedded(data)

    assert read_metadata(data) is None
    assert read_metadata(new) == GOPAL
    assert pixels(new) == pixels(data)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15)
@given(record=records)
def test_every_record_fits_every_picture(kind: str, record: PictureMetadata) -> None:
    """Whatever texts a record has, every kind of picture carries it."""
    new = embedded(pictures()[kind], record)

    assert read_metadata(new) == record
    assert pixels(new) == pixels(pictures()[kind])


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10)
@given(first=records, second=records)
def test_a_second_record_replaces_the_first(kind: str, first: PictureMetadata, second: PictureMetadata) -> None:
    """A picture that carried another record is the same file as one that never did."""
    data = pictures()[kind]

    assert embedded(embedded(data, first), second) == embedded(data, second)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith(("webp", "gif"))])
def test_bytes_are_only_inserted(kind: str) -> None:
    """Without what was inserted, in one piece, the file is what it was, to the byte."""
    data = pictures()[kind]
    new = embedded(data)
    more = len(new) - len(data)
    start = next(at for at in range(len(data)) if data[at] != new[at])

    assert any(new[:at] + new[at + more :] == data for at in range(start + 1))


@pytest.mark.parametrize("kind", KINDS)
def test_what_follows_the_picture_stays(kind: str) -> None:
    """Bytes after the end of a picture, as phones append them, are kept."""
    data = pictures()[kind] + b"a film of three seconds"

    assert embedded(data).endswith(b"a film of three seconds")
    assert read_metadata(embedded(data)) == GOPAL


def test_png_viewers_show_prompt_and_program() -> None:
    """A viewer of PNG texts shows the prompt in its own script, and the program."""
    text = Image.open(io.BytesIO(embedded(pictures()["png"]))).text

    assert text["Description"] == GOPAL.prompt
    assert text["Software"].startswith("charimg ")
    assert text["charimg"] == to_json(GOPAL)


def test_a_services_own_texts_stay_in_a_png() -> None:
    """What the service wrote is kept, and its own description is not answered with a second one."""
    own = PngImagePlugin.PngInfo()
    for name in ("parameters", "workflow", "Description", "Software"):
        own.add_text(name, f"the service's {name}")
    out = io.BytesIO()
    Image.open(io.BytesIO(pictures()["png"])).save(out, "PNG", pnginfo=own)
    new = embedded(embedded(out.getvalue()), replace(GOPAL, prompt="another"))
    text = Image.open(io.BytesIO(new)).text

    assert {name: text.pop(name) for name in ("parameters", "workflow", "Description", "Software")} == {
        name: f"the service's {name}" for name in ("parameters", "workflow", "Description", "Software")
    }
    assert list(text) == ["charimg"]
    assert new.count(b"Description\0") == new.count(b"Software\0") == 1


def test_a_damaged_description_of_others_stays() -> None:
    """A description that cannot be read is nobody's to remove, even where our record has no prompt."""
    theirs = png_chunk(b"zTXt", b"Description\0\0no zlib")
    data = after_png_header(pictures()["png"], theirs)

    assert theirs in embedded(embedded(data, replace(GOPAL, prompt="")))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith(("jpeg", "webp"))])
def test_photo_programs_see_what_made_the_picture(kind: str) -> None:
    """Pillow gives out the packet, in which prompt, time, tool and the kind of source stand where XMP has them."""
    packet = Image.open(io.BytesIO(embedded(pictures()[kind]))).info["xmp"]
    said = {one.tag.partition("}")[2]: one.text or "" for one in ElementTree.fromstring(packet).iter()}

    assert packet == packet_of(GOPAL)
    assert said["li"] == GOPAL.prompt
    assert said["CreateDate"] == "2026-03-01T12:30:15+00:00"
    assert said["CreatorTool"].startswith("charimg ")
    assert said["DigitalSourceType"] == DIGITAL_SOURCE


def test_no_model_is_claimed_where_none_is_known() -> None:
    """A picture of which no model is known is not said to be a model's."""
    assert DIGITAL_SOURCE.encode() not in packet_of(replace(GOPAL, model=None))
    assert DIGITAL_SOURCE.encode() not in packet_of(replace(GOPAL, provider=""))


def test_a_jpeg_keeps_its_head_in_order() -> None:
    """The packet stands after JFIF and Exif, which readers look for in the first place."""
    new = embedded(pictures()["jpeg with exif"])

    assert new.index(b"JFIF") < new.index(b"Exif") < new.index(XMP_HEAD) < new.index(b"by hand")
    assert Image.open(io.BytesIO(new)).info["comment"] == b"by hand"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("webp")])
def test_a_webp_announces_what_it_holds(kind: str) -> None:
    """The flags in the head tell of the packet, and of transparency and frames as before."""
    before, after = (embedded(data)[20] for data in (pictures()[kind], embedded(pictures()[kind])))

    assert before == after
    assert bool(after & 0x04)
    assert bool(after & 0x10) == ("alpha" in kind)
    assert bool(after & 0x02) == ("animated" in kind)
    assert bool(after & 0x08) == ("exif" in kind)


def test_fill_bytes_of_a_jpeg_are_no_obstacle() -> None:
    """A few bytes may stand before a marker; a flood of them is no sound file."""
    few, many = (after_jpeg_start(pictures()["jpeg"], b"\xff" * count) for count in (3, 1000))

    assert read_metadata(embedded(few)) == GOPAL
    assert embed(many, GOPAL) is None


def test_a_gif_keeps_its_loop_count_first_and_has_the_version_of_its_blocks() -> None:
    """Some players look for the loop count in the very first block; an application's block needs GIF89a."""
    moving, still = embedded(pictures()["gif animated"]), embedded(pictures()["gif"])

    assert moving.index(b"NETSCAPE2.0") < moving.index(b"XMP DataXMP")
    assert pictures()["gif"].startswith(b"GIF87a")
    assert still.startswith(b"GIF89a")


def test_beside_anothers_packet_a_jpeg_has_a_comment() -> None:
    """A packet of another program stays to the byte; the record is a comment in ASCII, renewed like any other."""
    theirs = jpeg_segment(0xE1, XMP_HEAD + FOREIGN)
    data = after_jpeg_start(pictures()["jpeg"], theirs)
    new = embedded(data)

    assert theirs in new
    assert Image.open(io.BytesIO(new)).info["comment"] == to_json(GOPAL, ascii_only=True).encode()
    assert read_metadata(new) == GOPAL
    assert embedded(embedded(data, replace(GOPAL, seed=1))) == new


def test_beside_anothers_packet_a_gif_has_a_comment() -> None:
    """A packet of another program stays to the byte in a GIF, too."""
    way_out = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    data = gif_application(pictures()["gif"], b"XMP DataXMP", FOREIGN + way_out)
    new = embedded(data)

    assert FOREIGN + way_out in new
    assert read_metadata(new) == GOPAL
    assert pixels(new) == pixels(data)
    assert embedded(embedded(data, replace(GOPAL, seed=1))) == new


def test_a_webp_with_anothers_packet_stays_as_it_is() -> None:
    """A WebP has room for one packet; another program's is not touched."""
    out = io.BytesIO()
    Image.open(io.BytesIO(pictures()["webp"])).save(out, "WEBP", xmp=FOREIGN)

    assert embed(out.getvalue(), GOPAL) is None


@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize("letter", ["x", "গ", "🎭", '"', "&", "\n"])
def test_a_text_too_long_for_a_jpeg_is_cut(foreign: bool, letter: str) -> None:
    """A segment holds 64 KB: longer texts end with an ellipsis, the record says so, and little room is wasted."""
    data = pictures()["jpeg"]
    if foreign:
        data = after_jpeg_start(data, jpeg_segment(0xE1, XMP_HEAD + FOREIGN))
    record = replace(GOPAL, prompt="A king. " + letter * 60_000, negative=letter * 60_000)
    new = embedded(data, record)
    read = read_metadata(new)

    assert read is not None
    assert read.shortened
    assert read.prompt.startswith("A king. ")
    assert read.prompt.endswith(ELLIPSIS)
    assert read == replace(record.shorter(len(read.prompt)), prompt=read.prompt)
    assert len(new) - len(data) > 65_000
    assert pixels(new) == pixels(data)


@pytest.mark.parametrize("kind", ["png", "webp", "gif"])
def test_other_formats_hold_the_longest_texts(kind: str) -> None:
    """Only a JPEG is short of room."""
    record = replace(GOPAL, prompt="🎭" * 60_000, description="&" * 60_000, negative='"' * 60_000)

    assert read_metadata(embedded(pictures()[kind], record)) == record


SIGNED = {
    "png": lambda: after_png_header(pictures()["png"], png_chunk(b"caBX", b"\0\0\0\x10jumb")),
    "jpeg": lambda: after_jpeg_start(pictures()["jpeg"], jpeg_segment(0xEB, b"JP\0\1\0\0\0\1\0\0\0\x20jumb")),
    "webp": lambda: webp_of(pictures()["webp with exif"][12:], webp_chunk(b"C2PA", b"\0\0\0\x10jumb")),
    "gif": lambda: gif_application(pictures()["gif"], b"C2PA_GIF\1\0\0", b"\4jumb\0"),
}


@pytest.mark.parametrize("kind", SIGNED)
def test_signed_pictures_stay_as_they_are(kind: str) -> None:
    """One byte more would break the signature of content credentials (C2PA)."""
    signed = SIGNED[kind]()

    assert pixels(signed) == pixels(pictures()[kind])
    assert embed(signed, GOPAL) is None


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif"])
def test_pictures_signed_elsewhere_stay_as_they_are(kind: str) -> None:
    """A packet may say that the credentials are kept on a server; they are for these very bytes."""
    packet = FOREIGN.replace(
        b'xmp:Rating="5"', b'xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="https://cai.example/1"'
    )
    way_out = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    out = io.BytesIO()
    Image.open(io.BytesIO(pictures()["webp"])).save(out, "WEBP", xmp=packet)
    data = {
        "png": after_png_header(pictures()["png"], png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet)),
        "jpeg": after_jpeg_start(pictures()["jpeg"], jpeg_segment(0xE1, XMP_HEAD + packet)),
        "webp": out.getvalue(),
        "gif": gif_application(pictures()["gif"], b"XMP DataXMP", packet + way_out),
    }[kind]

    assert embed(data, GOPAL) is None


def test_a_multi_picture_jpeg_stays_as_it_is() -> None:
    """Its index counts bytes from the start of the file."""
    out = io.BytesIO()
    first = Image.open(io.BytesIO(pictures()["jpeg"]))
    first.save(out, "MPO", save_all=True, append_images=[first.copy()])

    assert embed(out.getvalue(), GOPAL) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_anywhere_never_raises(kind: str) -> None:
    """However much of a file is missing, it is left as it is or carries the record; nothing is raised."""
    whole = embedded(pictures()[kind], replace(GOPAL, prompt="short", description=""))
    for end in range(0, len(whole), 3):
        new = embed(whole[:end], GOPAL)

        assert new is None or read_metadata(new) == GOPAL
        read_metadata(whole[:end])


mutations = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "double"]),
        st.integers(0, 2**32),
        st.integers(0, 255),
        st.binary(max_size=12),
    ),
    min_size=1,
    max_size=4,
)


def mutated(data: bytes, steps: list[tuple[str, int, int, bytes]]) -> bytes:
    for step, where, number, more in steps:
        at = where % (len(data) + 1)
        match step:
            case "flip":
                data = data[:at] + bytes([number]) + data[at + 1 :]
            case "cut":
                data = data[:at] + data[at + number :]
            case "insert":
                data = data[:at] + more + data[at:]
            case _:
                data = data[:at] + data[at : at + 8 * number] + data[at:]
    return data


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(steps=mutations, carries=st.booleans())
def test_a_mutated_file_never_raises_and_keeps_its_pixels(
    kind: str, steps: list[tuple[str, int, int, bytes]], carries: bool
) -> None:
    """Whatever happened to a file, it stays as it is or carries the record, and is decoded as before if it ever was."""
    data = mutated(embedded(pictures()[kind]) if carries else pictures()[kind], steps)
    read_metadata(data)
    new = embed(data, GOPAL)
    if new is None:
        return
    try:
        before = pixels(data)
    except Exception:
        return

    assert read_metadata(new) == GOPAL
    assert pixels(new) == before


@given(
    head=st.sampled_from([pictures()[kind][:12] for kind in ("png", "jpeg", "webp", "gif")]),
    rest=st.binary(max_size=200),
)
def test_any_bytes_are_no_picture_of_ours(head: bytes, rest: bytes) -> None:
    """Bytes that only begin as a picture are left as they are."""
    assert read_metadata(head + rest) is None
    assert read_metadata(rest) is None
    assert embed(rest, GOPAL) is None
