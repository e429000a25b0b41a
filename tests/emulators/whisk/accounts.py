"""Logins and bearers: who may speak on which lane, and until when."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

from .behaviour import COOKIE_NAME, Behaviour
from .bill import Bill


@dataclass
class Account:
    """One login and the bearers it was given."""

    name: str
    logins: list[str]
    bearers: dict[str, float] = field(default_factory=dict)
    """Bearer to its end on the emulator's clock."""
    serial: int = 0
    rotations: int = 0


class Accounts:
    """All accounts of one emulator."""

    def __init__(self, behaviour: Behaviour, bill: Bill, clock: Callable[[], float]) -> None:
        self._behaviour = behaviour
        self._bill = bill
        self._clock = clock
        self._accounts: dict[str, Account] = {}

    def _all(self) -> list[Account]:
        for number, login in enumerate(self._behaviour.cookies, 1):
            self._accounts.setdefault(login, Account(f"account-{number}", [login]))
        return [self._accounts[login] for login in self._behaviour.cookies]

    @staticmethod
    def login_in(header: str | None) -> str | None:
        """The session token in a ``Cookie`` header, if it has one."""
        try:
            morsel = SimpleCookie(header or "").get(COOKIE_NAME)
        except CookieError:
            return None
        return morsel.value if morsel else None

    def by_login(self, login: str | None) -> Account | None:
        """The account that *login* belongs to."""
        return next((a for a in self._all() if login in a.logins), None)

    def by_bearer(self, bearer: str | None) -> Account | None:
        """The account that *bearer* belongs to, while the bearer lives."""
        if bearer is None:
            return None
        now = self._clock()
        return next((a for a in self._all() if a.bearers.get(bearer, now) > now), None)

    def bearer(self, account: Account) -> str:
        """A live bearer: the newest while it has life enough left, else a new one."""
        now = self._clock()
        if account.bearers:
            newest, end = list(account.bearers.items())[-1]
            if end - now >= self._behaviour.renew_margin:
                return newest
        account.serial += 1
        digest = hashlib.sha256(f"{account.name}|{account.serial}|{id(self)}".encode()).hexdigest()
        bearer = f"ya29.a0{digest}"
        account.bearers[bearer] = now + self._behaviour.token_lifetime
        self._bill.note(token=1)
        return bearer

    def rotate(self, account: Account) -> str:
        """A new login for *account*; the old one lives on unless it is told to die."""
        account.rotations += 1
        fresh = f"{account.logins[0].partition('.rotated')[0]}.rotated{account.rotations}"
        if self._behaviour.retire_rotated:
            account.logins.clear()
        account.logins.append(fresh)
        return fresh

    def revoke_bearers(self) -> None:
        """Every bearer given so far stops working."""
        for account in self._all():
            account.bearers.clear()
