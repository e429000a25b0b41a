"""A lane of the plugin against the emulator that lives at the root of the checkout."""

from __future__ import annotations

# ruff: noqa: E402 - the imports of this checkout need the path that is set first
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[2])]  # gemini_lane and tests.emulators, whichever way pytest was started

from charimg_gemini.generator import GeminiGenerator
from charimg_gemini.uploader import GeminiUploader
from gemini_lane import Lane, MakeLane

from charimg.contracts import ProviderContext
from charimg.http import HttpSession
from charimg.redaction import Secret
from tests.emulators.gemini import TEST_KEY, GeminiEmulator


@pytest.fixture
async def gemini() -> AsyncIterator[GeminiEmulator]:
    """A running emulator whose knobs a test turns by ``gemini.behaviour``."""
    async with GeminiEmulator() as emulator:
        yield emulator


@pytest.fixture
async def lane_for(tmp_path: Path) -> AsyncIterator[MakeLane]:
    """Makes lanes: ``lane_for(gemini.url, key=..., model=...)``."""
    sessions: list[HttpSession] = []
    lanes: list[Lane] = []

    def make(url: str, key: str | None = TEST_KEY, lane: str = "gemini", **settings: Any) -> Lane:
        values = {
            **{one.name: one.default for one in GeminiGenerator.declaration.settings},
            "base_url": url,
            "timeout": 10.0,
            **settings,
        }
        http = HttpSession()
        sessions.append(http)
        context = ProviderContext(
            folder=tmp_path,
            out=tmp_path,
            settings=values,
            credentials={} if key is None else {"api_key": Secret(key)},
            lane=lane,
            http=http,
        )
        made = Lane(context, GeminiGenerator(context), GeminiUploader(context), tmp_path)
        lanes.append(made)
        return made

    yield make
    for lane in lanes:
        await lane.generator.close()
        await lane.uploader.close()
    for session in sessions:
        await session.close()


@pytest.fixture
def lane(gemini: GeminiEmulator, lane_for: MakeLane) -> Lane:
    """A lane with every setting at its default."""
    return lane_for(gemini.url)
