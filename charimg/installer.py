"""How packages come into this environment, and how they leave it: pip, uv, pipx or uv's tools.

An environment that pipx or ``uv tool`` made is theirs: what pip puts there by itself is gone at the next upgrade, so it
is asked of them. Where packages are fetched from is the tools' own business.

Nobody's code is run by looking: a wheel is only read. What has to be built runs its code, so that is a step of its own,
which the user agrees to. And no package brings another charimg along: the one that runs is held where it is.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from charimg._version import __version__
from charimg.errors import InputError, PluginError
from charimg.packages import CORE, canonical
from charimg.plugin_distributions import PluginDistribution, plugin_in_wheel
from charimg.redaction import Redactor
from charimg.settings import written

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

    def adding(
        self, requirement: str, *, upgrade: bool = False, replace: bool = False, only_wheel_of: str = ""
    ) -> list[str]:
        """The command that installs a package, and leaves charimg itself at its version where the tool can be told so.

        :param requirement: a distribution, with or without a version, or a path.
        :param upgrade: take the newest version even if there is one.
        :param replace: put it in the place of the same version.
        :param only_wheel_of: the distribution, where its wheel was looked at and its source was not.
        :raises PluginError: the environment's own record cannot be read.
        """
        if self.tool == "pipx":
            return [*self.command, "inject", *(["--force"] if upgrade or replace else []), self.place.name, requirement]
        if self.tool == "uv tool":
            begin, others = self._receipt()
            added = [one for one in others if canonical(one) != canonical(requirement)] + [requirement]
            return self._tool_install(begin, added, upgrade=upgrade or replace)
        how = ["--upgrade"] if upgrade else []
        wheel = ["--only-binary", only_wheel_of] if only_wheel_of else []
        pin = [] if replace else [f"{CORE}=={_running()}"]
        if self.tool == "uv pip":
            how = ["--reinstall", "--no-deps"] if replace else how
            begin = [*self.command, "pip", "install", "--quiet", "--python", sys.executable]
        else:
            how = ["--force-reinstall", "--no-deps"] if replace else how
            begin = [*self.pip, "install", *_QUIET]
        return [*begin, *how, *wheel, requirement, *pin]

    def trial(self, requirement: str, *, only_wheel_of: str = "") -> list[str]:
        """The command that fails, and changes nothing, where a package needs another charimg than the one that runs;
        empty where :meth:`adding` sees to that itself, or nobody can try.

        pipx and uv keep what they are told for later upgrades, so they cannot be told to leave charimg as it is.
        """
        if self.tool == "pipx" and self.pip:
            pip = Installer("pip", self.place, self.pip)
        elif self.tool == "uv tool":
            pip = Installer("uv pip", self.place, (), self.command)
        else:
            return []
        words = pip.adding(requirement, only_wheel_of=only_wheel_of)
        after = words.index("install") + 1
        return [*words[:after], "--dry-run", *words[after:]]

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

    def can_look(self, requirement: str, folder: Path) -> bool:
        """Whether one can see what a package brings before it is installed: by pip, or in a wheel that lies here."""
        return bool(self.pip) or (folder / requirement).is_file()

    def look(self, requirement: str, folder: Path) -> PluginDistribution | None:
        """What a package would bring, before it is installed: its wheel is fetched and read. Runs none of its code.

        :param requirement: a distribution, or a wheel's path or address.
        :param folder: where a relative path begins.
        :return: ``None`` where there is no wheel of it.
        :raises PluginError: it cannot be had.
        :raises InputError: it is no package.
        """
        if requirement.endswith(".whl") and (folder / requirement).is_file():
            return plugin_in_wheel(folder / requirement)
        try:
            return self._wheel_of(requirement, folder, lambda _command: True, ["--only-binary", ":all:"])
        except PluginError:
            if "://" in requirement or not self._is_offered(requirement, folder):
                raise
            return None

    def build(
        self, requirement: str, folder: Path, agree: Callable[[Sequence[str]], bool]
    ) -> PluginDistribution | None:
        """What a package would bring that has to be built for it, which runs its code.

        :param folder: where a relative path begins.
        :param agree: asked before, with the command.
        :return: ``None`` where that was refused.
        :raises PluginError: it cannot be had.
        :raises InputError: it is no package.
        """
        return self._wheel_of(requirement, folder, agree)

    def check_core(self, found: PluginDistribution, folder: Path) -> None:
        """Refuse a package that needs another charimg than the one that runs.

        :param folder: where the tool runs.
        :raises InputError: it does.
        """
        for needed in found.core if self.pip else ():
            # pip knows what a requirement means; away from everything it could fetch, only what is here can meet it.
            words = [*self.pip, "--isolated", "install", *_QUIET, "--dry-run", "--no-index", "--no-deps", needed]
            try:
                if "@" in needed:  # it names an address to fetch charimg from
                    raise PluginError(needed)
                run(words, folder, needed)
            except PluginError:
                raise InputError(
                    f"{found.source} needs {shown(needed)}; this is {_running()}: upgrade that first, or ask for an"
                    " older version; nothing was installed"
                ) from None

    def _wheel_of(
        self, requirement: str, folder: Path, agree: Callable[[Sequence[str]], bool], how: Sequence[str] = ()
    ) -> PluginDistribution | None:
        with tempfile.TemporaryDirectory(prefix="charimg-install-") as place:
            command = [*self.pip, "wheel", *_QUIET, "--no-deps", *how, "--wheel-dir", place, requirement]
            if not agree(command):
                return None
            run(command, folder, requirement)
            wheels = list(Path(place).glob("*.whl"))
            if len(wheels) != 1:
                raise PluginError(f"pip made {len(wheels)} wheels of {shown(requirement)}; expected one")
            return plugin_in_wheel(wheels[0])

    def _is_offered(self, requirement: str, folder: Path) -> bool:
        """Whether there is any version of the distribution, whatever it comes as."""
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        try:
            run([*self.pip, "index", "versions", *_QUIET, "--pre", name], folder, requirement)
        except PluginError:
            return False
        return True

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
    :raises PluginError: it failed; with its own words, without the login of an address.
    """
    try:
        done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, errors="replace")  # noqa: S603 - our own words and the user's
    except OSError as error:
        raise PluginError(f"{command[0]} cannot be run: {error.strerror or error}") from error
    if done.returncode:
        tool = "pip" if "pip" in command[1:3] else Path(command[0]).name
        said = done.stderr or done.stdout
        more = f"; to see all it says, run: {shlex.join(command)}" if len(said.splitlines()) > _SHORT else ""
        raise PluginError(shown(f"{tool} could not do it for {what}: {_reason(said, what)}{more}", what))


def shown(text: str, asked: str = "") -> str:
    """The text as it may be shown: without the logins in its addresses.

    :param asked: what the user asked for; the login in its address stands nowhere in the text, however it is quoted.
    """
    redactor = Redactor()
    for login in re.findall(r"://([^/\s]*)@", asked):
        user, _, password = login.partition(":")
        redactor.add(login)
        redactor.add(password or user)
    return written(redactor.clean(text))


def _running() -> str:
    """The version of charimg that is here, as tools know it."""
    try:
        return version(CORE)
    except PackageNotFoundError:
        return __version__


def _reason(words: str, asked: str) -> str:
    """The line that says why, of all that a tool said."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    because = [line[line.index("Because ") :] for line in lines if "Because " in line]  # uv's, below a headline
    # pip's last word on a conflict is an address to read at; who is in conflict stands before it.
    errors = [line for line in lines if line.lower().startswith("error:") and "ResolutionImpossible" not in line]
    reason = (because or errors[-1:] or lines[-1:] or ["it gave no reason"])[0]
    return shown(reason, asked).removeprefix("ERROR: ").removeprefix("error: ")[:300]


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
