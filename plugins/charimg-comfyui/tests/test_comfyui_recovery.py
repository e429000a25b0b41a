"""Nothing is queued twice and nothing is lost: answers that never came, gateways, restarts, older servers."""

from __future__ import annotations

import asyncio

import pytest
from charimg_comfyui.generator import ComfyGenerator
from comfy_lane import Lane, MakeLane, asked_often, until

from charimg.contracts import ProviderContext
from charimg.errors import ProviderError, ThrottledError
from charimg.model import ImageRequest
from charimg.polling import LostTicketError
from tests.emulators.comfyui import ComfyEmulator, html_reply


@pytest.mark.parametrize("takes", ["uuid", "any", "none"])
async def test_a_lost_answer_queues_nothing_twice(comfy: ComfyEmulator, lane: Lane, takes: str) -> None:
    """The job is found by its id, or on an older server by our mark in its extra data."""
    comfy.behaviour.takes_prompt_ids = takes
    comfy.add_fault("prompt", "drop-after")
    image = await lane.generator.generate(lane.request())

    assert comfy.bill.drawing_of(image.data).prompt == "a jester"
    assert len(comfy.bill.queued) == 1


async def test_an_older_servers_finished_job_is_found(comfy: ComfyEmulator, lane: Lane, lane_for: MakeLane) -> None:
    """In the history, by our mark, by a later run that has only the ticket that was recorded first."""
    comfy.behaviour.takes_prompt_ids = "none"
    await lane.generator.generate(lane.request())
    later = lane_for(comfy.url)
    image = await later.generator.generate(later.request(ticket=lane.tickets[0]))

    assert lane.tickets[0] != lane.tickets[1] == comfy.bill.queued[0].prompt_id
    assert (comfy.bill.drawing_of(image.data).prompt, len(comfy.bill.queued)) == ("a jester", 1)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_gateways_refusal_is_looked_into(comfy: ComfyEmulator, lane: Lane, status: int) -> None:
    """What a gateway answers does not say whether the server has queued the job: it is asked, and has not."""
    comfy.add_fault("prompt", html_reply(status, "Gateway"))
    with pytest.raises(ProviderError) as caught:
        await lane.generator.generate(lane.request())

    assert caught.value.standing is (status == 504)  # that gateway may still be handing it on
    assert comfy.bill.count("GET", "/queue") == 2


async def test_what_cannot_be_looked_into_stands(comfy: ComfyEmulator, lane: Lane) -> None:
    """An answer that is lost together with the server is asked for by the next try, which finds the job."""
    comfy.add_fault("prompt", "drop-after")
    down = comfy.add_fault("history", html_reply(502, "Bad Gateway"))
    with pytest.raises(ThrottledError) as caught:
        await lane.generator.generate(lane.request())
    down.times = 0
    image = await lane.generator.generate(lane.request(ticket=lane.tickets[-1]))

    assert caught.value.standing is True
    assert (comfy.bill.drawing_of(image.data).prompt, len(comfy.bill.queued)) == ("a jester", 1)


async def test_a_gateways_refusal_that_cannot_be_looked_into_stands(comfy: ComfyEmulator, lane: Lane) -> None:
    """As long as nobody can say whether the job was queued, the next try asks before it queues."""
    comfy.add_fault("prompt", html_reply(502, "Bad Gateway"))
    comfy.add_fault("history", html_reply(502, "Bad Gateway"))
    with pytest.raises(ThrottledError) as caught:
        await lane.generator.generate(lane.request())

    assert caught.value.standing is True


async def test_a_full_queue_is_throttled(comfy: ComfyEmulator, lane: Lane) -> None:
    """A proxy that takes no more is waited for; nothing stands there."""
    comfy.behaviour.queue_limit = 0
    with pytest.raises(ThrottledError) as caught:
        await lane.generator.generate(lane.request())

    assert (caught.value.standing, caught.value.unreachable) == (False, False)


