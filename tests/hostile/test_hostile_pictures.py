"""Pictures as strangers send them: each is taken with true facts or refused with one clear line, soon, in little
memory."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from charimg.errors import FlakyError, InvalidRequestError
from charimg.gallery.thumbnails import small_copy
from charimg.images import decode_base64, inspect
from charimg.model import Reference
from charimg.reference_pictures import read_reference
from tests.hostile.bounded import can_be_bounded, within
from tests.hostile.pictures import (
    ACCEPTED,
    PICTURES,
    chunk,
    cuts_of,
    drawn,
    jpeg_with,
    png_with,
    ring_exif,
    segment,
    turned,
)

INSPECT_ALL = """
import json, time, tracemalloc
from pathlib import Path
from charimg.errors import FlakyError
from charimg.gallery.thumbnails import small_copy
from charimg.images import inspect
from tests.hostile.pictures import PICTURES
told, used = {}, {}
path = Path(sys.argv[1]) / "picture"
for name, (make, _) in PICTURES.items():
    data = make()
    path.write_bytes(data)
    began = time.process_time()
    try:
        facts = inspect(data)
        told[name] = f"{facts.format} {facts.width} {facts.height} {facts.size == len(data)}"
    except FlakyError as error:
        told[name] = error.message
    small = small_copy(path, 64)
    used[name] = time.process_time() - began
    told[name] += "" if small is None else f" small {max(small.size)}"
print(json.dumps([told, used]))
"""


@pytest.mark.skipif(not can_be_bounded, reason="the memory of a process can be bounded on Linux only")
def test_every_picture_is_taken_or_refused_in_bounds(tmp_path: Path) -> None:
    """All of them one after the other, in one process of 700 MB: none fills it, and none takes more than moments."""
    importing = "PIL.Image,PIL.ImageOps,charimg.images,charimg.gallery.thumbnails,tests.hostile.pictures"
    told, used = json.loads(within(INSPECT_ALL, tmp_path, megabytes=700, seconds=40, importing=importing))

    wrong = {}
    for name, (_, wanted) in PICTURES.items():
        taken = re.fullmatch(r"(png|jpeg|gif|webp) (\d+) (\d+) True small (\d+)", told[name])
        fits = taken is not None if wanted == ACCEPTED else taken is None and re.search(wanted, told[name])
        if not fits or not told[name].isprintable() or used[name] > 8:
            wrong[name] = (told[name], used[name])
    assert wrong == {}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_cut_at_any_kind_of_place_has_a_thumbnail_or_none(tmp_path: Path, kind: str) -> None:
    """What a crash or a full disk leaves of a file raises nothing in the gallery."""
    path = tmp_path / "picture"
    for data in cuts_of(drawn(kind)):
        path.write_bytes(data)
        small = small_copy(path, 64)

        assert small is None or max(small.size) <= 64


@pytest.mark.parametrize(
    ("orientation", "size"), [(1, (40, 30)), (3, (40, 30)), (6, (30, 40)), (8, (30, 40)), (77, (40, 30))]
)
@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_a_turned_picture_keeps_its_pixels_and_is_shown_upright(
    tmp_path: Path, kind: str, orientation: int, size: tuple[int, int]
) -> None:
    """The facts are those of the stored pixels; the gallery turns its copy as the camera data say."""
    exif = turned(orientation)
    data = png_with(chunk(b"eXIf", exif)) if kind == "png" else jpeg_with(segment(0xE1, b"Exif\0\0" + exif))
    path = tmp_path / "picture"
    path.write_bytes(data)
    facts, small = inspect(data), small_copy(path, 64)

    assert small is not None
    assert ((facts.width, facts.height), small.size) == ((40, 30), size)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("orientation", range(10))
def test_camera_data_are_read_as_pillow_reads_them(tmp_path: Path, orientation: int, big: bool) -> None:
    """Our own reading of the one entry that matters turns a picture as Pillow's reading of all of them does."""
    path = tmp_path / "picture"
    path.write_bytes(png_with(chunk(b"eXIf", turned(orientation, big=big))))
    small = small_copy(path, 64)
    with Image.open(path) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGB")

    assert small is not None
    assert (small.size, small.tobytes()) == (upright.size, upright.tobytes())


