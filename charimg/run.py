"""Wires one run: workplace, roster, plugins, store and lanes become a scheduler; the one place where all meet."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any

from charimg.contracts import ImageGenerator, Observer, PictureRecord, Provider, ProviderContext, Store, Uploader
from charimg.errors import FatalError, ProviderError, StorageError
from charimg.events import Event, JobName, JobPossiblyCharged, JobSaved, LaneClosed, RunFinished, RunStarted, Warned
from charimg.http import HttpSession
from charimg.model import Roster, utc_now
from charimg.picture_folder import PictureFolder
from charimg.pipeline import PATIENCE, Bench, Pipeline
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
        lanes=[order.uploader.declaration.account_name],
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
        """Those who still listen."""
        self._listeners = list(observers)
        """Those who were ever listening, to be closed at the end."""
        self._tally = Tally()
        self._redactor = Redactor()
        self._scheduler: Scheduler | None = None
        self._opening: asyncio.Task[None] | None = None
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
        if self._opening is not None:  # spends nothing, so it need not be let finish
            self._opening.cancel()

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
        self._listeners += observers
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
                    self._emit(Warned(message=self._redactor.clean(message)))
                shared: dict[type, object] = {}
                name = order.generator.declaration.name
                lane = _Lane(name, generator, uploader, lambda kind: context(kind, http, shared))
                return await self._work(bench, plan, lane)
        finally:
            for observer in self._listeners:
                with suppress(Exception):  # an observer cannot break a run, nor take its summary away
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
                lane=kind.declaration.account_name,
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
            roster=str(order.roster.path.absolute()),
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
        failure: Exception | None = None
        try:
            async with AsyncExitStack() as stack:
                if plan.jobs and not self._stopped and (pipeline := await self._open(bench, lane, stack)):
                    self._scheduler = Scheduler({lane.name: pipeline.work}, plan.jobs, plan.policy, self._emit)
                    await self._scheduler.run()
        except Exception as error:  # storage, or a fault of ours: the summary comes first
            failure = error
        finished = self._tally.finished(
            seconds=asyncio.get_running_loop().time() - began,
            interrupted=self._stopped,
            failure=failure,
        )
        try:
            await bench.store.finish_run(self._id, finished.time, finished.to_dict())
        except StorageError as error:
            failure = failure or error
        self._emit(finished)
        if failure is not None:
            raise failure
        return finished

    async def _open(self, bench: Bench, lane: _Lane, stack: AsyncExitStack) -> Pipeline | None:
        """Make the lane's providers and get them ready; ``None`` if they cannot be, or the run is stopped meanwhile."""
        made: list[Provider] = []

        async def opening() -> None:
            for kind in (lane.generator, lane.uploader):
                try:
                    provider = kind(lane.context(kind))
                    made.append(provider)
                    stack.push_async_callback(self._close, provider)
                    await provider.open()
                except StorageError:
                    raise
                except Exception as error:
                    if isinstance(error, ProviderError) and hasattr(error, "verdict"):
                        raise
                    name = kind.declaration.name  # a stranger's code
                    raise FatalError(f"{name} cannot start: {type(error).__name__}: {error}") from error

        self._opening = asyncio.ensure_future(opening())
        try:
            await self._opening
        except ProviderError as error:
            words = " ".join(self._redactor.clean(error.message).split())
            self._emit(LaneClosed(lane=lane.name, verdict=error.verdict, message=words, until=error.retry_at))
            return None
        except asyncio.CancelledError:
            if not self._stopped:
                raise
            return None
        finally:
            self._opening = None
        if self._stopped:
            return None
        generator, uploader = made
        assert isinstance(generator, ImageGenerator)  # the plugin loader has checked it
        assert isinstance(uploader, Uploader)  # likewise
        return Pipeline(bench, lane.name, generator, uploader)

    async def _close(self, provider: Provider) -> None:
        """Let a provider go. The pictures are made: trouble here is a warning, and so is one that never ends."""
        try:
            await asyncio.wait_for(provider.close(), PATIENCE)
        except asyncio.TimeoutError:
            words = f"it did not close within {PATIENCE:g} seconds"
        except Exception as error:  # a stranger's code
            words = self._redactor.clean(f"it cannot close: {type(error).__name__}: {error}")
        else:
            return
        self._emit(Warned(message=" ".join(f"{provider.declaration.name}: {words}".split())))

    def _emit(self, event: Event) -> None:
        self._tally.hear(event)
        failed: list[str] = []
        for observer in tuple(self._observers):
            try:
                observer.hear(event)
            except Exception as error:  # an observer cannot break a run
                self._observers.remove(observer)
                failed.append(f"{type(observer).__name__} is left out: {type(error).__name__}: {error}")
        if not isinstance(event, RunFinished):  # which is the last thing anybody hears
            for words in failed:
                self._emit(Warned(message=" ".join(self._redactor.clean(words).split())))


@dataclass(frozen=True)
class _Lane:
    """A lane that is not open yet: its name, and how its providers are made."""

    name: str
    generator: type[ImageGenerator]
    uploader: type[Uploader]
    context: Callable[[type[Provider]], ProviderContext]


async def _recover(bench: Bench) -> list[Event]:
    """Settle the attempts an earlier run left open: adopt their pictures, or say that they may have been charged."""
    told: list[Event] = []
    for record in (await bench.store.jobs()).values():
        pictures = [*record.other_pictures, *([record.picture] if record.picture else [])]
        known = frozenset(picture.facts.sha256 for picture in pictures)
        for attempt in record.open_attempts:
            try:
                adopted = bench.pictures.adopt(record.key, attempt.id, known, attempt.started.timestamp())
            except OSError as error:
                raise StorageError(
                    f"cannot take up the picture of {record.name} in {bench.pictures.folder}:"
                    f" {error.strerror or error}; check the folder's permissions and its space, then run again"
                ) from error
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
            bench.made.add(record.key)  # paid for and not seen by anybody yet: --force is content with it
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
