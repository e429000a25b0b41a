"""The contract of an observer."""

from __future__ import annotations

from abc import ABC, abstractmethod

from charimg.events import Event


class Observer(ABC):
    """Hears every event of a run, in order. It cannot slow or break the run: what it raises becomes a warning.

    :meth:`hear` is called on the event loop and must return at once; work that takes time belongs in a task or
    thread of its own.
    """

    @abstractmethod
    def hear(self, event: Event) -> None:
        """Take note of one event."""

    def close(self) -> None:  # noqa: B027 - most observers hold nothing
        """The run is over; nothing more will come."""
