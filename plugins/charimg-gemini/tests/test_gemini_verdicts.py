"""What the service's refusals mean, served raw over sockets and read by the real plugin."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from charimg_gemini.faults import next_reset
from gemini_lane import Lane, MakeLane

from charimg.errors import (
    ExhaustedError,
    FatalError,
    FlakyError,
    InvalidRequestError,
    ProviderError,
    RejectedError,
    ThrottledError,
)
from charimg.model import Verdict, utc_now
from tests.emulators.gemini import Account, GeminiEmulator, Reply, json_reply
from tests.emulators.gemini.replies import BLOCK_REASONS, EMPTY_FINISHES, REFUSING_FINISHES, blocked, error, finished

CORPUS = Path(__file__).parents[3] / "tests" / "data" / "error_corpus.json"
ROWS = [row for row in json.loads(CORPUS.read_text("utf-8")) if row["provider"] == "gemini"]


def answer_of(row: dict[str, Any], body: object) -> Reply:
    return Reply(row["status"], json.dumps(body).encode(), row["headers"])


async def failure(lane: Lane) -> ProviderError:
    with pytest.raises(ProviderError) as failed:
        await lane.generator.generate(lane.request())
    assert "\n" not in failed.value.message
    return failed.value


@pytest.mark.parametrize("in_array", [False, True], ids=["bare", "array"])
@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
async def test_real_replies_have_the_wanted_verdict_and_wait(
    gemini: GeminiEmulator, lane: Lane, row: dict[str, Any], in_array: bool
) -> None:
    """Each reply of the corpus as it came, and its errors also in a list of one."""
    wrapped = in_array and "error" in row["body"]
    gemini.add_fault(answer_of(row, [row["body"]] if wrapped else row["body"]), endpoint="generate")

    found = await failure(lane)

    assert (found.verdict, found.wait) == (Verdict(row["want"]), row["wait"])
    assert len(gemini.bill.log("generate")) == 1


@pytest.mark.parametrize("row", [row for row in ROWS if row["status"] != 200], ids=lambda row: row["id"])
async def test_the_same_replies_mean_the_same_to_the_uploader(
    gemini: GeminiEmulator, lane: Lane, row: dict[str, Any]
) -> None:
    """Uploads meet quotas too."""
    gemini.add_fault(answer_of(row, row["body"]), endpoint="start")

    with pytest.raises(ProviderError) as failed:
        await lane.uploader.upload(lane.saved(lane.picture()))

    assert (failed.value.verdict, failed.value.wait) == (Verdict(row["want"]), row["wait"])


@pytest.mark.parametrize("in_array", [False, True], ids=["bare", "array"])
async def test_a_busy_minute_is_told_with_the_quotas_own_size(
    gemini: GeminiEmulator, lane: Lane, in_array: bool
) -> None:
    """Google's sentence is the same for a minute and a day; the plugin says which, how many, and for what."""
    gemini.behaviour.array_errors = in_array
    gemini.behaviour.accounts = [Account(per_minute=1)]
    await lane.generator.generate(lane.request())

    found = await failure(lane)

    assert isinstance(found, ThrottledError)
    assert found.wait is not None
    assert 50 <= found.wait <= 60
    assert found.message.startswith("Gemini allows this project 1 request a minute for gemini-3.1-flash-image (")
    assert "billing details" not in found.message


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("delay", ["until-reset", "17s"])
async def test_a_spent_day_ends_at_midnight_pacific_whatever_delay_stands_beside_it(
    gemini: GeminiEmulator, lane: Lane, delay: str, shuffled: bool
) -> None:
    """Both a delay of hours and one of seconds were seen; a minute's quota that broke as well changes nothing."""
    gemini.behaviour.accounts = [Account(per_day=1, per_minute=1, day_delay=delay)]
    gemini.behaviour.shuffle_details = shuffled
    await lane.generator.generate(lane.request())

    found = await failure(lane)

    assert isinstance(found, ExhaustedError)
    assert found.retry_at == next_reset(utc_now())
    assert "1 request a day for gemini-3.1-flash-image, and they are used up until midnight Pacific" in found.message
    assert found.wait is None or found.wait > 900


async def test_the_free_tier_has_no_pictures(gemini: GeminiEmulator, lane: Lane) -> None:
    """``limit: 0`` beside a delay of seconds: no wait helps, and the message names the remedy."""
    gemini.behaviour.accounts = [Account(free=True)]

    found = await failure(lane)

    assert isinstance(found, ExhaustedError)
    assert (found.wait, found.retry_at) == (None, None)
    assert "not in this project's tier (limit 0); set up billing" in found.message


async def test_a_limit_of_zero_has_no_reset_whatever_delay_stands_beside_it(gemini: GeminiEmulator, lane: Lane) -> None:
    """A delay of hours would tell the user to come back tomorrow, for nothing."""
    row = next(row for row in ROWS if row["id"] == "gm-limit0")
    text = json.dumps(row["body"]).replace('"11s"', '"35652s"').replace("11.161852119s", "9h54m12s")
    gemini.add_fault(Reply(429, text.encode()), endpoint="generate")

    found = await failure(lane)

    assert isinstance(found, ExhaustedError)
    assert (found.wait, found.retry_at) == (None, None)


@pytest.mark.parametrize("status", [429, 402])
async def test_depleted_credits_close_the_lane(gemini: GeminiEmulator, lane: Lane, status: int) -> None:
    """Money, under either status."""
    gemini.behaviour.accounts = [Account(depleted=status)]

    found = await failure(lane)

    assert isinstance(found, ExhaustedError)
    assert "prepayment credits are depleted" in found.message


