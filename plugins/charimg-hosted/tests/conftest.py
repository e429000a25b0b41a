"""Lanes of the polled services against the emulators that live at the root of the checkout."""

from __future__ import annotations

# ruff: noqa: E402 - the imports of this checkout need the path that is set first
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[2])]  # hosted_lane and tests.emulators, whichever way pytest was started

from hosted_lane import SERVICES, Lane

OpenLane = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polls follow each other at once."""
    for service in SERVICES.values():
        monkeypatch.setattr(service.generator, "poll_every", 0.0)


@pytest.fixture
async def open_lane(tmp_path: Path) -> AsyncIterator[OpenLane]:
    """Starts an emulator and makes a lane: ``await open_lane("fal", runners=2)``."""
    lanes: list[Lane] = []
    async with AsyncExitStack() as stack:

        async def start(name: str, **knobs: Any) -> Lane:
            more = {"limited": False, **knobs} if name == "aihorde" else knobs
            emulator = await stack.enter_async_context(SERVICES[name].emulator(**more))
            lane = Lane(SERVICES[name], emulator, tmp_path)
            lanes.append(lane)
            return lane

        yield start
        for lane in lanes:
            for session in lane.sessions:
                await session.close()


@pytest.fixture(params=sorted(SERVICES))
async def lane(request: pytest.FixtureRequest, open_lane: OpenLane) -> Lane:
    """A lane of each service in turn."""
    lane: Lane = await open_lane(request.param)
    return lane
