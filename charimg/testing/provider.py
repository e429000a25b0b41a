"""What is promised by every provider, whatever it does; the two network kinds build on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import pytest

from charimg.contracts import Provider
from charimg.errors import ProviderError
from charimg.provider_call import is_in_core_words
from charimg.testing.at_import import environment_read_at_import
from charimg.testing.bench import Bench, Came, Subject, everything_shown, play
from charimg.testing.declarations import faults_of
from charimg.testing.guard import check_names, check_overrides, check_skipped, leave_out
from charimg.testing.service import Service
from charimg.testing.troubles import Trouble
from charimg.testing.watch import Watch, leftovers

LONGEST_LINE = 400
"""Characters of a message that still reads as one clear line."""


class ProviderContract:
    """What all providers promise. Subclass one of the three kinds, not this."""

    is_contract: ClassVar[bool] = True
    """Its tests are standard tests: a subclass that replaces one must say so (:func:`charimg.testing.overrides`)."""

    provider: ClassVar[type[Provider]]
    """The class under test. All that an author must give, with :attr:`service`."""
    service: ClassVar[Service | None] = None
    """What good answers of the service look like; ``None`` for a provider without a network."""
    settings: ClassVar[Mapping[str, Any]] = {}
    """Settings that differ from their defaults. ``{address}`` in a text becomes the address of the played service;
    a setting ``base_url`` has it by itself."""
    credentials: ClassVar[Mapping[str, str]] = {}
    """Texts of credentials that must have a form, with ``{secret}`` where the kit plants its own:
    ``{"login": "ann:{secret}"}``. Others are the planted secret itself."""
    skipped: ClassVar[Mapping[str, str]] = {}
    """Standard tests that are left out, with the reason, which the report shows: by name, or by name with the case in
    brackets (``"test_trouble_has_its_verdict[401-wrong-key]"``)."""
    own_troubles: ClassVar[tuple[Trouble, ...]] = ()
    """Further answers of this very service and what they mean; played with the standard ones."""

    network_tests: ClassVar[tuple[str, ...]] = ()
    """Standard tests that need a played service."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if vars(cls).get("is_contract"):
            return
        cls.is_contract = False
        check_overrides(cls)
        check_skipped(cls, cls.skipped)
        check_names(cls)
        if getattr(cls, "provider", None) is not None:
            leave_out(cls, cls.inapplicable())

    @classmethod
    def inapplicable(cls) -> tuple[str, ...]:
        """Standard tests that this provider cannot be held to, by what it declares."""
        return cls.network_tests if cls.service is None else ()

    @pytest.fixture(autouse=True)
    def _skip_what_is_left_out(self, request: pytest.FixtureRequest) -> None:
        whole = str(request.node.name)
        reason = self.skipped.get(whole) or self.skipped.get(whole.partition("[")[0])
        if reason:
            pytest.skip(reason)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One case a trouble: the standard ones and the author's own."""
        if "trouble" in metafunc.fixturenames:
            troubles = (*self.standard_troubles(), *self.own_troubles)
            metafunc.parametrize("trouble", troubles, ids=[one.id for one in troubles])

    @classmethod
    def standard_troubles(cls) -> tuple[Trouble, ...]:
        """The standard answers that are no success."""
        return ()

    # -- what the kinds fill in ---------------------------------------------------------------------------------

    async def ask(self, bench: Bench, number: int = 1) -> Came:
        """Ask the provider for job *number*, and keep what came of it."""
        raise NotImplementedError

    def wrong(self, bench: Bench, came: Came, number: int) -> str | None:
        """What is wrong with the outcome of job *number* after a good answer, in a few words; ``None`` if nothing."""
        raise NotImplementedError

    # -- for the tests ------------------------------------------------------------------------------------------

    def subject(self, settings: Mapping[str, Any] | None = None) -> Subject:
        """The provider with all that the class says of it, and these settings besides."""
        return Subject(self.provider, self.service, {**self.settings, **(settings or {})}, self.credentials)

    def play(
        self,
        folder: Path,
        scenario: Callable[[Bench], Awaitable[None]],
        *,
        settings: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Watch:
        """Play one scenario; see :func:`charimg.testing.bench.play`."""
        return play(self.subject(settings), folder, scenario, **options)

    @staticmethod
    def fail(line: str) -> NoReturn:
        """Fail with one line and no traceback of the kit."""
        pytest.fail(line, pytrace=False)

    def expect(self, condition: object, line: str) -> None:
        """Fail with *line* unless the condition holds."""
        if not condition:
            self.fail(line)

    async def good(self, bench: Bench, number: int = 1, when: str = "") -> Came:
        """Ask for job *number*, which must succeed."""
        came = await self.ask(bench, number)
        trouble = self.wrong(bench, came, number)
        if trouble is not None:
            strays = (
                f"; it asked for {bench.played.strays[0]}, for which there is no Route" if bench.played.strays else ""
            )
            self.fail(f"{when + ': ' if when else ''}{trouble}{strays}")
        return came

    # -- the standard tests -------------------------------------------------------------------------------------

    def test_declaration_is_well_formed(self) -> None:
        """Names, help, settings, models and prices are such that lists, settings and errors can use them."""
        found = faults_of(getattr(self.provider, "declaration", None))
        self.expect(not found, "; ".join(found))

    def test_making_one_does_nothing(self, tmp_path: Path) -> None:
        """Constructing a provider sends nothing and opens no file: lists and plans construct what is never used."""
        seen: list[str] = []

        async def scenario(bench: Bench) -> None:
            seen.extend(f"{asked.method} {asked.path}" for asked in bench.played.asked)
            bench.kind(bench.context)
            await asyncio.sleep(1)
            seen.extend(f"{asked.method} {asked.path}" for asked in bench.played.asked)

        watch = self.play(tmp_path, scenario, opened=False)
        self.expect(not watch.files, "; ".join(watch.files))
        self.expect(not seen, f"constructing it sends a request: {', '.join(seen)}")

    def test_open_and_close_in_any_order(self, tmp_path: Path) -> None:
        """``close`` serves without ``open`` and twice; what was closed can be made again."""

        async def scenario(bench: Bench) -> None:
            unopened = bench.kind(bench.context)
            for step, call in (
                ("close() without open()", unopened.close),
                ("open()", bench.provider.open),
                ("close()", bench.provider.close),
                ("a second close()", bench.provider.close),
            ):
                came = await bench.call(call)
                self.expect(came.error is None, f"{step}: {came.line}")
            bench.ended = True

        self.play(tmp_path, scenario, opened=False)

    def test_open_and_check_spend_nothing(self, tmp_path: Path) -> None:
        """``open`` and ``check`` ask for no picture; ``check`` needs no ``open`` and says in one line what it found."""

        async def scenario(bench: Bench) -> None:
            came = await bench.call(bench.provider.check)
            self.expect(came.paid == 0, "check() costs a paid request")
            if came.error is None:
                told = came.value
                self.expect(isinstance(told, str) and told.strip() and "\n" not in told, f"check() returned {told!r}")
            else:
                self.expect(is_in_core_words(came.error), f"check(): {came.line}; raise one of the core's errors")
            came = await bench.call(bench.provider.open)
            self.expect(came.paid == 0, "open() costs a paid request")

        self.play(tmp_path, scenario, opened=False)

    def test_never_sleeps(self, tmp_path: Path) -> None:
        """The scheduler does the waiting: no sleep of the provider's own, whatever the service says."""
        watch = self.play(tmp_path, self.a_hard_day)
        self.expect(not watch.sleeps, "; ".join(dict.fromkeys(watch.sleeps)))

    def test_never_reads_the_environment(self, tmp_path: Path) -> None:
        """Settings and credentials come from the context: a variable read elsewhere is one that no user finds."""
        watch = self.play(tmp_path, self.a_hard_day)
        found = [*environment_read_at_import(self.provider), *watch.environment]
        self.expect(not found, "; ".join(dict.fromkeys(found)))

    def test_opens_no_foreign_files(self, tmp_path: Path) -> None:
        """No file of the user's that the context does not name: neither in the home nor in the current folder."""
        watch = self.play(tmp_path, self.a_hard_day)
        self.expect(not watch.files, "; ".join(dict.fromkeys(watch.files)))

    async def a_hard_day(self, bench: Bench) -> None:
        """Good answers and the usual troubles, one after the other; what comes of each does not matter here."""
        await self.ask(bench, 1)
        if self.service is None:
            return
        for trouble in self.standard_troubles():
            if trouble.id in ("429-seconds", "503-overloaded", "500", "429-silent"):
                bench.played.paid_answer = trouble.reply()
                await self.ask(bench, 1)
        bench.played.paid_answer = None
        await self.ask(bench, 2)

    def test_five_at_once_are_not_mixed_up(self, tmp_path: Path) -> None:
        """A batch of five in flight together, answered in reverse order: each job gets what is its own."""

        async def scenario(bench: Bench) -> None:
            bench.played.in_reverse = 5
            numbers = range(1, 6)
            for number, came in zip(
                numbers, await asyncio.gather(*(self.ask(bench, number) for number in numbers)), strict=True
            ):
                trouble = self.wrong(bench, came, number)
                self.expect(trouble is None, f"job {number} of five at once: {trouble}")

        self.play(tmp_path, scenario)

    def test_cancelled_it_lets_go_and_works_again(self, tmp_path: Path) -> None:
        """Cancelled at any await it ends at once, raises CancelledError, and the next job is done as ever."""
        moments: list[int] = []

        async def count(bench: Bench) -> None:
            before = len(bench.played.asked)
            await self.ask(bench, 1)
            moments.extend(range(min(len(bench.played.asked) - before, 8)))

        async def scenario(bench: Bench) -> None:
            await self._cancel(bench, None, "before its first await")
            for moment in moments:
                await self._cancel(bench, moment, f"while its request {moment + 1} is at the service")

        self.play(tmp_path, count)
        self.play(tmp_path, scenario, opened=False)

    async def _cancel(self, bench: Bench, moment: int | None, when: str) -> None:
        played = bench.played
        first = bench.provider
        bench.context.shared.clear()
        provider = bench.provider = bench.kind(bench.context)
        await provider.open()
        played.held.clear()
        played.released.clear()
        played.hold_at = None if moment is None else len(played.asked) + moment
        task = asyncio.ensure_future(self.bare_ask(bench, 1))
        if moment is None:
            await asyncio.sleep(0)
        else:
            reached = asyncio.ensure_future(played.held.wait())
            await asyncio.wait({task, reached}, return_when=asyncio.FIRST_COMPLETED)
            reached.cancel()
        finished = task.done()
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=10.0)
        played.released.set()
        played.hold_at = None
        self.expect(done, f"cancelled {when}, it does not let go within 10 seconds")
        if not finished and not task.cancelled():
            error = task.exception()
            what = f"raises {type(error).__name__}" if error else "returns as if nothing had happened"
            self.fail(f"cancelled {when}, it {what}; let CancelledError through")
        await self.good(bench, 2, f"after it was cancelled {when}")
        await provider.close()
        bench.provider = first

    async def bare_ask(self, bench: Bench, number: int) -> Any:
        """The provider's own coroutine for job *number*, with nothing around it."""
        raise NotImplementedError

    def test_leaks_nothing(self, tmp_path: Path) -> None:
        """After ``close`` there is no task, no connection and no session left, also where trouble came before."""
        with leftovers() as dropped:
            watch = self.play(tmp_path, self.a_hard_day)
        found = [*watch.left, *dropped]
        self.expect(not found, f"after close() there is still: {'; '.join(dict.fromkeys(found))}")

    # -- messages -----------------------------------------------------------------------------------------------

    def one_line(self, came: Came, what: str) -> None:
        """Fail unless the message of an error is one clear line."""
        told = came.told
        if told is None:
            return
        self.expect(told.message.strip(), f"{what}: the error has no words")
        self.expect("\n" not in told.message.strip(), f"{what}: the message is not one line: {told.message[:200]!r}")
        self.expect(
            len(told.message) <= LONGEST_LINE,
            f"{what}: the message has {len(told.message)} characters; people read {LONGEST_LINE}",
        )

    def no_secret(self, bench: Bench, came: Came, what: str, *, echoed: bool = False) -> None:
        """Fail if an outcome shows a planted secret.

        :param echoed: the service itself repeated it, so that the core's redaction may be what takes it out.
        """
        if came.error is not None:
            error: BaseException = came.error
            text = everything_shown(error)
            if echoed:
                message = came.told.message if isinstance(came.told, ProviderError) else str(error)
                text = bench.context.redactor.clean(message)
            leak = bench.leak_in(text)
            self.expect(leak is None, f"{what}: the error shows a secret")
