"""Black Forest Labs: regions, moderation, active tasks, cost, and where the key may go."""

from __future__ import annotations

import json
from typing import Any

import pytest
from charimg_hosted.bfl.service import BflService
from hosted_lane import Lane

from charimg.errors import ExhaustedError, FlakyError, InvalidRequestError, RejectedError, ThrottledError
from charimg.images import inspect
from charimg.model import Cost
from charimg.polling import LostTicketError
from tests.emulators.polled import Reply


@pytest.fixture
async def bfl(open_lane: Any) -> Lane:
    """A lane at Black Forest Labs."""
    lane: Lane = await open_lane("bfl")
    return lane


async def test_the_region_that_took_a_task_is_asked(bfl: Lane) -> None:
    """Another host would say "Task not found"."""
    await bfl.generator().generate(bfl.request())

    assert bfl.emulator.bill.count("elsewhere") == 0
    assert bfl.emulator.bill.count("poll") == 2


async def test_a_task_that_is_not_found_at_first_is_asked_for_again(bfl: Lane) -> None:
    """Just after the submit it may not have arrived everywhere."""
    bfl.emulator.unseen = 12

    picture = await bfl.generator().generate(bfl.request())

    assert inspect(picture.data)
    assert len(bfl.emulator.bill.made) == 1


async def test_an_old_task_that_is_not_found_is_lost(bfl: Lane) -> None:
    """After a minute "Task not found" means what it says."""
    ticket = json.dumps({"id": "t1", "at": 1_700_000_000, "url": f"{bfl.emulator.url}/us1/v1/get_result?id=t1"})

    with pytest.raises(LostTicketError):
        await bfl.generator().generate(bfl.request(ticket=ticket))


async def test_the_key_does_not_go_to_a_stranger(bfl: Lane) -> None:
    """A polling address outside of the service is not asked: the task is asked for at our own address."""
    bfl.emulator.polling_host = "http://127.0.0.1:1"

    picture = await bfl.generator().generate(bfl.request())

    assert inspect(picture.data)
    assert bfl.emulator.bill.count("elsewhere") == 2


@pytest.mark.parametrize(
    ("base", "named", "given"),
    [
        ("https://api.bfl.ai", "https://api.us1.bfl.ai/v1/get_result?id=t", True),
        ("https://api.bfl.ai", "https://api.eu.bfl.ml/v1/get_result?id=t", True),
        ("https://api.bfl.ai", "http://api.us1.bfl.ai/v1/get_result?id=t", False),
        ("https://api.bfl.ai", "https://api.us1.bfl.ai:8443/v1/get_result?id=t", False),
        ("https://api.bfl.ai", "https://evil-bfl.ai/v1/get_result?id=t", False),
        ("https://api.bfl.ai", "https://api.bfl.ai.evil.example/v1/get_result?id=t", False),
        ("https://api.bfl.ai", "https://api.bfl.ai@evil.example/v1/get_result?id=t", False),
        ("https://api.bfl.ai", "", False),
        ("https://gateway.example/bfl", "https://gateway.example/bfl/v1/get_result?id=t", True),
        ("https://gateway.example/bfl", "https://api.us1.bfl.ai/v1/get_result?id=t", False),
    ],
)
async def test_where_the_key_may_go(bfl: Lane, base: str, named: str, given: bool) -> None:
    """To the configured address, and from BFL's own to BFL's own, encrypted; a gateway's key stays with the gateway."""
    service = BflService(bfl.context(bfl.service.generator, base_url=base))

    place = service.polling_address(named, "t")
    assert place == (named if given else f"{base}/v1/get_result?id=t")


async def test_the_cost_is_the_services_own_figure(bfl: Lane) -> None:
    """It comes with the submit and is kept in the ticket, for a later run too."""
    request = bfl.request()
    first = await bfl.generator().generate(request)
    later = await bfl.generator().generate(bfl.again(request))

    assert first.cost == later.cost == Cost(0.04, "USD", source="reported")


@pytest.mark.parametrize(("prompt", "words"), [("forbidden", "the request"), ("nsfw", "the picture")])
async def test_moderation_is_a_rejection_with_its_reason(bfl: Lane, prompt: str, words: str) -> None:
    """HTTP 200 is not success."""
    with pytest.raises(RejectedError, match=f"refused {words}.*Filter"):
        await bfl.generator().generate(bfl.request(prompt))


async def test_a_task_that_fails_is_flaky(bfl: Lane) -> None:
    """Status Error, without a reason."""
    with pytest.raises(FlakyError, match="Error"):
        await bfl.generator().generate(bfl.request("explode"))


async def test_too_many_active_tasks_are_a_throttle_without_a_wait(bfl: Lane) -> None:
    """The right reaction is to let our own tasks end, which the lane's wait does."""
    bfl.emulator.active = 0

    with pytest.raises(ThrottledError) as failed:
        await bfl.generator().generate(bfl.request())

    assert failed.value.wait is None


async def test_no_credits_are_exhausted(bfl: Lane) -> None:
    """402."""
    bfl.emulator.credits = 3.0

    with pytest.raises(ExhaustedError, match="Insufficient credits"):
        await bfl.generator().generate(bfl.request())


@pytest.mark.parametrize(
    ("model", "field"),
    [("flux-2-pro", "width"), ("flux-pro-1.1", "width"), ("flux-kontext-max", "aspect_ratio")],
)
async def test_each_family_is_told_the_shape_in_its_way(bfl: Lane, model: str, field: str) -> None:
    """Sides in steps of 16 or 32, or a ratio: what the strict emulator takes."""
    await bfl.generator(model=model).generate(bfl.request(aspect_ratio="3:5"))

    assert field in bfl.emulator.bill.made[0].body


async def test_references_are_numbered(bfl: Lane) -> None:
    """``input_image``, ``input_image_2`` ... and no more than the model takes."""
    pictures = tuple(bfl.reference(str(place)) for place in range(9))
    await bfl.generator().generate(bfl.request(references=pictures[:3]))
    with pytest.raises(InvalidRequestError, match="takes 8"):
        await bfl.generator().generate(bfl.request(references=pictures))

    body = bfl.emulator.bill.made[0].body
    assert sorted(name for name in body if "image" in name) == ["input_image", "input_image_2", "input_image_3"]


async def test_the_check_tells_the_credits(bfl: Lane) -> None:
    """It spends none; a gateway that does not tell them is no trouble."""
    bfl.emulator.credits = 120.0
    said = await bfl.generator().check()
    bfl.emulator.add_fault(Reply(404, {"detail": "Not Found"}), "credits", times=2)
    generator = bfl.generator()
    await generator.open()

    assert said == "120 credits"
    assert "could not be tried" in await generator.check()


@pytest.mark.parametrize("body", [[], {}, {"id": 3}, {"polling_url": "x"}])
async def test_a_submit_without_an_id_may_have_been_charged(bfl: Lane, body: Any) -> None:
    """There is nothing to ask for, and the error says what that may cost."""
    bfl.emulator.add_fault(Reply(200, body), "submit")

    with pytest.raises(FlakyError) as failed:
        await bfl.generator().generate(bfl.request())

    assert failed.value.possibly_charged
