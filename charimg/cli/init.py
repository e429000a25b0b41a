"""``charimg init``: a commented roster to start from."""

from __future__ import annotations

from pathlib import Path

import click

from charimg.cli import Desk, debug_option
from charimg.cli.tables import printable
from charimg.errors import InputError, StorageError


@click.command("init", short_help="Write a commented starter roster.")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@debug_option
@click.pass_obj
def command(desk: Desk, /, *, folder: Path | None) -> None:
    """Write characters.yaml, a roster to start from, into FOLDER (by default this one).

    Nothing is ever overwritten.
    """
    from importlib.resources import files  # noqa: PLC0415 - --help reads no file

    from charimg.roster.reader import NAMES  # noqa: PLC0415 - likewise

    place = desk.folder if folder is None else (desk.folder / folder.expanduser()).absolute()
    if place.exists() and not place.is_dir():
        raise InputError(f"{place} is a file; name a folder: charimg init FOLDER")
    there = next((name for name in NAMES if (place / name).exists()), None)
    if there is not None:
        raise InputError(
            f"{place / there} exists and is left as it is; edit it, or start in another folder: charimg init FOLDER"
        )
    starter = files("charimg.cli").joinpath("starter.yaml").read_text(encoding="utf-8")
    file = place / NAMES[0]
    try:
        place.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", newline="\n") as out:
            out.write(starter)
    except FileExistsError:
        raise InputError(f"{file} exists and is left as it is") from None
    except OSError as error:
        raise StorageError(f"cannot write {file}: {error.strerror or error}; choose another folder") from error
    click.echo(f"Wrote {printable(str(file))}")
    click.echo("Next:")
    if folder is not None:
        click.echo(f"  cd {folder}")
    click.echo(f"  describe your characters in {file.name}")
    click.echo("  charimg run          draw them all, offline (see charimg providers for services)")
    click.echo("  charimg gallery      make a web page of the cast")
