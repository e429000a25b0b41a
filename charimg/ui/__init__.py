"""What a person or a program sees of a run: the live view, the plain log, JSON lines. Consumers of events only.

:func:`choose` picks the observers for a command's ``--progress``, ``--json`` and ``--quiet``; each of them can also be
used alone. All are pure consumers: they know :mod:`charimg.events` and nothing of the scheduler.
"""

from __future__ import annotations

from charimg.ui.choose import choose
from charimg.ui.summary_text import summary_lines

__all__ = ["choose", "summary_lines"]
