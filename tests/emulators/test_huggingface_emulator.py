"""The emulated Hugging Face refuses, loads and counts as the real one does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from charimg.images import inspect

from .huggingface import TEST_TOKEN, HuggingFaceEmulator, Window

OURS = {"Authorization": f"Bearer {TEST_TOKEN}"}
FLUX = "/hf-inference/models/black-forest-labs/FLUX.1-schnell"


@pytest.fixture
async def service() -> AsyncIterator[HuggingFaceEmulator]:
    async with HuggingFaceEmulator(clock=lambda: 0.0) as emulator:
        yield emulator


async def ask(
    service: HuggingFaceEmulator, path: str, body: Any = None, headers: dict[str, str] = OURS
) -> tuple[int, Any, Any]:
    """Status, headers and body of one request; a POST where there is a body."""
    method = "GET" if body is None else "POST"
    url = service.url + path
    async with aiohttp.ClientSession() as http, http.request(method, url, json=body, headers=headers) as answer:
        data = await answer.read()
        return answer.status, answer.headers, json.loads(data) if "json" in answer.content_type else data


async def test_the_picture_follows_the_parameters(service: HuggingFaceEmulator) -> None:
    """The same seed gives the same picture, another seed another."""
    parameters = {"width": 512, "height": 768, "seed": 7}
    _, headers, first = await ask(service, FLUX, {"inputs": "x", "parameters": parameters})
    _, _, again = await ask(service, FLUX, {"inputs": "x", "parameters": parameters})
    _, _, other = await ask(service, FLUX, {"inputs": "x", "parameters": {**parameters, "seed": 8}})

    assert (headers["content-type"], inspect(first).width, inspect(first).height) == ("image/png", 512, 768)
    assert first == again != other


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"prompt": "x"},
        {"inputs": ""},
        {"inputs": "x", "negative_prompt": "y"},
        {"inputs": "x", "parameters": []},
        {"inputs": "x", "parameters": {"width": "512"}},
        {"inputs": "x", "parameters": {"seed": True}},
        {"inputs": "x", "parameters": {"aspect_ratio": "1:1"}},
    ],
)
async def test_a_request_of_another_form_is_refused(service: HuggingFaceEmulator, body: Any) -> None:
    """Nothing is drawn and no credit is taken."""
    service.behaviour.credits = 1
    status, _, told = await ask(service, FLUX, body)

    assert (status, set(told)) == (400, {"error"})
    assert (service.made, service.behaviour.credits) == ([], 1)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/hf-inference/models/nobody/nothing", 404),
        ("/hf-inference/models/sentence-transformers/all-MiniLM-L6-v2", 400),
        ("/fal-ai/fal-ai/flux/schnell", 404),
    ],
)
async def test_what_does_not_draw_is_refused(service: HuggingFaceEmulator, path: str, status: int) -> None:
    """Unknown models, other tasks, other companies' routes."""
    assert (await ask(service, path, {"inputs": "x"}))[0] == status


async def test_a_model_loads_once(service: HuggingFaceEmulator) -> None:
    """Each answer says how long it still takes; loaded, it stays so."""
    now = 100.0
    async with HuggingFaceEmulator(clock=lambda: now, loading=20.0) as loading:
        first = await ask(loading, FLUX, {"inputs": "x"})
        now = 115.0
        second = await ask(loading, FLUX, {"inputs": "x"})
        now = 120.0
        third = await ask(loading, FLUX, {"inputs": "x"})

    assert (first[0], first[2]["estimated_time"]) == (503, 20.0)
    assert (second[0], second[2]["estimated_time"], third[0]) == (503, 5.0, 200)


async def test_the_window_is_told_with_every_answer() -> None:
    """What is left, when it begins anew, and its size."""
    now = 0.0
    async with HuggingFaceEmulator(clock=lambda: now, window=Window(1, 300)) as service:
        _, granted, _ = await ask(service, FLUX, {"inputs": "x"})
        now = 100.0
        status, limited, body = await ask(service, FLUX, {"inputs": "x"})
        now = 300.0
        after, _, _ = await ask(service, FLUX, {"inputs": "x"})

    assert granted["ratelimit"] == '"api";r=0;t=300'
    assert (status, limited["ratelimit"], body) == (429, '"api";r=0;t=200', {"error": "Too Many Requests"})
    assert (limited["ratelimit-policy"], after) == ('"fixed window";"api";q=1;w=300', 200)


async def test_credits_are_taken_for_pictures_alone(service: HuggingFaceEmulator) -> None:
    """The month's end is a 402."""
    service.behaviour.credits = 1
    statuses = [(await ask(service, FLUX, {"inputs": words}))[0] for words in ("", "x", "x")]

    assert statuses == [400, 200, 402]
    assert len(service.made) == 1


async def test_a_stranger_sees_the_lists_and_draws_nothing(service: HuggingFaceEmulator) -> None:
    """Without a token the hub's lists are public; a wrong token is refused everywhere."""
    nobody: dict[str, str] = {}
    wrong = {"Authorization": "Bearer hf_nobody"}

    assert (await ask(service, "/api/models", headers=nobody))[0] == 200
    assert (await ask(service, FLUX, {"inputs": "x"}, headers=nobody))[0] == 401
    assert (await ask(service, "/api/whoami-v2", headers=nobody))[0] == 401
    assert (await ask(service, "/api/models", headers=wrong))[0] == 401
