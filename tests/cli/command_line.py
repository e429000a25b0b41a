"""What the tests of the command line share: the shape of a result, and a plugin to install."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Result]
Install = Callable[..., str]


EASEL = """
    import charimg

    ABOUT = charimg.Declaration(
        name="easel",
        summary="Paints on an easel.",
        settings=(
            charimg.Setting("base_url", "The address of the easel.", str, "https://easel.example", env=("EASEL_URL",)),
            charimg.Setting("brush", "Width of the brush, in pixels.", int, 4, minimum=1, maximum=64),
        ),
        credentials=(charimg.Credential("key", "Made on easel.example/keys.", env=("EASEL_KEY",)),),
        abilities=charimg.Abilities(references=2, seed=True, aspect_ratios=("1:1", "9:16")),
        price=charimg.Price(0.04),
        url="https://easel.example",
    )

    class Easel(charimg.ImageGenerator):
        declaration = ABOUT

        async def check(self):
            key = self.context.credentials["key"].reveal()
            if key.startswith("good"):
                return f"logged in at {self.context.settings['base_url']}"
            raise charimg.FatalError(f"the key {key} is not known")

        async def generate(self, request):
            raise charimg.FatalError("nobody paints in these tests")

    @charimg.hookimpl
    def register_generators(register):
        register(Easel)
"""
"""A generator with a login; its error carelessly repeats the key."""
