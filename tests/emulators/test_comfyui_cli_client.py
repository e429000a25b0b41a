"""Holds the emulator to the truth with a client nobody here wrote: ``comfy-cli``, the project's own.

Where the client and the emulator disagree the emulator is wrong: the client works against the real server.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .comfyui import ComfyEmulator
from .pictures import draw
from .real_clients import installed, run
from .test_comfyui_emulator import GRAPH, graph
from .threaded import serve_in_thread

Comfy = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def comfy(request: pytest.FixtureRequest, tmp_path: Path) -> Comfy:
    """Runs the client: ``comfy(emulator, "run", "--wait", ...)``; what it said, one event after the other."""
    packages = installed(request, tmp_path, "comfy-cli==1.23.0")
    # It keeps its state at home, and must neither look at the user's nor call anybody.
    own = {"XDG_CONFIG_HOME": str(tmp_path), "DO_NOT_TRACK": "1", "PYTHONWARNINGS": "ignore"}

    def visit(emulator: ComfyEmulator, *arguments: str) -> list[dict[str, Any]]:
        where = ("--host", "127.0.0.1", "--port", emulator.url.rpartition(":")[2])
        words = ("-m", "comfy_cli", "--skip-prompt", "--json-stream", *arguments, *where)
        done = run(packages, *words, home=tmp_path, **own)
        assert done.stdout, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    return visit


def saved(folder: Path, document: dict[str, Any]) -> str:
    """The document as a file, for the command line."""
    path = folder / "workflow.json"
    path.write_text(json.dumps(document))
    return str(path)


@pytest.mark.slow
@pytest.mark.timeout(400)
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
@pytest.mark.timeout(400)
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
@pytest.mark.timeout(400)
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
