"""What a refusal means: the corpus's replies and the emulator's, through the real plugin over sockets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai_lane import Lane, MakeLane

from charimg.errors import (
    ExhaustedError,
    FatalError,
    InvalidRequestError,
    ProviderError,
    RejectedError,
    ThrottledError,
)
from tests.emulators.openai_images import ImagesPerMinute, OpenAIEmulator, Reply
from tests.emulators.openai_images.replies import json_reply

CORPUS = Path(__file__).parents[3] / "tests" / "data" / "error_corpus.json"
OURS = ("openai", "azure", "litellm-proxy")
ROWS = [one for one in json.loads(CORPUS.read_text(encoding="utf-8")) if one["provider"] in OURS]


def as_reply(row: dict[str, Any]) -> Reply:
    """A reply of the corpus as it goes over the wire."""
    body = row["body"] if isinstance(row["body"], str) else json.dumps(row["body"])
    return Reply(row["status"], body.encode(), dict(row["headers"]))


@pytest.mark.parametrize("row", ROWS, ids=lambda one: one["id"])
@pytest.mark.parametrize("references", [False, True], ids=["generations", "edits"])
async def test_every_reply_of_the_corpus(
    openai: OpenAIEmulator, lane: Lane, row: dict[str, Any], references: bool
) -> None:
    """Its verdict and its wait, on both routes, after one request."""
    openai.add_fault(as_reply(row))
    request = lane.request(references=lane.references("red") if references else ())

    with pytest.raises(ProviderError) as refused:
        await lane.generator.generate(request)

    assert refused.value.verdict == row["want"]
    assert refused.value.wait == pytest.approx(row["wait"]) if row["wait"] is not None else refused.value.wait is None
    assert "\n" not in refused.value.message
    assert openai.bill.calls() == 1


@pytest.mark.parametrize("row", ROWS, ids=lambda one: one["id"])
async def test_an_upload_meets_the_same_refusals(openai: OpenAIEmulator, lane: Lane, row: dict[str, Any]) -> None:
    """Uploads hit quotas too, and nothing is charged for them."""
    openai.add_fault(as_reply(row))

    with pytest.raises(ProviderError) as refused:
        await lane.uploader.upload(lane.saved(lane.picture()))

    assert refused.value.verdict == row["want"]
    assert not refused.value.possibly_charged


def test_the_corpus_has_our_rows() -> None:
    """A renamed provider would leave the tests above with nothing to do."""
    assert len(ROWS) >= 15


# -- the minute


@pytest.mark.parametrize("where", ["headers", "text", "reset"])
async def test_the_wait_is_found_wherever_the_service_tells_it(openai: OpenAIEmulator, lane: Lane, where: str) -> None:
    """retry-after, the sentence, or nothing but the x-ratelimit headers."""
    now = 0.0
    openai._clock = lambda: now
    openai.behaviour.limit = ImagesPerMinute(1)
    openai.behaviour.wait_in = frozenset({where})
    await lane.generator.generate(lane.request())
    now = 20.5

    with pytest.raises(ThrottledError) as refused:
        await lane.generator.generate(lane.request())

    assert refused.value.wait == pytest.approx(39.5, abs=0.01)


async def test_a_refusal_that_tells_no_wait_has_none(openai: OpenAIEmulator, lane: Lane) -> None:
    """The policy's own wait is then the core's business."""
    openai.behaviour.limit = ImagesPerMinute(1)
    openai.behaviour.wait_in = frozenset()
    await lane.generator.generate(lane.request())

    with pytest.raises(ThrottledError) as refused:
        await lane.generator.generate(lane.request())

    assert refused.value.wait is None


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"requests": ("0", "6m0s")}, 360),
        ({"requests": ("0", "120ms"), "tokens": ("0", "58.891s")}, 58.891),
        ({"requests": ("0", "1s"), "tokens": ("4000", "58.891s")}, 1),
        ({"tokens": ("0", "soon")}, None),
    ],
)
async def test_only_windows_that_are_empty_are_waited_for(
    openai: OpenAIEmulator, lane: Lane, headers: dict[str, tuple[str, str]], wait: float | None
) -> None:
    """The longest of their resets; what has something left is no reason."""
    told = {}
    for bucket, (left, reset) in headers.items():
        told[f"x-ratelimit-remaining-{bucket}"] = left
        told[f"x-ratelimit-reset-{bucket}"] = reset
    body = {"error": {"message": "Slow down", "type": "requests", "param": None, "code": "rate_limit_exceeded"}}
    openai.add_fault(Reply(429, json.dumps(body).encode(), told))

    with pytest.raises(ThrottledError) as refused:
        await lane.generator.generate(lane.request())

    assert refused.value.wait == (None if wait is None else pytest.approx(wait, abs=0.001))


async def test_a_window_of_a_day_is_not_waited_for(openai: OpenAIEmulator, lane: Lane) -> None:
    """Requests per day, gone until tomorrow: the lane closes and says when it returns."""
    body = {"error": {"message": "Limit reached", "type": "requests", "param": None, "code": "rate_limit_exceeded"}}
    told = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "7h12m0s"}
    openai.add_fault(Reply(429, json.dumps(body).encode(), told))

    with pytest.raises(ExhaustedError) as refused:
        await lane.generator.generate(lane.request())

    assert refused.value.retry_at is not None


# -- money, access, content: what the user reads


@pytest.mark.parametrize(
    "name",
    [
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_usage_limit_exceeded",
        "project_spend_limit_exceeded",
        "billing_hard_limit",
    ],
)
async def test_money_is_told_in_openais_words_and_not_waited_for(openai: OpenAIEmulator, lane: Lane, name: str) -> None:
    """Whatever the code, the type decides; the hard limit comes as a 400."""
    openai.add_fault(name)

    with pytest.raises(ExhaustedError, match=r"check your plan and billing details|Billing hard limit") as refused:
        await lane.generator.generate(lane.request())

    assert refused.value.wait is None


async def test_a_tier_without_pictures_says_so(openai: OpenAIEmulator, lane: Lane) -> None:
    """Limit 0 is no minute to wait for."""
    openai.behaviour.limit = ImagesPerMinute(0)

    with pytest.raises(ExhaustedError, match="Limit 0, Requested 1: this account's tier draws no pictures"):
        await lane.generator.generate(lane.request())


async def test_the_safety_system_names_what_it_saw(openai: OpenAIEmulator, lane: Lane) -> None:
    """In three words rather than four lines."""
    openai.behaviour.blocked_words = ("brawl",)

    with pytest.raises(RejectedError, match=r"safety system refuses it \(violence\); change the description"):
        await lane.generator.generate(lane.request("a tavern brawl"))

    assert openai.bill.generations == []


async def test_an_unverified_organization_is_sent_to_the_page(openai: OpenAIEmulator, lane: Lane) -> None:
    """OpenAI's sentence holds the address; no other character is tried."""
    openai.behaviour.verified = False

    with pytest.raises(FatalError, match=r"must be verified.*settings/organization/general"):
        await lane.generator.generate(lane.request())


