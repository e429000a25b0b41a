"""Events as JSON lines, for programs."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any, TextIO

from charimg.contracts import Observer
from charimg.events import Event
from charimg.ui.stream import SafeStream


class JsonLines(Observer):
    """One JSON object a line, pushed out at once; the last is ``run_finished``.

    The text is ASCII (other characters as ``\\uXXXX``): every JSON reader gives the same strings back, no code page
    can spoil it, and a terminal that shows it obeys nothing in it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._out = SafeStream(stream)

    def hear(self, event: Event) -> None:
        """Write the event's line."""
        self._out.line(_line(event.to_dict()))


def _line(data: dict[str, Any]) -> str:
    try:
        return json.dumps(data, allow_nan=False, default=str)
    except ValueError:
        return json.dumps(_finite(data), default=str)


def _finite(value: Any) -> Any:
    """JSON has no infinity and no "not a number": they become null."""
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
