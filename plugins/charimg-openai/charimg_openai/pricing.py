"""What a picture costs: by the tokens an answer reports, else by the price list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from charimg.contracts import Price
from charimg.model import Cost
from charimg_openai.answers import usage_of
from charimg_openai.dialects import dialect_of
from charimg_openai.known_models import CHECKED, PICTURE_PRICES, TOKEN_PRICES, base_name
from charimg_openai.protocol import choices_of

if TYPE_CHECKING:
    from charimg.contracts import SettingValue
    from charimg_openai.protocol import Choices


def declared_price(settings: Mapping[str, SettingValue | None]) -> Price | None:
    """The listed price of a picture of this model, quality and size; ``None`` where no list has it.

    A size by the character's shape is taken as the square, the dearer one; a size beyond the list's in proportion to
    its pixels. Reference pictures come on top, and are in the cost that is reported afterwards.
    """
    dialect = dialect_of(str(settings.get("server") or "auto"), str(settings.get("base_url") or ""))
    if dialect.free:
        return Price(0.0, checked=CHECKED)
    choices = choices_of(settings, dialect)
    shapes = PICTURE_PRICES.get(base_name(choices.model))
    if shapes is None or choices.quality is None:
        return None
    square = shapes["square"].get(choices.quality)
    if square is None:
        return None
    if choices.size is None or choices.size == (1024, 1024):
        return Price(square, "USD", CHECKED)
    oblong = shapes.get("oblong", shapes["square"])[choices.quality]
    if set(choices.size) == {1024, 1536}:
        return Price(oblong, "USD", CHECKED)
    ratio = choices.size[0] * choices.size[1] / 1024**2
    return Price(round(square * max(1.0, ratio), 4), "USD", CHECKED)


def reported_cost(answer: Any, choices: Choices) -> Cost | None:
    """The cost by the tokens in the answer; ``None`` where they are not told or have no listed price."""
    prices = TOKEN_PRICES.get(base_name(choices.model))
    used = usage_of(answer)
    if prices is None or used is None or choices.dialect.free:
        return None
    millionths = used.text_in * prices.text_in + used.image_in * prices.image_in + used.image_out * prices.image_out
    return Cost(round(millionths / 1_000_000, 6), "USD", source="reported") if millionths else None
