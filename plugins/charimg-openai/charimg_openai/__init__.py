"""OpenAI Images for charimg, and the many servers that speak like it: the generator and the uploader ``openai``.

OpenAI itself, Azure, LiteLLM and other gateways, LocalAI, vLLM-Omni, SGLang and Together: one client, whose differences
between servers are data (:mod:`charimg_openai.dialects`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from charimg.hookspecs import hookimpl

if TYPE_CHECKING:
    from charimg.contracts import ImageGenerator, Uploader


@hookimpl
def register_generators(register: Callable[[type[ImageGenerator]], None]) -> None:
    """Offer :class:`~charimg_openai.generator.OpenAIGenerator`."""
    from charimg_openai.generator import OpenAIGenerator  # noqa: PLC0415 - a run that only uploads does not need it

    register(OpenAIGenerator)


@hookimpl
def register_uploaders(register: Callable[[type[Uploader]], None]) -> None:
    """Offer :class:`~charimg_openai.uploader.OpenAIUploader`."""
    from charimg_openai.uploader import OpenAIUploader  # noqa: PLC0415 - a run that only generates does not need it

    register(OpenAIUploader)
