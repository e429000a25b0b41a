"""The emulator of OpenAI's Images API is strict, counts what it makes, and tells its limits as the service does."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from charimg.verdicts import parse_duration

from .openai_images import (
    AZURE,
    CATALOGUE,
    LITELLM,
    LOCALAI,
    PERSONALITIES,
    SGLANG,
    TEST_KEY,
    TOGETHER,
    VLLM,
    Fault,
    ImagesPerMinute,
    OpenAIEmulator,
    go_duration,
)
from .openai_images.behaviour import parse_fault
from .openai_images.limits import parse_limit

LOGIN = {"Authorization": f"Bearer {TEST_KEY}"}
GOOD = {"model": "gpt-image-2", "prompt": "hero", "size": "64x64"}


def picture(colour: str = "red", kind: str = "PNG") -> bytes:
    """A small one."""
    out = io.BytesIO()
    Image.new("RGB", (32, 32), colour).save(out, kind)
    return out.getvalue()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain client."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def openai() -> AsyncIterator[OpenAIEmulator]:
    """OpenAI itself."""
    async with OpenAIEmulator() as emulator:
        yield emulator


async def send(
    http: aiohttp.ClientSession, emulator: OpenAIEmulator, path: str = "/images/generations", **options: Any
) -> tuple[int, Any, Any]:
    """Status, decoded body and headers of one request."""
    method = options.pop("method", "POST")
    headers = options.pop("headers", LOGIN)
    async with http.request(method, f"{emulator.base_url}{path}", headers=headers, **options) as answer:
        return answer.status, await answer.json(), answer.headers


def form(*parts: tuple[str, Any], **fields: str) -> aiohttp.FormData:
    """A multipart form; a part is its name, and its bytes with their type."""
    made = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        made.add_field(name, value)
    for name, (data, media_type) in parts:
        made.add_field(name, data, filename="a.png", content_type=media_type)
    return made


PNG = (picture(), "image/png")


async def test_a_generation_answers_with_a_picture_and_its_usage(
    http: aiohttp.ClientSession, openai: OpenAIEmulator
) -> None:
    """A picture of the size asked for; the tokens add up; the request has an id."""
    status, body, headers = await send(http, openai, json={**GOOD, "size": "1536x864", "n": 2})

    assert (status, len(body["data"]), len(openai.bill.generations)) == (200, 2, 2)
    with Image.open(io.BytesIO(base64.b64decode(body["data"][0]["b64_json"]))) as drawn:
        assert (drawn.format, drawn.size) == ("PNG", (1536, 864))
    usage = body["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["input_tokens"] == sum(usage["input_tokens_details"].values())
    assert body["data"][0] != body["data"][1]
    assert headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("change", "status", "code", "param"),
    [
        ({"response_format": "b64_json"}, 400, "unknown_parameter", "response_format"),
        ({"style": "vivid"}, 400, "unknown_parameter", "style"),
        ({"seed": 5}, 400, "unknown_parameter", "seed"),
        ({"negative_prompt": "x"}, 400, "unknown_parameter", "negative_prompt"),
        ({"prompt": None}, 400, "invalid_type", "prompt"),
        ({"prompt": " "}, 400, "missing_required_parameter", "prompt"),
        ({"prompt": "x" * 32_001}, 400, "string_above_max_length", "prompt"),
        ({"n": "1"}, 400, "invalid_type", "n"),
        ({"n": True}, 400, "invalid_type", "n"),
        ({"n": 11}, 400, "integer_out_of_range", "n"),
        ({"quality": "best"}, 400, "invalid_value", "quality"),
        ({"quality": "xhigh"}, 400, "invalid_value", "quality"),
        ({"size": "1000x1000"}, 400, "invalid_value", "size"),
        ({"size": "16x64"}, 400, "invalid_value", "size"),
        ({"size": "3856x2160"}, 400, "invalid_value", "size"),
        ({"size": "big"}, 400, "invalid_value", "size"),
        ({"background": "green"}, 400, "invalid_value", "background"),
        ({"background": "transparent", "output_format": "jpeg"}, 400, "invalid_value", "background"),
        ({"output_compression": 50}, 400, "invalid_value", "output_compression"),
        ({"moderation": "off"}, 400, "invalid_value", "moderation"),
        ({"stream": True}, 400, "invalid_value", "stream"),
        ({"model": "gpt-image-9"}, 404, "model_not_found", None),
        ({"model": "dall-e-2"}, 404, "model_not_found", None),
        ({"model": "gpt-image-1-mini", "size": "640x640"}, 400, "invalid_value", "size"),
    ],
)
async def test_a_wrong_field_is_refused_by_name_and_makes_nothing(
    http: aiohttp.ClientSession,
    openai: OpenAIEmulator,
    change: dict[str, Any],
    status: int,
    code: str,
    param: str | None,
) -> None:
    """As the service's error object has it."""
    found, body, _ = await send(http, openai, json={**GOOD, **change})

    assert (found, body["error"]["code"], body["error"]["param"]) == (status, code, param)
    assert openai.bill.generations == []


