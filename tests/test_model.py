"""The plain values: what plugins hand over carelessly is made whole once, where the value is made."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from charimg.errors import ExhaustedError, RejectedError
from charimg.model import Cost, MediaReference, utc_now


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_reference_that_expires_at_a_local_time_can_be_compared(hours: int) -> None:
    """A service's time without a zone is local time; it would otherwise break the plan of every later run."""
    local = datetime.now() + timedelta(hours=hours)  # noqa: DTZ005 - what a careless plugin passes on
    reference = MediaReference("x", expires_at=local)

    assert reference.expired(utc_now()) is (hours < 0)


def test_a_reference_keeps_the_moment_of_another_zone() -> None:
    """A time with a zone is the same moment in UTC."""
    there = datetime(2026, 5, 1, 9, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))

    assert MediaReference("x", expires_at=there).expires_at == datetime(2026, 5, 1, 4, tzinfo=timezone.utc)


def test_a_number_as_media_id_is_its_text() -> None:
    """Services number their media; a reference is text everywhere else."""
    assert MediaReference(4711).id == "4711"  # type: ignore[arg-type] - what a careless plugin passes on


def test_errors_hold_text_and_moments_that_can_be_compared() -> None:
    """A plugin may raise with the service's JSON and a local time; neither may break the run that hears of it."""
    rejected = RejectedError({"code": "policy"})  # type: ignore[arg-type] - what a careless plugin passes on
    exhausted = ExhaustedError("gone", retry_at=datetime(2026, 5, 1, 9, 30))  # noqa: DTZ001 - likewise

    assert (rejected.message, exhausted.retry_at is not None and exhausted.retry_at.tzinfo) == (
        "{'code': 'policy'}",
        timezone.utc,
    )


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (Cost(0.5, source="reported"), "0.50 USD"),
        (Cost(0.5, "credits", "reported"), "0.5 credits"),
        (Cost(12, "credits"), "about 12 credits"),
        (Cost(0.003), "about 0.003 USD"),
        (Cost(3), "about 3.00 USD"),
    ],
)
def test_a_cost_reads_as_people_write_it(cost: Cost, text: str) -> None:
    """Money has two decimals at least and more where they matter; a price that is only declared says so."""
    assert str(cost) == text
