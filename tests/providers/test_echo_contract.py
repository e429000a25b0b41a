"""The generator ``echo`` keeps the contract of generators."""

from __future__ import annotations

from charimg.providers.echo import EchoGenerator
from charimg.testing import GeneratorContract


class TestEcho(GeneratorContract):
    """It draws by itself: no service."""

    provider = EchoGenerator
