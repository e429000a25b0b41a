"""The emulated AUTOMATIC1111 refuses, waits and counts as the real one does."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from charimg.images import inspect

from .automatic1111 import Automatic1111Emulator

TEXT = "/sdapi/v1/txt2img"
IMAGE = "/sdapi/v1/img2img"


@pytest.fixture
async def server() -> AsyncIterator[Automatic1111Emulator]:
    async with Automatic1111Emulator() as emulator:
        yield emulator


async def ask(server: Automatic1111Emulator, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
    """Status and JSON of one request; a POST where there is a body."""
    method = "GET" if body is None else "POST"
    async with aiohttp.ClientSession() as http, http.request(method, server.url + path, json=body, **more) as answer:
        return answer.status, json.loads(await answer.read())


def login(pair: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


async def test_info_is_a_json_text_with_the_seed_that_was_drawn(server: Automatic1111Emulator) -> None:
    """With -1 the server draws one; the same seed gives the same picture."""
    _, first = await ask(server, TEXT, {"prompt": "a jester", "seed": -1, "width": 512, "height": 768})
    seed = json.loads(first["info"])["seed"]
    _, again = await ask(server, TEXT, {"prompt": "a jester", "seed": seed, "width": 512, "height": 768})

    facts = inspect(base64.b64decode(first["images"][0]))
    assert (facts.format, facts.width, facts.height) == ("png", 512, 768)
    assert seed >= 0
    assert again["images"] == first["images"]


async def test_sides_are_cut_to_multiples_of_eight(server: Automatic1111Emulator) -> None:
    """As the latent picture's grid wants it."""
    await ask(server, TEXT, {"prompt": "x", "width": 519, "height": 64})

    assert server.bill.made[0].size == (512, 64)


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("prompt", 7, "string_type"),
        ("steps", "many", "int_type"),
        ("steps", 4.5, "int_type"),
        ("width", True, "int_type"),
        ("cfg_scale", "strong", "float_type"),
        ("send_images", "yes", "bool_type"),
        ("override_settings", [], "dict_type"),
    ],
)
async def test_a_field_of_the_wrong_type_is_named(
    server: Automatic1111Emulator, field: str, value: Any, kind: str
) -> None:
    """FastAPI's own 422, without the server's envelope."""
    status, body = await ask(server, TEXT, {"prompt": "x", field: value})

    assert status == 422
    assert [(one["loc"], one["type"]) for one in body["detail"]] == [(["body", field], kind)]
    assert server.bill.made == []


async def test_a_field_nobody_knows_is_ignored_and_noted(server: Automatic1111Emulator) -> None:
    """The real one drops it silently; the bill tells the test."""
    status, _ = await ask(server, TEXT, {"prompt": "x", "denoise": 0.3, "init_images": []})

    assert status == 200
    assert server.bill.ignored == {"denoise", "init_images"}


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        (TEXT, {"prompt": "x", "sampler_name": "Nonesuch"}, 404, "Sampler not found"),
        (TEXT, {"prompt": "x", "override_settings": {"sd_model_checkpoint": "y"}}, 404, "Model not found"),
        (IMAGE, {"prompt": "x"}, 404, "Init image not found"),
        (IMAGE, {"prompt": "x", "init_images": ["no picture"]}, 500, "Invalid encoded image"),
    ],
)
async def test_refusals_come_in_the_servers_envelope(
    server: Automatic1111Emulator, path: str, body: Any, status: int, words: str
) -> None:
    """The exception's class, and its words in ``detail``."""
    assert await ask(server, path, body) == (
        status,
        {"error": "HTTPException", "detail": words, "body": "", "errors": ""},
    )


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        (TEXT, {"override_settings": {}, "sampler_name": "Nonesuch"}, 400, b'{"detail": "Sampler not found"}'),
        (TEXT, {"prompt": "x", "override_settings": {"sd_model_checkpoint": "y"}}, 500, b"Internal Server Error"),
        (TEXT, {"prompt": "x"}, 500, b"Internal Server Error"),
        (IMAGE, {"prompt": "x"}, 404, b'{"detail": "Init image not found"}'),
    ],
)
async def test_forge_refuses_in_its_own_form(
    server: Automatic1111Emulator, path: str, body: Any, status: int, words: bytes
) -> None:
    """FastAPI's words for what was expected, a bare 500 for what was not."""
    server.behaviour.forge = True
    async with aiohttp.ClientSession() as http, http.post(server.url + path, json=body) as answer:
        assert (answer.status, await answer.read()) == (status, words)


