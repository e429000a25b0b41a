"""How the command ends, whatever happens around it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


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
