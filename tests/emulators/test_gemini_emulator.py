"""The emulated Gemini refuses, counts and forgets as the service does."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from .gemini import TEST_KEY, Account, Behaviour, GeminiEmulator
from .gemini.quotas import Quotas, spoken
from .gemini.replies import BLOCK_REASONS, CATALOGUE, EMPTY_FINISHES, REFUSING_FINISHES, Refused
from .gemini.schema import GENERATE, read, snake
from .threaded import serve_in_thread

MODEL = "gemini-3.1-flash-image"


class Clock:
    """Seconds that pass only by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Client:
    """The least of a client."""

    gemini: GeminiEmulator
    clock: Clock
    http: aiohttp.ClientSession

    async def ask(self, method: str, path: str, *, key: str | None = TEST_KEY, **more: Any) -> tuple[int, Any, Any]:
        headers = {**({"x-goog-api-key": key} if key else {}), **more.pop("headers", {})}
        url = path if path.startswith("http") else self.gemini.url + path
        async with self.http.request(method, url, headers=headers, **more) as answer:
            body = await answer.read()
            is_json = answer.content_type == "application/json" and body
            return answer.status, json.loads(body) if is_json else body, answer.headers

    async def draw(self, *parts: dict[str, Any], model: str = MODEL, key: str = TEST_KEY, **config: Any) -> Any:
        body: dict[str, Any] = {"contents": [{"role": "user", "parts": list(parts) or [{"text": "a jester"}]}]}
        if config:
            body["generationConfig"] = config
        return await self.ask("POST", f"/v1beta/models/{model}:generateContent", key=key, json=body)

    async def upload(self, data: bytes, mime_type: str = "image/png", key: str = TEST_KEY) -> dict[str, Any]:
        headers = {
            "X-Goog-Upload-Protocol": "resumable",
            "X-Goog-Upload-Command": "start",
            "X-Goog-Upload-Header-Content-Length": str(len(data)),
            "X-Goog-Upload-Header-Content-Type": mime_type,
        }
        _, _, started = await self.ask("POST", "/upload/v1beta/files", key=key, headers=headers, json={"file": {}})
        headers = {"X-Goog-Upload-Command": "upload, finalize", "X-Goog-Upload-Offset": "0"}
        status, body, done = await self.ask("POST", started["X-Goog-Upload-URL"], key=None, headers=headers, data=data)
        assert (status, done["X-Goog-Upload-Status"]) == (200, "final")
        file: dict[str, Any] = body["file"]
        return file


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A client of a running emulator with a clock that is turned by hand."""
    clock = Clock()
    started = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
    async with GeminiEmulator(clock=clock, started=started) as gemini, aiohttp.ClientSession() as http:
        yield Client(gemini, clock, http)


def png(size: tuple[int, int] = (32, 32), colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


async def test_a_picture_of_the_size_asked_for_and_its_price_in_tokens(client: Client) -> None:
    """Words first, then the picture, in the shape and size of the request; the bill has it."""
    status, body, _ = await client.draw(
        {"text": "a jester"}, responseModalities=["IMAGE"], imageConfig={"aspectRatio": "9:16", "imageSize": "2K"}
    )

    parts = body["candidates"][0]["content"]["parts"]
    data = base64.b64decode(parts[1]["inlineData"]["data"])
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.size) == ("PNG", (1536, 2720))
    assert (status, body["modelVersion"], list(parts[0])) == (200, MODEL, ["text"])
    assert body["usageMetadata"]["candidatesTokensDetails"] == [{"modality": "IMAGE", "tokenCount": 1680}]
    assert client.gemini.bill.prompt_of(data) == "a jester"


async def test_two_pictures_of_one_prompt_differ(client: Client) -> None:
    """So that tests can tell which answer a file came from."""
    await client.draw()
    await client.draw()

    first, second = client.gemini.bill.generations
    assert first.sha256 != second.sha256
    assert first.response_id != second.response_id


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("names", [("inlineData", "mimeType"), ("inline_data", "mime_type")])
async def test_both_spellings_and_both_alphabets_are_read(client: Client, encode: Any, names: tuple[str, str]) -> None:
    """As proto-JSON does, and as the official client mixes them."""
    data = png((64, 64))
    assert {"+", "/"} & set(base64.b64encode(data).decode())

    status, _, _ = await client.draw({names[0]: {names[1]: "image/png", "data": encode(data).decode()}}, {"text": "x"})

    assert status == 200
    assert client.gemini.bill.generations[0].references == (f"inline:{hashlib.sha256(data).hexdigest()}",)


@pytest.mark.parametrize(
    ("part", "config", "words"),
    [
        ({"txt": "x"}, {}, "Unknown name \"txt\" at 'contents[0].parts[0]': Cannot find field."),
        ({"text": 5}, {}, "Invalid value at 'contents[0].parts[0].text' (TYPE_STRING), 5"),
        ({"text": "x", "thought": "no"}, {}, '(TYPE_BOOL), "no"'),
        ({}, {}, "required oneof field 'data'"),
        ({"text": "x", "fileData": {"fileUri": "u"}}, {}, "required oneof field 'data'"),
        ({"inlineData": {"mimeType": "image/png", "data": "!"}}, {}, "Base64 decoding failed"),
        ({"inlineData": {"mimeType": "image/gif", "data": "R0lG"}}, {}, "Unsupported MIME type: image/gif"),
        ({"inlineData": {"mimeType": "image/png", "data": "aGk="}}, {}, "Unable to process input image"),
        ({"text": "x"}, {"imageConfig": {"personGeneration": "ALLOW_ALL"}}, 'Unknown name "personGeneration"'),
        ({"text": "x"}, {"imageConfig": {"aspectRatio": "5:7"}}, "must be one of '1:1'"),
        ({"text": "x"}, {"imageConfig": {"imageSize": "8K"}}, "must be one of '1K'"),
        ({"text": "x"}, {"responseModalities": ["PICTURE"]}, "GenerationConfig.Modality"),
        ({"text": "x"}, {"candidateCount": 2}, "Multiple candidates"),
        ({"text": "x"}, {"seed": "many"}, "(TYPE_INT32)"),
        ({"text": "x"}, {"seed": None, "topK": 2.5, "candidate_count": 1, "candidateCount": 1}, "already set"),
    ],
)
async def test_what_does_not_fit_the_schema_is_refused(
    client: Client, part: dict[str, Any], config: dict[str, Any], words: str
) -> None:
    """With 400, INVALID_ARGUMENT, and nothing charged."""
    status, body, _ = await client.draw(part, **config)

    assert (status, body["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert words in body["error"]["message"]
    assert client.gemini.bill.generations == []


async def test_references_of_a_few_pixels_are_refused(client: Client) -> None:
    """As was measured."""
    tiny = base64.b64encode(png((4, 4))).decode()

    status, body, _ = await client.draw({"inlineData": {"mimeType": "image/png", "data": tiny}}, {"text": "x"})

    assert (status, body["error"]["message"].startswith("Unable to process input image")) == (400, True)


@pytest.mark.parametrize(
    ("key", "knobs", "status", "word"),
    [
        (None, {}, 403, "unregistered callers"),
        ("AIzaWrong", {}, 400, "API key not valid"),
        (TEST_KEY, {"suspended": True}, 403, "suspended"),
        (TEST_KEY, {"region_refused": True}, 400, "User location"),
        (TEST_KEY, {"depleted": 429}, 429, "prepayment"),
        (TEST_KEY, {"depleted": 402}, 402, "prepayment"),
    ],
)
async def test_keys_that_may_not(
    client: Client, key: str | None, knobs: dict[str, Any], status: int, word: str
) -> None:
    """Each with its own status and words; the list of models refuses them too, where it is the key's fault."""
    client.gemini.behaviour.accounts = [Account(**knobs)]

    found, body, _ = await client.draw(key=key or "")
    listed, _, _ = await client.ask("GET", "/v1beta/models", key=key)

    assert (found, word in body["error"]["message"]) == (status, True)
    assert listed == (200 if "depleted" in knobs else status)