@pytest.mark.parametrize(
    "exif", [b"", b"II*\0", b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff", ring_exif(), b"\0" * 90]
)
def test_camera_data_that_lead_nowhere_turn_nothing(tmp_path: Path, exif: bytes) -> None:
    """A directory beyond the end, or one that is cut off, is none."""
    path = tmp_path / "picture"
    path.write_bytes(png_with(chunk(b"eXIf", exif)))
    small = small_copy(path, 64)

    assert small is not None
    assert small.size == (40, 30)


def test_only_one_entry_of_the_camera_data_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow before version 13 unfolds entries that overlap to gigabytes: it is not asked for them."""

    def asked(_: object) -> None:
        pytest.fail("all of the camera data were read")

    path = tmp_path / "picture"
    path.write_bytes(PICTURES["PNG with entries that overlap"][0]())
    monkeypatch.setattr(Image.Image, "getexif", asked)

    assert small_copy(path, 64) is not None


def test_the_first_frame_counts(tmp_path: Path) -> None:
    """An animation is shown by its first frame, whatever follows."""
    path = tmp_path / "picture"
    for name in ("GIF, animated", "WebP, animated", "PNG, animated"):
        path.write_bytes(PICTURES[name][0]())
        small = small_copy(path, 8)

        assert small is not None
        assert small.getpixel((2, 2))[:3] == pytest.approx((255, 0, 0), abs=4)  # type: ignore[index]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".txt", ""])
async def test_the_suffix_of_a_reference_says_nothing(tmp_path: Path, suffix: str) -> None:
    """A reference is what its bytes are, and is sent as that; a page in a picture's name is refused with its place."""
    sound, page = tmp_path / f"sound{suffix}", tmp_path / f"page{suffix}"
    sound.write_bytes(drawn("WEBP"))
    page.write_bytes(b"<html>")

    assert (await read_reference(Reference(sound))).media_type == "image/webp"
    with pytest.raises(InvalidRequestError, match="no usable picture"):
        await read_reference(Reference(page))


DECODE = """
from charimg.errors import FlakyError
from charimg.images import decode_base64
text = eval(sys.argv[1])
try:
    print(len(decode_base64(text)))
except FlakyError as error:
    print(error)
"""


@pytest.mark.skipif(not can_be_bounded, reason="the memory of a process can be bounded on Linux only")
@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("'ab ' * 10_000_000", "15000000"),
        ("'a ' * 10_000_000", "7500000"),
        ("'=' * 20_000_000", "empty picture"),
        ("'data:' * 5_000_000", "damaged"),
        ("'\\U0001f3a8' * 5_000_000", "damaged"),
        ("'\\u2003' * 5_000_000", "damaged"),
    ],
)
def test_base64_takes_a_few_times_its_length(made: str, said: str) -> None:
    """Twenty megabytes in short words do not become a gigabyte of words."""
    told = within(DECODE, made, megabytes=250, seconds=10, importing="charimg.images,charimg.errors")

    assert said in told


def test_a_decoders_memory_error_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine too small for a picture says so in the words of a refusal."""

    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image, "open", full)

    with pytest.raises(FlakyError, match="a damaged picture"):
        inspect(drawn("PNG"))


@pytest.mark.parametrize(
    "text", ["", "=", "data:;base64,", "data:image/png;base64,====", "%", "\ud800", "a", "A===", None, 7, [], {}]
)
def test_what_is_no_base64_is_refused(text: object) -> None:
    """One line for each of the things that services put where a picture belongs."""
    with pytest.raises(FlakyError) as caught:
        decode_base64(text)

    assert caught.value.message.isprintable()
