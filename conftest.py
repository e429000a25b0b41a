"""What every test shares: an environment and an event loop of its own."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

_LOOP = pytest.StashKey[asyncio.AbstractEventLoop]()


def pytest_configure(config: pytest.Config) -> None:
    """Set one event loop for all that ask for the current one.

    looptime asks in every test, synchronous ones too. Without a loop that is set, each asking would make one that
    nobody closes, and the complaint about it would hit whichever test runs when it is collected.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    config.stash[_LOOP] = loop


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close it."""
    config.stash[_LOOP].close()


@pytest.fixture(autouse=True)
def private_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Take charimg's variables out of the environment and give it an empty configuration folder."""
    for name in os.environ:
        if name.startswith(("CHARIMG_", "FORCE_COLOR", "NO_COLOR", "TTY_")):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("CHARIMG_CONFIG_HOME", str(home))
    return home
