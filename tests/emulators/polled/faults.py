"""Trouble by script: which requests meet it, and what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .server import Reply

KINDS = ("drop", "drop-after", "truncate")


@dataclass
class Fault:
    """*times* requests of an endpoint meet it, after *skip* that do not.

    ``drop`` ends the connection before anything is done; ``drop-after`` does what was asked and loses the answer;
    ``truncate`` sends half of it; a :class:`~.server.Reply` is sent in place of the answer, and nothing is done.
    """

    then: str | Reply
    endpoint: str
    times: int = 1
    skip: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.then, str) and self.then not in KINDS:
            raise ValueError(f"no fault is called {self.then!r}: {', '.join(KINDS)}, or a Reply")

    def meets(self, endpoint: str) -> bool:
        """Whether this request meets it; counts."""
        if endpoint != self.endpoint or self.times <= 0:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True
