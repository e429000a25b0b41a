"""Services that take a job and are asked for it: paid for once, whatever happens on the way to the picture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from charimg.contracts import Declaration, ProviderContext
from charimg.errors import (
    FatalError,
    FlakyError,
    InvalidRequestError,
    ProviderError,
    RejectedError,
    StorageError,
    ThrottledError,
)
from charimg.events import JobPossiblyCharged, JobProgress
from charimg.model import GeneratedImage, ImageRequest, Verdict
from charimg.polling import TROUBLES, LostTicketError, PolledGenerator
from charimg.providers.sqlite import SqliteStore
from tests.run.workshop import Workshop, paint
from tests.scripted import on_virtual_clock


class Desk:
    """The service: what it is asked, and what it answers to each poll in turn."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.submitted: list[str] = []
        self.polled: list[str] = []
        self.ticket: Callable[[], Any] = lambda: f"ticket {len(self.submitted)}"

    def answer(self) -> Any:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer


def polled(desk: Desk) -> type[PolledGenerator]:
    """A generator of the desk."""

    class Polled(PolledGenerator):
        declaration = Declaration("scripted", "Takes jobs.")

        async def submit(self, request: ImageRequest) -> str | GeneratedImage:
            desk.submitted.append(request.key)
            return desk.ticket()  # type: ignore[no-any-return]  # a stranger's code may give anything

        async def ask(self, request: ImageRequest, ticket: str) -> Any:
            desk.polled.append(ticket)
            self.context.progress(request, len(desk.polled) / 10, f"asked {len(desk.polled)} times")
            return desk.answer()

        async def read(self, request: ImageRequest, ticket: str, answer: Any) -> GeneratedImage | None:
            if isinstance(answer, str):
                raise RejectedError(answer)
            return None if answer is None else GeneratedImage(answer)

    return Polled


def generate(desk: Desk, context: Any, ticket: str | None = None) -> GeneratedImage:
    """One call of the generator."""
    request = ImageRequest("rani", "Rani", "a queen", attempt="a1", ticket=ticket)
    return on_virtual_clock(lambda: polled(desk)(context).generate(request))


@pytest.fixture
def context(tmp_path: Any) -> ProviderContext:
    return ProviderContext(tmp_path, tmp_path)


def test_the_picture_comes_after_some_polls(context: ProviderContext) -> None:
    """While the service is at work it is asked again."""
    desk = Desk(None, None, b"picture")

    picture = generate(desk, context)

    assert (picture.data, desk.submitted, len(desk.polled)) == (b"picture", ["rani"], 3)


def test_trouble_with_a_poll_is_not_the_jobs(context: ProviderContext) -> None:
    """A poll that is turned away, or fails, is repeated; the job goes on meanwhile."""
    desk = Desk(ThrottledError("slow down", wait=7), FlakyError("HTTP 500"), b"picture")

    assert generate(desk, context).data == b"picture"
    assert desk.submitted == ["rani"]


@pytest.mark.parametrize(
    "trouble", [FlakyError("HTTP 500"), ThrottledError("busy"), ThrottledError("busy", wait=600), FatalError("no key")]
)
def test_polls_that_keep_failing_leave_the_job_standing(context: ProviderContext, trouble: ProviderError) -> None:
    """The error says that the service still has the job, so that nobody pays for it again."""
    desk = Desk(trouble)

    with pytest.raises(ProviderError) as caught:
        generate(desk, context)

    assert caught.value.standing
    assert len(desk.polled) <= TROUBLES
    assert caught.value.verdict is (Verdict.FATAL if isinstance(trouble, FatalError) else Verdict.THROTTLED)


def test_patience_ends_and_the_job_stands(context: ProviderContext) -> None:
    """A job that never ends is left for a later try."""
    with pytest.raises(ThrottledError, match="not done after 900 seconds") as caught:
        generate(Desk(None), context)

    assert caught.value.standing


def test_patience_keeps_the_wait_a_service_asked_for(context: ProviderContext) -> None:
    """The lane asks no earlier than the service said."""
    with pytest.raises(ThrottledError, match="not done") as caught:
        generate(Desk(*[None] * 880, ThrottledError("slow down", wait=50)), context)

    assert caught.value.wait == 50


