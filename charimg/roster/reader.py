"""Finding and reading a roster file: where the formats, the fields and the warnings meet."""

from __future__ import annotations

import gc
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from charimg.errors import InputError
from charimg.model import DEFAULT_ASPECT_RATIO, Character, Roster
from charimg.roster.keys import fold
from charimg.roster.tree import Listing, Node, Place, shown

NAMES = ("characters.yaml", "characters.yml", "characters.json", "characters.csv", "characters.txt")
"""The file names a folder's roster may have."""
_FEW_WORDS = 3
_FEW_LETTERS = 16
"""A description of fewer words is still long enough with so many letters: not every script parts its words."""
_MOST_NAMED = 4
_MOST_WARNED = 5
"""Warnings of one kind; how many more there are is told in one line."""


def find_roster(folder: Path) -> Path:
    """The one roster of *folder*, by name (:data:`NAMES`).

    Two are an error, not a matter of order: a run costs money, and the wrong cast would be drawn in silence.

    Raises:
        InputError: there is none, or more than one.
    """
    there = [folder / name for name in NAMES if (folder / name).exists()]
    if not there:
        raise InputError(
            f"no roster in {shown(str(folder), 200)} (characters.yaml, .json, .csv or .txt); 'charimg init' writes one"
            " to start from, or name the file: charimg run CAST.yaml"
        )
    if len(there) > 1:
        named = " and ".join(path.name for path in there)
        raise InputError(
            f"{shown(str(folder), 200)} holds {len(there)} rosters: {named}; name the one you mean:"
            f" charimg run {there[0].name}"
        )
    return there[0]


def read_roster(path: Path) -> Roster:
    """The roster at *path*; its suffix tells the format (``.yaml .yml .json .csv .tsv .txt``).

    Raises:
        InputError: at the first thing that is wrong. One line: file, line, field, what is wrong, what to do.
    """
    from charimg.roster.cast import read_cast  # noqa: PLC0415 - likewise below: reading is not part of start-up
    from charimg.roster.text import load_text  # noqa: PLC0415 - likewise

    place = Place(_familiar(path))
    suffix = path.suffix.lower()
    if suffix not in _FORMATS and path.is_file():
        raise place.fault("this is no format of a roster; save it as .yaml, .json, .csv or .txt")
    with _nothing_to_collect():
        cast = read_cast(_tree(load_text(path, place), suffix, place), place, path.parent.absolute())
    _check_file_names(cast.characters, place)
    return Roster(
        path=path,
        characters=cast.characters,
        title=cast.title,
        style=cast.style,
        aspect_ratio=cast.aspect_ratio or DEFAULT_ASPECT_RATIO,
        warnings=tuple(_warnings(cast.characters, place)),
    )


@contextmanager
def _nothing_to_collect() -> Iterator[None]:
    """Keep Python from looking for cycles among values that have none: over a large cast's that takes a third of the
    whole time, again and again as they grow."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _check_file_names(characters: Sequence[Character], place: Place) -> None:
    """Refuse keys that cannot be file names here, before a picture is paid for that cannot be saved.

    Python takes the encoding of file names from the locale. Under an old one, or with ``PYTHONUTF8=0``, a picture of
    গোপাল would also seem to be missing, and be made again.
    """
    for one in characters:
        try:
            os.fsencode(one.key)
        except UnicodeEncodeError:
            raise place.at(one.line).fault(
                f"no file can be named after {shown(one.name)} while the locale's encoding is"
                f" {sys.getfilesystemencoding()}; run: export PYTHONUTF8=1, or choose a UTF-8 locale"
            ) from None


_FORMATS = frozenset({".yaml", ".yml", ".json", ".csv", ".tsv", ".txt"})


def _tree(text: str, suffix: str, place: Place) -> Node:
    if suffix == ".json":
        from charimg.roster.json_source import read_json  # noqa: PLC0415 - only the format at hand is imported

        return read_json(text, place)
    if suffix in {".csv", ".tsv", ".txt"}:
        from charimg.roster.cast import CHARACTER  # noqa: PLC0415 - likewise
        from charimg.roster.tables import read_csv, read_lines  # noqa: PLC0415 - likewise

        rows: Listing = read_lines(text, place) if suffix == ".txt" else read_csv(text, place, CHARACTER)
        return rows
    from charimg.roster.yaml_source import read_yaml  # noqa: PLC0415 - likewise

    return read_yaml(text, place)


def _familiar(path: Path) -> str:
    """*path* as people know it: from the working folder where it lies below it; always on one line."""
    try:
        below = path.absolute().relative_to(Path.cwd())
        name = str(below) if below.parts else str(path)
    except (ValueError, OSError):
        name = os.fspath(path)
    return name if name.isprintable() else shown(name, 200).strip("'")


def _warnings(characters: Sequence[Character], place: Place) -> Iterable[str]:
    """What is probably not meant, one line each."""
    by_words: dict[str, list[Character]] = defaultdict(list)
    by_name: dict[str, list[Character]] = defaultdict(list)
    for one in characters:
        by_words[one.prompt or one.description].append(one)
        by_name[fold(one.name)].append(one)
    alike = [same for same in by_words.values() if len(same) > 1]
    for same in alike[:_MOST_WARNED]:
        what = "prompt" if same[0].prompt else "description"
        yield _warning(place, same[1], f"{_all_of(same)} have the very same {what}; their pictures will look alike")
    yield from _not_told(place, alike, "descriptions are shared by several characters")
    namesakes = [
        same
        for same in by_name.values()
        if len(same) > 1 and len({one.prompt or one.description for one in same}) == len(same)
    ]
    for same in namesakes[:_MOST_WARNED]:
        keys = ", ".join(one.key for one in same[:_MOST_NAMED]) + (", …" if len(same) > _MOST_NAMED else "")
        yield _warning(
            place, same[1], f"{len(same)} characters are called {shown(same[0].name)}; their keys are {keys}"
        )
    yield from _not_told(place, namesakes, "names belong to several characters")
    short = [one for one in characters if _is_short(one.prompt or one.description)]
    if short:
        verb = "is described" if len(short) == 1 else "are described"
        yield _warning(
            place,
            short[0],
            f"{_all_of(short)} {verb} in fewer than {_FEW_WORDS} words; say more, or expect anybody",
        )


def _not_told(place: Place, groups: Sequence[list[Character]], what: str) -> Iterable[str]:
    """One line for all that is left of a kind."""
    if len(groups) > _MOST_WARNED:
        yield _warning(place, groups[_MOST_WARNED][1], f"and {len(groups) - _MOST_WARNED} more {what}")


def _is_short(text: str) -> bool:
    return len(text.split()) < _FEW_WORDS and len(text) < _FEW_LETTERS


def _all_of(characters: Sequence[Character]) -> str:
    named = [shown(one.name) for one in characters[:_MOST_NAMED]]
    more = len(characters) - len(named)
    if more:
        return f"{', '.join(named)} and {more} more"
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def _warning(place: Place, one: Character, what: str) -> str:
    return str(place.at(one.line).fault(what))
