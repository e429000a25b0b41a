"""Holds the emulator to the truth with a client nobody here wrote: ``comfy-cli``, the project's own.

Where the client and the emulator disagree the emulator is wrong: the client works against the real server.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .comfyui import ComfyEmulator
from .pictures import draw
from .test_comfyui_emulator import GRAPH, graph
from .threaded import serve_in_thread

REQUIREMENTS = Path(__file__).parent / "comfyui" / "requirements.txt"
Comfy = Callable[..., list[dict[str, Any]]]


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
    wanted = REQUIREMENTS.read_bytes() + sys.version.encode()
    # Without pytest's cache (-p no:cacheprovider) it is installed for this run alone.
    cache: pytest.Cache | None = getattr(request.config, "cache", None)
    home = Path(cache.mkdir("comfy-cli")) if cache else tmp_path_factory.mktemp("comfy-cli")
    installed = home / hashlib.sha256(wanted).hexdigest()[:12]
    if not installed.exists():
        # Installed beside and renamed into place: two test runs at once cannot see a half-done folder.
        with tempfile.TemporaryDirectory(dir=home) as scratch:
            fresh = Path(scratch, "venv")
            venv.create(fresh, with_pip=True)
            pip = subprocess.run(
                [program_of(fresh), "-m", "pip", "install", "-q", "-r", REQUIREMENTS],
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


@pytest.fixture
def comfy(python: Path, tmp_path: Path) -> Comfy:
    """Runs the client: ``comfy(emulator, "run", "--wait", ...)``; what it said, one event after the other."""
    # It keeps its state at home, and must neither look at the user's nor call anybody.
    own = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "DO_NOT_TRACK": "1", "PYTHONWARNINGS": "ignore"}

    def run(emulator: ComfyEmulator, *arguments: str) -> list[dict[str, Any]]:
        port = emulator.url.rpartition(":")[2]
        done = subprocess.run(
            [
                python,
                "-m",
                "comfy_cli",
                "--skip-prompt",
                "--json-stream",
                *arguments,
                "--host",
                "127.0.0.1",
                "--port",
                port,
            ],
            cwd=tmp_path,
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    return run


def saved(folder: Path, document: dict[str, Any]) -> str:
    """The document as a file, for the command line."""
    path = folder / "workflow.json"
    path.write_text(json.dumps(document))
    return str(path)


@pytest.mark.slow
def test_the_public_client_runs_workflows(comfy: Comfy, tmp_path: Path) -> None:
    """A real client queues, listens, finds its pictures, and hears what is cached."""
    with serve_in_thread(ComfyEmulator) as emulator:
        events = comfy(emulator, "run", "--workflow", saved(tmp_path, GRAPH), "--wait")
        again = comfy(emulator, "run", "--workflow", saved(tmp_path, GRAPH), "--wait")[-1]
        ready_made = comfy(emulator, "run", "--prompt", "a fishwife", "--set", "seed=7", "--wait")[-1]
        bill = emulator.bill
    end = events[-1]
    kinds = [event["type"] for event in events]
    steps = [(event["completed"], event["total"]) for event in events if event["type"] == "progress"]

    assert (end["ok"], end["data"]["status"], end["data"]["prompt_id"]) == (True, "completed", bill.queued[0].prompt_id)
    assert [url.partition("?")[2] for url in end["data"]["outputs"]] == [
        "filename=ComfyUI_00001_.png&subfolder=&type=output"
    ]
    assert set(end["data"]["executed_node_ids"]) == set(GRAPH)
    assert (kinds.count("executing"), kinds.count("executed"), steps[0]) == (len(GRAPH), 1, (1, 4))
    assert sorted(again["data"]["cached_node_ids"]) == sorted(GRAPH)
    assert (ready_made["ok"], bill.drawings[-1].prompt, bill.drawings[-1].seed) == (True, "a fishwife", 7)
    assert (len(bill.queued), len(bill.drawings), bill.sockets) == (3, 2, 3)


@pytest.mark.slow
def test_the_public_client_understands_what_is_refused(comfy: Comfy, tmp_path: Path) -> None:
    """It finds the checkpoint's name in the list of nodes, and the errors of a job and of a graph where it looks."""
    with serve_in_thread(ComfyEmulator) as emulator:
        unknown = comfy(emulator, "run", "--workflow", saved(tmp_path, graph(n4_ckpt_name="x.safetensors")), "--wait")[
            -1
        ]
        invalid = comfy(emulator, "run", "--workflow", saved(tmp_path, graph(n3_steps=0)), "--wait")[-1]
        emulator.add_fault("run", "oom")
        memory = comfy(emulator, "run", "--workflow", saved(tmp_path, GRAPH), "--wait")[-1]

    assert unknown["error"]["details"]["errors"][0]["valid_options"] == list(emulator.behaviour.checkpoints)
    assert (invalid["ok"], "steps" in json.dumps(invalid["error"])) == (False, True)
    assert (memory["ok"], "Allocation on device" in json.dumps(memory["error"])) == (False, True)


@pytest.mark.slow
def test_the_public_client_uploads(comfy: Comfy, tmp_path: Path) -> None:
    """It takes the name that the server gives."""
    pictures = [draw("one", 1, (64, 64)), draw("two", 2, (64, 64))]
    names = []
    with serve_in_thread(ComfyEmulator) as emulator:
        for picture in pictures:
            (tmp_path / "ref.png").write_bytes(picture)
            end = comfy(emulator, "upload", str(tmp_path / "ref.png"), "--no-overwrite")[-1]
            names.append(end["data"]["uploads"][0]["cloud_name"])
        kept = [emulator.worker.files["input", "", name] for name in names]

    assert names == ["ref.png", "ref (1).png"]
    assert kept == pictures
