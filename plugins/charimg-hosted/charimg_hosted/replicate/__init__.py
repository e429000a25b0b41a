"""Replicate for charimg: the generator and the uploader ``replicate``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from charimg.hookspecs import hookimpl

if TYPE_CHECKING:
    from charimg.contracts import ImageGenerator, Uploader


@hookimpl
def register_generators(register: Callable[[type[ImageGenerator]], None]) -> None:
    """Offer :class:`~charimg_hosted.replicate.generator.ReplicateGenerator`."""
    from charimg_hosted.replicate.generator import ReplicateGenerator  # noqa: PLC0415 - loaded when it is named

    register(ReplicateGenerator)


@hookimpl
def register_uploaders(register: Callable[[type[Uploader]], None]) -> None:
    """Offer :class:`~charimg_hosted.replicate.uploader.ReplicateUploader`."""
    from charimg_hosted.replicate.uploader import ReplicateUploader  # noqa: PLC0415 - loaded when it is named

    register(ReplicateUploader)
