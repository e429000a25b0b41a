"""Logins for what stands in front of the server: sent where they belong, and shown nowhere."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import pytest
from comfy_lane import MakeLane

from charimg.errors import FatalError, ProviderError
from tests.emulators.comfyui import ComfyEmulator, Reply, json_reply

PASSWORD = "correct-horse-7battery"
TOKEN = "t0ken-0123456789abcdef"
ENCODED = "bWU6Y29ycmVjdC1ob3JzZS03YmF0dGVyeQ=="


@pytest.mark.parametrize("login", [{"user": "me", "password": PASSWORD}, {"token": TOKEN}])
async def test_a_login_opens_every_door(comfy: ComfyEmulator, lane_for: MakeLane, login: dict[str, str]) -> None:
    """Requests, uploads, pictures and the websocket carry it; the proxy's prefix is kept."""
    comfy.behaviour.prefix = "/comfy"
    if "token" in login:
        comfy.behaviour.token = TOKEN
    else:
        comfy.behaviour.login = ("me", PASSWORD)
    lane = lane_for(comfy.url, **login)
    await lane.generator.open()
    image = await lane.generator.generate(lane.request(references=(lane.reference(),)))
    await lane.uploader.upload(lane.saved())

    assert comfy.bill.drawing_of(image.data)
    assert (comfy.bill.unauthorised, comfy.bill.sockets) == (0, 1)


@pytest.mark.parametrize(
    ("login", "remedy"),
    [
        ({}, "set -o user=... and run: charimg keys set comfyui password (or token)"),
        ({"user": "me", "password": "wrong-password"}, "the setting user, or run: charimg keys set comfyui password"),
        ({"token": "wrong-token"}, "it does not accept the token; run: charimg keys set comfyui token"),
        (
            {"token": "wrong-token", "variables": {"token": "THE_TOKEN"}},
            "it does not accept the token; correct THE_TOKEN in the environment",
        ),
    ],
)
async def test_a_wrong_login_is_fatal(
    comfy: ComfyEmulator, lane_for: MakeLane, login: dict[str, Any], remedy: str
) -> None:
    """It says how to set one, and does not repeat it."""
    comfy.behaviour.login = ("me", PASSWORD)
    lane = lane_for(comfy.url, **login)
    with pytest.raises(FatalError) as caught:
        await lane.generator.open()

    assert caught.value.message.endswith(remedy)
    assert "wrong" not in str(caught.value)


async def test_nobody_is_given_a_login_that_was_not_asked_for(comfy: ComfyEmulator, lane_for: MakeLane) -> None:
    """Without settings there is no Authorization header at all."""
    lane = lane_for(comfy.url)
    await lane.generator.generate(lane.request())

    assert comfy.bill.odd == []


@pytest.mark.parametrize("endpoint", ["prompt", "history", "queue", "view", "upload", "object_info", "stats"])
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500, 502])
async def test_a_service_that_repeats_the_login_is_not_repeated(
    comfy: ComfyEmulator, lane_for: MakeLane, caplog: pytest.LogCaptureFixture, endpoint: str, status: int
) -> None:
    """An error that holds password and header leaves with stars in their place."""
    caplog.set_level(logging.DEBUG)
    words = f"cannot accept {PASSWORD} as Basic {ENCODED}"
    document = {"error": {"type": "odd", "message": words, "details": words}, "node_errors": {}}
    comfy.add_fault(endpoint, json_reply(status, document), times=99)
    lane = lane_for(comfy.url, user="me", password=PASSWORD)
    said = ""
    for call in (
        lane.generator.generate(lane.request(references=(lane.reference(),))),
        lane.uploader.upload(lane.saved()),
        lane.generator.check(),
        lane.generator.models(),
    ):
        try:
            await call
        except ProviderError as error:
            said += "".join(traceback.format_exception(error)) + repr(error) + str(error.__dict__)
    said += caplog.text

    assert PASSWORD not in said
    assert ENCODED not in said


async def test_a_failing_job_repeats_nothing_either(comfy: ComfyEmulator, lane_for: MakeLane) -> None:
    """Words of a node are shown; they are cleaned like all others."""
    told = {"node_id": "6", "node_type": "ApiNode", "exception_type": "E", "exception_message": f"401 for {PASSWORD}"}
    entry = {"status": {"status_str": "error", "messages": [["execution_error", told]]}}
    comfy.add_fault("history", Reply(200, json_reply(200, {"p1": entry}).body))
    lane = lane_for(comfy.url, user="me", password=PASSWORD)
    with pytest.raises(ProviderError, match=r"401 for \*\*\*"):
        await lane.generator.generate(lane.request(ticket="p1"))

    assert len(comfy.bill.queued) == 0
