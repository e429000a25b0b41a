"""OpenAI's image models as they were known on a day: data, with prices where a price list has them.

Sources: the model list in the official Python client 3.54.0, its notes on what is shut down, and LiteLLM's table of
prices and announced ends; all read on 2026-11-22. The service may know more: any id is sent as the user wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from charimg.contracts import Declaration, Model, Price

CHECKED = date(2026, 11, 22)
"""When all of this was last compared with the service's documents."""

DEFAULT_MODEL = "gpt-image-2"
"""The newest model whose price is known."""

DEFAULT_QUALITY = "medium"
"""Sent to models of OpenAI where the user says nothing: their own default, ``auto``, has no price one could tell."""

FIXED_SIZES = ((1024, 1024), (1536, 1024), (1024, 1536))
"""Sizes that every model of OpenAI draws."""

LONGEST_RATIO = 3.0
"""Models that draw any size draw nothing longer than 3:1."""


@dataclass(frozen=True)
class TokenPrices:
    """USD for a million tokens."""

    text_in: float
    image_in: float
    image_out: float


TOKEN_PRICES: Mapping[str, TokenPrices] = MappingProxyType({"gpt-image-2": TokenPrices(5.0, 8.0, 30.0)})
"""By model, from OpenAI's price list."""

PICTURE_PRICES: Mapping[str, Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "gpt-image-2": {
            "square": {"low": 0.006, "medium": 0.053, "high": 0.211},
            "oblong": {"low": 0.005, "medium": 0.042, "high": 0.165},
        },
        "gpt-image-1-mini": {
            "square": {"low": 0.005, "medium": 0.011, "high": 0.036},
        },
    }
)
"""USD a picture by model, shape (1024x1024, or 1024x1536 either way round) and quality."""


def _price(model: str) -> Price:
    return Price(PICTURE_PRICES[model]["square"][DEFAULT_QUALITY], "USD", CHECKED)


_DALL_E_ENDED = date(2026, 5, 12)
_ANNOUNCED = date(2026, 12, 1)

MODELS = (
    Model("gpt-image-2", "pictures of any size; the default", _price("gpt-image-2")),
    Model("gpt-image-2-2026-04-21", "gpt-image-2 as it was on that day", _price("gpt-image-2")),
    Model("gpt-image-2.6-sunburst", "detail and editing; also xhigh and max"),
    Model("gpt-image-2.6-flare", "speed; also xhigh and max"),
    Model("gpt-image-2.5-sunburst", "detail and editing; also xhigh and max"),
    Model("gpt-image-2.5-sunburst-2026-09-08", "gpt-image-2.5-sunburst as it was on that day"),
    Model("gpt-image-2.5-flare", "speed; also xhigh and max"),
    Model("gpt-image-2.5-flare-2026-09-08", "gpt-image-2.5-flare as it was on that day"),
    Model("chatgpt-image-latest", "what ChatGPT draws with; three sizes"),
    Model("gpt-image-1.5", "three sizes", retired=_ANNOUNCED, successor="gpt-image-2"),
    Model(
        "gpt-image-1-mini",
        "the cheapest; three sizes",
        _price("gpt-image-1-mini"),
        retired=_ANNOUNCED,
        successor="gpt-image-2.5-flare",
    ),
    Model("gpt-image-1", retired=date(2026, 10, 23), successor="gpt-image-2.5-sunburst"),
    Model("dall-e-3", retired=_DALL_E_ENDED, successor="gpt-image-2"),
    Model("dall-e-2", retired=_DALL_E_ENDED, successor="gpt-image-2"),
)
"""The declaration's models, living and dead."""

_OWN = re.compile(r"(?:gpt-image-|chatgpt-image-|dall-e-)")
_ANY_SIZE = re.compile(r"gpt-image-(?:[2-9]|[1-9]\d)")
_DAY = re.compile(r"-\d{4}-\d{2}-\d{2}\Z")


def base_name(model: str) -> str:
    """The id without a gateway's prefix and without a snapshot's day: ``openai/gpt-image-2-2026-04-21`` is
    ``gpt-image-2``."""
    return _DAY.sub("", model.rpartition("/")[2])


def is_of_openai(model: str) -> bool:
    """Whether it is one of OpenAI's image models by its name, also behind a gateway."""
    return _OWN.match(base_name(model)) is not None


def draws_any_size(model: str) -> bool:
    """Whether it takes any size divisible by 16 up to 3:1, as those from gpt-image-2 on; the others have three."""
    return _ANY_SIZE.match(base_name(model)) is not None


def retirement(model: str) -> str | None:
    """A sentence about a model that is gone or going, with its successor; ``None`` for any other."""
    known = Declaration(name="openai", summary="", models=MODELS)
    return known.retirement(model) or known.retirement(model.rpartition("/")[2])
