"""Asking before something is changed that is not charimg's own."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

import click

from charimg.cli.tables import printable
from charimg.errors import InputError


def agreed(question: str, command: Sequence[str], *, yes: bool) -> bool:
    """Whether the user agrees that this command is run.

    :param yes: they agreed on the command line.
    :raises InputError: there is nobody to ask.
    """
    click.echo(f"This runs: {printable(shlex.join(command))}")
    if yes:
        return True
    if not sys.stdin.isatty():
        raise InputError("there is no terminal to ask at; nothing was changed; add --yes to agree")
    if click.confirm(printable(question), default=True):
        return True
    click.echo("Nothing was changed.")
    return False
