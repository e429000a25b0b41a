"""Stability's account: address, key, and what its refusals mean.

Its errors are ``{"id", "name", "errors": [sentences]}``, which the core's families read: the name decides. Source: the
protocol notes on Stability and the error corpus, 2026-11-22.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from charimg.contracts import Credential, Setting
from charimg.errors import ProviderError
from charimg.model import Verdict
from charimg_hosted.service import HostedService

if TYPE_CHECKING:
    from charimg.http import Answer

NAME = "stability"
URL = "https://platform.stability.ai/docs/api-reference"
API = "https://api.stability.ai"

BASE_URL = Setting(
    "base_url", "The address of the API, or of a gateway that speaks like it; a path in front is kept.", str, API
)
KEY = Credential(
    "api_key",
    "An API key of Stability AI (platform.stability.ai/account/keys); it begins with sk-.",
    env=("STABILITY_API_KEY", "STABILITY_KEY"),
)

CHANGE = "change the description of this character"

_ADVICE = {Verdict.REJECTED: CHANGE, Verdict.EXHAUSTED: "or use another provider"}


class StabilityService(HostedService):
    """One account at Stability AI."""

    title: ClassVar[str] = "Stability"
    default_url: ClassVar[str] = API

    def key_headers(self) -> dict[str, str]:
        """See :class:`HostedService`. With JSON the finish reason comes beside the picture."""
        return {"Authorization": f"Bearer {self.key}", "Accept": "application/json"}

    def refusal(self, answer: Answer, *, retirement: str | None) -> ProviderError:
        """The error for an answer that is not 2xx.

        :param retirement: what is known of the chosen model's end, if it has ended.
        """
        if answer.status in (404, 405):
            advice = retirement or "check -o model=... and -o base_url=..."
            return self.trouble(answer, verdict=Verdict.INVALID, advice=advice)
        verdict = self.reading(answer.status, answer.headers, answer.text).verdict
        if verdict is Verdict.INVALID and retirement is not None:
            return self.trouble(answer, advice=retirement)
        return self.trouble(answer, advice=_ADVICE.get(verdict))
