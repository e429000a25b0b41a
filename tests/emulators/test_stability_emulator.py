"""The emulated Stability refuses, bans and charges as the real one does."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from PIL import Image

from charimg.images import inspect

from .stability import TEST_KEY, RateLimit, StabilityEmulator

OURS = {"Authorization": f"Bearer {TEST_KEY}", "Accept": "application/json"}


@pytest.fixture
async def service() -> AsyncIterator[StabilityEmulator]:
    async with StabilityEmulator(clock=lambda: 0.0) as emulator:
        yield emulator


def a_picture(size: tuple[int, int] = (64, 96)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "navy").save(out, "PNG")
    return out.getvalue()


async def ask(
    service: StabilityEmulator,
    endpoint: str,
    form: dict[str, str],
    *,
    picture: bytes | None = None,
    headers: dict[str, str] = OURS,
) -> tuple[int, Any, Any]:
    """Status, headers and body of one request, as multipart."""
    data = aiohttp.FormData(default_to_multipart=True)
    for name, value in form.items():
        data.add_field(name, value)
    if picture is not None:
        data.add_field("image", picture, filename="start.png", content_type="image/png")
    url = f"{service.url}/v2beta/stable-image/generate/{endpoint}"
    async with aiohttp.ClientSession() as http, http.post(url, data=data, headers=headers) as answer:
        body = await answer.read()
        return answer.status, answer.headers, json.loads(body) if "json" in answer.content_type else body


async def test_json_or_the_bytes_by_what_is_accepted(service: StabilityEmulator) -> None:
    """The finish reason and the seed stand in the body, or in the headers."""
    _, _, as_json = await ask(service, "core", {"prompt": "x", "seed": "7", "output_format": "webp"})
    _, headers, as_bytes = await ask(
        service, "core", {"prompt": "x", "seed": "7", "output_format": "webp"}, headers={**OURS, "Accept": "image/*"}
    )

    assert (as_json["finish_reason"], as_json["seed"]) == ("SUCCESS", 7)
    assert (headers["finish-reason"], headers["seed"]) == ("SUCCESS", "7")
    assert base64.b64decode(as_json["image"]) == as_bytes
    assert inspect(as_bytes).format == "webp"


@pytest.mark.parametrize(
    ("endpoint", "form", "picture", "field"),
    [
        ("core", {}, None, "prompt"),
        ("core", {"prompt": "x" * 10_001}, None, "prompt"),
        ("core", {"prompt": "x", "aspect_ratio": "3:4"}, None, "aspect_ratio"),
        ("core", {"prompt": "x", "seed": "4294967295"}, None, "seed"),
        ("core", {"prompt": "x", "seed": "1.5"}, None, "seed"),
        ("core", {"prompt": "x", "model": "sd3.5-large"}, None, "model"),
        ("core", {"prompt": "x"}, a_picture(), "image"),
        ("core", {"prompt": "x", "strength": "0.5"}, None, "strength"),
        ("ultra", {"prompt": "x"}, a_picture(), "strength"),
        ("ultra", {"prompt": "x", "strength": "0.5"}, None, "strength"),
        ("ultra", {"prompt": "x", "strength": "1.5"}, a_picture(), "strength"),
        ("ultra", {"prompt": "x", "strength": "0.5"}, b"no picture", "image"),
        ("ultra", {"prompt": "x", "strength": "0.5"}, a_picture((63, 96)), "image"),
        ("sd3", {"prompt": "x", "strength": "0.5"}, a_picture(), "mode"),
        ("sd3", {"prompt": "x", "mode": "image-to-image"}, None, "mode"),
        ("sd3", {"prompt": "x", "model": "sd9"}, None, "model"),
        (
            "sd3",
            {"prompt": "x", "strength": "0.5", "mode": "image-to-image", "aspect_ratio": "1:1"},
            a_picture(),
            "aspect_ratio",
        ),
    ],
)
async def test_a_wrong_form_is_refused_by_field(
    service: StabilityEmulator, endpoint: str, form: dict[str, str], picture: bytes | None, field: str
) -> None:
    """Nothing is drawn and nothing charged."""
    status, _, body = await ask(service, endpoint, form, picture=picture)

    assert (status, body["name"]) == (400, "bad_request")
    assert [words.partition(":")[0] for words in body["errors"]] == [field]
    assert service.made == []


async def test_a_form_that_is_not_multipart_is_refused(service: StabilityEmulator) -> None:
    """Also where no file goes along."""
    url = f"{service.url}/v2beta/stable-image/generate/core"
    async with aiohttp.ClientSession() as http, http.post(url, data={"prompt": "x"}, headers=OURS) as answer:
        assert answer.status == 400
        assert "multipart" in (await answer.json())["errors"][0]


async def test_one_request_too_many_bans_for_a_minute() -> None:
    """Within the ban everything is refused; afterwards the window is new."""
    now = 0.0
    async with StabilityEmulator(clock=lambda: now, limit=RateLimit(2, 10, 60)) as service:
        first = [(await ask(service, "core", {"prompt": "x"}))[0] for _ in range(3)]
        now = 59.0
        banned, _, body = await ask(service, "core", {"prompt": "x"})
        now = 61.0
        after, _, _ = await ask(service, "core", {"prompt": "x"})

    assert (first, banned, after) == ([200, 200, 429], 429, 200)
    assert body["name"] == "rate_limit_exceeded"
    assert body["errors"][0].endswith("timed out for 60 seconds.")


async def test_every_model_has_its_price_and_refusals_have_none(service: StabilityEmulator) -> None:
    """Credits are taken for what is drawn, a filtered picture included."""
    service.behaviour.credits = 20.0
    service.behaviour.refused_words, service.behaviour.filtered_words = ("knife",), ("blood",)
    await ask(service, "ultra", {"prompt": "x"})
    refused, _, why = await ask(service, "ultra", {"prompt": "a knife"})
    _, _, filtered = await ask(service, "sd3", {"prompt": "blood", "model": "sd3.5-large"})
    left = service.behaviour.credits
    poor, _, money = await ask(service, "ultra", {"prompt": "x"})

    assert (refused, why["name"]) == (403, "content_moderation")
    assert (filtered["finish_reason"], inspect(base64.b64decode(filtered["image"])).format) == (
        "CONTENT_FILTERED",
        "png",
    )
    assert (left, poor, money["name"]) == (5.5, 402, "payment_required")


async def test_a_retired_model_is_answered_by_its_successor(service: StabilityEmulator) -> None:
    """As since 2025-04-17."""
    await ask(service, "sd3", {"prompt": "x", "model": "sd3-medium"})

    assert service.made[0].model == "sd3.5-medium"


async def test_a_stranger_is_refused(service: StabilityEmulator) -> None:
    """By the key, before the form is looked at."""
    status, _, body = await ask(service, "core", {}, headers={"Authorization": "Bearer sk-nobody"})

    assert (status, body["name"]) == (401, "unauthorized")
