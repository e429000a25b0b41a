"""``charimg status``: every character with its picture, media id, trouble and cost."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charimg.cli import Desk, debug_option
from charimg.cli.cast import cast_options, open_cast
from charimg.cli.completion import character_names
from charimg.cli.tables import Cell, Row, printable, show_json_list, show_table

if TYPE_CHECKING:
    from charimg.gallery.cards import Card

_MARKS = {
    "pending": ("·", ""),
    "open": ("?", "yellow"),
    "saved": ("↑", "yellow"),
    "done": ("✓", "green"),
    "failed": ("✗", "red"),
    "rejected": ("✗", "red"),
    "missing": ("!", "red"),
}
"""A mark and a colour for each state; the word stands beside them, so neither is needed to understand."""
_MOST_NAMED = 12
"""Characters that a command is spelt out for."""
_MOST_ROWS = 200
"""Rows on a terminal."""
_MOST_OFFERED = 3
"""Characters whose candidates are pointed to."""
_ID_SHOWN = 14
"""Characters of a media id in the table; ``--json`` and the gallery have all of it."""


@click.command("status", short_help="Show every character: picture, media id, trouble, cost.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts: a list with one object a character.")
@click.option(
    "--only",
    metavar="NAME",
    multiple=True,
    shell_complete=character_names,
    help="Only this character, by name or key; repeatable.",
)
@cast_options
@debug_option
@click.pass_obj
def command(
    desk: Desk,
    /,
    *,
    roster: Path | None,
    as_json: bool,
    only: tuple[str, ...],
    store: str | None,
    options: tuple[str, ...],
) -> None:
    """Show every character of ROSTER: state, picture, media id, what failed and why, what was spent.

    ROSTER is by default the characters file of this folder. Nothing is changed; it may be called during a run.
    """
    from charimg.model import utc_now  # noqa: PLC0415 - --help needs no values

    cast = open_cast(desk, roster, store, options).only(only)
    now = utc_now()
    if as_json:
        present = (_data(card, in_roster=True) for card in cast.cards)
        show_json_list(chain(present, (_data(card, in_roster=False) for card in cast.former)))
        return
    _show(cast.cards, now)
    if cast.former:
        click.echo()
        _show(cast.former, now, "No longer in the roster")
    click.echo()
    charimg = ["charimg", *_folder_words(desk)]
    again, look = shlex.join([*charimg, "run", *cast.command]), shlex.join([*charimg, "log"])
    for line in _footer((*cast.cards, *cast.former), len(cast.cards), cast.run, again, look):
        click.echo(line)


def _show(cards: Sequence[Card], now: datetime, title: str = "") -> None:
    """A table of the cards. On a terminal a large cast's is cut short: what a run did not finish stays, the rest is
    counted; a pipe gets all of it."""
    shown = _most_telling(cards) if sys.stdout.isatty() else cards
    show_table(*_table(shown, now), title=title, notes=_has_notes(shown))
    if len(shown) < len(cards):
        from charimg.gallery.cards import counted  # noqa: PLC0415 - see open_cast

        kept = {card.key for card in shown}
        counts = ", ".join(
            f"{number:,} {state}" for state, number in counted(c for c in cards if c.key not in kept).items()
        )
        click.echo(f"... and {len(cards) - len(shown):,} more: {counts} (charimg status --json has all of them)")


def _most_telling(cards: Sequence[Card]) -> Sequence[Card]:
    """At most :data:`_MOST_ROWS` of the cards, in their order: those in trouble first, then those that are not done."""
    if len(cards) <= _MOST_ROWS:
        return cards
    ranks = sorted(range(len(cards)), key=lambda index: (_rank(cards[index]), index))
    return [cards[index] for index in sorted(ranks[:_MOST_ROWS])]


def _rank(card: Card) -> int:
    if card.state == "done":
        return 3 if not card.changed else 2
    return 0 if card.reason else 1


def _folder_words(desk: Desk) -> list[str]:
    return ["-C", str(desk.folder)] if desk.folder != Path.cwd() else []


def _data(card: Card, in_roster: bool) -> dict[str, Any]:
    """A card for scripts."""
    media = card.media
    return {
        "key": card.key,
        "name": card.name,
        "state": card.state,
        "image": card.path,
        "media_id": None if media is None else media.id,
        "media_kind": None if media is None else media.kind,
        "media_expires_at": None if media is None or media.expires_at is None else media.expires_at.isoformat(),
        "provider": card.provider,
        "lane": card.lane,
        "model": card.model,
        "seed": card.seed,
        "error": None if card.under_way else card.reason or None,
        "verdict": str(card.trouble.verdict) if card.trouble is not None and card.reason else None,
        "attempts": card.attempts,
        "possibly_charged": card.maybe_charged,
        "standing_at": card.standing_at,
        "spent": [{"amount": cost.amount, "currency": cost.currency, "source": cost.source} for cost in card.spent],
        "stale": card.changed,
        "roster_changed": card.changed,
        "candidates": card.candidates,
        "in_roster": in_roster,
        "updated": None if card.updated is None else card.updated.isoformat(),
    }


def _table(cards: Sequence[Card], now: datetime) -> tuple[Sequence[str], list[Row]]:
    """Titles and rows; a column that nobody has anything in is left out."""
    from charimg.gallery.cards import money  # noqa: PLC0415 - see open_cast

    titles = ("CHARACTER", "STATE", "PICTURE", "MEDIA ID", "LANE", "SPENT", "NOTE")
    rows = [
        (
            Cell(card.name),
            _state(card),
            Cell(card.path or ""),
            Cell(_media(card, now)),
            Cell(card.lane or card.provider or ""),
            Cell(money(card.spent)),
            Cell(_note(card)),
        )
        for card in cards
    ]
    kept = [index for index in range(len(titles)) if index < 3 or any(row[index].text for row in rows)]
    return [titles[index] for index in kept], [[row[index] for index in kept] for row in rows]


def _has_notes(cards: Sequence[Card]) -> bool:
    """Whether the table's last column is that of the notes."""
    return any(_note(card) for card in cards)


