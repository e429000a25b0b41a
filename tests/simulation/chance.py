"""Chance without a sequence: every number follows from the seed and a name, so that taking one away moves no other."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """All the luck of one scenario."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def unit(self, *name: object) -> float:
        """A number from 0 to 1 (never 1)."""
        words = ":".join(map(str, (self._seed, *name)))
        return int.from_bytes(hashlib.blake2b(words.encode(), digest_size=7).digest(), "big") / (1 << 56)

    def happens(self, share: float, *name: object) -> bool:
        """Whether it happens that happens in so large a share of all worlds."""
        return self.unit(*name) < share

    def between(self, low: float, high: float, *name: object) -> float:
        """A number from *low* to *high*."""
        return low + (high - low) * self.unit(*name)

    def whole(self, low: int, high: int, *name: object) -> int:
        """A whole number from *low* to *high*, both included."""
        return low + int(self.unit(*name) * (high - low + 1))

    def one_of(self, choices: Sequence[T], *name: object) -> T:
        """One of them."""
        return choices[int(self.unit(*name) * len(choices))]

    def scale(self, low: float, high: float, *name: object) -> float:
        """A number from *low* to *high* whose order of magnitude is even: early moments are as likely as late ones."""
        return float(low * (high / low) ** self.unit(*name))
