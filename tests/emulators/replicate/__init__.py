"""A strict local Replicate: predictions by official model or by version, files, problem documents.

By hand: ``python -m tests.emulators.replicate --port 8010 --quota 6/60``. Facts come from the project's notes on
hosted services (requests captured from the official client); the shapes of ``/v1/account``, ``/v1/models`` and
``/v1/files`` from that client's code, 1.0.7.
"""

from __future__ import annotations

from .server import TEST_TOKEN, ReplicateEmulator

__all__ = ["TEST_TOKEN", "ReplicateEmulator"]
