"""Which characters ``--only`` means: by name or key, however they are capitalised and spaced."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Protocol

from charimg.errors import InputError


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
            close = get_close_matches(_folded(name), by_word, 1)
            near = next(iter(by_word[close[0]].values())) if close else None
            hint = f"did you mean '{near}'?" if near else "'charimg status' shows everybody"
            raise InputError(f"--only: there is no '{name}' in {where}; {hint}")
        keys |= found.keys()
    return frozenset(keys)


def _folded(word: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", word).casefold().split())