def test_a_poll_that_is_not_understood_may_have_been_charged(context: ProviderContext) -> None:
    """The service has accepted the job, whatever it says of it now."""
    with pytest.raises(InvalidRequestError) as caught:
        generate(Desk(InvalidRequestError("HTTP 404")), context)

    assert (caught.value.standing, caught.value.possibly_charged) == (False, True)


def test_a_job_that_failed_is_over(context: ProviderContext) -> None:
    """What ``read`` raises is the job's own end."""
    with pytest.raises(RejectedError, match="too bloody") as caught:
        generate(Desk("too bloody"), context)

    assert not caught.value.standing


def test_an_earlier_ticket_is_asked_for_and_nothing_submitted(context: ProviderContext) -> None:
    """The job of an earlier try is paid for already."""
    desk = Desk(b"picture")

    generate(desk, context, ticket="ticket of yesterday")

    assert (desk.submitted, desk.polled) == ([], ["ticket of yesterday"])


def test_a_forgotten_ticket_may_have_been_charged(context: ProviderContext) -> None:
    """The service no longer knows it: the next try submits anew, and the user hears of the first."""
    with pytest.raises(LostTicketError) as caught:
        generate(Desk(LostTicketError("no such job")), context, ticket="old")

    assert (caught.value.verdict, caught.value.possibly_charged, caught.value.standing) == (Verdict.FLAKY, True, False)


@pytest.mark.parametrize(
    ("submitted", "words"),
    [(None, "NoneType"), (b"t1", "bytes"), ({"id": "t1"}, "dict"), (True, "bool"), ("", "an empty text")],
)
def test_a_submit_that_gives_no_ticket_is_told_at_once(submitted: object, words: str, context: ProviderContext) -> None:
    """One line that names what it gave; nobody asks for a job called None. It may have been paid for."""
    desk = Desk(b"picture")
    desk.ticket = lambda: submitted

    with pytest.raises(InvalidRequestError, match=f"^submit returned {words} where a ticket") as caught:
        generate(desk, context)

    assert (caught.value.possibly_charged, desk.polled) == (True, [])


def test_a_number_is_a_ticket(context: ProviderContext) -> None:
    """Services that count name their jobs so; it is text from the first poll on, as it will be from the ledger."""
    desk = Desk(b"picture")
    desk.ticket = lambda: 4711

    generate(desk, context)

    assert desk.polled == ["4711"]


# -- in a run ---------------------------------------------------------------------------------------------------


@pytest.fixture
def bench(workshop: Workshop) -> Callable[[Desk], Workshop]:
    """A project of one character, drawn by the desk."""

    def made(desk: Desk) -> Workshop:
        workshop.cast("Rani")
        workshop.generators[:] = [polled(desk)]
        return workshop

    return made


def test_a_run_that_lost_the_service_asks_for_the_result_next_time(bench: Callable[[Desk], Workshop]) -> None:
    """Polls fail until the retries are over; the next run fetches what was paid for, under the same attempt."""
    desk = Desk(ThrottledError("no connection", unreachable=True))
    shop = bench(desk)

    first = shop.run()
    ledger = shop.ledger()["rani"]
    desk.answers = [paint()]
    second = shop.run()

    assert first.counts == (0, 1, 0, 0, 3)
    assert (ledger.state.value, [attempt.ticket for attempt in ledger.open_attempts]) == ("open", ["ticket 1"])
    assert second.counts == (1, 0, 0, 0, 0)
    assert (desk.submitted, shop.ledger()["rani"].attempts) == (["rani"], 1)
    assert first.of(JobPossiblyCharged) == second.of(JobPossiblyCharged) == []


def test_a_run_broken_off_leaves_the_ticket(bench: Callable[[Desk], Workshop]) -> None:
    """Ctrl-C twice while the service works: the next run asks for the picture and does not pay again."""
    desk = Desk(None)
    shop = bench(desk)

    first = shop.run(interrupts=(5, 6))
    desk.answers = [paint()]
    second = shop.run()

    assert (first.counts[3], first.of(JobPossiblyCharged)) == (1, [])
    assert (second.counts, desk.submitted) == ((1, 0, 0, 0, 0), ["rani"])


