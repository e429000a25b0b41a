"""What the session endpoint's answer says: a bearer token and how long it serves, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from charimg.errors import FatalError
from charimg_whisk.addresses import host_of
from charimg_whisk.cookies import HOW_TO_GET
from charimg_whisk.faults import CLOSED, closed_by, decoded, error_from, fault_of

if TYPE_CHECKING:
    from charimg.http import Answer

LONGEST_LIFE = timedelta(seconds=3000)
"""How long a bearer is trusted at most: it lives about an hour, whatever ``expires`` says of the login."""

MARGIN = timedelta(seconds=60)
"""A bearer with less than this to live is renewed before it is used."""


@dataclass(frozen=True)
class Login:
    """A bearer token and what came with it."""

    bearer: str = field(repr=False)
    deadline: datetime
    """Not used after it, UTC."""
    rotated: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Cookies to keep in place of the old ones."""
    person: str | None = None
    """Enough of the account's name to recognise it by: its first letter."""

    def due(self, now: datetime) -> bool:
        """Whether it must be renewed before the next request."""
        return self.deadline - now < MARGIN


def deadline(expires: object, now: datetime) -> datetime:
    """Until when a bearer received *now* is used: the earlier of the session's ``expires`` and 3000 seconds.

    An ``expires`` that is missing or no date is left out of account.
    """
    latest = now + LONGEST_LIFE
    stated = _date(expires)
    return latest if stated is None else min(stated, latest)


def read_login(answer: Answer, now: datetime, *, renewal: str, clean: Callable[[str], str] = str) -> Login:
    """Read the answer of ``/fx/api/auth/session``.

    :param renewal: how a new cookie is given.
    :param clean: erases secrets from the service's words.
    :raises FatalError: nobody is logged in, the login must be made anew, it cannot be verified, or Whisk is closed.
    :raises ProviderError: the endpoint is busy or broken at the moment.
    """
    where = host_of(answer.url)
    new_login = f"{HOW_TO_GET}, then {renewal}"
    if not answer.ok:
        fault = fault_of(answer, clean)
        assert fault is not None
        gone = closed_by(answer, fault)
        if gone is not None:
            raise gone
        if answer.status >= 500 or answer.status in (408, 429):
            raise error_from(answer, fault, now=now)
        raise FatalError(f"{where} could not verify the Whisk login (HTTP {answer.status}); {new_login}")
    data = decoded(answer)
    if not isinstance(data, dict):
        kind = "an empty answer" if not answer.body.strip() else "something that is no JSON"
        raise FatalError(f"{where} could not verify the Whisk login: it sent {kind}; {new_login}")
    if data.get("error") == "ACCESS_TOKEN_REFRESH_NEEDED":
        raise FatalError(
            f"the Whisk login has run out and cannot be renewed (ACCESS_TOKEN_REFRESH_NEEDED); {new_login}"
        )
    bearer = data.get("access_token")
    if not isinstance(bearer, str) or not bearer or data.get("error"):
        raise FatalError(
            f"{where} knows no login for this cookie: either the cookie is wrong or expired (copy a new one, then "
            f"{renewal}), or the account was moved away: {CLOSED}"
        )
    return Login(bearer, deadline(data.get("expires"), now), _rotated(data), _person(data.get("user")))


def _date(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _rotated(data: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    cookies = data.get("cookies")
    return tuple(
        (one["name"], one["value"])
        for one in (cookies if isinstance(cookies, list) else [])
        if isinstance(one, dict) and isinstance(one.get("name"), str) and isinstance(one.get("value"), str)
    )


def _person(user: object) -> str | None:
    if not isinstance(user, dict):
        return None
    known = next((user[key] for key in ("name", "email") if isinstance(user.get(key), str) and user[key].strip()), None)
    return f"{known.strip()[0]}…" if known else None
