"""``charimg adopt``: a project rebuilt or taken over from pictures alone."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charimg.cli import Desk, debug_option
from charimg.cli.completion import provider_names
from charimg.cli.tables import printable, show_json
from charimg.errors import InputError, StorageError

if TYPE_CHECKING:
    from charimg.adoption import Adopted
    from charimg.model import Roster
    from charimg.picture_folder import PictureFolder
    from charimg.roster.writing import WrittenRoster
    from charimg.workplace import Workplace

MOST_SHOWN = 40
"""Pictures, and files left out, that are told one by one; all of them with ``--verbose``."""
_MANY = 200
"""Pictures from which on a terminal sees a progress bar."""


@click.command("adopt", short_help="Take up pictures that the ledger does not know.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("roster", required=False, type=click.Path(path_type=Path))
@click.option("--recursive", is_flag=True, help="Look into the folders in FOLDER too.")
@click.option("--dry-run", is_flag=True, help="Only show what would be taken up.")
@click.option("--verbose", "-v", is_flag=True, help=f"Name every file, not only the first {MOST_SHOWN}.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts: one object.")
@click.option(
    "--store",
    metavar="NAME",
    shell_complete=provider_names("store"),
    help="What remembers everything.  [default: sqlite]",
)
@click.option("-o", "--option", "options", metavar="NAME=VALUE", multiple=True, help="A setting of the store.")
@debug_option
@click.pass_obj
def command(
    desk: Desk,
    /,
    *,
    folder: Path,
    roster: Path | None,
    recursive: bool,
    dry_run: bool,
    verbose: bool,
    as_json: bool,
    store: str | None,
    options: tuple[str, ...],
) -> None:
    """Take up the pictures in FOLDER: by what each says of its making, else by its file name.

    Pictures in the project's own folder are recorded where they are; from any other folder they are copied, and nothing
    that is there is overwritten. Where the folder has no roster, characters.yaml is written from what the pictures say,
    so that "charimg run" makes none of them again. Doing it twice changes nothing.
    """
    from charimg.workplace import Workplace  # noqa: PLC0415 - --help reads no ledger

    source = _source(desk.folder, folder)
    workplace = Workplace.at(desk.folder, os.environ, {"store": store})
    task = _Task(workplace, source, desk.folder, roster, recursive, dry_run)
    done = asyncio.run(task.do(options))
    if as_json:
        show_json(_data(done, workplace, dry_run))
    else:
        _show(done, task, folder, most=None if verbose else MOST_SHOWN)


@dataclass(frozen=True)
class _Done:
    """What came of it."""

    adopted: Adopted
    written: WrittenRoster | None
    """The roster that was written."""
    roster: Path | None
    """Where it is."""
    lacks_roster: bool = False
    """There is none, and none was written."""


@dataclass(frozen=True)
class _Task:
    """One adoption."""

    workplace: Workplace
    source: Path
    folder: Path
    roster: Path | None
    recursive: bool
    dry_run: bool

    async def do(self, options: tuple[str, ...]) -> _Done:
        from charimg.adoption import remembered_roster  # noqa: PLC0415 - --help needs none
        from charimg.picture_folder import PictureFolder  # noqa: PLC0415 - likewise
        from charimg.roster.reader import NAMES  # noqa: PLC0415 - likewise

        project = self.workplace.project
        pictures = PictureFolder(project.out, metadata=str(self.workplace.general["metadata"].value))
        given = self.workplace.options(options)
        roster = self._read_roster()
        with ExitStack() as stack:
            if not self.dry_run:
                stack.enter_context(project.locked())
            async with self.workplace.open_store(read_only=self.dry_run, options=given) as store:
                adopted = await self._adopt(store, pictures, roster)
                if roster is not None or self.dry_run:
                    return _Done(adopted, None, None, lacks_roster=roster is None)
                written = await remembered_roster(project, store, pictures)
                if not written.count:
                    return _Done(adopted, None, None)
                path = self.folder / NAMES[0]
                _write(path, written.text)
                # Now that there are names to look up, those that only their name tells of.
                return _Done(_both(adopted, await self._adopt(store, pictures, self._read_roster())), written, path)

    def _read_roster(self) -> Roster | None:
        """The roster named, or the folder's; ``None`` where it has none.

        :raises InputError: it cannot be read, or the folder has several.
        """
        from charimg.roster import find_roster, read_roster  # noqa: PLC0415 - likewise
        from charimg.roster.reader import NAMES  # noqa: PLC0415 - likewise

        if self.roster is not None:
            return read_roster(self.folder / self.roster)
        if not any((self.folder / name).exists() for name in NAMES):
            return None
        return read_roster(find_roster(self.folder))

    async def _adopt(self, store: Any, pictures: PictureFolder, roster: Roster | None) -> Adopted:
        from charimg.adoption import adopt_folder  # noqa: PLC0415 - likewise
        from charimg.survey import Take  # noqa: PLC0415 - likewise

        files = _files_in(self.source, self.recursive) if sys.stderr.isatty() else 0
        with click.progressbar(
            length=files, label="Looking at pictures", file=sys.stderr, hidden=files < _MANY, show_eta=False
        ) as bar:
            return await adopt_folder(
                self.workplace.project,
                store,
                pictures,
                self.source,
                roster,
                uuid.uuid4().hex,
                take=Take.NAMED,
                recursive=self.recursive,
                dry_run=self.dry_run,
                looked_at=lambda: bar.update(1),
            )


def _files_in(folder: Path, recursive: bool) -> int:
    """How many files there are to look at, more or less: enough for a progress bar."""
    from charimg.found_pictures import SUFFIXES  # noqa: PLC0415 - --help looks at no files

    with suppress(OSError):
        found = folder.rglob("*") if recursive else folder.iterdir()
        return sum(one.suffix.lower() in SUFFIXES for one in found)
    return 0


def _source(folder: Path, named: Path) -> Path:
    """The folder to adopt, absolute and without links.

    :raises InputError: it is none.
    """
    try:
        source = (folder / named.expanduser()).resolve()
        if not source.is_dir():
            raise InputError(f"{named} is not a folder; name the folder that holds the pictures: charimg adopt FOLDER")
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"{named} cannot be a folder; name the folder that holds the pictures") from error
    return source


def _write(path: Path, text: str) -> None:
    """Write a roster where there is none.

    :raises StorageError: it cannot be written, or somebody was faster.
    """
    try:
        with path.open("x", encoding="utf-8", newline="\n") as out:
            out.write(text)
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}; the pictures are adopted: mend it and adopt once more"
        ) from error


def _both(first: Adopted, second: Adopted) -> Adopted:
    """Of two looks at one folder: all that was taken, and what the second still left out."""
    from charimg.adoption import Adopted  # noqa: PLC0415 - likewise

    taken = (*first.taken, *second.taken)
    return Adopted(taken, first.known, second.left_out, second.strangers)


def _data(done: _Done, workplace: Workplace, dry_run: bool) -> dict[str, Any]:
    adopted, project = done.adopted, workplace.project
    return {
        "dry_run": dry_run,
        "adopted": [
            {
                "key": one.key,
                "name": one.name,
                "file": str(one.source),
                "image": None if dry_run else one.path,
                "by": "name" if one.by_name else "metadata",
                "current": one.current,
                "found_again": one.found_again,
            }
            for one in adopted.taken
        ],
        "known": adopted.known,
        "left_out": [{"file": project.shown(one.path), "why": one.why} for one in adopted.left_out],
        "warnings": [*adopted.warnings, *_about_roster(done)],
        "roster": None if done.roster is None else str(done.roster),
    }


def _show(done: _Done, task: _Task, named: Path, *, most: int | None) -> None:
    """:param named: the folder as the user wrote it."""
    adopted, shown, dry_run = done.adopted, task.workplace.project.shown, task.dry_run
    would = "Would adopt" if dry_run else "Adopted"
    _listed([f"{would} {line}" for line in adopted.lines], most)
    left = [(named / one.path.relative_to(task.source), one.why) for one in adopted.left_out]
    _listed([f"Left out {path}: {why}" for path, why in left], most)
    for warning in (*adopted.warnings, *_about_roster(done)):
        click.echo(f"Note: {printable(warning)}")
    if done.roster is not None and done.written is not None:
        count = done.written.count
        click.echo(f"Wrote {printable(shown(done.roster))} ({count} character{'' if count == 1 else 's'})")
    if not (adopted.taken or adopted.known or adopted.left_out):
        deeper = "" if task.recursive else "; --recursive looks into the folders in it too"
        click.echo(f"There are no pictures in {printable(str(named))}{deeper}")
    elif dry_run:
        click.echo(f"Nothing was changed; it would be: {adopted.summary}")
    else:
        click.echo(adopted.summary)


def _listed(lines: list[str], most: int | None) -> None:
    for line in lines[:most]:
        click.echo(printable(line))
    if most is not None and len(lines) > most:
        click.echo(f"... and {len(lines) - most} more (--verbose names them all)")


def _about_roster(done: _Done) -> list[str]:
    if done.lacks_roster and done.adopted.taken:
        return ["there is no roster here: characters.yaml would be written"]
    if done.written is None:
        return []
    told = []
    if done.written.inexact:
        names = ", ".join(done.written.inexact[:3])
        more = len(done.written.inexact) - 3
        told.append(
            f"not all that {names}{f' and {more} more' if more > 0 else ''} {'was' if more == -2 else 'were'} made from"
            " is in the pictures (reference pictures, say): the roster counts as changed there"
        )
    if done.written.left_out:
        keys = ", ".join(done.written.left_out[:3])
        told.append(f"the roster cannot hold these keys beside the others: {keys}; they stay in the ledger")
    return told
