"""One login at Whisk, shared by the generator and the uploader of a lane.

The cookie buys a bearer token, the bearer buys pictures. The token is renewed before it runs out, by one request
however many callers wait for it; a refusal is answered by one renewal and one replay, and never by a loop.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from charimg.errors import FatalError, FlakyError, ProviderError
from charimg.model import utc_now
from charimg_whisk.addresses import Addresses, host_of
from charimg_whisk.answers import unwrapped, workflow_of
from charimg_whisk.cookies import HOW_TO_GET, Cookies, parse
from charimg_whisk.faults import decoded, endpoint_removed, error_from, fault_of, login_refused
from charimg_whisk.login import Login, read_login
from charimg_whisk.protocol import workflow_body
from charimg_whisk.single_flight import SingleFlight

if TYPE_CHECKING:
    from charimg.contracts import ProviderContext
    from charimg.http import Answer

_SITE = "https://labs.google"
"""The page that Google's API expects to be called from, whatever address is used to reach it."""


class WhiskAccount:
    """Calls on both of Whisk's lanes with the right credential. Made by ``context.share(WhiskAccount)``."""

    def __init__(self, context: ProviderContext) -> None:
        self._context = context
        settings = context.settings
        self._addresses = Addresses.of(_text(settings.get("labs_url")), _text(settings.get("sandbox_url")))
        self._timeout = float(settings.get("timeout") or 0)
        self.session = f";{int(utc_now().timestamp() * 1000)}"
        """The session's id in every request: a semicolon and milliseconds, as the site makes it."""
        self._cookies: Cookies | None = None
        self._login: Login | None = None
        self._workflow: str | None = None
        self._dead: FatalError | None = None
        self._renewal = SingleFlight(self._renew)
        self._founding = SingleFlight(self._found_workflow)

    async def check(self) -> str:
        """Log in, ask something that costs nothing, and say in a few words who is logged in."""
        login = await self._valid_login()
        await self.ask("general.fetchUserPreferences")
        return f"logged in as {login.person}" if login.person else "logged in"

    async def ready(self) -> None:
        """Log in before the first request. A service that is only busy is left to the requests themselves.

        :raises FatalError: no request can succeed.
        """
        try:
            await self._valid_login()
        except FatalError:
            raise
        except ProviderError:
            return

    async def close(self) -> None:
        """Give up what is still under way."""
        await self._renewal.stop()
        await self._founding.stop()

    async def workflow(self) -> str:
        """The run's project, made on first use."""
        return self._workflow or await self._founding()

    async def generate(self, method: str, body: dict[str, Any]) -> Any:
        """Ask Google's API (``whisk:generateImage``) and return its answer's data.

        :raises ProviderError: the service refused; ``possibly_charged`` where its answer was lost.
        """
        url = self._addresses.method(method)
        with self._told_safely(spends=True):
            login = await self._valid_login()
            answer, refused = await self._post_to_google(url, body, login)
            if refused:
                login = await self._login_after(login)
                answer, refused = await self._post_to_google(url, body, login)
            if refused:
                raise self._ended(login_refused(url, self._context.renewal("cookie")))
            return self._data_of(answer, spends=True)

    async def tell(self, procedure: str, payload: dict[str, Any]) -> Any:
        """Call a procedure of the site that changes something, and return its payload."""
        return await self._trpc("POST", procedure, {"json": payload})

    async def ask(self, procedure: str) -> Any:
        """Call a procedure of the site that only looks, and return its payload."""
        return await self._trpc("GET", procedure, None)

    async def _trpc(self, method: str, procedure: str, body: dict[str, Any] | None) -> Any:
        url = self._addresses.procedure(procedure)
        with self._told_safely():
            login = await self._valid_login()  # proves the cookie, so that a 401 here means something else
            cookie = self._cookie()
            answer, refused = await self._send_to_site(method, url, body)
            if refused:
                await self._login_after(login)  # raises if it was the cookie after all
                if self._cookie() != cookie:
                    answer, refused = await self._send_to_site(method, url, body)
            if refused:
                raise self._ended(endpoint_removed(url))
            return unwrapped(self._data_of(answer))

    async def _post_to_google(self, url: str, body: dict[str, Any], login: Login) -> tuple[Answer, bool]:
        answer = await self._send(
            "POST",
            url,
            {
                "Authorization": f"Bearer {login.bearer}",
                "Content-Type": "text/plain;charset=UTF-8",
                "Origin": _SITE,
                "Referer": f"{_SITE}/",
            },
            body,
        )
        return answer, _is_login_refusal(answer)

    async def _send_to_site(self, method: str, url: str, body: dict[str, Any] | None) -> tuple[Answer, bool]:
        answer = await self._send(
            method,
            url,
            {"Cookie": self._cookie(), "Content-Type": "application/json", "Origin": _SITE, "Referer": f"{_SITE}/"},
            body,
        )
        return answer, _is_login_refusal(answer)

    async def _send(self, method: str, url: str, headers: dict[str, str], body: dict[str, Any] | None) -> Answer:
        from charimg.http import Timeouts  # noqa: PLC0415 - aiohttp is loaded when something is sent

        limit = self._timeout
        return await self._context.http.request(
            method,
            url,
            headers=headers,
            data=None if body is None else json.dumps(body).encode("ascii"),
            timeouts=Timeouts(connect=min(20.0, limit), read=limit, total=limit) if limit else None,
        )

    def _data_of(self, answer: Answer, *, spends: bool = False) -> Any:
        """The JSON of a success; anything else as an error."""
        fault = fault_of(answer, self._clean)
        if fault is not None:
            raise error_from(answer, fault, spends=spends, now=self._now())
        data = decoded(answer)
        if data is None:
            raise FlakyError(
                f"the answer of {host_of(answer.url)} is no JSON or breaks off (HTTP {answer.status})",
                possibly_charged=spends,
            )
        return data

    async def _valid_login(self) -> Login:
        if self._dead is not None:
            raise self._dead
        if self._login is None or self._login.due(self._now()):
            return await self._renewal()
        return self._login

    async def _login_after(self, refused: Login) -> Login:
        """A newer login than the one that was refused: another caller's, or one renewed now."""
        if self._login is not None and self._login is not refused:
            return self._login
        return await self._renewal()

    async def _renew(self) -> Login:
        with self._told_safely():
            headers = {"Cookie": self._cookie(), "Accept": "application/json"}
            answer = await self._send("GET", self._addresses.session, headers, None)
            try:
                login = read_login(answer, self._now(), renewal=self._context.renewal("cookie"), clean=self._clean)
            except FatalError as error:
                raise self._ended(error) from None
            self._context.redactor.add(login.bearer)
            if login.rotated:
                self._keep_rotated(login)
            self._login = login
            return login

    def _keep_rotated(self, login: Login) -> None:
        assert self._cookies is not None
        renewed = self._cookies.rotated(login.rotated)
        if renewed != self._cookies:
            self._take(renewed)
            self._context.remember("cookie", renewed.header)

    def _cookie(self) -> str:
        """The ``Cookie`` header, read from the credential on first use."""
        if self._cookies is None:
            secret = self._context.credentials.get("cookie")
            if not secret:
                raise FatalError(f"whisk needs the credential 'cookie' (CHARIMG_WHISK_COOKIE): {HOW_TO_GET}")
            self._context.redactor.add(secret)
            try:
                self._take(parse(secret.reveal()))
            except FatalError as error:
                raise FatalError(f"{error.message}, then {self._context.renewal('cookie')}") from None
        assert self._cookies is not None
        return self._cookies.header

    def _take(self, cookies: Cookies) -> None:
        for secret in cookies.secrets:
            self._context.redactor.add(secret)
        self._cookies = cookies

    async def _found_workflow(self) -> str:
        name = f"charimg {self._now():%Y-%m-%d %H:%M}"
        payload = await self.tell("media.createOrUpdateWorkflow", workflow_body(name, self.session))
        # Kept here and not by the callers: one who comes between the answer and their waking must find it.
        self._workflow = workflow_of(payload)
        return self._workflow

    def _ended(self, error: FatalError) -> FatalError:
        """Remember that nothing will succeed any more, so that nothing more is sent."""
        self._dead = error
        return error

    def _clean(self, text: str) -> str:
        return self._context.redactor.clean(text)

    def _now(self) -> datetime:
        return utc_now()

    @contextmanager
    def _told_safely(self, *, spends: bool = False) -> Iterator[None]:
        """Errors leave without a secret in them, and only those of a paid request say that it may have been paid."""
        try:
            yield
        except ProviderError as error:
            error.message = self._clean(error.message)
            error.args = (error.message,)
            error.possibly_charged = error.possibly_charged and spends
            raise


def _is_login_refusal(answer: Answer) -> bool:
    """Whether it is a 401 that blames the login (and not one that names a reason of its own)."""
    fault = fault_of(answer)
    return fault is not None and fault.status == 401 and fault.reason is None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
