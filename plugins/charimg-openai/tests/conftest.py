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

from charimg.model import ImageRequest
from tests.emulators.lanes import Contexts
from tests.emulators.openai_images import TEST_KEY, OpenAIEmulator


@pytest.fixture
async def openai() -> AsyncIterator[OpenAIEmulator]:
    """A running emulator whose knobs a test turns by ``openai.behaviour``."""
    async with OpenAIEmulator() as emulator:
        yield emulator


@pytest.fixture
async def lane_for(tmp_path: Path) -> AsyncIterator[MakeLane]:
    """Makes lanes: ``lane_for(openai.base_url, key=..., model=...)``; the key may come from a ``variable=...``."""
    async with Contexts(tmp_path) as contexts:

        def make(
            base_url: str,
            key: str | None = TEST_KEY,
            lane: str = "openai",
            variable: str | None = None,
            **settings: Any,
        ) -> Lane:
            tickets: list[str] = []

            async def accepted(_request: ImageRequest, ticket: str) -> None:
                tickets.append(ticket)

            small = {"size": "64x64"}  # drawn in no time; whatever is about sizes asks for auto
            context = contexts.make(
                OpenAIGenerator,
                OpenAIUploader,
                lane=lane,
                secrets={"api_key": key},
                variables={} if variable is None else {"api_key": variable},
                settings={"base_url": base_url, "timeout": 10.0, **small, **settings},
                accepted=accepted,
            )
            generator, uploader = OpenAIGenerator(context), OpenAIUploader(context)
            return Lane(context, contexts.closing(generator), contexts.closing(uploader), tmp_path, tickets)

        yield make


@pytest.fixture
def lane(openai: OpenAIEmulator, lane_for: MakeLane) -> Lane:
    """A lane with every setting but the size at its default."""
    return lane_for(openai.base_url)