async def test_the_ledger_has_the_ticket_before_the_server(comfy: ComfyEmulator, lane: Lane) -> None:
    """A process that dies while it sends has recorded what it sent."""
    seen: list[tuple[str, int]] = []

    async def accepted(_: ImageRequest, ticket: str) -> None:
        seen.append((ticket, len(comfy.bill.queued)))

    context = ProviderContext(**{**vars(lane.context), "accepted": accepted})
    generator = ComfyGenerator(context)
    await generator.generate(lane.request())
    await generator.close()

    assert seen == [(comfy.bill.queued[0].prompt_id, 0)]


async def test_a_later_run_hears_of_the_steps(comfy: ComfyEmulator, lane: Lane, lane_for: MakeLane) -> None:
    """What an earlier run has queued is told to the next one, too."""
    comfy.worker.may_run.clear()
    drawing = asyncio.ensure_future(lane.generator.generate(lane.request()))
    await until(comfy, lambda: bool(comfy.worker.running))
    await asked_often(comfy, "GET", "/queue", 1)
    drawing.cancel()
    await asyncio.wait({drawing})
    await lane.generator.close()
    later = lane_for(comfy.url)
    drawing = asyncio.ensure_future(later.generator.generate(later.request(ticket=lane.tickets[-1])))
    await until(comfy, lambda: comfy.bill.sockets == 2)
    comfy.worker.may_run.set()
    await drawing

    assert "step 28 of 28" in later.words()


@pytest.mark.parametrize("running", [True, False])
async def test_a_restarted_server_has_lost_the_job(comfy: ComfyEmulator, lane: Lane, *, running: bool) -> None:
    """Whether it ran or waited, the job is lost; handed in anew, it is drawn once."""
    comfy.worker.may_run.clear()
    before = asyncio.ensure_future(lane.generator.generate(lane.request(key="before", attempt="before")))
    await until(comfy, lambda: len(comfy.worker.running) == 1)
    waiting = asyncio.ensure_future(lane.generator.generate(lane.request("waiting", key="waiting")))
    await until(comfy, lambda: comfy.worker.remaining == 2)
    await asked_often(comfy, "GET", "/queue", 4)
    await comfy.restart()
    with pytest.raises(LostTicketError, match="queued again"):
        await (before if running else waiting)
    await asyncio.wait({before, waiting})
    for one in (before, waiting):
        one.exception()
    image = await lane.generator.generate(lane.request("anew"))

    assert [one.prompt for one in comfy.bill.drawings] == ["anew"]
    assert (comfy.bill.drawing_of(image.data).prompt, comfy.bill.sockets) == ("anew", 2)


async def test_a_restarted_server_may_keep_what_is_done(comfy: ComfyEmulator, lane: Lane, lane_for: MakeLane) -> None:
    """Where the history survives, so does the job."""
    await lane.generator.generate(lane.request())
    comfy.behaviour.history_survives = True
    await comfy.restart()
    later = lane_for(comfy.url)
    image = await later.generator.generate(later.request(ticket=lane.tickets[-1]))

    assert (comfy.bill.drawing_of(image.data).prompt, len(comfy.bill.queued)) == ("a jester", 1)


async def test_polls_outlast_a_gateways_hiccup(comfy: ComfyEmulator, lane: Lane) -> None:
    """A few polls that fail are the polls' trouble and not the job's."""
    comfy.add_fault("history", html_reply(502, "Bad Gateway"), times=3)
    image = await lane.generator.generate(lane.request())

    assert (comfy.bill.drawing_of(image.data).prompt, len(comfy.bill.queued)) == ("a jester", 1)


async def test_a_job_that_ends_between_two_questions_is_found(comfy: ComfyEmulator, lane: Lane) -> None:
    """Not yet in the history and no longer in the queue: it is looked for once more before it counts as lost."""
    queue = comfy._queue

    async def slow_queue(request: object) -> object:
        comfy.worker.may_run.set()
        await until(comfy, lambda: len(comfy.worker.history) == 1)
        return await queue(request)  # type: ignore[arg-type]  # the request it was given

    comfy.worker.may_run.clear()
    comfy._routes["GET", "/queue"] = ("queue", slow_queue)  # type: ignore[assignment]  # a slower one
    image = await lane.generator.generate(lane.request())

    assert comfy.bill.drawing_of(image.data).prompt == "a jester"
