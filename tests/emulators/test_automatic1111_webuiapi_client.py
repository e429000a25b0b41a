"""Holds the emulator to the truth with a client nobody here wrote: ``webuiapi``.

Where the client and the emulator disagree the emulator is wrong: the client works against the real servers.
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

from .automatic1111 import Automatic1111Emulator
from .threaded import serve_in_thread

HERE = Path(__file__).parent / "automatic1111" / "client"


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
    home = Path(cache.mkdir("webuiapi")) if cache else tmp_path_factory.mktemp("webuiapi")
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
def test_webuiapi_lives_a_whole_visit(python: Path) -> None:
    """A real client lists, draws from words and from a picture, changes the checkpoint and is refused."""
    with serve_in_thread(lambda: Automatic1111Emulator(auth=("ann", "secret"))) as server:
        seen = visit(python, server.url, "ann", "secret")
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
