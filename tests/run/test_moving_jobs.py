"""What a lane leaves: jobs that move to others or wait for it, fallbacks, and accounts that several lanes share."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, ClassVar

import pytest

from charimg.contracts import Declaration, Price
from charimg.errors import (
    ExhaustedError,
    ExitCode,
    FatalError,
    InvalidRequestError,
    ProviderError,
    RejectedError,
    ThrottledError,
)
from charimg.events import (
    FallbackOpened,
    JobDone,
    JobFailed,
    JobPossiblyCharged,
    JobUploaded,
    LaneClosed,
    QuotaWait,
    RunStarted,
)
from charimg.model import GeneratedImage, ImageRequest
from charimg.polling import PolledGenerator
from tests.run.workshop import Told, Workshop, paint

TWO = {"provider": "scripted@a,scripted@b"}


@pytest.fixture
def twelve(workshop: Workshop) -> Workshop:
    """A roster of twelve."""
    workshop.cast(*(f"C{number}" for number in range(1, 13)))
    return workshop


def closed(told: Told) -> list[str | None]:
    return [event.lane for event in told.of(LaneClosed)]


# -- jobs that move ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ExhaustedError("no more today"), FatalError("the key is gone")], ids=str)
def test_the_jobs_of_a_lane_that_closes_go_to_the_others(twelve: Workshop, error: ProviderError) -> None:
    """One account meets its end on the way; all pictures are made, none twice, and the run is a success."""
    first, second = twelve.books("scripted@a", "scripted@b")
    first.will(c2=[error])
    told = twelve.run(flags=TWO)

    done = Counter(event.key for event in told.of(JobDone))
    assert (told.counts, closed(told), done.total(), set(done.values())) == (
        (12, 0, 0, 0, ExitCode.OK),
        ["scripted@a"],
        12,
        {1},
    )
    assert (first.asked["c2"], second.asked["c2"], told.of(JobFailed)) == (1, 1, [])


def test_a_job_one_lane_gave_up_is_tried_by_the_others_once(twelve: Workshop) -> None:
    """Its retries used up on one account, the job goes to the other and is no failure when it succeeds there."""
    twelve.cast("C1", "C2")
    first, second = twelve.books("scripted@a", "scripted@b")
    first.will(c1=[ThrottledError("busy")] * 4)
    second.seconds = 400
    told = twelve.run(flags={**TWO, "batch_size": "1"})

    assert (first.asked["c1"], second.asked["c1"], told.of(JobFailed), told.counts) == (4, 1, [], (2, 0, 0, 0, 0))


def test_a_job_nobody_could_do_is_told_once_when_nobody_is_left(workshop: Workshop) -> None:
    """Each lane has its retries, no lane sees it again, and it is one failure with the words of the last."""
    first, second = workshop.books("scripted@a", "scripted@b")
    for one, words in ((first, "busy here"), (second, "busy there")):
        one.will(c1=[ThrottledError(words)] * 99)
    told = workshop.run(flags={**TWO, "max_retries": "1"})

    failed = [(event.key, event.pending) for event in told.of(JobFailed)]
    assert (workshop.generator.asked_in_all["c1"], failed) == (
        4,
        [("c1", True)],
    )
    assert told.counts == (4, 1, 0, 0, ExitCode.QUOTA)


def test_a_given_up_job_whose_last_hope_closes_is_told_at_the_end(workshop: Workshop) -> None:
    """The other lane might have taken it, and closed: the run's end tells it with the words of who gave it up."""
    workshop.cast("C1", "C2")
    first, second = workshop.books("scripted@a", "scripted@b")
    first.will(c1=[ThrottledError("busy")])
    second.will(c2=[ExhaustedError("no more today")])
    second.seconds = 30.0
    told = workshop.run(flags={**TWO, "max_retries": "0", "batch_size": "1"})

    failed = [(event.lane, event.key, event.message) for event in told.of(JobFailed)]
    assert (failed, told.counts) == ([("scripted@a", "c1", "busy")], (1, 1, 0, 0, ExitCode.QUOTA))


@pytest.mark.parametrize("error", [RejectedError("not this"), InvalidRequestError("bad size")], ids=str)
def test_what_a_service_refuses_does_not_move(workshop: Workshop, error: ProviderError) -> None:
    """A refusal is an end: no other account is asked to draw what the first one would not."""
    first, _ = workshop.books("scripted@a", "scripted@b")
    first.will(c1=[error])
    workshop.run(flags=TWO)

    assert workshop.generator.asked_in_all["c1"] == 1


