"""``charimg gallery``: one web page, or one picture, of the whole cast."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from charimg.cli import Desk, debug_option
from charimg.cli.cast import cast_options, open_cast
from charimg.cli.tables import printable
from charimg.errors import InputError, StorageError

if TYPE_CHECKING:
    from charimg.gallery.cast import Cast

PAGE_SUFFIXES = (".html", ".htm")
PICTURE_SUFFIX = ".png"
_MANY = 40
"""Characters from which on a terminal sees a progress bar: fewer take about a second."""
_OURS = (b'<meta name="generator" content="charimg ', b"Software\0charimg gallery")
"""What the beginning of a file that this command wrote holds: such a file may be written anew."""
_BEGINNING = 4096


@click.command("gallery", short_help="Make one web page, or one picture, of the whole cast.")
@click.option(
    "--output", metavar="FILE", type=click.Path(path_type=Path), help="The file to write.  [default: gallery.html]"
)
@click.option("--png", is_flag=True, help="One picture of all (a contact sheet) instead of a page.")
@click.option("--open", "show", is_flag=True, help="Show it when it is written.")
@cast_options
@debug_option
@click.pass_obj
def command(
    desk: Desk,
    /,
    *,
    roster: Path | None,
    output: Path | None,
    png: bool,
    show: bool,
    store: str | None,
    options: tuple[str, ...],
) -> None:
    """Make one self-contained web page of all characters of ROSTER, with pictures, prompts and media ids.

    The page needs neither network nor the picture files: send it to somebody as it is.
    """

    file, png = _target(desk.folder, output, png)
    cast = open_cast(desk, roster, store, options)
    _check_free(file)
    with click.progressbar(
        length=len(cast.cards),
        label=f"Drawing {file.name}",
        file=sys.stderr,
        hidden=len(cast.cards) < _MANY or not sys.stderr.isatty(),
    ) as bar:
        _replace(file, lambda out: _write(cast, out, file.parent, png, lambda _count: bar.update(1)))
    pictures = sum(card.picture is not None for card in cast.cards)
    people = f"{len(cast.cards)} character{'' if len(cast.cards) == 1 else 's'}, {pictures} with a picture"
    click.echo(f"Wrote {printable(str(file))} ({people}, {_size(file.stat().st_size)})")
    if not pictures:
        click.echo("No pictures yet: charimg run makes them.")
    if show and click.launch(str(file)):
        click.echo(f"charimg: nothing here can show it; open {printable(str(file))} yourself", err=True)


def _target(folder: Path, output: Path | None, png: bool) -> tuple[Path, bool]:
    """The file to write, absolute, and whether it is a picture.

    Raises:
        InputError: it is a folder, has no folder, or its suffix fits neither.
    """
    if output is None:
        return folder / ("gallery.png" if png else "gallery.html"), png
    file = (folder / output.expanduser()).absolute()
    suffix = file.suffix.lower()
    if file.is_dir():
        raise InputError(f"--output: {output} is a folder; name a file in it, as {output / 'gallery.html'}")
    if suffix != PICTURE_SUFFIX and (png or suffix not in PAGE_SUFFIXES):
        wanted = PICTURE_SUFFIX if png else f"{PAGE_SUFFIXES[0]} (or {PICTURE_SUFFIX} for one picture of all)"
        raise InputError(f"--output: {output} must end in {wanted}")
    if not file.parent.is_dir():
        raise InputError(f"--output: there is no folder {file.parent}; make it first, or choose another")
    return file, suffix == PICTURE_SUFFIX


def _check_free(file: Path) -> None:
    """Only what this command wrote may be written over: never a picture, a roster, or a page of somebody else.

    Raises:
        InputError: something else lies there.
    """
    try:
        with file.open("rb") as there:
            beginning = there.read(_BEGINNING)
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or error}; choose another file with --output") from error
    if beginning and not any(mark in beginning for mark in _OURS):
        raise InputError(
            f"{file} was not made by charimg gallery and is left as it is; choose another file with --output"
        )


def _replace(file: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write the file beside its place and move it there when it is whole.

    Raises:
        StorageError: the disk refused.
    """
    part = file.with_name(f".{file.name[:80]}.{os.getpid()}.part")
    try:
        try:
            with part.open("wb") as out:
                write(out)
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        words = error.strerror or error
        raise StorageError(
            f"cannot write {file}: {words}; free some space or choose another place with --output"
        ) from error


def _write(cast: Cast, out: BinaryIO, folder: Path, png: bool, drawn: Callable[[int], None]) -> None:
    if png:
        from charimg.gallery.contact_sheet import contact_sheet  # noqa: PLC0415 - Pillow is loaded only when needed

        out.write(contact_sheet(cast.cards, title=cast.title, drawn=drawn))
        return
    from charimg.gallery.page import write_page  # noqa: PLC0415 - likewise
    from charimg.model import utc_now  # noqa: PLC0415 - --help needs no values

    write_page(out, cast.cards, title=cast.title, folder=folder, now=utc_now(), drawn=drawn)


def _size(count: int) -> str:
    return f"{max(1, round(count / 1000))} kB" if count < 950_000 else f"{count / 1_000_000:.1f} MB"
