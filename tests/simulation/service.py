"""The services of the simulated world: they count, charge, keep what is asked for later, and go wrong as told.

A service knows nothing of who asks. It lives in true time, goes on when a client dies, and what it has charged stays
charged: :attr:`Account.bill` is the truth that the ledger is held against.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from charimg.errors import ProviderError, ThrottledError
from charimg.verdicts import error_of, read_answer
from tests.simulation.chance import Chance
from tests.simulation.clockwork import Clock
from tests.simulation.pictures import NOBODY, paint, paint_jpeg
from tests.simulation.scenario import LanePlan, Quota

ROWS: dict[str, dict[str, Any]] = {
    row["id"]: row
    for row in json.loads((Path(__file__).parents[1] / "data" / "error_corpus.json").read_text(encoding="utf-8"))
}
"""Real answers of real services, by their id."""

LOST = ("reset", "raw reset", "silence", "timeout", "broke off")
"""The picture is made and charged, and the client never hears of it."""

SPOILT = ("html", "empty", "dot", "torn")
"""It is made and charged, and what arrives is no picture."""

FAULTS = {
    "make": (*LOST, *SPOILT, "unreachable", "same", "jpeg", "bug", "slow"),
    "ask": ("unreachable", "forgotten", "failed", "timeout"),
    "upload": ("unreachable", "reset", "silence", "timeout", "bug", "slow"),
}
"""What may go wrong, beside the rows, by kind of call."""

READ_TIMEOUT = 300.0
"""Seconds after which a client of the shared HTTP session has waited enough."""

DAY = 86_400.0

_WINDOWS = {"fixed", "sliding"}


@dataclass
class Charge:
    """One picture that a service has made and wants money for."""

    attempt: str
    key: str
    account: str
    at: float
    run: int
    """The run that asked for it, from 0."""
    picture: bytes
    ready: float
    heard: bool = False
    """The client has received the picture."""
    void: bool = False
    """The job failed at the service, which takes nothing for it."""
    asked: str = ""
    """What was to be seen in it."""
    accepted: bool = False
    """The client has heard the ticket."""
    gone: bool = False
    """The service will not hear of the job any more, and has said so."""


@dataclass(frozen=True)
class Reply:
    """What comes back, and when."""

    after: float
    answer: Any = None
    error: BaseException | None = None
    never: bool = False
    hint: float | None = None
    """Seconds the service asks to wait, where it does."""


@dataclass
class Account:
    """One account at one service.

    :param nth: how many calls of a kind there were for a character, so that faults know theirs.
    """

    name: str
    plan: LanePlan
    chance: Chance
    clock: Clock
    fault: Callable[[str, str, int], str | None]
    """What goes wrong with a call: of this kind, for this key, the nth."""
    used: Counter[str]
    """What was exercised."""
    bill: list[Charge] = field(default_factory=list)
    healthy: bool = False
    """From now on all goes well, at once."""
    run: int = 0
    began: float = 0.0
    """When the run began."""
    _calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    _taken: list[tuple[float, float]] = field(default_factory=list)
    """When a request was let through, and when it is done."""

    def next_fault(self, kind: str, key: str) -> tuple[int, str | None]:
        """The number of this call, and what goes wrong with it."""
        nth = self._calls[kind, key]
        self._calls[kind, key] += 1
        found = None if self.healthy else "unreachable" if self._is_out() else self.fault(kind, key, nth)
        if found is not None:
            self.used[f"fault {found.partition(':')[0]}"] += 1
        return nth, found

    def _is_out(self) -> bool:
        outage = self.plan.outage
        return outage is not None and outage[0] <= self.clock.now - self.began < outage[1]

    def seconds(self, key: str, nth: int) -> float:
        """How long this one takes."""
        low, high = (0.2, 0.2) if self.healthy else self.plan.seconds
        return self.chance.between(low, high, "seconds", self.name, key, nth)

    def turned_away(self, takes: float, *, polled: bool = False) -> Reply | None:
        """The answer of a service whose quota is used up; else the request counts.

        :param takes: seconds for which it is under way here.
        """
        quota, now = self.plan.quota, self.clock.now
        wait = None if self.healthy else _wait_of(quota, self._taken, now)
        if wait is None:
            self._taken.append((now, now + takes))
            return None
        self.used["quota answers"] += 1
        if quota.kind == "daily":
            row = ROWS["cf-3036"]
            return self.refused(row["status"], row["headers"], row["body"])
        headers = {}
        if quota.hint == "exact":
            headers = {"retry-after-ms": str(int(wait * 1000) + 1)}
        elif quota.hint == "whole":
            headers = {"retry-after": str(int(wait))}
        elif quota.hint == "long":
            headers = {"retry-after": str(int(wait * 3) + 1)}
        body = {"error": {"message": "Rate limit reached.", "type": "requests", "code": "rate_limit_exceeded"}}
        return self.refused(429, headers, body)

    def refused(self, status: int, headers: dict[str, str], body: Any) -> Reply:
        """An answer without a picture, as the shared reading of answers tells it."""
        reading = read_answer(status, headers, body)
        self.used[f"verdict {reading.verdict}"] += 1
        return Reply(0.1, error=error_of(reading), hint=reading.wait)

    def row(self, name: str) -> Reply:
        """An answer of the error corpus."""
        row = ROWS[name]
        return self.refused(row["status"], row["headers"], row["body"])

    def charge(self, attempt: str, key: str, ready: float, *, picture: bytes | None = None) -> Charge:
        """Make the picture and put it on the bill."""
        made = Charge(attempt, key, self.name, self.clock.now, self.run, picture or paint(attempt), ready)
        self.bill.append(made)
        return made

    def standing(self, key: str) -> list[Charge]:
        """Jobs of a character that were accepted, and whose result is still to be had."""
        return [
            one
            for one in self.bill
            if one.key == key
            and one.accepted
            and not (one.heard or one.void or one.gone)
            and self.clock.now < min(one.ready + self.plan.keeps, one.at + DAY)
        ]

    def broken(self, fault: str, attempt: str, key: str, takes: float) -> Reply:
        """A request for a picture that goes wrong after it was accepted."""
        self.charge(attempt, key, self.clock.now + takes)
        if fault == "reset":
            error = ThrottledError("the connection was lost", possibly_charged=True, unreachable=True)
            return Reply(takes, error=error)
        if fault == "raw reset":
            return Reply(takes, error=ConnectionResetError("connection reset by peer"))
        if fault == "timeout":
            error = ThrottledError("no answer in 300 seconds", possibly_charged=True, unreachable=True)
            return Reply(READ_TIMEOUT, error=error)
        if fault == "broke off":
            return Reply(takes, error=asyncio.CancelledError())
        return Reply(takes, never=True)


def spoilt(fault: str, picture: bytes) -> bytes:
    """What arrives instead of a picture."""
    if fault == "html":
        return b"<!doctype html><title>Bad gateway</title>"
    if fault == "empty":
        return b""
    if fault == "dot":
        return DOT
    return picture[: len(picture) // 2]


DOT = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
"""A GIF of one pixel."""


def picture_of(fault: str | None, attempt: str) -> bytes:
    """The picture that the service makes."""
    if fault == "same":
        return paint(NOBODY)
    return paint_jpeg(attempt) if fault == "jpeg" else paint(attempt)


def unreachable(charged: bool = False) -> ProviderError:
    """No connection: the request never left."""
    return ThrottledError("the service cannot be reached", unreachable=True, possibly_charged=charged)


def _wait_of(quota: Quota, taken: list[tuple[float, float]], now: float) -> float | None:
    """Seconds until the quota has room again; ``None`` if it has."""
    if quota.kind == "none":
        return None
    if quota.kind == "concurrent":
        ends = sorted(end for _, end in taken if end > now)
        return None if len(ends) < quota.limit else ends[len(ends) - quota.limit] - now
    if quota.kind == "daily":
        day = now // DAY
        return None if sum(at // DAY == day for at, _ in taken) < quota.limit else (day + 1) * DAY - now
    if quota.kind == "fixed":
        window = now // quota.seconds
        used = sum(at // quota.seconds == window for at, _ in taken)
        return None if used < quota.limit else (window + 1) * quota.seconds - now
    if quota.kind == "sliding":
        recent = [at for at, _ in taken if at > now - quota.seconds]
        return None if len(recent) < quota.limit else recent[len(recent) - quota.limit] + quota.seconds - now
    rate = quota.limit / quota.seconds
    level, last = float(quota.limit), 0.0
    for at, _ in taken:
        level, last = min(quota.limit, level + (at - last) * rate) - 1.0, at
    level = min(quota.limit, level + (now - last) * rate)
    return None if level >= 1.0 else (1.0 - level) / rate