@pytest.mark.parametrize("field", ["model", "prompt"])
async def test_a_missing_field_is_named(http: aiohttp.ClientSession, openai: OpenAIEmulator, field: str) -> None:
    """Both are required at OpenAI."""
    status, body, _ = await send(http, openai, json={name: value for name, value in GOOD.items() if name != field})

    assert (status, body["error"]["param"]) == (400, field)


@pytest.mark.parametrize(
    "change", [{"quality": "max", "model": "gpt-image-2.5-flare"}, {"size": "auto"}, {"size": "3840x2160", "n": 1}]
)
async def test_what_the_models_know_is_taken(
    http: aiohttp.ClientSession, openai: OpenAIEmulator, change: dict[str, Any]
) -> None:
    """The finest quality of the newer ones, and the largest size."""
    status, _, _ = await send(http, openai, json={**GOOD, **change})

    assert status == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b"", b"7"])
async def test_a_body_that_is_no_object_is_a_400(
    http: aiohttp.ClientSession, openai: OpenAIEmulator, body: bytes
) -> None:
    """Never a 500 of the emulator's own."""
    status, _, _ = await send(http, openai, data=body, headers={**LOGIN, "Content-Type": "application/json"})

    assert status == 400


async def test_an_edit_of_another_content_type_is_refused(http: aiohttp.ClientSession, openai: OpenAIEmulator) -> None:
    """Text is neither of the two forms, and a broken form is none either."""
    plain, _, _ = await send(http, openai, "/images/edits", data=b"x", headers={**LOGIN, "Content-Type": "text/plain"})
    broken = {**LOGIN, "Content-Type": "multipart/form-data; boundary=abc"}
    damaged, _, _ = await send(http, openai, "/images/edits", data=b"xyz", headers=broken)

    assert (plain, damaged) == (400, 400)


@pytest.mark.parametrize(
    ("parts", "fields", "param"),
    [
        ([], {}, "image"),
        ([("image", PNG), ("image", PNG)], {}, "image"),
        ([("picture", PNG)], {}, "picture"),
        ([("image", (b"no picture", "image/png"))], {}, "image"),
        ([("image", (picture(kind="GIF"), "image/gif"))], {}, "image"),
        ([("image", (picture(), "image/jpeg"))], {}, "image"),
        ([("image[]", PNG)] * 17, {}, "image"),
        ([("image", PNG)], {"moderation": "low"}, "moderation"),
        ([("image", PNG)], {"response_format": "b64_json"}, "response_format"),
        ([("image", PNG)], {"n": "one"}, "n"),
        ([("image", PNG)], {"input_fidelity": "high"}, "input_fidelity"),
        ([("image", PNG), ("mask", (picture(kind="JPEG"), "image/jpeg"))], {}, "mask"),
    ],
)
async def test_a_wrong_part_of_an_edit_is_refused_by_name(
    http: aiohttp.ClientSession, openai: OpenAIEmulator, parts: Any, fields: dict[str, str], param: str
) -> None:
    """Names, types, contents and number of its parts."""
    status, body, _ = await send(http, openai, "/images/edits", data=form(*parts, **{**GOOD, **fields}))

    assert (status, body["error"]["param"]) == (400, param)
    assert openai.bill.generations == []


