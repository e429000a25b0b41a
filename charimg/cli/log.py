"""``charimg log NAME``: everything that was tried for one character, and which picture is the current one."""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import click

from charimg.cli import Desk, debug_option
from charimg.cli.completion import character_names
from charimg.cli.meant import (
    Meant,
    character_meant,
    command_for,
    ledger_options,
    roster_at_hand,
    run_line,
    workplace_of,
)
from charimg.cli.tables import Cell, printable, show_json, show_table

if TYPE_CHECKING:
    from datetime import datetime

    from charimg.contracts import Attempt, AttemptRecord, Choice, JobRecord, PictureRecord, Store
    from charimg.project import Project
    from charimg.settings import Options
    from charimg.workplace import Workplace

_STYLES = {
    "current": "green",
    "candidate": "yellow",
    "under way": "yellow",
    "interrupted": "yellow",
    "lost": "red",
    "missing": "red",
}
_TITLES = ("WHEN", "LANE", "MODEL", "SEED", "COST", "NO.", "STATE", "PICTURE", "NOTE")
_ALWAYS = {"WHEN", "LANE", "NO.", "STATE"}


@click.command("log", short_help="Show everything that was tried for one character.")
@click.argument("name", shell_complete=character_names)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@ledger_options
@debug_option
@click.pass_obj
def command(desk: Desk, /, *, name: str, as_json: bool, store: str | None, options: tuple[str, ...]) -> None:
    """Show every attempt at a picture of the character NAME (a name or key), oldest first, and what came of it.

    The numbers under NO. are those that "charimg pick NAME N" takes. Characters that are no longer in the roster
    are found as well. Nothing is changed; it may be called during a run.
    """
    workplace, given = workplace_of(desk, store, options)
    past = asyncio.run(_read(desk, workplace, given, name))
    if as_json:
        show_json(_data(past))
        return
    if not past.attempts:
        click.echo(f"{printable(past.meant.name)}: nothing was tried yet; {printable(past.run)}  makes a picture")
        return
    titles, rows = _table(past)
    titles, rows, common = _narrowed(titles, rows, get_terminal_size().columns if sys.stdout.isatty() else None)
    show_table(titles, rows, title=_title(past) + common, notes=any(entry.note for entry in _entries(past)))
    click.echo()
    for line in _footer(past, desk):
        click.echo(line)


@dataclass(frozen=True)
class _Past:
    """All that the ledger tells of one character."""

    meant: Meant
    record: JobRecord | None
    attempts: tuple[AttemptRecord, ...]
    choices: tuple[Choice, ...]
    stale: bool
    """The roster asks for something else than the current picture was made from."""
    project: Project
    running: bool
    """A run is at work on the project."""
    run: str
    """The command that goes on as the last run did."""
    free: frozenset[str] = frozenset()
    """Lanes where nothing is charged."""

    def doubt(self, attempt: Attempt) -> str:
        """What an attempt that left no picture may have cost, behind other words; nothing where nothing is charged."""
        return "" if attempt.lane in self.free else "; may have been charged"

    @property
    def current(self) -> PictureRecord | None:
        """The current picture."""
        return None if self.record is None else self.record.picture

    def has_file(self, picture: PictureRecord) -> bool:
        """Whether the file of a version is there."""
        from charimg.choosing import is_there, versions_of  # noqa: PLC0415 - --help chooses nothing
        from charimg.disk import Disk  # noqa: PLC0415 - likewise

        versions = () if self.record is None else versions_of(self.record)
        return is_there(picture, versions, self.project, Disk())

    @property
    def only_found(self) -> bool:
        """Whether all its pictures, of several, were found on disk rather than received: told once, then."""
        pictures = [picture for one in self.attempts for picture in one.pictures]
        return len(pictures) > 1 and all(picture.adopted for picture in pictures)

    @property
    def waiting(self) -> tuple[PictureRecord, ...]:
        """Candidates nobody has chosen among yet."""
        from charimg.choosing import candidates_waiting  # noqa: PLC0415 - --help chooses nothing

        return candidates_waiting(self.attempts, self.choices)

    @property
    def picked(self) -> Choice | None:
        """The choice that made the current picture current, where it was a pick."""
        last = self.choices[-1] if self.choices else None
        if last is None or self.current is None or last.version != self.current.version:
            return None
        made = next((one for one in self.attempts if one.attempt.id == self.current.attempt), None)
        return None if made is not None and made.attempt.run == last.operation else last


async def _read(desk: Desk, workplace: Workplace, options: Options, name: str) -> _Past:
    from charimg.gallery.cast import free_lanes  # noqa: PLC0415 - --help reads no ledger

    async with workplace.open_store(read_only=True, options=options) as store:
        meant = await character_meant(workplace, store, name)
        record = await store.job(meant.key)
        return _Past(
            meant,
            record,
            await store.history(meant.key),
            await store.choices(meant.key),
            record is not None and await _is_stale(workplace, store, record),
            workplace.project,
            workplace.project.lock_holder() is not None,
            await run_line(desk, store),
            free_lanes(await store.last_plan()),
        )


