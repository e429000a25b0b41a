"""What an emulator was asked and what it made: the means to see that nothing was made twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Asked:
    """One request as it arrived, and how it was answered."""

    endpoint: str
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 0
    """0 while it is under way, and where the connection was dropped."""


@dataclass(frozen=True)
class Made:
    """One job that was accepted, which the real service would charge."""

    job: str
    prompt: str
    body: dict[str, Any] = field(repr=False)
    """The whole request."""


@dataclass
class Bill:
    """Everything an emulator did."""

    asked: list[Asked] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    stored: list[bytes] = field(default_factory=list)
    """Files that were uploaded."""
    stray: list[str] = field(default_factory=list)
    """Paths of downloads that carried a key."""

    def count(self, endpoint: str) -> int:
        """How often an endpoint was asked."""
        return sum(one.endpoint == endpoint for one in self.asked)

    def statuses(self, endpoint: str) -> list[int]:
        """What an endpoint answered, in order."""
        return [one.status for one in self.asked if one.endpoint == endpoint]

    @property
    def prompts(self) -> list[str]:
        """The prompts of the accepted jobs, in order."""
        return [one.prompt for one in self.made]
