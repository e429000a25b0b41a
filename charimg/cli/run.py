"""``charimg run``: make the pictures that are missing."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from charimg.cli import Desk
from charimg.cli.completion import character_names
from charimg.cli.orders import Shown, Terms, charimg_words, execute, order_of, run_options, show_plan


@click.command("run", short_help="Make the pictures that are missing.")
@click.argument("roster", required=False, type=click.Path(path_type=Path))
@click.option(
    "--only",
    metavar="NAME",
    multiple=True,
    shell_complete=character_names,
    help="Only this character, by name or key; repeatable.",
)
@click.option("--stale", is_flag=True, help="Also make those again that the roster has changed since.")
@click.option("--force", is_flag=True, help="Make pictures again that are there; the old ones are kept beside them.")
@run_options
@click.pass_obj
def command(
    desk: Desk,
    /,
    *,
    roster: Path | None,
    only: tuple[str, ...],
    stale: bool,
    force: bool,
    **given: Any,
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
    terms = Terms.of(given)
    order = order_of(desk, roster, terms, only=only, force=force, stale=stale)
    if terms.dry_run:
        show_plan(order, terms.as_json)
        return 0
    words = [*charimg_words(desk), "run", *order.command]
    named = [word for name in only for word in ("--only", name)]
    # What was made again is stale no more: --stale pays for nothing twice, and --force would.
    again = shlex.join([*words, *(["--stale"] if stale else []), *named])
    forced = shlex.join([*words, "--force"]) if force else None
    return execute(order, Shown.of(order, terms, desk, again, forced)).exit_code
