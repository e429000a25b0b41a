"""A project with scripted providers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.run.workshop import Workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """An empty project with a roster of five."""
    folder, home = tmp_path / "project", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    return Workshop(folder, home)