async def _is_stale(workplace: Workplace, store: Store, record: JobRecord) -> bool:
    from charimg.plan import is_stale  # noqa: PLC0415 - --help plans nothing
    from charimg.roster import request_for  # noqa: PLC0415 - likewise

    roster = await roster_at_hand(workplace, store)
    character = next((one for one in roster.characters if one.key == record.key), None) if roster else None
    return roster is not None and character is not None and is_stale(record, request_for(roster, character))


# -- what is shown ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Entry:
    """One line: an attempt, or one of several pictures it left."""

    number: int
    one: AttemptRecord
    picture: PictureRecord | None
    state: str
    note: str


def _entries(past: _Past) -> Iterator[_Entry]:
    waiting = {picture.version for picture in past.waiting}
    chosen = {choice.version for choice in past.choices}
    for number, one in enumerate(past.attempts, 1):
        for picture in one.pictures:
            yield _Entry(number, one, picture, _state(past, one, picture, waiting, chosen), _note(past, one, picture))
        if not one.pictures:
            yield _Entry(number, one, None, *_without_picture(past, one))


def _state(past: _Past, one: AttemptRecord, picture: PictureRecord, waiting: set[int], chosen: set[int]) -> str:
    if past.current is not None and picture.version == past.current.version:
        return "current"
    if not past.has_file(picture):
        return "missing"
    if picture.version in waiting:
        return "candidate"
    if not one.attempt.candidate and picture.version not in chosen and picture is one.pictures[-1]:
        return "undone"
    return "earlier" if picture.version in chosen else "not chosen"


def _note(past: _Past, one: AttemptRecord, picture: PictureRecord) -> str:
    notes = []
    if past.current is not None and picture.version == past.current.version:
        if past.stale:
            notes.append("the roster has changed since")
        if not past.has_file(picture):
            notes.append("the file of the current picture is gone")
    if picture.adopted and not past.only_found:
        notes.append("found on disk rather than received")
    if picture is not one.pictures[-1]:
        notes.append("as it came; a plugin worked on it")
    return "; ".join(notes)


def _without_picture(past: _Past, one: AttemptRecord) -> tuple[str, str]:
    if one.state == "lost":
        return "lost", f"no answer came{past.doubt(one.attempt)}"
    if one.state == "open":
        if past.running:
            return "under way", ""
        if one.attempt.ticket:
            return "under way", f"accepted by {one.attempt.provider}; the next run fetches it"
        return "interrupted", f"the next run looks for its picture{past.doubt(one.attempt)}"
    if one.trouble is None:
        return "no picture", ""
    charged = past.doubt(one.attempt) if one.trouble.possibly_charged else ""
    return str(one.trouble.verdict), f"{one.trouble.message}{charged}"


def _title(past: _Past) -> str:
    meant, folder = past.meant, _folder(past)
    former = "" if meant.in_roster else ", no longer in the roster"
    return f"{meant.name} ({meant.key}{former})" + (f", pictures in {folder}" if folder else "")


def _folder(past: _Past) -> str:
    """The folder that all the versions are in, as the ledger has it, with its ``/``; empty where there are several."""
    folders = {picture.path.replace("\\", "/").rpartition("/")[0] for one in past.attempts for picture in one.pictures}
    return f"{folders.pop()}/" if len(folders) == 1 and "" not in folders else ""


_Rows = list[list[Cell]]


def _table(past: _Past) -> tuple[list[str], _Rows]:
    folder = _folder(past)
    rows = [_row(entry, folder) for entry in _entries(past)]
    kept = [index for index, title in enumerate(_TITLES) if title in _ALWAYS or any(row[index].text for row in rows)]
    return [_TITLES[index] for index in kept], [[row[index] for index in kept] for row in rows]


def _narrowed(titles: list[str], rows: _Rows, width: int | None) -> tuple[list[str], _Rows, str]:
    """The table without columns that say the same in every row, where it is too wide otherwise; and what they say.

    :param width: of the terminal; ``None`` where there is none.
    """
    common = ""
    for title in ("MODEL", "LANE"):
        if title not in titles or width is None or _wide(titles, rows) <= width:
            continue
        at = titles.index(title)
        values = {row[at].text for row in rows} - {""}
        if len(values) == 1:
            common = f", {title.lower()} {values.pop()}{common}"
            titles = [*titles[:at], *titles[at + 1 :]]
            rows = [[*row[:at], *row[at + 1 :]] for row in rows]
    return titles, rows, common


def _wide(titles: list[str], rows: _Rows) -> int:
    """Columns that the table takes, without its notes: those have a place below it."""
    from charimg.ui.wording import cells  # noqa: PLC0415 - only where something is shown

    shown = [index for index, title in enumerate(titles) if title != "NOTE"]
    widths = (max(cells(text) for text in (titles[index], *(row[index].text for row in rows))) for index in shown)
    return sum(widths) + 2 * (len(shown) - 1)


