"""A lane of the plugin against the emulator that lives at the root of the checkout."""

from __future__ import annotations

# ruff: noqa: E402 - the imports of this checkout need the path that is set first
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[2])]  # openai_lane and tests.emulators, whichever way pytest was started

from charimg_openai.generator import OpenAIGenerator
from charimg_openai.uploader import OpenAIUploader
from openai_lane import Lane, MakeLane

from charimg.contracts import ProviderContext
from charimg.http import HttpSession
from charimg.model import ImageRequest
from charimg.redaction import Secret
from tests.emulators.openai_images import TEST_KEY, OpenAIEmulator


@pytest.fixture
async def openai() -> AsyncIterator[OpenAIEmulator]:
    """A running emulator whose knobs a test turns by ``openai.behaviour``."""
    async with OpenAIEmulator() as emulator:
        yield emulator


@pytest.fixture
async def lane_for(tmp_path: Path) -> AsyncIterator[MakeLane]:
    """Makes lanes: ``lane_for(openai.base_url, key=..., model=...)``."""
    sessions: list[HttpSession] = []
    lanes: list[Lane] = []

    def make(base_url: str, key: str | None = TEST_KEY, lane: str = "openai", **settings: Any) -> Lane:
        declared = (*OpenAIGenerator.declaration.settings, *OpenAIUploader.declaration.settings)
        values = {
            **{one.name: one.default for one in declared},
            "base_url": base_url,
            "size": "64x64",  # drawn in no time; whatever is about sizes asks for auto
            "timeout": 10.0,
            **settings,
        }
        http = HttpSession()
        sessions.append(http)
        tickets: list[str] = []

        async def accepted(_request: ImageRequest, ticket: str) -> None:
            tickets.append(ticket)

        context = ProviderContext(
            folder=tmp_path,
            out=tmp_path,
            settings=values,
            credentials={} if key is None else {"api_key": Secret(key)},
            lane=lane,
            http=http,
            accepted=accepted,
        )
        made = Lane(context, OpenAIGenerator(context), OpenAIUploader(context), tmp_path, tickets)
        lanes.append(made)
        return made

    yield make
    for lane in lanes:
        await lane.generator.close()
        await lane.uploader.close()
    for session in sessions:
        await session.close()


@pytest.fixture
def lane(openai: OpenAIEmulator, lane_for: MakeLane) -> Lane:
    """A lane with every setting but the size at its default."""
    return lane_for(openai.base_url)
