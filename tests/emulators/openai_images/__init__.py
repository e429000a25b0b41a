"""A strict local server of OpenAI's Images API and of the servers that speak like it.

::

    async with OpenAIEmulator(limit=ImagesPerMinute(5)) as openai: ...          # in a test's own loop
    async with OpenAIEmulator(personality=AZURE) as azure: ...
    with serve_in_thread(lambda: OpenAIEmulator(...)) as openai: ...            # for subprocesses
    python -m tests.emulators.openai_images --limit 5/60                        # by hand

It accepts the key :data:`TEST_KEY` unless told otherwise, and keeps a :class:`Bill` of what it made, stored and was
asked. Facts come from the project's notes on the protocol and from the official client 3.54.0; what was never observed
is marked so where it is written down. Not served: streaming, variations.
"""

from __future__ import annotations

from .behaviour import TEST_KEY, Behaviour, Fault
from .bill import Bill, Generation, LoggedRequest, StoredFile
from .limits import ImagesPerMinute, go_duration
from .personalities import (
    AZURE,
    LITELLM,
    LOCALAI,
    OPENAI,
    PERSONALITIES,
    RELAY,
    SGLANG,
    TOGETHER,
    VLLM,
    Personality,
)
from .replies import CATALOGUE, Reply
from .server import OpenAIEmulator

__all__ = [
    "AZURE",
    "CATALOGUE",
    "LITELLM",
    "LOCALAI",
    "OPENAI",
    "PERSONALITIES",
    "RELAY",
    "SGLANG",
    "TEST_KEY",
    "TOGETHER",
    "VLLM",
    "Behaviour",
    "Bill",
    "Fault",
    "Generation",
    "ImagesPerMinute",
    "LoggedRequest",
    "OpenAIEmulator",
    "Personality",
    "Reply",
    "StoredFile",
    "go_duration",
]
