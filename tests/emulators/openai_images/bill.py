"""What the server saw and would charge for: the ground truth that tests compare a client with.

Written by the emulator's event loop, read from any thread: every reader gets a snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..billed import Billed


@dataclass(eq=False)
class LoggedRequest:
    """One request as it arrived and how it ended."""

    endpoint: str
    """``generations``, ``edits``, ``files``, ``file``, ``models``, ``model``, ``picture``, ``unknown``."""
    call: int
    """Number among the calls of this endpoint, from 1."""
    method: str
    path: str
    """With its query."""
    headers: Mapping[str, str]
    """Names in lower case."""
    arrived: float
    fields: Mapping[str, Any] = field(default_factory=dict)
    """The JSON fields, or the form's; pictures in a form are left out."""
    form: str | None = None
    """``"json"`` or ``"multipart"``."""
    references: int = 0
    status: int | None = None
    """HTTP status; ``None`` while under way and for a dropped connection."""
    why: str | None = None
    """The error's code or message, or the fault that was met."""


@dataclass(frozen=True)
class Generation:
    """One picture made and charged, whether or not its answer arrived."""

    endpoint: str
    key: str
    prompt: str
    model: str
    size: tuple[int, int]
    quality: str
    references: tuple[str, ...]
    """Digests of the pictures it looked at (SHA-256), in order; of an address, the address."""
    sha256: str
    usage: Mapping[str, Any]
    request_id: str


@dataclass(frozen=True)
class StoredFile:
    """One file of a user."""

    id: str
    key: str
    sha256: str
    size: int
    name: str
    media_type: str
    purpose: str
    created: int
    """Seconds since 1970."""
    expires: int | None
    data: bytes = field(repr=False)


class Bill(Billed[LoggedRequest, Generation, StoredFile]):
    """Every request, every picture, every file."""

    def arrive(self, endpoint: str, **facts: Any) -> LoggedRequest:
        """A request is here."""
        with self._lock:
            call = sum(one.endpoint == endpoint for one in self._log) + 1
            record = LoggedRequest(endpoint, call, **facts)
            self._log.append(record)
            return record

    def made(self, generation: Generation) -> None:
        """A picture is made."""
        with self._lock:
            self._generations.append(generation)

    def stored(self, upload: StoredFile) -> None:
        """A file is stored."""
        with self._lock:
            self._uploads.append(upload)

    def calls(self, *endpoints: str) -> int:
        """How many there were."""
        return len(self.log(*endpoints))
