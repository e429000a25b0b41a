"""Google Labs Whisk for charimg: the generator and the uploader ``whisk``.

Google closed Whisk on 2026-04-30. The plugin speaks its protocol as its clients did, to a gateway that still does
or to an emulator (settings ``labs_url`` and ``sandbox_url``); Google's own addresses answer that the service is
closed, and the user is told so in one line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from charimg.hookspecs import hookimpl

if TYPE_CHECKING:
    from charimg.contracts import ImageGenerator, Uploader


@hookimpl
def register_generators(register: Callable[[type[ImageGenerator]], None]) -> None:
    """Offer :class:`~charimg_whisk.generator.WhiskGenerator`."""
    from charimg_whisk.generator import WhiskGenerator  # noqa: PLC0415 - a run that only uploads does not need it

    register(WhiskGenerator)


@hookimpl
def register_uploaders(register: Callable[[type[Uploader]], None]) -> None:
    """Offer :class:`~charimg_whisk.uploader.WhiskUploader`."""
    from charimg_whisk.uploader import WhiskUploader  # noqa: PLC0415 - a run that only generates does not need it

    register(WhiskUploader)
