"""The quotas of projects: by minute, by day, by ten minutes' spending. Time is an argument; the reply is built here.

The names, the sentence that stands in every refusal, the three details and the truncated ``retryDelay`` are
the project's notes on Gemini §3 (captures of 2025 and 2026).
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from .accounts import Account
from .replies import DEPLETED, EXHAUSTED, HELP, RPC, Refused, Reply, error

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
TEN_MINUTES = 600.0

_SENTENCE = (
    "You exceeded your current quota, please check your plan and billing details. For more information on this error,"
    " head to: https://ai.google.dev/gemini-api/docs/rate-limits. "
)


@dataclass(frozen=True)
class Violation:
    """One quota that a request broke."""

    quota_id: str
    metric: str
    limit: int
    wait: float
    """Seconds until it would pass."""
    stated: str | None = None
    """What ``retryDelay`` says instead."""


def next_reset(now: datetime) -> datetime:
    """When the day's quota returns: midnight in Los Angeles."""
    there = now.astimezone(LOS_ANGELES)
    return datetime.combine(there.date() + timedelta(days=1), time(), LOS_ANGELES)


class Quotas:
    """What every project has used, by model."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], list[tuple[float, datetime]]] = defaultdict(list)

    def take(
        self, account: Account, model: str, *, now: float, moment: datetime, minute: float, shuffle: bool = False
    ) -> None:
        """Count one picture, or raise :class:`Refused`; a refused request uses nothing."""
        if account.depleted is not None:
            raise Refused(error(account.depleted, DEPLETED, "RESOURCE_EXHAUSTED"), "prepaid credits are depleted")
        made = self._made[account.owner, model]
        violations = _violations(account, made, now=now, moment=moment, minute=minute)
        if violations:
            why = "limit: " + ", ".join(one.quota_id for one in violations)
            raise Refused(refusal(violations, model, shuffle=shuffle), why)
        spent = sum(1 for when, _ in made if now - when < TEN_MINUTES)
        if account.per_ten_minutes is not None and spent >= account.per_ten_minutes:
            raise Refused(EXHAUSTED, "limit: spending in ten minutes")
        made.append((now, moment))


def _violations(
    account: Account, made: list[tuple[float, datetime]], *, now: float, moment: datetime, minute: float
) -> list[Violation]:
    tier = "free" if account.free else "paid"
    suffix = "-FreeTier" if account.free else ""
    metric = f"generativelanguage.googleapis.com/generate_content_{tier}_tier_requests"
    per_minute = 0 if account.free else account.per_minute
    per_day = 0 if account.free else account.per_day
    found = []
    if account.free:
        tokens = "generativelanguage.googleapis.com/generate_content_free_tier_input_token_count"
        found.append(Violation("GenerateContentInputTokensPerModelPerMinute-FreeTier", tokens, 0, minute))
    recent = [when for when, _ in made if now - when < minute]
    if per_minute is not None and len(recent) >= per_minute:
        # Room comes when the oldest that is one too many leaves the window.
        wait = recent[len(recent) - per_minute] + minute - now if per_minute else minute
        found.append(Violation(f"GenerateRequestsPerMinutePerProjectPerModel{suffix}", metric, per_minute, wait))
    reset = next_reset(moment)
    today = [when for _, when in made if next_reset(when) == reset]
    if per_day is not None and len(today) >= per_day:
        wait = (reset - moment).total_seconds()
        stated = None if account.day_delay == "until-reset" else account.day_delay
        found.append(Violation(f"GenerateRequestsPerDayPerProjectPerModel{suffix}", metric, per_day, wait, stated))
    return found


def refusal(violations: list[Violation], model: str, *, shuffle: bool = False) -> Reply:
    """The 429: its sentence is the same for a busy minute and a spent day."""
    # Beside a limit of 0 stood a delay of seconds, as of a minute's window (capture of 2025-09).
    longest = max(violations, key=lambda one: one.wait if one.limit else 0.0)
    wait = longest.wait
    delay = longest.stated or f"{math.floor(wait)}s"  # truncated to whole seconds, which the sentence is not
    lines = [f"\n* Quota exceeded for metric: {one.metric}, limit: {one.limit}, model: {model}" for one in violations]
    message = f"{_SENTENCE}{''.join(lines)}\nPlease retry in {longest.stated or spoken(wait)}."
    details: list[dict[str, Any]] = [
        HELP,
        {
            "@type": f"{RPC}QuotaFailure",
            "violations": [
                {
                    "quotaMetric": one.metric,
                    "quotaId": one.quota_id,
                    "quotaDimensions": {"location": "global", "model": model},
                    # A limit of 0 is left out, as proto3 leaves out every zero; the sentence has it.
                    **({"quotaValue": str(one.limit)} if one.limit else {}),
                }
                for one in violations
            ],
        },
        {"@type": f"{RPC}RetryInfo", "retryDelay": delay},
    ]
    return error(429, message, None, *(reversed(details) if shuffle else details))


def spoken(seconds: float) -> str:
    """A duration as the sentences have it: ``18.2s``, ``9h54m12.1s``."""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    text = f"{left:.9f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{int(hours)}h{int(minutes)}m{text}"
    return f"{int(minutes)}m{text}" if minutes else text
