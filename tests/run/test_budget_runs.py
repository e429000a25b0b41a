"""Runs with a budget: they stop before more would be spent, by what was reported as by what was declared."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charimg.contracts import Declaration, ImageGenerator, Price
from charimg.errors import (
    ExitCode,
    FlakyError,
    InputError,
    InvalidRequestError,
    RejectedError,
    ThrottledError,
)
from charimg.events import FallbackOpened, JobSaved, LaneClosed, RunFinished, RunStarted
from charimg.model import Cost, GeneratedImage, ImageRequest
from tests.run.workshop import Told, Workshop, paint


@pytest.fixture
def twelve(workshop: Workshop) -> Workshop:
    """A roster of twelve, at 0.25 USD a picture."""
    workshop.cast(*(f"C{number}" for number in range(1, 13)))
    return workshop


def reported(amount: float, currency: str = "USD") -> GeneratedImage:
    """A picture whose service says what it cost."""
    return GeneratedImage(paint(), cost=Cost(amount, currency, "reported"))


def spent(told: Told) -> float:
    return round(sum(cost.amount for cost in told.of(RunFinished)[0].spent), 9)


def test_what_is_in_flight_counts(twelve: Workshop) -> None:
    """A dollar is four pictures: the fifth of the first batch is not sent, and the lane says why."""
    told = twelve.run(flags={"budget": "1.00"})

    (closed,) = told.of(LaneClosed)
    assert (twelve.generator.asked.total(), spent(told), told.counts) == (4, 1.0, (4, 0, 0, 8, ExitCode.FAILED))
    assert closed.message.startswith("the budget of 1.00 USD has no room for another picture at 0.25 USD")
    assert told.of(RunStarted)[0].budget == Cost(1.0, "USD", "reported")


def test_a_budget_that_suffices_changes_nothing(twelve: Workshop) -> None:
    """Twelve pictures for exactly their price."""
    told = twelve.run(flags={"budget": "3"})

    assert (told.counts, spent(told), told.of(LaneClosed)) == ((12, 0, 0, 0, 0), 3.0, [])


def test_a_quick_retry_has_its_price_too(workshop: Workshop) -> None:
    """Where there is no room for one the job has failed, with the service's words; it is no quota."""
    workshop.cast("C1")
    workshop.generator.will(c1=[FlakyError("HTTP 500", possibly_charged=True), paint()])
    told = workshop.run(flags={"budget": "0.30"})

    assert (workshop.generator.asked.total(), told.counts) == (1, (0, 1, 0, 0, ExitCode.FAILED))
    assert told.of(RunFinished)[0].problems[0].message == "HTTP 500"


def test_a_refused_picture_that_cost_nothing_leaves_room(twelve: Workshop) -> None:
    """What a service refuses it does not charge."""
    twelve.generator.will(c1=[RejectedError("no")], c2=[InvalidRequestError("bad size")])
    told = twelve.run(flags={"budget": "1.25"})

    assert (told.counts[:4], spent(told)) == ((5, 1, 1, 5), 1.25)


def test_what_may_have_been_charged_counts(twelve: Workshop) -> None:
    """Two answers lost: their pictures may have been paid for, and two fewer are made."""
    lost = InvalidRequestError("the answer was lost", possibly_charged=True)
    twelve.generator.will(c1=[lost], c2=[lost])
    told = twelve.run(flags={"budget": "1.25"})

    assert (told.counts[0], spent(told)) == (3, 0.75)


def test_every_quick_try_is_paid_for_by_itself(workshop: Workshop) -> None:
    """A flaky answer that may have been charged and its second try are two pictures to the budget."""
    workshop.cast("C1", "C2")
    workshop.generator.will(c1=[FlakyError("no picture", possibly_charged=True)])
    told = workshop.run(flags={"budget": "0.50", "batch_size": "1"})

    assert (workshop.generator.asked, told.counts[0]) == ({"c1": 2}, 1)


