"""What every test shares: an environment of its own, so that no test reads the user's settings, keys or variables."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def private_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Take charimg's variables out of the environment and give it an empty configuration folder."""
    for name in os.environ:
        if name.startswith(("CHARIMG_", "FORCE_COLOR", "NO_COLOR", "TTY_")):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("CHARIMG_CONFIG_HOME", str(home))
    return home
