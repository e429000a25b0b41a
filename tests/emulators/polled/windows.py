"""So many requests in so many seconds. Pure: time is an argument."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass
class Window:
    """At most *limit* requests of the endpoints in any *seconds*."""

    limit: int
    seconds: float
    endpoints: tuple[str, ...] = ("submit",)
    _taken: deque[float] = field(default_factory=deque, repr=False)

    @classmethod
    def parse(cls, text: str) -> Window:
        """``N/SECONDS``, as a command line has it. Raises ValueError."""
        limit, _, seconds = text.partition("/")
        return cls(int(limit), float(seconds))

    def wait(self, endpoint: str, now: float) -> float | None:
        """Seconds until a request would pass; ``None`` if it passes now. Nothing is taken."""
        if endpoint not in self.endpoints:
            return None
        while self._taken and self._taken[0] <= now - self.seconds:
            self._taken.popleft()
        return None if len(self._taken) < self.limit else self._taken[0] + self.seconds - now

    def take(self, endpoint: str, now: float) -> None:
        """Count a request that passed."""
        if endpoint in self.endpoints:
            self._taken.append(now)
