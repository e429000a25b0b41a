"""No key reaches a text, whatever goes wrong."""

from __future__ import annotations

import logging
import traceback

import pytest
from hosted_lane import Lane

from charimg.errors import ProviderError
from tests.emulators.polled import Reply

KEY = "k3y!of!no!common!shape!0001"


def everything_said(error: BaseException) -> str:
    """The error as a traceback, a representation and its causes show it."""
    return "".join(traceback.format_exception(error)) + repr(error) + str(error.__dict__)


@pytest.mark.parametrize("status", [200, 400, 401, 402, 403, 404, 422, 429, 500])
@pytest.mark.parametrize("before", [0, 280, 290])
async def test_a_service_that_repeats_the_key_is_not_repeated(
    lane: Lane, caplog: pytest.LogCaptureFixture, status: int, before: int
) -> None:
    """An answer that holds the key leaves with stars in its place, also where a long message is cut."""
    caplog.set_level(logging.DEBUG)
    words = "x" * before + f"cannot accept {KEY} or {KEY}"
    body = {"detail": words, "message": words, "error": words, "status": words}
    lane.emulator.add_fault(Reply(status, body), "submit", times=9)
    lane.emulator.add_fault(Reply(status, body), lane.service.poll, times=99)

    said = caplog.text
    for request in (lane.request(), lane.request(ticket=lane.service.lost)):
        try:
            await lane.generator(key=KEY, model="any/thing").generate(request)
        except ProviderError as error:
            said += everything_said(error)

    assert "k3y!" not in said


async def test_objects_of_a_lane_do_not_print_their_secrets(lane: Lane) -> None:
    """A debugger's or logger's look at the generator shows no key."""
    generator = lane.generator(key=KEY)

    said = f"{generator!r} {vars(generator)!r} {generator.context.credentials!r}"
    assert KEY not in said
