"""The guide is tried out line by line: each command is run in order and must print what the page shows."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COMMAND = shutil.which("charimg", path=str(Path(sys.executable).parent)) or "charimg"


def _steps(page: str) -> list[tuple[str, str]]:
    """Every command of the page's console blocks with the output shown below it."""
    steps = []
    for block in re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = step.partition("\n")
            steps.append((command, shown.strip("\n")))
    return steps


def _fits(shown: str, printed: str) -> bool:
    """Whether the printed text is the shown one, where ``...`` stands for anything within a line."""
    pattern = re.escape(shown).replace(re.escape("..."), "...")
    # A line may end in the dots that a message itself has, so they match themselves too.
    return re.fullmatch(pattern.replace("...", "[^\n]*"), printed) is not None


@pytest.mark.slow
def test_the_guide_prints_what_it_shows(tmp_path: Path) -> None:
    """One folder, from init to the rehearsed quota."""
    environ = {**os.environ, "COLUMNS": "120"}
    wrong = []
    for command, shown in _steps((ROOT / "docs/guide.md").read_text(encoding="utf-8")):
        words = shlex.split(command)
        assert words[0] == "charimg", command
        done = subprocess.run(
            [COMMAND, *words[1:]], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )
        printed = (done.stdout + done.stderr).strip("\n")
        if not _fits(shown, printed):
            wrong.append(f"$ {command}\n{printed}")

    assert wrong == []
