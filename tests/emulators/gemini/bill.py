"""What the service was asked, and what it made and would charge for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ..billed import Billed


@dataclass
class LoggedRequest:
    """One request, good or bad."""

    endpoint: str
    call: int
    """Its number among the requests of this endpoint, from 1."""
    method: str
    path: str
    key: str | None
    """The API key it carried, in a header or the query."""
    arrived: float
    """Seconds on the emulator's clock."""
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    """Names in lower case."""
    prompt: str | None = None
    status: int | None = None
    """HTTP status; ``None`` while under way and for a dropped connection."""
    why: str | None = None
    """Why it was refused, in plain words, or which fault it met."""


@dataclass(frozen=True)
class Generation:
    """One picture made and charged, whether or not its answer arrived."""

    key: str
    project: str
    model: str
    prompt: str
    aspect: str | None
    size: str | None
    references: tuple[str, ...]
    """Of each picture it looked at: ``inline:<sha256>`` or the file's name, ``files/…``."""
    sha256: str
    """Hex digest of the picture's bytes."""
    response_id: str
    time: float


@dataclass(frozen=True)
class Upload:
    """One file stored."""

    key: str
    project: str
    name: str
    mime_type: str
    display_name: str
    sha256: str
    """Hex digest of the bytes received."""
    size: int
    chunks: int
    time: float


@dataclass
class Bill(Billed[LoggedRequest, Generation, Upload]):
    """Everything accepted, and the log of everything asked. May be read from any thread."""

    _deleted: list[str] = field(default_factory=list)
    _calls: Counter[str] = field(default_factory=Counter)

    def arrive(
        self, endpoint: str, *, method: str, path: str, key: str | None, headers: dict[str, str], now: float
    ) -> LoggedRequest:
        """Log a request that has just come in."""
        with self._lock:
            self._calls[endpoint] += 1
            record = LoggedRequest(endpoint, self._calls[endpoint], method, path, key, now, headers)
            self._log.append(record)
            return record

    def add(self, item: Generation | Upload) -> None:
        """Charge for a picture, or note a stored file."""
        with self._lock:
            if isinstance(item, Generation):
                self._generations.append(item)
            else:
                self._uploads.append(item)

    def note_deleted(self, name: str) -> None:
        """A file was deleted by its owner."""
        with self._lock:
            self._deleted.append(name)

    @property
    def deleted(self) -> list[str]:
        """Names of deleted files."""
        with self._lock:
            return list(self._deleted)

    def paid_by_key(self) -> Counter[str]:
        """Pictures charged to each key."""
        return Counter(one.key for one in self.generations)
