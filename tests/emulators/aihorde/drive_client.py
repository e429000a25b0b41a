"""Drives the Horde's own ``horde_sdk`` package against the address in AI_HORDE_URL; prints what it saw as JSON.

Runs in an environment of its own: it imports nothing of this checkout.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

import PIL.Image
from horde_sdk.ai_horde_api import AIHordeAPISimpleClient
from horde_sdk.ai_horde_api.ai_horde_clients import AIHordeAPIManualClient
from horde_sdk.ai_horde_api.apimodels import (
    FindUserRequest,
    ImageGenerateAsyncRequest,
    ImageGenerationInputPayload,
)

KEY = sys.argv[1]
SCRATCH = Path(sys.argv[2])
ANYBODY = "0000000000"
seen: dict[str, object] = {}


def asked(prompt: str, key: str = ANYBODY, **params: object) -> ImageGenerateAsyncRequest:
    return ImageGenerateAsyncRequest(
        apikey=key,
        prompt=prompt,
        models=["Deliberate"],
        nsfw=False,
        censor_nsfw=True,
        params=ImageGenerationInputPayload(**{"width": 512, "height": 576, "seed": "42", "steps": 20, **params}),
    )


client = AIHordeAPISimpleClient()
with contextlib.redirect_stdout(sys.stderr):
    status, job = client.image_generate_request(asked("a jester ### hats"))
    made = status.generations[0]
    picture = client.download_image_from_generation(made)
    picture.save(SCRATCH)
    seen["made"] = [made.seed, made.model, str(made.state), made.censored, status.done, status.kudos, bool(str(job))]
    seen["size"] = PIL.Image.open(SCRATCH).size
    models = client.image_status_models_all()
    seen["models"] = {one.name: one.count for one in models}

    manual = AIHordeAPIManualClient()
    user = manual.submit_request(FindUserRequest(apikey=KEY), FindUserRequest.get_default_success_response_type())
    seen["user"] = [user.username, user.kudos]

    def trouble(request: ImageGenerateAsyncRequest) -> object:
        answer = manual.submit_request(request, request.get_default_success_response_type())
        return [type(answer).__name__, str(getattr(answer, "rc", "")), getattr(answer, "message", "")]

    seen["forbidden"] = trouble(asked("a forbidden jester"))
    seen["kudos"] = trouble(asked("a large jester", width=1024, height=1024))
    seen["stranger"] = trouble(asked("a jester", key="aKeyThatNobodyHas00001"))
print(json.dumps(seen))
