"""A lane of the plugin against the emulator that lives at the root of the checkout."""

from __future__ import annotations

# ruff: noqa: E402 - the imports of this checkout need the path that is set first
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[2])]  # comfy_lane and tests.emulators, whichever way pytest was started

from charimg_comfyui.generator import ComfyGenerator
from charimg_comfyui.uploader import ComfyUploader
from comfy_lane import Lane, MakeLane, put_workflow

import charimg.http
from charimg.contracts import ProviderContext
from charimg.http import HttpSession
from charimg.redaction import Secret
from tests.emulators.comfyui import ComfyEmulator


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polls follow one another at once."""
    monkeypatch.setattr(ComfyGenerator, "poll_every", 0.005)
    monkeypatch.setattr(charimg.http, "QUICK_WAIT", 0.001)


@pytest.fixture
async def comfy() -> AsyncIterator[ComfyEmulator]:
    """A running emulator whose knobs a test turns by ``comfy.behaviour``."""
    async with ComfyEmulator() as emulator:
        yield emulator


@pytest.fixture
async def lane_for(tmp_path: Path) -> AsyncIterator[MakeLane]:
    """Makes lanes: ``lane_for(comfy.url, user=..., password=..., model=...)``. Pictures are small by default."""
    sessions: list[HttpSession] = []
    lanes: list[Lane] = []

    def make(
        url: str,
        *,
        graph: Any = None,
        password: str | None = None,
        token: str | None = None,
        lane: str = "comfyui",
        **settings: Any,
    ) -> Lane:
        http = HttpSession()
        sessions.append(http)
        secrets = {"password": password, "token": token}
        told: list[tuple[str, float | None, str]] = []
        tickets: list[str] = []

        async def accepted(_: object, ticket: str) -> None:
            tickets.append(ticket)

        values = {
            **{one.name: one.default for one in ComfyGenerator.declaration.settings},
            "base_url": url,
            "pixels": 128 * 128,
            "workflow": None if graph is None else put_workflow(tmp_path, graph),
        }
        context = ProviderContext(
            folder=tmp_path,
            out=tmp_path,
            settings={**values, **settings},
            credentials={name: Secret(text) for name, text in secrets.items() if text is not None},
            lane=lane,
            http=http,
            progress=lambda request, fraction, words: told.append((request.key, fraction, words)),
            accepted=accepted,
        )
        made = Lane(context, ComfyGenerator(context), ComfyUploader(context), tmp_path, told, tickets)
        lanes.append(made)
        return made

    yield make
    for one in lanes:
        await one.generator.close()
    for session in sessions:
        await session.close()


@pytest.fixture
def lane(comfy: ComfyEmulator, lane_for: MakeLane) -> Lane:
    """A lane with the default workflow."""
    return lane_for(comfy.url)
