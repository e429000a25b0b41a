"""Typefaces: which font can draw a piece of text, and what to write where none can.

Pillow's own font draws Latin text everywhere. For all else the usual font folders of Linux, macOS and Windows are
looked through once, well-known families first, and a font is taken when it really has the glyphs. Where no font
has them the text is spelled in Latin letters from the Unicode names (:func:`spelled_out`), which is readable, and
which empty boxes are not. Everything found is remembered for the life of the process; the search is bounded.
"""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont, features

_MOST_FILES = 20_000
"""Font files looked at in all folders together: a bound for strange machines."""
_MOST_TRIED = 48
"""Fonts opened for one script before giving up."""
_PROBE_SIZE = 24
_STRIKES = (109, 160, 136, 128, 96, 64, 40, 32)
"""Pixel sizes that colour bitmap fonts come in (Noto Color Emoji: 109; Apple Color Emoji: 160 and smaller)."""
_NO_CHARACTER = "\U0010fffe"
"""A noncharacter: drawing it shows a font's glyph for what it lacks."""

_FAMILIES = (
    "notosansregular",
    "dejavusans",
    "segoeui",
    "arialunicode",
    "nirmala",
    "arial",
    "helveticaneue",
    "liberationsansregular",
    "notosanssymbols2regular",
    "notosanssymbolsregular",
    "segoeuisymbol",
    "seguisym",
    "applesymbols",
)
"""Families for any script, best first, as their file names begin without punctuation."""
_CJK = ("notosanscjk", "sourcehansans", "pingfang", "hiragino", "msyh", "yugoth", "wqy", "droidsansfallback", "simsun")
_FAMILIES_OF_SCRIPT = {
    "BENGALI": ("kohinoorbangla", "banglamn", "banglasangam", "lohitbengali", "nirmala", "vrinda"),
    "DEVANAGARI": ("kohinoordevanagari", "devanagarimt", "nirmala", "mangal"),
    "CJK": _CJK,
    "HIRAGANA": ("notosansjp", "hiragino", "yugoth", "meiryo", *_CJK),
    "KATAKANA": ("notosansjp", "hiragino", "yugoth", "meiryo", *_CJK),
    "HANGUL": ("notosanskr", "applesdgothic", "malgun", "nanumgothic", *_CJK),
    "ARABIC": ("geezapro", "segoeui", "tahoma"),
    "": ("notocoloremoji", "applecoloremoji", "seguiemj", "notoemoji", "symbola"),
}
_PLAINLY = re.compile("bold|italic|oblique|condensed|light|thin|black|mono|serif|looped|slanted|ui")
_NEEDS_SHAPING = frozenset(
    [
        *("ARABIC", "BENGALI", "DEVANAGARI", "GUJARATI", "GURMUKHI", "HEBREW", "KANNADA", "KHMER", "LAO", "MALAYALAM"),
        *("MONGOLIAN", "MYANMAR", "ORIYA", "SINHALA", "SYRIAC", "TAMIL", "TELUGU", "THAANA", "THAI", "TIBETAN"),
    ]
)
"""Scripts that are wrong, not merely plain, when glyphs are set one after the other in memory order."""
_SYLLABLE_SCRIPTS = frozenset(["HANGUL", "HIRAGANA", "KATAKANA"])
_PUNCTUATION = {"–": "-", "—": "-", "−": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "…": "...", "।": ".", "€": "EUR"}


@dataclass(frozen=True)
class Typeface:
    """One font file, in whatever size is asked for."""

    path: str | None
    """The file; ``None`` for the font that Pillow brings along."""
    strike: int | None = None
    """The only pixel size of a colour bitmap font; it is scaled after drawing."""

    def font(self, size: int) -> ImageFont.FreeTypeFont:
        """The font in *size* pixels (a bitmap font: in its own size)."""
        return _opened(self.path, self.strike or size, plain=False)

    def covers(self, text: str) -> bool:
        """Whether the font has a glyph for every visible character of *text*."""
        return all(_has_glyph(self, char) for char in text)


OWN = Typeface(None)
"""Pillow's own font: Latin letters, on every machine."""


def font_folders() -> tuple[str, ...]:
    """The folders in which this system keeps fonts, the user's own first."""
    home = Path.home()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", str(home / "AppData" / "Local"))
        system = os.environ.get("WINDIR", r"C:\Windows")
        return (str(Path(local, "Microsoft", "Windows", "Fonts")), str(Path(system, "Fonts")))
    if sys.platform == "darwin":
        return (str(home / "Library" / "Fonts"), "/Library/Fonts", "/System/Library/Fonts")
    mine = (str(home / ".local" / "share" / "fonts"), str(home / ".fonts"))
    return (*mine, "/usr/local/share/fonts", "/usr/share/fonts")


def typeface_for(text: str, folders: tuple[str, ...]) -> Typeface | None:
    """The first typeface that has all of *text* (one grapheme, or a few of one script); ``None`` if none has."""
    if OWN.covers(text):
        return OWN
    return _system_typeface(text, folders)


def script_of(char: str) -> str:
    """The script of a letter as its Unicode name begins (``"BENGALI"``, ``"CJK"``); empty for symbols and emoji."""
    if unicodedata.category(char)[0] not in "LMN":
        return ""
    return re.split("[ -]", unicodedata.name(char, ""), maxsplit=1)[0]