def _row(entry: _Entry, folder: str) -> list[Cell]:
    attempt, picture = entry.one.attempt, entry.picture
    seed = attempt.seed if picture is None or picture.seed is None else picture.seed
    cost = None if picture is None else picture.cost
    return [
        Cell(_moment(attempt.started)),
        Cell(attempt.lane or attempt.provider),
        Cell("" if picture is None else picture.model or ""),
        Cell("" if seed is None else str(seed)),
        Cell("" if cost is None or not cost.amount else str(cost)),
        Cell("" if picture is None else str(picture.version)),
        Cell(f"▸ {entry.state}" if entry.state == "current" else f"  {entry.state}", _STYLES.get(entry.state, "")),
        Cell("" if picture is None else picture.path.removeprefix(folder)),
        Cell(entry.note),
    ]


def _moment(when: datetime) -> str:
    """In the user's own time zone."""
    return when.astimezone().strftime("%Y-%m-%d %H:%M")


def _footer(past: _Past, desk: Desk) -> Iterator[str]:
    from charimg.choosing import last_changes, versions_of  # noqa: PLC0415 - --help chooses nothing

    versions = () if past.record is None else versions_of(past.record)
    tried = f"{len(past.attempts)} attempt{'' if len(past.attempts) == 1 else 's'}"
    spent = (
        " + ".join(printable(cost.with_source) for cost in past.record.spent if cost.amount > 0) if past.record else ""
    )
    told = [f"{tried}, {len(versions)} version{'' if len(versions) == 1 else 's'}"]
    told += ["all pictures were found on disk rather than received"] if past.only_found else []
    told += [f"version {past.picked.version} was picked on {_moment(past.picked.made)}"] if past.picked else []
    told += [f"spent: {spent}"] if spent else []
    yield "; ".join(told)
    there = [one for one in versions if past.has_file(one)]
    waiting = [one for one in past.waiting if one in there]
    others = waiting or [one for one in there if past.current is None or one.version != past.current.version]
    if others:
        what = "one of the candidates" if waiting else "another version"
        yield f"{command_for(desk, 'pick', past.meant, others[-1].version)}  makes {what} the current picture"
    change = last_changes(past.choices).get(past.meant.key)
    if change is not None and any(one.version == change.back_to for one in there):
        yield f"{command_for(desk, 'undo', past.meant)}  goes back to version {change.back_to}"
    if past.stale and past.meant.in_roster:
        yield f"{printable(past.run)} --stale  makes it again as the roster has it now"


# -- for scripts ------------------------------------------------------------------------------------------------


def _data(past: _Past) -> dict[str, Any]:
    from charimg.choosing import last_changes  # noqa: PLC0415 - --help chooses nothing

    change = last_changes(past.choices).get(past.meant.key)
    entries: defaultdict[int, list[_Entry]] = defaultdict(list)
    for entry in _entries(past):
        entries[entry.number].append(entry)
    return {
        "key": past.meant.key,
        "name": past.meant.name,
        "in_roster": past.meant.in_roster,
        "current": None if past.current is None else past.current.version,
        "stale": past.stale,
        "candidates": [picture.version for picture in past.waiting],
        "undo_to": None if change is None else change.back_to,
        "attempts": [_attempt_data(past, one, entries[number]) for number, one in enumerate(past.attempts, 1)],
        "choices": [
            {"version": choice.version, "made": choice.made.isoformat(), "operation": choice.operation}
            for choice in past.choices
        ],
    }


def _attempt_data(past: _Past, one: AttemptRecord, entries: list[_Entry]) -> dict[str, Any]:
    attempt, trouble = one.attempt, one.trouble
    return {
        "id": attempt.id,
        "run": attempt.run,
        "started": attempt.started.isoformat(),
        "ended": None if one.ended is None else one.ended.isoformat(),
        "lane": attempt.lane,
        "provider": attempt.provider,
        "prompt": attempt.prompt,
        "seed": attempt.seed,
        "candidate": attempt.candidate,
        "state": one.state,
        "possibly_charged": one.state == "lost" or (trouble is not None and trouble.possibly_charged),
        "verdict": None if trouble is None else str(trouble.verdict),
        "error": None if trouble is None else trouble.message,
        "pictures": [
            {
                "version": entry.picture.version,
                "state": entry.state,
                "image": entry.picture.path,
                "there": past.has_file(entry.picture),
                "sha256": entry.picture.facts.sha256,
                "saved": None if entry.picture.saved is None else entry.picture.saved.isoformat(),
                "model": entry.picture.model,
                "seed": entry.picture.seed,
                "cost": None if entry.picture.cost is None else entry.picture.cost.amount,
                "currency": None if entry.picture.cost is None else entry.picture.cost.currency,
                "uploader": entry.picture.uploader,
                "media_id": None if entry.picture.reference is None else entry.picture.reference.id,
            }
            for entry in entries
            if entry.picture is not None
        ],
    }
