"""Black Forest Labs for charimg: the generator ``bfl``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from charimg.hookspecs import hookimpl

if TYPE_CHECKING:
    from charimg.contracts import ImageGenerator


@hookimpl
def register_generators(register: Callable[[type[ImageGenerator]], None]) -> None:
    """Offer :class:`~charimg_hosted.bfl.generator.BflGenerator`."""
    from charimg_hosted.bfl.generator import BflGenerator  # noqa: PLC0415 - loaded when it is named

    register(BflGenerator)