def spelled_out(text: str) -> str:
    """*text* in Latin letters as far as the Unicode names of its characters tell: what to draw when no font can.

    Indian scripts, kana and Hangul are read syllable by syllable (``গোপাল`` becomes ``gopaala``); letters with marks
    lose the marks; emoji become their names; a run of another script becomes the script's name, ``‹Arabic›``.
    The angle quotes and the rest are in Pillow's own font.
    """
    said: list[str] = []
    for char in text:
        part = _PUNCTUATION.get(char) or (char if OWN.covers(char) else _spelled_char(char, said))
        if part.startswith("‹") and said and said[-1] == part:
            continue
        said.append(part)
    return "".join(said)


def _spelled_char(char: str, said: list[str]) -> str:
    """One character's spelling; a vowel sign or a virama first takes the inherent ``a`` off what was *said* last."""
    name = unicodedata.name(char, "")
    if " SIGN VIRAMA" in name or " VOWEL SIGN " in name:
        if said and said[-1].endswith("a"):
            said[-1] = said[-1][:-1]
        return name.rpartition(" ")[2].lower() if " VOWEL SIGN " in name else ""
    category = unicodedata.category(char)
    if category[0] in "MCZ":
        return {"Z": " "}.get(category[0], "n" if name.endswith((" ANUSVARA", " CANDRABINDU")) else "")
    if category == "Nd":
        return str(unicodedata.digit(char))
    latin = re.match(r"LATIN (SMALL|CAPITAL) (?:LETTER|LIGATURE) ([A-Z]{1,2})\b", name)
    if latin:
        return latin[2].lower() if latin[1] == "SMALL" else latin[2].title()
    syllable = re.match(r"(\w+) (?:LETTER|SYLLABLE)(?: SMALL)? (?:VOCALIC |KHANDA )?(\w+)$", name)
    if syllable and (syllable[1] in _SYLLABLE_SCRIPTS or _has_virama(syllable[1])):
        return syllable[2].lower()
    if category[0] == "L":
        script = script_of(char)
        return f"‹{'Chinese' if script == 'CJK' else script.capitalize() or '?'}›"
    return f"‹{name.lower() or '?'}›"


@lru_cache(maxsize=64)
def _has_virama(script: str) -> bool:
    try:
        unicodedata.lookup(f"{script} SIGN VIRAMA")
    except KeyError:
        return False
    return True


@lru_cache(maxsize=4096)
def _system_typeface(text: str, folders: tuple[str, ...]) -> Typeface | None:
    script = next((found for char in text if (found := script_of(char))), "")
    if script in _NEEDS_SHAPING and not features.check("raqm"):
        return None
    return next((face for face in _typefaces_of_script(script, folders) if face.covers(text)), None)


@lru_cache(maxsize=128)
def _typefaces_of_script(script: str, folders: tuple[str, ...]) -> tuple[Typeface, ...]:
    """Fonts worth trying for *script*, best first; each one can be opened."""
    own = (f"notosans{script.lower()}",) if script else ()
    wanted = (*own, *_FAMILIES_OF_SCRIPT.get(script, ()), *_FAMILIES)

    def rank(stem: str) -> tuple[int, bool, str]:
        place = next((place for place, family in enumerate(wanted) if stem.startswith(family)), len(wanted))
        if place == len(wanted) and script.lower() not in stem:
            place += 1
        return (place, _PLAINLY.search(stem) is not None, stem)

    stems = {path: re.sub(r"[^a-z0-9]", "", Path(path).stem.lower()) for path in _font_files(folders)}
    ordered = sorted(stems, key=lambda path: rank(stems[path]))
    opened = (_typeface(path) for path in ordered[:_MOST_TRIED])
    return tuple(face for face in opened if face is not None)


@lru_cache(maxsize=8)
def _font_files(folders: tuple[str, ...]) -> tuple[str, ...]:
    def walk() -> Iterator[str]:
        for folder in folders:
            for base, below, names in os.walk(folder):
                below.sort()
                yield from (str(Path(base, name)) for name in sorted(names))

    found = (path for path, _ in zip(walk(), range(_MOST_FILES), strict=False))
    return tuple(path for path in found if path.lower().endswith((".ttf", ".otf", ".ttc")))


@lru_cache(maxsize=512)
def _typeface(path: str) -> Typeface | None:
    """The file as a typeface; ``None`` where FreeType cannot use it."""
    for strike in (None, *_STRIKES):
        try:
            _opened(path, strike or _PROBE_SIZE, plain=False)
        except OSError as error:
            if "pixel size" not in str(error):
                return None
        else:
            return Typeface(path, strike)
    return None


@lru_cache(maxsize=256)
def _opened(path: str | None, size: int, *, plain: bool) -> ImageFont.FreeTypeFont:
    """The font; *plain* sets glyph by glyph, so that one character is one glyph."""
    engine = ImageFont.Layout.BASIC if plain or not features.check("raqm") else ImageFont.Layout.RAQM
    if path is not None:
        return ImageFont.truetype(path, size, layout_engine=engine)
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # so it is wherever Pillow has FreeType: in all its wheels
    return font.font_variant(layout_engine=engine)


@lru_cache(maxsize=16384)
def _has_glyph(face: Typeface, char: str) -> bool:
    if unicodedata.category(char) in {"Zs", "Zl", "Zp", "Cc", "Cf"} or "\ufe00" <= char <= "\ufe0f":
        return True
    font = _opened(face.path, face.strike or _PROBE_SIZE, plain=True)
    drawn = font.getmask(char)
    size, ink = drawn.size, bytes(drawn)
    return any(ink) and (size, ink) != _missing(face)


@lru_cache(maxsize=512)
def _missing(face: Typeface) -> tuple[tuple[int, int], bytes]:
    drawn = _opened(face.path, face.strike or _PROBE_SIZE, plain=True).getmask(_NO_CHARACTER)
    return (drawn.size, bytes(drawn))
