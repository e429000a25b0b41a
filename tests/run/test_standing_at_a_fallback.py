"""What stands at a fallback's service since an earlier run is fetched there, though the first lanes work again."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import pytest

from charimg.contracts import Declaration
from charimg.errors import ExhaustedError
from charimg.events import JobSaved
from charimg.model import GeneratedImage, ImageRequest
from charimg.polling import PolledGenerator
from tests.run.workshop import Told, Workshop, paint


class Desk:
    """What the polled service was handed in, and whether it is done."""

    def __init__(self) -> None:
        self.submitted: list[str] = []
        self.done = False


@pytest.fixture
def desk(workshop: Workshop) -> Desk:
    """A fallback whose service takes jobs and is asked for them."""
    desk = Desk()

    class Spare(PolledGenerator):
        declaration = Declaration("spare", "Takes jobs.")

        async def submit(self, request: ImageRequest) -> str:
            desk.submitted.append(request.key)
            return f"ticket of {request.key}"

        async def ask(self, request: ImageRequest, ticket: str) -> Any:
            return paint() if desk.done else None

        async def read(self, request: ImageRequest, ticket: str, answer: Any) -> GeneratedImage | None:
            return None if answer is None else GeneratedImage(answer)

    workshop.generators.append(Spare)
    workshop.others.append(EntryPoint("spare", workshop.module.__name__, "charimg.generators"))
    return desk


def run(workshop: Workshop, **wanted: Any) -> Told:
    """One run with the fallback."""
    return workshop.run(flags={"fallback": "spare", "uploader": "none"}, **wanted)


def test_it_is_fetched_while_the_first_lane_does_the_rest(workshop: Workshop, desk: Desk) -> None:
    """Two of three were accepted by the fallback before the run was broken off; each is paid for once."""
    workshop.cast("C1", "C2")
    workshop.generator.usual = lambda: ExhaustedError("no more today")
    run(workshop, interrupts=(10, 11))
    workshop.cast("C1", "C2", "C3")
    workshop.generator.usual, desk.done = lambda: None, True
    asked_before = workshop.generator.asked.total()
    told = run(workshop)

    makers = {event.key: event.lane for event in told.of(JobSaved)}
    assert told.counts == (3, 0, 0, 0, 0)
    assert makers == {"c1": "spare", "c2": "spare", "c3": "scripted"}
    assert (desk.submitted, workshop.generator.asked.total() - asked_before) == (["c1", "c2"], 1)


def test_nothing_else_is_given_to_the_fallback(workshop: Workshop, desk: Desk) -> None:
    """The first lane has work of its own and turns one character away for good: that one is not the fallback's."""
    workshop.cast("C1")
    workshop.generator.usual = lambda: ExhaustedError("no more today")
    run(workshop, interrupts=(10, 11))
    workshop.cast("C1", "C2", "C3")
    workshop.generator.usual, desk.done = lambda: None, True
    workshop.generator.will(c2=[ValueError("no such size")])
    told = run(workshop)

    assert told.counts == (2, 1, 0, 0, 1)
    assert desk.submitted == ["c1"]
