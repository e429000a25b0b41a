"""AI Horde, the crowd of volunteers for charimg: the generator ``aihorde``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from charimg.hookspecs import hookimpl

if TYPE_CHECKING:
    from charimg.contracts import ImageGenerator


@hookimpl
def register_generators(register: Callable[[type[ImageGenerator]], None]) -> None:
    """Offer :class:`~charimg_hosted.aihorde.generator.AiHordeGenerator`."""
    from charimg_hosted.aihorde.generator import AiHordeGenerator  # noqa: PLC0415 - loaded when it is named

    register(AiHordeGenerator)
