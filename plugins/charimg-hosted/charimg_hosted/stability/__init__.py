"""Stability AI for charimg: the generator ``stability``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from charimg.hookspecs import hookimpl

if TYPE_CHECKING:
    from charimg.contracts import ImageGenerator


@hookimpl
def register_generators(register: Callable[[type[ImageGenerator]], None]) -> None:
    """Offer :class:`~charimg_hosted.stability.generator.StabilityGenerator`."""
    from charimg_hosted.stability.generator import StabilityGenerator  # noqa: PLC0415 - loaded when it is named

    register(StabilityGenerator)