@pytest.mark.parametrize("model", ["gemini-2.5-flash-image", "gemini-3-pro-image-preview", "imagen-4.0-generate-001"])
async def test_retired_models_are_not_found(client: Client, model: str) -> None:
    """With the sentence that points to ListModels."""
    status, body, _ = await client.draw(model=model)

    assert (status, body["error"]["status"]) == (404, "NOT_FOUND")
    assert f"models/{model} is not found for API version v1beta" in body["error"]["message"]


async def test_a_model_that_writes_makes_no_picture(client: Client) -> None:
    """It refuses the modality rather than answer in words."""
    status, _, _ = await client.draw(model="gemini-3.5-flash", responseModalities=["IMAGE"])

    assert status == 400


async def test_the_list_of_models_has_pages(client: Client) -> None:
    """Every model once, with what it can do; the token of the last page is left out."""
    names: list[str] = []
    token: str | None = ""
    while token is not None:
        _, body, _ = await client.ask("GET", "/v1/models", params={"pageSize": "2", "pageToken": token})
        names += [one["name"] for one in body["models"]]
        assert all("supportedGenerationMethods" in one for one in body["models"])
        token = body.get("nextPageToken")

    assert len(names) == len(set(names)) == 5
    assert f"models/{MODEL}" in names


# -- quotas --------------------------------------------------------------------------------------------------------


