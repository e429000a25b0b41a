"""A roster written anew from what pictures say of their making, so that each entry asks for the very same picture.

What a picture says is more than a roster would: the prompt it holds has the style in it, and its seed may be the
service's own choice. Which of it the roster said is found by trying: the right entry has the fingerprint that the
picture tells. Pure; every text is a stranger's and is held against the reader's own bounds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from charimg.errors import InputError
from charimg.model import DEFAULT_ASPECT_RATIO, Character, Roster
from charimg.roster import fields
from charimg.roster.keys import key_fault, twin_of
from charimg.roster.prompts import request_for
from charimg.roster.tree import Place, Scalar

HEAD = """\
# Written by charimg adopt from what the pictures say of themselves. It is yours: change what you like.
# Where style stood around a description, the whole text stands under 'prompt' and the description is for you.
"""


@dataclass(frozen=True)
class Saying:
    """What one picture says of its making."""

    description: str = ""
    prompt: str = ""
    negative: str | None = None
    seed: int | None = None
    """As it was used, whoever chose it."""
    aspect_ratio: str = ""


@dataclass(frozen=True)
class Remembered:
    """What is known of one character."""

    key: str
    name: str
    asked: str
    """Fingerprint of what its current picture was made from."""
    sayings: tuple[Saying, ...]
    """Of its pictures, the current one first."""


@dataclass(frozen=True)
class WrittenRoster:
    """A roster as text."""

    text: str
    count: int
    """Characters in it."""
    inexact: tuple[str, ...]
    """Names of those whose entry may ask for something else than the picture was made from."""
    left_out: tuple[str, ...]
    """Keys that a roster cannot hold beside the others."""


def written_roster(characters: Iterable[Remembered]) -> WrittenRoster:
    """The roster of these characters, in their order."""
    taken: set[str] = set()
    entries: list[Character] = []
    inexact: list[str] = []
    left_out: list[str] = []
    for one in characters:
        if key_fault(one.key) is not None or twin_of(one.key) in taken:
            left_out.append(one.key)
            continue
        taken.add(twin_of(one.key))
        character, exact = entry_for(one)
        entries.append(character)
        if not exact:
            inexact.append(character.name)
    return WrittenRoster(_text(entries), len(entries), tuple(inexact), tuple(left_out))


def entry_for(one: Remembered) -> tuple[Character, bool]:
    """The entry of a character, and whether it asks for the very picture that is there."""
    name = _sound(one.name, fields.MAX_NAME) or one.key
    name = " ".join(name.split()) if name != "~" else one.key
    seeds = list(dict.fromkeys([None, *(_seed(said.seed) for said in one.sayings)]))
    for said in one.sayings:
        for seed in seeds:
            for entry in _entries(one.key, name, said, seed):
                if request_for(_alone(entry), entry).fingerprint == one.asked:
                    return entry, True
    for said in one.sayings:
        for entry in _entries(one.key, name, said, None):
            return entry, False
    return Character(key=one.key, name=name, description=name), False


def _entries(key: str, name: str, said: Saying, seed: int | None) -> Iterator[Character]:
    """What the roster may have said, the simplest first."""
    description, prompt = _sound(said.description), _sound(said.prompt)
    plain = Character(
        key=key,
        name=name,
        description=description or prompt,
        negative=_sound(said.negative or "") or None,
        seed=seed,
        aspect_ratio=_ratio(said.aspect_ratio),
    )
    if description and (not prompt or prompt == description):
        yield plain
    if prompt:
        yield replace(plain, prompt=prompt)
    if description and prompt and prompt != description:
        yield plain  # a plugin may have worked on the prompt


def _alone(entry: Character) -> Roster:
    return Roster(Path(), (entry,))


def _sound(text: str, most: int = fields.MAX_TEXT) -> str:
    """The text as a roster would be read with it; empty where it can hold no such text."""
    try:
        return fields.text(Scalar(text), Place(""), most) or ""
    except InputError:
        return ""


def _seed(seed: int | None) -> int | None:
    return seed if seed is not None and 0 <= seed <= fields.MAX_SEED else None


def _ratio(written: str) -> str | None:
    try:
        return fields.aspect_ratio(Scalar(written), Place(""))
    except InputError:
        return None


def _text(entries: Sequence[Character]) -> str:
    import yaml  # noqa: PLC0415 - only a roster that is written needs it

    ratios = Counter(entry.aspect_ratio or DEFAULT_ASPECT_RATIO for entry in entries)
    usual = ratios.most_common(1)[0][0] if ratios else DEFAULT_ASPECT_RATIO
    tree: dict[str, object] = {} if usual == DEFAULT_ASPECT_RATIO else {"aspect_ratio": usual}
    tree["characters"] = [_tree(entry, usual) for entry in entries]
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    body: str = yaml.dump(tree, Dumper=dumper, allow_unicode=True, sort_keys=False, width=110)
    return f"{HEAD}{body}"


def _tree(entry: Character, usual: str) -> Mapping[str, object]:
    ratio = entry.aspect_ratio or DEFAULT_ASPECT_RATIO
    told: dict[str, object] = {
        "name": entry.name,
        "key": entry.key,
        "description": entry.description if entry.description != entry.prompt else None,
        "prompt": entry.prompt,
        "negative": entry.negative,
        "seed": entry.seed,
        "aspect_ratio": None if ratio == usual else ratio,
    }
    return {name: value for name, value in told.items() if value is not None}
