"""The plain values that travel through the house: characters, requests, pictures, references, verdicts.

Everything here is frozen and free of I/O. Times are timezone-aware ``datetime`` values in UTC, sizes are
bytes or pixels as the name says, waits are seconds.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path

DEFAULT_ASPECT_RATIO = "9:16"
"""Width to height of a picture when nothing else is said: upright, as characters stand."""


def utc_now() -> datetime:
    """The present moment, timezone-aware, in UTC."""
    return datetime.now(timezone.utc)


def in_utc(moment: datetime) -> datetime:
    """The moment in UTC; one without a time zone is taken for local time, as ``datetime.now()`` gives it."""
    return moment.astimezone(timezone.utc)


class Verdict(str, Enum):
    """What an answer of a service means for the run (design: one meaning for every service's words)."""

    OK = "ok"
    THROTTLED = "throttled"
    """Too much at the moment: the lane waits, then retries what is unfinished."""
    EXHAUSTED = "exhausted"
    """No wait of minutes helps (daily quota, money): the lane closes."""
    REJECTED = "rejected"
    """Content policy: never retried by itself."""
    FLAKY = "flaky"
    """No picture for no stated reason: one or two quick retries, then failed."""
    INVALID = "invalid"
    """The request can never succeed as it is: failed, with the server's words."""
    FATAL = "fatal"
    """Wrong key, expired login, closed service: the lane closes at once."""

    def __str__(self) -> str:
        return self.value


class ReferenceKind(str, Enum):
    """What a reference picture lends to the new one."""

    SUBJECT = "subject"
    SCENE = "scene"
    STYLE = "style"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Reference:
    """A picture of the user's own that the generator should look at."""

    path: Path
    """The file, absolute."""
    kind: ReferenceKind = ReferenceKind.SUBJECT
    caption: str | None = None
    """What it shows, in words; ``None`` lets the service describe it where it can."""


@dataclass(frozen=True)
class Character:
    """One entry of the roster."""

    key: str
    """Unique in the roster, stable, safe as a file name on every system."""
    name: str
    """As the user wrote it, in any script."""
    description: str
    """How the character looks; the body of the prompt unless :attr:`prompt` replaces it."""
    prompt: str | None = None
    """A whole prompt of the user's own; style defaults are then left out."""
    negative: str | None = None
    """What must not be in the picture, for the generators that can be told."""
    seed: int | None = None
    aspect_ratio: str | None = None
    """Width to height as ``"W:H"``, or ``None`` for the roster's."""
    references: tuple[Reference, ...] = ()
    tags: tuple[str, ...] = ()
    line: int | None = None
    """The line of the roster where the entry begins, 1-based, where the format has lines."""


@dataclass(frozen=True)
class Style:
    """What all characters of a roster share."""

    prefix: str = ""
    """Put before every description."""
    suffix: str = ""
    """Put after every description."""
    negative: str | None = None
    references: tuple[Reference, ...] = ()
    """Pictures whose manner every character should have (usually of kind ``style``)."""


@dataclass(frozen=True)
class Roster:
    """The file the user writes: style defaults and a list of characters."""

    path: Path
    characters: tuple[Character, ...]
    title: str | None = None
    style: Style = field(default_factory=Style)
    aspect_ratio: str = DEFAULT_ASPECT_RATIO
    warnings: tuple[str, ...] = ()
    """Things worth telling the user that do not stop a run, one line each."""


@dataclass(frozen=True)
class ImageRequest:
    """What a generator is asked for: one picture."""

    key: str
    """The job's key (a character's key)."""
    name: str
    """The name people know it by, for messages and pictures; not part of the prompt."""
    prompt: str
    """The whole text for the service."""
    attempt: str = ""
    """The ledger's id of this attempt: an idempotency key for services that take one."""
    description: str = ""
    """The bare description, without style: what the picture shows."""
    negative: str | None = None
    seed: int | None = None
    aspect_ratio: str = DEFAULT_ASPECT_RATIO
    references: tuple[Reference, ...] = ()
    ticket: str | None = None
    """Under what an earlier try of this request was accepted by the service, where its result is still to be had."""
    asked: str = ""
    """Fingerprint of what the roster asks for, where this request wants that with a seed of the user's own: its picture
    does not become stale by it."""

    @property
    def fingerprint(self) -> str:
        """The same for two requests that ask for the same picture: 16 hex digits."""
        if self.asked:
            return self.asked
        references = [[str(one.path), one.kind.value, one.caption] for one in self.references]
        asked = [self.prompt, self.negative, self.seed, self.aspect_ratio, references]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Job:
    """One picture to make: all that the scheduler knows."""

    position: int
    """Its place among the run's jobs, from 1, in roster order."""
    request: ImageRequest
    again: bool = False
    """Make it even if there is a picture; the old one is kept beside it."""
    candidate: int = 0
    """Which of several pictures, from 1, that are made for the user to choose from; 0 for the character's own."""

    @property
    def key(self) -> str:
        """What tells the job from all others of its run: its character's key, with ``~`` and the number of a candidate
        (no key holds a ``~``)."""
        return f"{self.request.key}~{self.candidate}" if self.candidate else self.request.key

    @property
    def name(self) -> str:
        """What people call it: the character's name, with the number of a candidate."""
        return f"{self.request.name} (candidate {self.candidate})" if self.candidate else self.request.name


@dataclass(frozen=True)
class MediaReference:
    """What an uploader gives back: where later work finds the picture."""

    id: str
    """Opaque id, url or path, by :attr:`kind`; a number becomes text."""
    kind: str = "id"
    """``"id"``, ``"url"`` or ``"path"``."""
    uploader: str = ""
    """The uploader (or generator) that gave it."""
    lane: str = ""
    """The lane it is valid for; empty when it is valid everywhere (a path, a public url)."""
    expires_at: datetime | None = None
    """When the service forgets it, in UTC (a time without a zone is taken for local time); ``None`` for never or
    unknown."""
    caption: str | None = None
    """The service's own description of the picture, where it gives one."""

    def __post_init__(self) -> None:
        # Plugins pass on numbers and local times as services give them. A reference is kept for ever: one that could
        # not be compared or shown would break every later run of the project.
        object.__setattr__(self, "id", str(self.id))
        if self.expires_at is not None:
            object.__setattr__(self, "expires_at", in_utc(self.expires_at))

    def expired(self, now: datetime) -> bool:
        """Whether the service has forgotten the picture at *now*."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True)
class Cost:
    """What one picture cost, as the service reported it or the declaration says."""

    amount: float
    currency: str = "USD"
    """ISO 4217 code, or the service's own unit (``"credits"``, ``"kudos"``)."""
    source: str = "declared"
    """``"reported"`` by the service, or ``"declared"`` by the provider."""

    def __str__(self) -> str:
        """As people write it: ``0.52 USD``, ``12 credits``; with ``about`` when it is only the declared price."""
        digits = f"{self.amount:.4f}".rstrip("0")
        whole, _, fraction = digits.partition(".")
        if len(self.currency) == 3 and self.currency.isupper():
            fraction = fraction.ljust(2, "0")
        amount = f"{whole}.{fraction}" if fraction else whole
        return f"{'' if self.source == 'reported' else 'about '}{amount} {self.currency}"

    @property
    def with_source(self) -> str:
        """The same with the word of whoever says so: ``0.52 USD (as reported)``, ``about 0.2 USD (declared price)``."""
        return f"{self} ({'as reported' if self.source == 'reported' else 'declared price'})"


@dataclass(frozen=True)
class GeneratedImage:
    """What a generator gives back: the bytes of one encoded picture and what is known of it."""

    data: bytes
    """PNG, JPEG or WebP; the core checks it and takes the file extension from the bytes."""
    seed: int | None = None
    """The seed the service says it used, which need not be the one asked for."""
    model: str | None = None
    prompt: str | None = None
    """The prompt the service says it used, where it rewrites or translates."""
    media: MediaReference | None = None
    """A reference that came with the picture, which an uploader of the same service may pass on."""
    cost: Cost | None = None
    request_id: str | None = None
    """The service's id of the request, for support and for looking the job up later."""


@dataclass(frozen=True)
class ImageFacts:
    """What decoding a picture told of it."""

    format: str
    """``"png"``, ``"jpeg"``, ``"webp"`` or ``"gif"``."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    sha256: str
    """Hex digest of the encoded bytes."""
    size: int
    """Bytes."""

    @property
    def extension(self) -> str:
        """The usual file extension, with the dot; the format decides it, never habit."""
        return ".jpg" if self.format == "jpeg" else f".{self.format}"

    @property
    def media_type(self) -> str:
        """The MIME type, as ``image/jpeg``."""
        return f"image/{self.format}"


@dataclass(frozen=True)
class SavedImage:
    """A picture on disk, as an uploader receives it."""

    key: str
    name: str
    path: Path
    """The file, absolute."""
    facts: ImageFacts
    description: str = ""
    """What the picture shows, in the user's words: a caption for services that want one."""
    aspect_ratio: str = DEFAULT_ASPECT_RATIO
    """Width to height as it was asked for."""
    media: MediaReference | None = None
    """The reference that came with the generation, if one did (perhaps of another lane, perhaps expired)."""