def test_a_saved_picture_that_moves_is_only_uploaded(workshop: Workshop) -> None:
    """Its account cannot upload any more: the other one uploads the picture that is there, and draws none."""
    workshop.uploader.account("scripted@a").usual = lambda: ExhaustedError("no room")
    told = workshop.run(flags=TWO)

    drawn = workshop.generator.asked
    uploaders = {event.lane for event in told.of(JobUploaded)}
    assert (told.counts, set(drawn.values()), uploaders) == ((5, 0, 0, 0, 0), {1}, {"scripted@b"})
    assert {record.media and record.media.lane for record in workshop.ledger().values()} == {"scripted@b"}


# -- what stands at a service -----------------------------------------------------------------------------------------


class Window(PolledGenerator):
    """A service that takes jobs and hands them out when told to; each account has its own."""

    declaration = Declaration("scripted", "Takes jobs.", price=Price(0.25))
    submitted: ClassVar[list[tuple[str, str]]]
    answers: ClassVar[dict[str, Any]]
    """What a poll says, by account."""

    async def submit(self, request: ImageRequest) -> str | GeneratedImage:
        self.submitted.append((self.context.lane, request.key))
        await asyncio.sleep(0.5)
        return f"ticket of {request.key}"

    async def ask(self, request: ImageRequest, ticket: str) -> Any:
        await asyncio.sleep(0.5)
        answer = self.answers.get(self.context.lane)
        if isinstance(answer, Exception):
            raise type(answer)(*answer.args)
        return answer

    async def read(self, request: ImageRequest, ticket: str, answer: Any) -> GeneratedImage | None:
        return GeneratedImage(paint()) if answer is None else None


@pytest.fixture
def counter(workshop: Workshop) -> type[Window]:
    """The generator is such a service."""

    class Fresh(Window):
        submitted: ClassVar[list[tuple[str, str]]] = []
        answers: ClassVar[dict[str, Any]] = {}

    workshop.generators[:] = [Fresh]
    return Fresh


@pytest.mark.parametrize("error", [ThrottledError("no connection"), FatalError("logged out")], ids=str)
def test_what_a_service_has_accepted_is_not_made_by_another(
    workshop: Workshop, counter: type[Window], error: ProviderError
) -> None:
    """One account's jobs stand there unfetched: the other account does not draw them, and the next run fetches them."""
    counter.answers = {"scripted@a": error}
    workshop.cast(*(f"C{number}" for number in range(1, 11)))
    told = workshop.run(flags={**TWO, "max_retries": "1"})
    counter.answers = {}
    healed = workshop.run(flags=TWO)

    submitted = Counter(key for _, key in counter.submitted)
    assert (told.counts[0], told.counts[1], set(submitted.values()), len(submitted)) == (5, 5, {1}, 10)
    assert (healed.counts, told.of(JobPossiblyCharged), healed.of(JobPossiblyCharged)) == ((5, 0, 0, 0, 0), [], [])


def test_what_an_earlier_run_left_at_a_service_goes_to_its_own_lane(workshop: Workshop, counter: type[Window]) -> None:
    """The other account is free first and takes none of it; the one that has it fetches it without paying again."""
    counter.answers = {"scripted@b": "at work"}
    workshop.run(flags={"provider": "scripted@b"}, interrupts=[5, 6])
    counter.answers = {}
    told = workshop.run(flags=TWO)

    assert (told.counts, [lane for lane, _ in counter.submitted]) == ((5, 0, 0, 0, 0), ["scripted@b"] * 5)
    assert told.of(JobPossiblyCharged) == []


def test_what_stands_at_a_lane_that_cannot_open_stays_there(workshop: Workshop, counter: type[Window]) -> None:
    """Its account locked out for now, a job that is paid for waits for it; the others' pictures are made."""
    counter.answers = {"scripted@b": "at work"}
    workshop.run(flags={"provider": "scripted@b"}, interrupts=[5, 6])

    async def locked(self: Window) -> None:
        if self.context.lane == "scripted@b":
            raise FatalError("locked out")

    counter.open = locked  # type: ignore[method-assign]
    workshop.cast(*workshop.names, "C6")
    told = workshop.run(flags=TWO)

    assert (told.counts, counter.submitted[5:]) == ((1, 5, 0, 0, ExitCode.LOGIN), [("scripted@a", "c6")])
    assert told.of(JobFailed)[0].message == "scripted@b has accepted it, and cannot be asked for it: locked out"


