"""Thumbnails and the contact sheet."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from charimg.gallery.cards import Card
from charimg.gallery.contact_sheet import MOST_PIXELS, contact_sheet, layout_of
from charimg.gallery.thumbnails import in_step, small_copy, thumbnail_of


def sheet_of(*cards: Card, title: str = "The court") -> Image.Image:
    return Image.open(io.BytesIO(contact_sheet(cards, title=title)))


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("RGB", ".jpg"), ("CMYK", ".jpg"), ("P", ".gif"), ("RGBA", ".webp"), ("LA", ".png"), ("1", ".png")],
)
def test_every_kind_of_picture_becomes_a_thumbnail(tmp_path: Path, mode: str, suffix: str) -> None:
    """Whatever a service sent, the copy is WebP of the asked size, with the same shape."""
    path = tmp_path / f"picture{suffix}"
    Image.new(mode, (300, 400)).save(path)
    copy = thumbnail_of(path, 100)

    assert copy is not None
    assert (copy.width, copy.height, Image.open(io.BytesIO(copy.data)).format) == (75, 100, "WEBP")


def test_small_pictures_are_not_blown_up(tmp_path: Path) -> None:
    """A picture smaller than asked for keeps its size."""
    Image.new("RGB", (30, 40)).save(tmp_path / "a.png")
    copy = small_copy(tmp_path / "a.png", 100)

    assert copy is not None
    assert copy.size == (30, 40)


def test_a_picture_is_turned_as_its_camera_data_say(tmp_path: Path) -> None:
    """A photo that lies on its side stands upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (400, 300)).save(tmp_path / "a.jpg", exif=exif)
    copy = small_copy(tmp_path / "a.jpg", 100)

    assert copy is not None
    assert copy.size == (75, 100)


@pytest.mark.parametrize("data", [b"", b"<html>", b"\x89PNG\r\n\x1a\n truncated", b"\xff\xd8\xff\xe0"])
def test_what_is_no_picture_has_no_thumbnail(tmp_path: Path, data: bytes) -> None:
    """Damage is an answer, not an error."""
    (tmp_path / "a.png").write_bytes(data)

    assert (thumbnail_of(tmp_path / "a.png", 100), thumbnail_of(tmp_path / "none.png", 100)) == (None, None)


def test_only_a_few_results_wait_in_memory() -> None:
    """A cast of hundreds is worked on as it is written, in order: nothing far ahead is taken up."""
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(500):
            taken.append(item)
            yield item

    results = in_step(lambda item: item * 2, items())
    first = next(results)
    held = len(taken)

    assert [first, *results] == [2 * item for item in range(500)]
    assert held <= 8


def test_the_sheet_shows_pictures_and_names(tmp_path: Path) -> None:
    """The picture's colour is where the picture is, and the name leaves ink below it."""
    Image.new("RGB", (900, 1600), (0, 120, 120)).save(tmp_path / "ana.png")
    sheet = sheet_of(Card("ana", "Ana", "done", picture=tmp_path / "ana.png")).convert("RGB")
    layout = layout_of(1, True)
    left, top = layout.margin, layout.margin + layout.head
    middle = sheet.getpixel((left + layout.picture[0] // 2, top + layout.picture[1] // 2))
    caption = sheet.crop((left, top + layout.picture[1] + 1, left + layout.cell[0], top + layout.cell[1]))

    assert (sheet.size, middle) == (layout.size, (0, 120, 120))
    assert caption.convert("L").histogram()[:100] != [0] * 100


def test_a_cast_with_gaps_still_has_a_sheet(tmp_path: Path) -> None:
    """Missing, damaged and hostile entries get a plain card; no title needs no space."""
    (tmp_path / "broken.png").write_bytes(b"broken")
    cards = [
        Card("a", "\x00\u202e", "pending"),
        Card("b", "x" * 10_000, "done", picture=tmp_path / "broken.png"),
        Card("c", "🦊", "failed"),
    ]

    assert sheet_of(*cards, title="").size == layout_of(3, False).size


def test_the_same_cast_gives_the_same_sheet() -> None:
    """The bytes depend on the cast alone."""
    assert contact_sheet([Card("a", "Ana", "pending")], title="t") == contact_sheet(
        [Card("a", "Ana", "pending")], title="t"
    )


@given(st.integers(0, 5000), st.booleans())
def test_every_cast_fits_on_a_bounded_sheet(count: int, titled: bool) -> None:
    """All have a place, no row is empty, and the sheet stays within its pixels."""
    layout = layout_of(count, titled)

    assert layout.columns * (layout.rows - 1) < max(1, count) <= layout.columns * layout.rows
    assert layout.size[0] * layout.size[1] <= MOST_PIXELS
