"""What the services here have in common: one address, one key, and trouble told in one line."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from charimg.addresses import join
from charimg.errors import FlakyError, ProviderError
from charimg.model import Verdict, utc_now
from charimg.verdicts import Reading, error_of, read_answer

if TYPE_CHECKING:
    from charimg.contracts import ProviderContext
    from charimg.http import Answer

READ, TOTAL = 90.0, 600.0
"""Seconds between two pieces of an answer, and for the whole request. Submits and polls answer at once (only Replicate
holds one back, for a minute at most), but reference pictures may take long to send: a submit that is broken off may be
charged."""


class HostedService(ABC):
    """One account at one service, shared by the lane's generator and uploader (``context.share``)."""

    title: ClassVar[str]
    """As people know the service."""
    default_url: ClassVar[str]
    """Where it lives, if the setting ``base_url`` says nothing."""

    def __init__(self, context: ProviderContext) -> None:
        self.context = context
        self.base_url = str(context.settings.get("base_url") or self.default_url)
        secret = context.credentials.get("api_key")
        self.key = secret.reveal().strip() if secret else ""
        if self.key:
            context.redactor.add(self.key)

    @abstractmethod
    def key_headers(self) -> dict[str, str]:
        """The headers that carry the key. They go to :attr:`base_url` and to what is checked to belong to it."""

    def key_help(self) -> str:
        """What to do about a key that is refused."""
        return self.context.renewal("api_key")

    def url(self, path: str) -> str:
        """The address of a path of the service. Raises FatalError if the setting ``base_url`` is no address."""
        return join(self.base_url, path)

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: Any = None,
    ) -> Answer:
        """One request with the key, whatever its status. *url* is whole, and known to be the service's own."""
        from charimg.http import Timeouts  # noqa: PLC0415 - aiohttp is loaded when something is sent

        whole = {**self.key_headers(), **(headers or {})}
        patience = Timeouts(read=READ, total=TOTAL)
        return await self.context.http.request(method, url, headers=whole, json=json, data=data, timeouts=patience)

    def accepted(self, answer: Answer) -> Any:
        """The data of a success that is paid for.

        :raises FlakyError: it is no JSON; the job may have been taken all the same.
        """
        try:
            return answer.json()
        except FlakyError as error:
            raise FlakyError(f"{self.title}: {error.message}", possibly_charged=True) from error

    def reading(self, status: int, headers: Mapping[str, str], body: str | dict[str, Any]) -> Reading:
        """What an answer, or the part of it that does not repeat the request, means by the core's rules.

        Secrets are erased first: a message that is shortened would keep half of one.
        """
        clean = self.context.redactor.clean
        said = (
            clean(body)
            if isinstance(body, str)
            else {name: clean(value) if isinstance(value, str) else value for name, value in body.items()}
        )
        return read_answer(status, headers, said, now=utc_now(), ceiling=self.context.wait_ceiling)

    def trouble(self, answer: Answer, *, verdict: Verdict | None = None, advice: str | None = None) -> ProviderError:
        """The error for an answer that refuses.

        :param verdict: where the service's own codes tell it; the core's families decide otherwise.
        :param advice: what to do about it, put behind the service's words.
        """
        reading = self.reading(answer.status, answer.headers, answer.text)
        if verdict is None and (300 <= answer.status < 400 or answer.status == 405):
            verdict, advice = Verdict.FATAL, "that is not the service's API; check the setting base_url"
        if verdict is not None and verdict is not reading.verdict:
            reading = replace(reading, verdict=verdict, wait=None, retry_at=None)
        if reading.message == f"HTTP {answer.status}":
            reading = replace(reading, message=f"{self.title} answered HTTP {answer.status}")
        if advice is None and reading.verdict is Verdict.FATAL and answer.status in (401, 403):
            advice = self.key_help()
        if advice is not None:
            reading = replace(reading, message=f"{reading.message.rstrip('.')}; {advice}")
        return error_of(reading)