def detail(body: Any, kind: str) -> Any:
    return next(one for one in body["error"]["details"] if one["@type"].endswith(kind))


def quota_ids(body: Any) -> list[str]:
    return [one["quotaId"] for one in detail(body, "QuotaFailure")["violations"]]


async def test_a_window_of_a_minute(client: Client) -> None:
    """The field is cut to whole seconds, the sentence is not; a refused request uses nothing; then it passes."""
    client.gemini.behaviour.accounts = [Account(per_minute=2)]
    await client.draw()
    client.clock.seconds += 10.75
    await client.draw()
    client.clock.seconds += 20
    status, body, headers = await client.draw()
    client.clock.seconds += 29
    still, _, _ = await client.draw()
    client.clock.seconds += 0.25
    after, _, _ = await client.draw()

    assert (status, still, after) == (429, 429, 200)
    assert quota_ids(body) == ["GenerateRequestsPerMinutePerProjectPerModel"]
    assert detail(body, "RetryInfo")["retryDelay"] == "29s"
    assert "Please retry in 29.25s." in body["error"]["message"]
    assert "retry-after" not in headers
    assert len(client.gemini.bill.generations) == 3


async def test_a_day_ends_at_midnight_in_los_angeles(client: Client) -> None:
    """20 hours after noon UTC; beside it a delay of hours, or of seconds, as both were seen."""
    account = Account(per_day=1)
    client.gemini.behaviour.accounts = [account]
    await client.draw()
    _, long, _ = await client.draw()
    account.day_delay = "17s"
    _, short, _ = await client.draw()
    client.clock.seconds += 20 * 3600 - 1
    before, _, _ = await client.draw()
    client.clock.seconds += 1
    after, _, _ = await client.draw()

    assert quota_ids(long) == ["GenerateRequestsPerDayPerProjectPerModel"]
    assert [detail(one, "RetryInfo")["retryDelay"] for one in (long, short)] == ["72000s", "17s"]
    assert "Please retry in 20h0m0s." in long["error"]["message"]
    assert (before, after) == (429, 200)


async def test_day_and_minute_can_break_together(client: Client) -> None:
    """Several violations in one refusal."""
    client.gemini.behaviour.accounts = [Account(per_day=1, per_minute=1)]
    await client.draw()

    _, body, _ = await client.draw()

    assert [name[:19] for name in quota_ids(body)] == ["GenerateRequestsPer"] * 2


async def test_the_free_tier_has_a_limit_of_zero(client: Client) -> None:
    """Three violations without a value, the zero in the sentence, and a misleading delay of seconds."""
    client.gemini.behaviour.accounts = [Account(free=True)]

    status, body, _ = await client.draw()

    assert (status, len(quota_ids(body))) == (429, 3)
    assert all(name.endswith("-FreeTier") for name in quota_ids(body))
    assert "limit: 0, model: gemini-3.1-flash-image" in body["error"]["message"]
    assert detail(body, "RetryInfo")["retryDelay"] == "60s"


async def test_keys_of_a_project_share_and_others_do_not(client: Client) -> None:
    """Limits are per project and per model."""
    client.gemini.behaviour.accounts = [
        Account("k1", project="p", per_minute=1),
        Account("k2", project="p", per_minute=1),
        Account("k3", per_minute=1),
    ]
    answers = [await client.draw(key=key) for key in ("k1", "k2", "k3")]
    answers.append(await client.draw(key="k2", model="gemini-3-pro-image"))

    assert [status for status, _, _ in answers] == [200, 429, 200, 200]
    assert client.gemini.bill.paid_by_key() == {"k1": 1, "k2": 1, "k3": 1}


