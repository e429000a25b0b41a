"""What the generator declares: its settings, its optional login, what it can do."""

from __future__ import annotations

from datetime import date

from charimg.contracts import Abilities, Credential, Declaration, Price, Setting

NAME = "automatic1111"

DECLARATION = Declaration(
    name=NAME,
    summary="AUTOMATIC1111, Forge or SD.Next on a GPU of your own (start the server with --api).",
    settings=(
        Setting(
            "base_url",
            "Address of the server; a path in front is kept.",
            str,
            "http://127.0.0.1:7860",
            env=("AUTOMATIC1111_BASE_URL",),  # Open WebUI's name for it
        ),
        Setting("user", "User name of the server's --api-auth, if it has one (with the credential 'password').", str),
        Setting("model", "Checkpoint, by title, file name or hash; unset: the one that is loaded.", str),
        Setting("sampler", "Sampler, such as 'Euler a' or 'DPM++ 2M'; unset: the server's own choice.", str),
        Setting("scheduler", "Schedule type, such as karras (newer servers); unset: the server's own.", str),
        Setting("steps", "Sampling steps.", int, 25, minimum=1, maximum=150),
        Setting("cfg_scale", "How closely the prompt is followed; 1 for Flux.", float, 6.0, minimum=0, maximum=30),
        Setting("distilled_cfg_scale", "Forge with Flux: its own guidance; unset: not sent.", float, minimum=0),
        Setting(
            "strength",
            "With a reference picture: how far the result may leave it, from 0 (a copy) to 1 (not looked at).",
            float,
            0.6,
            minimum=0,
            maximum=1,
        ),
        Setting(
            "pixels",
            "Width times height of a picture: 1048576 suits SDXL and Flux, 393216 Stable Diffusion 1.5.",
            int,
            1_048_576,
            minimum=64 * 64,
            maximum=16_777_216,
        ),
        Setting(
            "refuse_black",
            "Refuse a wholly black picture: an NSFW extension's answer, or a VAE that failed.",
            bool,
            default=True,
        ),
        Setting(
            "progress_every", "Seconds between two looks at how far a picture is; 0: never.", float, 1.0, minimum=0
        ),
        Setting(
            "timeout",
            "Seconds to wait for one picture, other people's turns before it included.",
            float,
            1500.0,
            minimum=1,
        ),
    ),
    credentials=(
        Credential("password", "Password of the server's --api-auth, if it was started with one.", required=False),
    ),
    # One GPU, and a lock around it: more requests at once would only wait for each other.
    abilities=Abilities(references=1, seed=True, negative=True, parallel=1),
    price=Price(0, checked=date(2026, 11, 22)),
    url="https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/API",
)
"""Facts: the project's notes on AUTOMATIC1111, section 1 (2026-11-22)."""
