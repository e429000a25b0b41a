"""What ``charimg run`` and ``charimg redo`` have in common: their options, the order these become, plan and run."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from charimg.cli import Desk, debug_option
from charimg.cli.completion import lane_names, provider_names

if TYPE_CHECKING:
    from charimg.events import RunFinished
    from charimg.plan import Redo
    from charimg.run import Order, Run

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--provider",
        metavar="NAME",
        shell_complete=provider_names("generator"),
        help="The image generator, or several with commas (see charimg providers).  [default: avatar]",
    ),
    click.option(
        "--lane",
        "lanes",
        metavar="NAME",
        multiple=True,
        shell_complete=lane_names,
        help="Only this lane of charimg.yaml; repeatable.",
    ),
    click.option(
        "--fallback",
        metavar="NAME",
        shell_complete=provider_names("generator"),
        help="A generator, or lane, for what is left when all others have closed.",
    ),
    click.option(
        "--uploader",
        metavar="NAME",
        shell_complete=provider_names("uploader"),
        help="Where pictures go after they are saved.  [default: the provider's]",
    ),
    click.option(
        "--store",
        metavar="NAME",
        shell_complete=provider_names("store"),
        help="What remembers everything.  [default: sqlite]",
    ),
    click.option("--out", metavar="FOLDER", help="The folder for pictures.  [default: pictures]"),
    click.option("--dry-run", is_flag=True, help="Show the plan (who, batches, time, cost) and do nothing."),
    click.option("--batch-size", metavar="N", help="Characters at once.  [default: 5]"),
    click.option("--quota-wait", metavar="SECONDS", help="Wait after a quota answer.  [default: 15]"),
    click.option("--max-retries", metavar="N", help="Quota waits a batch may have.  [default: 3]"),
    click.option("--cooldown", metavar="SECONDS", help="Pause between batches.  [default: 2]"),
    click.option("--budget", metavar="AMOUNT", help="Stop before the run would cost more than this."),
    click.option("--price", metavar="AMOUNT", help="What one picture costs, where the provider does not know it."),
    click.option("--wait-ceiling", metavar="SECONDS", help="A longer wait than this means: not today.  [default: 900]"),
    click.option(
        "-o", "--option", "options", metavar="NAME=VALUE", multiple=True, help="A provider's setting; repeatable."
    ),
    click.option("--json", "as_json", is_flag=True, help="Print the events as JSON lines on standard output."),
    click.option("--progress", metavar="auto|live|plain|json|none", help="How the run shows itself.  [default: auto]"),
    click.option("-q", "--quiet", is_flag=True, help="Show nothing but what went wrong."),
    debug_option,
)


def run_options(command: F) -> F:
    """Add to a command all that tells through what, on which terms and how visibly pictures are made.

    It receives them as keywords; :meth:`Terms.of` takes them up.
    """
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True)
class Terms:
    """What the options of :func:`run_options` said."""

    lanes: tuple[str, ...]
    options: tuple[str, ...]
    dry_run: bool
    as_json: bool
    quiet: bool
    flags: dict[str, str | None]
    """The general settings by name; ``None`` where not given."""

    @classmethod
    def of(cls, given: dict[str, Any]) -> Terms:
        """Of the keywords that a command with these options received."""
        named = {name: given[name] for name in ("lanes", "options", "dry_run", "as_json", "quiet")}
        return cls(**named, flags={name: value for name, value in given.items() if name not in named})


@dataclass(frozen=True)
class Shown:
    """How the run is to show itself, and the commands its summary names."""

    terms: Terms
    progress: str
    debug: bool
    again: str | Callable[[RunFinished], str]
    forced: str | None = None

    @classmethod
    def of(
        cls,
        order: Order,
        terms: Terms,
        desk: Desk,
        again: str | Callable[[RunFinished], str],
        forced: str | None = None,
    ) -> Shown:
        """As the options and the settings have it."""
        return cls(terms, str(order.workplace.general["progress"].value), desk.debug, again, forced)

    @property
    def in_words(self) -> bool:
        """Whether people are told in words what became of it."""
        return not (self.terms.as_json or self.terms.quiet or self.progress in ("none", "json"))


def charimg_words(desk: Desk) -> list[str]:
    """How a command begins for somebody who types where the user is."""
    return ["charimg", *(["-C", str(desk.folder)] if desk.folder != Path.cwd() else [])]


def order_of(
    desk: Desk,
    roster: Path | None,
    terms: Terms,
    *,
    only: tuple[str, ...] = (),
    force: bool = False,
    stale: bool = False,
    redo: Redo | None = None,
) -> Order:
    """What the user asks for.

    :raises InputError: roster, setting or option is wrong.
    :raises PluginError: a provider cannot be had.
    """
    from charimg.lane_choice import choose_lanes  # noqa: PLC0415 - --help finds no plugins
    from charimg.roster import find_roster, read_roster  # noqa: PLC0415 - --help reads no roster
    from charimg.run import Order  # noqa: PLC0415 - --help loads no network library
    from charimg.workplace import Workplace  # noqa: PLC0415 - --help finds no plugins

    workplace = Workplace.at(desk.folder, os.environ, terms.flags)
    path = find_roster(desk.folder) if roster is None else desk.folder / roster
    choices = choose_lanes(workplace, terms.lanes)
    given = workplace.options(terms.options, choices.declarations)
    command = tuple(_command(roster, terms))
    return Order(workplace, read_roster(path), choices, given, only, force, command, stale, redo)


def _command(roster: Path | None, terms: Terms) -> list[str]:
    """What continues this run, as the user would type it after ``charimg run``.

    ``--only`` comes on top where this very run is meant, or it would pay for characters nobody asked for; ``--force``
    does not belong to it, or it would pay again for those that were made.
    """
    return ([] if roster is None else [str(roster)]) + option_words(terms)


def option_words(terms: Terms) -> list[str]:
    """The options that say through what and on which terms, as they were typed."""
    from charimg.settings.values import written  # noqa: PLC0415 - see order_of

    words = []
    for name, value in terms.flags.items():
        if value is not None and name != "progress":
            words += [f"--{name.replace('_', '-')}", value]
    for flag, values in (("--lane", terms.lanes), ("-o", terms.options)):
        for value in values:
            words += [flag, written(value)]  # a password in an address is not repeated in the log
    return words


# -- the plan ---------------------------------------------------------------------------------------------------


def show_plan(order: Order, as_json: bool) -> None:
    """Print what a run would do.

    :raises InputError: it cannot be done as it is asked for.
    """
    from charimg.cli.plan import plan_data, plan_lines  # noqa: PLC0415 - see order_of
    from charimg.cli.tables import plain_json  # noqa: PLC0415 - likewise
    from charimg.run import plan_only  # noqa: PLC0415 - see order_of

    order.check()
    plan = asyncio.run(plan_only(order))
    if as_json:
        click.echo(plain_json(plan_data(order, plan)))
        return
    for line in plan_lines(order, plan):
        click.echo(line)


# -- the run ----------------------------------------------------------------------------------------------------


def execute(order: Order, shown: Shown) -> RunFinished:
    """Do the run and show it as the user asked; its summary.

    :raises CharimgError: what ended it before its time.
    """
    from charimg.run import Run  # noqa: PLC0415 - see order_of
    from charimg.ui import choose  # noqa: PLC0415 - --help loads no renderer

    if shown.debug:
        _log_to_stderr()

    stdout = sys.stdout

    async def run() -> RunFinished:
        observers = choose(
            shown.progress,
            json_output=shown.terms.as_json,
            quiet=shown.terms.quiet,
            stdout=stdout,
            again=shown.again,
            forced=shown.forced,
        )
        running = Run(order, observers)
        with _interrupts(running):
            return await running.execute()

    # The JSON lines have standard output for themselves: what a plugin prints must not stand between them.
    with redirect_stdout(sys.stderr) if shown.terms.as_json or shown.progress == "json" else nullcontext():
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

    from charimg.redaction import clean_of_all  # noqa: PLC0415 - likewise

    class Clean(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return clean_of_all(super().format(record), os.environ)

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Clean("%(asctime)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("charimg").setLevel(logging.DEBUG)
