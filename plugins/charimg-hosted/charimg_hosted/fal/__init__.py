"""fal.ai for charimg: the generator and the uploader ``fal``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from charimg.hookspecs import hookimpl

if TYPE_CHECKING:
    from charimg.contracts import ImageGenerator, Uploader


@hookimpl
def register_generators(register: Callable[[type[ImageGenerator]], None]) -> None:
    """Offer :class:`~charimg_hosted.fal.generator.FalGenerator`."""
    from charimg_hosted.fal.generator import FalGenerator  # noqa: PLC0415 - loaded when it is named

    register(FalGenerator)


@hookimpl
def register_uploaders(register: Callable[[type[Uploader]], None]) -> None:
    """Offer :class:`~charimg_hosted.fal.uploader.FalUploader`."""
    from charimg_hosted.fal.uploader import FalUploader  # noqa: PLC0415 - loaded when it is named

    register(FalUploader)
