"""Which characters ``--only`` means: by name or key, however they are capitalised and spaced."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Protocol

from charimg.errors import InputError

MOST_NAMED = 3
"""Characters that are offered for a name that is nobody's."""


class Named(Protocol):
    """Anything with a key and a name: a character, a card, a record."""

    @property
    def key(self) -> str:
        """Unique."""

    @property
    def name(self) -> str:
        """As the user wrote it."""


def keys_asked_for(asked: Sequence[str], everybody: Iterable[Named], where: str) -> frozenset[str]:
    """The keys of those whose name or key is in *asked*; a name that several have means all of them.

    :param where: what *everybody* is, for the message: a roster's file name.
    :raises InputError: one of the names is nobody's.
    """
    by_word: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for one in everybody:
        for word in (one.name, one.key):
            by_word[_folded(word)][one.key] = one.name
    keys: set[str] = set()
    for name in asked:
        found = by_word.get(_folded(name))
        if found is None:
            raise InputError(f"--only: there is no '{name}' in {where}; {_hint(_folded(name), by_word)}")
        keys |= found.keys()
    return frozenset(keys)


def _hint(asked: str, by_word: Mapping[str, Mapping[str, str]]) -> str:
    """Whom the user may have meant: those whose name begins so, else the one whose name is nearest."""
    begun = [name for word, named in by_word.items() if word.startswith(asked) for name in named.values()]
    close = get_close_matches(asked, by_word, 1)
    near = list(dict.fromkeys(begun)) or (list(by_word[close[0]].values())[:1] if close else [])
    if not near:
        return "'charimg status' shows everybody"
    shown = [f"'{name}'" for name in near[:MOST_NAMED]]
    more = "" if len(near) <= MOST_NAMED else ", and others"
    return f"did you mean {' or '.join(shown)}{more}?"


def _folded(word: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", word).casefold().split())
