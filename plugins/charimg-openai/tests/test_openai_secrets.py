"""No key reaches a text, whatever goes wrong."""

from __future__ import annotations

import json
import logging
import traceback

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai_lane import Lane, MakeLane

from charimg.errors import ProviderError
from tests.emulators.openai_images import TEST_KEY, OpenAIEmulator
from tests.emulators.openai_images.replies import json_reply

KEY = "az!ure.key.of.no.common.shape"


def everything_said(error: BaseException) -> str:
    """The error as a traceback, a representation and its causes show it."""
    return "".join(traceback.format_exception(error)) + repr(error) + str(error.__dict__)


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 422, 429, 500, 503])
@pytest.mark.parametrize("shape", ["openai", "detail", "text"])
async def test_a_service_that_repeats_the_key_is_not_repeated(
    openai: OpenAIEmulator, lane_for: MakeLane, caplog: pytest.LogCaptureFixture, status: int, shape: str
) -> None:
    """Wherever in the message it stands, also where the message is cut, not even a half of it is left."""
    caplog.set_level(logging.DEBUG)
    lane = lane_for(openai.base_url, key=KEY)
    said = ""
    for before in (0, 200, 280, 285, 290, 295, 299):
        words = f"{'x' * before}cannot accept Bearer {KEY} or '{KEY}'"
        body = {"error": {"message": words}} if shape == "openai" else {"detail": words} if shape == "detail" else words
        openai.behaviour.faults = []
        openai.add_fault(json_reply(body, status))
        for call in (
            lane.generator.generate(lane.request()),
            lane.generator.check(),
            lane.uploader.upload(lane.saved(lane.picture())),
        ):
            try:
                said += str(await call)
            except ProviderError as error:
                said += everything_said(error)

    assert "az!u" not in said
    assert "az!u" not in caplog.text


async def test_objects_of_a_lane_do_not_print_the_key(lane: Lane) -> None:
    """A debugger's or logger's look shows stars."""
    said = f"{vars(lane.generator)!r} {vars(lane.generator._service)!r} {vars(lane.uploader)!r}"

    assert TEST_KEY not in said.replace(repr(lane.context.redactor), "")


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=60),
    st.sampled_from([400, 401, 403, 404, 429, 500]),
    st.integers(0, 320),
)
async def test_no_key_however_it_is_made_reaches_a_message(key: str, status: int, before: int) -> None:
    """Random keys that the service repeats are erased from what is raised."""
    from pathlib import Path

    from charimg_openai.generator import OpenAIGenerator

    from charimg.contracts import ProviderContext
    from charimg.http import Answer
    from charimg.redaction import Secret

    class Echo:
        async def request(self, _method: str, url: str, *, headers: dict[str, str], **_: object) -> Answer:
            error = {"error": {"message": "x" * before + " " + json.dumps(headers), "code": "odd"}}
            return Answer(status, {}, json.dumps(error).encode(), url)

    context = ProviderContext(
        Path(),
        Path(),
        {"base_url": "http://h/v1"},
        {"api_key": Secret(key)},
        http=Echo(),  # type: ignore[arg-type]
    )
    generator = OpenAIGenerator(context)

    with pytest.raises(ProviderError) as failed:
        await generator.generate(Lane(context, generator, None, Path()).request())  # type: ignore[arg-type]

    assert key[:8] not in failed.value.message.replace("***", "")
