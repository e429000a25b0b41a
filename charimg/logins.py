"""Trying the logins: those that the lanes of a project use, and those of the other plugins that are installed.

Trying spends nothing and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from charimg.catalogue import Listed
from charimg.contracts.declaration import Declaration, SettingValue
from charimg.contracts.provider import Provider
from charimg.credentials import missing
from charimg.errors import ExitCode, FatalError
from charimg.findings import Finding, State, trouble
from charimg.lane_choice import LaneChoice
from charimg.lane_words import place_words, subject_of
from charimg.plugins import Kind
from charimg.provider_context import lane_values, provider_context
from charimg.redaction import Redactor
from charimg.settings import policy_of
from charimg.verdicts.answer import one_line
from charimg.workplace import Workplace

if TYPE_CHECKING:
    from charimg.http import HttpSession

CHECK_SECONDS = 20.0
"""The longest one login is tried."""
AREA = "logins"
"""Where the findings stand."""


async def try_logins(
    place: Workplace, installed: Iterable[Listed], lanes: Sequence[LaneChoice], redactor: Redactor, *, offline: bool
) -> list[Finding]:
    """One finding an account, or server: a login that generators, uploaders or lanes share is tried once.

    :param installed: every provider there is; those that no lane uses are tried where they have a login.
    :param lanes: those that a run would have: it cannot do without their logins.
    :param redactor: learns the credentials.
    :param offline: try none; only say what is there.
    """
    logins = _in_use(place, lanes)
    used = {one.about.account_name for one in logins}
    for one in installed:
        about = one.declaration
        if about is None or one.provider is None or one.kind is Kind.STORE or about.abilities.offline:
            continue
        if about.credentials and about.account_name not in used:
            used.add(about.account_name)
            values = partial(place.settings.values_for, about)
            logins.append(_Login(one.provider, about.account_name, about.account_name, values))
    if not logins:
        return []
    from charimg.http import HttpSession, Timeouts  # noqa: PLC0415 - aiohttp is heavy, and not every project needs it

    timeouts = Timeouts(connect=5, read=CHECK_SECONDS, total=CHECK_SECONDS)
    async with HttpSession(redactor, timeouts) as http:
        attempts = (_tried(one, place, None if offline else http, redactor) for one in logins)
        return list(await asyncio.gather(*attempts))


@dataclass(frozen=True)
class _Login:
    """One account, or server, that is to be tried."""

    provider: type[Provider]
    account: str
    """Where its credentials are kept, as ``gemini@work``."""
    place: str
    """The account, or the server, as lanes call it."""
    values: Callable[[], Mapping[str, SettingValue | None]]
    """Its settings; raises what is wrong with them."""
    needed: bool = False
    """This project cannot work without it."""
    lanes: tuple[str, ...] = ()
    """The lanes it is for."""

    @property
    def about(self) -> Declaration:
        """What its provider says of itself."""
        return self.provider.declaration

    @property
    def subject(self) -> str:
        """What the finding is called."""
        return subject_of(self.place, self.lanes)


def _in_use(place: Workplace, lanes: Sequence[LaneChoice]) -> list[_Login]:
    """Those of the lanes, generators first; each names the lanes it is for, where that is not plain."""
    found: dict[str, _Login] = {}
    for kind in (Kind.GENERATOR, Kind.UPLOADER):
        for lane in lanes:
            is_generator = kind is Kind.GENERATOR
            provider: type[Provider] = lane.generator if is_generator else lane.uploader
            about = provider.declaration
            if about.abilities.offline or about.name == "none":
                continue
            where = place_words(lane, kind)
            account = lane.account if is_generator else lane.uploader_account
            values = partial(lane_values, lane, kind, place.settings)
            login = found.setdefault(where, _Login(provider, account, where, values, needed=True))
            found[where] = replace(login, lanes=tuple(dict.fromkeys((*login.lanes, lane.name))))
    return list(found.values())


async def _tried(login: _Login, place: Workplace, http: HttpSession | None, redactor: Redactor) -> Finding:
    """What comes of one login.

    :param http: none where nothing is sent.
    """
    about, needed, subject = login.about, login.needed, login.subject
    wrong = State.TROUBLE if needed else State.WARNING
    try:
        found = place.credentials.of_provider(about, login.account)
        for entry in about.credentials:
            if entry.required and entry.name not in found:
                state = State.TROUBLE if needed else State.NOTE
                code = ExitCode.LOGIN if needed else ExitCode.OK
                others = place.credentials.accounts_of(about)
                words = missing(about, entry, login.account, others).partition(": ")[2]  # whose it is, is the subject
                return Finding(AREA, subject, state, words, exit_code=code)
        if http is None:
            words = f"has {', '.join(found) or 'no credential'}; not tried (--offline)"
            return Finding(AREA, subject, State.NOTE, words)
        if not found and not needed:
            return Finding(AREA, subject, State.NOTE, "no login is set; whether it needs one is up to the server")
        context = provider_context(
            about,
            login.account,
            login.values(),
            project=place.project,
            credentials=place.credentials,
            wait_ceiling=policy_of(place.general).wait_ceiling,
            redactor=redactor,
            lane=login.place,
        )
        words = await _checked(login.provider(replace(context, http=http)))
    except asyncio.TimeoutError:
        words = f"no answer within {CHECK_SECONDS:g} seconds; try again later"
        return Finding(AREA, subject, wrong, words, exit_code=ExitCode.FAILED)
    except Exception as error:  # a stranger's code
        said = any(
            words in str(error) for words in ("charimg keys", "charimg providers", "in the environment", "_FILE")
        )
        needs_key = bool(about.credentials) and isinstance(error, FatalError) and not said
        remedy = f"charimg keys set {login.account}" if needs_key else ""
        return replace(trouble(AREA, subject, error), state=wrong, remedy=remedy)
    return Finding(AREA, subject, State.OK, words)


async def _checked(provider: Provider) -> str:
    try:
        return one_line(str(await asyncio.wait_for(provider.check(), CHECK_SECONDS)))  # a service's own words
    finally:
        await provider.close()
