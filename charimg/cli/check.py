"""``charimg check``: the ledger held against the pictures on disk."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charimg.cli import Desk, debug_option
from charimg.cli.cast import cast_options
from charimg.cli.meant import command_line
from charimg.cli.tables import printable, show_json
from charimg.errors import DamagedLedgerError, ExitCode, ProjectBusyError

if TYPE_CHECKING:
    from charimg.audit import Finding
    from charimg.contracts import Store
    from charimg.model import Roster
    from charimg.settings import Options
    from charimg.stocktaking import Stock
    from charimg.workplace import Workplace

MOST_SHOWN = 40
"""Lines of one sort that are shown; all of them with ``--verbose``."""
_MANY = 200
"""Pictures from which on a terminal sees a progress bar."""


@click.command("check", short_help="Hold the ledger against the pictures on disk, and mend what differs.")
@click.option("--repair", is_flag=True, help="Mend what can be mended; nothing of value is deleted.")
@click.option("--quick", is_flag=True, help="Compare sizes instead of all bytes: misses an edit that keeps the size.")
@click.option("--verbose", "-v", is_flag=True, help=f"Show every line, not only the first {MOST_SHOWN} of a sort.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts: one object.")
@cast_options
@debug_option
@click.pass_obj
def command(
    desk: Desk,
    /,
    *,
    roster: Path | None,
    repair: bool,
    quick: bool,
    verbose: bool,
    as_json: bool,
    store: str | None,
    options: tuple[str, ...],
) -> int:
    """Hold the ledger against the pictures on disk: what is missing, altered, unknown or out of place, and what to do.

    Nothing is changed without --repair. The exit code is 0 when all is sound, and 1 when something is amiss.
    """
    from charimg.workplace import Workplace  # noqa: PLC0415 - --help reads no ledger

    workplace = Workplace.at(desk.folder, os.environ, {"store": store})
    given = workplace.options(options)
    result = asyncio.run(_Check(workplace, _roster(desk.folder, roster), given, repair, quick).do())
    amiss = [one for one in result.findings if not one.is_note]
    if as_json:
        show_json(_data(result))
    else:
        repairs = printable(command_line(desk, "check", "--repair"))
        _show(result, amiss, repairs, most=None if verbose else MOST_SHOWN)
    return int(ExitCode.FAILED if amiss else ExitCode.OK)


def _roster(folder: Path, named: Path | None) -> Roster | None:
    """The roster named, or the folder's only one; ``None`` where it has none or several.

    :raises InputError: it cannot be read.
    """
    from charimg.roster import read_roster  # noqa: PLC0415 - likewise
    from charimg.roster.reader import NAMES  # noqa: PLC0415 - likewise

    there = [folder / named] if named else [folder / name for name in NAMES if (folder / name).exists()]
    return read_roster(there[0]) if len(there) == 1 else None


@dataclass(frozen=True)
class _Result:
    """What a check found, and what a repair did."""

    findings: tuple[Finding, ...]
    checked: int = 0
    mended: tuple[str, ...] | None = None
    """``None`` where nothing was to be mended."""


@dataclass(frozen=True)
class _Check:
    """One check."""

    workplace: Workplace
    roster: Roster | None
    options: Options
    repair: bool
    quick: bool
    _set_aside: list[str] = field(default_factory=list)
    """Where a damaged ledger is now."""

    async def do(self) -> _Result:
        """Look, and mend if that was asked for.

        :raises ProjectBusyError: a run is under way.
        :raises StorageError: the ledger or the disk failed.
        """
        from charimg.audit import Finding, Kind  # noqa: PLC0415 - likewise

        project = self.workplace.project
        with ExitStack() as stack:
            if self.repair:
                stack.enter_context(project.locked())
            elif (holder := project.lock_holder()) is not None:
                raise ProjectBusyError(f"a run is under way ({holder}); check when it has ended")
            try:
                async with self.workplace.open_store(
                    read_only=not self.repair,
                    options=self.options,
                    set_aside=self._set_aside.append if self.repair else None,
                ) as store:
                    return await self._do(store)
            except DamagedLedgerError as error:
                if self.repair:
                    raise
                return _Result((Finding(Kind.DAMAGED, str(error), mendable=True),))

    async def _do(self, store: Store) -> _Result:
        from charimg.repair import look, repair  # noqa: PLC0415 - likewise

        done: list[str] = []
        if self.repair:
            done += await self._rebuilt(store)
        stock = self._stock()
        checked = len(stock.files())
        with click.progressbar(
            length=checked,
            label="Reading pictures",
            file=sys.stderr,
            hidden=checked < _MANY or not sys.stderr.isatty(),
        ) as bar:
            stock = replace(stock, looked_at=lambda: bar.update(1))
            if not self.repair:
                return _Result(await look(stock, store), checked)
            mended = await repair(stock, store, uuid.uuid4().hex)
        return _Result(mended.left, checked, (*done, *mended.done))

    def _stock(self) -> Stock:
        from charimg.picture_folder import PictureFolder  # noqa: PLC0415 - likewise
        from charimg.stocktaking import Stock  # noqa: PLC0415 - likewise

        project = self.workplace.project
        metadata = str(self.workplace.general["metadata"].value)
        pictures = PictureFolder(project.out, metadata=metadata)
        return Stock(project, pictures, self.roster, self.quick, explain=metadata != "none")

    async def _rebuilt(self, store: Store) -> list[str]:
        """A ledger that was damaged, anew from the pictures; nothing is done to one that is not."""
        from charimg import rebuilding  # noqa: PLC0415 - likewise
        from charimg.adoption import adopt_folder  # noqa: PLC0415 - likewise
        from charimg.survey import Take  # noqa: PLC0415 - likewise

        if not self._set_aside:
            try:
                await store.jobs()
            except DamagedLedgerError:  # in a part of it that is not read when it is opened
                self._set_aside.append(await store.set_aside())
            else:
                self._set_aside.extend(await rebuilding.unfinished(store))
        if not self._set_aside:
            return []
        stock, operation = self._stock(), uuid.uuid4().hex
        await rebuilding.begin(store, operation, self._set_aside)
        adopted = await adopt_folder(
            stock.project, store, stock.pictures, stock.pictures.folder, self.roster, operation, take=Take.NAMED
        )
        await rebuilding.end(store, operation)
        kept = f"the damaged ledger is kept as {self._set_aside[0]}"
        return [f"the ledger was damaged and is rebuilt from the pictures: {adopted.summary}; {kept}"]


def _show(result: _Result, amiss: Sequence[Finding], repairs: str, *, most: int | None) -> None:
    """:param repairs: the command that mends what can be mended."""
    notes = [one for one in result.findings if one.is_note]
    _listed([f"Mended: {line}" for line in result.mended or ()], most)
    _listed([f"{'Left' if result.mended is not None else 'Amiss'}: {one.line}" for one in amiss], most)
    _listed([f"Note: {one.line}" for one in notes], most)
    what = "1 picture" if result.checked == 1 else f"{result.checked} pictures"
    mended = f"{len(result.mended)} mended, " if result.mended else ""
    if amiss:
        mendable = sum(one.mendable for one in amiss) if result.mended is None else 0
        hint = f"; {repairs} mends {'it' if mendable == len(amiss) == 1 else mendable}" if mendable else ""
        click.echo(f"{what} checked: {mended}{len(amiss)} {'left' if result.mended is not None else 'amiss'}{hint}")
    else:
        click.echo(f"{what} checked: {mended}all is sound")


def _listed(lines: Sequence[str], most: int | None) -> None:
    for line in lines[:most]:
        click.echo(printable(line))
    if most is not None and len(lines) > most:
        click.echo(f"... and {len(lines) - most} more (--verbose shows them all)")


def _data(result: _Result) -> dict[str, Any]:
    def plain(one: Finding) -> dict[str, Any]:
        return {
            "kind": str(one.kind),
            "message": one.words,
            "remedy": one.remedy or None,
            "keys": list(one.keys),
            "file": one.path or None,
            "found_at": one.found_at or None,
            "version": one.version,
            "mendable": one.mendable,
        }

    return {
        "sound": all(one.is_note for one in result.findings),
        "checked": result.checked,
        "findings": [plain(one) for one in result.findings if not one.is_note],
        "notes": [plain(one) for one in result.findings if one.is_note],
        "mended": None if result.mended is None else list(result.mended),
    }
