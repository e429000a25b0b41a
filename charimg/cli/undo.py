"""``charimg undo [NAME]``: the picture that was the current one before."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from charimg.cli import Desk, debug_option
from charimg.cli.completion import character_names
from charimg.cli.meant import character_meant, held, ledger_options, run_line, versions_at, workplace_of
from charimg.cli.pick import chosen_lines
from charimg.cli.tables import printable
from charimg.errors import ExitCode, InputError

if TYPE_CHECKING:
    from charimg.choosing import Change, Chosen
    from charimg.contracts import Store

_MOST_TOLD = 12
"""Characters that are told one by one."""


@click.command("undo", short_help="Take back the last change of a current picture.")
@click.argument("name", required=False, shell_complete=character_names)
@ledger_options
@debug_option
@click.pass_obj
def command(desk: Desk, /, *, name: str | None, store: str | None, options: tuple[str, ...]) -> int:
    """Take back the last change of the current picture of the character NAME: the one before it is current again.

    Without NAME the last run or pick that changed current pictures is taken back, for all of its characters. Nothing is
    deleted: the newer picture stays as a version, and "charimg pick" gets it back. Undo again goes one further back.
    """
    workplace, given = workplace_of(desk, store, options)

    async def go_back() -> tuple[list[Chosen], list[str], str]:
        from charimg.choosing import last_changes, last_operation  # noqa: PLC0415 - --help chooses nothing

        async with held(workplace, given) as ledger:
            changes = last_changes(await ledger.choices())
            if name is None:
                wanted = last_operation(changes)
                if not wanted:
                    raise InputError("nothing to undo: no picture has taken another's place yet")
            else:
                meant = await character_meant(workplace, ledger, name)
                change = changes.get(meant.key)
                if change is None:
                    raise InputError(f"nothing to undo: {await _only_one(ledger, meant.key, meant.name)}")
                wanted = (change,)
            done: list[Chosen] = []
            refused: list[str] = []
            for one in wanted:
                try:
                    done.append(await _undone(ledger, one))
                except InputError as error:  # one whose file is gone does not keep the others
                    refused.append(str(error))
            return done, refused, await run_line(desk, ledger)

    async def _undone(ledger: Store, change: Change) -> Chosen:
        versions = await versions_at(workplace, ledger, change.key)
        return await versions.undo(change, uuid.uuid4().hex)

    done, refused, run = asyncio.run(go_back())
    if not done:
        raise InputError(refused[0] if len(refused) == 1 else f"{refused[0]}; and {len(refused) - 1} more")
    if len(done) == 1:
        for line in chosen_lines(done[0], workplace.project, run):
            click.echo(line)
    else:
        for line in _lines_of_many(done, run):
            click.echo(line)
    for words in refused:
        click.echo(f"charimg: {printable(words)}", err=True)
    return int(ExitCode.FAILED if refused else ExitCode.OK)


def _lines_of_many(done: Sequence[Chosen], run: str) -> Iterator[str]:
    """What came of it for several characters: a line for each of the first."""
    yield f"Undone for {len(done)} characters: each has the picture from before."
    for chosen in done[:_MOST_TOLD]:
        stays = "" if not chosen.before else f" (version {chosen.before} stays)"
        yield f"  {printable(chosen.name)}: version {chosen.version} again{stays}"
    if len(done) > _MOST_TOLD:
        yield f"  ... and {len(done) - _MOST_TOLD} more"
    lacking = sum(chosen.record.media is None and chosen.record.uploader is None for chosen in done)
    if lacking:
        yield f"not uploaded yet: {lacking} of these pictures; {printable(run)}  does that"


async def _only_one(ledger: Store, key: str, name: str) -> str:
    """Why a character has nothing to go back to."""
    from charimg.choosing import versions_of  # noqa: PLC0415 - --help chooses nothing

    record = await ledger.job(key)
    versions = () if record is None else versions_of(record)
    if not versions:
        return f"{name} has no picture yet"
    if len(versions) == 1:
        return f"{name} has but one picture"
    return f"{name} has its first picture; 'charimg log' shows all of them, and 'charimg pick' takes any"
