"""Lettering: text in any script, drawn on pictures.

:func:`draw_text` wraps by words (or by graphemes, where a word alone is too long or the script has no spaces), ends
what does not fit with an ellipsis, and takes for each stretch of text a font that has its glyphs
(:mod:`charimg.typefaces`). :func:`text_card` paints a whole card. The same call gives the same bytes on one machine.
"""

from __future__ import annotations

import colorsys
import hashlib
import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from PIL import Image, ImageDraw

from charimg.typefaces import OWN, Typeface, font_folders, spelled_out, typeface_for

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""
ELLIPSIS = "…"
_MOST_CHARACTERS = 3000
"""Longer texts are cut before they are laid out: no card has room for more."""
_SMALLEST = 6
"""Pixels; smaller letters cannot be read."""


@dataclass(frozen=True)
class Run:
    """A stretch of text in one typeface."""

    face: Typeface
    text: str

    def width(self, size: int) -> float:
        """Pixels it takes in letters of *size*."""
        font = self.face.font(size)
        scale = size / self.face.strike if self.face.strike else 1.0
        return font.getlength(self.text) * scale


@dataclass(frozen=True)
class Line:
    """One laid-out line, its runs from left to right."""

    runs: tuple[Run, ...]
    width: float
    """Pixels."""


def graphemes(text: str) -> list[str]:
    """*text* in pieces that must stay together: a letter with its marks, a conjunct, a joined emoji, a flag.

    The rules of Unicode Annex 29 that matter for wrapping, not all of them.
    """
    pieces: list[str] = []
    for char in text:
        if pieces and _belongs_to(pieces[-1], char):
            pieces[-1] += char
        else:
            pieces.append(char)
    return pieces


def _belongs_to(piece: str, char: str) -> bool:
    last = piece[-1]
    if unicodedata.category(char)[0] == "M" or char in "\u200c\u200d" or "\U0001f3fb" <= char <= "\U0001f3ff":
        return piece != " "
    if last == "\u200d" or unicodedata.combining(last) == 9:  # a joiner, or a virama that makes a conjunct
        return unicodedata.category(char) in {"Lo", "So"}
    return _is_flag_half(char) and len(piece) == 1 and _is_flag_half(piece)


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def cleaned(text: str) -> str:
    """*text* on one line: no control characters, no direction overrides, single spaces, composed letters."""
    kept = text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + ELLIPSIS
    shown = "".join(_shown(char) for char in kept)
    return unicodedata.normalize("NFC", " ".join(shown.split()))


def _shown(char: str) -> str:
    category = unicodedata.category(char)
    if category in {"Cc", "Zs", "Zl", "Zp"}:
        return " "
    if category == "Cf":
        return char if char in "\u200c\u200d" else ""
    return "" if category in {"Cs", "Cn", "Co"} else char


@lru_cache(maxsize=2048)
def _runs(text: str, folders: tuple[str, ...]) -> tuple[Run, ...]:
    """*text* in runs, in reading order; what no font can draw is spelled out."""
    if OWN.covers(text):
        return (Run(OWN, text),)
    chosen: list[tuple[Typeface | None, str]] = []
    for piece in graphemes(text):
        before = chosen[-1][0] if chosen else None
        neutral = unicodedata.category(piece[0])[0] in "PZ"
        if chosen and neutral and (before is None or (before.strike is None and before.covers(piece))):
            chosen.append((before, piece))
        else:
            chosen.append((typeface_for(piece, folders), piece))
    runs: list[Run] = []
    for face, group in groupby(chosen, key=lambda entry: entry[0]):
        together = "".join(piece for _, piece in group)
        runs.append(Run(OWN, spelled_out(together)) if face is None else Run(face, together))
    return tuple(runs)


def _drawable(text: str) -> str:
    """*text* with everything that no font can draw spelled out, so that it can be wrapped like any other."""
    return "".join(run.text for run in _runs(text, font_folders()))


def _reads_from_right(text: str) -> bool:
    directions = (unicodedata.bidirectional(char) for char in text)
    return next((found in {"R", "AL"} for found in directions if found in {"L", "R", "AL"}), False)


def _line(text: str, size: int) -> Line:
    return _line_from(text, size, font_folders())


