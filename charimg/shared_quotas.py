"""Accounts that several lanes upload to: a quota that one lane meets there holds for the others.

A lane's own record (:mod:`charimg.policy`) says when it may start a job. It does not know what another lane heard from
the same account a moment ago; this does, and turns the upload away before it is sent. Generators are not shared so: two
lanes of one account have different settings, such as the model, and many quotas are the model's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from charimg.errors import ERROR_OF_VERDICT, ProviderError, ThrottledError
from charimg.model import Verdict


@dataclass(frozen=True)
class _Met:
    lane: str
    error: ProviderError
    until: float


class SharedQuotas:
    """What the lanes of a run heard from the accounts they share.

    :param accounts: those of every lane, as often as lanes use them.
    :param quota_wait: seconds an account is left alone after a quota answer, where it asks for no longer wait.
    :param ceiling: seconds: no lane is told a longer wait, for that would mean "not today".
    """

    def __init__(self, accounts: Iterable[str] = (), quota_wait: float = 15.0, ceiling: float = 900.0) -> None:
        self._shared = {account for account, lanes in Counter(accounts).items() if lanes > 1}
        self._quota_wait = quota_wait
        self._ceiling = ceiling
        self._met: dict[str, _Met] = {}

    def check(self, account: str, lane: str, now: float) -> None:
        """Before a call.

        :param now: seconds on a monotonic clock.
        :raises ProviderError: another lane met a quota, or a closed door, that holds for this one.
        """
        met = self._met.get(account)
        if met is None or met.lane == lane:
            return
        error = met.error
        if error.verdict is not Verdict.THROTTLED:
            # Not of the error's own type: a plugin's may want other arguments.
            raise ERROR_OF_VERDICT[error.verdict](error.message, retry_at=error.retry_at)
        if now < met.until:
            raise ThrottledError(error.message, wait=min(met.until - now, self._ceiling), unreachable=error.unreachable)

    def note(self, account: str, lane: str, error: ProviderError, now: float) -> None:
        """After a call that the account turned away."""
        if account in self._shared and error.verdict in (Verdict.THROTTLED, Verdict.EXHAUSTED, Verdict.FATAL):
            wait = max(self._quota_wait, error.wait or 0.0)
            self._met[account] = _Met(lane, error, now + wait)