def test_what_the_service_reports_is_what_the_next_one_needs(twelve: Workshop) -> None:
    """It costs twice what was declared: nothing more is begun than the real price allows."""
    twelve.generator.usual = lambda: reported(0.5)
    told = twelve.run(flags={"budget": "2.30", "batch_size": "1"})

    assert (twelve.generator.asked.total(), spent(told)) == (4, 2.0)


def test_a_cheaper_picture_than_was_declared_leaves_room(twelve: Workshop) -> None:
    """What the service reports is what was spent."""
    twelve.generator.usual = lambda: reported(0.1)
    told = twelve.run(flags={"budget": "1.00", "batch_size": "1"})

    assert (twelve.generator.asked.total(), spent(told)) == (8, 0.8)


def test_a_free_lane_goes_on_when_the_money_is_gone(twelve: Workshop) -> None:
    """The service that has to be paid closes; one's own computer makes the rest."""
    own = twelve.add_generator("own", price=Price(0))
    own.seconds = 1000
    told = twelve.run(flags={"provider": "scripted,own", "budget": "0.50", "uploader": "none"})

    assert ([event.lane for event in told.of(LaneClosed)], spent(told), told.counts) == (
        ["scripted"],
        0.5,
        (12, 0, 0, 0, 0),
    )
    assert (twelve.generator.asked.total(), own.asked.total()) == (2, 10)


def test_a_free_fallback_takes_over_when_the_money_is_gone(twelve: Workshop) -> None:
    """A budget is a reason to close like any other."""
    own = twelve.add_generator("own", price=Price(0))
    told = twelve.run(flags={"fallback": "own", "budget": "0.50", "uploader": "none"})

    assert ([event.jobs for event in told.of(FallbackOpened)], own.asked.total(), told.counts[0]) == ([10], 10, 12)


def test_a_cheaper_lane_goes_on_where_a_dearer_one_has_no_room(twelve: Workshop) -> None:
    """Each picture needs room for its own price."""
    cheap = twelve.add_generator("cheap", price=Price(0.05))
    told = twelve.run(flags={"provider": "scripted,cheap", "budget": "0.40", "uploader": "none", "batch_size": "1"})

    assert (spent(told) <= 0.4, twelve.generator.asked.total(), cheap.asked.total()) == (True, 1, 3)


def test_a_picture_that_is_only_uploaded_needs_no_money(workshop: Workshop) -> None:
    """It was paid for in an earlier run."""
    workshop.uploader.usual = lambda: ThrottledError("busy")
    workshop.run(flags={"max_retries": "0"})
    workshop.uploader.usual = lambda: None
    told = workshop.run(flags={"budget": "0"})

    assert (told.counts, spent(told)) == ((5, 0, 0, 0, 0), 0)


def test_a_job_that_stands_at_the_service_is_counted_once(workshop: Workshop) -> None:
    """It was counted when the service took it; when it comes at last the next one has room."""
    workshop.cast("C1", "C2")
    asked: list[str] = []

    class Slow(ImageGenerator):
        declaration = Declaration("scripted", "Takes jobs.", price=Price(0.25))

        async def generate(self, request: ImageRequest) -> GeneratedImage:
            asked.append(request.key)
            if request.key == "c1" and request.ticket is None:
                await self.context.accepted(request, "ticket 1")
                raise ThrottledError("not done yet", standing=True)
            return GeneratedImage(paint())

    workshop.generators[:] = [Slow]
    told = workshop.run(flags={"budget": "0.50", "batch_size": "1"})

    assert (told.counts, asked, spent(told)) == ((2, 0, 0, 0, 0), ["c1", "c1", "c2"], 0.5)


