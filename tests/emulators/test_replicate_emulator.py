"""The local Replicate validates inputs by the model's schema and counts what it creates."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from .polled import Window
from .replicate import TEST_TOKEN, ReplicateEmulator
from .replicate.catalogue import VERSION

FLUX = "/v1/models/black-forest-labs/flux-schnell/predictions"


async def ask(method: str, url: str, json: Any = None, **headers: str) -> tuple[int, Any]:
    every = {"Authorization": f"Bearer {TEST_TOKEN}", **headers}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, json=json, headers=every) as response,
    ):
        return response.status, await response.json(content_type=None)


@pytest.mark.parametrize(
    ("prefer", "status", "state"), [("", 202, "starting"), ("wait=5", 201, "starting"), ("wait", 201, "succeeded")]
)
async def test_a_wait_brings_the_picture_or_runs_out(prefer: str, status: int, state: str) -> None:
    """A prediction that takes 30 s is done within a minute's wait and not within five seconds."""
    headers = {"Prefer": prefer} if prefer else {}
    async with ReplicateEmulator(takes=30.0) as replicate:
        came = await ask("POST", f"{replicate.url}{FLUX}", {"input": {"prompt": "a jester"}}, **headers)

    assert (came[0], came[1]["status"]) == (status, state)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (FLUX, {"input": {"prompt": "x", "guidance": 3}}, 422),
        (FLUX, {"input": {"prompt": 3}}, 422),
        (FLUX, {"input": {"prompt": "x", "seed": True}}, 422),
        (FLUX, {"input": {"prompt": "x", "aspect_ratio": "7:9"}}, 422),
        (FLUX, {"input": {}}, 422),
        (FLUX, {"prompt": "x"}, 422),
        (FLUX, {"input": {"prompt": "x"}, "model": "y"}, 422),
        ("/v1/models/a-stranger/sdxl/predictions", {"input": {"prompt": "x"}}, 404),
        ("/v1/predictions", {"version": "0" * 64, "input": {"prompt": "x"}}, 422),
        ("/v1/predictions", {"version": VERSION, "input": {"prompt": "x"}}, 202),
    ],
)
async def test_what_is_created_must_fit(path: str, body: dict[str, Any], status: int) -> None:
    """Problem documents for what does not, and nothing on the bill."""
    async with ReplicateEmulator() as replicate:
        came = await ask("POST", f"{replicate.url}{path}", body)

        assert came[0] == status
        assert len(replicate.bill.made) == (status == 202)
        assert status == 202 or came[1]["status"] == status


async def test_a_window_tells_its_end_in_words() -> None:
    """Six a minute: the seventh waits for the first to leave the window."""
    now = [0.0]
    async with ReplicateEmulator(windows=[Window(6, 60.0)], clock=lambda: now[0]) as replicate:
        statuses = []
        for step in range(8):
            now[0] = 5.0 * step if step < 7 else 61.0
            came = await ask("POST", f"{replicate.url}{FLUX}", {"input": {"prompt": f"jester {step}"}})
            statuses.append(came[0])
            if came[0] == 429:
                words = came[1]["detail"]

    assert statuses == [202] * 6 + [429, 202]
    assert words == "Request was throttled. Your rate limit resets in ~30s."