def test_what_stands_at_a_lane_nobody_asked_for_is_given_up(workshop: Workshop, counter: type[Window]) -> None:
    """Without that account in the run its jobs are made anew, and told as possibly charged."""
    counter.answers = {"scripted@b": "at work"}
    workshop.run(flags={"provider": "scripted@b"}, interrupts=[5, 6])
    told = workshop.run(flags={"provider": "scripted@a"})

    assert (told.counts[0], len(told.of(JobPossiblyCharged))) == (5, 5)


# -- the fallback -----------------------------------------------------------------------------------------------------


def test_a_fallback_is_opened_when_all_before_it_have_closed(twelve: Workshop) -> None:
    """It takes what both left, a moment after the last of them closed, and says so."""
    spare = twelve.add_generator("spare")
    first, second = twelve.books("scripted@a", "scripted@b")
    first.will(c1=[ExhaustedError("no more today")])
    second.usual = lambda: FatalError("logged out")
    second.seconds = 20.0
    told = twelve.run(flags={**TWO, "fallback": "spare", "uploader": "none"})

    story = [event.event for event in told.events if isinstance(event, (LaneClosed, FallbackOpened))]
    opened = told.of(FallbackOpened)
    assert (story, [(event.lane, event.jobs) for event in opened]) == (
        ["lane_closed", "lane_closed", "fallback_opened"],
        [("spare", 8)],
    )
    assert (told.counts, spare.asked.total(), min(spare.asked.values())) == ((12, 0, 0, 0, 0), 8, 1)


def test_a_fallback_that_is_not_needed_is_not_made(twelve: Workshop) -> None:
    """It is not even logged in."""
    spare = twelve.add_generator("spare")
    told = twelve.run(flags={"fallback": "spare"})

    assert (told.counts[0], spare.contexts, told.of(FallbackOpened)) == (12, [], [])


def test_fallbacks_are_opened_in_order(twelve: Workshop) -> None:
    """The second only after the first closed, on what it left."""
    one, two = twelve.add_generator("one"), twelve.add_generator("two")
    twelve.generator.usual = lambda: ExhaustedError("no more today")
    one.will(c3=[ExhaustedError("here neither")])
    told = twelve.run(flags={"fallback": "one, two", "uploader": "none"})

    opened = [(event.lane, event.jobs) for event in told.of(FallbackOpened)]
    assert (opened, told.counts[0], two.asked.total()) == ([("one", 12), ("two", 8)], 12, 8)


def test_a_fallback_takes_over_when_no_first_lane_can_open(workshop: Workshop) -> None:
    """Two wrong logins cost nothing but the two lanes."""
    spare = workshop.add_generator("spare")
    workshop.generator.opening = FatalError("who are you?")
    told = workshop.run(flags={"fallback": "spare", "uploader": "none"})

    assert (closed(told), told.counts, spare.asked.total()) == (["scripted"], (5, 0, 0, 0, 0), 5)
    assert workshop.generator.asked.total() == 0


def test_a_fallback_that_cannot_open_leaves_the_run_as_it_stands(workshop: Workshop) -> None:
    """Nothing is claimed to have been taken over, and the exit code says the gravest."""
    spare = workshop.add_generator("spare")
    spare.opening = FatalError("who are you?")
    workshop.generator.usual = lambda: ExhaustedError("no more today")
    told = workshop.run(flags={"fallback": "spare", "uploader": "none"})

    assert (closed(told), told.of(FallbackOpened), told.counts) == (
        ["scripted", "spare"],
        [],
        (0, 0, 0, 5, ExitCode.LOGIN),
    )


def test_a_given_up_job_is_the_fallbacks_before_it_is_a_failure(workshop: Workshop) -> None:
    """What the first lanes gave up before they closed is tried by the fallback, and a failure only if that gives up."""
    spare = workshop.add_generator("spare")
    workshop.generator.will(c1=[ThrottledError("busy")], c2=[ThrottledError("busy")], c3=[ExhaustedError("used up")])
    spare.will(c2=[ThrottledError("busy too")])
    workshop.write("batch_size: 2")
    told = workshop.run(flags={"fallback": "spare", "uploader": "none", "max_retries": "0"})

    failed = [(event.lane, event.key, event.message) for event in told.of(JobFailed)]
    assert (told.counts, failed, spare.asked.total()) == (
        (4, 1, 0, 0, ExitCode.QUOTA),
        [("spare", "c2", "busy too")],
        4,
    )


