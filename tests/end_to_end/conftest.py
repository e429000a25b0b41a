"""The installed ``charimg`` command, as a user runs it, in a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.emulators.whisk import TEST_COOKIE, WhiskEmulator, serve_whisk

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
COMMAND = shutil.which("charimg", path=str(Path(sys.executable).parent)) or "charimg"


@dataclass
class Desk:
    """A project's folder and an environment to run the command in."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command and return at once."""
        return subprocess.Popen(
            [COMMAND, *arguments],
            cwd=self.folder,
            env={**os.environ, **self.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def charimg(self, *arguments: str) -> Result:
        """Run the command to its end."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=100)
        return Result(process.returncode, out, err)

    def status(self) -> list[dict[str, Any]]:
        """What ``charimg status --json`` says."""
        entries: list[dict[str, Any]] = json.loads(self.charimg("status", "--json").out)
        return entries

    def pictures(self) -> list[Path]:
        """The files in the folder of pictures."""
        return sorted((self.folder / "pictures").iterdir()) if (self.folder / "pictures").exists() else []


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The JSON lines on standard output."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        """The last event."""
        return self.events[-1]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A folder with the fifteen characters of Gopal Bhar."""
    shutil.copy(EXAMPLES / "gopal-bhar" / "characters.yaml", tmp_path)
    return Desk(tmp_path)


@pytest.fixture
def whisk_for(desk: Desk) -> Iterator[Callable[..., WhiskEmulator]]:
    """Start a local Whisk with the given knobs, and point the desk's environment at it."""
    running = []

    def start(**knobs: Any) -> WhiskEmulator:
        context = serve_whisk(**knobs)
        whisk = context.__enter__()
        running.append(context)
        desk.environ |= {
            "CHARIMG_WHISK_LABS_URL": whisk.url,
            "CHARIMG_WHISK_SANDBOX_URL": whisk.url,
            "CHARIMG_WHISK_COOKIE": TEST_COOKIE,
        }
        return whisk

    yield start
    for context in running:
        context.__exit__(None, None, None)
