"""What the server was asked and what it drew."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    status: int
    """0 where the connection was cut."""
    user: str | None = None
    """Who the Authorization header says it is."""


@dataclass(frozen=True)
class Made:
    """One picture that was drawn, whether or not its answer arrived."""

    mode: str
    """``txt2img`` or ``img2img``."""
    prompt: str
    seed: int
    size: tuple[int, int]
    checkpoint: str
    """Its title."""
    body: dict[str, Any] = field(repr=False)
    """The whole request."""


@dataclass
class Bill:
    """Everything, in order."""

    asked: list[Asked] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    ignored: set[str] = field(default_factory=set)
    """Fields of requests that the server does not know. The real one drops them silently: whoever sends one believes
    in something that does not happen."""
    most_at_once: int = 0
    """How many picture requests were open at the same time."""
    interrupts: int = 0

    def paths(self, path: str) -> list[Asked]:
        """The requests of one path."""
        return [one for one in self.asked if one.path == path]
