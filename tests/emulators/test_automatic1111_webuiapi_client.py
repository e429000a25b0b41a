"""Holds the emulator to the truth with a client nobody here wrote: ``webuiapi``.

Where the client and the emulator disagree the emulator is wrong: the client works against the real servers.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .automatic1111 import Automatic1111Emulator
from .real_clients import drive, installed
from .threaded import serve_in_thread

DRIVE = Path(__file__).parent / "automatic1111" / "drive_client.py"


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_webuiapi_lives_a_whole_visit(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """A real client lists, draws from words and from a picture, changes the checkpoint and is refused."""
    packages = installed(request, tmp_path, "webuiapi==0.9.17")
    with serve_in_thread(lambda: Automatic1111Emulator(auth=("ann", "secret"))) as server:
        seen = drive(packages, DRIVE, server.url, "ann", "secret", home=tmp_path)
        bill = server.bill

    assert seen["models"] == ["dreamshaper_8.safetensors [879db523c3]", "sd_xl_base_1.0.safetensors [31e35c80fc]"]
    assert (seen["current"], seen["restored"]) == (seen["models"][1], seen["models"][1])
    assert seen["chosen"] == seen["models"][0]
    assert "Euler a" in seen["samplers"]
    assert "karras" in seen["schedulers"]
    assert (seen["idle"]["progress"], seen["idle"]["state"]["job_count"], seen["interrupt"]) == (0.0, 0, {})

    drawn, unseeded, from_picture, overridden = bill.made
    assert (seen["drawn"]["size"], seen["drawn"]["seed"], seen["drawn"]["steps"]) == ([512, 768], 7, 8)
    assert (drawn.mode, drawn.body["negative_prompt"]) == ("txt2img", "text")
    assert (unseeded.body["seed"], seen["unseeded"]["seed"]) == (-1, unseeded.seed)
    assert (from_picture.mode, from_picture.body["denoising_strength"]) == ("img2img", 0.4)
    assert from_picture.body["init_images"][0].startswith("data:image/png;base64,")
    assert (seen["overridden"]["checkpoint"], overridden.checkpoint) == ("dreamshaper_8", seen["models"][0])
    # The client's whole payload is known here: a field the emulator has never heard of would show.
    assert bill.ignored == set()

    assert seen["no_sampler"][0] == 404
    assert seen["no_sampler"][1]["detail"] == "Sampler not found"
    assert (seen["no_model"][0], seen["no_model"][1]["detail"]) == (404, "Model not found")
    assert (seen["no_start"][0], seen["no_start"][1]["detail"]) == (404, "Init image not found")
    assert seen["wrong_type"][0] == 422
    assert seen["wrong_type"][1]["detail"][0]["loc"] == ["body", "steps"]
    assert (seen["stranger"][0], seen["stranger"][1]["detail"]) == (401, "Incorrect username or password")
