"""Where in a plugin's code an exception came from: a place for one line, and the stack for a debug run.

Stacks are shown without a value: files, lines and code are the author's, but what an exception says may be anybody's
secret. It is told, redacted, where the error itself is.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from pathlib import PurePath
from types import FrameType

log = logging.getLogger("charimg.plugins")

LONGEST_CHAIN = 8
"""Causes of an exception that a debug run shows."""


def place_of(error: BaseException) -> str | None:
    """The file and line of the plugin's own code that was at work: ``plugins/sketch.py, line 7``.

    The plugin is whoever the core called; its last line is told, also where a library it called has raised. ``None``
    where no plugin was at work.
    """
    place: str | None = None
    plugin: str | None = None
    step = error.__traceback__
    while step is not None:
        top = _top_of(step.tb_frame)
        plugin = plugin or (None if _is_nobodys(step.tb_frame) else top)
        if plugin is not None and top == plugin:
            place = f"{_shown(step.tb_frame)}, line {step.tb_lineno}"
        step = step.tb_next
    if isinstance(error, SyntaxError) and error.lineno and error.filename and not error.filename.startswith("<"):
        return f"{_end_of(error.filename, 2)}, line {error.lineno}"
    return place


def words_of(error: BaseException) -> str:
    """The exception on one line: ``KeyError: 'picture'``."""
    # The text of a SyntaxError repeats the file and line, which stand before these words.
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    text = " ".join(str(text).split())
    return f"{type(error).__name__}: {text}"[:300] if text else type(error).__name__


def told(error: BaseException) -> str:
    """Place and words: ``plugins/sketch.py, line 7: KeyError: 'picture'``."""
    place = place_of(error)
    return words_of(error) if place is None else f"{place}: {words_of(error)}"


def log_stack(error: BaseException) -> None:
    """Show the stack, and those of its causes, to whoever runs with ``--debug``."""
    if log.isEnabledFor(logging.DEBUG):
        for number, one in enumerate(_chain(error)):
            heading = f"{'caused by ' if number else ''}{type(one).__name__}, raised here (last call last):"
            log.debug("%s\n%s", heading, "".join(traceback.format_tb(one.__traceback__)).rstrip())


def _chain(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    for _ in range(LONGEST_CHAIN):
        if one is None:
            return
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _top_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "?")).partition(".")[0]


def _is_nobodys(frame: FrameType) -> bool:
    """Whether it is the core, or what the core calls plugins through."""
    name, top = str(frame.f_globals.get("__name__", "?")), _top_of(frame)
    if top == "charimg":
        return not name.startswith("charimg.providers.")
    return top == "pluggy" or (top in sys.stdlib_module_names and top != "__main__")


def _shown(frame: FrameType) -> str:
    """The file as its author knows it: below the folder of its package, or in the project's ``plugins/``."""
    path = frame.f_code.co_filename
    parts = str(frame.f_globals.get("__name__", "?")).count(".") + 1
    return _end_of(path, parts + (PurePath(path).name == "__init__.py"))


def _end_of(path: str, parts: int) -> str:
    return "/".join(PurePath(path).parts[-parts:])
