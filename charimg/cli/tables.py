"""Tables on standard output: drawn for a terminal, aligned plain text for everything else."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

import click

_LEAST_NOTE = 30
"""Columns a sentence needs; with fewer it becomes a tower of single words."""


class Cell(NamedTuple):
    """A cell with a colour of its own."""

    text: str
    style: str = ""
    """A rich style, as ``"dim"`` or ``"red"``; it adds to the text's meaning and never carries it alone."""


Row = Sequence["str | Cell"]


def show_table(columns: Sequence[str], rows: Sequence[Row], *, title: str = "", notes: bool = False) -> None:
    """Print a table. In a pipe there is no wrapping and no colour; ``NO_COLOR`` is respected in a terminal.

    :param notes: the last column holds sentences: where a terminal leaves them no room they stand below the table,
        each after the first cell of its row.
    """
    cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    clean = [[Cell(printable(cell.text), cell.style) for cell in row] for row in cells]
    if sys.stdout.isatty():
        _draw(columns, clean, title, notes)
    else:
        _write(columns, clean, title)


def show_json(data: object) -> None:
    """Print data as JSON, for scripts."""
    click.echo(plain_json(data, indent=2))


def show_json_list(entries: Iterable[object]) -> None:
    """Print as :func:`show_json` prints a list, an entry at a time: a large cast's never stands in memory whole."""
    before = "["
    for some in _by_thousands(entries):
        texts = (plain_json(entry, indent=2).replace("\n", "\n  ") for entry in some)
        click.echo(before + ",".join(f"\n  {text}" for text in texts), nl=False)
        before = ","
    click.echo("[]" if before == "[" else "\n]")


def plain_json(data: object, indent: int | None = None) -> str:
    """The data as JSON in its own script; what could steer a terminal is escaped."""
    text = json.dumps(data, ensure_ascii=False, indent=indent)
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


_CONTROLS = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls that JSON does not escape by itself, marks that reorder a line, and halves of characters."""


def printable(text: str) -> str:
    """The text on one line, with nothing in it that could steer a terminal."""
    line = " ".join(text.split())
    if line.isprintable():
        return line
    # Joiners are part of Bengali and Persian spelling; other unprintable characters reorder, hide or steer.
    return "".join(char if char.isprintable() or char in "\u200c\u200d" else "\ufffd" for char in line)


def _draw(columns: Sequence[str], rows: Sequence[Sequence[Cell]], title: str, notes: bool) -> None:
    from rich.cells import cell_len  # noqa: PLC0415 - likewise
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.table import Table  # noqa: PLC0415 - likewise
    from rich.text import Text  # noqa: PLC0415 - likewise

    console = Console()
    below: list[Text] = []
    if notes:
        others = (max(cell_len(line[index].text) for line in rows) + 2 for index in range(len(columns) - 1) if rows)
        if console.width - sum(others) < _LEAST_NOTE:
            below = [Text(f"{row[0].text}: {row[-1].text}") for row in rows if row[-1].text]
            columns, rows = columns[:-1], [row[:-1] for row in rows]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title_justify="left", header_style="bold")
    table.title = Text(title, style="bold") if title else None
    for index, column in enumerate(columns):
        if index == 0:
            table.add_column(column, overflow="ellipsis", no_wrap=True, max_width=max(8, console.width // 2))
        else:
            table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell.text, style=cell.style) for cell in row))
    console.print(table)
    if below:
        console.print()
    for note in below:
        console.print(note, soft_wrap=True)


def _write(columns: Sequence[str], rows: Sequence[Sequence[Cell]], title: str) -> None:
    from rich.cells import cell_len  # noqa: PLC0415 - scripts of other widths than Latin line up too

    lines = [list(columns), *([cell.text for cell in row] for row in rows)]
    widths = [max(cell_len(line[index]) for line in lines) for index in range(len(columns))]
    if title:
        click.echo(title)
    for some in _by_thousands(lines):
        click.echo("\n".join(_padded(line, widths) for line in some))


def _padded(line: Sequence[str], widths: Sequence[int]) -> str:
    from rich.cells import cell_len  # noqa: PLC0415 - see _write

    pieces = (text + " " * (width - cell_len(text)) for text, width in zip(line, widths, strict=True))
    return "  ".join(pieces).rstrip()


T = TypeVar("T")


def _by_thousands(entries: Iterable[T]) -> Iterator[list[T]]:
    """The entries in portions that are written at once: every writing is a call of the system."""
    rest = iter(entries)
    while some := list(islice(rest, 1000)):
        yield some