@given(st.lists(st.integers(0, 160), max_size=40), st.integers(1, 5))
def test_no_window_ever_holds_more_than_its_limit(quarters: list[int], limit: int) -> None:
    """However requests arrive, no 60 seconds hold more pictures than allowed, and the wait that is told is enough."""
    quotas, account = Quotas(), Account(per_minute=limit)
    now, moment = 0.0, datetime(2026, 11, 22, tzinfo=timezone.utc)
    made: list[float] = []
    for pause in quarters:
        now += pause / 4  # exact in binary, so that no rounding decides at the window's very edge
        try:
            quotas.take(account, MODEL, now=now, moment=moment, minute=60.0)
        except Refused as refused:
            told = float(detail(refused.reply.document, "RetryInfo")["retryDelay"].removesuffix("s"))
            now += told + 1
            quotas.take(account, MODEL, now=now, moment=moment, minute=60.0)
        made.append(now)

    assert all(sum(1 for one in made if when - 60 < one <= when) <= limit for when in made)


@pytest.mark.parametrize(
    ("seconds", "text"), [(18.2, "18.2s"), (35652.1, "9h54m12.1s"), (61, "1m1s"), (7200, "2h0m0s")]
)
def test_durations_are_spoken_as_google_does(seconds: float, text: str) -> None:
    """Hours and minutes only where there are some."""
    assert spoken(seconds) == text


# -- 200s without a picture, and trouble ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*(f"block:{one}" for one in BLOCK_REASONS), *REFUSING_FINISHES, *EMPTY_FINISHES])
async def test_refusals_that_come_as_a_success(client: Client, name: str) -> None:
    """HTTP 200, no picture, nothing charged."""
    client.gemini.add_fault(name, endpoint="generate", times=1)

    status, body, _ = await client.draw()
    again, _, _ = await client.draw()

    assert (status, again) == (200, 200)
    assert "inlineData" not in json.dumps(body)
    assert len(client.gemini.bill.generations) == 1


async def test_errors_may_come_in_a_list_of_one(client: Client) -> None:
    """As on the streaming and OpenAI-compatible routes."""
    client.gemini.behaviour.array_errors = True

    _, body, _ = await client.draw({"nonsense": 1})

    assert [list(one) for one in body] == [["error"]]


@pytest.mark.parametrize("name", ["drop-after-accept", "drop-mid-body", "truncated-json", "truncated-base64"])
async def test_a_spoilt_answer_was_charged(client: Client, name: str) -> None:
    """The picture was made; only its answer is lost."""
    client.gemini.add_fault(name, endpoint="generate")
    try:
        _, body, _ = await client.draw()
        encoded = body["candidates"][0]["content"]["parts"][1]["inlineData"]["data"]
        with pytest.raises(ValueError):
            base64.b64decode(encoded, validate=True)
    except (aiohttp.ClientError, ValueError):
        pass

    assert len(client.gemini.bill.generations) == 1


def test_a_slip_in_a_faults_name_is_told() -> None:
    """A test that scripts nothing would prove nothing."""
    with pytest.raises(ValueError, match="no known trouble"):
        GeminiEmulator().add_fault("overlaoded")

    assert "overloaded" in CATALOGUE


# -- files ---------------------------------------------------------------------------------------------------------


async def test_a_file_is_stored_used_forgotten_and_deleted(client: Client) -> None:
    """Its owner finds it until it expires after 48 hours; then it is refused like a stranger's."""
    client.gemini.behaviour.accounts = [Account(), Account("other")]
    data = png()
    file = await client.upload(data)
    part = {"fileData": {"fileUri": file["uri"], "mimeType": "image/png"}}

    used, _, _ = await client.draw(part, {"text": "x"})
    stranger, told, _ = await client.draw(part, {"text": "x"}, key="other")
    _, listed, _ = await client.ask("GET", "/v1beta/files")
    client.clock.seconds += 48 * 3600 - 1
    alive, _, _ = await client.ask("GET", f"/v1beta/{file['name']}")
    client.clock.seconds += 1
    dead, _, _ = await client.ask("GET", f"/v1/{file['name']}")
    gone, _, _ = await client.draw(part, {"text": "x"})

    assert (used, stranger, alive, dead, gone) == (200, 403, 200, 403, 403)
    assert "or it may not exist" in told["error"]["message"]
    assert [one["name"] for one in listed["files"]] == [file["name"]]
    assert (file["sizeBytes"], file["state"], file["source"]) == (str(len(data)), "ACTIVE", "UPLOADED")
    assert base64.b64decode(file["sha256Hash"]).decode() == hashlib.sha256(data).hexdigest()
    assert client.gemini.bill.generations[0].references == (file["name"],)


