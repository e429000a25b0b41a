"""The quota of images per minute: a token bucket that refills evenly. Pure: time is an argument.

A request costs its ``n`` and one for every reference picture (captured: one edit with three references nearly
empties a tier of five a minute).
"""

from __future__ import annotations

from dataclasses import dataclass, field


def go_duration(seconds: float) -> str:
    """As Go writes it, and OpenAI's headers with it: ``1ms``, ``58.891s``, ``6m0s``."""
    milliseconds = max(0, round(seconds * 1000))
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    tail = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes or hours else "") + tail


@dataclass(frozen=True)
class Denial:
    """Why a request may not pass."""

    limit: int
    used: int
    requested: int
    wait: float | None
    """Seconds until it would pass; ``None``: never."""


@dataclass
class ImagesPerMinute:
    """At most *limit* pictures, made or looked at, in *seconds*, for every key."""

    limit: int
    seconds: float = 60.0
    _level: dict[str, tuple[float, float]] = field(default_factory=dict, repr=False)

    def left(self, key: str, now: float) -> float:
        """What may be asked for now."""
        level, since = self._level.get(key, (float(self.limit), now))
        return min(float(self.limit), level + (now - since) * self.limit / self.seconds)

    def reset(self, key: str, now: float) -> float:
        """Seconds until the bucket is full again."""
        return (self.limit - self.left(key, now)) * self.seconds / self.limit if self.limit else self.seconds

    def take(self, key: str, pictures: int, now: float) -> Denial | None:
        """Count a request, or say why not; a refused one costs nothing."""
        left = self.left(key, now)
        used = self.limit - int(left + 1e-9)
        if pictures > self.limit:
            return Denial(self.limit, used, pictures, None)
        short = pictures - left
        if short > 1e-9:  # less is rounding of the refill, not a debt
            return Denial(self.limit, used, pictures, short * self.seconds / self.limit)
        self._level[key] = (left - pictures, now)
        return None


def parse_limit(text: str) -> ImagesPerMinute:
    """A limit from ``N/SECONDS`` or ``N`` (a minute), as given on the command line.

    Raises:
        ValueError: the text has another form.
    """
    limit, slash, seconds = text.partition("/")
    return ImagesPerMinute(int(limit), float(seconds) if slash else 60.0)
