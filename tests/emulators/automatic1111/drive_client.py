"""Drives webuiapi against an emulator and prints what it got as JSON: ``drive.py ADDRESS USER PASSWORD``.

Runs in an environment of its own, with the client and nothing of this project.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import webuiapi
from PIL import Image


def refused(call: Any) -> list[Any]:
    """Status and body of a call that is refused."""
    try:
        call()
    except RuntimeError as error:
        return [error.args[0], json.loads(error.args[1])]
    return ["it was not refused"]


def told(result: Any) -> dict[str, Any]:
    """What a result of the client holds."""
    image = result.image
    return {
        "size": list(image.size),
        "seed": result.info["seed"],
        "checkpoint": result.info["sd_model_name"],
        "steps": result.info["steps"],
        "corner": list(image.convert("RGB").getpixel((0, 0))),
    }


def main(address: str, user: str, password: str) -> None:
    """One visit."""
    api = webuiapi.WebUIApi(baseurl=f"{address}/sdapi/v1", sampler="Euler a", steps=8, username=user, password=password)
    stranger = webuiapi.WebUIApi(baseurl=f"{address}/sdapi/v1", username=user, password="wrong")
    seen: dict[str, Any] = {
        "models": api.util_get_model_names(),
        "samplers": api.util_get_sampler_names(),
        "schedulers": api.util_get_scheduler_names(),
        "current": api.util_get_current_model(),
        "idle": api.get_progress(),
    }
    api.util_wait_for_ready()
    seen["drawn"] = told(
        api.txt2img(prompt="a jester", negative_prompt="text", seed=7, width=512, height=768, cfg_scale=7)
    )
    seen["unseeded"] = told(api.txt2img(prompt="a jester", width=512, height=512))
    start = Image.new("RGB", (100, 80), "navy")
    seen["from_picture"] = told(api.img2img(images=[start], prompt="a jester", seed=5, denoising_strength=0.4))
    seen["overridden"] = told(
        api.txt2img(prompt="a jester", seed=7, override_settings={"sd_model_checkpoint": "dreamshaper_8"})
    )
    seen["restored"] = api.util_get_current_model()
    api.util_set_model("dreamshaper", find_closest=True)
    seen["chosen"] = api.util_get_current_model()
    seen["interrupt"] = api.interrupt()
    seen["no_sampler"] = refused(lambda: api.txt2img(prompt="a jester", sampler_name="Nonesuch"))
    seen["no_model"] = refused(
        lambda: api.txt2img(prompt="a jester", override_settings={"sd_model_checkpoint": "nonesuch"})
    )
    seen["no_start"] = refused(lambda: api.img2img(images=[], prompt="a jester"))
    seen["wrong_type"] = refused(lambda: api.txt2img(prompt="a jester", steps="many"))
    seen["stranger"] = refused(lambda: stranger.txt2img(prompt="a jester"))
    sys.stdout.write("\n" + json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:4])
