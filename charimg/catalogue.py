"""What is installed, as declarations: for lists, for settings that several providers share, and for diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from charimg.contracts.declaration import Declaration
from charimg.contracts.provider import Provider
from charimg.errors import PluginError
from charimg.plugins import Claim, Kind, Plugins


@dataclass(frozen=True)
class Listed:
    """One installed provider, or what is wrong with it."""

    kind: Kind
    name: str
    claims: tuple[Claim, ...]
    """Who offers it; more than one is wrong."""
    provider: type[Provider] | None
    """The class; ``None`` where it cannot be had."""
    trouble: str = ""
    """Why it cannot be had, with the command that mends it."""

    @property
    def declaration(self) -> Declaration | None:
        """What it says of itself."""
        return None if self.provider is None else self.provider.declaration

    @property
    def source(self) -> str:
        """Distribution and version, or the one-file plugin's path."""
        return " and ".join(claim.source for claim in self.claims)


def listed(plugins: Plugins, kinds: Iterable[Kind] = tuple(Kind)) -> Iterator[Listed]:
    """Every installed provider of these kinds, broken ones too. Imports all of them."""
    for kind in kinds:
        for name in plugins.names(kind):
            yield _one(plugins, kind, name)


def named(plugins: Plugins, name: str) -> list[Listed]:
    """The providers of every kind that are called *name*, else those of the account *name*.

    :raises PluginError: there is none.
    """
    found = [_one(plugins, kind, name) for kind in Kind if name in plugins.names(kind)]
    if not found:
        found = [one for one in listed(plugins) if one.declaration and one.declaration.account_name == name]
    if not found:
        raise PluginError(plugins.unknown(name))
    return found


def relatives(plugins: Plugins) -> Callable[[str], Iterable[Declaration]]:
    """Every installed declaration under an account name, as :class:`charimg.settings.Settings` asks for them."""

    def of_account(account: str) -> Iterable[Declaration]:
        declarations = (one.declaration for one in listed(plugins))
        return (one for one in declarations if one is not None and one.account_name == account)

    return of_account


def _one(plugins: Plugins, kind: Kind, name: str) -> Listed:
    claims = tuple(plugins.claims(kind)[name])
    try:
        return Listed(kind, name, claims, plugins.load(kind, name))
    except PluginError as error:
        return Listed(kind, name, claims, None, str(error))
