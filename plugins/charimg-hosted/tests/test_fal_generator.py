"""fal: the queue, results that are errors, addresses of other hosts, what refusals mean."""

from __future__ import annotations

from typing import Any

import pytest
from hosted_lane import Lane

from charimg.errors import ExhaustedError, FatalError, FlakyError, InvalidRequestError, RejectedError, ThrottledError
from charimg.images import inspect
from tests.emulators.polled import Reply


@pytest.fixture
async def fal(open_lane: Any) -> Lane:
    """A lane at fal."""
    lane: Lane = await open_lane("fal", polls=1)
    return lane


async def test_the_queue_is_waited_for_and_its_places_told(fal: Lane) -> None:
    """A request behind others hears its place."""
    fal.emulator.runners = 0
    for _ in range(2):
        fal.emulator.add_fault(
            Reply(202, {"status": "IN_QUEUE", "queue_position": 2 - len(fal.emulator.faults)}), "poll"
        )
    fal.emulator.runners = 1

    await fal.generator().generate(fal.request())

    assert [words for _, words in fal.told][:2] == ["number 3 in the queue", "number 2 in the queue"]


async def test_a_page_in_place_of_the_result_does_not_cost_another_picture(fal: Lane) -> None:
    """The result is still there: it is asked for again."""
    fal.emulator.add_fault(Reply(200, b"<html>one moment</html>"), "result")

    picture = await fal.generator().generate(fal.request())

    assert inspect(picture.data)
    assert len(fal.emulator.bill.made) == 1


async def test_fals_own_retries_are_switched_off(fal: Lane) -> None:
    """What an overload means is the policy's business."""
    await fal.generator().generate(fal.request())

    submit = next(one for one in fal.emulator.bill.asked if one.endpoint == "submit")
    assert submit.headers["x-fal-no-retry"] == "1"


@pytest.mark.parametrize(
    ("status", "headers", "body", "wanted"),
    [
        (504, {"X-Fal-Error-Type": "request_timeout"}, {"detail": "Request timed out"}, ThrottledError),
        (503, {}, {"detail": "x", "error_type": "runner_scheduling_failure"}, ThrottledError),
        (503, {}, {"detail": "x", "error_type": "runner_disconnected"}, ThrottledError),
        (504, {}, {"detail": "x", "error_type": "startup_timeout"}, ThrottledError),
        (499, {}, {"detail": "x", "error_type": "client_cancelled"}, FlakyError),
        (422, {}, {"detail": [{"loc": ["body"], "msg": "m", "type": "content_policy_violation"}]}, RejectedError),
        (422, {}, {"detail": [{"loc": ["body"], "msg": "m", "type": "no_media_generated"}]}, FlakyError),
        (
            422,
            {},
            {"detail": [{"loc": ["body", "seed"], "msg": "no integer", "type": "int_type"}]},
            InvalidRequestError,
        ),
        (500, {}, {"detail": "Internal Server Error"}, FlakyError),
    ],
)
async def test_how_jobs_fail(
    fal: Lane, status: int, headers: dict[str, str], body: dict[str, Any], wanted: type[Exception]
) -> None:
    """202, then 200, then the error at the result's address: it is the job that failed, and it is over."""
    fal.emulator.failures = [Reply(status, body, headers)]

    with pytest.raises(wanted) as failed:
        await fal.generator().generate(fal.request())

    assert not getattr(failed.value, "standing", True)
    assert fal.emulator.bill.count("submit") == 1


@pytest.mark.parametrize("status", [429, 502, 503])
async def test_a_gateways_trouble_is_not_the_jobs(fal: Lane, status: int) -> None:
    """An error without a type of fal's at the result's address is asked again."""
    fal.emulator.add_fault(Reply(status, b"<html>", {"Content-Type": "text/html"}), "result", times=2)

    picture = await fal.generator().generate(fal.request())

    assert inspect(picture.data)
    assert len(fal.emulator.bill.made) == 1


async def test_an_empty_balance_is_exhausted_although_it_is_403(fal: Lane) -> None:
    """The account is locked for its balance: no wait helps."""
    fal.emulator.locked = True

    with pytest.raises(ExhaustedError, match="Exhausted balance"):
        await fal.generator().generate(fal.request())


async def test_any_other_403_is_fatal(fal: Lane) -> None:
    """No entitlement."""
    fal.emulator.add_fault(Reply(403, {"detail": "Access denied"}), "submit")

    with pytest.raises(FatalError, match="Access denied"):
        await fal.generator().generate(fal.request())


async def test_the_key_stays_at_the_configured_address(fal: Lane) -> None:
    """A gateway that passes on fal's own addresses is asked itself; fal is not shown the gateway's key."""
    fal.emulator.foreign = True

    picture = await fal.generator().generate(fal.request())

    assert inspect(picture.data)
    assert "https://queue.fal.run" in fal.tickets[0]


async def test_a_shape_can_be_told_as_a_ratio_or_not_at_all(fal: Lane) -> None:
    """Models differ; the setting says which."""
    await fal.generator(shape="aspect_ratio").generate(fal.request("one", aspect_ratio="10:16"))
    await fal.generator(shape="none").generate(fal.request("two"))

    bodies = [made.body for made in fal.emulator.bill.made]
    assert bodies == [{"prompt": "one", "aspect_ratio": "2:3"}, {"prompt": "two"}]


async def test_references_travel_as_data(fal: Lane) -> None:
    """One as a text, several in a list, by the argument's name."""
    pictures = (fal.reference("a"), fal.reference("b"))
    await fal.generator().generate(fal.request("one", references=pictures[:1]))
    await fal.generator(reference_input="image_urls").generate(fal.request("two", references=pictures))
    with pytest.raises(InvalidRequestError, match="takes one"):
        await fal.generator().generate(fal.request("three", references=pictures))

    one, two = (made.body for made in fal.emulator.bill.made)
    assert one["image_url"].startswith("data:image/png;base64,")
    assert len(two["image_urls"]) == 2


@pytest.mark.parametrize("inputs", ["{not json", "[1]", '"x"'])
async def test_further_arguments_must_be_an_object(fal: Lane, inputs: str) -> None:
    """Told before anything is sent."""
    with pytest.raises(FatalError, match="inputs"):
        await fal.generator(inputs=inputs).open()

    assert fal.emulator.bill.asked == []


async def test_a_gateway_without_a_login_may_still_draw(fal: Lane) -> None:
    """The free login is fal's own; who does not have it is not refused."""
    fal.emulator.add_fault(Reply(404, {"detail": "Not Found"}), "login", times=2)
    generator = fal.generator()

    await generator.open()
    said = await generator.check()

    assert "could not be tried" in said
