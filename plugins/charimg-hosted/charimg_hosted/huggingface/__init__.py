"""Hugging Face for charimg: the generator ``huggingface``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from charimg.hookspecs import hookimpl

if TYPE_CHECKING:
    from charimg.contracts import ImageGenerator


@hookimpl
def register_generators(register: Callable[[type[ImageGenerator]], None]) -> None:
    """Offer :class:`~charimg_hosted.huggingface.generator.HuggingFaceGenerator`."""
    from charimg_hosted.huggingface.generator import HuggingFaceGenerator  # noqa: PLC0415 - loaded when it is named

    register(HuggingFaceGenerator)
