"""The generator ``avatar`` keeps the contract of generators."""

from __future__ import annotations

from charimg_avatar.generator import AvatarGenerator

from charimg.testing import GeneratorContract


class TestAvatar(GeneratorContract):
    """It draws by itself: no service."""

    provider = AvatarGenerator