def test_a_fallback_stays_shut_while_a_first_lane_is_open(workshop: Workshop) -> None:
    """Two were given up and the lane went on: they are for the next run, and nobody pays the fallback."""
    spare = workshop.add_generator("spare")
    workshop.generator.will(c1=[ThrottledError("busy")], c2=[ThrottledError("busy")])
    told = workshop.run(flags={"fallback": "spare", "uploader": "none", "max_retries": "0"})

    assert (told.counts, spare.asked.total(), told.of(FallbackOpened)) == ((3, 2, 0, 0, ExitCode.QUOTA), 0, [])


def test_ctrl_c_opens_no_fallback(workshop: Workshop) -> None:
    """Whoever stops the run does not want another account to begin."""
    spare = workshop.add_generator("spare")
    workshop.generator.usual = lambda: ExhaustedError("no more today")
    told = workshop.run(flags={"fallback": "spare"}, interrupts=[1.0])

    assert (spare.contexts, told.of(FallbackOpened), told.counts) == ([], [], (0, 0, 0, 5, ExitCode.INTERRUPTED))


def test_what_a_fallback_uploaded_is_not_uploaded_again(workshop: Workshop) -> None:
    """The same command once more has nothing to do, though the pictures lie with the fallback's uploader."""
    attic = workshop.add_uploader("spare")
    workshop.add_generator("spare")
    workshop.generator.usual = lambda: ExhaustedError("no more today")
    first = workshop.run(flags={"fallback": "spare"})
    again = workshop.run(flags={"fallback": "spare"})

    assert (first.counts[0], attic.asked.total(), again.of(RunStarted)[0].total) == (5, 5, 0)


# -- an account that several lanes share ------------------------------------------------------------------------------


def test_a_quota_one_lane_meets_at_a_shared_uploader_holds_for_the_others(twelve: Workshop) -> None:
    """Both lanes upload through one account: while it is to be left alone nobody sends it anything."""
    shelf = twelve.add_uploader("attic")
    moments: list[float] = []
    asked = iter([ThrottledError("slow down", wait=40)])

    def answer() -> Any:
        moments.append(asyncio.get_running_loop().time())
        return next(asked, None)

    shelf.usual = answer
    shelf.seconds = 0.5
    twelve.generator.account("scripted@b").seconds = 3.8
    told = twelve.run(flags={**TWO, "uploader": "attic"})

    begun = sorted(round(moment - 3.0, 3) for moment in moments)
    early = [moment for moment in begun if 0.5 < moment < 40.5]
    assert (told.counts[0], len(moments), early) == (12, 13, [])
    assert {event.lane for event in told.of(QuotaWait)} == {"scripted@a", "scripted@b"}
    assert set(twelve.generator.asked_in_all.values()) == {1}


def test_a_shared_uploader_that_has_no_room_left_closes_every_lane(twelve: Workshop) -> None:
    """The second lane is told by the first, and does not ask the account itself."""
    shelf = twelve.add_uploader("attic")
    shelf.usual = lambda: ExhaustedError("no room")
    twelve.generator.account("scripted@b").seconds = 6.0
    told = twelve.run(flags={**TWO, "uploader": "attic"})

    assert (closed(told), shelf.asked.total(), told.counts) == (
        ["scripted@a", "scripted@b"],
        5,
        (0, 0, 0, 12, ExitCode.QUOTA),
    )


def test_a_plugins_own_error_holds_for_all_lanes_too(twelve: Workshop) -> None:
    """An error class with arguments of its own is no fault of the run when another lane hears of it."""

    class NoRoomError(ExhaustedError):
        def __init__(self, code: int, *, shelf: str) -> None:
            super().__init__(f"no room on {shelf} ({code})")

    shelf = twelve.add_uploader("attic")
    shelf.usual = lambda: NoRoomError(507, shelf="the attic")
    twelve.generator.account("scripted@b").seconds = 6.0
    told = twelve.run(flags={**TWO, "uploader": "attic"})

    assert (told.error, [event.message for event in told.of(LaneClosed)]) == (None, ["no room on the attic (507)"] * 2)


def test_lanes_with_accounts_of_their_own_do_not_hold_each_other(twelve: Workshop) -> None:
    """The quota of one account's uploader is no word about the other's."""
    twelve.uploader.account("scripted@a").will(c1=[ThrottledError("slow down")])
    told = twelve.run(flags=TWO)

    assert {event.lane for event in told.of(QuotaWait)} == {"scripted@a"}
