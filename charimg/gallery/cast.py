"""Reading the whole cast: roster and ledger, without changing either. What ``status`` and ``gallery`` begin with."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from charimg.errors import InputError
from charimg.gallery.cards import Card, cards_of, former_cards
from charimg.model import Roster
from charimg.settings import Options
from charimg.workplace import Workplace


@dataclass(frozen=True)
class Cast:
    """Everybody, as they stand."""

    roster: Roster
    cards: tuple[Card, ...]
    """The characters of the roster, in its order."""
    former: tuple[Card, ...]
    """Those the ledger knows and the roster no longer has."""

    @property
    def title(self) -> str:
        """The roster's title, or what to call a cast without one."""
        return self.roster.title or "Characters"

    def only(self, names: Sequence[str]) -> Cast:
        """The part of the cast with these names or keys, however they are capitalised; everybody for no names.

        Raises:
            InputError: nobody has one of the names.
        """
        if not names:
            return self
        by_word: dict[str, set[str]] = {}
        for card in (*self.cards, *self.former):
            for word in (card.name, card.key):
                by_word.setdefault(_folded(word), set()).add(card.key)
        wanted: set[str] = set()
        for name in names:
            if _folded(name) not in by_word:
                close = get_close_matches(_folded(name), by_word, 1)
                everybody = (*self.cards, *self.former)
                near = next((card.name for card in everybody if close and card.key in by_word[close[0]]), None)
                hint = f"did you mean '{near}'?" if near else "leave it out to see everybody"
                raise InputError(f"--only: there is no '{name}' in {self.roster.path.name}; {hint}")
            wanted |= by_word[_folded(name)]
        return replace(
            self,
            cards=tuple(card for card in self.cards if card.key in wanted),
            former=tuple(card for card in self.former if card.key in wanted),
        )


def _folded(word: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", word).casefold().split())


async def read_cast(workplace: Workplace, roster: Roster, options: Options | None = None) -> Cast:
    """The cast of *roster* as the workplace's store knows it. Nothing is created or changed.

    Raises:
        PluginError: the store cannot be had.
        StorageError: the ledger cannot be read.
    """
    async with workplace.open_store(read_only=True, options=options) as store:
        jobs = await store.jobs()
        lost = Counter(attempt.key for attempt in await store.lost_attempts())
    project = workplace.project
    return Cast(
        roster,
        tuple(cards_of(roster, jobs, project, lost)),
        tuple(former_cards(roster, jobs, project, lost)),
    )