@lru_cache(maxsize=8192)
def _line_from(text: str, size: int, folders: tuple[str, ...]) -> Line:
    runs = _runs(text, folders)
    if _reads_from_right(text) and any(run.face != OWN for run in runs):
        runs = runs[::-1]
    return Line(runs, sum(run.width(size) for run in runs))


def lay_out(text: str, *, size: int, width: int, max_lines: int) -> tuple[Line, ...]:
    """Break *text* into at most *max_lines* lines of at most *width* pixels, in letters of *size* pixels.

    What does not fit ends in an ellipsis. A single grapheme wider than *width* still gets its line.
    """
    if max_lines < 1:
        return ()
    lines: list[str] = []
    line, filled = "", 0.0
    for piece, gap in _pieces(_drawable(cleaned(text)), size, width):
        wide = _line(gap + piece if line else piece, size).width
        if line and filled + wide > width:
            lines.append(line)
            line, filled = "", 0.0
            if len(lines) == max_lines:
                lines[-1] = _shortened(lines[-1], size, width)
                return tuple(_line(one, size) for one in lines)
            wide = _line(piece, size).width
        line += gap + piece if line else piece
        filled += wide
    if line:
        lines.append(line)
    return tuple(_line(one, size) for one in lines)


def _pieces(text: str, size: int, width: int) -> Iterator[tuple[str, str]]:
    """What must not be broken, each with the space before it: words, or graphemes where words must be broken."""
    for word in text.split(" "):
        gap = " "
        wide = any(unicodedata.east_asian_width(char) in "WF" for char in word)
        if wide or _line(word, size).width > width:
            for piece in graphemes(word):
                yield piece, gap
                gap = ""
        elif word:
            yield word, gap


def _shortened(text: str, size: int, width: int) -> str:
    """*text* with an ellipsis, cut so that both fit into *width*."""
    pieces = graphemes(text)
    fewest, most = 0, len(pieces)
    while fewest < most:
        middle = (fewest + most + 1) // 2
        if _line("".join(pieces[:middle]).rstrip() + ELLIPSIS, size).width <= width:
            fewest = middle
        else:
            most = middle - 1
    return "".join(pieces[:fewest]).rstrip() + ELLIPSIS


def line_height(lines: Sequence[Line], size: int) -> int:
    """Pixels from one line to the next: other scripts stand taller than Latin."""
    own = all(run.face == OWN for line in lines for run in line.runs)
    return round(size * (1.32 if own else 1.5))


def draw_text(
    image: Image.Image,
    text: str,
    *,
    at: tuple[int, int],
    width: int,
    size: int,
    fill: Colour,
    max_lines: int = 1,
    align: str = "left",
) -> int:
    """Draw *text* on *image* into the column that begins *at* its upper left corner; return the height used.

    Args:
        image: an RGB picture; it is changed.
        text: in any script; control characters are dropped.
        at: upper left corner of the column, in pixels.
        width: of the column, in pixels.
        size: of the letters, in pixels.
        fill: colour of the letters (colour emoji keep theirs).
        max_lines: lines at most; the last one ends in an ellipsis when there is more.
        align: ``"left"`` or ``"center"``. Text that reads from the right is set at the right instead of the left.
    """
    lines = lay_out(text, size=size, width=width, max_lines=max_lines)
    step = line_height(lines, size)
    left, top = at
    from_right = _reads_from_right(cleaned(text)) and any(run.face != OWN for line in lines for run in line.runs)
    for number, line in enumerate(lines):
        spare = max(0.0, width - line.width)
        x = left + (spare / 2 if align == "center" else spare if from_right else 0.0)
        for run in line.runs:
            _draw_run(image, run, (round(x), top + number * step + round(step * 0.76)), size, fill)
            x += run.width(size)
    return len(lines) * step


def _draw_run(image: Image.Image, run: Run, at: tuple[int, int], size: int, fill: Colour) -> None:
    """Draw *run*; *at* is where its baseline begins."""
    x, baseline = at
    font = run.face.font(size)
    if run.face.strike is None:
        ImageDraw.Draw(image).text((x, baseline), run.text, font=font, fill=fill, anchor="ls", embedded_color=True)
        return
    tall = run.face.strike * 5 // 4
    layer = Image.new("RGBA", (max(1, round(font.getlength(run.text))), tall), (0, 0, 0, 0))
    ImageDraw.Draw(layer).text((0, run.face.strike), run.text, font=font, anchor="ls", embedded_color=True)
    scale = size / run.face.strike
    small = layer.resize((max(1, round(layer.width * scale)), max(1, round(tall * scale))), Image.Resampling.LANCZOS)
    image.paste(small, (x, baseline - size), small)


