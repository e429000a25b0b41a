"""Colours and chance: reckoning with ``#rrggbb`` texts, the grounds of the backdrops, and :class:`Dice`; pure."""

from __future__ import annotations

import colorsys
import hashlib
import math
from collections.abc import Sequence
from typing import TypeVar

from charimg_avatar.vocabulary import SHADES

T = TypeVar("T")


class Dice:
    """Choices that depend on a text alone: the same text and question always give the same answer."""

    def __init__(self, text: str) -> None:
        self._text = text

    def number(self, question: str) -> float:
        """A number from 0 up to 1."""
        digest = hashlib.sha256(f"{self._text}\0{question}".encode()).digest()
        return int.from_bytes(digest[:7], "big") / 2**56

    def pick(self, question: str, options: Sequence[T]) -> T:
        """One of *options*, each as likely."""
        return options[int(self.number(question) * len(options))]

    def chance(self, question: str, probability: float) -> bool:
        """Yes with *probability*."""
        return self.number(question) < probability


GROUNDS: tuple[tuple[str, str], ...] = (
    ("#f7cfb4", "#fbdfcb"),
    ("#f6dc93", "#fae8b6"),
    ("#b9ddc9", "#cfe9da"),
    ("#b3d6ec", "#cbe3f3"),
    ("#cbc1ea", "#dad3f2"),
    ("#f2bcc6", "#f7d0d7"),
    ("#e2d2b5", "#ece0ca"),
    ("#94c9c3", "#aed8d3"),
    ("#f3a88e", "#f7bfaa"),
    ("#9fb8da", "#b6cae5"),
    ("#c1cf9f", "#d1dcb6"),
    ("#f3bd59", "#f7cd7f"),
    ("#d89a78", "#e2b096"),
    ("#8fb39a", "#a6c5af"),
    ("#b58bb0", "#c6a3c1"),
    ("#6f8fb3", "#86a2c1"),
)
"""Grounds and their tones, soft enough for a whole gallery of them to hang together."""

NIGHTS: tuple[tuple[str, str], ...] = (("#2f3b63", "#3d4b78"), ("#43376b", "#524681"), ("#22465c", "#2e5870"))
"""Grounds of the starry backdrop."""


def rgb(colour: str) -> tuple[float, float, float]:
    """Red, green and blue, each 0 to 1."""
    return int(colour[1:3], 16) / 255, int(colour[3:5], 16) / 255, int(colour[5:7], 16) / 255


def _hex(parts: Sequence[float]) -> str:
    return "#" + "".join(f"{round(min(1.0, max(0.0, part)) * 255):02x}" for part in parts)


def mixed(one: str, other: str, share: float) -> str:
    """*one* with *share* (0..1) of *other* in it."""
    return _hex([a + (b - a) * share for a, b in zip(rgb(one), rgb(other), strict=True)])


def shaded(colour: str, shade: str | None) -> str:
    """*colour* as a word of :data:`charimg_avatar.vocabulary.SHADES` changes it."""
    if shade not in SHADES:
        return colour
    hue, light, saturation = colorsys.rgb_to_hls(*rgb(colour))
    factor = {
        "dark": 0.62,
        "deep": 0.75,
        "light": 1.3,
        "pale": 1.4,
        "bright": 1.1,
        "soft": 1.1,
        "faded": 1.15,
    }
    colourful = {
        "bright": 1.2,
        "vivid": 1.3,
        "deep": 1.1,
        "dull": 0.6,
        "faded": 0.6,
        "dusty": 0.6,
        "pale": 0.9,
    }
    light = min(0.93, light * factor.get(shade, 1.0))
    return _hex(colorsys.hls_to_rgb(hue, light, min(1.0, saturation * colourful.get(shade, 1.0))))


def distance(one: str, other: str) -> float:
    """How different two colours look, roughly: the redmean formula (https://www.compuphase.com/cmetric.htm)."""
    (r1, g1, b1), (r2, g2, b2) = rgb(one), rgb(other)
    mean = (r1 + r2) / 2
    squared: float = (2 + mean) * (r1 - r2) ** 2 + 4 * (g1 - g2) ** 2 + (3 - mean) * (b1 - b2) ** 2
    return math.sqrt(squared)
