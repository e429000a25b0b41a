"""What the generator declares: its settings and the token.

Facts: the project's notes on hosted services, section 5, and the source of huggingface_hub 2.4.0 (2026-11-22).
"""

from __future__ import annotations

from datetime import date

from charimg.contracts import Abilities, Declaration, Model, Setting
from charimg_hosted.huggingface.service import BASE_URL, HUB_URL, KEY, NAME, URL

CHECKED = date(2026, 11, 22)

DEFAULT_MODEL = "black-forest-labs/FLUX.1-schnell"

DECLARATION = Declaration(
    name=NAME,
    summary="Hugging Face's own inference (hf-inference): open models, on the monthly credits of an account.",
    settings=(
        Setting("model", "Model id on the hub, as owner/name.", str, DEFAULT_MODEL, checked=CHECKED),
        BASE_URL,
        HUB_URL,
        Setting("steps", "Denoising steps; unset: the model's own number.", int, minimum=1, maximum=500),
        Setting("cfg_scale", "How closely the prompt is followed; unset: the model's own value.", float, minimum=0),
        Setting(
            "pixels",
            "Width times height of a picture; the shape is the roster's, sides are multiples of 16.",
            int,
            1_048_576,
            minimum=64 * 64,
            maximum=16_777_216,
        ),
        Setting("timeout", "Seconds to wait for one picture.", float, 600.0, minimum=1),
    ),
    credentials=(KEY,),
    abilities=Abilities(seed=True, negative=True),
    url=URL,
    models=(
        Model(DEFAULT_MODEL, "FLUX.1 schnell: four steps"),
        Model("stabilityai/stable-diffusion-xl-base-1.0", "Stable Diffusion XL"),
    ),
)