@pytest.mark.parametrize(
    "images",
    [
        None,
        [],
        [{}],
        ["file-1"],
        [{"file_id": "file-none"}],
        [{"image_url": "data:image/png;base64,AAAA"}],
        [{"image_url": "data:image/jpeg;base64," + base64.b64encode(picture()).decode()}],
        [{"image_url": "x", "file_id": "y"}],
        [{"image_url": 5}],
    ],
)
async def test_wrong_images_of_the_json_form_are_refused(
    http: aiohttp.ClientSession, openai: OpenAIEmulator, images: Any
) -> None:
    """Exactly one of an id that exists and a picture that is one."""
    body = {**GOOD, **({} if images is None else {"images": images})}
    status, _, _ = await send(http, openai, "/images/edits", json=body)

    assert status in (400, 404)
    assert openai.bill.generations == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [({}, None), ({"Authorization": "Bearer nope"}, "invalid_api_key"), ({"api-key": TEST_KEY}, None)],
)
async def test_a_key_is_needed_and_must_be_right(
    http: aiohttp.ClientSession, openai: OpenAIEmulator, headers: dict[str, str], code: str | None
) -> None:
    """The header of another server is none."""
    status, body, _ = await send(http, openai, json=GOOD, headers=headers)

    assert (status, body["error"]["code"]) == (401, code)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "purpose"),
        ({"purpose": "fun"}, "purpose"),
        ({"purpose": "vision", "note": "x"}, "note"),
        ({"purpose": "vision", "expires_after[seconds]": "7200"}, "expires_after.anchor"),
        (
            {"purpose": "vision", "expires_after[anchor]": "created_at", "expires_after[seconds]": "60"},
            "expires_after.seconds",
        ),
        ({"purpose": "vision", "expires_after[anchor]": "created_at"}, "expires_after.seconds"),
    ],
)
async def test_a_wrong_upload_is_refused_by_name(
    http: aiohttp.ClientSession, openai: OpenAIEmulator, fields: dict[str, str], param: str
) -> None:
    """Purpose and expiry."""
    status, body, _ = await send(http, openai, "/files", data=form(("file", PNG), **fields))

    assert (status, body["error"]["param"], openai.bill.uploads) == (400, param, [])


async def test_a_file_belongs_to_its_key(http: aiohttp.ClientSession, openai: OpenAIEmulator) -> None:
    """Another account neither sees it nor may refer to it."""
    openai.behaviour.keys = (TEST_KEY, "sk-other")
    _, stored, _ = await send(http, openai, "/files", data=form(("file", PNG), purpose="vision"))
    other = {"Authorization": "Bearer sk-other"}

    _, listed, _ = await send(http, openai, "/files", method="GET", headers=other)
    edit = {**GOOD, "images": [{"file_id": stored["id"]}]}
    status, _, _ = await send(http, openai, "/images/edits", json=edit, headers=other)

    assert (listed["data"], status) == ([], 404)


# -- the minute


async def test_the_minute_counts_pictures_and_references_and_tells_when_it_returns(
    http: aiohttp.ClientSession,
) -> None:
    """Captured: an edit with three references nearly empties a tier of five; twelve seconds a picture."""
    now = 0.0
    async with OpenAIEmulator(limit=ImagesPerMinute(5), clock=lambda: now) as openai:
        parts = [("image[]", PNG)] * 3
        _, _, first = await send(http, openai, "/images/edits", data=form(*parts, **GOOD))
        status, body, headers = await send(http, openai, json={**GOOD, "n": 2})
        now = 11.9
        early, _, _ = await send(http, openai, json={**GOOD, "n": 2})
        now = 12.0
        late, _, _ = await send(http, openai, json={**GOOD, "n": 2})

    assert (first["x-ratelimit-limit-input-images"], first["x-ratelimit-remaining-input-images"]) == ("5", "1")
    assert first["x-ratelimit-reset-input-images"] == "48s"
    assert status == 429
    assert "Limit 5, Used 4, Requested 2. Please try again in 12s." in body["error"]["message"]
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("12", "12000")
    assert (early, late) == (429, 200)


