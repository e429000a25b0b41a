"""Wires one run: workplace, roster, plugins, store and lanes become a scheduler; the one place where all meet."""

from __future__ import annotations

import asyncio
import logging
import traceback
import uuid
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace

from charimg.contracts import ImageGenerator, Observer, Store, Uploader
from charimg.errors import CharimgError, ProviderError, StorageError
from charimg.events import Event, LaneClosed, RunFinished, RunStarted, Warned, names_of
from charimg.http import HttpSession
from charimg.lane import Lane
from charimg.model import Roster, utc_now
from charimg.picture_folder import PictureFolder
from charimg.pipeline import Bench, Pipeline
from charimg.plan import Plan, make_plan
from charimg.plugins import Kind
from charimg.policy import Policy
from charimg.recovery import recover
from charimg.redaction import Redactor
from charimg.scheduler import Scheduler
from charimg.settings import Options, policy_of
from charimg.summary import Tally
from charimg.workplace import Workplace

log = logging.getLogger("charimg.run")


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
        """The policy that the settings describe, with no more at once than the generator can take."""
        policy = policy_of(self.workplace.general)
        most = self.generator.declaration.abilities.parallel
        return policy if most is None else replace(policy, batch_size=min(policy.batch_size, max(1, most)))

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
        picture_there=PictureFolder(project.out).holds,
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
        self._complained_of: set[int] = set()
        """Observers whose failing the user has heard of: once each, and they go on listening."""
        self._tally = Tally()
        self._redactor = Redactor()
        self._scheduler: Scheduler | None = None
        self._opening: asyncio.Future[Pipeline] | None = None
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
        :raises StorageError: the ledger cannot be opened, or no picture can be saved; or one of them failed on the way
            (after the summary).
        :raises FatalError: a credential is missing; nothing was sent.
        """
        order = self._order
        plugins = order.workplace.plugins
        warnings = plugins.load_taking_part()
        observers, troubles = plugins.observers()
        self._observers += observers
        try:
            async with AsyncExitStack() as stack:
                lanes = [self._lane()]  # before the lock: a missing key creates nothing
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
                    wait_ceiling=order.policy.wait_ceiling,
                    stopping=lambda: self._stopped,
                )
                recovered = await recover(bench, order.generator.declaration)
                plan = await _plan(order, store)
                if plan.pictures:
                    bench.pictures.try_writing()
                await self._begin(plan, store, lanes)
                for event in recovered:
                    self._emit(event)
                for message in (*warnings, *troubles, *plan.warnings):
                    self._warn(message)
                return await self._work(bench, plan, lanes, http)
        finally:
            for observer in self._observers:
                with suppress(Exception):  # an observer cannot break a run, nor take its summary away
                    observer.close()

    def _lane(self) -> Lane:
        order = self._order
        return Lane(
            order.generator.declaration.name,
            order.generator,
            order.uploader,
            place=order.workplace,
            options=order.options,
            redactor=self._redactor,
            wait_ceiling=order.policy.wait_ceiling,
        )

    async def _begin(self, plan: Plan, store: Store, lanes: Sequence[Lane]) -> None:
        order = self._order
        started = RunStarted(
            run=self._id,
            total=len(plan.jobs),
            skipped=len(plan.skipped),
            jobs=names_of(plan.jobs),
            lanes=tuple(lane.name for lane in lanes),
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

    async def _work(self, bench: Bench, plan: Plan, lanes: Sequence[Lane], http: HttpSession) -> RunFinished:
        began = asyncio.get_running_loop().time()
        failure: Exception | None = None
        try:
            async with AsyncExitStack() as stack:
                work = {}
                for lane in lanes if plan.jobs else ():
                    if not self._stopped and (pipeline := await self._open(bench, lane, http, stack)):
                        work[lane.name] = pipeline.work
                if work and not self._stopped:
                    self._scheduler = Scheduler(work, plan.jobs, plan.policy, self._emit)
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
            raise self._told(failure)
        return finished

    def _told(self, failure: Exception) -> Exception:
        """A failure that ends the run, as its caller may see it: a stray exception may hold a secret in its words."""
        if isinstance(failure, CharimgError):
            return failure
        log.debug("%s", self._redactor.clean("".join(traceback.format_exception(failure))))
        words = self._redactor.line(f"{type(failure).__name__}: {failure}")
        return CharimgError(f"internal error: {words}; run it again with --debug and report what it shows")

    async def _open(self, bench: Bench, lane: Lane, http: HttpSession, stack: AsyncExitStack) -> Pipeline | None:
        """Get a lane ready; ``None`` if it cannot be, or the run is stopped meanwhile."""
        self._opening = asyncio.ensure_future(stack.enter_async_context(lane.open(bench, http, self._warn)))
        try:
            return await self._opening
        except ProviderError as error:
            words = self._redactor.line(error.message)
            self._emit(LaneClosed(lane=lane.name, verdict=error.verdict, message=words, until=error.retry_at))
            return None
        except asyncio.CancelledError:
            if not self._stopped:
                raise
            return None
        finally:
            self._opening = None

    def _warn(self, words: str) -> None:
        self._emit(Warned(message=self._redactor.line(words)))

    def _emit(self, event: Event) -> None:
        self._tally.hear(event)
        failed: list[str] = []
        for observer in self._observers:
            try:
                observer.hear(event)
            except Exception as error:  # an observer cannot break a run
                if id(observer) not in self._complained_of:
                    self._complained_of.add(id(observer))
                    failed.append(f"{type(observer).__name__} failed: {type(error).__name__}: {error}")
        if not isinstance(event, RunFinished):  # which is the last thing anybody hears
            for words in failed:
                self._warn(words)
