"""What all providers have in common: a declaration, a context, a beginning and an end."""

from __future__ import annotations

from abc import ABC
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from charimg.contracts.declaration import Declaration, SettingValue
from charimg.redaction import Redactor, Secret

if TYPE_CHECKING:
    from charimg.http import HttpSession
    from charimg.model import ImageRequest

T = TypeVar("T")


def _untold(_request: ImageRequest, _fraction: float | None, _words: str) -> None:
    """Nobody wants to know."""


async def _unrecorded(_request: ImageRequest, _ticket: str) -> None:
    """There is no ledger."""


@dataclass(frozen=True)
class ProviderContext:
    """All that the core hands to a provider. A provider looks nowhere else: not at the environment, not at files."""

    folder: Path
    """The project's folder, absolute."""
    out: Path
    """Where the run puts its pictures, absolute."""
    settings: Mapping[str, SettingValue | None] = field(default_factory=dict)
    """Every declared setting by name, of its declared type; ``None`` where unset and without default."""
    credentials: Mapping[str, Secret] = field(default_factory=dict)
    """The declared credentials that were found."""
    account: str = ""
    """Whose credentials these are, as ``gemini@work``."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """The environment variable each credential came from, where it came from one."""
    declared: tuple[str, ...] = ()
    """The names of all credentials the provider declares, found or not."""
    read_only: bool = False
    """The command only looks: a store creates nothing and changes nothing."""
    lane: str = ""
    """The lane this provider works for; part of every media reference it gives."""
    http: HttpSession = field(default=None)  # type: ignore[assignment]  # a store has no use for one
    """The run's one HTTP session."""
    wait_ceiling: float = 900.0
    """Seconds: a service that asks for a longer wait means "not today"; for :func:`charimg.verdicts.read_answer`."""
    redactor: Redactor = field(default_factory=Redactor)
    """Add here what must never be shown, such as a token received on the way."""
    remember: Callable[[str, str], None] = lambda _name, _value: None
    """Keep a renewed credential, ``remember("cookie", new)``, where the old one came from our own key file."""
    progress: Callable[[ImageRequest, float | None, str], None] = _untold
    """Tell how far a picture is: ``progress(request, 0.4, "step 8 of 20")``. The fraction is from 0 to 1, or ``None``
    where only words are known (``"12th in the queue"``)."""
    accepted: Callable[[ImageRequest, str], Awaitable[None]] = _unrecorded
    """The service has taken the job under this ticket: ``await accepted(request, "pred-1")``. The ledger keeps it, so
    that the next try of the same request on the same lane, also in a later run, has it as ``request.ticket`` and asks
    for the result rather than pay again. A ticket is text of at most 2000 characters and holds no secret."""
    shared: dict[Any, object] = field(default_factory=dict)
    """One place a lane's generator and uploader share; see :meth:`share`."""

    def renewal(self, credential: str) -> str:
        """What the user has to do about a credential that the service does not accept, for the end of a message:
        ``run: charimg keys set gemini@work``, or ``correct GEMINI_API_KEY in the environment``."""
        variable = self.variables.get(credential)
        if variable is not None:  # it stands above the keys file: storing a new one would change nothing
            named = variable.endswith("_FILE")
            return f"correct the file that {variable} names" if named else f"correct {variable} in the environment"
        several = f" {credential}" if len(self.declared) > 1 else ""
        return f"run: charimg keys set {self.account or 'NAME'}{several}"

    def share(self, kind: Callable[[ProviderContext], T]) -> T:
        """The lane's one object of this class, made on first use: a login that generator and uploader share.

        :param kind: the class, or a function that makes the object.
        """
        if kind not in self.shared:
            self.shared[kind] = kind(self)
        return self.shared[kind]  # type: ignore[return-value]  # the key is what made the value


class Provider(ABC):
    """The root of generators, uploaders and stores. Constructing one does no I/O."""

    declaration: ClassVar[Declaration]

    def __init__(self, context: ProviderContext) -> None:
        self.context = context

    async def open(self) -> None:  # noqa: B027 - most providers need no beginning
        """Get ready, before the first job. Spends nothing. Raise FatalError if no job can succeed."""

    async def close(self) -> None:  # noqa: B027 - nor an end
        """Let go of everything; also called after a failure or a cancellation."""

    async def check(self) -> str:
        """Try the login without spending anything and say in a few words what was found (``charimg doctor``).

        Raises the core's provider errors where the login does not work.
        """
        return "nothing to log in to"
