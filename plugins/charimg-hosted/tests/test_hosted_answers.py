"""Whatever a service answers, the plugin ends in the core's words."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from charimg_hosted.bfl.generator import BflGenerator
from charimg_hosted.fal.generator import FalGenerator
from charimg_hosted.replicate.schema import prediction_input, read_inputs
from hosted_lane import SERVICES
from hypothesis import given
from hypothesis import strategies as st

from charimg.contracts import ProviderContext
from charimg.errors import InvalidRequestError, ProviderError
from charimg.http import Answer
from charimg.model import ImageRequest
from charimg.polling import LostTicketError, PolledGenerator
from charimg.redaction import Secret

FIELDS = """
    id status output error logs data_removed images image url seed has_nsfw_concepts detail type error_type result
    sample progress cost details done faulted is_possible generations img censored kudos wait_time queue_position
    status_url response_url polling_url rc message allOf enum $ref aspect_ratio properties Input schemas components
    openapi_schema latest_version username credits owner name description count eta
"""
NAMES = st.sampled_from(FIELDS.split())
WORDS = st.sampled_from(
    [
        "succeeded",
        "processing",
        "failed",
        "COMPLETED",
        "IN_QUEUE",
        "Ready",
        "Pending",
        "Task not found",
        "1:1",
        "x:0",
        "ok",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS
JSON: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=20
)


class Parrot:
    """A service that answers everything alike; nothing can be fetched from it."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    async def request(self, *_: object, **__: object) -> Answer:
        return self.answer

    async def download(self, *_: object, **__: object) -> Answer:
        return Answer(404, {}, b"gone")


def answered(name: str, status: int, body: Any, ticket: str | None) -> None:
    """One job at a service that answers so; raises what is not in the core's words."""
    service = SERVICES[name]
    parrot = Parrot(Answer(status, {}, json.dumps(body).encode()))
    context = ProviderContext(
        folder=Path(),
        out=Path(),
        settings={one.name: one.default for one in service.generator.declaration.settings},
        credentials={"api_key": Secret("a-key-of-no-shape")},
        http=parrot,  # type: ignore[arg-type]
    )
    generator = service.generator(context)
    request = ImageRequest(key="a", name="A", prompt="a jester", ticket=ticket)

    told: list[str] = []

    async def job() -> None:
        if ticket is None:
            await generator.submit(request)
        else:
            await generator.read(request, ticket, await generator.ask(request, ticket))

    async def every_step() -> None:
        for step in (job, generator.open, generator.models, generator.check):
            try:
                await step()
            except ProviderError as error:
                told.append(error.message)

    asyncio.run(every_step())
    assert [message for message in told if "\n" in message] == []


@pytest.mark.parametrize("name", sorted(SERVICES))
@given(status=st.sampled_from([200, 201, 202, 400, 403, 404, 422, 429, 500, 503]), body=JSON, submitted=st.booleans())
def test_no_answer_breaks_a_generator(name: str, status: int, body: Any, submitted: bool) -> None:
    """Any JSON, at any step: a picture, "still at work", or an error of the core's in one line."""
    answered(name, status, body, SERVICES[name].lost if submitted else None)


@given(JSON)
def test_no_schema_breaks_a_request(body: Any) -> None:
    """What a model says of its inputs is a stranger's word."""
    schema = {"components": {"schemas": {"Input": {"properties": body}, "aspect_ratio": body}}}
    request = ImageRequest(key="a", name="A", prompt="a jester", seed=1, negative="hats")
    for model in (body, {"latest_version": {"openapi_schema": schema}}):
        try:
            asked = prediction_input(request, read_inputs(model), ("data:,",), {}, 1_048_576)
        except InvalidRequestError:
            continue
        assert asked["prompt"] == "a jester"


@pytest.mark.parametrize("kind", [FalGenerator, BflGenerator])
@pytest.mark.parametrize("ticket", ["no json", "[]", "{}", '{"id": 3, "status": 4}'])
async def test_a_ticket_of_another_kind_is_lost(kind: type[PolledGenerator], ticket: str) -> None:
    """One of an older plugin, or of a ledger that was edited, is told and not tripped over."""
    context = ProviderContext(folder=Path(), out=Path(), http=Parrot(Answer(200, {}, b"{}")))  # type: ignore[arg-type]

    with pytest.raises(LostTicketError):
        await kind(context).generate(ImageRequest(key="a", name="A", prompt="p", ticket=ticket))
