"""The command line: one file a command, loaded only when it is called.

:func:`main` is the console script. It turns every error into one line on standard error and an exit code of
:class:`charimg.errors.ExitCode`; a traceback is shown only with ``--debug``.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from charimg._version import __version__
from charimg.errors import CharimgError, ExitCode

COMMANDS = {
    "init": "Write a commented starter roster.",
    "run": "Make the pictures that are missing.",
    "status": "Show every character: picture, media id, trouble, cost.",
    "log": "Show everything that was tried for one character.",
    "redo": "Make pictures again, or several candidates to choose from.",
    "pick": "Make another version the current picture of a character.",
    "undo": "Take back the last change of a current picture.",
    "check": "Hold the ledger against the pictures on disk, and mend what differs.",
    "adopt": "Take up pictures that the ledger does not know.",
    "gallery": "Make one web page, or one picture, of the whole cast.",
    "providers": "List image generators, uploaders and stores, or show one.",
    "install": "Install the package of a provider.",
    "uninstall": "Uninstall the package of a provider.",
    "plugin": "Write a provider of your own.",
    "keys": "Keep the keys and logins of your services.",
    "config": "Show every setting and where it comes from.",
    "doctor": "Check what is installed, which login works, and what is missing.",
}
"""Every command and its one-line help, so that ``charimg --help`` imports none of them. The module
``charimg.cli.<name>`` holds the command as ``command``."""


@dataclass
class Desk:
    """Where a command works: the user's folder and whether they want to see details. ``ctx.obj`` of every command."""

    folder: Path = field(default_factory=Path.cwd)
    """The project's folder, absolute."""
    debug: bool = False


class _ReaderLeftError(Exception):
    """Nobody reads our output any more (``charimg status | head``)."""


class _LazyCommands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # click would end with 1, which says that pictures failed
            raise _ReaderLeftError from error

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"charimg.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            ctx.fail(f"no such command '{name}'.{_near(name)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _near(name: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - needed only for a typing mistake

    close = get_close_matches(name, COMMANDS, 1)
    return f" Did you mean '{close[0]}'?" if close else ""


def _set_debug(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        ctx.find_root().ensure_object(Desk).debug = True


def debug_option(command: Any) -> Any:
    """Add ``--debug`` to a command."""
    return click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        callback=_set_debug,
        help="Show tracebacks and what is sent and received (never secrets).",
    )(command)


@click.group(
    cls=_LazyCommands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
)
@click.version_option(__version__, prog_name="charimg", message="%(prog)s %(version)s")
@click.option(
    "-C",
    "--project",
    "folder",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Work in this folder instead of the current one.",
)
@debug_option
@click.pass_context
def cli(ctx: click.Context, folder: Path | None) -> None:
    """Pictures of a whole cast of characters, five at a time, through any image service.

    Begin with "charimg init", then "charimg run".
    """
    desk = ctx.ensure_object(Desk)
    if folder is not None:
        if not folder.is_dir():
            raise click.BadParameter(f"there is no folder '{folder}'", ctx, param_hint="--project")
        desk.folder = folder.resolve()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    sys.exit(_run(arguments))


def _run(arguments: list[str] | None) -> int:
    desk = Desk()
    try:
        code = cli.main(args=arguments, prog_name="charimg", obj=desk, standalone_mode=False)
        return int(code) if isinstance(code, int) else int(ExitCode.OK)
    except click.exceptions.Abort:
        click.echo("charimg: interrupted", err=True)
        return int(ExitCode.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except CharimgError as error:
        if desk.debug:
            _show_traceback(error)
        _tell(str(error))
        return int(error.exit_code)
    except _ReaderLeftError:
        # End quietly, as other tools do; what is still buffered would fail once more at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.OK)
    except Exception as error:  # the last resort: no traceback reaches a user who did not ask for one
        words = f"{type(error).__name__}: {error}".splitlines()[0]
        if desk.debug:
            _show_traceback(error)
            _tell(f"internal error: {words}; please report what is shown above")
        else:
            _tell(f"internal error: {words}; run it again with --debug and report what it shows")
        return int(ExitCode.FAILED)


def _tell(words: str) -> None:
    """One line on standard error, whatever a name or path in it holds."""
    from charimg.cli.tables import printable  # noqa: PLC0415 - needed only when something went wrong
    from charimg.redaction import clean_of_all  # noqa: PLC0415 - likewise

    click.echo(f"charimg: {printable(clean_of_all(words, os.environ))}", err=True)


def _show_traceback(error: BaseException) -> None:
    """For whoever asked for it; Python's own would show what the exceptions and their causes say, secrets included."""
    import traceback  # noqa: PLC0415 - needed only when something went wrong

    from charimg.redaction import clean_of_all  # noqa: PLC0415 - likewise

    click.echo(clean_of_all("".join(traceback.format_exception(error)), os.environ).rstrip(), err=True)
