"""``charimg pick NAME N``: another version becomes the current picture."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from charimg.cli import Desk, debug_option
from charimg.cli.completion import character_names
from charimg.cli.meant import character_meant, held, ledger_options, run_line, versions_at, workplace_of
from charimg.cli.tables import printable

if TYPE_CHECKING:
    from charimg.choosing import Chosen
    from charimg.project import Project


@click.command("pick", short_help="Make another version the current picture of a character.")
@click.argument("name", shell_complete=character_names)
@click.argument("version", metavar="N", type=click.IntRange(min=1))
@ledger_options
@debug_option
@click.pass_obj
def command(desk: Desk, /, *, name: str, version: int, store: str | None, options: tuple[str, ...]) -> None:
    """Make version N the current picture of the character NAME (a name or key).

    "charimg log NAME" shows the versions. The picture that was the current one stays as a version, and nothing is made
    or paid for. Media ids belong to versions: one that was never uploaded is uploaded by the next run.
    """
    workplace, given = workplace_of(desk, store, options)

    async def choose() -> tuple[Chosen, str]:
        async with held(workplace, given) as ledger:
            meant = await character_meant(workplace, ledger, name)
            versions = await versions_at(workplace, ledger, meant.key)
            picked = await versions.pick(meant.key, version, uuid.uuid4().hex)
            return picked, await run_line(desk, ledger)

    chosen, run = asyncio.run(choose())
    for line in chosen_lines(chosen, workplace.project, run):
        click.echo(line)


def chosen_lines(chosen: Chosen, project: Project, run: str) -> Iterator[str]:
    """What came of it, in words.

    :param run: the command that uploads what is not uploaded.
    """
    from charimg.choosing import versions_of  # noqa: PLC0415 - --help chooses nothing

    name, picture = printable(chosen.name), chosen.record.picture
    path = "" if picture is None else printable(picture.path)
    if chosen.before == chosen.version:
        yield f"{name}: version {chosen.version} is the current picture already ({path})"
        return
    yield f"{name}: version {chosen.version} is the current picture now ({path})"
    former = next((one for one in versions_of(chosen.record) if one.version == chosen.before), None)
    if former is not None:
        gone = "" if project.found(former.path).is_file() else "; its file is gone"
        yield f"  version {former.version} stays ({printable(former.path)}{gone})"
    if chosen.record.media is not None:
        yield f"  its media id: {printable(chosen.record.media.id)}"
    elif chosen.record.uploader is None:
        yield f"  it was not uploaded yet; {printable(run)}  does that"
