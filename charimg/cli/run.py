"""``charimg run``: make the pictures that are missing."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from charimg.cli import Desk, debug_option
from charimg.cli.completion import lane_names, provider_names

if TYPE_CHECKING:
    from charimg.events import RunFinished
    from charimg.run import Order, Run


@click.command("run", short_help="Make the pictures that are missing.")
@click.argument("roster", required=False, type=click.Path(path_type=Path))
@click.option(
    "--provider",
    metavar="NAME",
    shell_complete=provider_names("generator"),
    help="The image generator, or several with commas (see charimg providers).  [default: avatar]",
)
@click.option(
    "--lane",
    "lanes",
    metavar="NAME",
    multiple=True,
    shell_complete=lane_names,
    help="Only this lane of charimg.yaml; repeatable.",
)
@click.option(
    "--fallback",
    metavar="NAME",
    shell_complete=provider_names("generator"),
    help="A generator, or lane, for what is left when all others have closed.",
)
@click.option(
    "--uploader",
    metavar="NAME",
    shell_complete=provider_names("uploader"),
    help="Where pictures go after they are saved.  [default: the provider's]",
)
@click.option(
    "--store",
    metavar="NAME",
    shell_complete=provider_names("store"),
    help="What remembers everything.  [default: sqlite]",
)
@click.option("--out", metavar="FOLDER", help="The folder for pictures.  [default: pictures]")
@click.option("--only", metavar="NAME", multiple=True, help="Only this character, by name or key; repeatable.")
@click.option("--force", is_flag=True, help="Make pictures again that are there; the old ones are kept beside them.")
@click.option("--dry-run", is_flag=True, help="Show the plan (who, batches, time, cost) and do nothing.")
@click.option("--batch-size", metavar="N", help="Characters at once.  [default: 5]")
@click.option("--quota-wait", metavar="SECONDS", help="Wait after a quota answer.  [default: 15]")
@click.option("--max-retries", metavar="N", help="Quota waits a batch may have.  [default: 3]")
@click.option("--cooldown", metavar="SECONDS", help="Pause between batches.  [default: 2]")
@click.option("--budget", metavar="AMOUNT", help="Stop before the run would cost more than this.")
@click.option("--price", metavar="AMOUNT", help="What one picture costs, where the provider does not know it.")
@click.option("--wait-ceiling", metavar="SECONDS", help="A longer wait than this means: not today.  [default: 900]")
@click.option(
    "-o", "--option", "options", metavar="NAME=VALUE", multiple=True, help="A provider's setting; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print the events as JSON lines on standard output.")
@click.option("--progress", metavar="auto|live|plain|json|none", help="How the run shows itself.  [default: auto]")
@click.option("-q", "--quiet", is_flag=True, help="Show nothing but what went wrong.")
@debug_option
@click.pass_obj
def command(
    desk: Desk,
    /,
    *,
    roster: Path | None,
    lanes: tuple[str, ...],
    only: tuple[str, ...],
    force: bool,
    dry_run: bool,
    options: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    **flags: str | None,
) -> int:
    """Make a picture of every character of ROSTER that has none yet.

    ROSTER is a .yaml, .json, .csv or .txt file; by default the characters file of this folder. Characters are made
    five at a time; when the service says "too much", charimg waits 15 seconds and retries, three times at most. What is
    done stays done: run it again and it goes on where it stopped. Ctrl-C once lets the pictures under way finish.

    \b
    Exit codes:  0 every character has its picture    1 some failed or were rejected
                 2 bad input                          3 quota: run it again later
                 4 wrong key, or the service closed   5 a provider is unknown or broken
                 6 another run holds this project     7 disk or ledger failed
                 130 interrupted
    """
    order = _order(desk, roster, lanes=lanes, options=options, only=only, force=force, flags=flags)
    if dry_run:
        _show_plan(order, as_json)
        return 0
    progress = str(order.workplace.general["progress"].value)
    again = shlex.join([*_charimg(desk), *order.command, *(word for name in only for word in ("--only", name))])
    forced = shlex.join([*_charimg(desk), *order.command, "--force"]) if force else None
    shown = _Shown(progress, as_json, quiet, desk.debug, again, forced)
    return _execute(order, shown).exit_code


@dataclass(frozen=True)
class _Shown:
    """How the run is to show itself, and the commands its summary names."""

    progress: str
    as_json: bool
    quiet: bool
    debug: bool
    again: str
    forced: str | None


def _charimg(desk: Desk) -> list[str]:
    """The words before those of :func:`_command`, for somebody who types where the user is."""
    return ["charimg", *(["-C", str(desk.folder)] if desk.folder != Path.cwd() else []), "run"]


def _command(roster: Path | None, flags: dict[str, str | None], repeated: dict[str, tuple[str, ...]]) -> list[str]:
    """What continues this run, as the user would type it after ``charimg run``.

    ``--only`` comes on top where this very run is meant, or it would pay for characters nobody asked for; ``--force``
    does not belong to it, or it would pay again for those that were made.
    """
    words = [] if roster is None else [str(roster)]
    for name, value in flags.items():
        if value is not None and name != "progress":
            words += [f"--{name.replace('_', '-')}", value]
    for flag, values in repeated.items():
        for value in values:
            words += [flag, value]
    return words


def _order(
    desk: Desk,
    roster: Path | None,
    *,
    lanes: tuple[str, ...],
    options: tuple[str, ...],
    only: tuple[str, ...],
    force: bool,
    flags: dict[str, str | None],
) -> Order:
    from charimg.lane_choice import choose_lanes  # noqa: PLC0415 - --help finds no plugins
    from charimg.roster import find_roster, read_roster  # noqa: PLC0415 - --help reads no roster
    from charimg.run import Order  # noqa: PLC0415 - --help loads no network library
    from charimg.workplace import Workplace  # noqa: PLC0415 - --help finds no plugins

    workplace = Workplace.at(desk.folder, os.environ, flags)
    path = find_roster(desk.folder) if roster is None else desk.folder / roster
    choices = choose_lanes(workplace, lanes)
    given = workplace.options(options, choices.declarations)
    command = _command(roster, flags, {"--lane": lanes, "-o": options})
    return Order(workplace, read_roster(path), choices, given, only, force, tuple(command))


# -- the plan ---------------------------------------------------------------------------------------------------


def _show_plan(order: Order, as_json: bool) -> None:
    from charimg.cli.plan import plan_data, plan_lines  # noqa: PLC0415 - see _order
    from charimg.cli.tables import plain_json  # noqa: PLC0415 - likewise
    from charimg.run import plan_only  # noqa: PLC0415 - see _order

    order.check()
    plan = asyncio.run(plan_only(order))
    if as_json:
        click.echo(plain_json(plan_data(order, plan)))
        return
    for line in plan_lines(order, plan):
        click.echo(line)


# -- the run ----------------------------------------------------------------------------------------------------


def _execute(order: Order, shown: _Shown) -> RunFinished:
    from charimg.run import Run  # noqa: PLC0415 - see _order
    from charimg.ui import choose  # noqa: PLC0415 - --help loads no renderer

    if shown.debug:
        _log_to_stderr()

    stdout = sys.stdout

    async def run() -> RunFinished:
        observers = choose(
            shown.progress,
            json_output=shown.as_json,
            quiet=shown.quiet,
            stdout=stdout,
            again=shown.again,
            forced=shown.forced,
        )
        running = Run(order, observers)
        with _interrupts(running):
            return await running.execute()

    # The JSON lines have standard output for themselves: what a plugin prints must not stand between them.
    with redirect_stdout(sys.stderr) if shown.as_json or shown.progress == "json" else nullcontext():
        return asyncio.run(run())


@contextmanager
def _interrupts(running: Run) -> Iterator[None]:
    """Ctrl-C (and a polite kill) stop the run; what is in flight finishes, and is recorded."""
    loop = asyncio.get_running_loop()
    numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    earlier = {}
    for number in numbers:
        try:
            loop.add_signal_handler(number, running.stop)
        except NotImplementedError:  # Windows: the handler runs between two bytecodes, so hand it to the loop
            earlier[number] = signal.signal(number, lambda *_: loop.call_soon_threadsafe(running.stop))
    try:
        yield
    finally:
        for number in numbers:
            if number in earlier:
                signal.signal(number, earlier[number])
            else:
                loop.remove_signal_handler(number)


def _log_to_stderr() -> None:
    import logging  # noqa: PLC0415 - only with --debug

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("charimg").setLevel(logging.DEBUG)
