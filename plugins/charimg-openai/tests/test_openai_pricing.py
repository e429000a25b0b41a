"""What a picture costs: by the price list before, by the tokens after."""

from __future__ import annotations

import json
from typing import Any

import pytest
from charimg_openai.answers import usage_of
from charimg_openai.generator import OpenAIGenerator
from openai_lane import MakeLane

from tests.emulators.openai_images import LOCALAI, OpenAIEmulator

DEFAULTS = {one.name: one.default for one in OpenAIGenerator.declaration.settings}


@pytest.mark.parametrize(
    ("chosen", "amount"),
    [
        ({}, 0.053),
        ({"quality": "low"}, 0.006),
        ({"quality": "high", "size": "1024x1024"}, 0.211),
        ({"quality": "high", "size": "1024x1536"}, 0.165),
        ({"quality": "medium", "size": "1536x1024"}, 0.042),
        ({"quality": "low", "size": "2048x2048"}, 0.024),
        ({"model": "gpt-image-2-2026-04-21"}, 0.053),
        ({"model": "openai/gpt-image-2", "base_url": "http://gateway/v1"}, 0.053),
        ({"model": "gpt-image-1-mini", "quality": "high", "size": "1024x1536"}, 0.036),
        ({"server": "localai"}, 0.0),
        ({"server": "vllm"}, 0.0),
        ({"quality": "auto"}, None),
        ({"model": "gpt-image-2.6-flare"}, None),
        ({"model": "stablediffusion", "base_url": "http://gateway/v1"}, None),
    ],
)
def test_the_price_is_that_of_the_model_the_quality_and_the_size(chosen: dict[str, Any], amount: float | None) -> None:
    """As listed on the day that is told; nothing where no list has it; free on one's own machine."""
    price = OpenAIGenerator.price({**DEFAULTS, **chosen})

    assert (None if price is None else price.amount) == amount
    assert price is None or price.checked is not None


def test_the_price_needs_no_more_than_a_model() -> None:
    """Lists of models ask with whatever settings there are."""
    price = OpenAIGenerator.price({"model": "gpt-image-2"})

    assert price is not None
    assert price.amount == 0.053


async def test_reported_tokens_agree_with_the_price_list(openai: OpenAIEmulator, lane_for: MakeLane) -> None:
    """A square of medium quality costs by its tokens what the list says, to a tenth of a cent."""
    lane = lane_for(openai.base_url, size="1024x1024", quality="medium")

    made = await lane.generator.generate(lane.request())

    assert made.cost is not None
    assert made.cost.amount == pytest.approx(0.053, abs=0.001)


async def test_tokens_of_ones_own_machine_cost_nothing(lane_for: MakeLane) -> None:
    """A server may report tokens for a model it calls by OpenAI's name."""
    from dataclasses import replace

    async with OpenAIEmulator(personality=replace(LOCALAI, usage=True, models=("gpt-image-2",))) as localai:
        lane = lane_for(localai.base_url, server="localai", key=None)

        made = await lane.generator.generate(lane.request())

    assert made.cost is None


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [],
        {},
        {"output_tokens": 5},
        {"output_tokens": "5", "input_tokens_details": {"text_tokens": 1, "image_tokens": 0}},
        {"output_tokens": -5, "input_tokens_details": {"text_tokens": 1, "image_tokens": 0}},
        {"output_tokens": True, "input_tokens_details": {"text_tokens": 1, "image_tokens": 0}},
        {"output_tokens": 5, "input_tokens_details": None},
    ],
)
def test_a_usage_that_cannot_be_priced_is_none(usage: Any) -> None:
    """Half a figure is worse than none: the declared price then serves."""
    assert usage_of(json.loads(json.dumps({"usage": usage}))) is None


def test_an_older_usage_without_details_of_the_output_is_all_picture() -> None:
    """As answers were before the details were added."""
    used = usage_of({"usage": {"output_tokens": 200, "input_tokens_details": {"text_tokens": 10, "image_tokens": 0}}})

    assert used is not None
    assert (used.text_in, used.image_in, used.image_out) == (10, 0, 200)
