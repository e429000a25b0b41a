"""Who claims which provider's name: the three kinds, and what the installed distributions say of themselves.

Names of installed providers come from entry points, one group a kind, so that listing them imports nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint, distributions, entry_points
from typing import TYPE_CHECKING, Any, Protocol

from charimg.packages import canonical

if TYPE_CHECKING:
    from charimg.contracts import Provider

PLUGIN_GROUP = "charimg.plugins"
"""Entry points of plugins that take part in every run without being a provider."""


class Kind(str, Enum):
    """The three kinds of provider."""

    GENERATOR = "generator"
    UPLOADER = "uploader"
    STORE = "store"

    def __str__(self) -> str:
        return self.value

    @property
    def group(self) -> str:
        """The entry point group."""
        return f"charimg.{self.value}s"

    @property
    def hook(self) -> str:
        """The hook that hands over classes of this kind."""
        return f"register_{self.value}s"

    @property
    def contract(self) -> type[Provider]:
        """The class every provider of this kind extends."""
        from charimg import contracts  # noqa: PLC0415 - listing names must import no contract

        kinds: dict[Kind, type[Provider]] = {
            Kind.GENERATOR: contracts.ImageGenerator,
            Kind.UPLOADER: contracts.Uploader,
            Kind.STORE: contracts.Store,
        }
        return kinds[self]


class Loadable(Protocol):
    """What a claim is loaded from: an entry point or a file."""

    @property
    def value(self) -> str:
        """The module."""

    def load(self) -> Any:
        """Import it."""


@dataclass(frozen=True)
class Claim:
    """One claim of one name: by a distribution, or by a file of the project's ``plugins/`` folder."""

    name: str
    distribution: str
    """Name of the distribution, as pip knows it; of a file, its path in the project."""
    version: str
    """Empty for a file."""
    entry: Loadable
    is_file: bool = False

    @property
    def source(self) -> str:
        """Distribution and version, or the file: for messages."""
        return f"{self.distribution} {self.version}".strip()

    @property
    def remedy(self) -> str:
        """What to do when it is broken."""
        if self.is_file:
            return f"mend it, or take it out of {self.distribution.rpartition('/')[0]}/"
        return f"reinstall it, or remove it with: charimg uninstall {self.distribution}"


def installed_claims(group: str, found: Iterable[EntryPoint] | None = None) -> dict[str, list[Claim]]:
    """Every name in an entry point group with the distributions that claim it. Imports nothing.

    :param found: the entry points to look at; all installed ones by default.
    """
    points = _installed(group) if found is None else (entry for entry in found if entry.group == group)
    claims: dict[str, dict[tuple[str, str], Claim]] = {}
    for entry in points:
        name, version = identity(entry.dist)
        # The same distribution may be seen twice, as an editable install and as its folder on the path; the first
        # is the one that an import finds.
        claims.setdefault(entry.name, {}).setdefault(
            (canonical(name), entry.value), Claim(entry.name, name, version, entry)
        )
    return {name: list(several.values()) for name, several in claims.items()}


def identity(dist: Distribution | None) -> tuple[str, str]:
    """Name and version, where its metadata can still be read."""
    try:
        if dist is not None and dist.name:
            return dist.name, dist.version or ""
    except Exception:  # left behind by a broken-off uninstall: importlib raises one thing or another by version
        return "a broken distribution", ""
    return "an unknown distribution", ""


def _installed(group: str) -> Iterator[EntryPoint]:
    """The entry points of a group; a distribution whose list of them cannot be read is passed over."""
    try:
        yield from entry_points(group=group)
        return
    except Exception as error:  # one torn file in the environment, perhaps of a package we have no part in
        torn = f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
    for dist in distributions():
        try:
            found = [entry for entry in dist.entry_points if entry.group == group]
        except Exception:
            _tell_once(f"charimg: the list of plugins of {identity(dist)[0]} cannot be read: {torn}")
            continue
        yield from found


@lru_cache
def _tell_once(line: str) -> None:
    """On standard error, for what is found out long before a run has anyone to tell; once, for every group asks."""
    sys.stderr.write(f"{line}\n")
