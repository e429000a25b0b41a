"""A faithful, strict local Whisk (Google Labs), which closed on 2026-04-30 and can be met nowhere else.

Both lanes by path in one loopback process, so that one base address serves for both::

    async with WhiskEmulator(limits=(Window(7, 60),)) as whisk: ...      # in a test's own loop
    with serve_whisk(closed="redirect") as whisk: ...                    # on a thread, for subprocesses
    python -m tests.emulators.whisk --quota 7/60                         # by hand

It accepts the login :data:`TEST_COOKIE` unless told otherwise, and keeps a :class:`Bill` of what it made,
stored and was asked. Facts come from the project's notes on the protocol: what was captured is served
verbatim; what was never observed is marked so where it is written down.
"""

from __future__ import annotations

from .behaviour import COOKIE_NAME, TEST_COOKIE, TEST_COOKIE_HEADER, Behaviour
from .bill import Bill, Generation, LoggedRequest, Upload
from .clocks import HandClock
from .faults import Fault
from .limits import GENERATION, UPLOADS, Concurrency, Window, daily_cap
from .replies import CATALOGUE, REASONS, Reply, named_reply
from .server import WhiskEmulator
from .threaded import serve_whisk

__all__ = [
    "CATALOGUE",
    "COOKIE_NAME",
    "GENERATION",
    "REASONS",
    "TEST_COOKIE",
    "TEST_COOKIE_HEADER",
    "UPLOADS",
    "Behaviour",
    "Bill",
    "Concurrency",
    "Fault",
    "Generation",
    "HandClock",
    "LoggedRequest",
    "Reply",
    "Upload",
    "WhiskEmulator",
    "Window",
    "daily_cap",
    "named_reply",
    "serve_whisk",
]
