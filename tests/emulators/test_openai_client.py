"""Holds the emulator to the truth with a client nobody here wrote: the official ``openai`` package.

Where the client and the emulator disagree the emulator is wrong: the client works against the real service.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from .openai_images import AZURE, TEST_KEY, ImagesPerMinute, OpenAIEmulator
from .threaded import serve_in_thread

CLIENT = Path(__file__).parent / "openai_images" / "client"


def give_up(why: str) -> None:
    """Skip at a desk, fail in CI: there the real client must have been heard."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{why}; in CI this test may not be skipped")
    pytest.skip(why)


def program_of(home: Path) -> Path:
    """The interpreter of a virtual environment."""
    return home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@pytest.fixture(scope="module")
def python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has the client, kept between runs in pytest's own cache."""
    wanted = (CLIENT / "requirements.txt").read_bytes() + sys.version.encode()
    # Without pytest's cache (-p no:cacheprovider) it is installed for this run alone.
    cache: pytest.Cache | None = getattr(request.config, "cache", None)
    home = Path(cache.mkdir("openai-client")) if cache else tmp_path_factory.mktemp("openai-client")
    installed = home / hashlib.sha256(wanted).hexdigest()[:12]
    if not installed.exists():
        # Installed beside and renamed into place: two test runs at once cannot see a half-done folder.
        with tempfile.TemporaryDirectory(dir=home) as scratch:
            fresh = Path(scratch, "venv")
            venv.create(fresh, with_pip=True)
            pip = subprocess.run(
                [program_of(fresh), "-m", "pip", "install", "-q", "-r", CLIENT / "requirements.txt"],
                capture_output=True,
                text=True,
                timeout=110,
                check=False,
            )
            if pip.returncode:
                give_up(f"pip could not install the client: {pip.stderr.strip()[-300:]}")
            try:
                fresh.rename(installed)
            except OSError:
                assert installed.exists(), "somebody else was to have installed it"
    return program_of(installed)


def visit(python: Path, openai: OpenAIEmulator, azure: OpenAIEmulator, folder: Path) -> dict[str, Any]:
    """Run the driving script; what the client says it got."""
    driven = subprocess.run(
        [python, CLIENT / "drive.py", openai.base_url, TEST_KEY, azure.url, folder],
        env={name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "AZURE_"))},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert driven.returncode == 0, driven.stderr
    seen: dict[str, Any] = json.loads(driven.stdout)
    return seen


@pytest.mark.slow
def test_the_official_client_lives_a_whole_visit(python: Path, tmp_path: Path) -> None:
    """It lists, generates, edits in both forms, stores, refers, deletes, and understands every refusal."""
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
        seen = visit(python, openai, azure, tmp_path)
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
