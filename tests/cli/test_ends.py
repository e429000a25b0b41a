"""How the command ends, whatever happens around it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.cli.command_line import Run


def test_a_reader_that_leaves_is_no_failure(tmp_path: Path) -> None:
    """``charimg providers | head -0`` ends quietly with 0: exit code 1 would say that pictures failed."""
    unread, written = os.pipe()
    os.close(unread)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "charimg", "providers"],
            check=False,
            stdout=written,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
        )
    finally:
        os.close(written)

    assert (ended.returncode, ended.stderr) == (0, b"")


def test_an_error_is_one_line_whatever_it_repeats(project: Path, charimg: Run) -> None:
    """A name with a line break and a terminal's command in it is shown on one line, and commands nothing."""
    (project / "characters.txt").write_text("Ana: a tall baker\n", encoding="utf-8")
    told = charimg("run", "--only", "B\x1b[2Jo\nCy", "--dry-run")

    assert (told.code, told.err.splitlines()[0]) == (
        2,
        "charimg: --only: there is no 'B\ufffd[2Jo Cy' in characters.txt; 'charimg status' shows everybody",
    )
