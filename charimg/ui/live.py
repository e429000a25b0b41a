"""The live view: what is happening now at the foot of the terminal, what has happened scrolling above it.

rich draws; the event loop sets the pace. rich's own refresh thread would go on drawing beside a loop that is being
stopped, and would run on the wall's clock where a test runs on a virtual one.
"""

from __future__ import annotations

import atexit
from typing import IO, TextIO, cast

from rich.console import Console, Group
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from charimg.contracts import Observer
from charimg.events import (
    BatchFinished,
    Event,
    FallbackOpened,
    JobPossiblyCharged,
    LaneClosed,
    RunFinished,
    RunStarted,
    Stopping,
    Warned,
)
from charimg.ui import clock
from charimg.ui.board import Board, LaneBoard
from charimg.ui.frame import ASCII, PRETTY, Pen, draw, row_line
from charimg.ui.log_text import log_lines, outcome
from charimg.ui.stream import SafeStream
from charimg.ui.summary_text import Again, summary_lines
from charimg.ui.wording import INDENT, cells, clean_name, duration, waits_told, wrapped_around_command

REFRESH = 0.2
"""Seconds between two frames."""

SOONEST = 0.05
"""Seconds: what happens sooner after a frame than this is shown with the next. A large batch, or a service that answers
at once, would otherwise be busy with drawing."""

SCROLLED = (FallbackOpened, JobPossiblyCharged, LaneClosed, Stopping, Warned)
"""What is told above the view as it happens."""


class LiveView(Observer):
    """Draws the batch as it happens; each finished batch scrolls up, the summary comes last."""

    def __init__(
        self,
        stream: TextIO,
        *,
        again: Again = "charimg run",
        forced: str | None = None,
        share_stdout: bool = True,
        console: Console | None = None,
    ) -> None:
        """:param share_stdout: standard output shows on the same terminal: what is printed there meanwhile is put above
            the view.
        :param console: draws there instead of on *stream*, for tests and for embedding."""
        out = SafeStream(stream)
        self._console = console or Console(file=cast(IO[str], out), highlight=False, markup=False, emoji=False)
        self._symbols = PRETTY if out.pretty else ASCII
        self._again = again
        self._forced = forced
        self._board = Board()
        self._drawn: list[Text] = []
        self._width = self._console.width
        self._seen = float("-inf")
        """When the last frame was drawn."""
        self._live = Live(
            console=self._console,
            get_renderable=self._frame,
            auto_refresh=False,
            transient=True,
            redirect_stdout=share_stdout,
            vertical_overflow="crop",
        )
        self._beat = clock.Beat(REFRESH, self._refresh)

    def hear(self, event: Event) -> None:
        """Show the event."""
        if isinstance(event, RunFinished):
            self.close()
            self._scroll("", *summary_lines(event, again=self._again, forced=self._forced))
            return
        self._board.take(event, clock.now())
        if isinstance(event, RunStarted):
            self._scroll(*log_lines(event))
        elif isinstance(event, BatchFinished):
            self._scroll_batch(self._board.lane(event), event)
        elif isinstance(event, SCROLLED):
            self._scroll(*log_lines(event, several_lanes=self._board.several_lanes, free_lanes=self._board.free_lanes))
        if not self._board.total:
            return
        if not self._live.is_started:
            self._live.start()
            atexit.register(self.close)
        if clock.now() - self._seen >= SOONEST:
            self._refresh()
        if not self._beat.running:
            self._beat.start()

    def close(self) -> None:
        """Take the view off the terminal and give the cursor back."""
        self._beat.stop()
        if self._live.is_started:
            self._make_room_for_wrapped_lines()
            self._live.stop()
            atexit.unregister(self.close)
        for lane in self._board.lanes.values():
            if lane.active:  # the run ended in the middle: what was under way stays readable
                self._scroll_batch(lane, None)
                lane.active = False

    def _refresh(self) -> None:
        self._seen = clock.now()
        self._make_room_for_wrapped_lines()
        self._live.refresh()

    def _frame(self) -> Group:
        size = self._console.size
        # One column less, so that no terminal wraps a full line; one row less, so that the cursor's own line fits.
        self._drawn = draw(self._board, self._pen(), max(1, size.height - 1))
        self._width = size.width
        return Group(*self._drawn)

    def _pen(self) -> Pen:
        return Pen(clock.now(), max(1, self._console.width - 1), self._symbols)

    def _make_room_for_wrapped_lines(self) -> None:
        """After the window became narrower its old lines take more rows than rich remembers: erase those too."""
        width = self._console.width
        if width < self._width and self._drawn:
            extra = sum(max(0, line.cell_len - 1) // max(1, width) for line in self._drawn)
            for _ in range(min(extra, self._console.height)):
                self._console.control(Control((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1)))
        self._width = width

    def _scroll_batch(self, lane: LaneBoard, event: BatchFinished | None) -> None:
        """Leave a batch above the view, as it ended."""
        now = clock.now()
        where = f" [{clean_name(lane.name)}]" if self._board.several_lanes else ""
        words = outcome(event) if event else "not finished"
        told = waits_told(lane.waits, lane.connection_waits)
        waits = f" with {' and '.join(told)}" if told else ""
        title, took = f" Batch {lane.batch}{where}: {words}", f"in {duration(now - lane.began)}{waits}"
        between = "  " if cells(title) + 2 + cells(took) <= self._console.width else f"\n{INDENT}"
        self._console.print(Text.assemble((title, "bold"), (between + took, "dim")))
        for row in lane.rows.values():
            self._console.print(row_line(row, self._pen(), still=True))

    def _scroll(self, *lines: str) -> None:
        for line in lines:
            parts = wrapped_around_command(line, self._console.width)
            self._console.print(Text("\n".join(parts)), soft_wrap=True)
