"""CSV and plain text lists to the common tree."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from charimg.errors import InputError
from charimg.roster.fields import Names
from charimg.roster.tree import MAX_VALUES, Entry, Listing, Mapping, Place, Scalar, shown

_DELIMITERS = ",;\t"
_SEPARATOR_LINE = re.compile(r'sep=(\t|[^\w\s"])\s*$', re.IGNORECASE)
_COLON = re.compile("[:：]")
_BULLET = re.compile(r"[-*•]\s+")
_LINE_END = re.compile(r"\r\n|\r|\n")


def read_lines(text: str, place: Place) -> Listing:
    """A character a line, ``Name: description``; blank lines and lines that begin with ``#`` say nothing.

    Raises:
        InputError: a line without a colon, or with nothing before or after it.
    """
    characters = []
    for number, line in enumerate(_LINE_END.split(text), 1):
        written = _BULLET.sub("", line.strip(), count=1)
        if not written or written.startswith("#"):
            continue
        parts = _COLON.split(written, maxsplit=1)
        if len(parts) != 2 or not parts[0].strip():
            raise place.at(number).fault(
                f"expected 'Name: description', found {shown(written)}; put a name and a colon before the words"
            )
        if not parts[1].strip():
            raise place.at(number).fault(f"{shown(parts[0])} has no description; put the words after the colon")
        characters.append(_row(("name", "description"), parts, number))
    if not characters:
        raise place.fault("holds nothing but comments; write 'Name: description', a character a line")
    return Listing(tuple(characters))


def read_csv(text: str, place: Place, fields: Names) -> Listing:
    """A character a row, under a header of field names; or, without a header, two columns: name, description.

    Commas, semicolons and tabs are told apart by the first row, which is a header if a cell of it is one of *fields*.

    Raises:
        InputError: a quote that never closes, a column that is no field, a row wider than the header,
            neither a header nor two columns, no characters.
    """
    lines = list(io.StringIO(text, newline=""))  # unlike splitlines, only at line ends that tables know
    asked = _SEPARATOR_LINE.match(lines[0].strip('"\ufeff'))  # Excel's own way of naming the delimiter
    skipped = 1 if asked else 0
    delimiter = asked[1] if asked else _delimiter(lines, place, fields)
    rows = _rows(lines[skipped:], delimiter, place, skipped)
    line, first = next(rows, (0, []))
    names, characters = first, []
    if not any(fields.known(cell) for cell in first):
        if len(first) != 2:
            raise place.at(line).fault(
                "the first row is no header; begin with a row 'name,description', or keep to these two columns"
                " and quote texts that hold a comma"
            )
        names = ["name", "description"]
        characters.append(_row(names, first, line))
    fields.read(_row(names, names, line), place)  # a wrong header is told once, in its own line
    values = 0
    for number, row in rows:
        cells = row[: len(names)]
        if any(row[len(names) :]):
            raise place.at(number).fault(
                f"this row has {len(row)} cells, the header {len(names)}; put a text that holds {shown(delimiter)} in"
                " double quotes"
            )
        for name, cell in zip(names, cells, strict=False):
            if cell and not name:
                raise place.at(number).fault(f"{shown(cell)} stands in a column without a name; name it in the header")
        values += len(cells)
        if values > MAX_VALUES:
            raise place.at(number).fault(f"holds more than {MAX_VALUES:,} cells; split the cast")
        characters.append(_row(names, cells, number))
    if not characters:
        raise place.fault("there are no characters below the header; write one in each row")
    return Listing(tuple(characters))


def _row(names: list[str] | tuple[str, ...], cells: list[str], line: int) -> Mapping:
    pairs = zip(names, cells, strict=False)
    return Mapping(tuple(Entry(name, Scalar(cell, line, not cell), line) for name, cell in pairs if name), line)


def _rows(lines: list[str], delimiter: str, place: Place, skipped: int = 0) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold something, stripped, each with the line where it begins."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    begins = 1
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield begins + skipped, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        here = place.at(begins + skipped)
        said = str(error)
        if "field larger" in said:
            raise here.fault(f"a cell is longer than {csv.field_size_limit():,} characters; close its quote") from None
        if "end of data" in said:
            raise here.fault("a double quote opens in this row and never closes; close it") from None
        raise here.fault(
            'a double quote stands inside a quoted text; write it twice, as in "the ""Blue"" knight"'
        ) from None


def _delimiter(lines: list[str], place: Place, fields: Names) -> str:
    """The delimiter that makes the first row a header, else two columns, else the one that comes first in it.

    First, because names seldom hold any and descriptions often do: ``Gopal;round, bald`` is two columns.
    """
    row = next(line for line in lines if line.strip())
    ordered = sorted(_DELIMITERS, key=lambda mark: row.find(mark) if mark in row else len(row))

    def fitness(mark: str) -> tuple[int, bool]:
        try:
            _, cells = next(_rows(lines, mark, place), (0, []))
        except InputError:  # its quotes do not fit this delimiter
            return -1, False
        return sum(map(fields.known, cells)), len(cells) == 2

    present = [mark for mark in ordered if mark in row]
    return max(present, key=fitness) if len(present) > 1 else (present or [","])[0]
