"""A lane of the plugin against the emulator that lives at the root of the checkout."""

from __future__ import annotations

# ruff: noqa: E402 - the imports of this checkout need the path that is set first
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[2])]  # a1111_lane and tests.emulators, whichever way pytest was started

from a1111_lane import Lane, MakeLane
from charimg_automatic1111.generator import Automatic1111Generator

from tests.emulators.automatic1111 import Automatic1111Emulator
from tests.emulators.lanes import Contexts


@pytest.fixture
async def server() -> AsyncIterator[Automatic1111Emulator]:
    """A running emulator whose knobs a test turns by ``server.behaviour``."""
    async with Automatic1111Emulator() as emulator:
        yield emulator


@pytest.fixture
async def lane_for(tmp_path: Path) -> AsyncIterator[MakeLane]:
    """Makes lanes: ``lane_for(server.url, user=..., password=..., model=...)``; the password may come from a
    ``variable=...``."""
    async with Contexts(tmp_path) as contexts:

        def make(
            url: str, user: str | None = None, password: str | None = None, variable: str | None = None, **settings: Any
        ) -> Lane:
            told: list[tuple[str, float | None, str]] = []
            context = contexts.make(
                Automatic1111Generator,
                lane="automatic1111",
                secrets={"password": password},
                variables={} if variable is None else {"password": variable},
                settings={"base_url": url, "timeout": 20.0, "user": user, **settings},
                progress=lambda request, fraction, words: told.append((request.key, fraction, words)),
            )
            return Lane(context, contexts.closing(Automatic1111Generator(context)), tmp_path, told)

        yield make


@pytest.fixture
def lane(server: Automatic1111Emulator, lane_for: MakeLane) -> Lane:
    """A lane with every setting at its default."""
    return lane_for(server.url)