@pytest.mark.parametrize(("limit", "n", "words"), [(0, 1, "Limit 0, Requested 1"), (5, 10, "Limit 5, Requested 10.")])
async def test_what_never_fits_tells_no_wait(http: aiohttp.ClientSession, limit: int, n: int, words: str) -> None:
    """A tier without pictures, and more at once than a minute has."""
    async with OpenAIEmulator(limit=ImagesPerMinute(limit)) as openai:
        status, body, headers = await send(http, openai, json={**GOOD, "n": n})

    assert (status, "retry-after" in headers) == (429, False)
    assert body["error"]["message"].endswith(words)


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(1, 5)), max_size=40), st.integers(1, 8))
def test_a_bucket_never_gives_more_than_its_window(steps: list[tuple[float, int]], size: int) -> None:
    """Whatever is asked and when: a full bucket and the refill since the start bound what passes, and the wait that is
    told is enough."""
    bucket, now, passed = ImagesPerMinute(size), 0.0, 0
    for pause, pictures in steps:
        now += pause
        denial = bucket.take("k", pictures, now)
        passed += pictures if denial is None else 0
        if denial is not None and denial.wait is not None:
            now += denial.wait + 1e-6
            assert bucket.take("k", pictures, now) is None
            passed += pictures

    assert passed <= size + now * size / 60 + 1e-3


@given(st.floats(0, 100_000))
def test_durations_are_written_as_go_writes_them(seconds: float) -> None:
    """And read back to the millisecond."""
    text = go_duration(seconds)

    assert re.fullmatch(r"\d+ms|(\d+h)?(\d+m)?\d+(\.\d{1,3})?s", text)
    assert parse_duration(text) == pytest.approx(seconds, abs=0.00051)


@pytest.mark.parametrize(("seconds", "text"), [(0.001, "1ms"), (58.891, "58.891s"), (360, "6m0s"), (3601, "1h0m1s")])
def test_durations_of_the_capture(seconds: float, text: str) -> None:
    """As they stand in the headers of a real 429."""
    assert go_duration(seconds) == text


# -- the other servers


async def test_azure_wants_its_header_and_the_version(http: aiohttp.ClientSession) -> None:
    """A bearer is no login there, a deployment's path without a version is not found, and its codes are strings."""
    async with OpenAIEmulator(personality=AZURE) as azure:
        bearer, body, _ = await send(http, azure, json=GOOD)
        login = {"api-key": TEST_KEY}
        good, _, _ = await send(http, azure, json=GOOD, headers=login)
        url = f"{azure.url}/openai/deployments/mine/images/generations"
        statuses = []
        for tail in ("", "?api-version=2025-04-01-preview"):
            async with http.post(url + tail, json={"prompt": "x", "size": "64x64"}, headers=login) as answer:
                statuses.append(answer.status)

    assert (bearer, body["error"]["code"], good, statuses) == (401, "401", 200, [404, 200])
    assert azure.bill.generations[1].model == "mine"


@pytest.mark.parametrize(
    ("personality", "change", "status"),
    [
        (LITELLM, {"model": "gpt-image-2", "response_format": "b64_json"}, 400),
        (LOCALAI, {"model": "stablediffusion", "anything": 1}, 200),
        (LOCALAI, {"model": "stablediffusion", "response_format": "base64"}, 400),
        (VLLM, {}, 200),
        (VLLM, {"model": "flux"}, 400),
        (VLLM, {"response_format": "url"}, 400),
        (SGLANG, {}, 400),
        (SGLANG, {"response_format": "b64_json"}, 200),
        (TOGETHER, {"model": TOGETHER.models[0], "response_format": "base64"}, 200),
        (TOGETHER, {"model": TOGETHER.models[0], "response_format": "b64_json"}, 400),
        (TOGETHER, {"model": TOGETHER.models[0], "size": "64x64"}, 400),
        (TOGETHER, {"model": TOGETHER.models[0], "width": "64"}, 400),
    ],
)
async def test_each_server_takes_and_refuses_its_own(
    http: aiohttp.ClientSession, personality: Any, change: dict[str, Any], status: int
) -> None:
    """Fields and values of the table of compatible servers."""
    async with OpenAIEmulator(personality=personality) as server:
        found, body, _ = await send(http, server, json={"prompt": "hero", **change})

    assert found == status, body
    assert len(server.bill.generations) == (status == 200)


