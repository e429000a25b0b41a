"""Which observers show a run, by ``--progress``, ``--json``, ``--quiet`` and where the output goes."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from typing import TextIO

from charimg.contracts import Observer
from charimg.settings import PROGRESS
from charimg.ui.jsonlines import JsonLines
from charimg.ui.plain import PlainLog, TroubleLog
from charimg.ui.stream import is_terminal
from charimg.ui.summary_text import Again


def choose(
    progress: str = "auto",
    *,
    json_output: bool = False,
    quiet: bool = False,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
    environ: Mapping[str, str] | None = None,
    again: Again = "charimg run",
    forced: str | None = None,
) -> list[Observer]:
    """The observers of one run.

    - ``live`` draws on standard error; where that is no terminal that can be drawn on, it becomes ``plain``.
    - ``plain`` writes the log to standard output, or with *json_output* to standard error.
    - ``auto`` is ``live`` when both streams are such a terminal and this is no CI, else ``plain``. (Both: in
      ``charimg run | tee log`` two writers would share one screen.) With *json_output* it is ``live`` when standard
      output is a file, so that the view cannot mix with what a reader of the JSON prints, else nothing.
    - ``json`` is *json_output* without a view; ``none`` shows nothing.
    - *quiet* puts failures, and a summary that is not all well, on standard error in place of any view.

    :param json_output: write every event as a JSON line to *stdout*.
    :param stdout: standard output unless given; likewise *stderr* and *environ*.
    :param again: the command that continues the run, as the user would type it, for the summary.
    :param forced: of a run with ``--force`` the command that makes pictures again, to which names are added.
    :raises ValueError: *progress* is none of :data:`PROGRESS`.
    """
    if progress not in PROGRESS:
        raise ValueError(f"progress must be one of {', '.join(PROGRESS)}, not {progress!r}")
    stdout = sys.stdout if stdout is None else stdout
    stderr = sys.stderr if stderr is None else stderr
    environ = os.environ if environ is None else environ
    json_output = json_output or progress == "json"
    observers: list[Observer] = [JsonLines(stdout)] if json_output else []
    if progress in ("none", "json"):
        return observers
    if quiet:
        return observers if json_output else [TroubleLog(stderr, again=again, forced=forced)]
    drawable = is_terminal(stderr) and environ.get("TERM", "") not in ("dumb", "unknown")
    if progress == "auto":
        unmixed = _is_file(stdout) if json_output else is_terminal(stdout)
        if drawable and unmixed and not _in_ci(environ):
            progress = "live"
        elif json_output:
            return observers
    if progress == "live" and drawable:
        from charimg.ui.live import LiveView  # noqa: PLC0415 - rich is loaded only when it draws

        return [*observers, LiveView(stderr, again=again, forced=forced, share_stdout=not json_output)]
    return [*observers, PlainLog(stderr if json_output else stdout, again=again, forced=forced)]


def _in_ci(environ: Mapping[str, str]) -> bool:
    return environ.get("CI", "").lower() not in ("", "0", "false")


def _is_file(stream: TextIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False
