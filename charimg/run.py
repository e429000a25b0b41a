"""Wires one run: workplace, roster, plugins, store and lanes become a scheduler; the one place where all meet."""

from __future__ import annotations

import asyncio
import logging
import traceback
import uuid
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property

from charimg.bench import Bench
from charimg.budget import Budget
from charimg.contracts import JobRecord, Observer, Price, Store
from charimg.disk import Disk
from charimg.earlier_runs import owners_of, still_standing, take_up
from charimg.errors import ERROR_OF_VERDICT, CharimgError, FatalError, ProviderError, StorageError
from charimg.events import Event, FallbackOpened, LaneFacts, RunFinished, RunStarted, Warned, names_of
from charimg.http import HttpSession
from charimg.lane import Lane, LaneSettings, resolved
from charimg.lane_choice import LaneChoice, LaneChoices
from charimg.lane_work import LaneWork, Leftover
from charimg.model import Roster, utc_now
from charimg.picture_folder import PictureFolder
from charimg.plan import Plan, Redo, make_plan
from charimg.policy import Policy
from charimg.raised_where import log_stack, told
from charimg.redaction import Redactor
from charimg.scheduler import Scheduler
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
    command: tuple[str, ...] = ()
    """What was written after ``charimg run`` that makes whatever is missing in the same way; kept with the plan."""
    stale: bool = False
    """Make pictures again whose character's entry in the roster asks for something else by now."""
    redo: Redo | None = None
    """Make the pictures of *only* again, or candidates for them."""

    @property
    def policy(self) -> Policy:
        """The policy that the settings describe; the one lane's own where there is but one."""
        return self.lanes.first[0].policy if len(self.lanes.all) == 1 else policy_of(self.workplace.general)

    def check(self) -> None:
        """Refuse what a run would refuse before it begins, but for missing credentials.

        :raises InputError: a setting of a provider is wrong, or the budget cannot be kept.
        """
        self.budget()

    @cached_property
    def settings(self) -> dict[str, LaneSettings]:
        """What every provider of every lane is set to, by lane.

        :raises InputError: a setting is wrong, or two lanes are the same.
        """
        return resolved(self.lanes, self.workplace, self.options)

    def prices(self) -> dict[str, Price | None]:
        """What one picture costs, by lane.

        :raises InputError: a setting of a lane is wrong.
        """
        return {name: settings.price for name, settings in self.settings.items()}

    def notes(self) -> list[str]:
        """What is worth telling about the lanes before anything is sent, one line each: models that are gone."""
        told = []
        for name, settings in self.settings.items():
            model = str(settings.generator.get("model") or "")
            gone = settings.choice.generator.declaration.retirement(model)
            told += [f"{name}: {gone}"] if gone else []
        return told

    def missing(self) -> list[str]:
        """Credentials that a run would ask for, one line each with the command that keeps them.

        :raises InputError: the keys file is broken, or can be read by others.
        """
        told = []
        for choice in self.lanes.all:
            for about, account in (
                (choice.generator.declaration, choice.account),
                (choice.uploader.declaration, choice.uploader_account),
            ):
                try:
                    self.workplace.credentials.required(about, account)
                except FatalError as error:
                    told.append(error.message)
        return list(dict.fromkeys(told))

    def pictures(self, disk: Disk | None = None) -> PictureFolder:
        """Where the pictures go."""
        return PictureFolder(self.workplace.project.out, disk, str(self.workplace.general["metadata"].value))

    def budget(self) -> Budget:
        """What the run may spend.

        :raises InputError: it cannot be kept with these lanes.
        """
        limit = self.workplace.general["budget"].value
        return Budget.of(None if limit is None else float(limit), self.prices())


async def plan_only(order: Order) -> Plan:
    """The plan of a run, without doing or creating anything."""
    async with order.workplace.open_store(read_only=True, options=order.options) as store:
        return _plan(order, await store.jobs(), order.pictures())


def _plan(order: Order, records: Mapping[str, JobRecord], pictures: PictureFolder) -> Plan:
    project = order.workplace.project
    return make_plan(
        order.roster,
        records,
        generators=tuple(dict.fromkeys(lane.generator.declaration for lane in order.lanes.first)),
        # Those of fallbacks too: what one of them uploaded in an earlier run is there.
        uploaders=tuple(dict.fromkeys(lane.uploader for lane in order.lanes.all)),
        accounts=[settings.uploader_place for settings in order.settings.values()],
        policy=order.policy,
        now=utc_now(),
        file_exists=lambda shown: pictures.is_file(project.found(shown)),
        picture_there=pictures.holds,
        only=order.only,
        force=order.force,
        stale=order.stale,
        redo=order.redo,
    )


