"""Drives the official client (google-genai) through a visit and prints what it got as JSON.

Runs in an environment of its own: ``python drive.py KEY FOLDER``, with GOOGLE_GEMINI_BASE_URL set.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from google import genai
from google.genai import errors, types

MODEL = "gemini-3.1-flash-image"


def picture_in(response: Any) -> dict[str, Any]:
    """What a success holds, as a user of the client finds it."""
    parts = response.candidates[0].content.parts
    blob = next(part.inline_data for part in parts if part.inline_data)
    return {
        "sha256": hashlib.sha256(blob.data).hexdigest(),
        "type": blob.mime_type,
        "words": parts[0].text,
        "finish": response.candidates[0].finish_reason.value,
        "model": response.model_version,
        "id": response.response_id,
        "tokens": response.usage_metadata.total_token_count,
    }


def refusal(call: Any) -> dict[str, Any]:
    """What the client raises."""
    try:
        call()
    except errors.APIError as error:
        return {"code": error.code, "status": error.status, "message": error.message, "kind": type(error).__name__}
    return {}


def main(key: str, folder: Path) -> dict[str, Any]:
    """One visit."""
    seen: dict[str, Any] = {}
    client = genai.Client(api_key=key)
    seen["models"] = [[one.name, one.supported_actions] for one in client.models.list(config={"page_size": 2})]
    seen["model"] = client.models.get(model=MODEL).display_name
    config = types.GenerateContentConfig(
        response_modalities=["IMAGE"], image_config=types.ImageConfig(aspect_ratio="3:4", image_size="1K"), seed=7
    )

    def draw(*contents: Any, **more: Any) -> Any:
        asked = {"model": MODEL, "config": config, **more}
        return client.models.generate_content(contents=list(contents), **asked)

    seen["drawn"] = picture_in(draw("hero knight"))
    picture = (folder / "picture.png").read_bytes()
    inline = types.Part.from_bytes(data=picture, mime_type="image/png")
    seen["inline"] = picture_in(draw(inline, "the knight, older"))

    file = client.files.upload(file=folder / "picture.png", config={"display_name": "picture.png"})
    large = client.files.upload(file=folder / "large.png")
    seen["file"] = [file.name, file.mime_type, file.size_bytes, file.state.value, file.display_name]
    seen["lives"] = (file.expiration_time - file.create_time).total_seconds()
    seen["large"] = [large.name, large.size_bytes]
    seen["files"] = sorted(one.name for one in client.files.list())
    seen["by_file"] = picture_in(draw(file, "the knight, by file"))
    client.files.delete(name=file.name)
    seen["deleted"] = refusal(lambda: client.files.get(name=file.name))
    seen["used_after"] = refusal(lambda: draw(file, "the knight, by a file that is gone"))

    blocked = draw("blocked")
    seen["blocked"] = [blocked.prompt_feedback.block_reason.value, blocked.candidates]
    refused = draw("refused")
    seen["refused"] = refused.candidates[0].finish_reason.value  # the client drops finishMessage here
    empty = draw("empty")
    seen["empty"] = [empty.candidates[0].finish_reason.value, empty.text]

    seen["retired"] = refusal(lambda: draw("x", model="gemini-2.5-flash-image"))
    seen["ratio"] = refusal(
        lambda: draw("x", config=types.GenerateContentConfig(image_config=types.ImageConfig(aspect_ratio="5:7")))
    )
    seen["array"] = refusal(lambda: draw("in a list"))
    stranger = genai.Client(api_key="AIzaNobody")  # kept by name: one that is collected is closed
    seen["stranger"] = refusal(lambda: stranger.models.get(model=MODEL))
    seen["quota"] = refusal(lambda: draw("one too many"))
    return seen


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
