"""What the emulator was asked for and what it made: a test sees here that nothing was made twice."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Drawing:
    """One run of a sampler."""

    prompt_id: str
    prompt: str
    negative: str
    seed: int
    size: tuple[int, int]
    """Pixels: width, height."""
    checkpoint: str
    steps: int
    references: tuple[str, ...]
    """Files of the input folder that it started from."""
    sha256: str
    """Of the picture's file."""


@dataclass(frozen=True)
class Queued:
    """One graph that was taken into the queue."""

    prompt_id: str
    number: float
    client_id: str | None
    graph: dict[str, Any]
    extra: dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """One request and its answer."""

    method: str
    path: str
    """Without prefix and query."""
    status: int
    """0 where the connection was dropped."""


@dataclass
class Bill:
    """All of it, oldest first."""

    queued: list[Queued] = field(default_factory=list)
    drawings: list[Drawing] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)
    """Names as the server gave them."""
    requests: list[Asked] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    """What a real server ignores and a careful client does not send."""
    interrupts: list[str | None] = field(default_factory=list)
    """Prompt ids of interruptions asked for; ``None``: of whatever runs."""
    freed: int = 0
    """How often the memory was to be freed."""
    sockets: int = 0
    """Websockets opened."""
    unauthorised: int = 0

    def count(self, method: str, path: str) -> int:
        """How many requests of this kind came."""
        return sum(one.method == method and one.path == path for one in self.requests)

    def drawing_of(self, picture: bytes) -> Drawing:
        """The drawing that made a picture. Raises ``LookupError`` for a stranger's."""
        digest = hashlib.sha256(picture).hexdigest()
        for one in self.drawings:
            if one.sha256 == digest:
                return one
        raise LookupError("the emulator did not make this picture")
