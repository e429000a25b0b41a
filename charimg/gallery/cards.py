"""Cards: what is known of every character, from the roster and the ledger. Pure but for looking whether files exist."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from charimg.contracts.store import JobRecord, JobState, Trouble
from charimg.model import Cost, MediaReference, Roster, Verdict
from charimg.plan import is_stale
from charimg.project import Project
from charimg.roster import request_for

MISSING = "missing"
"""The state of a character whose picture was recorded, and whose file is gone."""

STATES = (*(str(state) for state in JobState), MISSING)
"""Every state a card can have."""


@dataclass(frozen=True, slots=True)
class Card:
    """One character, as it is shown."""

    key: str
    name: str
    state: str
    """A :class:`JobState`'s value, or :data:`MISSING`."""
    description: str = ""
    tags: tuple[str, ...] = ()
    prompt: str = ""
    """As it was sent; before any attempt, as it would be sent."""
    picture: Path | None = None
    """The file, absolute; only where it exists."""
    path: str | None = None
    """The file as the ledger has it, whether it exists or not."""
    media: MediaReference | None = None
    provider: str | None = None
    lane: str | None = None
    """The lane of the last attempt."""
    model: str | None = None
    seed: int | None = None
    spent: tuple[Cost, ...] = ()
    trouble: Trouble | None = None
    attempts: int = 0
    maybe_charged: int = 0
    """Attempts that may have been charged without leaving a picture."""
    left_open: int = 0
    """How many of these are in doubt only because their end was never recorded."""
    standing_at: str | None = None
    """The lane at whose service it is still under way: accepted there, and the next run asks for the result."""
    under_way: bool = False
    """A run is at work on it at this moment."""
    changed: bool = False
    """The picture is stale: the roster asks for something else than it was made from."""
    candidates: int = 0
    """Pictures that were made to choose from, and nobody has chosen yet."""
    updated: datetime | None = None

    @property
    def reason(self) -> str:
        """Why there is no finished picture, in one line; empty where nothing is amiss."""
        if self.state == MISSING:
            return "the file of the picture is gone; the next run makes it again"
        if self.under_way:
            return "a run is making it now"
        if self.standing_at is not None:
            there = f"still under way at {self.standing_at}; the next run fetches it"
            return there if self.trouble is None else f"{self.trouble.message}; {there}"
        if self.state == JobState.OPEN and self.trouble is not None:
            return self.trouble.message
        if self.state == JobState.OPEN:
            charged = "; the picture may have been charged" if self.maybe_charged else ""
            return f"a run was interrupted here{charged}"
        if self.trouble is not None and self.state != JobState.DONE:
            return (
                f"{self.trouble.message}; the earlier picture stands" if self.earlier_stands else self.trouble.message
            )
        return ""

    @property
    def earlier_stands(self) -> bool:
        """Another picture was asked for and refused; a run is content with the one that is there, but for ``--force``.

        As :func:`charimg.plan.make_plan` has it.
        """
        refused = self.trouble is not None and self.trouble.verdict is Verdict.INVALID
        return self.state == JobState.FAILED and refused and self.picture is not None and not self._upload_failed

    @property
    def _upload_failed(self) -> bool:
        return self.trouble is not None and self.trouble.stage == "upload"


def cards_of(
    roster: Roster,
    jobs: Mapping[str, JobRecord],
    project: Project,
    lost: Mapping[str, int] | None = None,
    free: Collection[str] = (),
    *,
    waiting: Mapping[str, int] | None = None,
) -> list[Card]:
    """A card for every character of the roster, in its order.

    :param jobs: the ledger, as :meth:`charimg.contracts.Store.jobs` gives it.
    :param lost: how many attempts of a key may have been charged without a picture.
    :param free: lanes where nothing is charged.
    :param waiting: how many candidates of a key wait to be chosen among.
    """
    cards = []
    for character in roster.characters:
        request = request_for(roster, character)
        record = jobs.get(character.key) or JobRecord(character.key, character.name)
        card = _card(record, project, (lost or {}).get(character.key, 0), free, request.fingerprint)
        cards.append(
            replace(
                card,
                name=character.name,
                description=character.description,
                tags=character.tags,
                prompt=card.prompt or request.prompt,
                seed=character.seed if card.seed is None else card.seed,
                changed=card.picture is not None and is_stale(record, request),
                candidates=(waiting or {}).get(character.key, 0),
            )
        )
    return cards


