"""From a shape such as ``9:16`` to the nearest a service knows, or to pixels."""

from __future__ import annotations

import math
from collections.abc import Iterable

from charimg.errors import InvalidRequestError

MEGAPIXEL = 1_048_576
"""Pixels of a square of 1024, which most models were taught with."""


def proportion(ratio: str) -> float:
    """Width divided by height of ``"W:H"``.

    :raises InvalidRequestError: it is not of this form, with two numbers above zero.
    """
    across, _, down = ratio.partition(":")
    try:
        value = float(across) / float(down)
    except (ValueError, ZeroDivisionError):
        value = 0.0
    if not 0 < value < math.inf:
        raise InvalidRequestError(f"the aspect ratio '{ratio}' is not of the form W:H, as 9:16")
    return value


def nearest(ratio: str, known: Iterable[str]) -> str:
    """The one of the *known* ratios, ``"W:H"`` each, whose shape is nearest.

    :raises InvalidRequestError: *ratio* is not of the form ``W:H``.
    """
    wanted = proportion(ratio)
    return min(known, key=lambda one: _distance(proportion(one), wanted))


def nearest_size(ratio: str, sizes: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """The one of the *sizes*, width and height in pixels, whose shape is nearest.

    :raises InvalidRequestError: *ratio* is not of the form ``W:H``.
    """
    wanted = proportion(ratio)
    return min(sizes, key=lambda size: _distance(size[0] / size[1], wanted))


def size_for(ratio: str, pixels: int = MEGAPIXEL, multiple_of: int = 16) -> tuple[int, int]:
    """Width and height of this shape with about so many pixels, both multiples of *multiple_of*.

    :raises InvalidRequestError: *ratio* is not of the form ``W:H``.
    """
    wanted = proportion(ratio)
    width = math.sqrt(pixels * wanted)
    return _rounded(width, multiple_of), _rounded(width / wanted, multiple_of)


def _rounded(length: float, multiple_of: int) -> int:
    return max(1, round(length / multiple_of)) * multiple_of


def _distance(one: float, other: float) -> float:
    """How far two shapes are apart; twice as wide is as far as twice as high."""
    return abs(math.log(one / other))
