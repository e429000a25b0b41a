"""The generator ``echo``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from charimg.contracts import ProviderContext
from charimg.images import inspect
from charimg.model import ImageRequest, Reference
from charimg.providers.echo import EchoGenerator

REQUEST = ImageRequest("rani", "Rani", "a queen in red", aspect_ratio="3:4")


async def painted(request: ImageRequest, width: int = 120) -> bytes:
    generator = EchoGenerator(ProviderContext(folder=Path("/"), out=Path("/"), settings={"width": width}))
    return (await generator.generate(request)).data


async def test_same_request_gives_the_same_picture() -> None:
    """The card is deterministic, of the width that was set and the ratio that was asked for."""
    data = await painted(REQUEST)

    assert data == await painted(REQUEST)
    assert (inspect(data).width, inspect(data).height) == (120, 160)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "Gopal"},
        {"prompt": "a king"},
        {"negative": "a crown"},
        {"seed": 2**70},
        {"references": (Reference(Path("/pictures/crown.png")),)},
    ],
)
async def test_whatever_is_asked_for_shows(changed: dict[str, object]) -> None:
    """Each part of a request that a service would get is on the card."""
    assert await painted(REQUEST) != await painted(replace(REQUEST, **changed))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "\ud83d\x00\x1b[31m", "গোপাল ভাঁড় 😀 \u202e", "long " * 3000])
async def test_any_text_can_be_painted(text: str) -> None:
    """Half characters, controls, other scripts and endless texts make a card like any other."""
    data = await painted(replace(REQUEST, name=text, prompt=text))

    assert inspect(data).format == "png"
