"""Writes the complete distribution of a new plugin: package, tests through the kit, README, CI file.

The templates are the files of ``templates/``; ``$name`` and the like stand for what differs (``string.Template``).
"""

from __future__ import annotations

from charimg.scaffold.naming import Names
from charimg.scaffold.writing import contents, write

__all__ = ["Names", "contents", "write"]
