"""The contact sheet: one picture of the whole cast, every character with its name under it."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageOps
from PIL.PngImagePlugin import PngInfo

from charimg.gallery.cards import Card
from charimg.gallery.thumbnails import in_step, small_copy
from charimg.lettering import draw_text, graphemes, lay_out, line_height, palette_of

MOST_PIXELS = 24_000_000
"""Width times height of a sheet at most: every viewer opens that, and it prints well on A3."""
_LARGEST, _LEAST = 480, 40
"""Width of a picture on the sheet, in pixels."""
_GROUND = (250, 247, 241)
_INK = (34, 28, 21)
_SOFT = (101, 91, 79)
_SHAPE = (3, 4)
"""Width to height of a picture on the sheet, as on the page's cards."""
_FOCUS = (0.5, 0.22)
"""What a cut keeps: people's faces are in the upper part of a picture."""


@dataclass(frozen=True)
class Layout:
    """Where everything goes, in pixels."""

    columns: int
    rows: int
    picture: tuple[int, int]
    caption: int
    """Size of the letters of a name; two lines of them fit under a picture."""
    gap: int
    margin: int
    head: int
    """Height of the title with the space below it."""

    @property
    def cell(self) -> tuple[int, int]:
        """Width and height of a picture with its name."""
        return (self.picture[0], self.picture[1] + round(self.caption * 3.7))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the sheet."""
        width = 2 * self.margin + self.columns * (self.cell[0] + self.gap) - self.gap
        height = 2 * self.margin + self.head + self.rows * (self.cell[1] + self.gap) - self.gap
        return (width, height)


def layout_of(count: int, titled: bool) -> Layout:
    """A layout for *count* characters, a little wider than high, of at most :data:`MOST_PIXELS` pixels.

    Beyond some 6,000 characters the pictures stay as small as they are, and the sheet grows.
    """
    count = max(1, count)
    columns = min(count, max(min(count, 3), round(math.sqrt(count * 1.9))))
    rows = math.ceil(count / columns)
    columns = math.ceil(count / rows)  # no row much emptier than the others
    layouts = (_layout(columns, rows, across, titled) for across in range(_LARGEST, _LEAST - 1, -10))
    fitting = (layout for layout in layouts if layout.size[0] * layout.size[1] <= MOST_PIXELS)
    return next(fitting, _layout(columns, rows, _LEAST, titled))


def _layout(columns: int, rows: int, across: int, titled: bool) -> Layout:
    """The layout with pictures *across* pixels wide."""
    return Layout(
        columns=columns,
        rows=rows,
        picture=(across, across * _SHAPE[1] // _SHAPE[0]),
        caption=max(9, across // 15),
        gap=max(6, across // 11),
        margin=max(16, across // 5),
        head=round(across * 0.42) if titled else 0,
    )


def contact_sheet(cards: Sequence[Card], *, title: str, drawn: Callable[[int], None] = lambda _count: None) -> bytes:
    """Draw *cards* with their names under *title*; PNG bytes.

    A character without a picture gets a plain card with the first letter of its name.

    :param drawn: told how many cards are drawn so far.
    """
    layout = layout_of(len(cards), bool(title))
    sheet = Image.new("RGB", layout.size, _GROUND)
    column = layout.size[0] - 2 * layout.margin
    if title:
        size = _fitting(title, max(14, layout.head // 2), column)
        at = (layout.margin, layout.margin - size // 4)
        draw_text(sheet, title, at=at, width=column, size=size, fill=_INK)
    corners = _rounded(layout.picture)
    pictures = in_step(lambda card: _picture(card, layout), cards)
    for number, (card, picture) in enumerate(zip(cards, pictures, strict=True)):
        row, place = divmod(number, layout.columns)
        x = layout.margin + place * (layout.cell[0] + layout.gap)
        y = layout.margin + layout.head + row * (layout.cell[1] + layout.gap)
        sheet.paste(picture, (x, y), corners)
        draw_text(
            sheet,
            card.name,
            at=(x, y + layout.picture[1] + layout.caption // 2),
            width=layout.picture[0],
            size=layout.caption,
            fill=_INK if card.picture is not None else _SOFT,
            max_lines=2,
            align="center",
        )
        drawn(number + 1)
    out = io.BytesIO()
    about = PngInfo()
    about.add_text("Software", "charimg gallery")
    sheet.save(out, "PNG", compress_level=6, pnginfo=about)
    return out.getvalue()


def _fitting(text: str, size: int, width: int) -> int:
    """The largest size up to *size* at which *text* is one line of *width*; at least half of it."""
    smallest = max(12, size // 2)
    while size > smallest and len(lay_out(text, size=size, width=width, max_lines=2)) > 1:
        size -= max(1, size // 12)
    return size


def _picture(card: Card, layout: Layout) -> Image.Image:
    width, height = layout.picture
    copy = None if card.picture is None else small_copy(card.picture, 2 * height)
    if copy is not None:
        ground = Image.new("RGB", copy.size, palette_of(card.key).bottom)
        ground.paste(copy, mask=copy if copy.mode == "RGBA" else None)
        return ImageOps.fit(ground, layout.picture, Image.Resampling.LANCZOS, centering=_FOCUS)
    palette = palette_of(card.key)
    blank = Image.new("RGB", layout.picture, palette.bottom)
    initial = next((piece for piece in graphemes(card.name) if piece.strip()), "?")
    size = width * 2 // 5
    step = line_height(lay_out(initial, size=size, width=width, max_lines=1), size)
    draw_text(blank, initial, at=(0, (height - step) // 2), width=width, size=size, fill=palette.text, align="center")
    return blank


def _rounded(size: tuple[int, int]) -> Image.Image:
    """A mask with round corners, drawn at four times the size so that they are smooth."""
    large = Image.new("L", (size[0] * 4, size[1] * 4), 0)
    ImageDraw.Draw(large).rounded_rectangle((0, 0, *large.size), radius=size[0] // 4, fill=255)
    return large.resize(size, Image.Resampling.LANCZOS)
