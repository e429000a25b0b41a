"""The contract of a store, as tests."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest

from charimg.contracts import Attempt, JobRecord, JobState, PictureRecord, Provider, ProviderContext, Store, Trouble
from charimg.errors import StorageError
from charimg.model import Cost, ImageFacts, MediaReference, Verdict
from charimg.testing.bench import Bench, Came, Subject
from charimg.testing.clock import on_virtual_clock
from charimg.testing.provider import ProviderContract
from charimg.testing.store_model import Model
from charimg.testing.store_steps import Step, shortened, story_of

T = TypeVar("T")

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=timezone.utc)
FACTS = ImageFacts("png", 512, 910, "ab" * 32, 12345)
MEDIA = MediaReference("id-1", "id", "shelf", "lane-1", NOON + timedelta(days=1), "an old man")
TROUBLE = Trouble(Verdict.THROTTLED, "too much", "generate", 30.5, possibly_charged=True)
FULL = PictureRecord(
    "pictures/rani.png",
    FACTS,
    seed=2**63 - 1,
    model="sketch-1",
    prompt="রানী, a queen",
    request_id="r-1",
    cost=Cost(0.04, "USD", "reported"),
    media=MEDIA,
    adopted=True,
)
HOSTILE = {
    "quotes": 'O\'Brien "the" `cat`; DROP TABLE job; -- %s {x} \\',
    "scripts": "গোপাল ভাঁড় 王后 👑 e\u0301",
    "controls": "tab\t line\nnull\x00 escape\x1b[31m",
    "torn": "half an emoji \ud83d and a byte \udcff",
    "long": "a" * 100_000,
    "empty": "",
}
"""Texts as rosters and services hold them."""


def attempt_of(key: str, number: int = 1, **changes: Any) -> Attempt:
    """An attempt at a job."""
    name = f"{key}-{number}"
    return replace(
        Attempt(name, "run 1", key, key.title(), "lane-1", "sketch", "f" * 16, "a queen", 7, NOON), **changes
    )


class StoreContract(ProviderContract):
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

        async def write(store: Store) -> None:
            await store.begin_run("run 1", NOON, {"jobs": ["rani"], "total": 1})
            model.begin_run({"jobs": ["rani"], "total": 1})
            for key in ("rani", "raja", "mantri", "gopal", "nobody"):
                await store.record_intent(attempt_of(key))
                model.record_intent(attempt_of(key))
            await store.record_ticket("rani-1", "ticket-1")
            await store.record_saved("rani-1", FULL, None)
            await store.record_upload("rani", "shelf", MEDIA)
            await store.record_trouble("raja-1", TROUBLE, JobState.PENDING)
            await store.record_lost("mantri-1")
            await store.record_saved("gopal-1", replace(FULL, path="pictures/gopal.png"), None)
            await store.record_setback("gopal", replace(TROUBLE, stage="upload"), JobState.SAVED)
            await store.record_ticket("nobody-1", "ticket-2")
            await store.finish_run("run 1", NOON + timedelta(minutes=1), {"succeeded": 1})
            model.record_ticket("rani-1", "ticket-1")
            model.record_saved("rani-1", FULL, None)
            model.record_upload("rani", "shelf", MEDIA)
            model.record_trouble("raja-1", TROUBLE, JobState.PENDING)
            model.record_lost("mantri-1")
            model.record_saved("gopal-1", replace(FULL, path="pictures/gopal.png"), None)
            model.record_setback("gopal", replace(TROUBLE, stage="upload"), JobState.SAVED)
            model.record_ticket("nobody-1", "ticket-2")

        async def read(store: Store) -> str | None:
            return await _difference(store, model)

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
        self.expect(states == wanted, f"after its process was killed the ledger knows {_shown(states)}")
        tickets = [one.ticket for one in jobs["raja"].open_attempts]
        self.expect(tickets == ["ticket-1"], f"after its process was killed the open attempt has the tickets {tickets}")

    def test_read_only_changes_nothing(self, tmp_path: Path) -> None:
        """A command that only looks creates and changes no file, in an empty project and beside a ledger."""

        async def look(store: Store) -> None:
            await store.jobs()
            await store.job("rani")
            await store.lost_attempts()
            await store.last_plan()

        async def write(store: Store) -> None:
            await store.record_intent(attempt_of("rani"))

        self.on_store(tmp_path, look, read_only=True)
        self.expect(not _files(tmp_path), f"looking into an empty project creates {_shown(set(_files(tmp_path)))}")
        self.on_store(tmp_path, write)
        before = _files(tmp_path)
        self.on_store(tmp_path, look, read_only=True)
        changed = sorted(set(before.items()) ^ set(_files(tmp_path).items()))
        self.expect(not changed, f"looking changes {_shown({name for name, _ in changed})}")

    def test_unknown_attempts_are_refused_and_change_nothing(self, tmp_path: Path) -> None:
        """A fact about what was never begun is a StorageError, and leaves no trace of itself."""

        async def scenario(store: Store) -> None:
            await store.record_intent(attempt_of("rani"))
            before = await _jobs(store)
            calls: Mapping[str, Callable[[], Awaitable[None]]] = {
                "record_ticket": lambda: store.record_ticket("none-1", "ticket"),
                "record_saved": lambda: store.record_saved("none-1", FULL, None),
                "record_trouble": lambda: store.record_trouble("none-1", TROUBLE, JobState.FAILED),
                "record_lost": lambda: store.record_lost("none-1"),
                "record_upload": lambda: store.record_upload("none", "shelf", MEDIA),
                "record_setback": lambda: store.record_setback("none", TROUBLE, JobState.SAVED),
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
                self.expect(await _jobs(store) == before, f"{name} was refused, and changed something all the same")

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
        """Before the first run there is no plan, no job and nothing lost."""

        async def read(store: Store) -> tuple[Any, ...]:
            return await store.last_plan(), await store.jobs(), await store.job("rani"), await store.lost_attempts()

        told = self.on_store(tmp_path, read)
        self.expect(told == (None, {}, None, ()), f"an unused ledger tells {told}")

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
            return await _difference(store, model)
        finally:
            await store.close()


async def _jobs(store: Store) -> dict[str, JobRecord]:
    return {key: replace(record, updated=None) for key, record in (await store.jobs()).items()}


async def _difference(store: Store, model: Model) -> str | None:
    """What a store tells otherwise than the model; ``None`` if nothing."""
    told, wanted = await _jobs(store), model.jobs()
    if set(told) != set(wanted):
        return f"it knows the jobs {_shown(told)} instead of {_shown(wanted)}"
    for key, record in wanted.items():
        alone = await store.job(key)
        if alone is None or replace(alone, updated=None) != told[key]:
            return f"job({key!r}) tells something else than jobs()"
        if record != told[key]:
            fields = [name for name in vars(record) if getattr(record, name) != getattr(told[key], name)]
            was = {name: (getattr(told[key], name), getattr(record, name)) for name in fields}
            return f"of {key} it tells otherwise: " + "; ".join(
                f"{name} is {got!r:.200} instead of {want!r:.200}" for name, (got, want) in was.items()
            )
    if await store.lost_attempts() != model.lost_attempts():
        return f"lost_attempts() tells {len(await store.lost_attempts())} instead of {len(model.lost_attempts())}"
    if await store.last_plan() != model.plan:
        return "last_plan() is not the newest plan"
    return None


def _shown(names: Any) -> str:
    return ", ".join(map(str, names.items() if isinstance(names, dict) else sorted(names))) or "nothing"


def _files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
