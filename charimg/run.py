"""Wires one run: workplace, roster, plugins, store and lanes become a scheduler; the one place where all meet."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from charimg.contracts import ImageGenerator, Observer, PictureRecord, Provider, ProviderContext, Store, Uploader
from charimg.errors import FatalError, ProviderError, StorageError
from charimg.events import Event, JobName, JobPossiblyCharged, JobSaved, LaneClosed, RunFinished, RunStarted, Warned
from charimg.http import HttpSession
from charimg.model import Roster, utc_now
from charimg.picture_folder import PictureFolder
from charimg.pipeline import Bench, Pipeline
from charimg.plan import Plan, make_plan
from charimg.plugins import Kind
from charimg.policy import Policy
from charimg.redaction import Redactor
from charimg.scheduler import Scheduler
from charimg.settings import Options, policy_of
from charimg.summary import Tally
from charimg.workplace import Workplace


@dataclass(frozen=True)
class Order:
    """What the user asks for."""

    workplace: Workplace
    roster: Roster
    options: Options
    only: tuple[str, ...] = ()
    force: bool = False

    @property
    def policy(self) -> Policy:
        """The policy that the settings describe."""
        return policy_of(self.workplace.general)

    @property
    def generator(self) -> type[ImageGenerator]:
        """The generator's class."""
        chosen = self.workplace.chosen(Kind.GENERATOR)
        assert issubclass(chosen, ImageGenerator)  # the plugin loader has checked it
        return chosen

    @property
    def uploader(self) -> type[Uploader]:
        """The uploader's class."""
        chosen = self.workplace.chosen(Kind.UPLOADER)
        assert issubclass(chosen, Uploader)  # the plugin loader has checked it
        return chosen


async def plan_only(order: Order) -> Plan:
    """The plan of a run, without doing or creating anything."""
    async with order.workplace.open_store(read_only=True, options=order.options) as store:
        return await _plan(order, store)


async def _plan(order: Order, store: Store) -> Plan:
    project = order.workplace.project
    return make_plan(
        order.roster,
        await store.jobs(),
        generator=order.generator.declaration,
        uploader=order.uploader,
        lanes=[order.generator.declaration.name],
        policy=order.policy,
        now=utc_now(),
        file_exists=lambda shown: project.found(shown).is_file(),
        only=order.only,
        force=order.force,
    )


