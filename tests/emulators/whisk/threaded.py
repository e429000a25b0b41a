"""The emulator on a thread of its own, for tests that are not asynchronous and for real subprocesses."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from ..threaded import serve_in_thread
from .behaviour import Behaviour
from .server import WhiskEmulator


def serve_whisk(behaviour: Behaviour | None = None, **options: Any) -> AbstractContextManager[WhiskEmulator]:
    """Run a :class:`WhiskEmulator` (same arguments) on a background thread while the block lasts.

    Its ``url``, ``bill``, ``behaviour``, ``add_fault`` and ``revoke_bearers`` may be used from any thread.
    """
    return serve_in_thread(lambda: WhiskEmulator(behaviour, **options))
