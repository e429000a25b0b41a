"""One key at one address, shared by the generator and the uploader of a lane: calls, and errors without secrets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from charimg.addresses import host_and_port, join, same_service
from charimg.errors import FatalError, ProviderError
from charimg.model import utc_now
from charimg_gemini.answers import OfferedModel, page_of
from charimg_gemini.declared import BASE_URL
from charimg_gemini.faults import error_from

if TYPE_CHECKING:
    from charimg.contracts import ProviderContext
    from charimg.http import Answer

MAX_PAGES = 20
"""Pages of the list of models that are read; one of the true service's holds a thousand."""


class GeminiAccount:
    """Calls with the lane's key. Made by ``context.share(GeminiAccount)``."""

    def __init__(self, context: ProviderContext) -> None:
        self._context = context
        settings = context.settings
        self._base = str(settings.get("base_url") or BASE_URL)
        self._version = str(settings.get("api_version") or "v1beta")
        self._timeout = float(settings.get("timeout") or 0)
        self._tried = False
        self._trying = asyncio.Lock()

    def path(self, path: str, *, upload: bool = False) -> str:
        """The address of a resource, as ``models/gemini-3.1-flash-image``.

        :raises FatalError: the setting ``base_url`` is no web address.
        """
        return join(self._base, f"{'upload/' if upload else ''}{self._version}/{path}")

    def own(self, url: str) -> bool:
        """Whether an address that an answer named belongs to the service."""
        return same_service(url, self._base)

    @property
    def host(self) -> str:
        """``host:port`` of the service, for messages."""
        return host_and_port(self._base)

    async def ready(self) -> None:
        """Try the key before the first request, once for generator and uploader, with a request that costs nothing.

        :raises FatalError: no request can succeed. Any other trouble is left to the requests themselves: a gateway may
            not offer the list of models.
        """
        async with self._trying:
            if self._tried:
                return
            answer = await self._asked_for_models()
            if answer is not None and not answer.ok:
                error = self.error_of(answer)
                if isinstance(error, FatalError) and answer.status in (400, 401, 403):
                    raise error
            self._tried = True

    async def _asked_for_models(self) -> Answer | None:
        try:
            return await self.send("GET", self.path("models?pageSize=1"))
        except FatalError:
            raise
        except ProviderError:
            return None

    async def offered(self) -> list[OfferedModel]:
        """Every model in the service's list."""
        models: list[OfferedModel] = []
        token: str | None = None
        for _ in range(MAX_PAGES):
            params = {"pageSize": "1000", **({"pageToken": token} if token else {})}
            page, token = page_of(await self.ask("GET", self.path("models"), params=params))
            models += page
            if token is None:
                break
        return models

    async def ask(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        params: Mapping[str, str] | None = None,
    ) -> Any:
        """A request that spends nothing; the data of its answer. Raises what the service's refusal means."""
        with self.told_safely():
            answer = await self.send(method, url, json=json, params=params)
            if not answer.ok:
                raise self.error_of(answer)
            return answer.json()

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
        with_key: bool = True,
    ) -> Answer:
        """Send one request and give back its answer, whatever its status."""
        from charimg.http import Timeouts  # noqa: PLC0415 - aiohttp is loaded when something is sent

        limit = self._timeout
        key = {"x-goog-api-key": self._key()} if with_key else {}
        return await self._context.http.request(
            method,
            url,
            headers={**key, **(headers or {})},
            json=json,
            params=params,
            data=data,
            timeouts=Timeouts(connect=min(20.0, limit), read=limit, total=limit) if limit else None,
        )

    def error_of(self, answer: Answer, *, model: str = "", retirement: str | None = None) -> ProviderError:
        """What a refusal means.

        :param model: the model that was asked, where one was.
        :param retirement: what is known of its end.
        """
        return error_from(
            self.cleaned(answer),
            now=utc_now(),
            ceiling=self._context.wait_ceiling,
            model=model,
            retirement=retirement,
            where=self.host,
            renewal=self._context.renewal("api_key"),
        )

    def cleaned(self, answer: Answer) -> Answer:
        """The answer without secrets in its body: Google repeats the key in some refusals, and words are cut to length
        later, after which half a key would not be known as one."""
        return replace(answer, body=self._context.redactor.clean(answer.text).encode())

    @contextmanager
    def told_safely(self, *, spends: bool = False) -> Iterator[None]:
        """Errors leave without a secret in them, and only those of a paid request say that it may have been paid."""
        try:
            yield
        except ProviderError as error:
            error.message = self._context.redactor.clean(error.message)
            error.args = (error.message,)
            error.possibly_charged = error.possibly_charged and spends
            raise

    def _key(self) -> str:
        secret = self._context.credentials.get("api_key")
        if not secret or not secret.reveal().strip():
            raise FatalError(
                "gemini needs the credential 'api_key' (GEMINI_API_KEY): get a key at"
                f" https://aistudio.google.com/apikey, then {self._context.renewal('api_key')}"
            )
        self._context.redactor.add(secret)
        return secret.reveal().strip()
