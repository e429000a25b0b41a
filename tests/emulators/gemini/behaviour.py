"""The emulator's knobs that concern all keys alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone

from .accounts import Account
from .faults import Fault


@dataclass
class Behaviour:
    """How the emulated service behaves. Every knob may be turned while it runs."""

    accounts: list[Account] = field(default_factory=lambda: [Account()])
    minute: float = 60.0
    """Seconds of the per-minute window: shorter, so that a rehearsal need not wait."""
    started: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    """The moment, timezone-aware, at which the emulator's clock began."""
    latency: float | Callable[[str], float] = 0.0
    """Seconds a picture takes, or a function of the prompt."""
    picture_format: str = "by-model"
    """``png``, ``jpeg``, or ``by-model``: the pro model answers JPEG, as was observed."""
    thoughts: bool = False
    """A picture that is only a thought comes before the real one (reported of pro models)."""
    finished_twice: bool = False
    """Two pictures come, of which the last is the finished one."""
    words: bool = True
    """The model says something before its picture."""
    array_errors: bool = False
    """Errors come as a list of one."""
    shuffle_details: bool = False
    """``error.details`` come in the opposite order: there is no fixed one."""
    file_lifetime: float = 48 * 3600.0
    """Seconds a file lives."""
    gone_file_status: int = 403
    """How a file that is gone is refused: 403 or 404."""
    upload_granularity: int = 8 * 1024 * 1024
    """Bytes: chunks other than the last must be multiples of it."""
    upload_host: str | None = None
    """Another ``http://host:port`` that the upload address names, as a hostile or misconfigured gateway would."""
    models_page: int = 50
    """Models on a page of the list where the request does not say."""
    faults: list[Fault] = field(default_factory=list)

    def account(self, key: str) -> Account | None:
        """Whose key this is."""
        return next((one for one in self.accounts if one.key == key), None)
