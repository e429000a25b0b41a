"""A strict local AI Horde: jobs, kudos, its rate limits by path and address, its return codes.

By hand: ``python -m tests.emulators.aihorde --port 8013``. Facts come from the project's notes on hosted services (read
in the Horde's server), shapes and return codes also from its own client, horde_sdk 0.18.0.
"""

from __future__ import annotations

from .server import OWN_KEY, AiHordeEmulator

__all__ = ["OWN_KEY", "AiHordeEmulator"]
