"""The distributions that bring plugins: those installed here, and one that lies in a wheel. Imports none of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, distributions
from pathlib import Path

from charimg.claims import PLUGIN_GROUP, Kind, identity, installed_claims
from charimg.errors import InputError
from charimg.packages import CORE, canonical

_NAME = re.compile(r"[^A-Za-z0-9._-]")
"""What ends the name at the head of a requirement (PEP 508)."""


@dataclass(frozen=True)
class PluginDistribution:
    """One distribution and the plugins it brings."""

    name: str
    version: str
    providers: tuple[tuple[Kind, str], ...] = ()
    """Kind and name of each provider."""
    takes_part: bool = False
    """It has plugins that take part in every run."""
    core: tuple[str, ...] = field(default=(), compare=False)
    """What it requires of charimg itself, as ``charimg-cli>=0.1``; known of a wheel only."""

    @property
    def words(self) -> str:
        """What it brings: ``generator gemini, uploader gemini``; empty for a package that is no plugin."""
        words = [f"{kind} {name}" for kind, name in self.providers]
        return ", ".join([*words, "takes part in every run"] if self.takes_part else words)

    @property
    def source(self) -> str:
        """Name and version, for messages."""
        return f"{self.name} {self.version}".strip()


def installed_plugins() -> dict[str, PluginDistribution]:
    """Every installed distribution that brings a plugin, by its canonical name."""
    brought: dict[tuple[str, str], list[tuple[Kind, str]]] = {}
    for kind in Kind:
        for name, claims in installed_claims(kind.group).items():
            for claim in claims:
                brought.setdefault((claim.distribution, claim.version), []).append((kind, name))
    taking_part = {
        (claim.distribution, claim.version) for claims in installed_claims(PLUGIN_GROUP).values() for claim in claims
    }
    return {
        canonical(name): PluginDistribution(
            name, version, tuple(brought.get((name, version), ())), (name, version) in taking_part
        )
        for name, version in sorted({*brought, *taking_part})
    }


def plugin_in_wheel(wheel: Path) -> PluginDistribution:
    """What a wheel would bring.

    :raises InputError: it is no wheel.
    """
    try:
        found = next(iter(distributions(path=[str(wheel)])))
        entries: Iterable[EntryPoint] = found.entry_points
        name, version = identity(found)
        core = tuple(one for one in found.requires or () if canonical(_NAME.split(one.strip(), maxsplit=1)[0]) == CORE)
    except Exception as error:  # importlib raises one thing or another for a torn archive
        raise InputError(f"{wheel} is no wheel that can be read") from error
    groups = {kind.group: kind for kind in Kind}
    providers = [(groups[entry.group], entry.name) for entry in entries if entry.group in groups]
    order = list(Kind)
    return PluginDistribution(
        name,
        version,
        tuple(sorted(providers, key=lambda one: (order.index(one[0]), one[1]))),
        any(entry.group == PLUGIN_GROUP for entry in entries),
        core,
    )
