"""JSON to the common tree, with lines.

The standard library judges the syntax; it keeps no positions, so the tree is put together from the tokens, which
is simple once the syntax is known to be right, and needs no recursion.
"""

from __future__ import annotations

import json
import re

from charimg.roster.tree import MAX_DEPTH, MAX_VALUES, Entry, Listing, Mapping, Node, Place, Scalar, shown

# A text without an end runs to the end of the file, and matches: were it no match, every quote in it would be tried as
# the beginning of another, which takes the square of its length.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.?[^"\\]*)*(?:"|\Z)|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


def read_json(text: str, place: Place) -> Node:
    """The tree of the JSON value in *text*; numbers keep their digits as written.

    Raises:
        InputError: not JSON (with line and column), a name given twice, nested too deep, too many values.
    """
    tokens = _tokens(text, place)
    try:
        json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except json.JSONDecodeError as error:
        where = f"column {error.colno}"
        raise place.at(error.lineno).fault(f"is not JSON at {where} ({error.msg}); mend it there") from None
    except RecursionError:
        raise _too_deep(place) from None
    return _built(tokens, place)


def _tokens(text: str, place: Place) -> list[tuple[str, int]]:
    """The tokens but commas and colons, with their lines; the limits are tested here, before the text is parsed."""
    tokens: list[tuple[str, int]] = []
    line, counted, depth = 1, 0, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", counted, match.start())
        counted = match.start()
        piece = match[0]
        if piece in "[{":
            depth += 1
        elif piece in "]}":
            depth -= 1
        elif piece in ",:":
            continue
        if depth > MAX_DEPTH:
            raise _too_deep(place.at(line))
        if len(tokens) >= 2 * MAX_VALUES:  # a name and its value are two tokens
            raise place.at(line).fault(f"holds more than {MAX_VALUES:,} values; split the cast")
        tokens.append((piece, line))
    return tokens


def _built(tokens: list[tuple[str, int]], place: Place) -> Node:
    # One frame for each open list or mapping: its line, its values, and the names that stand before them
    # (None for a list). The outermost frame receives the whole.
    root: list[Node] = []
    frames: list[tuple[int, list[Node], list[tuple[str, int]] | None]] = [(1, root, None)]
    for piece, line in tokens:
        opened, items, names = frames[-1]
        if piece in "[{":
            frames.append((line, [], [] if piece == "{" else None))
        elif piece in "]}":
            frames.pop()
            size = 1 + sum(item.size for item in items)
            whole = (
                Listing(tuple(items), opened, size) if names is None else _mapping(opened, items, names, size, place)
            )
            frames[-1][1].append(whole)
        elif names is not None and len(names) == len(items):
            names.append((json.loads(piece), line))
        else:
            value = json.loads(piece) if piece[0] == '"' else piece
            items.append(Scalar("" if piece == "null" else value, line, piece == "null"))
    return root[0]


def _mapping(line: int, items: list[Node], names: list[tuple[str, int]], size: int, place: Place) -> Mapping:
    entries: dict[str, Entry] = {}
    for (name, here), value in zip(names, items, strict=True):
        if name in entries:
            raise place.at(here).fault(f"{shown(name)} is given twice, first in line {entries[name].line}; keep one")
        entries[name] = Entry(name, value, here)
    return Mapping(tuple(entries.values()), line, size)


def _too_deep(place: Place) -> Exception:
    return place.fault(f"is nested more than {MAX_DEPTH} levels deep; a roster is flat")
