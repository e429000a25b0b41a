"""How packages come into this environment, and how they leave it: pip, uv, pipx or uv's tools.

An environment that pipx or ``uv tool`` made is theirs: what pip puts there by itself is gone at the next upgrade, so it
is asked of them. Where packages are fetched from is the tools' own business.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from charimg.errors import PluginError
from charimg.packages import CORE, canonical
from charimg.plugin_distributions import PluginDistribution, plugin_in_wheel

_SHORT = 4
"""Lines a tool may say before one of them cannot be trusted to tell it all."""
_QUIET = ("--quiet", "--disable-pip-version-check", "--no-input")


@dataclass(frozen=True)
class Installer:
    """The tool that this environment's packages come through."""

    tool: str
    """``pip``, ``uv pip``, ``pipx`` or ``uv tool``."""
    place: Path
    """The environment."""
    pip: tuple[str, ...] = ()
    """pip of this environment; empty where it has none."""
    command: tuple[str, ...] = ()
    """The tool itself, where it is another than pip."""

    @classmethod
    def of_this_environment(cls, place: Path | None = None) -> Installer:
        """The right tool for the environment this Python runs in.

        :param place: the environment; ``sys.prefix`` by default.
        :raises PluginError: there is none; the message says how to get one.
        """
        place = Path(sys.prefix) if place is None else place
        pip = (sys.executable, "-m", "pip") if find_spec("pip") else ()
        if (place / "pipx_metadata.json").is_file():
            return cls("pipx", place, pip, (_needed("pipx", place),))
        if (place / "uv-receipt.toml").is_file():
            return cls("uv tool", place, pip, (_needed("uv", place),))
        if pip:
            return cls("pip", place, pip)
        uv = shutil.which("uv")
        if uv:
            return cls("uv pip", place, (), (uv,))
        raise PluginError(
            f"there is no pip in {place}; put it there with: {sys.executable} -m ensurepip (on Debian and Ubuntu"
            " install the package python3-venv and make a virtual environment)"
        )

    def adding(self, requirement: str, *, upgrade: bool = False, replace: bool = False) -> list[str]:
        """The command that installs a package.

        :param requirement: a distribution, with or without a version, or a path.
        :param upgrade: take the newest version even if there is one.
        :param replace: put it in the place of the same version.
        :raises PluginError: the environment's own record cannot be read.
        """
        if self.tool == "pipx":
            return [*self.command, "inject", *(["--force"] if upgrade or replace else []), self.place.name, requirement]
        if self.tool == "uv tool":
            begin, others = self._receipt()
            added = [one for one in others if canonical(one) != canonical(requirement)] + [requirement]
            return self._tool_install(begin, added, upgrade=upgrade or replace)
        how = ["--upgrade"] if upgrade else []
        if self.tool == "uv pip":
            how = ["--reinstall", "--no-deps"] if replace else how
            return [*self.command, "pip", "install", "--quiet", "--python", sys.executable, *how, requirement]
        how = ["--force-reinstall", "--no-deps"] if replace else how
        return [*self.pip, "install", *_QUIET, *how, requirement]

    def removing(self, distribution: str) -> list[str]:
        """The command that uninstalls a package.

        :raises PluginError: the environment's own record cannot be read.
        """
        if self.tool == "pipx":
            return [*self.command, "uninject", self.place.name, distribution]
        if self.tool == "uv tool":
            begin, others = self._receipt()
            return self._tool_install(begin, [one for one in others if canonical(one) != canonical(distribution)])
        if self.tool == "uv pip":
            return [*self.command, "pip", "uninstall", "--quiet", "--python", sys.executable, distribution]
        return [*self.pip, "uninstall", *_QUIET, "--yes", distribution]

    def look(self, requirement: str, folder: Path) -> PluginDistribution | None:
        """What a package would bring, before it is installed: its wheel is fetched or built, and read.

        :param folder: where a relative path begins.
        :return: ``None`` where it cannot be looked at, for want of pip.
        :raises PluginError: it cannot be had.
        :raises InputError: it is no package.
        """
        if requirement.endswith(".whl") and (folder / requirement).is_file():
            return plugin_in_wheel(folder / requirement)
        if not self.pip:
            return None
        with tempfile.TemporaryDirectory(prefix="charimg-install-") as place:
            run([*self.pip, "wheel", *_QUIET, "--no-deps", "--wheel-dir", place, requirement], folder, requirement)
            wheels = list(Path(place).glob("*.whl"))
            if len(wheels) != 1:
                raise PluginError(f"pip made {len(wheels)} wheels of {requirement}; expected one")
            return plugin_in_wheel(wheels[0])

    def _tool_install(self, begin: Sequence[str], others: Sequence[str], *, upgrade: bool = False) -> list[str]:
        withs = [word for one in others for word in ("--with", one)]
        return [*self.command, "tool", "install", "--quiet", *(["--upgrade"] if upgrade else []), *begin, *withs]

    def _receipt(self) -> tuple[list[str], list[str]]:
        """What uv's receipt says it installed: charimg with its Python, and what was added.

        Without hearing it again, uv would drop it.
        """
        receipt = self.place / "uv-receipt.toml"
        by_hand = f"run: uv tool install {CORE} with a --with PACKAGE for each plugin you want"
        try:
            import tomllib  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - Python 3.10 has none
        except ImportError:
            raise PluginError(f"reading {receipt} needs Python 3.11; {by_hand}") from None
        try:
            tool = tomllib.loads(receipt.read_text(encoding="utf-8"))["tool"]
            main, *others = (_requirement_of(entry) for entry in tool["requirements"])
            python = ["--python", str(tool["python"])] if tool.get("python") else []
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PluginError(f"{receipt} cannot be read as uv writes it; {by_hand}") from error
        return [*python, main], others


def run(command: Sequence[str], folder: Path, what: str) -> None:
    """Run a tool; it says something only when it fails.

    :param folder: where it runs.
    :param what: what it was about, for the error.
    :raises PluginError: it failed; with its own words.
    """
    try:
        done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, errors="replace")  # noqa: S603 - our own words and the user's
    except OSError as error:
        raise PluginError(f"{command[0]} cannot be run: {error.strerror or error}") from error
    if done.returncode:
        tool = "pip" if "pip" in command[1:3] else Path(command[0]).name
        said = done.stderr or done.stdout
        more = f"; to see all it says, run: {shlex.join(command)}" if len(said.splitlines()) > _SHORT else ""
        raise PluginError(f"{tool} could not do it for {what}: {_reason(said)}{more}")


def _reason(words: str) -> str:
    """The line that says why, of all that a tool said."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    because = [line[line.index("Because ") :] for line in lines if "Because " in line]  # uv's, below a headline
    errors = [line for line in lines if line.lower().startswith("error:")]
    reason = (because or errors[-1:] or lines[-1:] or ["it gave no reason"])[0]
    return reason.removeprefix("ERROR: ").removeprefix("error: ")[:300]


def _needed(tool: str, place: Path) -> str:
    found = shutil.which(tool)
    if found is None:
        raise PluginError(f"{place} was made by {tool}, which is not found; put it on the PATH and run this again")
    return found


def _requirement_of(entry: dict[str, Any]) -> str:
    """An entry of uv's receipt as one writes it on the command line."""
    for place in ("path", "directory", "editable", "url"):
        if place in entry:
            return str(entry[place])
    if not set(entry) <= {"name", "specifier", "extras"}:
        raise ValueError("an entry of another kind")
    extras = f"[{','.join(entry['extras'])}]" if entry.get("extras") else ""
    return f"{entry['name']}{extras}{entry.get('specifier', '')}"