@pytest.mark.parametrize(
    ("declared", "flags", "words"),
    [
        ({}, {}, "--budget: what a picture costs through other is not known; say it with --price"),
        (
            {"price": Price(3, "credits")},
            {},
            "--budget: the lanes have different currencies (scripted in USD, other in credits);"
            " give each a run of its own",
        ),
    ],
    ids=["unknown", "currencies"],
)
@pytest.mark.parametrize("how", ["provider", "fallback"])
def test_a_budget_nobody_could_keep_is_refused_before_anything_begins(
    workshop: Workshop, declared: dict[str, Any], flags: dict[str, str], words: str, how: str
) -> None:
    """In one line, for lanes that stand by as well."""
    workshop.add_generator("other", **declared)
    lanes = {"provider": "scripted,other"} if how == "provider" else {"fallback": "other"}
    told = workshop.run(flags={**lanes, **flags, "budget": "5"})

    assert isinstance(told.error, InputError)
    assert (str(told.error), told.events, (workshop.folder / ".charimg").exists()) == (words, [], False)


def test_a_price_is_said_for_those_that_have_none(workshop: Workshop) -> None:
    """``--price`` does not make a picture cheaper whose price is known; a lane's own entry says what holds there."""
    workshop.add_generator("other")
    flags = {"provider": "scripted,other", "budget": "5", "price": "0.01"}
    by_flag = workshop.order(flags=flags).prices()
    workshop.write("lanes:\n  - {provider: scripted, price: 0.5}\n  - {provider: other}\n")
    by_lane = workshop.order(flags={"provider": None, "price": "0.02"}).prices()

    assert {name: price and price.amount for name, price in by_flag.items()} == {"scripted": 0.25, "other": 0.01}
    assert {name: price and price.amount for name, price in by_lane.items()} == {"scripted": 0.5, "other": 0.02}


answers = st.sampled_from(["ok", "ok", "ok", "cheap", "throttled", "lost", "rejected", "flaky"])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cents=st.integers(0, 320),
    script=st.dictionaries(st.sampled_from([f"c{n}" for n in range(1, 13)]), st.lists(answers, max_size=3)),
    size=st.integers(1, 6),
    interrupts=st.sampled_from([(), (), (1.0,), (1.0, 2.0), (4.0, 5.0)]),
)
def test_the_budget_is_never_exceeded(
    tmp_path_factory: pytest.TempPathFactory,
    cents: int,
    script: dict[str, list[str]],
    size: int,
    interrupts: tuple[float, ...],
) -> None:
    """By what was saved, by what may have been charged, and by both together, on two lanes with different prices."""
    folder = tmp_path_factory.mktemp("budget")
    for name in ("project", "home"):
        (folder / name).mkdir()
    shop = Workshop(folder / "project", folder / "home")
    shop.cast(*(f"C{number}" for number in range(1, 13)))
    cheap = shop.add_generator("cheap", price=Price(0.1))
    charged: list[float] = []

    def answer(kind: str, price: float) -> Any:
        def given() -> Any:
            charged.append({"ok": price, "cheap": price / 2, "lost": price, "flaky": price}.get(kind, 0.0))
            return {
                "ok": lambda: reported(price),
                "cheap": lambda: reported(price / 2),
                "throttled": lambda: ThrottledError("busy"),
                "lost": lambda: InvalidRequestError("lost", possibly_charged=True),
                "rejected": lambda: RejectedError("no"),
                "flaky": lambda: FlakyError("no picture", possibly_charged=True),
            }[kind]()

        return given

    for service, price in ((shop.generator, 0.25), (cheap, 0.1)):
        service.usual = lambda price=price: answer("ok", price)
        service.will(**{key: [answer(kind, price) for kind in kinds] for key, kinds in script.items()})
    flags = {"provider": "scripted,cheap", "uploader": "none", "max_retries": "1"}
    told = shop.run(flags={**flags, "budget": str(cents / 100), "batch_size": str(size)}, interrupts=interrupts)

    if cents < 10:  # not enough for one picture of the cheaper lane: refused before anything is sent
        assert isinstance(told.error, InputError)
    else:
        assert told.error is None
    assert sum(charged) <= cents / 100 + 1e-6
    assert sum(event.cost.amount for event in told.of(JobSaved) if event.cost) <= cents / 100 + 1e-6
