"""Tables on standard output: drawn for a terminal, aligned plain text for everything else."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import NamedTuple

import click


class Cell(NamedTuple):
    """A cell with a colour of its own."""

    text: str
    style: str = ""
    """A rich style, as ``"dim"`` or ``"red"``; it adds to the text's meaning and never carries it alone."""


Row = Sequence["str | Cell"]


def show_table(columns: Sequence[str], rows: Sequence[Row], *, title: str = "") -> None:
    """Print a table. In a pipe there is no wrapping and no colour; ``NO_COLOR`` is respected in a terminal."""
    cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    clean = [[Cell(printable(cell.text), cell.style) for cell in row] for row in cells]
    if sys.stdout.isatty():
        _draw(columns, clean, title)
    else:
        _write(columns, clean, title)


def show_json(data: object) -> None:
    """Print data as JSON, for scripts."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))


def printable(text: str) -> str:
    """The text on one line, with nothing in it that could steer a terminal."""
    line = " ".join(text.split())
    # Joiners are part of Bengali and Persian spelling; other unprintable characters reorder, hide or steer.
    return "".join(char if char.isprintable() or char in "\u200c\u200d" else "\ufffd" for char in line)


def _draw(columns: Sequence[str], rows: Sequence[Sequence[Cell]], title: str) -> None:
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.table import Table  # noqa: PLC0415 - likewise
    from rich.text import Text  # noqa: PLC0415 - likewise

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title_justify="left", header_style="bold")
    table.title = Text(title, style="bold") if title else None
    for index, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=index == 0)
    for row in rows:
        table.add_row(*(Text(cell.text, style=cell.style) for cell in row))
    Console().print(table)


def _write(columns: Sequence[str], rows: Sequence[Sequence[Cell]], title: str) -> None:
    from rich.cells import cell_len  # noqa: PLC0415 - scripts of other widths than Latin line up too

    lines = [list(columns), *([cell.text for cell in row] for row in rows)]
    widths = [max(cell_len(line[index]) for line in lines) for index in range(len(columns))]
    if title:
        click.echo(title)
    for line in lines:
        padded = (text + " " * (width - cell_len(text)) for text, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())
