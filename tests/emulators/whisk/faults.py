"""Scripted trouble: which request meets it, and what it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from random import Random

from .replies import Reply, named_reply

BEFORE = frozenset({"delay", "hang", "drop", "empty-panels", "no-image"})
"""Trouble that comes before the service accepts anything: nothing is made, nothing is paid."""
AFTER = frozenset(
    {
        *("hang-after-accept", "drop-after-accept", "drop-mid-body", "truncated-json", "truncated-base64"),
        *("truncated-picture", "wrong-content-type"),
    }
)
"""Trouble that comes when the picture is made and paid for, and only its answer is lost or spoilt."""


@dataclass
class Fault:
    """One scripted trouble; it happens to every request that meets all the conditions given.

    ``then`` is a :class:`Reply`, the name of one (:data:`~.replies.CATALOGUE` or a public reason), or one of
    :data:`BEFORE` and :data:`AFTER`.
    """

    then: str | Reply
    endpoint: str | None = None
    """The endpoint's short name, as in the log; ``None`` for any."""
    calls: Collection[int] | None = None
    """Which calls of an endpoint, counted from 1 in order of arrival; ``None`` for any."""
    prompt: str | None = None
    """A piece of the prompt or instruction."""
    times: int | None = None
    """How often at most; ``None`` for always."""
    probability: float = 1.0
    seconds: float = 0.0
    """Length of a ``delay``, on the emulator's clock."""
    retry_after: str | None = None
    """A Retry-After header for the answer, in whatever form."""
    used: int = field(default=0, init=False)
    """How often it has happened."""

    def __post_init__(self) -> None:
        if isinstance(self.then, str) and self.then not in BEFORE | AFTER:
            named_reply(self.then)

    @property
    def reply(self) -> Reply | None:
        """The answer it gives in place of the service's, if it is of that kind."""
        if isinstance(self.then, str):
            if self.then in BEFORE | AFTER:
                return None
            reply = named_reply(self.then)
        else:
            reply = self.then
        return reply if self.retry_after is None else reply.with_headers(Retry_After=self.retry_after)

    def meets(self, endpoint: str, call: int, prompt: str | None, dice: Random) -> bool:
        """Whether it happens to this request; counts it if so."""
        if self.endpoint not in (None, endpoint) or (self.calls is not None and call not in self.calls):
            return False
        if self.prompt is not None and self.prompt not in (prompt or ""):
            return False
        if self.times is not None and self.used >= self.times:
            return False
        if self.probability < 1 and dice.random() >= self.probability:
            return False
        self.used += 1
        return True


def parse_fault(text: str) -> Fault:
    """A fault from ``[ENDPOINT[:CALL[,CALL…]]=]WHAT``, as given on the command line.

    Raises:
        ValueError: the text has another form or names no known trouble.
    """
    where, _, what = text.rpartition("=")
    endpoint, _, calls = where.partition(":")
    try:
        return Fault(what, endpoint=endpoint or None, calls=[int(call) for call in calls.split(",")] if calls else None)
    except KeyError:
        raise ValueError(f"{what!r} is no known trouble") from None
