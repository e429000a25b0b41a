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

from tests.emulators.lanes import Contexts
from tests.emulators.whisk import TEST_COOKIE_HEADER, WhiskEmulator


@pytest.fixture
async def whisk() -> AsyncIterator[WhiskEmulator]:
    """A running emulator whose knobs a test turns by ``whisk.behaviour``."""
    async with WhiskEmulator() as emulator:
        yield emulator


@pytest.fixture
async def lane_for(tmp_path: Path) -> AsyncIterator[MakeLane]:
    """Makes lanes: ``lane_for(whisk.url, cookie=..., model=...)``; the cookie may come from a ``variable=...``."""
    async with Contexts(tmp_path) as contexts:

        def make(
            url: str,
            cookie: str | None = TEST_COOKIE_HEADER,
            lane: str = "whisk",
            variable: str | None = None,
            **settings: Any,
        ) -> Lane:
            remembered: dict[str, str] = {}
            context = contexts.make(
                WhiskGenerator,
                WhiskUploader,
                lane=lane,
                secrets={"cookie": cookie},
                variables={} if variable is None else {"cookie": variable},
                settings={"labs_url": url, "sandbox_url": url, "timeout": 10.0, **settings},
                remember=remembered.__setitem__,
            )
            generator, uploader = WhiskGenerator(context), WhiskUploader(context)
            return Lane(context, contexts.closing(generator), contexts.closing(uploader), tmp_path, remembered)

        yield make


@pytest.fixture
def lane(whisk: WhiskEmulator, lane_for: MakeLane) -> Lane:
    """A lane with every setting at its default."""
    return lane_for(whisk.url)
