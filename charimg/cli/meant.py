"""What ``log``, ``pick`` and ``undo`` have in common: which character is meant, and the ledger that knows it."""

from __future__ import annotations

import os
import shlex
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from charimg.cli import Desk
from charimg.cli.completion import provider_names
from charimg.errors import InputError

if TYPE_CHECKING:
    from charimg.choosing import Versions
    from charimg.contracts import Store
    from charimg.model import Roster
    from charimg.settings import Options
    from charimg.workplace import Workplace

F = TypeVar("F", bound=Callable[..., Any])


def ledger_options(command: F) -> F:
    """Add ``--store`` and ``-o`` to a command."""
    for option in (
        click.option("-o", "--option", "options", metavar="NAME=VALUE", multiple=True, help="A setting of the store."),
        click.option(
            "--store",
            metavar="NAME",
            shell_complete=provider_names("store"),
            help="What remembers everything.  [default: sqlite]",
        ),
    ):
        command = option(command)
    return command


def workplace_of(desk: Desk, store: str | None, options: tuple[str, ...]) -> tuple[Workplace, Options]:
    """Where the command works, and what ``-o`` said.

    :raises InputError: a setting or option is wrong.
    :raises PluginError: there is no such store.
    """
    from charimg.workplace import Workplace  # noqa: PLC0415 - --help finds no plugins

    workplace = Workplace.at(desk.folder, os.environ, {"store": store})
    return workplace, workplace.options(options)


@dataclass(frozen=True)
class Meant:
    """The character that is meant."""

    key: str
    name: str
    in_roster: bool = False


async def character_meant(workplace: Workplace, store: Store, asked: str) -> Meant:
    """The one character of the roster or the ledger with this name or key, however it is capitalised and spaced.

    :raises InputError: nobody has it, or several have.
    """
    from charimg.roster import keys_asked_for  # noqa: PLC0415 - --help reads no roster

    roster = await roster_at_hand(workplace, store)
    everybody = {one.key: Meant(one.key, one.name, True) for one in roster.characters} if roster else {}
    for record in (await store.jobs()).values():
        everybody.setdefault(record.key, Meant(record.key, record.name))
    where = roster.path.name if roster else "the ledger"
    try:
        found = sorted(keys_asked_for([asked], everybody.values(), where))
    except InputError as error:
        raise InputError(str(error).removeprefix("--only: ")) from None
    if len(found) > 1:
        raise InputError(f"several characters are called '{asked}'; say which by key: {', '.join(found)}")
    return everybody[found[0]]


async def roster_at_hand(workplace: Workplace, store: Store) -> Roster | None:
    """The folder's roster, else that of the last run here; ``None`` where there is none that can be read: the ledger
    knows enough to look back and to choose."""
    from charimg.roster import find_roster, read_roster  # noqa: PLC0415 - --help reads no roster

    with suppress(InputError):
        return read_roster(find_roster(workplace.project.folder))
    plan = await store.last_plan()
    if plan and "roster" in plan:
        with suppress(InputError):
            return read_roster(Path(str(plan["roster"])))
    return None


@asynccontextmanager
async def held(workplace: Workplace, options: Options) -> AsyncIterator[Store]:
    """The project's ledger, with the project locked against any run.

    :raises ProjectBusyError: a run holds the project.
    :raises StorageError: the ledger cannot be opened.
    """
    with workplace.project.locked():
        async with workplace.open_store(read_only=False, options=options) as store:
            yield store


async def versions_at(workplace: Workplace, store: Store, key: str) -> Versions:
    """The versions in the folder where the character's current picture is: the project's own, unless it was made with
    another ``--out``."""
    from charimg.choosing import Versions  # noqa: PLC0415 - --help chooses nothing
    from charimg.picture_folder import PictureFolder  # noqa: PLC0415 - likewise

    project = workplace.project
    record = await store.job(key)
    there = None if record is None or record.picture is None else project.found(record.picture.path).parent
    folder = there if there is not None and there.is_dir() else project.out
    return Versions(project, store, PictureFolder(folder))


def command_line(desk: Desk, *words: str) -> str:
    """A command as the user types it where they are."""
    folder = ["-C", str(desk.folder)] if desk.folder != Path.cwd() else []
    return shlex.join(["charimg", *folder, *words])


async def run_line(desk: Desk, store: Store, *more: str) -> str:
    """The ``charimg run`` that goes on as the last run here did: through the same provider, which may be no default.

    :raises StorageError: the ledger cannot be read.
    """
    words = (await store.last_plan() or {}).get("command")
    as_before = map(str, words) if isinstance(words, (list, tuple)) else ()
    return command_line(desk, "run", *as_before, *more)


def command_for(desk: Desk, verb: str, meant: Meant, *more: object) -> str:
    """A command about a character, with its name where that can be typed, and else its key."""
    from charimg.ui.wording import shell_word  # noqa: PLC0415 - only where something is shown

    return " ".join([command_line(desk, verb), shell_word(meant.name, meant.key), *map(str, more)])
