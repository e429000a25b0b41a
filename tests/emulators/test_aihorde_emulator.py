"""The local AI Horde limits by address and path, forgets jobs, and refuses what the Horde refuses."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from .aihorde import AiHordeEmulator

GOOD: dict[str, Any] = {"prompt": "a jester", "params": {"width": 512, "height": 576, "steps": 20}, "nsfw": False}


async def ask(method: str, url: str, json: Any = None, key: str = "0000000000") -> tuple[int, Any, dict[str, str]]:
    headers = {"apikey": key, "Client-Agent": "test:1:nobody"}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, json=json, headers=headers) as response,
    ):
        return response.status, await response.json(), dict(response.headers)


async def test_submits_are_limited_by_the_second_and_by_the_minute() -> None:
    """Two a second, ninety a minute; the wait stands in Retry-After."""
    now = [0.0]
    async with AiHordeEmulator(clock=lambda: now[0], concurrency=999) as horde:
        address = f"{horde.url}/v2/generate/async"
        first = [await ask("POST", address, GOOD) for _ in range(3)]
        for step in range(1, 45):
            now[0] = 1.1 * step
            for _ in range(2):
                await ask("POST", address, GOOD)
        now[0] = 50.0
        last = await ask("POST", address, GOOD)

    assert [status for status, _, _ in first] == [202, 202, 429]
    assert first[2][2]["Retry-After"] == "1"
    assert (last[0], last[2]["Retry-After"]) == (429, "10")


async def test_the_status_may_be_asked_for_ten_times_a_minute_and_the_check_ten_a_second() -> None:
    """Which is why one asks the check until the job is done."""
    now = [0.0]
    async with AiHordeEmulator(clock=lambda: now[0], polls=1) as horde:
        _, job, _ = await ask("POST", f"{horde.url}/v2/generate/async", GOOD)
        checks = [(await ask("GET", f"{horde.url}/v2/generate/check/{job['id']}"))[0] for _ in range(11)]
        states = [(await ask("GET", f"{horde.url}/v2/generate/status/{job['id']}"))[0] for _ in range(11)]

    assert checks == states == [200] * 10 + [429]


async def test_a_job_is_forgotten_after_twenty_minutes() -> None:
    """404 with a return code."""
    now = [0.0]
    async with AiHordeEmulator(clock=lambda: now[0]) as horde:
        _, job, _ = await ask("POST", f"{horde.url}/v2/generate/async", GOOD)
        now[0] = 1201.0
        status, body, _ = await ask("GET", f"{horde.url}/v2/generate/check/{job['id']}")

    assert (status, body["rc"]) == (404, "RequestNotFound")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"prompt": " "}, "MissingPrompt"),
        ({"params": {"width": 500, "height": 512}}, "InvalidSize"),
        ({"params": {"sampler_name": "k_new"}}, "UnsupportedSampler"),
        ({"params": {"steps": 501}}, "TooManySteps"),
        ({"params": {"seed": 42}}, None),
        ({"size": 3}, None),
        ({"nsfw": True, "censor_nsfw": True}, None),
        ({"source_image": "bm9uZQ=="}, "SourceImageUnreadable"),
        ({"models": ["nobody serves it"]}, "NoValidWorkers"),
    ],
)
async def test_a_job_that_does_not_fit_is_refused(change: dict[str, Any], code: str | None) -> None:
    """HTTP 400, whose return code tells which kind it is."""
    async with AiHordeEmulator() as horde:
        status, body, _ = await ask("POST", f"{horde.url}/v2/generate/async", {**GOOD, **change})

        assert (status, body.get("rc")) == (400, code)
        assert horde.bill.made == []


async def test_large_jobs_want_kudos_in_busy_hours() -> None:
    """HTTP 403 that is about money."""
    async with AiHordeEmulator(busy=True) as horde:
        large = {**GOOD, "params": {"width": 1024, "height": 1024}}
        status, body, _ = await ask("POST", f"{horde.url}/v2/generate/async", large)

    assert (status, body["rc"]) == (403, "KudosUpfront")


async def test_a_job_can_be_cancelled() -> None:
    """DELETE forgets it."""
    async with AiHordeEmulator() as horde:
        _, job, _ = await ask("POST", f"{horde.url}/v2/generate/async", GOOD)
        gone = await ask("DELETE", f"{horde.url}/v2/generate/status/{job['id']}")
        after = await ask("GET", f"{horde.url}/v2/generate/check/{job['id']}")

    assert (gone[0], after[0]) == (200, 404)
