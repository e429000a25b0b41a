"""Keys, the projects behind them, and what each project may ask."""

from __future__ import annotations

from dataclasses import dataclass

TEST_KEY = "AIzaSyEmulatorKey-000000000000000000001"
"""The key that works when none is given: of the true shape, and nobody's."""


@dataclass
class Account:
    """One API key and its project's limits. Every knob may be turned while the emulator runs."""

    key: str = TEST_KEY
    project: str = ""
    """Keys of one project share its quotas and its files; empty: a project of its own."""
    free: bool = False
    """The free tier: names of quotas end in ``-FreeTier``, and pictures have the limit 0."""
    per_minute: int | None = None
    """Pictures a minute, for each model; 0: the model is not in this tier."""
    per_day: int | None = None
    """Pictures a day, for each model; the day ends at midnight in Los Angeles."""
    day_delay: str = "until-reset"
    """What ``retryDelay`` says beside a spent day: ``until-reset`` (hours), or a duration such as ``17s``: both were
    seen."""
    per_ten_minutes: int | None = None
    """Pictures in rolling ten minutes that the spend limit pays for; beyond: a 429 without details."""
    depleted: int | None = None
    """Prepaid credits are used up: the HTTP status that says so, 429 or 402."""
    suspended: bool = False
    """The key is refused with 403."""
    region_refused: bool = False

    @property
    def owner(self) -> str:
        """Whose the quotas and the files are."""
        return self.project or self.key