async def test_localai_draws_512_where_a_size_has_no_x(http: aiohttp.ClientSession) -> None:
    """And answers with an address, which serves the picture."""
    async with OpenAIEmulator(personality=LOCALAI) as localai:
        _, body, _ = await send(http, localai, json={"prompt": "hero", "size": "auto"}, headers={})
        async with http.get(body["data"][0]["url"]) as answer:
            data = await answer.read()

    with Image.open(io.BytesIO(data)) as drawn:
        assert drawn.size == (512, 512)


@pytest.mark.parametrize("personality", [LOCALAI, TOGETHER], ids=lambda one: one.name)
async def test_servers_without_edits_have_no_such_route(http: aiohttp.ClientSession, personality: Any) -> None:
    """Not found, and no login asked for first."""
    async with OpenAIEmulator(personality=personality) as server:
        status, _, _ = await send(http, server, "/images/edits", data=form(("image", PNG), **GOOD), headers={})

    assert status == 404


async def test_fastapis_errors_have_a_detail(http: aiohttp.ClientSession) -> None:
    """vLLM and SGLang have no error object."""
    async with OpenAIEmulator(personality=VLLM) as vllm:
        _, body, _ = await send(http, vllm, json={"prompt": "x", "model": "flux"}, headers={})

    assert body == {"detail": "Model mismatch: request specifies 'flux' but server is running another."}


# -- scripted trouble and running by hand


@pytest.mark.parametrize("name", sorted(CATALOGUE))
async def test_every_named_trouble_is_served_and_makes_nothing(
    http: aiohttp.ClientSession, openai: OpenAIEmulator, name: str
) -> None:
    """Its status and its body, once."""
    openai.add_fault(name, times=1)

    async with http.post(f"{openai.base_url}/images/generations", json=GOOD, headers=LOGIN) as answer:
        served = answer.status, await answer.read()
    after, _, _ = await send(http, openai, json=GOOD)

    assert served == (CATALOGUE[name].status, CATALOGUE[name].body)
    assert (after, len(openai.bill.generations)) == (200, 1)


async def test_a_picture_that_is_lost_is_on_the_bill(http: aiohttp.ClientSession, openai: OpenAIEmulator) -> None:
    """Charged, though nobody got it."""
    openai.add_fault("drop-after-accept", prompt="hero")

    with pytest.raises(aiohttp.ClientError):
        await send(http, openai, json=GOOD)

    assert len(openai.bill.generations) == 1
    assert openai.bill.log()[0].status is None


@pytest.mark.parametrize("text", ["nonsense", "edits=nonsense", "edits:x=overloaded"])
def test_a_trouble_that_is_none_is_refused(text: str) -> None:
    """On the command line as in a test."""
    with pytest.raises(ValueError):
        parse_fault(text)


def test_troubles_and_limits_are_read_from_the_command_line() -> None:
    """``edits:2,3=overloaded`` and ``5/30``."""
    fault, limit = parse_fault("edits:2,3=overloaded"), parse_limit("5/30")

    assert [fault.meets("edits", call, "") for call in (1, 2, 3, 4)] == [False, True, True, False]
    assert not Fault("overloaded", endpoint="edits").meets("generations", 1, "")
    assert (limit.limit, limit.seconds, parse_limit("5").seconds) == (5, 30, 60)


@pytest.mark.parametrize("name", ["openai", "localai"])
async def test_it_runs_by_hand(http: aiohttp.ClientSession, name: str) -> None:
    """``python -m tests.emulators.openai_images`` prints the address to set, and its bill at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.emulators.openai_images", "--as", name, "--limit", "1", "--prefix", "/gate"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert process.stdout is not None
    base = (await process.stdout.readline()).decode().strip()
    async with http.get(f"{base}/models", headers=LOGIN) as answer:
        listed = json.loads(await answer.read())
    process.send_signal(signal.SIGINT)
    _, said = await process.communicate()

    assert base.endswith("/gate/v1")
    assert [one["id"] for one in listed["data"]] == list(PERSONALITIES[name].models)
    assert f"CHARIMG_OPENAI_BASE_URL={base}" in said.decode()
    assert "1 requests, 0 pictures, 0 uploads" in said.decode()
