"""A lane of the plugin against the emulator that lives at the root of the checkout."""

from __future__ import annotations

# ruff: noqa: E402 - the imports of this checkout need the path that is set first
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[2])]  # whisk_lane and tests.emulators, whichever way pytest was started

from charimg_whisk.generator import WhiskGenerator
from charimg_whisk.uploader import WhiskUploader
from whisk_lane import Lane, MakeLane

from charimg.contracts import ProviderContext
from charimg.http import HttpSession
from charimg.redaction import Secret
from tests.emulators.whisk import TEST_COOKIE_HEADER, WhiskEmulator


@pytest.fixture
async def whisk() -> AsyncIterator[WhiskEmulator]:
    """A running emulator whose knobs a test turns by ``whisk.behaviour``."""
    async with WhiskEmulator() as emulator:
        yield emulator


@pytest.fixture
async def lane_for(tmp_path: Path) -> AsyncIterator[MakeLane]:
    """Makes lanes: ``lane_for(whisk.url, cookie=..., model=...)``."""
    sessions: list[HttpSession] = []
    lanes: list[Lane] = []

    def make(url: str, cookie: str | None = TEST_COOKIE_HEADER, lane: str = "whisk", **settings: Any) -> Lane:
        declared = (*WhiskGenerator.declaration.settings, *WhiskUploader.declaration.settings)
        values = {
            **{one.name: one.default for one in declared},
            "labs_url": url,
            "sandbox_url": url,
            "timeout": 10.0,
            **settings,
        }
        http = HttpSession()
        sessions.append(http)
        remembered: dict[str, str] = {}
        context = ProviderContext(
            folder=tmp_path,
            out=tmp_path,
            settings=values,
            credentials={} if cookie is None else {"cookie": Secret(cookie)},
            lane=lane,
            http=http,
            remember=remembered.__setitem__,
        )
        made = Lane(context, WhiskGenerator(context), WhiskUploader(context), tmp_path, remembered)
        lanes.append(made)
        return made

    yield make
    for lane in lanes:
        await lane.generator.close()
        await lane.uploader.close()
    for session in sessions:
        await session.close()


@pytest.fixture
def lane(whisk: WhiskEmulator, lane_for: MakeLane) -> Lane:
    """A lane with every setting at its default."""
    return lane_for(whisk.url)
