"""``charimg install``: a provider's package, into the environment charimg runs in."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Sequence
from importlib import invalidate_caches
from pathlib import Path

import click

from charimg.cli import Desk, debug_option
from charimg.cli.confirmation import agreed
from charimg.cli.tables import printable
from charimg.errors import ExitCode, InputError, PluginError
from charimg.installer import Installer, run, shown
from charimg.packages import CORE, PACKAGES, PREFIX, canonical
from charimg.plugin_distributions import PluginDistribution, installed_plugins

_PLAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_REQUIREMENT = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(?:[<>=!~].*|@.*)?")
"""The head of PEP 508, enough to tell the name; the tool reads the whole."""
_WHEEL_ADDRESS = re.compile(r"(?:[A-Za-z0-9._-]+\s*@\s*)?https?://[^\s?#]+\.whl(?:[?#]\S*)?")
"""Where a wheel is fetched from; a repository or a folder of such a name would be built."""


def _installable(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Completes the providers of packages that are not installed."""
    there = installed_plugins()
    return [name for name, package in sorted(PACKAGES.items()) if name.startswith(begun) and package not in there]


@click.command(short_help="Install the package of a provider.")
@click.argument("name", shell_complete=_installable)
@click.option("--upgrade", is_flag=True, help="Take the newest version, even if one is installed.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@debug_option
@click.pass_obj
def command(desk: Desk, name: str, upgrade: bool, yes: bool) -> int:
    """Install the package that has the provider NAME, where charimg itself is installed.

    NAME is a provider (gemini), a package (charimg-gemini, other-package>=1.0), or the path of a wheel or folder
    (./charimg-sketch). The package is looked at first: what is no plugin of charimg is refused, and nothing is
    installed before you agree. What is no wheel has to be built to be looked at, which runs its code: you are asked
    before that, too. --yes agrees to both.
    """
    requirement, is_place = _asked_for(name, desk.folder)
    before = installed_plugins()
    there = None if is_place else before.get(_distribution(requirement))
    if there is not None and not upgrade and requirement == there.name:
        click.echo(f"{printable(there.source)} is installed already: {printable(there.words)}")
        return int(ExitCode.OK)
    installer = Installer.of_this_environment()
    if sys.stderr.isatty():
        click.echo(f"Looking at {printable(shown(requirement))} ...", err=True)  # which may take its time to come
    found, wheel_of = None, ""
    if installer.can_look(requirement, desk.folder):
        if not is_place or _is_wheel(requirement, desk.folder):
            found = installer.look(requirement, desk.folder)
            wheel_of = "" if found is None or is_place else found.name
        if found is None:
            about = "has to be built" if is_place else "comes without a wheel that fits, and has to be built,"
            click.echo(f"{printable(shown(requirement))} {about} to see what it brings. That runs its code.")
            found = installer.build(
                requirement, desk.folder, lambda doing: agreed("Build it?", _words(doing, requirement), yes=yes)
            )
            if found is None:
                return int(ExitCode.FAILED)
        _check(found, before)
        installer.check_core(found, desk.folder)
        click.echo(f"{printable(found.source)}: {printable(found.words)}")
    else:
        click.echo("Without pip it cannot be looked at before it is installed, which may run its code.")
    same = found is not None and is_place and before.get(canonical(found.name)) == found
    doing = installer.adding(requirement, upgrade=upgrade, replace=same, only_wheel_of=wheel_of)
    question = f"Install it into {installer.place} with {installer.tool}?"
    if not agreed(question, _words(doing, requirement), yes=yes):
        return int(ExitCode.FAILED)
    trial = installer.trial(requirement, only_wheel_of=wheel_of)
    if trial:
        run(trial, desk.folder, requirement)
    run(doing, desk.folder, requirement)
    invalidate_caches()
    now = _come(requirement if found is None else found.name, before)
    if now is None:
        remedy = "" if is_place else f"; remove it with: {shlex.join(installer.removing(_distribution(requirement)))}"
        raise PluginError(f"{shown(requirement)} is installed, and is no plugin of charimg{remedy}")
    click.echo(f"Installed {printable(now.source)}.")
    if now.providers:
        click.echo(f"Next: charimg providers show {now.providers[0][1]}")
    return int(ExitCode.OK)


def _words(command: Sequence[str], requirement: str) -> list[str]:
    """A command as it may be shown."""
    return [shown(word, requirement) for word in command]


def _is_wheel(requirement: str, folder: Path) -> bool:
    """Whether it is a wheel, here or at an address, which is read and never built."""
    return _WHEEL_ADDRESS.fullmatch(requirement) is not None or (
        requirement.endswith(".whl") and (folder / requirement).is_file()
    )


def _come(requirement: str, before: dict[str, PluginDistribution]) -> PluginDistribution | None:
    """The plugin that is here now; where only its address was known, the one that was not here before."""
    after = installed_plugins()
    new = [one for name, one in after.items() if before.get(name) != one]
    return after.get(_distribution(requirement), new[0] if new else None)


def _asked_for(name: str, folder: Path) -> tuple[str, bool]:
    """What the tool is asked for, and whether it is a place rather than a name.

    :raises InputError: it is nothing that can be installed.
    """
    if name.startswith("-"):
        raise InputError(f"'{shown(name)}' is an option and no package; name a provider, a package, or a path")
    if "://" in name:
        return name, True
    seps = tuple(filter(None, (os.sep, os.altsep)))
    if any(sep in name for sep in seps) or name.endswith((".whl", ".tar.gz")) or name == ".":
        place = folder / Path(name).expanduser()
        if not place.exists():
            raise InputError(f"there is no {place}; name a provider, a package, or the path of a wheel or folder")
        return str(place), True
    whole = _REQUIREMENT.fullmatch(name)
    if whole is None:
        raise InputError(f"'{name}' is no name of a package; name a provider (gemini) or a package (charimg-gemini)")
    if "@" in name:  # an address without slashes, as file:folder
        return name, True
    if name in PACKAGES:
        return PACKAGES[name], False
    if canonical(whole[1]) in (CORE, "charimg"):
        raise InputError(
            f"{CORE} is charimg itself, which is installed; name a provider, as in: charimg install gemini"
        )
    # A bare word is the name of a provider, and never of just any package of the index: a slip of the finger
    # would install a stranger's. Who means another package says so with a version.
    named = _PLAIN.fullmatch(name) is None or canonical(name).startswith(PREFIX)
    return (name if named else f"{PREFIX}{canonical(name)}"), False


def _distribution(requirement: str) -> str:
    """The canonical name of what a requirement asks for."""
    whole = _REQUIREMENT.fullmatch(requirement)
    return canonical(requirement if whole is None else whole[1])


def _check(found: PluginDistribution, before: dict[str, PluginDistribution]) -> None:
    """Refuse what is no plugin, and what would quarrel with one that is here.

    :raises InputError: it is one of these.
    """
    if canonical(found.name) == CORE:
        raise InputError(f"{found.source} is charimg itself; install it as you installed this one")
    if not found.words:
        raise InputError(f"{found.source} is no plugin of charimg (it declares none); nothing was installed")
    for other in before.values():
        taken = set(other.providers) & set(found.providers)
        if taken and canonical(other.name) != canonical(found.name):
            kind, name = min(taken)
            remedy = "" if canonical(other.name) == CORE else f"; uninstall that first: charimg uninstall {other.name}"
            raise InputError(
                f"{found.source} has a {kind} '{name}', as {other.source} has{remedy}; nothing was installed"
            )
