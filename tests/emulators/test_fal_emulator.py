"""The local fal queues, runs a few at a time, and tells a job's failure at its result."""

from __future__ import annotations

from typing import Any

import aiohttp

from .fal import TEST_KEY, FalEmulator
from .polled import Reply

DEV = "fal-ai/flux/dev"


async def ask(method: str, url: str, json: Any = None, key: str = TEST_KEY) -> tuple[int, Any]:
    headers = {"Authorization": f"Key {key}"}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, json=json, headers=headers) as response,
    ):
        return response.status, await response.json()


async def test_the_queue_moves_as_runners_become_free() -> None:
    """One runner: the second request waits its turn, in the order of the submits."""
    async with FalEmulator(runners=1, polls=1) as fal:
        jobs = [(await ask("POST", f"{fal.url}/{DEV}", {"prompt": f"jester {at}"}))[1] for at in range(2)]
        seen = [(await ask("GET", jobs[1]["status_url"]))[1] for _ in range(4)]
        early = await ask("GET", f"{fal.url}/fal-ai/flux/requests/{jobs[1]['request_id']}")

    assert [job["queue_position"] for job in jobs] == [0, 1]
    assert [one["status"] for one in seen] == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED", "COMPLETED"]
    assert early[0] == 200


async def test_the_sub_path_disappears_from_the_addresses() -> None:
    """Which is why one uses those that the submit gave."""
    async with FalEmulator() as fal:
        _, job = await ask("POST", f"{fal.url}/{DEV}", {"prompt": "a jester"})
        early = await ask("GET", job["response_url"])
        wrong = await ask("GET", f"{fal.url}/{DEV}/requests/{job['request_id']}/status")

        assert job["response_url"] == f"{fal.url}/fal-ai/flux/requests/{job['request_id']}"
    assert (early[0], wrong[0]) == (400, 404)


async def test_a_failure_is_told_by_the_status_and_by_the_result() -> None:
    """200 COMPLETED with an error type, then the error's own status."""
    async with FalEmulator(
        polls=1, failures=[Reply(504, {"detail": "Timed out", "error_type": "request_timeout"})]
    ) as fal:
        _, job = await ask("POST", f"{fal.url}/{DEV}", {"prompt": "a jester"})
        states = [await ask("GET", job["status_url"]) for _ in range(2)]
        result = await ask("GET", job["response_url"])

    assert [status for status, _ in states] == [202, 200]
    assert states[1][1]["error_type"] == "request_timeout"
    assert result == (504, {"detail": "Timed out", "error_type": "request_timeout"})


async def test_strangers_and_locked_accounts_are_refused() -> None:
    """401 for a wrong key, 403 for an exhausted balance, and nothing on the bill."""
    async with FalEmulator(locked=True) as fal:
        nobody = await ask("POST", f"{fal.url}/{DEV}", {"prompt": "x"}, key="wrong")
        locked = await ask("POST", f"{fal.url}/{DEV}", {"prompt": "x"})

        assert fal.bill.made == []
    assert (nobody[0], locked[0]) == (401, 403)