async def test_one_lock_serves_one_picture_at_a_time_and_progress_meanwhile(server: Automatic1111Emulator) -> None:
    """The second request waits with its connection open; progress is answered at once."""
    server.hold_at(4)
    both = [asyncio.ensure_future(ask(server, TEXT, {"prompt": f"x {n}", "steps": 10})) for n in range(2)]
    told: dict[str, Any] = {"state": {}}
    while told["state"].get("sampling_step") != 4 or server.bill.most_at_once < 2:
        _, told = await ask(server, "/sdapi/v1/progress?skip_current_image=true")
    made_meanwhile = len(server.bill.made)
    server.release()
    answers = await asyncio.gather(*both)

    assert (round(told["progress"], 2), told["state"]["sampling_steps"], told["state"]["job_count"]) == (0.41, 10, 1)
    assert made_meanwhile == 0
    assert [status for status, _ in answers] == [200, 200]
    assert (await ask(server, "/sdapi/v1/progress"))[1]["state"]["job_count"] == 0


async def test_an_interrupt_ends_whichever_picture_is_in_work(server: Automatic1111Emulator) -> None:
    """It comes as it is."""
    server.hold_at(4)
    work = asyncio.ensure_future(ask(server, TEXT, {"prompt": "x", "steps": 10}))
    told: dict[str, Any] = {"state": {}}
    while told["state"].get("sampling_step") != 4:
        _, told = await ask(server, "/sdapi/v1/progress")
    await ask(server, "/sdapi/v1/interrupt", {})

    assert (await work)[0] == 200


async def test_a_checkpoint_is_restored_unless_asked_otherwise(server: Automatic1111Emulator) -> None:
    """And an unknown one is refused, or ignored by those versions that do."""
    first, second = server.behaviour.checkpoints
    override: dict[str, Any] = {"prompt": "x", "override_settings": {"sd_model_checkpoint": "dreamshaper_8"}}
    await ask(server, TEXT, override)
    restored = server.loaded
    await ask(server, TEXT, {**override, "override_settings_restore_afterwards": False})
    kept = server.loaded
    server.behaviour.unknown_checkpoint = "ignore"
    status, _ = await ask(server, TEXT, {"prompt": "x", "override_settings": {"sd_model_checkpoint": "y"}})

    assert (restored, kept, status) == (first, second, 200)
    assert [one.checkpoint for one in server.bill.made] == [second, second, second]


async def test_without_api_there_is_a_page_and_nothing_else(server: Automatic1111Emulator) -> None:
    """Every path of the API is unknown; the page is there."""
    server.behaviour.api = False

    assert await ask(server, TEXT, {"prompt": "x"}) == (404, {"detail": "Not Found"})
    async with aiohttp.ClientSession() as http, http.get(server.url) as page:
        assert page.content_type == "text/html"


async def test_a_login_is_wanted_for_everything(server: Automatic1111Emulator) -> None:
    """Basic, with the challenge's header."""
    server.behaviour.auth = ("ann", "secret")
    right, wrong = login("ann:secret"), login("ann:guess")

    assert (await ask(server, "/sdapi/v1/sd-models", headers=right))[0] == 200
    assert (await ask(server, "/sdapi/v1/sd-models"))[0] == 401
    assert (await ask(server, TEXT, {"prompt": "x"}, headers=wrong))[1]["detail"] == "Incorrect username or password"
    assert server.bill.made == []
