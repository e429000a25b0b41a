"""What the emulated submit-and-poll services share: a loopback server, scripted trouble, windows, a bill.

A service is a subclass of :class:`PolledEmulator` with its routes. Jobs move by being asked for, not by the clock, so
that a test needs no time; what the real service counts in seconds (windows, expiries) follows :meth:`now`, which a test
may turn by hand.
"""

from __future__ import annotations

from .bill import Asked, Bill, Made
from .faults import Fault
from .server import Call, PolledEmulator, Refused, Reply, Route
from .windows import Window

__all__ = ["Asked", "Bill", "Call", "Fault", "Made", "PolledEmulator", "Refused", "Reply", "Route", "Window"]
