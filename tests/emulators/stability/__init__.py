"""A local Stability AI: the three addresses that generate, with its rate limit, its credits and its moderation.

Facts come from the project's notes (on hosted services, section 4) and Stability's own API reference (v2beta,
2026-11-22): the fields and their limits, multipart always, credits by model, ``finish_reason`` before the picture. No
client of this API is maintained on the Python index (``stability-sdk`` speaks the older gRPC service), so no real
client is held against it; what is assumed of the words of refusals says so where it stands::

    async with StabilityEmulator(credits=20) as service: ...
    python -m tests.emulators.stability --port 8000 --rate 5/10/20
"""

from __future__ import annotations

from .server import TEST_KEY, Behaviour, Fault, Made, RateLimit, StabilityEmulator

__all__ = ["TEST_KEY", "Behaviour", "Fault", "Made", "RateLimit", "StabilityEmulator"]
