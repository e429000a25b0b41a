"""The common tree to the values of a roster: which shapes a cast may have, and what each field means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from charimg.model import Character, ReferenceKind, Style
from charimg.roster import fields
from charimg.roster.keys import KeyFaultError, fold, make_keys
from charimg.roster.tree import Entry, Listing, Mapping, Node, Place, Scalar, shown

T = TypeVar("T")

MAX_CHARACTERS = 100_000
"""Most characters in one roster."""

_ROSTER = fields.Names(
    {"title": (), "style": (), "aspect_ratio": (), "characters": ("detected_characters",)},
    ignored=("scene_character_map", "locations", "frames"),
)
_STYLE = fields.Names({"prefix": (), "suffix": (), "negative": (), "references": ()})
CHARACTER = fields.Names(
    {
        "name": (),
        "description": ("full_description", "visual_description"),
        "key": ("id",),
        "outfit": (),
        "prompt": (),
        "negative": (),
        "seed": (),
        "aspect_ratio": (),
        "references": (),
        "tags": (),
    },
    # What other tools keep beside a character: their scenes, and where their own pictures are.
    ignored=(
        *(
            "scenes",
            "appears_in_scenes",
            "reference_image_path",
            "reference_media_id",
            "is_generating",
            "images",
        ),
        *("key_path", "use_auto_ref", "size_index", "size_reference", "whisk_media_id", "whisk_caption"),
    ),
)
"""The fields of a character; in a table, the names of its columns."""


@dataclass(frozen=True)
class Cast:
    """All that a roster file says."""

    title: str | None
    style: Style
    aspect_ratio: str | None
    characters: tuple[Character, ...]


def read_cast(tree: Node, place: Place, folder: Path) -> Cast:
    """What *tree* says; references are looked for in *folder*.

    Raises:
        InputError: at the first thing that is wrong, with its line and field.
    """
    pictures = fields.Pictures(folder)
    if isinstance(tree, Scalar):
        raise place.at(tree.line).fault(f"expected a list of characters, {fields.found(tree)}; {_WRITE}")
    if isinstance(tree, Listing) or not _is_roster(tree):
        return Cast(None, Style(), None, _characters(tree, place, pictures))
    found = _ROSTER.read(tree, place)
    if "characters" not in found:
        raise place.at(tree.line).fault(f"there is no list 'characters'; {_WRITE}")
    where = {name: place.at(entry.line, entry.name) for name, entry in found.items()}
    title = _optional(found, where, "title", fields.line_of)
    ratio = _optional(found, where, "aspect_ratio", fields.aspect_ratio)
    style = _style(found["style"].value, where["style"], pictures) if "style" in found else Style()
    members = found["characters"].value
    if isinstance(members, Scalar):
        raise where["characters"].fault(f"expected a list, {fields.found(members)}; {_WRITE}")
    return Cast(title, style, ratio, _characters(members, where["characters"], pictures))


_WRITE = "list the characters, each with a 'name' and a 'description'"


def _is_roster(tree: Mapping) -> bool:
    """Whether a mapping is a whole roster; otherwise each of its entries is a character under its name."""
    return any(_ROSTER.known(entry.name) for entry in tree.entries) or any(
        isinstance(entry.value, Listing) for entry in tree.entries
    )


def _style(node: Node, place: Place, pictures: fields.Pictures) -> Style:
    if isinstance(node, Scalar):
        return Style(prefix=fields.text(node, place) or "")
    if isinstance(node, Listing):
        raise place.fault("expected a text or a mapping, found a list; write 'prefix:' and 'suffix:' below it")
    found = _STYLE.read(node, place)
    where = {name: place.at(entry.line, f"{place.field}.{entry.name}") for name, entry in found.items()}
    references = found.get("references")
    return Style(
        prefix=_optional(found, where, "prefix", fields.text) or "",
        suffix=_optional(found, where, "suffix", fields.text) or "",
        negative=_optional(found, where, "negative", fields.text),
        references=pictures.read(references.value, where["references"], ReferenceKind.STYLE) if references else (),
    )


def _characters(tree: Listing | Mapping, place: Place, pictures: fields.Pictures) -> tuple[Character, ...]:
    count = len(tree.items) if isinstance(tree, Listing) else len(tree.entries)
    if not count:
        raise place.at(tree.line).fault(f"there are no characters; {_WRITE}")
    if count > MAX_CHARACTERS:
        raise place.at(tree.line).fault(
            f"there are {count:,} characters; a roster has at most {MAX_CHARACTERS:,}: split the cast"
        )
    if isinstance(tree, Mapping):
        if {"name", "description"} <= {entry.name.lower() for entry in tree.entries}:
            raise place.at(tree.line).fault("a character stands where the list belongs; begin it with '- name: ...'")
        pairs: list[tuple[Node, Entry | None]] = [(entry.value, entry) for entry in tree.entries]
    else:
        pairs = [_unnamed(item) for item in tree.items]
    places = [place.at(node.line, f"characters[{index}]") for index, (node, _) in enumerate(pairs, 1)]
    read = [_character(node, named, here, pictures) for (node, named), here in zip(pairs, places, strict=True)]
    try:
        keys = make_keys([one.name for one in read], [one.key or None for one in read])
    except KeyFaultError as fault:
        here = places[fault.index]
        raise here.at(None, f"{here.field}.key").fault(f"{shown(read[fault.index].key)} {fault}") from None
    return tuple(replace(one, key=key) for one, key in zip(read, keys, strict=True))


def _unnamed(item: Node) -> tuple[Node, Entry | None]:
    """An item of the list, with its name apart where it is written ``Name: description``."""
    if isinstance(item, Mapping) and len(item.entries) == 1 and not CHARACTER.known(item.entries[0].name):
        return item.entries[0].value, item.entries[0]
    if isinstance(item, Scalar) and not item.null:
        name, colon, description = item.text.replace("：", ":").partition(":")
        if colon:
            return Scalar(description, item.line), Entry(name, item, item.line)
    return item, None


def _character(node: Node, named: Entry | None, place: Place, pictures: fields.Pictures) -> Character:
    """One character, its key still the user's own or empty."""
    if named is not None and isinstance(node, Scalar):
        described = fields.text(node, place.at(named.line, f"{place.field}.description"))
        found: dict[str, Entry] = {}
    elif isinstance(node, Mapping):
        found, described = CHARACTER.read(node, place), None
    else:
        raise place.fault(f"expected a character, {fields.found(node)}; {_WRITE}")
    where = {name: place.at(entry.line, f"{place.field}.{entry.name}") for name, entry in found.items()}
    prompt = _optional(found, where, "prompt", fields.text)
    described = described or _optional(found, where, "description", fields.text) or prompt
    name = _name(found, named, place)
    if described is None:
        at = where.get("description", place.at(None, f"{place.field}.description"))
        raise at.fault(f"{shown(name)} has no description; say in some words how the character looks")
    outfit = _optional(found, where, "outfit", fields.line_of)
    if outfit and fold(outfit) not in fold(name):
        name = f"{name} ({outfit})"
    references = found.get("references")
    tags = found.get("tags")
    return Character(
        key=_key(found, where),
        name=name,
        description=described,
        prompt=prompt,
        negative=_optional(found, where, "negative", fields.text),
        seed=_optional(found, where, "seed", fields.seed),
        aspect_ratio=_optional(found, where, "aspect_ratio", fields.aspect_ratio),
        references=pictures.read(references.value, where["references"], ReferenceKind.SUBJECT) if references else (),
        tags=fields.tags(tags.value, where["tags"]) if tags else (),
        line=named.line if named else node.line,
    )


def _name(found: dict[str, Entry], named: Entry | None, place: Place) -> str:
    """The name: before the colon, or in its field, where even ``null`` and ``no`` are names as good as others."""
    own = found.get("name")
    at = place.at(own.line if own else None, f"{place.field}.name")
    if named is not None and own is not None:
        raise at.fault(f"this character is already called {shown(named.name)}; keep one name")
    node = own.value if own else Scalar(named.name if named else "")
    if isinstance(node, Scalar) and node.text != "~":
        name = fields.line_of(Scalar(node.text, node.line), at)
        if name:
            return name
    elif not isinstance(node, Scalar):
        raise at.fault(f"expected a text, {fields.found(node)}; put the name after 'name:'")
    raise at.fault("a character has no name; put one after 'name:'")


def _key(found: dict[str, Entry], where: dict[str, Place]) -> str:
    return _optional(found, where, "key", fields.line_of) or ""


def _optional(
    found: dict[str, Entry], where: dict[str, Place], name: str, read: Callable[[Node, Place], T | None]
) -> T | None:
    entry = found.get(name)
    return None if entry is None else read(entry.value, where[name])