class Run:
    """One run of a project.

    :param observers: those who show or record it; plugins' observers join them.
    :param disk: where the pictures go; this machine's by default.
    """

    def __init__(self, order: Order, observers: Sequence[Observer], disk: Disk | None = None) -> None:
        self._order = order
        self._disk = disk
        self._observers = list(observers)
        self._complained_of: set[int] = set()
        """Observers whose failing the user has heard of: once each, and they go on listening."""
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
                damaged: list[str] = []
                store = await stack.enter_async_context(
                    order.workplace.open_store(read_only=False, options=order.options, set_aside=damaged.append)
                )
                http = await stack.enter_async_context(HttpSession(self._redactor))
                bench = Bench(
                    run=self._id,
                    project=order.workplace.project,
                    store=store,
                    plugins=plugins,
                    redactor=self._redactor,
                    emit=self._emit,
                    pictures=order.pictures(self._disk),
                    wait_ceiling=order.policy.wait_ceiling,
                    stopping=lambda: self._stopped or (self._scheduler is not None and self._scheduler.halted),
                    budget=budget,
                    quotas=SharedQuotas(
                        [lane.settings.uploader_place for lane in lanes.values()],
                        order.policy.quota_wait,
                        order.policy.wait_ceiling,
                    ),
                )
                found: list[Event] = []
                try:
                    records = await take_up(bench, order.roster, prices, damaged, found)
                    plan = _plan(order, records, bench.pictures)
                    owners = owners_of(plan.jobs, records, _by_place(lanes.values()), bench)
                    del records  # perhaps of a hundred thousand characters
                    if plan.pictures:
                        budget.expect_one(prices.values())
                        bench.pictures.try_writing()
                    await self._begin(plan, store, prices, budget)
                finally:  # it is settled by now: a run that cannot even begin is the last to know of it
                    for event in found:
                        self._emit(event)
                for message in (*warnings, *troubles, *order.notes(), *plan.warnings):
                    self._warn(message)
                return await self._work(bench, plan, lanes, owners, http)
        finally:
            for observer in self._observers:
                with suppress(Exception, SystemExit):  # an observer cannot break a run, nor take its summary away
                    observer.close()

    def _lane(self, choice: LaneChoice) -> Lane:
        order = self._order
        return Lane(order.settings[choice.name], order.workplace, self._redactor)

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
            command=tuple(self._redactor.clean(word) for word in order.command),
            uploads_only=tuple(job.key for job in plan.jobs if job.key in plan.uploads_only),
            out=str(order.workplace.project.out),
            batch_size=plan.policy.batch_size,
            quota_wait=plan.policy.quota_wait,
            max_retries=plan.policy.max_retries,
            cooldown=plan.policy.cooldown,
            batches=plan.batches,
        )
        await store.begin_run(self._id, started.time, _without_names(started))
        self._emit(started)

    async def _work(
        self, bench: Bench, plan: Plan, lanes: Mapping[str, Lane], owners: Mapping[str, str], http: HttpSession
    ) -> RunFinished:
        began = asyncio.get_running_loop().time()
        failure: Exception | None = None
        try:
            await self._work_in_turn(bench, plan, lanes, owners, http)
        except Exception as error:  # storage, or a fault of ours: the summary comes first
            failure = error
        standing = await still_standing(plan.jobs, bench)  # before it is asked whether somebody stopped the run
        finished = self._tally.finished(
            seconds=asyncio.get_running_loop().time() - began,
            interrupted=self._stopped,
            failure=failure,
            standing=standing,
        )
        try:
            await bench.store.finish_run(self._id, finished.time, _without_names(finished))
        except StorageError as error:
            if failure is None:
                failure, finished = error, replace(finished, exit_code=int(error.exit_code))
        self._emit(finished)
        if failure is not None:
            raise self._told(failure)
        return finished

    async def _work_in_turn(
        self, bench: Bench, plan: Plan, lanes: Mapping[str, Lane], owners: Mapping[str, str], http: HttpSession
    ) -> None:
        """The first lanes together, then each fallback on what all before it have left.

        While a lane before it takes jobs, a fallback gets only what stands at its service: nobody else may make that.
        """
        choices = self._order.lanes
        turns = [[lanes[choice.name] for choice in choices.first], *([lanes[one.name]] for one in choices.fallbacks)]
        left = [Leftover(job) for job in plan.jobs]
        all_closed = True
        for number, turn in enumerate(turns):
            names = {lane.name for lane in turn}
            mine = [one for one in left if all_closed or not number or owners.get(one.job.key) in names]
            if self._stopped:
                break
            if not mine:
                continue
            told = {one.job.key: one.given_up for one in mine}
            self._scheduler = Scheduler(
                [self._lane_work(lane, bench, http, len(mine) if number else 0) for lane in turn],
                [one.job for one in mine],
                self._emit,
                total=len(plan.jobs),
                more_to_come=number + 1 < len(turns),
                only_by=owners,
            )
            left = [one for one in left if one.job.key not in told]
            left += [replace(one, given_up=one.given_up or told[one.job.key]) for one in await self._scheduler.run()]
            all_closed = all_closed and self._scheduler.all_closed
        for leftover in left:
            if leftover.given_up is not None:
                self._emit(leftover.given_up)

    def _lane_work(self, lane: Lane, bench: Bench, http: HttpSession, left: int) -> LaneWork:
        """The lane as the scheduler works with it.

        :param left: what a fallback takes over; 0 for a lane of the first turn.
        """

        @asynccontextmanager
        async def opened() -> AsyncIterator[None]:
            async with AsyncExitStack() as stack:
                try:
                    await stack.enter_async_context(lane.opened(bench, http, self._warn))
                except ProviderError as error:
                    kind = ERROR_OF_VERDICT[error.verdict]  # not its own: a plugin's may want other arguments
                    words = self._redactor.line(error.message)
                    raise kind(
                        words, wait=error.wait, retry_at=error.retry_at, unreachable=error.unreachable
                    ) from error
                if left:
                    self._emit(FallbackOpened(lane=lane.name, jobs=left))
                yield

        choice = lane.choice
        return LaneWork(
            lane.name,
            lane.work,
            choice.policy,
            at_once=choice.at_once,
            pace=choice.generator.declaration.abilities.pace,
            weight=choice.weight,
            opened=opened,
            admit=lane.admit,
            release=lane.release,
        )

    def _told(self, failure: Exception) -> Exception:
        """A failure that ends the run, as its caller may see it: a stray exception may hold a secret in its words."""
        if isinstance(failure, CharimgError):
            return failure
        log.debug("%s", self._redactor.clean("".join(traceback.format_exception(failure))))
        words = self._redactor.line(f"{type(failure).__name__}: {failure}")
        return CharimgError(f"internal error: {words}; run it again with --debug and report what it shows")

    def _warn(self, words: str) -> None:
        self._emit(Warned(message=self._redactor.line(words)))

    def _emit(self, event: Event) -> None:
        self._tally.hear(event)
        failed: list[str] = []
        for observer in self._observers:
            try:
                observer.hear(event)
            except (Exception, SystemExit) as error:  # an observer cannot break a run
                if id(observer) not in self._complained_of:
                    self._complained_of.add(id(observer))
                    log_stack(error)
                    failed.append(f"{type(observer).__name__} failed: {told(error)}")
        if not isinstance(event, RunFinished):  # which is the last thing anybody hears
            for words in failed:
                self._warn(words)


def _by_place(lanes: Collection[Lane]) -> dict[tuple[str, str], str]:
    """The lanes' names, by what makes their pictures, and where."""
    return {(lane.choice.generator.declaration.name, lane.settings.generator_place): lane.name for lane in lanes}


def _without_names(event: RunStarted | RunFinished) -> dict[str, object]:
    """The event as the ledger keeps it: who was in the run can be told from the attempts, and may be a hundred thousand
    that every look at the last plan would read."""
    return {name: value for name, value in event.to_dict().items() if name not in ("jobs", "uploads_only", "left")}


def _facts(lane: LaneChoice, price: Price | None, fallback: bool) -> LaneFacts:
    return LaneFacts(
        name=lane.name,
        generator=lane.generator.declaration.name,
        account=lane.account,
        uploader=lane.uploader.declaration.name,
        batch_size=lane.policy.batch_size,
        at_once=lane.at_once,
        weight=lane.weight,
        price=None if price is None else price.cost,
        free=price is not None and not price.amount,
        fallback=fallback,
    )