def test_a_job_that_stands_is_fetched_though_another_picture_was_picked(bench: Callable[[Desk], Workshop]) -> None:
    """It is paid for: its picture is the current one then, and what was picked is a version beside it."""
    desk = Desk(paint())
    shop = bench(desk)
    shop.run()
    desk.answers = [None]
    shop.run(interrupts=(5, 6), force=True)

    async def pick() -> None:
        async with shop.order().workplace.open_store(read_only=False) as store:
            await store.record_pick("rani", 1, "a pick")

    on_virtual_clock(pick)
    desk.answers = [paint()]
    told = shop.run()

    record = shop.ledger()["rani"]
    assert record.picture is not None
    assert (record.open_attempts, record.picture.version, len(record.other_pictures)) == ((), 2, 1)
    assert (desk.submitted, told.of(JobPossiblyCharged)) == (["rani", "rani"], [])


def test_a_job_that_is_silent_for_half_an_hour_stands(
    bench: Callable[[Desk], Workshop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call is broken off, and the ticket is not thrown away: the job is asked for again, and not paid for."""
    desk = Desk(paint())
    shop = bench(desk)

    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(PolledGenerator, "_await_result", hang)
        first = shop.run(flags={"max_retries": "0"})
    second = shop.run()

    assert (first.counts[0], second.counts, desk.submitted) == (0, (1, 0, 0, 0, 0), ["rani"])
    assert first.of(JobPossiblyCharged) == second.of(JobPossiblyCharged) == []


def test_another_description_is_another_job(bench: Callable[[Desk], Workshop]) -> None:
    """A ticket for what the roster no longer asks for is given up, and told as possibly charged."""
    desk = Desk(None)
    shop = bench(desk)
    shop.run(interrupts=(5, 6))
    shop.cast("Rani", Rani="a queen in a blue sari, walking")
    desk.answers = [paint()]

    told = shop.run()

    assert (told.counts, desk.submitted) == ((1, 0, 0, 0, 0), ["rani", "rani"])
    assert [event.key for event in told.of(JobPossiblyCharged)] == ["rani"]


def test_progress_is_told_at_most_twice_a_second(bench: Callable[[Desk], Workshop]) -> None:
    """The service's own account of the work is an event; polls of one second pass, all of them."""
    shop = bench(Desk(None, None, paint()))

    told = shop.run().of(JobProgress)

    assert [(event.fraction, event.message) for event in told] == [
        (0.1, "asked 1 times"),
        (0.2, "asked 2 times"),
        (0.3, "asked 3 times"),
    ]


def test_a_ticket_is_not_asked_for_for_ever(bench: Callable[[Desk], Workshop], monkeypatch: pytest.MonkeyPatch) -> None:
    """After a day it is asked for once more, given up as possibly charged, and the next run submits anew."""
    desk = Desk(FlakyError("HTTP 500"))
    shop = bench(desk)
    shop.run()
    monkeypatch.setattr("charimg.picture_making.OLDEST_TICKET", timedelta(0))
    second = shop.run(flags={"max_retries": "0"})
    desk.answers = [paint()]
    third = shop.run()

    assert [event.key for event in second.of(JobPossiblyCharged)] == ["rani"]
    assert (desk.submitted, third.counts) == (["rani", "rani"], (1, 0, 0, 0, 0))


def test_a_ticket_that_cannot_be_recorded_is_money_that_may_be_gone(
    bench: Callable[[Desk], Workshop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run says so itself, and nothing more is sent: not even a quick retry."""
    desk = Desk(LostTicketError("no such job"))
    shop = bench(desk)
    shop.cast("Rani", "Raja")
    record = SqliteStore.record_ticket

    async def full(self: SqliteStore, attempt: str, ticket: str) -> None:
        if ticket == "ticket 2":
            raise StorageError("the disk is full")
        await record(self, attempt, ticket)

    monkeypatch.setattr(SqliteStore, "record_ticket", full)
    told = shop.run()

    assert (desk.submitted, str(told.error)) == (["rani", "raja"], "the disk is full")
    assert {event.key for event in told.of(JobPossiblyCharged)} == {"rani", "raja"}
