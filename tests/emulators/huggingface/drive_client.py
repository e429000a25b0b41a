"""Drives huggingface_hub against an emulator and prints what it got as JSON: ``drive.py ADDRESS TOKEN``.

Runs in an environment of its own, with the client and nothing of this project. The hub's address comes by
``HF_ENDPOINT``; the router's has no such variable, so its template is set before the client reads it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from huggingface_hub import constants

constants.INFERENCE_PROXY_TEMPLATE = sys.argv[1] + "/{provider}"

from huggingface_hub import HfApi, InferenceClient  # noqa: E402 - after the template
from huggingface_hub.errors import HfHubHTTPError  # noqa: E402
from huggingface_hub.utils import parse_ratelimit_headers  # noqa: E402

FLUX = "black-forest-labs/FLUX.1-schnell"


def refused(call: Any) -> dict[str, Any]:
    """What the client says of a call that is refused."""
    try:
        call()
    except HfHubHTTPError as error:
        limit = parse_ratelimit_headers(error.response.headers)
        return {
            "status": error.response.status_code,
            "words": error.server_message,
            "request": error.request_id,
            "remaining": limit.remaining,
            "reset": limit.reset_in_seconds,
            "limit": limit.limit,
            "body": json.loads(error.response.text),
        }
    return {"status": "it was not refused"}


def told(image: Any) -> dict[str, Any]:
    """What a picture of the client's is."""
    return {"size": list(image.size), "format": image.format}


def main(address: str, token: str) -> None:
    """One visit: five requests to the router are granted, a sixth is too many."""
    hub = HfApi(token=token)
    client = InferenceClient(provider="hf-inference", api_key=token)
    stranger = InferenceClient(provider="hf-inference", api_key="hf_nobody")
    seen: dict[str, Any] = {
        "who": hub.whoami()["name"],
        "models": [one.id for one in hub.list_models(inference_provider="hf-inference", pipeline_tag="text-to-image")],
        "task": hub.model_info(FLUX).pipeline_tag,
    }
    seen["loading"] = refused(lambda: client.text_to_image("a jester", model=FLUX))
    seen["drawn"] = told(
        client.text_to_image(
            "a jester",
            negative_prompt="text",
            height=768,
            width=512,
            num_inference_steps=4,
            guidance_scale=3.5,
            seed=7,
            model=FLUX,
        )
    )
    seen["bare"] = told(client.text_to_image("a ferryman", model=FLUX))
    seen["spent"] = refused(lambda: client.text_to_image("a queen", model=FLUX))
    seen["unknown"] = refused(lambda: client.text_to_image("a queen", model=FLUX, extra_body={"sharpness": 9}))
    seen["too_many"] = refused(lambda: client.text_to_image("a queen", model=FLUX))
    seen["stranger"] = refused(lambda: stranger.text_to_image("a queen", model=FLUX))
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:3])