def _state(card: Card) -> Cell:
    mark, style = _MARKS[card.state]
    return Cell(f"{mark} {card.state}", style)


def _media(card: Card, now: datetime) -> str:
    if card.media is None:
        return ""
    text = printable(card.media.id)
    short = text if len(text) <= _ID_SHOWN else f"{text[: _ID_SHOWN - 1]}…"
    return f"{short} (expired)" if card.media.expired(now) else short


def _note(card: Card) -> str:
    notes = [card.reason] if card.reason else []
    if card.changed:
        notes.append("stale: the roster has changed since; --stale makes it again")
    if card.candidates:
        notes.append(f"{card.candidates} candidate{'' if card.candidates == 1 else 's'} to choose from")
    return "; ".join(notes)


def _footer(cards: Sequence[Card], of_roster: int, run: str | None, again: str, look: str) -> Iterator[str]:
    from charimg.gallery.cards import counted, total_spent  # noqa: PLC0415 - see open_cast

    present = cards[:of_roster]
    counts = ", ".join(f"{count} {state}" for state, count in counted(present).items())
    yield f"{of_roster} character{'' if of_roster == 1 else 's'}" + (f": {counts}" if counts else "")
    spent = " + ".join(printable(cost.with_source) for cost in total_spent(cards) if cost.amount > 0)
    if spent:
        yield f"spent: {spent}"
    doubtful = sum(card.maybe_charged for card in cards)
    if doubtful:
        yield f"{doubtful} attempt{'' if doubtful == 1 else 's'} may have been charged without leaving a picture"
    if run is not None:
        yield f"a run is under way ({printable(run)})"
        return
    yield from _next_steps(present, printable(again))
    yield from _offers(present, printable(look))


def _next_steps(present: Sequence[Card], again: str) -> Iterator[str]:
    """What to type, of those the command really does something for."""
    from charimg.gallery.cards import stopped_by  # noqa: PLC0415 - see open_cast

    contented = [card for card in present if card.earlier_stands and not card.changed]
    waiting = [card for card in present if card.state not in {"done", "rejected"} and not card.earlier_stands]
    stop = stopped_by(card for card in waiting if card.standing_at is None)
    if stop is not None:
        yield f"{stop}: {again}"
    elif waiting and all(card.standing_at is not None for card in waiting):
        yield f"{again}  fetches what is still under way"
    elif waiting and all(card.state == "open" and card.path for card in waiting):
        yield f"{again}  settles what was interrupted"
    elif waiting:
        also = "fetches what is under way and " if any(card.standing_at is not None for card in waiting) else ""
        yield f"{again}  {also}makes what is missing"
    stale = sum(card.changed for card in present)
    if stale:
        pictures = "the stale picture" if stale == 1 else f"the {stale} stale pictures"
        yield f"{again} --stale  makes {pictures} again"
    if contented:
        names = "".join(f" --only {shlex.quote(printable(card.key))}" for card in contented[:_MOST_NAMED])
        others = f"  (and {len(contented) - _MOST_NAMED} more)" if len(contented) > _MOST_NAMED else ""
        yield f"another picture in place of one that stands: {again} --force{names}{others}"


def _offers(present: Sequence[Card], look: str) -> Iterator[str]:
    """Where candidates are to choose from."""
    from charimg.ui.wording import shell_word  # noqa: PLC0415 - only where candidates are

    offered = [card for card in present if card.candidates]
    for card in offered[:_MOST_OFFERED]:
        yield f"{look} {shell_word(card.name, card.key)}  shows the candidates to choose from"
    if len(offered) > _MOST_OFFERED:
        yield f"({len(offered) - _MOST_OFFERED} more have candidates)"
