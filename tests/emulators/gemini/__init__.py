"""A local Gemini API (the Developer API's part that makes pictures), for tests and for trying things by hand.

``generateContent`` with picture models, the list of models, and the Files API with resumable uploads; the quotas of
projects by minute and by day, the refusals that come as HTTP 200, and the errors in Google's envelope. What it knows
comes from the project's notes on Gemini (as of 2026-11-22) and from google-genai 3.4.0, which a test drives against
it; what is assumed says so where it stands.
"""

from __future__ import annotations

from .accounts import TEST_KEY, Account
from .behaviour import Behaviour
from .bill import Bill, Generation, LoggedRequest, Upload
from .faults import Fault
from .replies import Reply, json_reply
from .server import GeminiEmulator

__all__ = [
    "TEST_KEY",
    "Account",
    "Behaviour",
    "Bill",
    "Fault",
    "GeminiEmulator",
    "Generation",
    "LoggedRequest",
    "Reply",
    "Upload",
    "json_reply",
]
