"""The AI Horde's account: address, key (or none), and what its return codes mean.

Sources: the protocol notes on AI Horde (read in its server), and the list of return codes in the code of its own
client, horde_sdk 0.18.0, 2026-11-22.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from charimg._version import __version__
from charimg.contracts import Credential, Setting
from charimg.errors import FatalError, FlakyError, ProviderError
from charimg.model import Verdict
from charimg.verdicts.answer import as_number, one_line
from charimg_hosted.service import HostedService

if TYPE_CHECKING:
    from charimg.http import Answer

NAME = "aihorde"
URL = "https://aihorde.net"
ANONYMOUS = "0000000000"
"""The key of those who have none."""

BASE_URL = Setting(
    "base_url",
    "The address of the API, without /v2; a path in front is kept.",
    str,
    "https://aihorde.net/api",
    env=("AI_HORDE_URL",),
)
KEY = Credential(
    "api_key",
    "A key of aihorde.net/register, for a better place in the queue; without one you are anonymous.",
    env=("AIHORDE_API_KEY", "AI_HORDE_API_KEY"),
    required=False,
)

PACE = 0.6
"""Seconds between two submits: the Horde takes two a second from one address, and refuses the rest of a batch."""

_MEANINGS = {
    Verdict.THROTTLED: "TooManyPrompts NoValidWorkers MaintenanceMode TimeoutIP",
    Verdict.EXHAUSTED: "KudosUpfront KudosValidationError SharedKeyEmpty SharedKeyInsufficientKudos",
    Verdict.REJECTED: "CorruptPrompt Profanity",
    Verdict.FATAL: """
        InvalidAPIKey WrongCredentials AnonForbidden SharedKeyExpired UserNotFound UnsafeIP UntrustedUnsafeIP NotTrusted
    """,
    Verdict.INVALID: """
        MissingPrompt InvalidSize InvalidPromptSize TooManySteps TooLong UnsupportedSampler UnsupportedModel
        UnexpectedModelName ImageValidationFailed SourceImageResolutionExceeded SourceImageSizeExceeded
        SourceImageUrlInvalid SourceImageUnreadable SourceImageRequiredForModel BadRequest
    """,
    Verdict.FLAKY: "AbortedGen DuplicateGen",
}
VERDICT_OF_RC = {code: verdict for verdict, codes in _MEANINGS.items() for code in codes.split()}
"""The Horde's return code decides, not the status: a 400 or 403 may heal by waiting, and a 403 may be about kudos."""

LOST = frozenset({"RequestNotFound", "InvalidJobID", "RequestExpired"})
"""The job is no longer known: finished jobs are forgotten after 20 minutes."""

_ADVICE = {
    "KudosUpfront": "smaller pictures and fewer steps are free (-o pixels=, -o steps=); a key of your own earns kudos",
    "NoValidWorkers": "nobody serves the model at this size; see `charimg providers show aihorde --models`",
    "TooManyPrompts": "another program may be using this key",
    "UnsupportedModel": "`charimg providers show aihorde --models` lists models",
    "UnexpectedModelName": "`charimg providers show aihorde --models` lists models",
}


class HordeService(HostedService):
    """One key, or nobody, at the AI Horde."""

    title: ClassVar[str] = "AI Horde"
    default_url: ClassVar[str] = "https://aihorde.net/api"

    @property
    def anonymous(self) -> bool:
        """Whether there is no key of one's own."""
        return self.key in ("", ANONYMOUS)

    def key_headers(self) -> dict[str, str]:
        """The key, or the one that stands for nobody; and who asks, without which the Horde may refuse."""
        return {"apikey": self.key or ANONYMOUS, "Client-Agent": f"charimg:{__version__}:charimg-cli"}

    def key_help(self) -> str:
        """See :class:`HostedService`."""
        if self.anonymous:
            return f"get a key at {URL}/register, then {super().key_help()}"
        return f"{super().key_help()}, or leave the key out: the Horde serves those without one too"

    async def whoami(self) -> str:
        """The key's user and kudos (``GET /v2/find_user``, free). Raises if the key is refused."""
        answer = await self.ask("GET", self.url("/v2/find_user"))
        if answer.status == 404:
            raise FatalError(f"AI Horde does not know this key; {self.key_help()}")
        if not answer.ok:
            raise self.refusal(answer)
        data = answer.json()
        if not isinstance(data, dict):
            raise FlakyError("AI Horde answered with something that is no user")
        kudos = as_number(data.get("kudos")) or 0
        return one_line(f"{data.get('username') or 'unknown'}, {kudos:g} kudos")

    def refusal(self, answer: Answer) -> ProviderError:
        """The error for an answer that refuses, by its return code."""
        code = return_code(answer)
        return self.trouble(answer, verdict=VERDICT_OF_RC.get(code), advice=_ADVICE.get(code))


def return_code(answer: Answer) -> str:
    """The field ``rc``; empty where there is none."""
    try:
        data: Any = answer.json()
    except FlakyError:
        return ""
    code = data.get("rc") if isinstance(data, dict) else None
    return code if isinstance(code, str) else ""