async def test_spending_in_ten_minutes_is_a_throttle_without_a_wait(gemini: GeminiEmulator, lane: Lane) -> None:
    """The 429 without details."""
    gemini.behaviour.accounts = [Account(per_ten_minutes=1)]
    await lane.generator.generate(lane.request())

    found = await failure(lane)

    assert isinstance(found, ThrottledError)
    assert found.wait is None


@pytest.mark.parametrize("reason", BLOCK_REASONS)
async def test_every_block_reason_rejects(gemini: GeminiEmulator, lane: Lane, reason: str) -> None:
    """A prompt that was refused: the reason is named, and the request is not repeated."""
    gemini.add_fault(blocked(reason), endpoint="generate")

    found = await failure(lane)

    assert isinstance(found, RejectedError)
    assert f"({reason})" in found.message


@pytest.mark.parametrize("reason", [*REFUSING_FINISHES, "ESCALATION", "MODEL_ARMOR"])
async def test_every_refusing_finish_rejects(gemini: GeminiEmulator, lane: Lane, reason: str) -> None:
    """With the service's own words where it has some."""
    gemini.add_fault(finished(reason, message="Unable to show the generated image."), endpoint="generate")

    found = await failure(lane)

    assert isinstance(found, RejectedError)
    assert found.message.endswith(f"({reason}); change the description: Unable to show the generated image.")


@pytest.mark.parametrize("reason", [*EMPTY_FINISHES, "STOP", "OTHER", "MAX_TOKENS", "A_REASON_OF_NEXT_YEAR"])
async def test_a_success_without_a_picture_or_a_refusal_is_flaky(
    gemini: GeminiEmulator, lane: Lane, reason: str
) -> None:
    """The model's words are repeated, for they tell what to change; its "quota" is no quota."""
    gemini.add_fault(finished(reason, text="I can't draw a RATE LIMIT of 429 quota."), endpoint="generate")

    found = await failure(lane)

    assert isinstance(found, FlakyError)
    assert found.message == f"Gemini sent no picture ({reason}): I can't draw a RATE LIMIT of 429 quota."


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (json_reply({}), FlakyError),
        (json_reply([]), FlakyError),
        (json_reply({"candidates": "none"}), FlakyError),
        (json_reply({"candidates": [None, {"content": {"parts": [None, {"inlineData": 5}]}}]}), FlakyError),
        (json_reply({"candidates": [{"content": {"parts": [{"inlineData": {"data": 7}}]}}]}), FlakyError),
        (Reply(200, b""), FlakyError),
        (Reply(200, b"<html>sign in to the hotel's network"), FlakyError),
        (finished("PUP_LIMITED_DISABLED"), FatalError),
        (finished("LANGUAGE"), InvalidRequestError),
        (json_reply({"error": {"code": 429, "message": "busy", "status": "RESOURCE_EXHAUSTED"}}), ThrottledError),
    ],
)
async def test_odd_successes(gemini: GeminiEmulator, lane: Lane, reply: Reply, kind: type[ProviderError]) -> None:
    """Whatever the body holds, an error in the core's words comes out."""
    gemini.add_fault(reply, endpoint="generate")

    assert isinstance(await failure(lane), kind)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("key-invalid", FatalError),
        ("key-missing", FatalError),
        ("region", FatalError),
        ("overloaded", ThrottledError),
        ("internal", FlakyError),
        ("deadline", FlakyError),
        ("html-502", ThrottledError),
        (error(400, "a poster that says RATE LIMIT 50 and quota exceeded"), InvalidRequestError),
        (error(401, "no"), FatalError),
    ],
)
async def test_statuses(gemini: GeminiEmulator, lane: Lane, reply: str | Reply, kind: type[ProviderError]) -> None:
    """Structured codes and statuses decide; the words of a 400 may be the user's own."""
    gemini.add_fault(reply, endpoint="generate")

    assert isinstance(await failure(lane), kind)


async def test_an_aspect_the_service_refuses_is_told_in_its_words(gemini: GeminiEmulator, lane_for: MakeLane) -> None:
    """The plugin passes on what the emulator's strict schema says."""
    lane = lane_for(gemini.url, model="gemini-3.1-flash-lite-image", image_size="4K")

    found = await failure(lane)

    assert isinstance(found, InvalidRequestError)
    assert "image_size: must be one of '1K'" in found.message


@pytest.mark.parametrize(
    ("now", "reset"),
    [
        ("2026-11-22T07:59:59", "2026-11-22T08:00:00"),
        ("2026-11-22T08:00:00", "2026-11-23T08:00:00"),
        ("2026-07-01T06:59:00", "2026-07-01T07:00:00"),
        ("2026-03-08T09:00:00", "2026-03-09T07:00:00"),
        ("2026-11-01T08:00:00", "2026-11-02T08:00:00"),
    ],
)
def test_the_day_ends_at_midnight_in_los_angeles(now: str, reset: str) -> None:
    """In winter, in summer, and on the days the clocks change."""
    found = next_reset(datetime.fromisoformat(now).replace(tzinfo=timezone.utc))

    assert found == datetime.fromisoformat(reset).replace(tzinfo=timezone.utc)


def test_without_time_zones_the_day_ends_no_earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system without the zones' data, as Windows is, gives the standard time's midnight."""
    monkeypatch.setattr("zoneinfo.ZoneInfo", _missing)
    summer = datetime(2026, 7, 1, 6, 59, tzinfo=timezone.utc)

    assert next_reset(summer) == datetime(2026, 7, 1, 8, tzinfo=timezone.utc)


def _missing(_name: str) -> None:
    from zoneinfo import ZoneInfoNotFoundError

    raise ZoneInfoNotFoundError
