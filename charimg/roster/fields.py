"""The meaning of single fields: texts, whole numbers, ratios, pictures; and which fields there are."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping as Map
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from charimg.model import Reference, ReferenceKind
from charimg.roster.tree import Entry, Listing, Mapping, Node, Place, Scalar, kind_of, shown

MAX_TEXT = 20_000
"""Longest text of one field, in characters: several times what any service reads."""
MAX_NAME = 1_000
"""Longest text that stands on one line (a name, a caption, a tag), in characters."""
MAX_SEED = 2**63 - 1
"""Largest seed a roster may ask for (a signed 64-bit number); a service may take fewer."""
MAX_REFERENCES = 100
"""Most pictures in one list of references."""
MAX_TAGS = 100
"""Most tags of one character."""

_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")
_RATIO = re.compile(r"([0-9]{1,5})\s*[:：x×/]\s*([0-9]{1,5})", re.IGNORECASE)
_RATIO_WORDS = {"portrait": "9:16", "landscape": "16:9", "square": "1:1"}
_SLENDEREST = 20
_LARGEST_TERM = 99
_SEED = re.compile(r"[0-9]{1,19}")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://|data:|www\.", re.IGNORECASE)


class Names:
    """The fields of one kind of mapping, found whatever their case, underscores and hyphens."""

    def __init__(self, aliases: Map[str, Sequence[str]], ignored: Sequence[str] = ()) -> None:
        self._plain = {_bare(name): name for name in aliases}
        self._plain |= {_bare(alias): name for name, others in aliases.items() for alias in others}
        self._ignored = {_bare(name) for name in ignored}
        self._shown = list(aliases)

    def known(self, name: str) -> bool:
        """Whether *name* is one of the fields, or an alias of one."""
        return _bare(name) in self._plain

    def read(self, node: Mapping, place: Place) -> dict[str, Entry]:
        """The entries of *node* by the fields' own names; names that begin with ``x-`` are the user's.

        Raises:
            InputError: a name that is no field (with the field it resembles), or a field given twice.
        """
        found: dict[str, Entry] = {}
        for entry in node.entries:
            bare = _bare(entry.name)
            if bare in self._ignored or entry.name.startswith("x-"):
                continue
            name = self._plain.get(bare)
            if name is None:
                raise place.at(entry.line).fault(f"there is no field {shown(entry.name)}; {self._remedy(entry.name)}")
            if name in found:
                raise place.at(entry.line).fault(
                    f"{shown(found[name].name)} and {shown(entry.name)} are the same field; keep one of the two"
                )
            found[name] = entry
        return found

    def _remedy(self, name: str) -> str:
        from difflib import get_close_matches  # noqa: PLC0415 - only an error needs it

        close = get_close_matches(_bare(name[:100]), self._plain, n=1)
        if close:
            return f"did you mean {shown(self._plain[close[0]])}?"
        return f"the fields are {', '.join(self._shown)}"


def found(node: Node) -> str:
    """``found a list``, or ``found 'what was written'``, for messages."""
    if isinstance(node, Scalar):
        return "found nothing" if node.null else f"found {shown(node.text)}"
    return f"found {kind_of(node)}"


def text(node: Node, place: Place, most: int = MAX_TEXT) -> str | None:
    """A text of any number of lines, without the space around it; ``None`` where nothing is written."""
    if not isinstance(node, Scalar):
        word = place.field.rpartition(".")[2]
        raise place.fault(f"expected text, {found(node)}; put the words after {shown(word)}, in quotes if need be")
    written = node.text.strip()
    if node.null or not written:
        return None
    if len(written) > most:
        raise place.fault(f"is {len(written):,} characters long; shorten it to {most:,}")
    wrong = _CONTROL.search(written)
    if wrong is not None:
        raise place.fault(f"holds the control character U+{ord(wrong[0]):04X}; delete it")
    return written


def line_of(node: Node, place: Place) -> str | None:
    """As :func:`text`, on one line."""
    written = text(node, place, MAX_NAME)
    return None if written is None else " ".join(written.split())


def seed(node: Node, place: Place) -> int | None:
    """A whole number from 0 to :data:`MAX_SEED`; ``None`` where nothing is written."""
    written = text(node, place)
    if written is None:
        return None
    if not _SEED.fullmatch(written) or int(written) > MAX_SEED:
        raise place.fault(f"expected a whole number from 0 to {MAX_SEED}, {found(node)}; write one, or leave it out")
    return int(written)


def aspect_ratio(node: Node, place: Place) -> str | None:
    """A ratio as ``"W:H"``, from that, from ``WxH`` (also in pixels), or from a word; ``None`` for nothing."""
    written = text(node, place)
    if written is None:
        return None
    if written.lower() in _RATIO_WORDS:
        return _RATIO_WORDS[written.lower()]
    terms = _RATIO.fullmatch(written)
    width, height = (int(terms[1]), int(terms[2])) if terms else (0, 0)
    if not width or not height:
        raise place.fault(
            f"expected width to height, {found(node)}; write it like '3:4', or portrait, square, landscape"
        )
    if max(width, height) > _SLENDEREST * min(width, height):
        raise place.fault(f"{shown(written)} is too slender for a picture; stay within {_SLENDEREST}:1")
    if max(width, height) > _LARGEST_TERM:  # a size in pixels; 21:9 is a name of its own and stays
        divisor = math.gcd(width, height)
        width, height = width // divisor, height // divisor
    return f"{width}:{height}"


def tags(node: Node, place: Place) -> tuple[str, ...]:
    """Words, from a list or from one text with commas or semicolons; each once, in order."""
    if isinstance(node, Mapping):
        raise place.fault("expected words, found a mapping; write 'tags: [first, second]'")
    if isinstance(node, Scalar):
        words = [line for part in re.split("[,;]", text(node, place) or "") if (line := " ".join(part.split()))]
    else:
        words = [word for item in node.items if (word := line_of(item, place.at(item.line)))]
    if len(words) > MAX_TAGS:
        raise place.fault(f"there are {len(words):,} tags; keep {MAX_TAGS}")
    return tuple(dict.fromkeys(words))


@lru_cache(maxsize=1024)  # every character has the same few fields
def _bare(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()


_REFERENCE = Names({"path": ("file",), "as": ("kind",), "caption": ()})


class Pictures:
    """Reads references; looks for each file once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[str, Path] = {}

    def read(self, node: Node, place: Place, usual: ReferenceKind) -> tuple[Reference, ...]:
        """The pictures of *node*: a path, a mapping, or a list of these; of kind *usual* unless it says another.

        Several paths in one text (a cell of a table) are parted by ``;``.

        Raises:
            InputError: not there, not a file, an address, or an unknown kind.
        """
        if isinstance(node, Scalar):
            paths = [part.strip() for part in node.text.split(";") if part.strip()] if not node.null else []
            items: list[Node] = [Scalar(path, node.line) for path in paths]
        else:
            items = list(node.items) if isinstance(node, Listing) else [node]
        if len(items) > MAX_REFERENCES:
            raise place.fault(f"there are {len(items):,} references; keep {MAX_REFERENCES}")
        return tuple(self._reference(item, place.at(item.line), usual) for item in items)

    def _reference(self, node: Node, place: Place, usual: ReferenceKind) -> Reference:
        if not isinstance(node, Mapping):
            return Reference(self._file(node, place), usual)
        entries = _REFERENCE.read(node, place)
        if "path" not in entries:
            raise place.fault("a reference has no path; write 'path:' and the name of a picture file")
        kind, caption = usual, None
        if "as" in entries:
            entry = entries["as"]
            here = place.at(entry.line, f"{place.field}.as")
            word = (text(entry.value, here) or "").lower()
            if word not in {known.value for known in ReferenceKind}:
                raise here.fault(f"expected subject, scene or style, {found(entry.value)}; write one of these")
            kind = ReferenceKind(word)
        if "caption" in entries:
            entry = entries["caption"]
            caption = line_of(entry.value, place.at(entry.line, f"{place.field}.caption"))
        path = entries["path"]
        return Reference(self._file(path.value, place.at(path.line, f"{place.field}.path")), kind, caption)

    def _file(self, node: Node, place: Place) -> Path:
        written = text(node, place)
        if written is None:
            raise place.fault("a reference has no path; name a picture file")
        if written in self._seen:
            return self._seen[written]
        if _ADDRESS.match(written):
            raise place.fault(f"{shown(written, 80)} is an address; download the picture and name the file")
        path = self._folder / written
        try:
            path = self._folder / Path(written).expanduser()
            there, a_file = path.exists(), path.is_file()
        except (OSError, RuntimeError, ValueError):  # a name no file can have; '~nobody'
            there = a_file = False
        if not a_file:
            what = "is not a file" if there else f"is not there (looked for in {shown(str(self._folder), 200)})"
            raise place.fault(f"{shown(written, 200)} {what}; name a picture file, relative to the roster's folder")
        self._seen[written] = path
        return path
