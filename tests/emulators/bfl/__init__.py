"""A strict local Black Forest Labs: tasks, regional polling, moderation, a limit of active tasks.

By hand: ``python -m tests.emulators.bfl --port 8012 --active 3``. Facts come from the project's notes on hosted
services; the texts of its 402 and 429 are not documented, and ours are therefore plain.
"""

from __future__ import annotations

from .server import TEST_KEY, BflEmulator

__all__ = ["TEST_KEY", "BflEmulator"]
