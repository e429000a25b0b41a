"""Drives the official client through a whole visit and prints what it got, as JSON.

``python drive.py BASE_URL KEY AZURE_URL FOLDER``; FOLDER holds hero.png, style.jpg and mask.png.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import openai
from openai import AzureOpenAI, OpenAI
from openai.types import ImagesResponse


def digest(answer: ImagesResponse) -> str:
    """Of the first picture's bytes."""
    assert answer.data
    return hashlib.sha256(base64.b64decode(answer.data[0].b64_json or "")).hexdigest()


def trouble(call: Any) -> dict[str, Any]:
    """What the client made of a refusal."""
    try:
        call()
    except openai.APIStatusError as error:
        return {
            "class": type(error).__name__,
            "status": error.status_code,
            "code": error.code,
            "type": error.type,
            "param": error.param,
            "message": error.message,
            "request": error.request_id,
            "retry_after": error.response.headers.get("retry-after"),
            "retry_after_ms": error.response.headers.get("retry-after-ms"),
            "reset": error.response.headers.get("x-ratelimit-reset-input-images"),
        }
    return {"class": None}


def main(base_url: str, key: str, azure_url: str, folder: Path) -> dict[str, Any]:
    """The visit."""
    client = OpenAI(base_url=base_url, api_key=key, max_retries=0)
    seen: dict[str, Any] = {"models": [one.id for one in client.models.list()]}
    seen["model"] = client.models.retrieve("gpt-image-2").id

    generated = client.images.generate(
        model="gpt-image-2", prompt="hero", size="1024x1536", quality="low", n=1, moderation="low", background="auto"
    )
    assert generated.usage is not None
    seen["generated"] = {
        "sha256": digest(generated),
        "size": generated.size,
        "quality": generated.quality,
        "format": generated.output_format,
        "output_tokens": generated.usage.output_tokens,
        "text_tokens": generated.usage.input_tokens_details.text_tokens,
    }
    raw = client.images.with_raw_response.generate(model="gpt-image-2", prompt="raw", size="64x64")
    seen["raw"] = {
        "request": raw.headers.get("x-request-id"),
        "left": raw.headers.get("x-ratelimit-remaining-input-images"),
    }

    hero, style, mask = (folder / name for name in ("hero.png", "style.jpg", "mask.png"))
    seen["one"] = digest(client.images.edit(model="gpt-image-2", prompt="one", image=hero, size="64x64", n=1))
    several = client.images.edit(model="gpt-image-2", prompt="two", image=[hero, style], mask=mask, size="64x64")
    assert several.usage is not None
    seen["two"] = {"sha256": digest(several), "image_tokens": several.usage.input_tokens_details.image_tokens}

    stored = client.files.create(file=hero, purpose="vision", expires_after={"anchor": "created_at", "seconds": 3600})
    seen["file"] = {"id": stored.id, "lives": (stored.expires_at or 0) - stored.created_at, "bytes": stored.bytes}
    seen["files"] = [one.id for one in client.files.list()]
    seen["content"] = hashlib.sha256(client.files.content(stored.id).read()).hexdigest()
    by_id = client.post(
        "/images/edits",
        body={"model": "gpt-image-2", "prompt": "by id", "size": "64x64", "images": [{"file_id": stored.id}]},
        cast_to=ImagesResponse,
    )
    seen["by_id"] = digest(by_id)
    seen["deleted"] = client.files.delete(stored.id).deleted

    generate = client.images.generate
    seen["format"] = trouble(lambda: generate(model="gpt-image-2", prompt="x", response_format="b64_json"))
    seen["size"] = trouble(lambda: generate(model="gpt-image-1-mini", prompt="x", size="640x640"))
    seen["retired"] = trouble(lambda: generate(model="dall-e-3", prompt="x"))
    seen["lost"] = trouble(lambda: client.files.retrieve(stored.id))
    stranger = OpenAI(base_url=base_url, api_key="sk-stranger-000000", max_retries=0)
    seen["stranger"] = trouble(lambda: stranger.images.generate(model="gpt-image-2", prompt="x"))
    seen["blocked"] = trouble(lambda: generate(model="gpt-image-2", prompt="forbidden"))
    seen["too_many"] = trouble(lambda: generate(model="gpt-image-2", prompt="x", n=10, size="64x64"))
    seen["quota"] = trouble(lambda: [generate(model="gpt-image-2", prompt="x", size="64x64") for _ in range(9)])

    azure = AzureOpenAI(
        azure_endpoint=azure_url,
        api_key=key,
        api_version="2025-04-01-preview",
        azure_deployment="my-pictures",
        max_retries=0,
    )
    seen["azure"] = digest(azure.images.generate(model="my-pictures", prompt="azure", size="64x64"))
    return seen


if __name__ == "__main__":
    base, secret, other, where = sys.argv[1:]
    print(json.dumps(main(base, secret, other, Path(where))))
