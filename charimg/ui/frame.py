"""One frame of the live view: the board at a moment, drawn into so many columns and rows.

A pure function: every line fits its width on any terminal (see :func:`charimg.ui.wording.cells`), and when rows are
scarce the least telling lines go first. Names stand last on their lines, so that nothing has to line up behind a
script whose width terminals dispute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from rich.text import Text

from charimg.ui.board import Board, LaneBoard, Row, Stage
from charimg.ui.wording import cells, clean, clean_name, clip, count, duration

BAR = 28
"""Columns of a bar where there is room."""

SHORTEST_NOTE = 14
"""Columns: a reason cut shorter than this says nothing."""

NARROW = 50
"""Columns below which titles are not padded to stand in line."""

TITLE = 12
"""Columns of a title where it is padded, if none is longer."""

STALE = 10.0
"""Seconds after which a service's word on how far it is shows its age."""


@dataclass(frozen=True)
class Symbols:
    """The characters a frame is drawn with."""

    full: str
    empty: str
    marks: dict[Stage, str]
    spinner: str
    still: str
    quota: str
    rest: str
    between: str


_IDLE = {Stage.QUEUED: "○", Stage.WAITING: "◌", Stage.DONE: "✓", Stage.FAILED: "✗", Stage.REJECTED: "✗"}
PRETTY = Symbols("━", "─", _IDLE, "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "●", "⏳", "⏸ ", "·")
ASCII = Symbols(
    "#",
    ".",
    {Stage.QUEUED: ".", Stage.WAITING: "~", Stage.DONE: "+", Stage.FAILED: "x", Stage.REJECTED: "x"},
    "|/-\\",
    "*",
    "~",
    "~",
    "-",
)

_STYLES = {
    Stage.QUEUED: "dim",
    Stage.WAITING: "yellow",
    Stage.DONE: "green",
    Stage.FAILED: "red",
    Stage.REJECTED: "red",
}
_ACTIVE = "cyan"
_URGENT = (
    Stage.GENERATING,
    Stage.UPLOADING,
    Stage.UPLOADED,
    Stage.SAVED,
    Stage.WAITING,
    Stage.FAILED,
    Stage.REJECTED,
)

Span = tuple[str, str]


@dataclass(frozen=True)
class Pen:
    """What every line is drawn with."""

    now: float
    """On the same clock as the events were taken."""
    width: int
    """Columns a line may take."""
    symbols: Symbols = PRETTY
    title: int = TITLE
    """Columns that titles are padded to, so that the bars stand in line."""


def draw(board: Board, pen: Pen, height: int) -> list[Text]:
    """The lines of the frame, at most *height*, which is at least 1."""
    lanes = [lane for lane in board.lanes.values() if lane.active or (lane.pause and lane.closed is None)]
    titles = [cells(_title(board, lane, pen)) for lane in lanes if lane.active]
    pen = replace(pen, title=max([TITLE, *titles]))
    footer = [line for line in (_overall(board, pen), _latest(board, pen)) if line]
    footer = footer[: max(0, height - 1)]
    room = height - len(footer)
    spaced = room >= sum(3 + len(lane.rows) for lane in lanes) + 2
    lines: list[Text] = [Text()] if spaced else []
    room -= len(lines)
    for position, lane in enumerate(lanes):
        share = room // (len(lanes) - position)
        section = _section(board, lane, pen, share - spaced)
        lines += section
        lines += [Text()] if spaced and section else []
        room -= len(section) + spaced
    return lines + footer


def _section(board: Board, lane: LaneBoard, pen: Pen, room: int) -> list[Text]:
    """A lane: its header with the batch bar, a row for each job, and its pause."""
    if room < 1:
        return []
    header = _header(board, lane, pen)
    pause = _pause(board, lane, pen)
    if room == 1:
        return [pause or header]
    if not lane.active:
        return [pause] if pause else []
    rows = list(lane.rows.values())
    space = room - 1 - (pause is not None)
    shown, hidden = _chosen(rows, space)
    lines = [header, *(row_line(row, pen) for row in shown)]
    if hidden:
        lines.append(_line([(f"   ... and {_hidden_words(hidden)}", "dim")], pen))
    return [*lines, pause] if pause else lines


def _chosen(rows: Sequence[Row], space: int) -> tuple[list[Row], list[Row]]:
    """The rows that fit, in their order; where some do not, those that need no eye are left out first."""
    if len(rows) <= space:
        return list(rows), []
    kept = max(0, space - 1)
    order = sorted(range(len(rows)), key=lambda index: (_rank(rows[index]), index))
    chosen = set(order[:kept])
    return (
        [row for index, row in enumerate(rows) if index in chosen],
        [row for index, row in enumerate(rows) if index not in chosen] if space > 0 else [],
    )


def _rank(row: Row) -> int:
    return _URGENT.index(row.stage) if row.stage in _URGENT else len(_URGENT)


def _hidden_words(rows: Sequence[Row]) -> str:
    stages = [row.stage for row in rows]
    kinds = [f"{stages.count(stage)} {stage.value}" for stage in Stage if stage in stages]
    return f"{len(rows)} more: {', '.join(kinds)}"


def row_line(row: Row, pen: Pen, *, still: bool = False) -> Text:
    """A job: mark, state, seconds, name, and the short reason or the file.

    :param still: it is drawn for good, so that what is under way has a mark that does not pretend to move.
    """
    style = _STYLES.get(row.stage, _ACTIVE)
    moving = pen.symbols.still if still else pen.symbols.spinner[int(pen.now * 8) % len(pen.symbols.spinner)]
    mark = pen.symbols.marks.get(row.stage, moving)
    seconds = row.running(pen.now)
    time = "" if seconds is None else (f"{seconds:.0f} s" if seconds < 1000 else f"{seconds / 60:.0f} min")
    name = clean_name(row.name)
    spans = [(f"   {mark} {row.stage.value:<10}", style), (f"{time:>6}  ", "dim"), (name, "")]
    note = PurePath(row.note).name if row.stage is Stage.DONE else row.note
    room = pen.width - sum(cells(text) for text, _ in spans)
    if row.stage is Stage.GENERATING and not still:
        note = " ".join(part for part in (_percent(row.fraction), note) if part)
        age = 0.0 if row.noted is None else pen.now - row.noted
        note += f", {duration(age)} ago" if note and age >= STALE else ""
    told = row.stage.ended or (row.stage is Stage.GENERATING and note and not still)
    if told and room >= min(SHORTEST_NOTE, cells(note) + 2):
        spans.append((f"  {clean(note)}", "red" if row.stage in (Stage.FAILED, Stage.REJECTED) else "dim"))
    return _line(spans, pen)


def _percent(fraction: float | None) -> str:
    return "" if fraction is None else f"{fraction:.0%}"


def _title(board: Board, lane: LaneBoard, pen: Pen) -> str:
    """Whose batch it is comes first: with several lanes that is what the reader looks for."""
    if board.several_lanes:
        return f"{_short_name(lane, pen)}: batch {lane.batch}"
    plan = board.plan
    batches = f" of {plan.batches}" if plan and len(plan.lanes) == 1 and lane.batch <= plan.batches else ""
    return f"Batch {lane.batch}{batches}"


def _short_name(lane: LaneBoard, pen: Pen) -> str:
    return clip(clean_name(lane.name), max(8, pen.width // 3))


def _header(board: Board, lane: LaneBoard, pen: Pen) -> Text:
    rows = lane.rows.values()
    ended = sum(1 for row in rows if row.stage.ended)
    # Where others took some from between them there is no span to name.
    in_a_row = lane.last - lane.first + 1 == len(rows) > 1
    tails = [f"characters {lane.first}-{lane.last} of {board.total}"] if in_a_row else []
    return _bar_line(pen, _title(board, lane, pen), ended, len(rows), tails)


def _overall(board: Board, pen: Pen) -> Text | None:
    if board.plan is None:
        return None
    ended = len(board.counted)
    left = board.seconds_left(pen.now)
    tails = [f"about {duration(left)} left"] if left is not None and ended < board.total else []
    if board.stopping:
        tails = ["stopping: finishing what is under way"]
    failed = board.number(Stage.FAILED) + board.number(Stage.REJECTED)
    tails += [f"{failed} failed"] if failed else []
    return _bar_line(pen, "All", ended, board.total, tails)


def _bar_line(pen: Pen, title: str, value: int, total: int, tails: Sequence[str]) -> Text:
    """A title, a bar, figures, and as many of the tails as fit."""
    title, figures = f" {title} ", f"{value}/{total}"
    title += " " * (0 if pen.width < NARROW else pen.title + 2 - cells(title))
    room = pen.width - cells(title) - len(figures) - 1
    bar = min(BAR, max(0, room))
    if tails and cells(tails[0]) + 2 > room - bar:
        # The first tail (the time left) says more than a long bar does.
        bar = max(min(bar, 8), min(bar, room - cells(tails[0]) - 2))
    filled = bar * value // total if total else 0
    spans = [
        (title, "bold"),
        (pen.symbols.full * filled, "green" if value >= total else _ACTIVE),
        (pen.symbols.empty * (bar - filled), "dim"),
        (f" {figures}", ""),
    ]
    used = sum(cells(text) for text, _ in spans)
    for position, tail in enumerate(tails):
        text = f"  {tail}" if position == 0 else f" {pen.symbols.between} {tail}"
        if used + cells(text) > pen.width:
            break
        used += cells(text)
        spans.append((text, "dim"))
    return _line(spans, pen)


def _pause(board: Board, lane: LaneBoard, pen: Pen) -> Text | None:
    if lane.pause is None:
        return None
    # Above it stands the batch with the lane's name, where there is one.
    whose = f"{_short_name(lane, pen)}: " if board.several_lanes and not lane.active else ""
    left = lane.pause.left(pen.now)
    # A countdown shows the second that is running: 15 as it begins, 1 before it ends.
    seconds = duration(int(left) + (left > int(left)))
    if lane.pause.retry:
        retry = f"(retry {lane.pause.retry}/{lane.pause.retries})"
        what = "No connection" if lane.pause.unreachable else "Quota limit"
        words = f" {pen.symbols.quota} {whose}{what} - waiting {seconds} {retry}"
        if cells(words) > pen.width:
            words = f" {pen.symbols.quota} {whose}{what} - {seconds} {retry}"
        reason = f"  {clean(lane.pause.reason)}"
        room = pen.width - cells(words) >= min(SHORTEST_NOTE, cells(reason))
        return _line([(words, "bold yellow"), (reason if room else "", "dim")], pen)
    return _line([(f" {pen.symbols.rest} {whose}{seconds} cooldown before the next batch", "dim")], pen)


def _latest(board: Board, pen: Pen) -> Text | None:
    if not board.pictures:
        return None
    head = f" {count(board.pictures, 'picture')} saved"
    spans: list[Span] = [(head, "dim")]
    used = cells(head)
    for position, path in enumerate(reversed(board.files)):
        name = clean_name(PurePath(path).name)
        text = f"  {name}" if position == 0 else f" {pen.symbols.between} {name}"
        if position and used + cells(text) > pen.width:
            break
        used += cells(text)
        spans.append((text, "dim"))
    return _line(spans, pen)


def _line(spans: Sequence[Span], pen: Pen) -> Text:
    """The spans as one line that fits on any terminal."""
    line = Text(no_wrap=True, overflow="ignore")
    left = pen.width
    for text, style in spans:
        part = clip(text, left)
        line.append(part, style)
        left -= cells(part)
        if part != text or left <= 0:
            break
    return line
