"""Quota models: so many in a window, so many a day, so many at once. Pure: time is an argument.

They combine. Every limit is asked first and only then does every limit count the request, so a request
that one of them refuses costs nothing at the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

GENERATION = frozenset({"generate", "recipe", "imagefx", "edit"})
"""Endpoints that make a picture."""
UPLOADS = frozenset({"upload", "upload-asset"})
"""Endpoints that store one of the user's own."""
DAY = 86400.0


@dataclass(frozen=True)
class Ask:
    """A request as the limits see it."""

    account: str
    endpoint: str
    model: str | None
    pictures: int
    """How much it counts: candidates asked for, 1 for an upload."""
    now: float
    """Seconds on the emulator's clock."""


@dataclass(frozen=True)
class Denial:
    """Why a limit refuses: the public reason and, where it can be known, the seconds until it would not."""

    reason: str
    wait: float | None


class Limit(Protocol):
    """What the emulator asks of a quota model."""

    def refuses(self, ask: Ask) -> Denial | None:
        """The denial, or ``None`` when the request may pass; nothing is taken."""

    def take(self, ask: Ask) -> None:
        """Count an accepted request."""

    def give_back(self, ask: Ask) -> None:
        """The request is finished."""


@dataclass
class Window:
    """At most *limit* pictures in any (or each) window of *seconds*, for each account.

    ``shape``: ``"sliding"`` looks back *seconds* from now; ``"fixed"`` opens a window at the first request
    and empties it when it ends; ``"bucket"`` refills evenly and holds *limit* at most.
    """

    limit: int
    seconds: float
    endpoints: frozenset[str] = GENERATION
    model: str | None = None
    """Only requests of this model count; ``None`` for all."""
    reason: str = "USER_REQUESTS_THROTTLED"
    shape: str = "sliding"
    counts_refused: bool = False
    """A refused request also counts, as at services that punish impatience."""
    _taken: dict[str, list[tuple[float, int]]] = field(default_factory=dict, repr=False)
    _level: dict[str, tuple[float, float]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.shape not in ("sliding", "fixed", "bucket"):
            raise ValueError(f"no window has the shape {self.shape!r}: sliding, fixed or bucket")

    def _concerns(self, ask: Ask) -> bool:
        return ask.endpoint in self.endpoints and self.model in (None, ask.model)

    def _wait(self, ask: Ask) -> float:
        """Seconds until *ask* would pass; 0 when it passes now."""
        if self.shape == "bucket":
            short = ask.pictures - self._refilled(ask)
            return max(0.0, short * self.seconds / self.limit) if self.limit else self.seconds
        taken = self._counting(ask)
        over = sum(n for _, n in taken) + ask.pictures - self.limit
        if over <= 0:
            return 0.0
        if self.shape == "fixed" and taken:
            return taken[0][0] + self.seconds - ask.now
        for when, n in taken:
            over -= n
            if over <= 0:
                return when + self.seconds - ask.now
        return self.seconds

    def _counting(self, ask: Ask) -> list[tuple[float, int]]:
        """What was taken, when and how much, and still counts at the time of *ask*."""
        taken = self._taken.get(ask.account, [])
        if self.shape == "fixed":
            return [] if taken and ask.now - taken[0][0] >= self.seconds else taken
        return [(when, n) for when, n in taken if ask.now - when < self.seconds]

    def _refilled(self, ask: Ask) -> float:
        level, since = self._level.get(ask.account, (float(self.limit), ask.now))
        return min(float(self.limit), level + (ask.now - since) * self.limit / self.seconds)

    def refuses(self, ask: Ask) -> Denial | None:
        """See :class:`Limit`."""
        if not self._concerns(ask):
            return None
        wait = self._wait(ask)
        # Under a hair's breadth is rounding of the refill, not a debt.
        if wait <= 1e-9:
            return None
        if self.counts_refused:
            self.take(ask)
        return Denial(self.reason, wait)

    def take(self, ask: Ask) -> None:
        """See :class:`Limit`."""
        if not self._concerns(ask):
            return
        if self.shape == "bucket":
            self._level[ask.account] = (self._refilled(ask) - ask.pictures, ask.now)
        else:
            self._taken[ask.account] = [*self._counting(ask), (ask.now, ask.pictures)]

    def give_back(self, ask: Ask) -> None:
        """A window forgets by time alone."""


@dataclass
class Concurrency:
    """At most *limit* requests under way at once, for each account."""

    limit: int
    endpoints: frozenset[str] = GENERATION
    reason: str = "CONCURRENT_LIMIT_REACHED"
    _busy: dict[str, int] = field(default_factory=lambda: defaultdict(int), repr=False)

    def refuses(self, ask: Ask) -> Denial | None:
        """See :class:`Limit`."""
        full = ask.endpoint in self.endpoints and self._busy[ask.account] >= self.limit
        return Denial(self.reason, None) if full else None

    def take(self, ask: Ask) -> None:
        """See :class:`Limit`."""
        if ask.endpoint in self.endpoints:
            self._busy[ask.account] += 1

    def give_back(self, ask: Ask) -> None:
        """See :class:`Limit`."""
        if ask.endpoint in self.endpoints:
            self._busy[ask.account] -= 1


def daily_cap(limit: int, model: str | None = None) -> Window:
    """*limit* pictures a day: of one model, or of the whole account when *model* is ``None``."""
    reason = "USER_QUOTA_REACHED" if model is None else "PER_MODEL_DAILY_QUOTA_REACHED"
    return Window(limit, DAY, model=model, reason=reason, shape="fixed")


def admit(limits: Iterable[Limit], ask: Ask) -> Denial | None:
    """Count *ask* at every limit, or give the first denial and count it at none."""
    every = tuple(limits)
    for limit in every:
        if denial := limit.refuses(ask):
            return denial
    for limit in every:
        limit.take(ask)
    return None


def parse_window(text: str) -> Window:
    """A window from ``N/SECONDS`` or ``upload:N/SECONDS``, as given on the command line.

    Raises:
        ValueError: the text has another form.
    """
    kind, _, numbers = text.rpartition(":")
    limit, slash, seconds = numbers.partition("/")
    if kind not in ("", "generate", "upload") or not slash:
        raise ValueError(f"{text!r} is not N/SECONDS or upload:N/SECONDS")
    return Window(int(limit), float(seconds), endpoints=UPLOADS if kind == "upload" else GENERATION)
