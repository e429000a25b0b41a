"""The contract of a store, as tests."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest

from charimg.contracts import JobRecord, JobState, Provider, ProviderContext, Store
from charimg.errors import StorageError
from charimg.testing.bench import Bench, Came, Subject
from charimg.testing.clock import on_virtual_clock
from charimg.testing.store_difference import difference, shown, without_moments
from charimg.testing.store_facts import FULL, HOSTILE, MEDIA, NOON, TROUBLE, attempt_of
from charimg.testing.store_model import Model
from charimg.testing.store_steps import Step, shortened, story_of
from charimg.testing.store_versions import VersionPromises, fact

T = TypeVar("T")


class StoreContract(VersionPromises):
    """Everything a store promises: atomic, durable when a method returns, faithful to every text. Subclass it::

        class TestLedger(StoreContract):
            provider = LedgerStore

    The store must find its data again by the context's folder and its settings alone.
    """

    is_contract: ClassVar[bool] = True
    provider: ClassVar[type[Provider]]

    stories: ClassVar[int] = 16
    """Random stories that are told to the store and to the model it is compared with."""

    @classmethod
    def inapplicable(cls) -> tuple[str, ...]:
        """Nothing: a store has no network to speak of."""
        return ()

    # -- how a store is asked -----------------------------------------------------------------------------------

    def made(self, folder: Path, *, read_only: bool = False) -> Store:
        """A new store of this folder, not yet opened."""
        subject = Subject(self.provider, None, self.settings, self.credentials)
        store = self.provider(
            ProviderContext(folder=folder, out=folder / "pictures", settings=subject.values(""), read_only=read_only)
        )
        assert isinstance(store, Store)
        return store

    def on_store(self, folder: Path, work: Callable[[Store], Awaitable[T]], *, read_only: bool = False) -> T:
        """Open a store, do some work with it, and close it."""

        async def all_of_it() -> T:
            store = self.made(folder, read_only=read_only)
            await store.open()
            try:
                return await work(store)
            finally:
                await store.close()

        return on_virtual_clock(all_of_it)

    def seen(self, folder: Path) -> dict[str, JobRecord]:
        """The jobs as a later process finds them, without the moment of their last change."""

        async def read(store: Store) -> dict[str, JobRecord]:
            return await _jobs(store)

        return self.on_store(folder, read, read_only=True)

    async def bare_ask(self, bench: Bench, number: int) -> Any:
        """The whole life of job *number*, to its upload."""
        store = bench.provider
        assert isinstance(store, Store)
        key, count = f"job-{number}", len(bench.progress)
        bench.progress.append((key, None, ""))
        attempt = attempt_of(key, count)
        await store.record_intent(attempt)
        await store.record_ticket(attempt.id, f"ticket-{number}")
        await store.record_saved(attempt.id, replace(FULL, path=f"pictures/{key}.png"), f"pictures/{key}.{count}.png")
        await store.record_upload(key, "shelf", replace(MEDIA, id=f"id-{number}"))
        return await store.job(key)

    async def ask(self, bench: Bench, number: int = 1) -> Came:
        """See :meth:`bare_ask`."""
        return await bench.call(lambda: self.bare_ask(bench, number))

    def wrong(self, bench: Bench, came: Came, number: int) -> str | None:  # noqa: ARG002 - the kinds of network need the bench
        """Whether the record is that of the job."""
        if came.told is not None:
            return f"the ledger cannot be written: {came.line}"
        record = came.value
        if not isinstance(record, JobRecord):
            return f"job() returned {type(record).__name__} for a job that was recorded"
        media = None if record.media is None else record.media.id
        told = (record.key, record.state, media)
        wanted = (f"job-{number}", JobState.DONE, f"id-{number}")
        return None if told == wanted else f"it tells {told} instead of {wanted}"

    # -- the standard tests -------------------------------------------------------------------------------------

    def test_everything_comes_back(self, tmp_path: Path) -> None:
        """Every field of every record comes back from a store that was closed and opened again."""
        model = Model()

        facts = [
            *(fact("record_intent", attempt_of(key)) for key in ("rani", "raja", "mantri", "gopal", "nobody")),
            fact("record_intent", attempt_of("raja", 2, candidate=True, place="account-1")),
            fact("record_ticket", "rani-1", "ticket-1"),
            fact("record_saved", "rani-1", FULL, None),
            fact("record_upload", "rani", "shelf", MEDIA),
            fact("record_trouble", "raja-1", replace(TROUBLE, unreachable=True), JobState.PENDING),
            fact("record_lost", "mantri-1"),
            fact("record_saved", "gopal-1", replace(FULL, path="pictures/gopal.png"), None),
            fact("record_setback", "gopal", replace(TROUBLE, stage="upload"), JobState.SAVED),
            fact("record_ticket", "nobody-1", "ticket-2"),
        ]

        async def write(store: Store) -> None:
            await store.begin_run("run 1", NOON, {"jobs": ["rani"], "total": 1})
            model.begin_run({"jobs": ["rani"], "total": 1})
            for method, values, _ in facts:
                await getattr(store, method)(*values)
                getattr(model, method)(*values)
            await store.finish_run("run 1", NOON + timedelta(minutes=1), {"succeeded": 1})

        async def read(store: Store) -> str | None:
            return await difference(store, model)

        self.on_store(tmp_path, write)
        trouble = self.on_store(tmp_path, read)
        self.expect(trouble is None, f"opened again: {trouble}")

    @pytest.mark.parametrize("kind", sorted(HOSTILE))
    def test_every_text_comes_back(self, tmp_path: Path, kind: str) -> None:
        """Prompts and messages hold whatever people and services write; a ledger that chokes on one stops a run."""
        text = HOSTILE[kind]
        attempt = attempt_of("rani", prompt=text, name=text)
        trouble = replace(TROUBLE, message=text)

        async def write(store: Store) -> None:
            await store.record_intent(attempt)
            await store.record_trouble(attempt.id, trouble, JobState.FAILED)

        self.on_store(tmp_path, write)
        record = self.seen(tmp_path)["rani"]
        told = (record.prompt, record.name, record.trouble and record.trouble.message)
        self.expect(told == (text, text, text), f"a text with {kind} does not come back as it was")

    def test_killed_process_loses_nothing_that_returned(self, tmp_path: Path) -> None:
        """What a method recorded is there after its process died without a farewell."""
        if not hasattr(os, "fork"):
            pytest.skip("processes can be killed between two instructions only where there is fork")

        async def write(store: Store) -> None:
            await store.record_intent(attempt_of("rani"))
            await store.record_saved("rani-1", FULL, None)
            await store.record_intent(attempt_of("raja"))
            await store.record_ticket("raja-1", "ticket-1")
            os._exit(9)

        child = os.fork()
        if not child:
            try:
                self.on_store(tmp_path, write)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        self.expect(os.waitstatus_to_exitcode(status) == 9, "the store cannot be written in a process of its own")
        jobs = self.seen(tmp_path)
        states = {key: record.state for key, record in jobs.items()}
        wanted = {"rani": JobState.SAVED, "raja": JobState.OPEN}
        self.expect(states == wanted, f"after its process was killed the ledger knows {shown(states)}")
        tickets = [one.ticket for one in jobs["raja"].open_attempts]
        self.expect(tickets == ["ticket-1"], f"after its process was killed the open attempt has the tickets {tickets}")

    def test_read_only_changes_nothing(self, tmp_path: Path) -> None:
        """A command that only looks creates and changes no file, in an empty project and beside a ledger."""

        async def look(store: Store) -> None:
            await store.jobs()
            await store.job("rani")
            await store.lost_attempts()
            await store.last_plan()
            await store.history("rani")
            await store.choices()
            await store.faults()

        async def write(store: Store) -> None:
            await store.record_intent(attempt_of("rani"))

        self.on_store(tmp_path, look, read_only=True)
        self.expect(not _files(tmp_path), f"looking into an empty project creates {shown(set(_files(tmp_path)))}")
        self.on_store(tmp_path, write)
        before = _files(tmp_path)
        self.on_store(tmp_path, look, read_only=True)
        changed = sorted(set(before.items()) ^ set(_files(tmp_path).items()))
        self.expect(not changed, f"looking changes {shown({name for name, _ in changed})}")

    def test_unknown_attempts_are_refused_and_change_nothing(self, tmp_path: Path) -> None:
        """A fact about what was never begun is a StorageError, and leaves no trace of itself."""

        async def scenario(store: Store) -> None:
            await store.record_intent(attempt_of("rani"))
            await store.record_intent(attempt_of("raja"))
            await store.record_saved("raja-1", FULL, None)
            await store.record_pick("raja", 1, "undo 1", undoes=True)
            before = await _jobs(store), await store.choices()
            calls: Mapping[str, Callable[[], Awaitable[None]]] = {
                "record_ticket": lambda: store.record_ticket("none-1", "ticket"),
                "record_saved": lambda: store.record_saved("none-1", FULL, None),
                "record_trouble": lambda: store.record_trouble("none-1", TROUBLE, JobState.FAILED),
                "record_lost": lambda: store.record_lost("none-1"),
                "record_upload": lambda: store.record_upload("none", "shelf", MEDIA),
                "record_setback": lambda: store.record_setback("none", TROUBLE, JobState.SAVED),
                "record_moved": lambda: store.record_moved("none", "none.png", "none.1.png"),
                "record_pick": lambda: store.record_pick("none", 1, "pick 1"),
                "record_pick, of a version": lambda: store.record_pick("raja", 2, "pick 1"),
                "record_pick, of a job without a picture,": lambda: store.record_pick("rani", 1, "pick 1"),
                "record_pick, where all is undone,": lambda: store.record_pick("raja", 1, "undo 2", undoes=True),
                "record_intent, of an attempt that is known": lambda: store.record_intent(
                    attempt_of("rani", prompt="another")
                ),
            }
            for name, call in calls.items():
                try:
                    await call()
                except StorageError:
                    pass
                except Exception as error:  # whatever a stranger's store raises instead
                    self.fail(f"{name} of something unknown raises {type(error).__name__} instead of StorageError")
                else:
                    self.fail(f"{name} of something unknown is taken")
                after = await _jobs(store), await store.choices()
                self.expect(after == before, f"{name} was refused, and changed something all the same")

        self.on_store(tmp_path, scenario)

    def test_calls_at_once_do_not_disturb_each_other(self, tmp_path: Path) -> None:
        """Twenty jobs recorded at the same time, as lanes do: nothing is lost, nothing lands at another job."""

        async def scenario(store: Store) -> None:
            async def life(number: int) -> None:
                key = f"job{number}"
                await store.record_intent(attempt_of(key))
                await store.record_saved(f"{key}-1", replace(FULL, path=f"pictures/{key}.png"), None)
                await store.record_upload(key, "shelf", replace(MEDIA, id=f"id-{number}"))

            await asyncio.gather(*(life(number) for number in range(20)))

        self.on_store(tmp_path, scenario)
        told = {key: record.media.id if record.media else None for key, record in self.seen(tmp_path).items()}
        wanted = {f"job{number}": f"id-{number}" for number in range(20)}
        self.expect(told == wanted, f"of twenty jobs at once {len(set(told.items()) & set(wanted.items()))} are right")

    def test_unused_ledger_is_empty(self, tmp_path: Path) -> None:
        """Before the first run there is no plan, no job, no attempt, no choice and nothing lost."""

        async def read(store: Store) -> tuple[Any, ...]:
            jobs = await store.jobs(), await store.job("rani"), await store.history("rani")
            return await store.last_plan(), *jobs, await store.choices(), await store.lost_attempts()

        told = self.on_store(tmp_path, read)
        self.expect(told == (None, {}, None, (), (), ()), f"an unused ledger tells {told}")

    def test_any_story_is_told_as_it_happened(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        """Whatever sequence of facts is recorded, the ledger tells the same as a plain model of it."""

        def told(story: list[Step]) -> str | None:
            folder = tmp_path_factory.mktemp("ledger")
            return on_virtual_clock(lambda: self._play_story(folder, story))

        for number in range(self.stories):
            story = story_of(number)
            if told(story) is not None:
                shortest = shortened(story, lambda one: told(one) is not None)
                self.fail(f"after {', '.join(step.name for step in shortest)}: {told(shortest)}")

    async def _play_story(self, folder: Path, story: list[Step]) -> str | None:
        model, store = Model(), self.made(folder)
        await store.open()
        try:
            for number, step in enumerate(story):
                if step.name == "reopen":
                    await store.close()
                    store = self.made(folder)
                    await store.open()
                else:
                    await step.take(store, model, number)
            faults = await store.faults()
            return await difference(store, model) or (f"faults() finds {faults[0]}" if faults else None)
        finally:
            await store.close()


async def _jobs(store: Store) -> dict[str, JobRecord]:
    return {key: without_moments(record) for key, record in (await store.jobs()).items()}


def _files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
