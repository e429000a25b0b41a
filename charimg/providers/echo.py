"""The generator ``echo``: paints the request as text. No account, no network, no cost.

It shows exactly what a generator would be asked for, and it is the smallest complete example of one.
"""

from __future__ import annotations

from collections.abc import Callable

from charimg.contracts import Abilities, Declaration, ImageGenerator, Price, Setting
from charimg.hookspecs import hookimpl
from charimg.model import GeneratedImage, ImageRequest


class EchoGenerator(ImageGenerator):
    """Paints name and prompt on a card."""

    declaration = Declaration(
        name="echo",
        summary="Paints the request as text: shows what a service would be asked for.",
        settings=(Setting("width", "Width of the picture, in pixels.", int, 512, minimum=64, maximum=4096),),
        abilities=Abilities(seed=True, negative=True, references=16, offline=True),
        price=Price(0),
    )

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        """Paint the card; the same request gives the same bytes."""
        from charimg.lettering import text_card  # noqa: PLC0415 - Pillow is loaded only when a picture is made

        width = int(self.context.settings["width"] or 512)
        across, down = (int(part) for part in request.aspect_ratio.split(":"))
        lines = [request.prompt]
        if request.negative:
            lines.append(f"not: {request.negative}")
        lines += [f"{reference.kind}: {reference.path.name}" for reference in request.references]
        if request.seed is not None:
            lines.append(f"seed {request.seed}")
        data = text_card(request.name, lines, width=width, height=max(64, width * down // across))
        return GeneratedImage(data=data, seed=request.seed, model="echo")


@hookimpl
def register_generators(register: Callable[[type[ImageGenerator]], None]) -> None:
    """Offer :class:`EchoGenerator`."""
    register(EchoGenerator)
