"""``charimg redo NAME...``: make pictures again, or several candidates of each to choose from."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charimg.cli import Desk
from charimg.cli.completion import character_names
from charimg.cli.meant import Meant, command_for
from charimg.cli.orders import Shown, Terms, charimg_words, execute, option_words, order_of, run_options, show_plan
from charimg.errors import InputError

if TYPE_CHECKING:
    from charimg.contracts import AttemptRecord, PictureRecord
    from charimg.events import RunFinished
    from charimg.plan import Redo
    from charimg.run import Order


@click.command("redo", short_help="Make pictures again, or several candidates to choose from.")
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=character_names)
@click.option("--count", metavar="N", type=int, default=1, help="How many of each.  [default: 1]")
@click.option(
    "--seed",
    metavar="N",
    type=int,
    help="The seed; of several candidates the first one's, and the others have the next.",
)
@click.option("--beside", is_flag=True, help="Beside the current picture, as a candidate, even if it is only one.")
@click.option("--roster", metavar="FILE", type=click.Path(path_type=Path), help="The roster.  [default: the folder's]")
@run_options
@click.pass_obj
def command(
    desk: Desk,
    /,
    *,
    names: tuple[str, ...],
    count: int,
    seed: int | None,
    beside: bool,
    roster: Path | None,
    **given: Any,
) -> int:
    """Make the pictures of these characters again, each a name or key of the roster.

    The new picture becomes the current one and the old one stays as a version. With --count several candidates are made
    beside the current picture, which stays: none of them is uploaded, and "charimg pick NAME N" makes one of them the
    current picture. "charimg undo" brings the picture from before back.

    \b
    Exit codes are those of charimg run.
    """
    from charimg.plan import Redo  # noqa: PLC0415 - --help plans nothing

    terms = Terms.of(given)
    redo = Redo(count, seed, beside)
    order = order_of(desk, roster, terms, only=names, redo=redo)
    meant = _meant(order)
    if terms.dry_run:
        show_plan(order, terms.as_json)
        return 0
    shown = _shown(order, redo, terms, desk)
    finished = execute(order, shown)
    if (count > 1 or beside) and shown.in_words:
        for line in asyncio.run(_to_choose_from(order, finished.run, desk, meant)):
            click.echo(line)
    return finished.exit_code


def _meant(order: Order) -> list[Meant]:
    """The characters that are asked for, in roster order.

    :raises InputError: one of the names is nobody's.
    """
    from charimg.roster import keys_asked_for  # noqa: PLC0415 - --help reads no roster

    characters = order.roster.characters
    try:
        keys = keys_asked_for(order.only, characters, order.roster.path.name)
    except InputError as error:
        raise InputError(str(error).removeprefix("--only: ")) from None
    return [Meant(one.key, one.name, True) for one in characters if one.key in keys]


def _shown(order: Order, redo: Redo, terms: Terms, desk: Desk) -> Shown:
    """How the run shows itself, and what its summary tells to type when some are left."""
    begin = charimg_words(desk)
    written = order.command[: len(order.command) - len(option_words(terms))]
    options = [*(["--roster", *written] if written else []), *option_words(terms)]
    if redo.count > 1 or redo.beside:
        return Shown.of(
            order, terms, desk, lambda finished: shlex.join([*begin, "redo", *_left_of(finished, redo), *options])
        )
    if redo.seed is not None:
        seed = ["--seed", str(redo.seed)]
        return Shown.of(order, terms, desk, shlex.join([*begin, "redo", *order.only, *seed, *options]))
    words = [*begin, "run", *order.command]  # what is left is exactly what these would make
    again = shlex.join([*words, *(word for name in order.only for word in ("--only", name))])
    return Shown.of(order, terms, desk, again, shlex.join([*words, "--force"]))


def _left_of(finished: RunFinished, redo: Redo) -> list[str]:
    """Whose candidates are still to be made, how many of each, and with which seed the first.

    Where some have fewer left than others it is the fewest: no more is paid for than was asked for.
    """
    numbers: dict[str, list[int]] = {}
    for job in [*(one.key for one in finished.left), *(one.key for one in finished.problems)]:
        key, _, number = job.rpartition("~")
        numbers.setdefault(key, []).append(int(number))
    count = min((len(of_one) for of_one in numbers.values()), default=redo.count)
    first = min((min(of_one) for of_one in numbers.values()), default=1)
    seed = [] if redo.seed is None else ["--seed", str(redo.seed + first - 1)]
    return [*numbers, *(["--count", str(count)] if count > 1 else ["--beside"]), *seed]


async def _to_choose_from(order: Order, run: str, desk: Desk, meant: list[Meant]) -> list[str]:
    """The candidates of this run, and how one of them is chosen."""
    lines: list[str] = []
    async with order.workplace.open_store(read_only=True, options=order.options) as store:
        for one in meant:
            history = await store.history(one.key)
            record = await store.job(one.key)
            current = None if record is None else record.picture
            lines += _choice_of(one, list(_made(history, run)), current, desk)
    return lines


def _made(history: tuple[AttemptRecord, ...], run: str) -> Iterator[PictureRecord]:
    for one in history:
        if one.attempt.run == run and one.attempt.candidate:
            yield from one.pictures[-1:]  # where a plugin worked on it, the finished one


def _choice_of(meant: Meant, made: list[PictureRecord], current: PictureRecord | None, desk: Desk) -> Iterator[str]:
    from charimg.ui.wording import clean, clean_name  # noqa: PLC0415 - only where something is shown

    if not made:
        return
    yield ""
    yield f"🖼️  {clean_name(meant.name)}: choose from"
    for picture in made:
        seed = "" if picture.seed is None else f", seed {picture.seed}"
        now = " (current)" if current is not None and picture.version == current.version else ""
        yield f"   {picture.version}: {clean(picture.path)}{seed}{now}"
    others = [picture for picture in made if current is None or picture.version != current.version]
    if others:
        yield f"   👉 {command_for(desk, 'pick', meant, others[-1].version)}"
