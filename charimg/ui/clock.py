"""Time as the running event loop tells it, and something to do at its beat."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


def now() -> float:
    """Seconds on the running loop's clock (in tests a virtual one), or on the process's monotonic clock without one."""
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return time.monotonic()


class Beat:
    """Calls *act* every *seconds* on the running loop, from :meth:`start` to :meth:`stop`; no thread, no task."""

    def __init__(self, seconds: float, act: Callable[[], None]) -> None:
        self.seconds = seconds
        self._act = act
        self._next: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin, or begin anew: the next call is a whole beat away. Without a running loop nothing happens."""
        self.stop()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._next = loop.call_later(self.seconds, self._once)

    def stop(self) -> None:
        """End; harmless when it is not running."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    @property
    def running(self) -> bool:
        """Whether a call is due."""
        return self._next is not None

    def _once(self) -> None:
        self.start()
        self._act()