class Run:
    """One run of a project.

    :param observers: those who show or record it; plugins' observers join them.
    """

    def __init__(self, order: Order, observers: Sequence[Observer]) -> None:
        self._order = order
        self._observers = list(observers)
        self._tally = Tally()
        self._redactor = Redactor()
        self._scheduler: Scheduler | None = None
        self._stopped = False
        self._id = uuid.uuid4().hex

    def stop(self) -> None:
        """Ctrl-C: the first time nothing new is started and what is in flight finishes; the second time leave now."""
        if self._scheduler is not None:
            if self._stopped:
                self._scheduler.abandon()
            else:
                self._scheduler.stop()
        self._stopped = True

    async def execute(self) -> RunFinished:
        """Do the run and return its summary, which every observer has heard as well.

        :raises ProjectBusyError: another run holds the project.
        :raises StorageError: the ledger cannot be opened, or failed on the way (after the summary).
        :raises FatalError: a credential is missing; nothing was sent.
        """
        order = self._order
        plugins = order.workplace.plugins
        generator, uploader = order.generator, order.uploader
        warnings = plugins.load_taking_part()
        observers, troubles = plugins.observers()
        self._observers += observers
        try:
            async with AsyncExitStack() as stack:
                context = self._contexts(generator, uploader)  # before the lock: a missing key creates nothing
                stack.enter_context(order.workplace.project.locked())
                store = await stack.enter_async_context(
                    order.workplace.open_store(read_only=False, options=order.options)
                )
                http = await stack.enter_async_context(HttpSession(self._redactor))
                bench = Bench(
                    run=self._id,
                    project=order.workplace.project,
                    store=store,
                    plugins=plugins,
                    redactor=self._redactor,
                    emit=self._emit,
                    pictures=PictureFolder(order.workplace.project.out),
                )
                recovered = await _recover(bench)
                plan = await _plan(order, store)
                await self._begin(plan, store)
                for event in recovered:
                    self._emit(event)
                for message in (*warnings, *troubles, *plan.warnings):
                    self._emit(Warned(message=message))
                shared: dict[type, object] = {}
                lane = _Lane(generator(context(generator, http, shared)), uploader(context(uploader, http, shared)))
                return await self._work(bench, plan, lane)
        finally:
            for observer in self._observers:
                observer.close()

    def _contexts(self, *kinds: type[Provider]) -> Callable[[type[Provider], HttpSession, dict[type, object]], Any]:
        """Resolve settings and credentials of every provider now; build its context later."""
        place = self._order.workplace
        resolved = {}
        for kind in kinds:
            found = place.credentials.required(kind.declaration)
            for secret in found.values():
                self._redactor.add(secret.value)
            resolved[kind] = (place.settings.values_for(kind.declaration, self._order.options), found)

        def context(kind: type[Provider], http: HttpSession, shared: dict[type, object]) -> ProviderContext:
            settings, found = resolved[kind]
            return ProviderContext(
                folder=place.project.folder,
                out=place.project.out,
                settings=settings,
                credentials={name: secret.value for name, secret in found.items()},
                lane=self._order.generator.declaration.name,
                http=http,
                redactor=self._redactor,
                remember=place.credentials.remember(kind.declaration.account_name, found),
                shared=shared,
            )

        return context

    async def _begin(self, plan: Plan, store: Store) -> None:
        order = self._order
        started = RunStarted(
            run=self._id,
            total=len(plan.jobs),
            skipped=len(plan.skipped),
            jobs=tuple(JobName(job.key, job.name) for job in plan.jobs),
            lanes=(order.generator.declaration.name,),
            generator=order.generator.declaration.name,
            uploader=order.uploader.declaration.name,
            store=store.declaration.name,
            out=str(order.workplace.project.out),
            batch_size=plan.policy.batch_size,
            quota_wait=plan.policy.quota_wait,
            max_retries=plan.policy.max_retries,
            cooldown=plan.policy.cooldown,
            batches=plan.batches,
        )
        await store.begin_run(self._id, started.time, started.to_dict())
        self._emit(started)

    async def _work(self, bench: Bench, plan: Plan, lane: _Lane) -> RunFinished:
        began = asyncio.get_running_loop().time()
        name = self._order.generator.declaration.name
        failure: Exception | None = None
        pipeline = Pipeline(bench, name, lane.generator, lane.uploader)
        self._scheduler = Scheduler({name: pipeline.work}, plan.jobs, plan.policy, self._emit)
        try:
            async with AsyncExitStack() as stack:
                if plan.jobs and not self._stopped:
                    await _open(lane, stack)
                    await self._scheduler.run()
        except ProviderError as error:  # a lane that cannot open
            self._emit(LaneClosed(lane=name, verdict=error.verdict, message=self._redactor.clean(error.message)))
        except Exception as error:  # storage, or a fault of ours: the summary comes first
            failure = error
        finished = self._tally.finished(
            seconds=asyncio.get_running_loop().time() - began,
            interrupted=self._stopped,
            storage_failed=isinstance(failure, StorageError),
        )
        try:
            await bench.store.finish_run(self._id, finished.time, finished.to_dict())
        except StorageError as error:
            failure = failure or error
        self._emit(finished)
        if failure is not None:
            raise failure
        return finished

    def _emit(self, event: Event) -> None:
        self._tally.hear(event)
        for observer in tuple(self._observers):
            try:
                observer.hear(event)
            except Exception as error:  # an observer cannot break a run
                self._observers.remove(observer)
                words = self._redactor.clean(f"{type(observer).__name__} is left out: {type(error).__name__}: {error}")
                self._emit(Warned(message=" ".join(words.split())))


@dataclass(frozen=True)
class _Lane:
    generator: ImageGenerator
    uploader: Uploader


async def _open(lane: _Lane, stack: AsyncExitStack) -> None:
    for provider in (lane.generator, lane.uploader):
        stack.push_async_callback(provider.close)
        try:
            await provider.open()
        except (ProviderError, StorageError):
            raise
        except Exception as error:  # a stranger's code
            name = provider.declaration.name
            raise FatalError(f"{name} cannot start: {type(error).__name__}: {error}") from error


async def _recover(bench: Bench) -> list[Event]:
    """Settle the attempts an earlier run left open: adopt their pictures, or say that they may have been charged."""
    told: list[Event] = []
    for record in (await bench.store.jobs()).values():
        pictures = [*record.other_pictures, *([record.picture] if record.picture else [])]
        known = frozenset(picture.facts.sha256 for picture in pictures)
        for attempt in record.open_attempts:
            adopted = bench.pictures.adopt(record.key, attempt.id, known, attempt.started.timestamp())
            if adopted is None:
                await bench.store.record_lost(attempt.id)
                told.append(
                    JobPossiblyCharged(
                        lane=attempt.lane,
                        key=record.key,
                        name=record.name,
                        attempt=attempt.id,
                        message="an earlier run ended while the service was at work on it",
                    )
                )
                continue
            saved, facts = adopted
            picture = PictureRecord(path=bench.project.shown(saved.path), facts=facts, seed=attempt.seed, adopted=True)
            kept = None if saved.kept_as is None else bench.project.shown(saved.kept_as)
            await bench.store.record_saved(attempt.id, picture, kept)
            known |= {facts.sha256}
            told.append(
                JobSaved(
                    lane=attempt.lane,
                    key=record.key,
                    name=record.name,
                    image=picture.path,
                    format=facts.format,
                    width=facts.width,
                    height=facts.height,
                    seconds=0.0,
                    seed=attempt.seed,
                    adopted=True,
                )
            )
    return told
