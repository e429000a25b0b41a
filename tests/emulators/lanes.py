"""Contexts as a run makes them, for tests that drive a provider against an emulator without the rest of charimg."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from charimg.contracts import Provider, ProviderContext
from charimg.http import HttpSession
from charimg.redaction import Secret

P = TypeVar("P", bound=Provider)


class Contexts:
    """Makes contexts, each with an HTTP session of its own; at the end all is closed.

    ``async with Contexts(tmp_path) as contexts:``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sessions: list[HttpSession] = []
        self._providers: list[Provider] = []

    async def __aenter__(self) -> Contexts:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for provider in self._providers:
            await provider.close()
        for session in self._sessions:
            await session.close()

    def make(
        self,
        *kinds: type[Provider],
        lane: str,
        secrets: Mapping[str, str | None],
        settings: Mapping[str, Any],
        variables: Mapping[str, str] | None = None,
        **hooks: Any,
    ) -> ProviderContext:
        """A context for a lane that is called like its account, as lanes are where nobody says otherwise.

        :param kinds: whose settings are at their defaults where *settings* says nothing.
        :param secrets: the credentials; ``None`` for one that is not there.
        :param variables: the environment variables that credentials came from.
        :param hooks: what else the context is to have, such as ``progress=``.
        """
        http = HttpSession()
        self._sessions.append(http)
        defaults = {one.name: one.default for kind in kinds for one in kind.declaration.settings}
        return ProviderContext(
            folder=self._folder,
            out=self._folder,
            settings={**defaults, **settings},
            credentials={name: Secret(text) for name, text in secrets.items() if text is not None},
            account=lane,
            variables=variables or {},
            lane=lane,
            http=http,
            **hooks,
        )

    def closing(self, provider: P) -> P:
        """The provider, which is closed at the end."""
        self._providers.append(provider)
        return provider
