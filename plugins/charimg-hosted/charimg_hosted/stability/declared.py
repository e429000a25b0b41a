"""What the generator declares: models with their prices, settings, the key.

Facts: the project's notes on hosted services, section 4, and Stability's own API reference (v2beta, as of 2026-11-22).
A credit is 0.01 USD; a generation that fails costs nothing.
"""

from __future__ import annotations

from datetime import date

from charimg.contracts import Abilities, Declaration, Model, Price, Setting
from charimg_hosted.stability.service import BASE_URL, KEY, NAME, URL

CHECKED = date(2026, 11, 22)
MERGED = date(2025, 4, 17)
"""When the models of version 3.0 ended; the service answers with 3.5 in their place."""

ASPECT_RATIOS = ("16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21")

CORE = "core"
ULTRA = "ultra"


def _costs(dollars: float) -> Price:
    return Price(dollars, checked=CHECKED)


MODELS = (
    Model(CORE, "Stable Image Core: quick and cheap; no reference picture", _costs(0.03)),
    Model(ULTRA, "Stable Image Ultra: the best quality", _costs(0.08)),
    Model("sd3.5-large", "Stable Diffusion 3.5 Large", _costs(0.065)),
    Model("sd3.5-large-turbo", "Stable Diffusion 3.5 Large in four steps", _costs(0.04)),
    Model("sd3.5-medium", "Stable Diffusion 3.5 Medium", _costs(0.035)),
    Model("sd3.5-flash", "Stable Diffusion 3.5 Medium in four steps", _costs(0.025)),
    Model("sd3-large", retired=MERGED, successor="sd3.5-large"),
    Model("sd3-large-turbo", retired=MERGED, successor="sd3.5-large-turbo"),
    Model("sd3-medium", retired=MERGED, successor="sd3.5-medium"),
)

DECLARATION = Declaration(
    name=NAME,
    summary="Stability AI: Stable Image Core and Ultra, Stable Diffusion 3.5 (paid by the picture).",
    settings=(
        Setting("model", "core, ultra, or a model of Stable Diffusion 3.5.", str, CORE, checked=CHECKED),
        BASE_URL,
        Setting(
            "strength",
            "With a reference picture: how far the result may leave it, from 0 (a copy) to 1 (not looked at).",
            float,
            0.6,
            minimum=0,
            maximum=1,
        ),
        Setting("style_preset", "One of the service's styles, such as comic-book or pixel-art; unset: none.", str),
        Setting("output_format", "Format of the picture.", str, "png", choices=("png", "jpeg", "webp")),
        Setting("timeout", "Seconds to wait for one picture.", float, 600.0, minimum=1),
    ),
    credentials=(KEY,),
    abilities=Abilities(references=1, seed=True, negative=True, aspect_ratios=ASPECT_RATIOS),
    url=URL,
    models=MODELS,
)
