"""What the emulators of paid services put on their bills alike: the log, the pictures and the files."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class _Request(Protocol):
    endpoint: str


class _Generation(Protocol):
    @property
    def prompt(self) -> str: ...

    @property
    def sha256(self) -> str: ...


class _Upload(Protocol):
    @property
    def sha256(self) -> str: ...


R = TypeVar("R", bound=_Request)
G = TypeVar("G", bound=_Generation)
U = TypeVar("U", bound=_Upload)


@dataclass
class Billed(Generic[R, G, U]):
    """Written by the emulator's event loop, read from any thread: every reader gets a snapshot."""

    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _log: list[R] = field(default_factory=list)
    _generations: list[G] = field(default_factory=list)
    _uploads: list[U] = field(default_factory=list)

    def log(self, *endpoints: str) -> list[R]:
        """The requests of *endpoints* (all when none is named), in order of arrival."""
        with self._lock:
            return [one for one in self._log if not endpoints or one.endpoint in endpoints]

    @property
    def generations(self) -> list[G]:
        """Pictures made and charged, in order, whether or not their answers arrived."""
        with self._lock:
            return list(self._generations)

    @property
    def uploads(self) -> list[U]:
        """Files stored for users, in order."""
        with self._lock:
            return list(self._uploads)

    def paid_by_prompt(self) -> Counter[str]:
        """Pictures charged for each prompt: no value above 1 where nothing was paid twice."""
        return Counter(one.prompt for one in self.generations)

    def uploads_by_picture(self) -> Counter[str]:
        """Files stored of each picture, by the hex SHA-256 of its bytes."""
        return Counter(one.sha256 for one in self.uploads)

    def prompt_of(self, picture: bytes) -> str | None:
        """The prompt that made *picture*, by its exact bytes; ``None`` for a picture not made here."""
        digest = hashlib.sha256(picture).hexdigest()
        return next((one.prompt for one in self.generations if one.sha256 == digest), None)
