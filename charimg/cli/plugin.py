"""``charimg plugin``: a provider of one's own."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from charimg.cli import Desk, debug_option
from charimg.cli.tables import printable
from charimg.errors import InputError
from charimg.plugins import Kind, Plugins
from charimg.scaffold import Names, contents, write


@click.group(no_args_is_help=True)
@debug_option
def command() -> None:
    """Write a provider of your own.

    For one project a single file is enough: every .py file of the project's plugins folder is a plugin. "charimg plugin
    new" writes a package, which others can install too.
    """


@command.command(short_help="Write the package of a new provider.")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in Kind]),
    default=Kind.GENERATOR.value,
    show_default=True,
    help="What it does: makes pictures, uploads them, or keeps the ledger.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where to write it; by default charimg-NAME in this folder.",
)
@debug_option
@click.pass_obj
def new(desk: Desk, name: str, kind: str, folder: Path | None) -> None:
    """Write the complete package of a new provider NAME: code, tests, README, and a file for CI.

    What is written works: its tests pass, against a service played by charimg's test kit. Put the real service in its
    place. Nothing is ever overwritten.
    """
    names = Names.of(name)
    chosen = Kind(kind)
    claims = Plugins(folder=desk.folder).claims(chosen).get(name)
    if claims:
        raise InputError(f"'{name}' is taken: {claims[0].source} has a {chosen} of that name; choose another name")
    place = (desk.folder / (folder or Path(names.distribution)).expanduser()).absolute()
    texts = contents(names, chosen)
    write(texts, place)
    click.echo(f"Wrote {printable(str(place))}")
    for written in texts:
        click.echo(f"  {written}")
    module = f"{names.package}/{chosen}.py"
    click.echo("Next:")
    click.echo(f"  cd {printable(shlex.quote(str(folder or names.distribution)))}")
    click.echo('  pip install -e ".[test]"')
    click.echo("  pytest               its tests, against a played service")
    click.echo(f"  put your {'own ledger' if chosen is Kind.STORE else 'service'} into {module}")
    click.echo(f"  charimg providers show {names.name}")
