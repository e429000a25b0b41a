"""What every roster format is read into: texts, lists and mappings that know their line.

YAML, JSON and tables differ only in how they are written. Each becomes one of these trees, in which every value
is still the text the user wrote (``007`` stays ``007``, ``no`` stays ``no``), and one reader, in
:mod:`charimg.roster.cast`, gives them meaning. So a wrong field gets the same message in every format.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from charimg.errors import InputError

MAX_VALUES = 1_000_000
"""Most values (texts, lists, mappings) in one roster, counting what aliases repeat: 100,000 characters with ten
fields each. It bounds memory, and makes an alias bomb a message."""
MAX_DEPTH = 24
"""Deepest nesting; a roster needs five levels."""
CHARACTERS_A_VALUE = 100
"""So many characters of a text count as one more value."""
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Scalar:
    """One text, as it was written."""

    text: str
    line: int | None = None
    null: bool = False
    """Written as nothing: an empty value, ``~``, ``null``, an empty cell."""

    @property
    def size(self) -> int:
        """1, and 1 more for every :data:`CHARACTERS_A_VALUE` characters, lest aliases repeat a long text at no cost."""
        return 1 + len(self.text) // CHARACTERS_A_VALUE


@dataclass(frozen=True, slots=True)
class Listing:
    """Values in order."""

    items: tuple[Node, ...]
    line: int | None = None
    size: int = 1
    """How many values it holds, itself included, each alias counted with all it repeats."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One ``name: value`` of a mapping."""

    name: str
    value: Node
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """Named values in order; no name stands twice."""

    entries: tuple[Entry, ...]
    line: int | None = None
    size: int = 1
    """As in :class:`Listing`."""


Node = Scalar | Listing | Mapping


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a roster something stands, for messages."""

    file: str
    """The roster's name as people will recognise it."""
    line: int | None = None
    field: str = ""
    """As ``characters[3].seed``; characters are counted from 1."""

    def at(self, line: int | None, field: str | None = None) -> Place:
        """The same file, at another line (kept when *line* is not known) and field."""
        return Place(self.file, line or self.line, self.field if field is None else field)

    def fault(self, what: str) -> InputError:
        """The error that says *what* is wrong here and how to mend it, in one line."""
        head = self.file if self.line is None else f"{self.file}:{self.line}"
        return InputError(": ".join(part for part in (head, self.field, what) if part))


def kind_of(node: Node) -> str:
    """What people call this kind of value."""
    if isinstance(node, Listing):
        return "a list"
    return "a mapping" if isinstance(node, Mapping) else "a text"


def shown(text: str, most: int = _SHOWN) -> str:
    """*text* in quotes, short and on one line, with nothing in it that could steer a terminal."""
    kept = text if len(text) <= most else text[: most - 1] + "…"
    return "'" + "".join(char if _harmless(char) else f"\\u{ord(char):04x}" for char in kept) + "'"


def _harmless(char: str) -> bool:
    # Joiners (Cf) are part of Bengali and Persian spelling; the other format characters reorder or hide text.
    return char in "\u200c\u200d" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
