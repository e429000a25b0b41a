"""Drives the official ``replicate`` package against the address in REPLICATE_BASE_URL; prints what it saw as JSON.

Runs in an environment of its own: it imports nothing of this checkout.
"""

from __future__ import annotations

import io
import json
import sys
import urllib.request
from pathlib import Path

import replicate
from replicate.exceptions import ModelError, ReplicateError

FLUX = "black-forest-labs/flux-schnell"
VERSION = sys.argv[1]
SCRATCH = Path(sys.argv[2])
seen: dict[str, object] = {}

client = replicate.Client()
client.poll_interval = 0.01
seen["account"] = client.accounts.current().username
seen["collection"] = [model.name for model in client.collections.get("text-to-image").models or ()]
seen["inputs"] = sorted(
    client.models.get(FLUX).latest_version.openapi_schema["components"]["schemas"]["Input"]["properties"]
)

outputs = client.run(FLUX, input={"prompt": "a jester", "aspect_ratio": "2:3", "seed": 42}, wait=2)
# The client makes file objects of https addresses only; the emulator's are http.
with urllib.request.urlopen(str(outputs[0])) as file:
    SCRATCH.write_bytes(file.read())

prediction = client.predictions.create(VERSION, {"prompt": "a fool", "width": 512, "height": 768})
seen["first"] = prediction.status
prediction.reload()
seen["progress"] = prediction.progress.percentage if prediction.progress else None
prediction.wait()
seen["last"] = prediction.status

held = client.models.predictions.create(FLUX, input={"prompt": "a held one"}, wait=1)
seen["held"] = held.status
seen["canceled"] = client.predictions.cancel(held.id).status

stored = client.files.create(io.BytesIO(SCRATCH.read_bytes()), filename="jester.webp", content_type="image/webp")
seen["stored"] = [stored.size, stored.name, stored.urls["get"]]
reference = client.run(
    "black-forest-labs/flux-kontext-pro", input={"prompt": "the jester again", "input_image": stored.urls["get"]}
)
seen["referred"] = str(reference)
seen["deleted"] = client.files.delete(stored.id)


def trouble(**more: object) -> object:
    try:
        client.run(FLUX, input={"prompt": "trouble", **more})
    except ModelError as error:
        return ["failed", error.prediction.error]
    except ReplicateError as error:
        return [error.status, error.title, error.detail]
    return None


seen["invalid"] = trouble(guidance=3)
seen["unsafe"] = trouble(prompt="nsfw")
seen["throttled"] = trouble()
try:
    replicate.Client(api_token="r8_wrong").accounts.current()
except ReplicateError as error:
    seen["stranger"] = [error.status, error.title]
print(json.dumps(seen))
