"""ComfyUI for charimg: the generator and the uploader ``comfyui``.

The generator queues the user's own workflow, with a character's words, seed and size put in, at the user's own server;
the uploader puts pictures into that server's input folder.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from charimg.hookspecs import hookimpl

if TYPE_CHECKING:
    from charimg.contracts import ImageGenerator, Uploader


@hookimpl
def register_generators(register: Callable[[type[ImageGenerator]], None]) -> None:
    """Offer :class:`~charimg_comfyui.generator.ComfyGenerator`."""
    from charimg_comfyui.generator import ComfyGenerator  # noqa: PLC0415 - a run that only uploads does not need it

    register(ComfyGenerator)


@hookimpl
def register_uploaders(register: Callable[[type[Uploader]], None]) -> None:
    """Offer :class:`~charimg_comfyui.uploader.ComfyUploader`."""
    from charimg_comfyui.uploader import ComfyUploader  # noqa: PLC0415 - a run that only generates does not need it

    register(ComfyUploader)
