"""How an emulated Whisk behaves: every knob of the emulator, all of which may be turned while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .faults import Fault
from .limits import Limit

TEST_COOKIE = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..whisk-emulator-login.0123456789abcdef"
"""The login (value of ``__Secure-next-auth.session-token``) that an emulator accepts unless told otherwise."""
COOKIE_NAME = "__Secure-next-auth.session-token"
TEST_COOKIE_HEADER = f"{COOKIE_NAME}={TEST_COOKIE}"
"""The same as a whole ``Cookie`` header."""

SESSION_MODES = frozenset(
    {
        *("ok", "empty", "null-user", "refresh-needed", "refresh-needed-bare", "rotated"),
        *("redirect-302", "redirect-308", "401", "403", "html", "blank"),
    }
)
ID_MODES = frozenset({"string", "object", "media-id", "media-name", "missing"})
CLOSED_MODES = frozenset({"redirect", "logged-out", "trpc-gone", "404", "410"})


@dataclass
class Behaviour:
    """The knobs. A running emulator reads them at every request, so a test may turn them on the way."""

    cookies: tuple[str, ...] = (TEST_COOKIE,)
    """Accepted logins; each is an account of its own, with its own bearers and quotas."""
    session_mode: str = "ok"
    """What the session endpoint answers to a good login: one of :data:`SESSION_MODES`. ``refresh-needed``
    comes with a bearer that works nowhere; ``rotated`` comes with a new login to be kept."""
    retire_rotated: bool = False
    """After a rotation the old login is dead."""
    token_lifetime: float = 3600.0
    """Seconds a bearer lives."""
    renew_margin: float = 300.0
    """A session call gives a new bearer when the current one has fewer seconds left than this."""
    session_expires_in: float = 30 * 86400.0
    """Seconds from now that the session's ``expires`` names: the login's end, not the bearer's."""
    upload_ttl: float | None = 3600.0
    """Seconds until the service forgets an uploaded picture; ``None`` for never."""
    generated_ttl: float | None = None
    """The same for a picture it made."""
    id_mode: str = "string"
    """Form of the media id in a generation's answer: one of :data:`ID_MODES`."""
    asset_id_mode: str = "object"
    """Form of the media id in the answer to ``v1:uploadUserImage``."""
    limits: tuple[Limit, ...] = ()
    """Quota models, all of which must admit a request."""
    retry_after: bool | str = False
    """Send Retry-After with quota answers: ``True`` for the limit's own seconds, or the header's text."""
    faults: list[Fault] = field(default_factory=list)
    closed: str | None = None
    """The service is closed, in one of :data:`CLOSED_MODES`."""
    latency: float | Callable[[str], float] = 0.0
    """Seconds a picture takes, or a function of its prompt."""
    strict_uploads: bool = True
    """Refuse an asset upload whose ``mimeType`` or orientation is not the picture's. (The real service was
    seen to let a wrong orientation pass; a client of ours must not rely on that.)"""
    rewrite_prompt: Callable[[str], str] | None = None
    """The server's translation of prompts, as it appears in answers."""
    upstream_errors: str = "trpc"
    """How the tRPC lane words errors of the service behind it: ``"trpc"``, or ``"google"`` for Google's body
    as it is. Neither was captured."""

    def __setattr__(self, name: str, value: object) -> None:
        known = {
            "session_mode": SESSION_MODES,
            "id_mode": ID_MODES,
            "asset_id_mode": ID_MODES,
            "closed": CLOSED_MODES | {None},
            "upstream_errors": {"trpc", "google"},
        }.get(name)
        if known is not None and value not in known:
            raise ValueError(f"{name} cannot be {value!r}: one of {', '.join(sorted(map(str, known)))}")
        super().__setattr__(name, value)