async def test_a_deleted_file_is_gone_with_either_status(client: Client) -> None:
    """403 or 404, by knob."""
    file = await client.upload(png())
    client.gemini.behaviour.gone_file_status = 404
    first, _, _ = await client.ask("DELETE", f"/v1beta/{file['name']}")
    second, _, _ = await client.ask("DELETE", f"/v1beta/{file['name']}")

    assert (first, second) == (200, 404)
    assert client.gemini.bill.deleted == [file["name"]]


async def test_an_upload_in_chunks_must_be_in_order_and_whole(client: Client) -> None:
    """Wrong offset, uneven chunk, too many or too few bytes are refused, and nothing is stored but the whole."""
    client.gemini.behaviour.upload_granularity = 4
    start = {
        "X-Goog-Upload-Protocol": "resumable",
        "X-Goog-Upload-Command": "start",
        "X-Goog-Upload-Header-Content-Length": "10",
        "X-Goog-Upload-Header-Content-Type": "image/png",
    }
    _, _, headers = await client.ask("POST", "/upload/v1/files", headers=start, json={"file": {"display_name": "a"}})
    url = headers["X-Goog-Upload-URL"]

    async def put(command: str, offset: int, data: bytes) -> int:
        asked = {"X-Goog-Upload-Command": command, "X-Goog-Upload-Offset": str(offset)}
        status, _, _ = await client.ask("POST", url, key=None, headers=asked, data=data)
        return status

    refused = [await put("upload", 4, b"abcd"), await put("upload", 0, b"abc"), await put("finish", 0, b"abcd")]
    good = [await put("upload", 0, b"abcd"), await put("upload", 4, b"efgh"), await put("upload, finalize", 8, b"ij")]
    after = await put("upload, finalize", 10, b"")

    assert (refused, good, after) == ([400] * 3, [200] * 3, 404)
    (upload,) = client.gemini.bill.uploads
    assert (upload.chunks, upload.sha256) == (3, hashlib.sha256(b"abcdefghij").hexdigest())


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"X-Goog-Upload-Protocol": "raw"}, {}),
        ({"X-Goog-Upload-Command": "begin"}, {}),
        ({"X-Goog-Upload-Header-Content-Length": "ten"}, {}),
        ({"X-Goog-Upload-Header-Content-Type": ""}, {}),
        ({}, {"file": {"colour": "red"}}),
        ({}, {"file": {"sizeBytes": "11"}}),
    ],
)
async def test_an_upload_must_begin_rightly(client: Client, headers: dict[str, str], body: dict[str, Any]) -> None:
    """Each header of the protocol is looked at."""
    good = {
        "X-Goog-Upload-Protocol": "resumable",
        "X-Goog-Upload-Command": "start",
        "X-Goog-Upload-Header-Content-Length": "10",
        "X-Goog-Upload-Header-Content-Type": "image/png",
    }

    status, _, _ = await client.ask("POST", "/upload/v1beta/files", headers={**good, **headers}, json=body)

    assert status == 400


# -- the schema ----------------------------------------------------------------------------------------------------


@given(st.recursive(st.none() | st.text() | st.integers(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)))
def test_the_schema_reads_or_refuses_anything(value: Any) -> None:
    """No request makes the emulator itself fall over."""
    with suppress(Refused):
        read(value, GENERATE)


@pytest.mark.parametrize(("camel", "other"), [("inlineData", "inline_data"), ("topK", "top_k"), ("text", "text")])
def test_the_other_spelling(camel: str, other: str) -> None:
    """As protobuf makes one from the other."""
    assert snake(camel) == other


def test_it_runs_on_a_thread_for_commands() -> None:
    """For tests that start charimg as a program."""
    with serve_in_thread(lambda: GeminiEmulator(Behaviour(), prefix="/gateway")) as gemini:
        assert gemini.url.endswith("/gateway")
