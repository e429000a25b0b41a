"""The knobs of the emulator, and its scripted troubles."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from .limits import ImagesPerMinute
from .personalities import OPENAI, Personality
from .replies import CATALOGUE, Reply

TEST_KEY = "sk-emulator-0123456789abcdef"
"""The key that is accepted unless told otherwise."""

DEEDS = frozenset(
    {"drop", "drop-after-accept", "hang", "truncated-base64", "broken-base64", "truncated-json", "not-a-picture"}
)
"""Troubles that are no answer of their own: a connection that breaks, or an answer that is spoilt."""


@dataclass
class Fault:
    """A trouble that happens to the requests it is meant for."""

    then: str | Reply
    """A name of :data:`~.replies.CATALOGUE`, one of :data:`DEEDS`, or an answer of its own."""
    endpoint: str | None = None
    calls: Collection[int] | None = None
    """Which calls of the endpoint, from 1; ``None`` for any."""
    prompt: str | None = None
    """A piece of the prompt."""
    times: int | None = None
    """How often at most; ``None`` for always."""
    used: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if isinstance(self.then, str) and self.then not in DEEDS and self.then not in CATALOGUE:
            raise ValueError(f"{self.then!r} is no known trouble: {', '.join(sorted({*DEEDS, *CATALOGUE}))}")

    @property
    def reply(self) -> Reply | None:
        """The answer it gives in place of the server's, if it is of that kind."""
        return self.then if isinstance(self.then, Reply) else CATALOGUE.get(self.then)

    def meets(self, endpoint: str, call: int, prompt: str) -> bool:
        """Whether it happens to this request; counts it if so."""
        if self.endpoint not in (None, endpoint) or (self.calls is not None and call not in self.calls):
            return False
        if self.prompt is not None and self.prompt not in prompt:
            return False
        if self.times is not None and self.used >= self.times:
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
    return Fault(what, endpoint=endpoint or None, calls=[int(call) for call in calls.split(",")] if calls else None)


@dataclass
class Behaviour:
    """What may be turned, also while the emulator runs."""

    personality: Personality = OPENAI
    keys: tuple[str, ...] = (TEST_KEY,)
    """Keys that are accepted; whoever wants none has a personality without login."""
    limit: ImagesPerMinute | None = None
    wait_in: frozenset[str] = frozenset({"headers", "text", "reset"})
    """Where a refusal says how long: ``headers`` (retry-after), ``text``, ``reset`` (x-ratelimit-reset-...)."""
    pictures_left: int | None = None
    """How many pictures the money suffices for; then ``insufficient_quota``."""
    blocked_words: tuple[str, ...] = ()
    """A prompt with one of these meets the safety system."""
    verified: bool = True
    answer: str | None = None
    """What the data items hold whatever is asked: ``b64_json``, ``url``, ``relative-url`` or ``data``."""
    faults: list[Fault] = field(default_factory=list)
    latency: float = 0.0
    """Seconds a picture takes."""
