"""What the service saw and would charge for: the ground truth that tests compare a client with.

Written by the emulator's event loop, read from any thread: every reader gets a snapshot.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ..billed import Billed


@dataclass(eq=False)
class LoggedRequest:
    """One request as it arrived and how it ended."""

    endpoint: str
    """Short name (``generate``, ``upload``, ``session``…), ``unknown`` for a path the service has not."""
    call: int
    """Number among the calls of this endpoint, from 1."""
    method: str
    path: str
    content_type: str | None
    arrived: float
    """Seconds on the emulator's clock."""
    prompt: str | None = None
    account: str | None = None
    token: str | None = None
    """The bearer or session token that came, as sent."""
    stray: str | None = None
    """``"cookie"`` or ``"bearer"`` where a credential of the other lane was sent along: a leak."""
    finished: float | None = None
    entered: int = 0
    """Position of the arrival in the one order of all arrivals and departures."""
    left: int | None = None
    """Position of the departure in the same order."""
    status: int | None = None
    """HTTP status; ``None`` while under way and for a dropped connection."""
    why: str | None = None
    """Why it was refused, in plain words, or which fault it met."""


@dataclass(frozen=True)
class Generation:
    """One picture made and charged, whether or not its answer arrived."""

    endpoint: str
    account: str
    prompt: str
    model: str
    aspect: str
    seed: int
    """The seed of the answer."""
    references: tuple[str, ...]
    """Ids of the media it looked at."""
    media_id: str
    sha256: str
    """Hex digest of the picture's bytes."""
    workflow: str
    time: float


@dataclass(frozen=True)
class Upload:
    """One picture stored for a user."""

    endpoint: str
    account: str
    sha256: str
    """Hex digest of the bytes received."""
    format: str
    """``"png"``, ``"jpeg"`` or ``"webp"``, from the bytes."""
    declared: str | None
    """The MIME type the client named, if it did."""
    aspect: str | None
    """The aspect the client named, if it did."""
    category: str | None
    caption: str
    media_id: str
    workflow: str | None
    time: float


@dataclass
class Bill(Billed[LoggedRequest, Generation, Upload]):
    """Everything accepted, and the log of everything asked."""

    _calls: Counter[str] = field(default_factory=Counter)
    _position: int = 0
    _captions: int = 0
    _tokens: int = 0
    _deleted: list[str] = field(default_factory=list)
    _workflows: list[str] = field(default_factory=list)

    # The emulator writes.

    def arrive(self, endpoint: str, *, method: str, path: str, content_type: str | None, now: float) -> LoggedRequest:
        """Log a request that has just come in and count it as under way."""
        with self._lock:
            self._calls[endpoint] += 1
            self._position += 1
            record = LoggedRequest(
                endpoint, self._calls[endpoint], method, path, content_type, now, entered=self._position
            )
            self._log.append(record)
            return record

    def leave(self, record: LoggedRequest, now: float) -> None:
        """The request is over."""
        with self._lock:
            self._position += 1
            record.finished, record.left = now, self._position

    def add(self, item: Generation | Upload) -> None:
        """Charge for a picture."""
        with self._lock:
            if isinstance(item, Generation):
                self._generations.append(item)
            else:
                self._uploads.append(item)

    def note(
        self, *, caption: int = 0, token: int = 0, deleted: str | None = None, workflow: str | None = None
    ) -> None:
        """Count the small things."""
        with self._lock:
            self._captions += caption
            self._tokens += token
            if deleted is not None:
                self._deleted.append(deleted)
            if workflow is not None:
                self._workflows.append(workflow)

    # Tests read.

    def calls(self, endpoint: str) -> int:
        """How many requests *endpoint* has received, good or bad."""
        with self._lock:
            return self._calls[endpoint]

    @property
    def captions(self) -> int:
        """How many captions were written."""
        with self._lock:
            return self._captions

    @property
    def tokens_issued(self) -> int:
        """How many different bearers were handed out; how often one was asked for is ``calls("session")``."""
        with self._lock:
            return self._tokens

    @property
    def deleted(self) -> list[str]:
        """Ids of media and workflows deleted."""
        with self._lock:
            return list(self._deleted)

    @property
    def workflows(self) -> list[str]:
        """Ids of the workflows created."""
        with self._lock:
            return list(self._workflows)

    def busiest(self, *endpoints: str) -> int:
        """The most requests that were ever under way at once at *endpoints* together (all when none named)."""
        steps: list[tuple[int, int]] = []
        for record in self.log(*endpoints):
            steps.append((record.entered, 1))
            if record.left is not None:
                steps.append((record.left, -1))
        most = now = 0
        for _, step in sorted(steps):
            now += step
            most = max(most, now)
        return most

    def idle_gaps(self, *endpoints: str) -> list[float]:
        """The pauses, in seconds on the emulator's clock, in which *endpoints* had nothing under way between
        two requests: cooldowns and quota waits, as the service sees them."""
        gaps: list[float] = []
        busy_until: float | None = None
        for record in sorted(self.log(*endpoints), key=lambda r: r.arrived):
            if busy_until is not None and record.arrived > busy_until:
                gaps.append(record.arrived - busy_until)
            end = float("inf") if record.finished is None else record.finished
            busy_until = end if busy_until is None else max(busy_until, end)
        return gaps

    @property
    def stray_credentials(self) -> list[LoggedRequest]:
        """Requests that carried a credential to the lane it does not belong to."""
        return [r for r in self.log() if r.stray is not None]
