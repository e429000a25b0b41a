"""A clock for tests that turns only by hand."""

from __future__ import annotations


class HandClock:
    """Seconds that pass only by :meth:`advance`; give it to an emulator as its ``clock``."""

    def __init__(self, start: float = 1000.0) -> None:
        self._now = start

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass."""
        self._now += seconds
