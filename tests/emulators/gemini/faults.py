"""Scripted trouble: which request meets it, and what it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from .replies import CATALOGUE, Reply

SPOILING = frozenset({"truncated-json", "truncated-base64", "no-upload-url"})
"""What spoils the answer of a request that was accepted, and charged."""
LOSING = frozenset({"drop", "hang", "drop-after-accept", "drop-mid-body"})
"""What loses the answer; the first two before anything is accepted."""


@dataclass
class Fault:
    """One scripted trouble; it happens to every request that meets all the conditions given."""

    then: str | Reply
    """A reply, the name of one (:data:`~.replies.CATALOGUE`), or one of :data:`SPOILING` and :data:`LOSING`."""
    endpoint: str | None = None
    """``generate``, ``models``, ``model``, ``start``, ``upload``, ``file``, ``delete``, ``files``; ``None`` for any."""
    calls: Collection[int] | None = None
    """Which calls of that endpoint, counted from 1 in order of arrival; ``None`` for any."""
    prompt: str | None = None
    """A piece of the prompt."""
    key: str | None = None
    """The API key that asks."""
    times: int | None = None
    """How often at most; ``None`` for always."""
    used: int = field(default=0, init=False)
    """How often it has happened."""

    def __post_init__(self) -> None:
        if isinstance(self.then, str) and self.then not in SPOILING | LOSING | CATALOGUE.keys():
            raise ValueError(f"{self.then!r} is no known trouble")

    @property
    def reply(self) -> Reply | None:
        """The answer it gives in place of the service's, if it is of that kind."""
        return CATALOGUE.get(self.then) if isinstance(self.then, str) else self.then

    def meets(self, endpoint: str, call: int, prompt: str | None, key: str | None) -> bool:
        """Whether it happens to this request; counts it if so."""
        if self.endpoint not in (None, endpoint) or (self.calls is not None and call not in self.calls):
            return False
        if self.prompt is not None and self.prompt not in (prompt or ""):
            return False
        if self.key not in (None, key) or (self.times is not None and self.used >= self.times):
            return False
        self.used += 1
        return True


def parse_fault(text: str) -> Fault:
    """A fault from ``[ENDPOINT[:CALL[,CALL…]]=]WHAT``, as given on the command line.

    Raises ValueError for another form or an unknown trouble.
    """
    where, _, what = text.rpartition("=")
    endpoint, _, calls = where.partition(":")
    return Fault(what, endpoint=endpoint or None, calls=[int(one) for one in calls.split(",")] if calls else None)
