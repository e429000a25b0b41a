"""A lane before and while it works: one generator and one uploader, with their settings and their account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from charimg.addresses import server_of
from charimg.bench import Bench, Terms
from charimg.claims import Kind
from charimg.contracts import Declaration, ImageGenerator, Price, Provider, ProviderContext, SettingValue, Uploader
from charimg.errors import CharimgError, FatalError, InputError, ProviderError
from charimg.http import HttpSession
from charimg.lane_choice import LaneChoice, LaneChoices
from charimg.model import Job
from charimg.pipeline import Pipeline
from charimg.policy import Outcome
from charimg.provider_call import PATIENCE, is_in_core_words
from charimg.provider_context import lane_values, provider_context
from charimg.raised_where import log_stack, told
from charimg.redaction import Redactor
from charimg.settings import Options
from charimg.work_reports import WorkReports
from charimg.workplace import Workplace


@dataclass(frozen=True)
class LaneSettings:
    """A lane with the values of its providers' settings: all that is known of it but the secrets."""

    choice: LaneChoice
    generator: dict[str, SettingValue | None]
    uploader: dict[str, SettingValue | None]

    @property
    def price(self) -> Price | None:
        """What one picture costs on this lane; ``None`` where nobody knows."""
        return self.choice.price_at(self.generator)

    @property
    def identity(self) -> tuple[object, ...]:
        """The same for two lanes that would ask the same account for the same."""
        told = sorted((name, value) for name, value in self.generator.items() if name != "base_url")
        return self.choice.generator, self.generator_place, told

    @property
    def generator_place(self) -> str:
        """The account or server that makes the pictures: where a ticket is good."""
        return _place(self.choice.account, self.choice.generator.declaration, self.generator)

    @property
    def uploader_place(self) -> str:
        """The account or server that takes the uploads: what a media reference is valid for."""
        return _place(self.choice.uploader_account, self.choice.uploader.declaration, self.uploader)


def resolved(lanes: LaneChoices, place: Workplace, options: Options) -> dict[str, LaneSettings]:
    """The lanes with their settings, by name.

    :raises InputError: a setting is wrong or missing, or two lanes are one account with the same settings: each would
        have the policy to itself, and the account twice as much to do.
    """
    found: dict[str, LaneSettings] = {}
    for choice in lanes.all:
        values = LaneSettings(
            choice,
            lane_values(choice, Kind.GENERATOR, place.settings, options),
            lane_values(choice, Kind.UPLOADER, place.settings, options),
        )
        for other in found.values():
            if other.identity == values.identity:
                raise InputError(
                    f"the lanes '{other.choice.name}' and '{choice.name}' are one account with the same settings; one"
                    " account is one lane: take one away, or give it another account, server or model"
                )
        found[choice.name] = values
    return found


def _place(account: str, about: Declaration, values: Mapping[str, SettingValue | None]) -> str:
    """The account; where its address is not the provider's own, with that: each server has its own pictures."""
    usual = next((setting.default for setting in about.settings if setting.name == "base_url"), None)
    server = server_of(str(values.get("base_url") or ""))
    return f"{account}@{server}" if server and server != server_of(str(usual or "")) else account


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

    def __init__(self, settings: LaneSettings, place: Workplace, redactor: Redactor) -> None:
        self.settings = settings
        self.choice = choice = settings.choice
        self.name = choice.name
        self._place = place
        self._redactor = redactor
        self._pipeline: Pipeline | None = None
        self._generator = self._context_of(
            choice.generator.declaration, choice.account, settings.generator, settings.generator_place
        )
        self._uploader = self._context_of(
            choice.uploader.declaration, choice.uploader_account, settings.uploader, settings.uploader_place
        )

    @property
    def price(self) -> Price | None:
        """What one picture costs on this lane; ``None`` where nobody knows."""
        return self.settings.price

    async def admit(self, job: Job) -> bool:
        """See :meth:`charimg.pipeline.Pipeline.admit`."""
        return await self._working.admit(job)

    def release(self, job: Job) -> None:
        """See :meth:`charimg.pipeline.Pipeline.release`."""
        self._working.release(job)

    async def work(self, job: Job) -> Outcome:
        """See :meth:`charimg.pipeline.Pipeline.work`."""
        return await self._working.work(job)

    @property
    def _working(self) -> Pipeline:
        if self._pipeline is None:
            raise RuntimeError(f"the lane {self.name} is not open")
        return self._pipeline

    @asynccontextmanager
    async def opened(self, bench: Bench, http: HttpSession, warn: Callable[[str], None]) -> AsyncIterator[None]:
        """Make the providers, get them ready, and let them go at the end, whatever happened.

        :param warn: told in one line where a provider does not close as it should.
        :raises ProviderError: a provider cannot start.
        :raises InputError: a provider refuses a setting.
        :raises StorageError: the disk failed.
        """
        made: list[Provider] = []
        reports = WorkReports(self.name, bench.store, bench.emit, self._redactor, bench.ticketed)
        beside = _Beside(http, reports, {})
        try:
            generator = await self._started(self.choice.generator, self._generator, beside, made)
            uploader = await self._started(self.choice.uploader, self._uploader, beside, made)
            assert isinstance(generator, ImageGenerator)  # the plugin loader has checked it
            assert isinstance(uploader, Uploader)  # likewise
            terms = Terms(self._generator.lane, self._uploader.lane, self.price)
            self._pipeline = Pipeline(bench, reports, generator, uploader, terms)
            yield
        finally:
            for provider in reversed(made):
                await self._close(provider, warn)

    def _context_of(
        self, about: Declaration, account: str, values: Mapping[str, SettingValue | None], lane: str
    ) -> ProviderContext:
        return provider_context(
            about,
            account,
            values,
            project=self._place.project,
            credentials=self._place.credentials,
            wait_ceiling=self.choice.policy.wait_ceiling,
            redactor=self._redactor,
            lane=lane,
        )

    @staticmethod
    async def _started(
        kind: type[Provider], context: ProviderContext, beside: _Beside, made: list[Provider]
    ) -> Provider:
        name = kind.declaration.name
        try:
            provider = kind(
                replace(
                    context,
                    http=beside.http,
                    progress=beside.reports.progress,
                    accepted=beside.reports.accepted,
                    shared=beside.shared,
                )
            )
            made.append(provider)
            await provider.open()
        except (Exception, SystemExit) as error:
            ours = isinstance(error, CharimgError) and not isinstance(error, ProviderError)  # a wrong setting, the disk
            if ours or is_in_core_words(error):
                raise
            log_stack(error)
            raise FatalError(f"{name} cannot start: {told(error)}") from error  # a stranger's code
        return provider

    async def _close(self, provider: Provider, warn: Callable[[str], None]) -> None:
        """Let a provider go. The pictures are made: trouble here is a warning, and so is one that never ends."""
        try:
            await asyncio.wait_for(provider.close(), PATIENCE)
        except asyncio.TimeoutError:
            words = f"it did not close within {PATIENCE:g} seconds"
        except (Exception, SystemExit) as error:  # a stranger's code
            log_stack(error)
            words = f"it cannot close: {told(error)}"
        else:
            return
        warn(f"{provider.declaration.name}: {words}")
