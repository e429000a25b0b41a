"""What the beginning and the end of a run tell of it, beyond the counts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from charimg.contracts import Declaration, Price
from charimg.events import RunFinished, RunStarted
from charimg.model import GeneratedImage, ImageRequest
from charimg.polling import PolledGenerator
from tests.run.workshop import Workshop


class Slow(PolledGenerator):
    """A service that takes jobs and is never done."""

    declaration = Declaration("scripted", "Takes jobs.", price=Price(0))

    async def submit(self, request: ImageRequest) -> str | GeneratedImage:
        return f"ticket of {request.key}"

    async def ask(self, request: ImageRequest, ticket: str) -> Any:
        await asyncio.sleep(0.5)

    async def read(self, request: ImageRequest, ticket: str, answer: Any) -> GeneratedImage | None:
        return None


def test_what_is_still_under_way_is_in_the_summary(workshop: Workshop) -> None:
    """After the second Ctrl-C every accepted job is told with its lane, and the next run that asks tells it again."""
    workshop.generators[:] = [Slow]
    workshop.cast("Ana", "Bo")
    for interrupts in ([5, 6], [7, 8]):
        (end,) = workshop.run(interrupts=interrupts).of(RunFinished)

        assert [(job.name, job.lane) for job in end.standing] == [("Ana", "scripted"), ("Bo", "scripted")]
        assert end.possibly_charged == ()


@pytest.mark.parametrize("price", [Price(0), Price(0.25), None])
def test_a_lane_that_is_free_is_told_from_one_of_unknown_price(workshop: Workshop, price: Price | None) -> None:
    """Both have no price to show, and only one of them leaves the money unknown."""

    class Priced(Slow):
        declaration = Declaration("scripted", "Takes jobs.", price=price)

    workshop.generators[:] = [Priced]
    (begin,) = workshop.run(interrupts=[5, 6]).of(RunStarted)
    (lane,) = begin.lane_facts

    assert (lane.free, lane.price is None) == (price == Price(0), price != Price(0.25))


def test_jobs_that_are_only_uploaded_are_named_at_the_beginning(workshop: Workshop) -> None:
    """Their pictures were saved when an earlier run was broken off in the uploads."""
    (first,) = workshop.run(interrupts=[3.2, 3.5]).of(RunStarted)
    told = workshop.run()
    (begin,), (end,) = told.of(RunStarted), told.of(RunFinished)

    assert first.uploads_only == ()
    assert set(begin.uploads_only) == {job.key for job in begin.jobs}
    assert end.uploads_only == end.succeeded == len(begin.jobs)
