"""AUTOMATIC1111's Stable Diffusion web UI for charimg: the generator ``automatic1111``.

Forge and SD.Next speak the same protocol (``/sdapi/v1``) and are used the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from charimg.hookspecs import hookimpl

if TYPE_CHECKING:
    from charimg.contracts import ImageGenerator


@hookimpl
def register_generators(register: Callable[[type[ImageGenerator]], None]) -> None:
    """Offer :class:`~charimg_automatic1111.generator.Automatic1111Generator`."""
    from charimg_automatic1111.generator import Automatic1111Generator  # noqa: PLC0415 - loaded when it is named

    register(Automatic1111Generator)
