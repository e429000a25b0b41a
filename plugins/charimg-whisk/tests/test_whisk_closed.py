"""Google closed Whisk on 2026-04-30: what the user is told, and that the lane sends nothing more."""

from __future__ import annotations

import asyncio

import pytest
from whisk_lane import Lane, MakeLane

from charimg.errors import FatalError
from tests.emulators.whisk import WhiskEmulator

INSTEAD = "Google closed Whisk on 2026-04-30; use --provider avatar offline, or another service: `charimg providers`"


@pytest.mark.parametrize("mode", ["redirect", "404", "410"])
async def test_a_closed_site_is_told_when_the_lane_opens(whisk: WhiskEmulator, lane: Lane, mode: str) -> None:
    """Redirected to Flow, not found, or gone: one line, before any picture is asked for."""
    whisk.behaviour.closed = mode

    with pytest.raises(FatalError) as closed:
        await lane.generator.open()

    assert closed.value.message.startswith(INSTEAD)
    assert whisk.bill.calls("generate") == 0


async def test_a_site_that_forgot_the_login_says_both_possibilities(whisk: WhiskEmulator, lane: Lane) -> None:
    """An empty session cannot be told from a dead cookie: the one line says both."""
    whisk.behaviour.closed = "logged-out"

    with pytest.raises(FatalError) as closed:
        await lane.generator.open()

    assert "either the cookie is wrong or expired" in closed.value.message
    assert INSTEAD in closed.value.message
    assert len(closed.value.message) <= 300  # what the terminal shows of a message


async def test_a_removed_endpoint_is_not_called_an_expired_cookie(whisk: WhiskEmulator, lane: Lane) -> None:
    """A 401 of the site right after a session that worked: the endpoint is gone, the login is not."""
    whisk.behaviour.closed = "trpc-gone"
    await lane.generator.open()

    with pytest.raises(FatalError) as closed:
        await lane.generator.generate(lane.request())

    assert closed.value.message.startswith(INSTEAD)
    assert "the endpoint is removed, the cookie is not expired" in closed.value.message
    sent = len(whisk.bill.log())
    with pytest.raises(FatalError):
        await lane.uploader.upload(lane.saved(lane.picture()))
    assert len(whisk.bill.log()) == sent


async def test_a_cookie_that_dies_on_the_way_is_not_called_a_closed_service(whisk: WhiskEmulator, lane: Lane) -> None:
    """A 401 of the site whose session has died too is the login's fault."""
    await lane.generator.open()
    whisk.behaviour.session_mode = "refresh-needed"
    whisk.add_fault("trpc-unauthorized", endpoint="workflow")

    with pytest.raises(FatalError, match="cannot be renewed"):
        await lane.generator.generate(lane.request())


async def test_five_at_once_on_a_closed_service_send_one_request(whisk: WhiskEmulator, lane: Lane) -> None:
    """All five are told, by one request; a sixth sends none."""
    whisk.behaviour.closed = "redirect"
    tasks = [lane.generator.generate(lane.request(f"jester {number}")) for number in range(5)]

    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    with pytest.raises(FatalError):
        await lane.uploader.upload(lane.saved(lane.picture()))

    assert [type(outcome) for outcome in outcomes] == [FatalError] * 5
    assert len(whisk.bill.log()) == 1


async def test_a_generation_method_that_is_gone_closes_the_lane(whisk: WhiskEmulator, lane: Lane) -> None:
    """The API's own page of a missing method: closed, and not a stale picture."""
    await lane.generator.generate(lane.request())
    whisk.behaviour.closed = "404"

    with pytest.raises(FatalError, match="closed Whisk"):
        await lane.generator.generate(lane.request())


async def test_the_message_does_not_follow_the_redirect(whisk: WhiskEmulator, lane_for: MakeLane) -> None:
    """A gateway of the user's own is told that its setting may be the mistake, and where it pointed."""
    whisk.behaviour.closed = "redirect"

    with pytest.raises(FatalError) as closed:
        await lane_for(f"{whisk.url}/fx/api/trpc").generator.open()

    assert "redirects to flow.google.com (HTTP 308)" in closed.value.message
    assert "labs_url" in closed.value.message
    assert len(closed.value.message) <= 300  # what the terminal shows of a message
