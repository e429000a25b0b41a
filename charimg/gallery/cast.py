"""Reading the whole cast: roster and ledger, without changing either. What ``status`` and ``gallery`` begin with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from charimg.choosing import all_waiting
from charimg.errors import InputError
from charimg.gallery.cards import Card, cards_of, during_a_run, former_cards
from charimg.model import Roster
from charimg.roster import find_roster, keys_asked_for
from charimg.settings import Options
from charimg.workplace import Workplace


@dataclass(frozen=True)
class Cast:
    """Everybody, as they stand."""

    # None of these is in the repr: asyncio makes one of what a finished task returned, of however many characters.
    roster: Roster = field(repr=False)
    cards: tuple[Card, ...] = field(repr=False)
    """The characters of the roster, in its order."""
    former: tuple[Card, ...] = field(repr=False)
    """Those the ledger knows and the roster no longer has."""
    command: tuple[str, ...] = ()
    """What makes whatever is missing, after ``charimg run``: as the last run here had it, if it was of this roster."""
    run: str | None = None
    """The run that is at work on the project at this moment, for people; ``None`` if there is none."""

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
        wanted = keys_asked_for(names, (*self.cards, *self.former), self.roster.path.name)
        return replace(
            self,
            cards=tuple(card for card in self.cards if card.key in wanted),
            former=tuple(card for card in self.former if card.key in wanted),
        )


async def roster_to_show(workplace: Workplace, options: Options | None = None) -> Path:
    """The roster a command that only looks means when none is named: the folder's, else that of the last run here.

    Raises:
        InputError: the folder has none or several, and no run tells which.
        StorageError: the ledger cannot be read.
    """
    try:
        return find_roster(workplace.project.folder)
    except InputError:
        async with workplace.open_store(read_only=True, options=options) as store:
            plan = await store.last_plan()
        last = Path(str(plan["roster"])) if plan and "roster" in plan else None
        if last is None or not last.is_file():
            raise
        return last


async def read_cast(workplace: Workplace, roster: Roster, options: Options | None = None) -> Cast:
    """The cast of *roster* as the workplace's store knows it. Nothing is created or changed.

    Raises:
        PluginError: the store cannot be had.
        StorageError: the ledger cannot be read.
    """
    async with workplace.open_store(read_only=True, options=options) as store:
        jobs = await store.jobs()
        plan = await store.last_plan()
        free = free_lanes(plan)
        waiting = await all_waiting(store, jobs)
        lost = Counter(attempt.key for attempt in await store.lost_attempts() if attempt.lane not in free)
    project = workplace.project
    cards = cards_of(roster, jobs, project, lost, free, waiting=waiting)
    run = project.lock_holder()
    return Cast(
        roster,
        tuple(cards if run is None else during_a_run(cards)),
        tuple(former_cards(roster, jobs, project, lost, free)),
        _command(plan, roster, project.folder),
        run,
    )


def free_lanes(plan: dict[str, object] | None) -> frozenset[str]:
    """The lanes where nothing is charged, as far as the last run had them."""
    facts = plan.get("lane_facts") if plan else None
    lanes = [lane for lane in facts if isinstance(lane, dict)] if isinstance(facts, (list, tuple)) else []
    return frozenset(str(lane.get("name")) for lane in lanes if lane.get("free"))


def _command(plan: dict[str, object] | None, roster: Roster, folder: Path) -> tuple[str, ...]:
    path = roster.path.absolute()
    words = plan.get("command") if plan else None
    if plan and plan.get("roster") == str(path) and isinstance(words, (list, tuple)):
        return tuple(str(word) for word in words)
    with suppress(InputError):
        if find_roster(folder).absolute() == path:
            return ()
    return (str(path.relative_to(folder) if path.is_relative_to(folder) else path),)
