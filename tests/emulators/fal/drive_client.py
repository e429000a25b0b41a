"""Drives the official ``fal_client`` package against an emulator; prints what it saw as JSON.

The client knows its hosts by name and speaks https only: its constants are pointed at the emulator. Runs in an
environment of its own: it imports nothing of this checkout.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import fal_client
from fal_client import client as inside

ADDRESS = sys.argv[1]
SCRATCH = Path(sys.argv[2])
inside.QUEUE_URL_FORMAT = f"{ADDRESS}/"
inside.REST_URL = ADDRESS
inside.CDN_URL = ADDRESS
FLUX = "fal-ai/flux/dev"
seen: dict[str, object] = {}
states: list[str] = []

handle = fal_client.submit(FLUX, {"prompt": "a jester", "image_size": {"width": 512, "height": 768}, "seed": 42})
for state in handle.iter_events(with_logs=True, interval=0.01):
    states.append(type(state).__name__)
done = handle.get(interval=0.01)
seen["states"] = sorted(set(states))
seen["picture"] = done["images"][0]["url"]
seen["seed"] = done["seed"]

by_name = fal_client.SyncClient().get_handle(FLUX, handle.request_id)
seen["again"] = by_name.get(interval=0.01)["seed"]

SCRATCH.write_bytes(b"\x89PNG of a sort")
seen["cdn"] = fal_client.upload_file(SCRATCH)
seen["storage"] = fal_client.upload(SCRATCH.read_bytes(), "image/png", "two.png", repository="fal")


def trouble(prompt: str, application: str = FLUX, **more: object) -> object:
    try:
        fal_client.submit(application, {"prompt": prompt, **more}).get(interval=0.01)
    except inside.FalClientHTTPError as error:
        return [error.status_code, error.error_type, error.message]
    return None


seen["forbidden"] = trouble("a forbidden jester")
seen["seedless"] = trouble("a jester", seed="one")
seen["failed"] = trouble("a failing jester")
seen["nobody"] = trouble("a jester", "nobody/nothing")
print(json.dumps(seen))
