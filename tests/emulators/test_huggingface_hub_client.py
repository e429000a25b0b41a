"""Holds the emulator to the truth with a client nobody here wrote: Hugging Face's own ``huggingface_hub``.

Where the client and the emulator disagree the emulator is wrong: the client works against the real service.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .huggingface import TEST_TOKEN, HuggingFaceEmulator, Window
from .real_clients import drive, installed
from .threaded import serve_in_thread

DRIVE = Path(__file__).parent / "huggingface" / "drive_client.py"
FLUX = "black-forest-labs/FLUX.1-schnell"


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_hubs_client_lives_a_whole_visit(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The official client asks who it is, lists, draws, waits for a model, and runs out of credits and requests."""
    packages = installed(request, tmp_path, "huggingface_hub==2.4.0", "pillow==13.0.0")
    ticks = iter(range(0, 100_000, 7))  # every look at the clock is seven seconds later
    knobs = {"window": Window(5, 50_000), "credits": 2, "loading": 20.0, "clock": lambda: float(next(ticks))}
    with serve_in_thread(lambda: HuggingFaceEmulator(**knobs)) as service:
        seen = drive(packages, DRIVE, service.url, TEST_TOKEN, home=tmp_path, HF_ENDPOINT=service.url)
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
