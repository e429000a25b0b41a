"""The plain log: a line an event, for pipes, files, CI and everyone who likes to read back. Never an escape code."""

from __future__ import annotations

from typing import TextIO

from charimg.contracts import Observer
from charimg.events import Event, JobFailed, JobPossiblyCharged, JobRejected, LaneClosed, RunFinished
from charimg.ui import clock
from charimg.ui.board import Board
from charimg.ui.log_text import heartbeat_lines, log_lines
from charimg.ui.stream import SafeStream
from charimg.ui.summary_text import Again

HEARTBEAT = 30.0
"""Seconds of silence after which the log says that the run is alive."""


class PlainLog(Observer):
    """Writes every event as the design's log lines, and a heartbeat after each 30 s of silence."""

    def __init__(self, stream: TextIO, *, again: Again = "charimg run", forced: str | None = None) -> None:
        self._out = SafeStream(stream)
        self._again = again
        self._forced = forced
        self._board = Board()
        self._heartbeat = clock.Beat(HEARTBEAT, self._still_alive)

    def hear(self, event: Event) -> None:
        """Write the event's lines."""
        self._board.take(event, clock.now())
        lines = log_lines(
            event,
            several_lanes=self._board.several_lanes,
            uploads_only=self._board.uploads_only,
            free_lanes=self._board.free_lanes,
            again=self._again,
            forced=self._forced,
        )
        for line in lines:
            self._out.line(line)
        if isinstance(event, RunFinished):
            self._heartbeat.stop()
        elif lines or not self._heartbeat.running:
            self._heartbeat.start()

    def close(self) -> None:
        """No more heartbeats."""
        self._heartbeat.stop()

    def _still_alive(self) -> None:
        for line in heartbeat_lines(self._board, clock.now()):
            self._out.line(line)


class TroubleLog(Observer):
    """``--quiet``: failures and doubtful charges as they happen, and the summary unless all went well."""

    def __init__(self, stream: TextIO, *, again: Again = "charimg run", forced: str | None = None) -> None:
        self._out = SafeStream(stream)
        self._again = again
        self._forced = forced
        self._board = Board()

    def hear(self, event: Event) -> None:
        """Write the event's lines if it is trouble."""
        self._board.take(event, clock.now())
        trouble = isinstance(event, (JobFailed, JobPossiblyCharged, JobRejected, LaneClosed))
        if trouble or (isinstance(event, RunFinished) and event.exit_code):
            for line in log_lines(event, free_lanes=self._board.free_lanes, again=self._again, forced=self._forced):
                self._out.line(line)
