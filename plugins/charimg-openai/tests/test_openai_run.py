"""The installed command line against the emulator, as a user types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.emulators.openai_images import LOCALAI, TEST_KEY, OpenAIEmulator
from tests.emulators.threaded import serve_in_thread

ROSTER = """
characters:
  - {name: Gopal, description: a jester}
  - {name: Raja, description: a king}
  - {name: Rani, description: a queen}
"""


def charimg(
    folder: Path, base_url: str, *arguments: str, key: str | None = TEST_KEY
) -> subprocess.CompletedProcess[str]:
    """Run the command in a project of three, with the variables people have."""
    (folder / "characters.yaml").write_text(ROSTER, encoding="utf-8")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    environ |= {"OPENAI_BASE_URL": base_url, **({"OPENAI_API_KEY": key} if key else {})}
    command = [sys.executable, "-m", "charimg", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, encoding="utf-8", timeout=100, check=False
    )


def test_a_cast_is_drawn_uploaded_and_paid_once(tmp_path: Path) -> None:
    """By the variables OpenAI's own tools read; the second run finds nothing to do."""
    with serve_in_thread(OpenAIEmulator) as openai:
        options = ("run", "--provider", "openai", "-o", "size=64x64", "--cooldown", "0")
        first = charimg(tmp_path, openai.base_url, *options)
        second = charimg(tmp_path, openai.base_url, *options)
        status = charimg(tmp_path, openai.base_url, "status", "--json")

    assert (first.returncode, second.returncode) == (0, 0), first.stdout + first.stderr
    assert "Success: 3" in first.stdout
    assert len(openai.bill.generations) == len(openai.bill.uploads) == 3
    assert {one.id for one in openai.bill.uploads} <= set(status.stdout.split('"'))
    assert TEST_KEY not in first.stdout + first.stderr + status.stdout


def test_a_server_of_ones_own_needs_no_key(tmp_path: Path) -> None:
    """LocalAI by the line of the README."""
    with serve_in_thread(lambda: OpenAIEmulator(personality=LOCALAI)) as localai:
        line = ("-o", "server=localai", "-o", "model=stablediffusion", "-o", "size=64x64", "--uploader", "none")
        done = charimg(tmp_path, localai.url, "run", "--provider", "openai", *line, key=None)

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(localai.bill.generations) == 3


def test_a_wrong_key_stops_the_run_before_a_picture_is_asked_for(tmp_path: Path) -> None:
    """With the exit code of a login, one clear line, and no key in it."""
    with serve_in_thread(OpenAIEmulator) as openai:
        refused = charimg(tmp_path, openai.base_url, "run", "--provider", "openai", key="sk-wrong-0123456789")

    assert refused.returncode == 4
    assert "does not accept the key" in refused.stdout + refused.stderr
    assert "sk-wrong-0123456789" not in refused.stdout + refused.stderr
    assert openai.bill.calls("generations") == 0


def test_the_models_of_the_day_are_listed_with_the_dead_ones(tmp_path: Path) -> None:
    """What the service offers, and what became of what it no longer does."""
    with serve_in_thread(OpenAIEmulator) as openai:
        shown = charimg(tmp_path, openai.base_url, "providers", "show", "openai", "--models", "--json")

    told = json.dumps(json.loads(shown.stdout))
    assert "gpt-image-2.6-flare" in told
    assert "dall-e-3" in told
    assert "whisper-1" not in told
