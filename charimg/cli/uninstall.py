"""``charimg uninstall``: a provider's package, out of the environment charimg runs in."""

from __future__ import annotations

import click

from charimg.cli import Desk, debug_option
from charimg.cli.completion import provider_names
from charimg.cli.confirmation import agreed
from charimg.cli.tables import printable
from charimg.errors import ExitCode, InputError, PluginError
from charimg.installer import Installer, run
from charimg.one_file_plugins import FOLDER, one_file_plugins
from charimg.packages import CORE, canonical
from charimg.plugin_distributions import PluginDistribution, installed_plugins


@click.command(short_help="Uninstall the package of a provider.")
@click.argument("name", shell_complete=provider_names("generator", "uploader", "store"))
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@debug_option
@click.pass_obj
def command(desk: Desk, name: str, yes: bool) -> int:
    """Uninstall the package that has the provider NAME; NAME may be the package itself.

    All providers of that package go away. Pictures, keys and settings stay.
    """
    chosen = _chosen(desk, name)
    installer = Installer.of_this_environment()
    doing = installer.removing(chosen.name)
    click.echo(f"{printable(chosen.source)}: {printable(chosen.words)}")
    if not agreed(f"Uninstall it from {installer.place} with {installer.tool}?", doing, yes=yes):
        return int(ExitCode.FAILED)
    run(doing, desk.folder, chosen.name)
    click.echo(f"Uninstalled {printable(chosen.source)}.")
    return int(ExitCode.OK)


def _chosen(desk: Desk, name: str) -> PluginDistribution:
    """The installed package that is meant.

    :raises InputError: it is charimg's own, a file, or more than one.
    :raises PluginError: there is none.
    """
    found = installed_plugins()
    by_name = [one for one in found.values() if any(provider == name for _, provider in one.providers)]
    strangers = [one for one in by_name if canonical(one.name) != CORE]
    if canonical(name) in (CORE, "charimg"):
        raise InputError(f"{CORE} is charimg itself; uninstall it as you installed it")
    if canonical(name) in found:
        return found[canonical(name)]
    if len(strangers) > 1:
        words = " or ".join(f"charimg uninstall {one.name}" for one in strangers)
        raise InputError(f"several packages have '{name}'; say which: {words}")
    if strangers:
        return strangers[0]
    if by_name:
        raise InputError(f"'{name}' is part of charimg itself and stays")
    file = next((one for one in one_file_plugins(desk.folder) if one.path.stem == name.removesuffix(".py")), None)
    if file is not None:
        raise InputError(f"'{name}' is the file {file.shown} of this project, and no package; delete it, or rename it")
    raise PluginError(
        f"no installed package has a provider '{name}'; 'charimg providers' lists them, with those of {FOLDER}/"
    )
