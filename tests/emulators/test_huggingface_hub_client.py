"""Holds the emulator to the truth with a client nobody here wrote: Hugging Face's own ``huggingface_hub``.

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

from .huggingface import TEST_TOKEN, HuggingFaceEmulator, Window
from .threaded import serve_in_thread

HERE = Path(__file__).parent / "huggingface" / "client"
FLUX = "black-forest-labs/FLUX.1-schnell"


def give_up(why: str) -> None:
    """Skip at a desk, fail in CI: there the real client must have been heard."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{why}; in CI this test may not be skipped")
    pytest.skip(why)


@pytest.fixture(scope="module")
def python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the client, kept between runs in pytest's own cache."""
    wanted = HERE / "requirements.txt"
    digest = hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()[:12]
    # Without pytest's cache (-p no:cacheprovider) it is installed for this run alone.
    cache: pytest.Cache | None = getattr(request.config, "cache", None)
    home = Path(cache.mkdir("huggingface-hub")) if cache else tmp_path_factory.mktemp("huggingface-hub")
    installed = home / digest
    if not installed.exists():
        # Installed beside and renamed into place: two test runs at once cannot see a half-done folder.
        with tempfile.TemporaryDirectory(dir=home) as scratch:
            fresh = Path(scratch, "client")
            venv.create(fresh, with_pip=True)
            install = [_interpreter(fresh), "-m", "pip", "install", "-q", "-r", wanted]
            pip = subprocess.run(install, capture_output=True, text=True, timeout=200, check=False)
            if pip.returncode:
                give_up(f"pip could not install the client: {pip.stderr.strip()[-300:]}")
            try:
                fresh.rename(installed)
            except OSError:
                assert installed.exists(), "somebody else was to have installed it"
    return _interpreter(installed)


def _interpreter(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def visit(python: Path, *arguments: str, **environment: str) -> dict[str, Any]:
    """Run the driving script; what the client says it got."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    driven = subprocess.run(
        [python, HERE / "drive.py", *arguments],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert driven.returncode == 0, driven.stderr[-2000:]
    seen: dict[str, Any] = json.loads(driven.stdout.splitlines()[-1])
    return seen


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_hubs_client_lives_a_whole_visit(python: Path, tmp_path: Path) -> None:
    """The official client asks who it is, lists, draws, waits for a model, and runs out of credits and requests."""
    ticks = iter(range(0, 100_000, 7))  # every look at the clock is seven seconds later
    knobs = {"window": Window(5, 50_000), "credits": 2, "loading": 20.0, "clock": lambda: float(next(ticks))}
    with serve_in_thread(lambda: HuggingFaceEmulator(**knobs)) as service:
        seen = visit(python, service.url, TEST_TOKEN, HF_ENDPOINT=service.url, HF_HOME=str(tmp_path))
        made, asked = service.made, service.asked

    assert (seen["who"], seen["task"]) == ("ann", "text-to-image")
    assert seen["models"] == [FLUX, "stabilityai/stable-diffusion-xl-base-1.0"]

    first, second = made
    assert (first.prompt, first.model) == ("a jester", FLUX)
    assert first.parameters == {
        "negative_prompt": "text",
        "height": 768,
        "width": 512,
        "num_inference_steps": 4,
        "guidance_scale": 3.5,
        "seed": 7,
    }
    assert (second.prompt, second.parameters) == ("a ferryman", {})
    assert seen["drawn"] == {"size": [512, 768], "format": "PNG"}
    assert seen["bare"] == {"size": [1024, 1024], "format": "PNG"}

    assert seen["loading"]["status"] == 503
    assert 0 < seen["loading"]["body"]["estimated_time"] < 20
    assert seen["spent"]["status"] == 402
    assert "monthly included credits" in seen["spent"]["words"]
    assert seen["spent"]["request"].startswith("Root=1-")
    assert seen["unknown"]["status"] == 400
    limited = seen["too_many"]
    assert (limited["status"], limited["remaining"], limited["limit"]) == (429, 0, 5)
    assert 0 < limited["reset"] < 50_000
    assert limited["body"] == {"error": "Too Many Requests"}
    assert seen["stranger"]["status"] == 401
    # The client retries none of these by itself.
    assert len([path for path, _ in asked if path.startswith("/hf-inference/")]) == 7
