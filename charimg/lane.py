"""A lane before and while it works: one generator and one uploader, with their settings and their account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from charimg.contracts import Declaration, ImageGenerator, Price, Provider, ProviderContext, SettingValue, Uploader
from charimg.credentials import FoundSecret
from charimg.errors import CharimgError, FatalError, ProviderError
from charimg.http import HttpSession
from charimg.lane_choice import LaneChoice
from charimg.pipeline import Bench, Pipeline, Terms
from charimg.provider_call import PATIENCE, is_in_core_words
from charimg.redaction import Redactor
from charimg.settings import Options
from charimg.work_reports import WorkReports
from charimg.workplace import Workplace


def settings_values(
    choice: LaneChoice, about: Declaration, place: Workplace, options: Options
) -> dict[str, SettingValue | None]:
    """The values a lane's provider gets for its settings.

    :raises InputError: one is wrong or missing.
    """
    label = choice.label_of(about)
    return place.settings.values_for(about, options, label=label, lane=choice.settings_of(about))


@dataclass(frozen=True)
class _Resolved:
    """What a provider was given by the user."""

    settings: dict[str, SettingValue | None]
    secrets: Mapping[str, FoundSecret]
    account: str
    """Where its credentials are kept."""
    valid_for: str
    """The account or server that knows what it made: a media reference is bound to it, whoever drew the picture."""


@dataclass(frozen=True)
class _Beside:
    """What the providers of an open lane have in common."""

    http: HttpSession
    reports: WorkReports
    shared: dict[Any, object]


class Lane:
    """One generator and one uploader together with their accounts.

    Making one resolves settings and credentials and does nothing else, so that a missing key is told before
    anything is created.

    :raises InputError: a setting is wrong.
    :raises FatalError: a required credential is missing.
    """

    def __init__(self, choice: LaneChoice, *, place: Workplace, options: Options, redactor: Redactor) -> None:
        self.choice = choice
        self.name = choice.name
        self._place = place
        self._redactor = redactor
        self._resolved: dict[type[Provider], _Resolved] = {}
        for kind, account, valid_for in (
            (choice.generator, choice.account, choice.generator_place),
            (choice.uploader, choice.uploader_account, choice.uploader_place),
        ):
            about = kind.declaration
            secrets = place.credentials.required(about, account)
            for secret in secrets.values():
                redactor.add(secret.value)
            values = settings_values(choice, about, place, options)
            self._resolved[kind] = _Resolved(values, secrets, account, valid_for)

    @property
    def price(self) -> Price | None:
        """What one picture costs on this lane; ``None`` where nobody knows."""
        return self.choice.price_at(self._resolved[self.choice.generator].settings)

    @asynccontextmanager
    async def open(self, bench: Bench, http: HttpSession, warn: Callable[[str], None]) -> AsyncIterator[Pipeline]:
        """Make the providers, get them ready, and let them go at the end, whatever happened.

        :param warn: told in one line where a provider does not close as it should.
        :raises ProviderError: a provider cannot start.
        :raises InputError: a provider refuses a setting.
        :raises StorageError: the disk failed.
        """
        made: list[Provider] = []
        reports = WorkReports(self.name, bench.store, bench.emit, self._redactor)
        beside = _Beside(http, reports, {})
        try:
            generator = await self._started(self.choice.generator, beside, made)
            uploader = await self._started(self.choice.uploader, beside, made)
            assert isinstance(generator, ImageGenerator)  # the plugin loader has checked it
            assert isinstance(uploader, Uploader)  # likewise
            terms = Terms(self.choice.generator_place, self.choice.uploader_place, self.price)
            yield Pipeline(bench, reports, generator, uploader, terms)
        finally:
            for provider in reversed(made):
                await self._close(provider, warn)

    async def _started(self, kind: type[Provider], beside: _Beside, made: list[Provider]) -> Provider:
        name = kind.declaration.name
        try:
            provider = kind(self._context(kind, beside))
            made.append(provider)
            await provider.open()
        except Exception as error:
            ours = isinstance(error, CharimgError) and not isinstance(error, ProviderError)  # a wrong setting, the disk
            if ours or is_in_core_words(error):
                raise
            raise FatalError(f"{name} cannot start: {type(error).__name__}: {error}") from error  # a stranger's code
        return provider

    def _context(self, kind: type[Provider], beside: _Beside) -> ProviderContext:
        resolved = self._resolved[kind]
        return ProviderContext(
            folder=self._place.project.folder,
            out=self._place.project.out,
            settings=resolved.settings,
            credentials={name: secret.value for name, secret in resolved.secrets.items()},
            lane=resolved.valid_for,
            http=beside.http,
            wait_ceiling=self.choice.policy.wait_ceiling,
            redactor=self._redactor,
            remember=self._place.credentials.remember(resolved.account, resolved.secrets),
            progress=beside.reports.progress,
            accepted=beside.reports.accepted,
            shared=beside.shared,
        )

    async def _close(self, provider: Provider, warn: Callable[[str], None]) -> None:
        """Let a provider go. The pictures are made: trouble here is a warning, and so is one that never ends."""
        try:
            await asyncio.wait_for(provider.close(), PATIENCE)
        except asyncio.TimeoutError:
            words = f"it did not close within {PATIENCE:g} seconds"
        except Exception as error:  # a stranger's code
            words = f"it cannot close: {type(error).__name__}: {error}"
        else:
            return
        warn(f"{provider.declaration.name}: {words}")
