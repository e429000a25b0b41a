"""Wires one run: workplace, roster, plugins, store and lanes become a scheduler; the one place where all meet."""

from __future__ import annotations

import asyncio
import logging
import traceback
import uuid
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace

from charimg.budget import Budget
from charimg.contracts import JobRecord, Observer, Price, Store
from charimg.errors import CharimgError, ProviderError, StorageError
from charimg.events import Event, FallbackOpened, LaneClosed, LaneFacts, RunFinished, RunStarted, Warned, names_of
from charimg.http import HttpSession
from charimg.lane import Lane, settings_values
from charimg.lane_choice import LaneChoice, LaneChoices
from charimg.model import Cost, Job, Roster, utc_now
from charimg.picture_folder import PictureFolder
from charimg.pipeline import Bench, Pipeline
from charimg.plan import Plan, make_plan
from charimg.policy import Policy
from charimg.recovery import recover
from charimg.redaction import Redactor
from charimg.scheduler import LaneWork, Leftover, Scheduler
from charimg.settings import Options, policy_of
from charimg.shared_quotas import SharedQuotas
from charimg.summary import Tally
from charimg.workplace import Workplace

log = logging.getLogger("charimg.run")


@dataclass(frozen=True)
class Order:
    """What the user asks for."""

    workplace: Workplace
    roster: Roster
    lanes: LaneChoices
    options: Options
    only: tuple[str, ...] = ()
    force: bool = False

    @property
    def policy(self) -> Policy:
        """The policy that the settings describe; the one lane's own where there is but one."""
        return self.lanes.first[0].policy if len(self.lanes.all) == 1 else policy_of(self.workplace.general)

    def check(self) -> None:
        """Refuse what a run would refuse before it begins, but for missing credentials.

        :raises InputError: a setting of a provider is wrong, or the budget cannot be kept.
        """
        for lane in self.lanes.all:
            settings_values(lane, lane.uploader.declaration, self.workplace, self.options)
        self.budget()

    def prices(self) -> dict[str, Price | None]:
        """What one picture costs, by lane.

        :raises InputError: a setting of a lane is wrong.
        """
        place, options = self.workplace, self.options
        return {
            lane.name: lane.price_at(settings_values(lane, lane.generator.declaration, place, options))
            for lane in self.lanes.all
        }

    def budget(self) -> Budget:
        """What the run may spend.

        :raises InputError: it cannot be kept with these lanes.
        """
        limit = self.workplace.general["budget"].value
        return Budget.of(None if limit is None else float(limit), self.prices())


async def plan_only(order: Order) -> Plan:
    """The plan of a run, without doing or creating anything."""
    async with order.workplace.open_store(read_only=True, options=order.options) as store:
        return await _plan(order, store)