async def test_money_that_ends_on_the_way_ends_the_lane(openai: OpenAIEmulator, lane: Lane) -> None:
    """The pictures before it are made and paid, none after."""
    openai.behaviour.pictures_left = 2
    for _ in range(2):
        await lane.generator.generate(lane.request())

    with pytest.raises(ExhaustedError):
        await lane.generator.generate(lane.request())

    assert len(openai.bill.generations) == 2


@pytest.mark.parametrize(
    "prompt",
    ["a poster that says RATE LIMIT 50 and quota", "insufficient_quota", "model_not_found", "sk-billing_hard_limit"],
)
async def test_the_users_own_words_decide_nothing(openai: OpenAIEmulator, lane: Lane, prompt: str) -> None:
    """A refusal that repeats the prompt is a refusal of the request."""
    error = {"type": "invalid_request_error", "param": "prompt", "code": "invalid_value"}
    openai.add_fault(json_reply({"error": {"message": f"Invalid prompt: '{prompt}' is not allowed", **error}}, 400))

    with pytest.raises(InvalidRequestError):
        await lane.generator.generate(lane.request(prompt))


async def test_a_retired_models_other_refusals_are_not_blamed_on_its_end(
    openai: OpenAIEmulator, lane_for: MakeLane
) -> None:
    """gpt-image-1-mini has an end announced; its safety system refuses all the same."""
    lane = lane_for(openai.base_url, model="gpt-image-1-mini", size="1024x1024")
    openai.add_fault("moderation_blocked", calls=[1])
    openai.add_fault(json_reply({"error": {"message": "No", "param": "size", "code": "invalid_value"}}, 400), calls=[2])

    with pytest.raises(RejectedError):
        await lane.generator.generate(lane.request())
    with pytest.raises(InvalidRequestError) as refused:
        await lane.generator.generate(lane.request())

    assert "retired" not in refused.value.message


# -- whatever comes

_leaf = st.none() | st.booleans() | st.integers() | st.text(max_size=40)
_items = st.dictionaries(st.sampled_from(["b64_json", "url"]), _leaf | st.sampled_from(["http://[::1", "data:", "//x"]))
_json = st.recursive(
    _leaf, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=12), one, max_size=4)
)
_envelopes = st.one_of(
    _json,
    st.fixed_dictionaries({"data": _json}),
    st.fixed_dictionaries({"data": st.lists(_items, max_size=2)}),
    st.fixed_dictionaries({"error": st.dictionaries(st.sampled_from(["message", "type", "param", "code"]), _json)}),
    st.fixed_dictionaries({"detail": _json}),
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([200, 201, 204, 302, 400, 401, 402, 403, 404, 405, 409, 422, 429, 500, 502, 503, 504]), _envelopes
)
async def test_no_answer_however_made_is_anything_but_an_error_in_the_cores_words(status: int, document: Any) -> None:
    """Of any status and shape: one line, no exception of another kind."""
    from charimg_openai.generator import OpenAIGenerator

    from charimg.contracts import ProviderContext
    from charimg.http import Answer

    class Http:
        async def request(self, *_: object, **__: object) -> Answer:
            return Answer(status, {}, json.dumps(document).encode(), "http://h/v1/images/generations")

        async def download(self, *_: object, **__: object) -> Answer:
            return Answer(404, {}, b"", "http://h/x")

    context = ProviderContext(Path(), Path(), {"base_url": "http://h/v1"}, http=Http())  # type: ignore[arg-type]
    generator = OpenAIGenerator(context)
    told = "a picture"
    try:
        await generator.generate(Lane(context, generator, None, Path()).request())  # type: ignore[arg-type]
    except ProviderError as error:
        told = f"{error.verdict}: {error.message}"

    assert "\n" not in told
