"""Holds the emulator to the truth with a client nobody here wrote: the official ``openai`` package.

Where the client and the emulator disagree the emulator is wrong: the client works against the real service.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from PIL import Image

from .openai_images import AZURE, TEST_KEY, ImagesPerMinute, OpenAIEmulator
from .real_clients import drive, installed
from .threaded import serve_in_thread

DRIVE = Path(__file__).parent / "openai_images" / "drive_client.py"


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_official_client_lives_a_whole_visit(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """It lists, generates, edits in both forms, stores, refers, deletes, and understands every refusal."""
    packages = installed(request, tmp_path, "openai==3.54.0")
    Image.new("RGB", (64, 64), "red").save(tmp_path / "hero.png")
    Image.new("RGB", (64, 64), "blue").save(tmp_path / "style.jpg")
    Image.new("RGBA", (64, 64), (0, 0, 0, 0)).save(tmp_path / "mask.png")
    hero, style = (hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("hero.png", "style.jpg"))
    # The visit's own: two generations, edits with one and with two references, an edit by id: 2 + 2 + 3 + 2.
    limit = ImagesPerMinute(9, 3600)
    with (
        serve_in_thread(lambda: OpenAIEmulator(limit=limit, blocked_words=("forbidden",))) as openai,
        serve_in_thread(lambda: OpenAIEmulator(personality=AZURE)) as azure,
    ):
        seen = drive(packages, DRIVE, openai.base_url, TEST_KEY, azure.url, tmp_path, home=tmp_path)
    bill = openai.bill

    made = {one.prompt: one for one in bill.generations}
    first = made["hero"]
    assert seen["model"] in seen["models"]
    assert seen["generated"] == {
        "sha256": first.sha256,
        "size": "1024x1536",
        "quality": "low",
        "format": "png",
        "output_tokens": first.usage["output_tokens"],
        "text_tokens": 2,
    }
    assert seen["raw"] == {"request": made["raw"].request_id, "left": "7"}
    assert (seen["one"], made["one"].references) == (made["one"].sha256, (hero,))
    assert (seen["two"]["sha256"], made["two"].references) == (made["two"].sha256, (hero, style))
    assert seen["two"]["image_tokens"] > 0
    (stored,) = bill.uploads
    assert seen["file"] == {"id": stored.id, "lives": 3600, "bytes": stored.size}
    assert (seen["files"], seen["content"], seen["deleted"]) == ([stored.id], hero, True)
    assert (seen["by_id"], made["by id"].references) == (made["by id"].sha256, (hero,))
    assert seen["azure"] == azure.bill.generations[0].sha256
    assert "/openai/deployments/my-pictures/images/generations?api-version=" in azure.bill.log()[0].path
    assert [one.form for one in bill.log("edits")] == ["multipart", "multipart", "json"]

    refusals = {
        name: (seen[name]["class"], seen[name]["status"], seen[name]["code"], seen[name]["param"])
        for name in ("format", "size", "retired", "lost", "stranger", "blocked", "too_many", "quota")
    }
    assert refusals == {
        "format": ("BadRequestError", 400, "unknown_parameter", "response_format"),
        "size": ("BadRequestError", 400, "invalid_value", "size"),
        "retired": ("NotFoundError", 404, "model_not_found", None),
        "lost": ("NotFoundError", 404, None, "id"),
        "stranger": ("AuthenticationError", 401, "invalid_api_key", None),
        "blocked": ("BadRequestError", 400, "moderation_blocked", None),
        "too_many": ("RateLimitError", 429, "rate_limit_exceeded", None),
        "quota": ("RateLimitError", 429, "rate_limit_exceeded", None),
    }
    assert seen["quota"]["type"] == "input-images"
    assert 0 < float(seen["quota"]["retry_after"]) <= 400
    assert float(seen["quota"]["retry_after"]) >= float(seen["quota"]["retry_after_ms"]) / 1000
    assert all(seen[name]["request"] for name in refusals)

    assert len(bill.generations) == 5