async def _plan(order: Order, store: Store) -> Plan:
    project = order.workplace.project
    return make_plan(
        order.roster,
        await store.jobs(),
        generators=tuple(dict.fromkeys(lane.generator.declaration for lane in order.lanes.first)),
        # Those of fallbacks too: what one of them uploaded in an earlier run is there.
        uploaders=tuple(dict.fromkeys(lane.uploader for lane in order.lanes.all)),
        accounts=[lane.uploader_place for lane in order.lanes.all],
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
                # Before the lock: a missing key creates nothing.
                lanes = {choice.name: self._lane(choice) for choice in order.lanes.all}
                prices = {name: lane.price for name, lane in lanes.items()}
                budget = order.budget()
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
                    budget=budget,
                    quotas=SharedQuotas(_accounts(order.lanes), order.policy.quota_wait),
                )
                recovered = await recover(bench, prices)
                plan = await _plan(order, store)
                if plan.pictures:
                    bench.pictures.try_writing()
                await self._begin(plan, store, prices, budget)
                for event in recovered:
                    self._emit(event)
                for message in (*warnings, *troubles, *plan.warnings):
                    self._warn(message)
                return await self._work(bench, plan, lanes, http)
        finally:
            for observer in self._observers:
                with suppress(Exception):  # an observer cannot break a run, nor take its summary away
                    observer.close()

    def _lane(self, choice: LaneChoice) -> Lane:
        order = self._order
        return Lane(choice, place=order.workplace, options=order.options, redactor=self._redactor)

    async def _begin(self, plan: Plan, store: Store, prices: Mapping[str, Price | None], budget: Budget) -> None:
        order = self._order
        first = order.lanes.first
        started = RunStarted(
            run=self._id,
            total=len(plan.jobs),
            skipped=len(plan.skipped),
            jobs=names_of(plan.jobs),
            lanes=tuple(lane.name for lane in first),
            lane_facts=tuple(_facts(lane, prices[lane.name], lane not in first) for lane in order.lanes.all),
            generator=", ".join(dict.fromkeys(lane.generator.declaration.name for lane in first)),
            uploader=", ".join(dict.fromkeys(lane.uploader.declaration.name for lane in first)),
            budget=budget.limit,
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

    async def _work(self, bench: Bench, plan: Plan, lanes: Mapping[str, Lane], http: HttpSession) -> RunFinished:
        began = asyncio.get_running_loop().time()
        failure: Exception | None = None
        try:
            await self._work_in_turn(bench, plan, lanes, http)
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

    async def _work_in_turn(self, bench: Bench, plan: Plan, lanes: Mapping[str, Lane], http: HttpSession) -> None:
        """The first lanes together, then each fallback on what all before it have left."""
        choices = self._order.lanes
        turns = [[lanes[choice.name] for choice in choices.first], *([lanes[one.name]] for one in choices.fallbacks)]
        left = [Leftover(job) for job in plan.jobs]
        standing = _standing(plan.jobs, await bench.store.jobs(), lanes)
        for number, turn in enumerate(turns):
            async with AsyncExitStack() as stack:
                work = [lane async for lane in self._opened(bench, turn if left else (), http, stack)]
                if not work or self._stopped:
                    continue
                if number:
                    self._emit(FallbackOpened(lane=turn[0].name, jobs=len(left)))
                told = {one.job.key: one.given_up for one in left}
                self._scheduler = Scheduler(
                    work,
                    [one.job for one in left],
                    self._emit,
                    total=len(plan.jobs),
                    more_to_come=number + 1 < len(turns),
                    only_by=standing,
                )
                left = await self._scheduler.run()
                left = [replace(one, given_up=one.given_up or told[one.job.key]) for one in left]
        for leftover in left:
            if leftover.given_up is not None:
                self._emit(leftover.given_up)

    async def _opened(
        self, bench: Bench, lanes: Sequence[Lane], http: HttpSession, stack: AsyncExitStack
    ) -> AsyncIterator[LaneWork]:
        """Those of the lanes that could be opened."""
        for lane in lanes:
            if not self._stopped and (pipeline := await self._open(bench, lane, http, stack)):
                able = lane.choice.generator.declaration.abilities
                yield LaneWork(
                    lane.name,
                    pipeline.work,
                    lane.choice.policy,
                    at_once=lane.choice.at_once,
                    pace=able.pace,
                    weight=lane.choice.weight,
                )

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


def _standing(jobs: Sequence[Job], records: Mapping[str, JobRecord], lanes: Collection[str]) -> dict[str, str]:
    """The lane at whose service a job stands since an earlier run, by the job's key: only there it costs nothing more.

    A job of a lane that this run does not have is nobody's: whoever takes it gives the earlier attempt up.
    """
    return {
        job.key: attempt.lane
        for job in jobs
        if (record := records.get(job.key)) is not None
        for attempt in record.open_attempts
        if attempt.ticket and attempt.lane in lanes and attempt.asked == job.request.fingerprint
    }


def _facts(lane: LaneChoice, price: Price | None, fallback: bool) -> LaneFacts:
    return LaneFacts(
        name=lane.name,
        generator=lane.generator.declaration.name,
        account=lane.account,
        uploader=lane.uploader.declaration.name,
        batch_size=lane.policy.batch_size,
        at_once=lane.at_once,
        weight=lane.weight,
        price=None if price is None or not price.amount else Cost(price.amount, price.currency),
        fallback=fallback,
    )


def _accounts(lanes: LaneChoices) -> Iterator[str]:
    """Every account as often as lanes use it; a lane whose two providers share one counts once."""
    for lane in lanes.all:
        yield from {lane.generator_place, lane.uploader_place}