def former_cards(
    roster: Roster,
    jobs: Mapping[str, JobRecord],
    project: Project,
    lost: Mapping[str, int] | None = None,
    free: Collection[str] = (),
) -> list[Card]:
    """A card for everyone in the ledger who is no longer in the roster, by name; see :func:`cards_of`."""
    present = {character.key for character in roster.characters}
    gone = (record for key, record in jobs.items() if key not in present)
    cards = (_card(record, project, (lost or {}).get(record.key, 0), free) for record in gone)
    return sorted(cards, key=lambda card: (card.name, card.key))


def _card(record: JobRecord, project: Project, lost: int, free: Collection[str], asked: str | None = None) -> Card:
    """:param asked: what the roster asks for: only an attempt at that is asked for again, and any other is doubtful."""
    standing = [attempt for attempt in record.open_attempts if attempt.ticket and attempt.asked == asked]
    doubtful = [attempt for attempt in record.open_attempts if attempt not in standing and attempt.lane not in free]
    file = None if record.picture is None else project.found(record.picture.path)
    exists = file is not None and file.is_file()
    gone = file is not None and not exists and record.state in {JobState.SAVED, JobState.DONE}
    picture = record.picture
    return Card(
        key=record.key,
        name=record.name,
        state=MISSING if gone else str(record.state),
        prompt=record.prompt or "",
        picture=file if exists else None,
        path=None if picture is None else picture.path,
        media=record.media or (None if picture is None else picture.media),
        provider=record.provider,
        lane=record.lane,
        model=None if picture is None else picture.model,
        seed=None if picture is None else picture.seed,
        spent=record.spent,
        trouble=record.trouble,
        attempts=record.attempts,
        maybe_charged=lost + len(doubtful),
        left_open=len(doubtful),
        standing_at=standing[-1].lane if standing else None,
        updated=record.updated,
    )


def during_a_run(cards: Iterable[Card]) -> list[Card]:
    """The cards as they stand while a run holds the project: what is open is being made, not left behind."""
    return [
        replace(card, under_way=True, standing_at=None, maybe_charged=card.maybe_charged - card.left_open, left_open=0)
        if card.state == JobState.OPEN
        else card
        for card in cards
    ]


def counted(cards: Iterable[Card]) -> dict[str, int]:
    """How many cards there are of each state, in the order of :data:`STATES`; states nobody has are left out."""
    found = Counter(card.state for card in cards)
    return {state: found[state] for state in STATES if found[state]}


def total_spent(cards: Iterable[Card]) -> tuple[Cost, ...]:
    """What all the cards cost together, by currency and source."""
    sums: defaultdict[tuple[str, str], float] = defaultdict(float)
    for card in cards:
        for cost in card.spent:
            sums[cost.currency, cost.source] += cost.amount
    return tuple(Cost(amount, currency, source) for (currency, source), amount in sums.items())


def money(costs: Sequence[Cost]) -> str:
    """Costs for people: ``"0.08 USD"``, with ``about`` where the service did not say so itself; empty for nothing."""
    return " + ".join(str(cost) for cost in costs if cost.amount > 0)


def stopped_by(cards: Iterable[Card]) -> str | None:
    """What keeps some of the cards from their pictures where running again later is enough, in words; ``None`` where
    nothing of the kind does."""
    met = [card.trouble for card in cards if card.trouble is not None]
    if any(trouble.verdict is Verdict.EXHAUSTED for trouble in met):
        return "a quota is used up for some of them; when it is back"
    busy = [trouble for trouble in met if trouble.verdict is Verdict.THROTTLED]
    if not busy:
        return None
    if all(trouble.unreachable for trouble in busy):
        return "a service could not be reached for some of them; when it is there"
    return "a service was too busy for some of them; later"
