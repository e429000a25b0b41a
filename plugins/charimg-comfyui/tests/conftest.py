"""A lane of the plugin against the emulator that lives at the root of the checkout."""

from __future__ import annotations

# ruff: noqa: E402 - the imports of this checkout need the path that is set first
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[2])]  # comfy_lane and tests.emulators, whichever way pytest was started

from charimg_comfyui.generator import ComfyGenerator
from charimg_comfyui.uploader import ComfyUploader
from comfy_lane import Lane, MakeLane, put_workflow

import charimg.http
from tests.emulators.comfyui import ComfyEmulator
from tests.emulators.lanes import Contexts


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
    """Makes lanes: ``lane_for(comfy.url, user=..., password=..., model=...)``. Pictures are small by default.

    ``variables=...`` are those that the credentials came from.
    """
    async with Contexts(tmp_path) as contexts:

        def make(
            url: str,
            *,
            graph: Any = None,
            password: str | None = None,
            token: str | None = None,
            variables: Mapping[str, str] | None = None,
            lane: str = "comfyui",
            **settings: Any,
        ) -> Lane:
            told: list[tuple[str, float | None, str]] = []
            tickets: list[str] = []

            async def accepted(_: object, ticket: str) -> None:
                tickets.append(ticket)

            workflow = None if graph is None else put_workflow(tmp_path, graph)
            context = contexts.make(
                ComfyGenerator,
                lane=lane,
                secrets={"password": password, "token": token},
                variables=variables,
                settings={"base_url": url, "pixels": 128 * 128, "workflow": workflow, **settings},
                progress=lambda request, fraction, words: told.append((request.key, fraction, words)),
                accepted=accepted,
            )
            generator, uploader = ComfyGenerator(context), ComfyUploader(context)
            return Lane(context, contexts.closing(generator), uploader, tmp_path, told, tickets)

        yield make


@pytest.fixture
def lane(comfy: ComfyEmulator, lane_for: MakeLane) -> Lane:
    """A lane with the default workflow."""
    return lane_for(comfy.url)
