"""Google's Gemini API for charimg: the generator and the uploader ``gemini``.

The Developer API at ``generativelanguage.googleapis.com`` with an API key, or a gateway that speaks like it
(setting ``base_url``). Facts about it are as of 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from charimg.hookspecs import hookimpl

if TYPE_CHECKING:
    from charimg.contracts import ImageGenerator, Uploader


@hookimpl
def register_generators(register: Callable[[type[ImageGenerator]], None]) -> None:
    """Offer :class:`~charimg_gemini.generator.GeminiGenerator`."""
    from charimg_gemini.generator import GeminiGenerator  # noqa: PLC0415 - a run that only uploads does not need it

    register(GeminiGenerator)


@hookimpl
def register_uploaders(register: Callable[[type[Uploader]], None]) -> None:
    """Offer :class:`~charimg_gemini.uploader.GeminiUploader`."""
    from charimg_gemini.uploader import GeminiUploader  # noqa: PLC0415 - a run that only generates does not need it

    register(GeminiUploader)
