"""What the commands that show a cast have in common: how it is named, and how it is read."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from charimg.cli import Desk
from charimg.cli.completion import provider_names

if TYPE_CHECKING:
    from charimg.gallery.cast import Cast

F = TypeVar("F", bound=Callable[..., Any])


def cast_options(command: F) -> F:
    """Add ROSTER, ``--store`` and ``-o`` to a command."""
    for option in (
        click.option("-o", "--option", "options", metavar="NAME=VALUE", multiple=True, help="A setting of the store."),
        click.option(
            "--store",
            metavar="NAME",
            shell_complete=provider_names("store"),
            help="What remembers everything.  [default: sqlite]",
        ),
        click.argument("roster", required=False, type=click.Path(path_type=Path)),
    ):
        command = option(command)
    return command


def open_cast(desk: Desk, roster: Path | None, store: str | None, options: tuple[str, ...]) -> Cast:
    """The cast of a roster as its store knows it; without one the folder's, else that of the last run here.

    Raises:
        InputError: roster, setting or option is wrong.
        PluginError: there is no such store.
        StorageError: the ledger cannot be read.
    """
    from charimg.gallery.cast import read_cast, roster_to_show  # noqa: PLC0415 - --help reads no ledger, no roster
    from charimg.roster import read_roster  # noqa: PLC0415 - likewise
    from charimg.workplace import Workplace  # noqa: PLC0415 - likewise

    workplace = Workplace.at(desk.folder, os.environ, {"store": store})
    given = workplace.options(options)

    async def read() -> Cast:
        path = await roster_to_show(workplace, given) if roster is None else desk.folder / roster
        return await read_cast(workplace, read_roster(path), given)

    return asyncio.run(read())
