"""No key reaches a text, whatever goes wrong."""

from __future__ import annotations

import json
import logging
import traceback

import pytest
from gemini_lane import Lane, MakeLane

from charimg.errors import FatalError, ProviderError
from tests.emulators.gemini import TEST_KEY, Account, GeminiEmulator, Reply
from tests.emulators.gemini.replies import error, finished

ODD_KEY = "k3y!of!no!common!shape!0123456789"


def everything_said(error: BaseException) -> str:
    """The error as a traceback, a representation and its causes show it."""
    return "".join(traceback.format_exception(error)) + repr(error) + str(error.__dict__)


@pytest.mark.parametrize("key", [TEST_KEY, ODD_KEY])
@pytest.mark.parametrize("endpoint", ["models", "generate", "start", "upload", "file"])
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500])
async def test_a_service_that_repeats_the_key_is_not_repeated(
    gemini: GeminiEmulator,
    lane_for: MakeLane,
    caplog: pytest.LogCaptureFixture,
    endpoint: str,
    status: int,
    key: str,
) -> None:
    """Google itself does: "Consumer 'api_key:AIza...' has been suspended"."""
    caplog.set_level(logging.DEBUG)
    gemini.behaviour.accounts = [Account(key)]
    lane = lane_for(gemini.url, key=key)
    message = f"Permission denied: Consumer 'api_key:{key}' has been suspended. {key}"
    finish = {"candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": message}]}}]}
    body = {"error": {"code": status, "message": message, "status": "X"}} if status != 200 else finish
    gemini.add_fault(Reply(status, json.dumps(body).encode()), endpoint=endpoint)

    said = ""
    for call in (
        lane.generator.open(),
        lane.generator.models(),
        lane.generator.generate(lane.request()),
        lane.uploader.upload(lane.saved(lane.picture())),
    ):
        try:
            await call
        except ProviderError as failed:
            said += everything_said(failed)

    assert key not in said + caplog.text
    assert key[:12] not in said + caplog.text


async def test_a_suspended_key_is_told_without_itself(gemini: GeminiEmulator, lane: Lane) -> None:
    """The words stay, the key goes."""
    gemini.behaviour.accounts = [Account(suspended=True)]

    with pytest.raises(FatalError) as failed:
        await lane.generator.generate(lane.request())

    assert "Consumer 'api_key:***' has been suspended" in failed.value.message


@pytest.mark.parametrize("key", [TEST_KEY, ODD_KEY])
async def test_a_key_at_the_cut_of_a_long_message_is_not_left_in_half(
    gemini: GeminiEmulator, lane_for: MakeLane, key: str
) -> None:
    """Wherever the message is cut, no piece of the key stays."""
    gemini.behaviour.accounts = [Account(key)]
    lane = lane_for(gemini.url, key=key)
    for before in range(180, 310, 2):
        text = "x" * before + key
        replies = (error(500, text), finished("STOP", text=text), finished("IMAGE_SAFETY", message=text))
        for reply in replies:
            gemini.behaviour.faults = []
            gemini.add_fault(reply, endpoint="generate")
            with pytest.raises(ProviderError) as failed:
                await lane.generator.generate(lane.request())
            assert key[:4] not in failed.value.message


async def test_the_uploads_address_is_a_secret_too(
    gemini: GeminiEmulator, lane: Lane, caplog: pytest.LogCaptureFixture
) -> None:
    """Who has it can write into the project's files."""
    caplog.set_level(logging.DEBUG)
    gemini.add_fault(Reply(500, b"upload_id in a message"), endpoint="upload")

    with pytest.raises(ProviderError) as failed:
        await lane.uploader.upload(lane.saved(lane.picture()))

    upload = next(iter(gemini._files._sessions))
    assert upload not in caplog.text + everything_said(failed.value)
    assert upload not in lane.context.redactor.clean(f"see upload_id={upload}&upload_protocol=resumable")


async def test_objects_of_a_lane_do_not_print_the_key(gemini: GeminiEmulator, lane: Lane) -> None:
    """A debugger's or logger's look at the account shows none."""
    await lane.generator.generate(lane.request())

    said = f"{vars(lane.generator)!r} {vars(lane.generator._account)!r} {vars(lane.context)!r}"
    assert TEST_KEY not in said.replace(repr(lane.context.redactor), "")
