"""Clients nobody here wrote, each in a folder of its own, for holding the emulators to the truth.

Where a client and an emulator disagree the emulator is wrong: the client works against the real service.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest


def installed(request: pytest.FixtureRequest, scratch: Path, *requirements: str) -> Path:
    """The folder with these pinned packages, kept between runs in pytest's own cache.

    Where they cannot be installed the test is skipped, but not in CI: there the real client must have been heard.

    :param scratch: where they are put without pytest's cache (``-p no:cacheprovider``), for this run alone.
    """
    mark = hashlib.sha256(f"{sys.version_info[:2]}{requirements}".encode()).hexdigest()[:12]
    cache: pytest.Cache | None = getattr(request.config, "cache", None)
    home = Path(cache.mkdir("real-clients")) if cache else scratch
    place = home / mark
    if place.exists():
        return place
    with tempfile.TemporaryDirectory(dir=home) as folder:
        # Installed beside and renamed into place: two test runs at once cannot see a half-done folder. (A virtual
        # environment does not survive being renamed; a folder of packages does.)
        fresh = Path(folder, "packages")
        pip = subprocess.run(
            [sys.executable, "-m", "pip", "install", "-q", "--target", str(fresh), *requirements],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if pip.returncode:
            why = f"pip could not install {', '.join(requirements)}: {pip.stderr.strip()[-300:]}"
            if os.environ.get("CI", "").lower() == "true":
                pytest.fail(f"{why}; in CI this test may not be skipped")
            pytest.skip(why)
        try:
            fresh.rename(place)
        except OSError:
            assert place.exists(), "somebody else was to have installed it"
    return place


def run(packages: Path, *command: str | Path, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these packages and no others, nor any of the user's variables.

    :param home: the working folder, and where the client may keep what it likes.
    """
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-S", *command],
        cwd=home,
        env={**kept, "PYTHONPATH": str(packages), "HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def drive(packages: Path, script: Path, *arguments: str | Path, home: Path, **environment: str) -> Any:
    """Run a script with these packages; the JSON that it prints last."""
    ran = run(packages, script, *arguments, home=home, **environment)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return json.loads(ran.stdout.splitlines()[-1])
