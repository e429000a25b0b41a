"""The local Black Forest Labs is strict, regional, limited and forgetful, as the notes have it."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from .bfl import TEST_KEY, BflEmulator

GOOD = {"prompt": "a jester", "width": 832, "height": 1216, "seed": 1, "output_format": "png"}


async def ask(method: str, url: str, *, key: str = TEST_KEY, json: Any = None) -> tuple[int, Any]:
    headers = {"x-key": key} if key else {}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, json=json, headers=headers) as response,
    ):
        return response.status, await response.json() if response.content_type == "application/json" else None


async def test_a_task_is_known_in_its_region_only() -> None:
    """Pending, then ready, at the address that the submit named; another host does not know it."""
    async with BflEmulator(polls=2) as bfl:
        _, task = await ask("POST", f"{bfl.url}/v1/flux-2-pro", json=GOOD)
        _, elsewhere = await ask("GET", f"{bfl.url}/v1/get_result?id={task['id']}")
        states = [(await ask("GET", task["polling_url"]))[1]["status"] for _ in range(3)]

    assert elsewhere["status"] == "Task not found"
    assert states == ["Pending", "Ready", "Ready"]
    assert task["cost"] == 4


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"size": "1k"}, "extra_forbidden"),
        ({"width": "832"}, "int_type"),
        ({"width": 833}, "multiple_of"),
        ({"safety_tolerance": 7}, "less_than_equal"),
        ({"output_format": "gif"}, "enum"),
        ({"input_image": "bm90IGEgcGljdHVyZQ=="}, "value_error"),
        ({"seed": True}, "int_type"),
    ],
)
async def test_a_request_that_does_not_fit_is_refused(change: dict[str, Any], kind: str) -> None:
    """In FastAPI's shape, and nothing is charged."""
    async with BflEmulator() as bfl:
        status, body = await ask("POST", f"{bfl.url}/v1/flux-2-pro", json={**GOOD, **change})

        assert (status, body["detail"][0]["type"]) == (422, kind)
        assert bfl.bill.made == []


async def test_active_tasks_are_limited_until_one_ends() -> None:
    """Six at once for flux-kontext-max, whatever the account's own limit."""
    body = {"prompt": "a jester", "aspect_ratio": "2:3"}
    async with BflEmulator(polls=1) as bfl:
        address = f"{bfl.url}/v1/flux-kontext-max"
        tasks = [await ask("POST", address, json=body) for _ in range(7)]
        await ask("GET", tasks[0][1]["polling_url"])
        again = await ask("POST", address, json=body)

    assert [status for status, _ in tasks] == [200] * 6 + [429]
    assert again[0] == 200


async def test_a_picture_can_be_fetched_for_ten_minutes() -> None:
    """Afterwards its address answers 404."""
    now = [0.0]
    async with BflEmulator(polls=1, clock=lambda: now[0]) as bfl:
        _, task = await ask("POST", f"{bfl.url}/v1/flux-2-pro", json=GOOD)
        _, done = await ask("GET", task["polling_url"])
        early = await ask("GET", done["result"]["sample"], key="")
        now[0] = 601.0
        late = await ask("GET", done["result"]["sample"], key="")

    assert (early[0], late[0]) == (200, 404)
    assert bfl.bill.stray == []


@pytest.mark.parametrize("model", ["flux-9", "flux-pro"])
async def test_strangers_and_unknown_models_are_refused(model: str) -> None:
    """403 for a wrong key, 404 for what is not there."""
    async with BflEmulator() as bfl:
        nobody = await ask("POST", f"{bfl.url}/v1/flux-2-pro", key="wrong", json=GOOD)
        nothing = await ask("POST", f"{bfl.url}/v1/{model}", json=GOOD)

    assert (nobody[0], nothing[0]) == (403, 404)
