"""The charimg plugin ``avatar``: portraits drawn offline from the words of a description."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from charimg.hookspecs import hookimpl

if TYPE_CHECKING:
    from charimg.contracts import ImageGenerator


@hookimpl
def register_generators(register: Callable[[type[ImageGenerator]], None]) -> None:
    """Offer :class:`charimg_avatar.generator.AvatarGenerator`."""
    from charimg_avatar.generator import AvatarGenerator  # noqa: PLC0415 - the words alone can be used without it

    register(AvatarGenerator)
