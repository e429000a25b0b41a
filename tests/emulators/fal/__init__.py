"""A strict local fal: the queue, the storage and its CDN, by path in one process.

By hand: ``python -m tests.emulators.fal --port 8011 --runners 2``. Facts come from the project's notes on hosted
services and from the code of the official client, fal-client 1.0.3. As at fal, the queue takes any arguments; what is
wrong with them is told with the result.
"""

from __future__ import annotations

from .server import TEST_KEY, FalEmulator

__all__ = ["TEST_KEY", "FalEmulator"]
