"""Accounts that several lanes share: what one hears holds for the others, and for nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charimg.errors import (
    ExhaustedError,
    FatalError,
    FlakyError,
    InvalidRequestError,
    ProviderError,
    RejectedError,
    ThrottledError,
)
from charimg.model import utc_now
from charimg.shared_quotas import SharedQuotas

SHARED = ("shelf", "shelf", "own")


def told(quotas: SharedQuotas, account: str, lane: str, now: float) -> ProviderError | None:
    """What a lane hears before its call."""
    try:
        quotas.check(account, lane, now)
    except ProviderError as error:
        return error
    return None


@pytest.mark.parametrize(("asked", "wait"), [(None, 15.0), (5.0, 15.0), (40.0, 40.0)])
def test_a_quota_holds_the_others_for_as_long_as_the_account_is_to_be_left_alone(
    asked: float | None, wait: float
) -> None:
    """At least the policy's wait, longer where the service asked for longer; each hears what is left of it."""
    quotas = SharedQuotas(SHARED, 15.0)
    quotas.note("shelf", "a", ThrottledError("slow down", wait=asked), 100.0)

    before = told(quotas, "shelf", "b", 110.0)
    assert isinstance(before, ThrottledError)
    assert (before.message, before.wait) == ("slow down", wait - 10)
    assert told(quotas, "shelf", "b", 100.0 + wait) is None


def test_who_met_it_waits_by_its_own_policy() -> None:
    """Its record has the wait already, and its retry is what finds out that the quota is back."""
    quotas = SharedQuotas(SHARED)
    quotas.note("shelf", "a", ThrottledError("slow down"), 0.0)

    assert told(quotas, "shelf", "a", 1.0) is None


@pytest.mark.parametrize("error", [ExhaustedError("no room", retry_at=utc_now()), FatalError("closed")], ids=str)
def test_a_closed_door_stays_closed_for_all(error: ProviderError) -> None:
    """With the words, the kind and the moment of its return that the first lane heard."""
    quotas = SharedQuotas(SHARED)
    quotas.note("shelf", "a", error, 0.0)

    heard = told(quotas, "shelf", "b", 1e9)
    assert heard is not None
    assert (type(heard), heard.message, heard.retry_at) == (type(error), error.message, error.retry_at)


def test_a_lost_connection_is_told_as_one() -> None:
    """What kept the first lane away was no quota, and is told to nobody as one."""
    quotas = SharedQuotas(SHARED)
    quotas.note("shelf", "a", ThrottledError("no connection", unreachable=True), 0.0)

    heard = told(quotas, "shelf", "b", 1.0)
    assert heard is not None
    assert heard.unreachable


@pytest.mark.parametrize("kind", [FlakyError, RejectedError, InvalidRequestError])
def test_a_word_about_one_picture_is_none_about_the_account(kind: Any) -> None:
    """Only what the account itself said holds for others."""
    quotas = SharedQuotas(SHARED)
    quotas.note("shelf", "a", kind("this one"), 0.0)

    assert told(quotas, "shelf", "b", 1.0) is None


def test_an_account_of_one_lane_holds_nobody() -> None:
    """Who has it for itself waits by its own policy alone."""
    quotas = SharedQuotas(SHARED)
    quotas.note("own", "a", FatalError("closed"), 0.0)

    assert told(quotas, "own", "b", 1.0) is None


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 100), st.none() | st.floats(0, 900)), max_size=10),
    st.sampled_from("abc"),
    st.floats(0, 1200),
)
def test_the_latest_word_holds_and_never_longer_than_it_said(
    words: list[tuple[str, float, float | None]], lane: str, later: float
) -> None:
    """A lane is turned away only while the latest quota answer, another's, is not over, and told the rest of it."""
    quotas, now = SharedQuotas(SHARED, 15.0), 0.0
    for who, pause, wait in words:
        now += pause
        quotas.note("shelf", who, ThrottledError("busy", wait=wait), now)
    heard = told(quotas, "shelf", lane, now + later)

    left = max(15.0, words[-1][2] or 0.0) - later if words and words[-1][0] != lane else 0.0
    assert (heard is None) == (left <= 1e-9)
    assert heard is None or heard.wait == pytest.approx(left)
