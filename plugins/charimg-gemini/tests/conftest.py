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

from tests.emulators.gemini import TEST_KEY, GeminiEmulator
from tests.emulators.lanes import Contexts


@pytest.fixture
async def gemini() -> AsyncIterator[GeminiEmulator]:
    """A running emulator whose knobs a test turns by ``gemini.behaviour``."""
    async with GeminiEmulator() as emulator:
        yield emulator


@pytest.fixture
async def lane_for(tmp_path: Path) -> AsyncIterator[MakeLane]:
    """Makes lanes: ``lane_for(gemini.url, key=..., model=...)``; the key may come from a ``variable=...``."""
    async with Contexts(tmp_path) as contexts:

        def make(
            url: str, key: str | None = TEST_KEY, lane: str = "gemini", variable: str | None = None, **settings: Any
        ) -> Lane:
            context = contexts.make(
                GeminiGenerator,
                lane=lane,
                secrets={"api_key": key},
                variables={} if variable is None else {"api_key": variable},
                settings={"base_url": url, "timeout": 10.0, **settings},
            )
            generator, uploader = GeminiGenerator(context), GeminiUploader(context)
            return Lane(context, contexts.closing(generator), contexts.closing(uploader), tmp_path)

        yield make


@pytest.fixture
def lane(gemini: GeminiEmulator, lane_for: MakeLane) -> Lane:
    """A lane with every setting at its default."""
    return lane_for(gemini.url)