@dataclass(frozen=True)
class Palette:
    """Colours that go together, from the hash of a text."""

    top: Colour
    bottom: Colour
    accent: Colour
    ink: Colour
    """For large letters; at least 7:1 on the ground."""
    text: Colour
    """For small letters; at least 4.5:1 on the ground."""


def palette_of(text: str) -> Palette:
    """The calm colours of *text*: always the same for the same text."""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    hue = digest[0] / 256

    def colour(turn: float, lightness: float, saturation: float) -> Colour:
        red, green, blue = colorsys.hls_to_rgb((hue + turn) % 1.0, lightness, saturation)
        return (round(red * 255), round(green * 255), round(blue * 255))

    turn = (digest[1] / 255 - 0.5) * 0.22
    return Palette(
        top=colour(0.0, 0.955, 0.5),
        bottom=colour(turn, 0.87, 0.42),
        accent=colour(turn, 0.6, 0.42),
        ink=colour(0.0, 0.17, 0.35),
        text=colour(0.0, 0.28, 0.2),
    )


def text_card(title: str, lines: Sequence[str], *, width: int, height: int) -> bytes:
    """Paint a card with a large *title* and wrapped *lines* under it, as PNG bytes of *width* by *height* pixels.

    The letters shrink until all fits, down to a readable size; then the lines end in an ellipsis. Colours follow
    from the title.
    """
    palette = palette_of(title)
    image = _ground(palette, width, height, title)
    margin = max(4, min(width, height) // 11)
    column = max(1, width - 2 * margin)
    title_size = max(_SMALLEST, min(width // 9, height // 7))
    text_size = max(_SMALLEST, round(title_size * 0.44))
    title_lines = lay_out(title, size=title_size, width=column, max_lines=3)
    used = len(title_lines) * line_height(title_lines, title_size)
    y = margin
    draw_text(image, title, at=(margin, y), width=column, size=title_size, fill=palette.ink, max_lines=3)
    y += used + title_size // 3
    rule = max(2, title_size // 12)
    ImageDraw.Draw(image).rounded_rectangle(
        (margin, y, margin + min(column, title_size * 2), y + rule), radius=rule // 2, fill=palette.accent
    )
    y += rule + title_size // 2
    room = height - margin - y
    while text_size > max(_SMALLEST, width // 40) and _needed(lines, text_size, column) > room:
        text_size = text_size * 5 // 6
    for text in lines:
        step = round(text_size * 1.5)
        fitting = (height - margin - y) // step
        if fitting < 1:
            break
        y += draw_text(image, text, at=(margin, y), width=column, size=text_size, fill=palette.text, max_lines=fitting)
        y += text_size // 2
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _needed(lines: Sequence[str], size: int, width: int) -> int:
    """Pixels of height that *lines* take in letters of *size*."""
    total = 0
    for text in lines:
        laid = lay_out(text, size=size, width=width, max_lines=200)
        total += len(laid) * line_height(laid, size) + size // 2
    return total


def _ground(palette: Palette, width: int, height: int, text: str) -> Image.Image:
    """The card's ground: a soft gradient with a few large pale discs, placed by the hash of *text*."""
    column = Image.linear_gradient("L").resize((width, height))
    image = Image.composite(
        Image.new("RGB", (width, height), palette.bottom), Image.new("RGB", (width, height), palette.top), column
    )
    digest = hashlib.sha256(b"discs" + text.encode("utf-8", "replace")).digest()
    scale = 2
    mask = Image.new("L", (width * scale, height * scale), 0)
    brush = ImageDraw.Draw(mask)
    reach = max(width, height) * scale
    for number in range(3):
        radius = reach * (18 + digest[number] % 16) // 100
        x = width * scale * (30 + digest[number + 4] % 80) // 100
        y = height * scale * (62 + digest[number + 8] % 45) // 100
        brush.ellipse((x - radius, y - radius, x + radius, y + radius), fill=22 + number * 10)
    image.paste(palette.accent, (0, 0), mask.resize((width, height), Image.Resampling.LANCZOS))
    return image
