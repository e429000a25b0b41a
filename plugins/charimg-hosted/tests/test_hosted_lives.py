"""What all four polled services owe: a picture for one job, asked for again and never paid twice."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from hosted_lane import Lane

from charimg.errors import FatalError, FlakyError, InvalidRequestError, ProviderError, ThrottledError
from charimg.images import inspect
from charimg.polling import TROUBLES, LostTicketError, PolledGenerator
from tests.emulators.polled import Reply


async def test_a_picture_is_submitted_polled_and_fetched(lane: Lane) -> None:
    """The words, the seed and the shape arrive; the picture and its seed come back; the key goes to the API only."""
    picture = await lane.generator().generate(lane.request(seed=42, aspect_ratio="2:3"))

    facts = inspect(picture.data)
    assert picture.seed == 42
    assert facts.width / facts.height == pytest.approx(2 / 3, rel=0.06)
    assert picture.request_id
    assert lane.emulator.bill.prompts == ["a jester in a red cap"]
    assert len(lane.tickets) == 1
    assert lane.emulator.bill.stray == []


async def test_progress_is_told(lane: Lane) -> None:
    """While the service is at work the user hears how far it is."""
    await lane.generator().generate(lane.request())

    assert lane.told
    assert all(words and (fraction is None or 0 <= fraction <= 1) for fraction, words in lane.told)


async def test_a_lost_poll_is_asked_again(lane: Lane) -> None:
    """A connection that breaks between two polls costs nothing: the job is asked for again, not submitted."""
    lane.emulator.add_fault("drop", lane.service.poll, times=2)

    picture = await lane.generator().generate(lane.request())

    assert inspect(picture.data)
    assert len(lane.emulator.bill.made) == 1


async def test_a_throttled_poll_is_not_a_throttled_submit(lane: Lane) -> None:
    """429 on the poll: the job is asked for again, and nothing is paid twice."""
    lane.emulator.add_fault(Reply(429, {"detail": "Too Many Requests"}), lane.service.poll, times=2)

    await lane.generator().generate(lane.request())

    assert len(lane.emulator.bill.made) == 1


@pytest.mark.parametrize("trouble", ["drop", Reply(500, {"detail": "oops"}), Reply(200, b"{not json")])
async def test_a_service_that_goes_silent_keeps_its_job(
    lane: Lane, monkeypatch: pytest.MonkeyPatch, trouble: Reply | str
) -> None:
    """Polls that keep failing leave the job standing; the next try, of a new process too, asks for its result."""
    monkeypatch.setattr("charimg.http.QUICK_TRIES", 1)
    lane.emulator.add_fault(trouble, lane.service.poll, times=2 * TROUBLES)
    request = lane.request()
    with pytest.raises(ThrottledError) as failed:
        await lane.generator().generate(request)
    lane.emulator.faults.clear()

    picture = await lane.generator().generate(lane.again(request))

    assert failed.value.standing
    assert inspect(picture.data)
    assert len(lane.emulator.bill.made) == 1


async def test_a_submit_whose_answer_is_lost_is_said_to_be_perhaps_paid(lane: Lane) -> None:
    """The service took the job and the line broke: nobody has a ticket, and the error says what that may cost."""
    lane.emulator.add_fault("drop-after", "submit")

    with pytest.raises(ThrottledError) as failed:
        await lane.generator().generate(lane.request())

    assert failed.value.possibly_charged
    assert not failed.value.standing
    assert lane.emulator.bill.count("submit") == 1


async def test_a_ticket_nobody_knows_is_lost(lane: Lane) -> None:
    """What the service has forgotten is submitted anew by the core, not waited for."""
    with pytest.raises(LostTicketError):
        await lane.generator().generate(lane.request(ticket=lane.service.lost))


async def test_an_expired_picture_is_lost(lane: Lane) -> None:
    """The address of an earlier try's result answers 404: the job is not asked for again and again."""
    request = lane.request()
    await lane.generator().generate(request)
    lane.emulator.add_fault(Reply(404, b"gone", {"Content-Type": "text/plain"}), "picture")

    with pytest.raises(LostTicketError) as failed:
        await lane.generator().generate(lane.again(request))

    assert failed.value.possibly_charged


async def test_a_fresh_picture_that_is_refused_is_not_paid_for_again(lane: Lane) -> None:
    """A proxy that blocks the pictures' host would make every quick retry another picture paid in vain."""
    lane.emulator.add_fault(Reply(403, b"blocked", {"Content-Type": "text/plain"}), "picture")
    request = lane.request()

    with pytest.raises(InvalidRequestError, match="is that host blocked here") as failed:
        await lane.generator().generate(request)
    picture = await lane.generator().generate(lane.again(request))

    assert (failed.value.standing, failed.value.possibly_charged) == (True, True)
    assert inspect(picture.data)
    assert len(lane.emulator.bill.made) == 1


@pytest.mark.parametrize("body", [b"<html>welcome</html>", b"[1]"])
async def test_a_success_that_is_no_ticket_is_said_to_be_perhaps_paid(lane: Lane, body: bytes) -> None:
    """A page of something in between: the service may have taken the job behind it."""
    lane.emulator.add_fault(Reply(200, body), "submit")

    with pytest.raises(FlakyError) as failed:
        await lane.generator().generate(lane.request())

    assert failed.value.possibly_charged is (lane.service.name != "aihorde")


async def test_a_broken_download_leaves_the_job_standing(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that is paid for and does not arrive is fetched by the next try."""
    monkeypatch.setattr("charimg.http.QUICK_TRIES", 1)
    lane.emulator.add_fault("drop", "picture", times=4)
    request = lane.request()
    with pytest.raises(ProviderError) as failed:
        await lane.generator().generate(request)
    lane.emulator.faults.clear()

    picture = await lane.generator().generate(lane.again(request))

    assert failed.value.standing
    assert inspect(picture.data)
    assert len(lane.emulator.bill.made) == 1


async def test_a_wrong_key_closes_the_lane(lane: Lane) -> None:
    """The refusal is fatal and says what to do about the key, by where it came from."""
    generator = lane.generator(key="0123456789-not-the-key")
    lane.variables = {"api_key": "THE_KEY"}
    of_environment = lane.generator(key="0123456789-not-the-key")

    async def first_job(generator: PolledGenerator) -> None:
        await generator.open()
        await generator.generate(lane.request())

    with pytest.raises(FatalError, match=f"run: charimg keys set {lane.service.name}"):
        await first_job(generator)
    with pytest.raises(FatalError, match="correct THE_KEY in the environment"):
        await first_job(of_environment)

    assert lane.emulator.bill.made == []


async def test_a_forbidden_prompt_is_rejected_or_failed_but_paid_once(lane: Lane) -> None:
    """The filter's refusal is the job's end."""
    with pytest.raises(ProviderError) as failed:
        await lane.generator().generate(lane.request("an nsfw jester"))

    assert str(failed.value.verdict) == "rejected"
    assert lane.emulator.bill.count("submit") == 1


async def test_a_model_that_is_not_there_is_told_as_that(lane: Lane) -> None:
    """The error names the setting to change."""
    with pytest.raises((InvalidRequestError, ThrottledError), match="model"):
        await lane.generator(model="nobody/nothing").generate(lane.request())

    assert lane.emulator.bill.made == []


@pytest.mark.parametrize("address", ["http://10.0.0.1/x.png", "file:///etc/passwd"])
async def test_a_result_in_a_private_network_is_not_fetched(lane: Lane, address: str) -> None:
    """The address of a result is a stranger's word."""
    results = {
        "replicate": {"id": "x", "status": "succeeded", "output": address},
        "fal": {"images": [{"url": address}]},
        "bfl": {"id": "x", "status": "Ready", "result": {"sample": address}},
        "aihorde": {"done": True, "generations": [{"img": address}]},
    }
    endpoint = {"fal": "result", "aihorde": "status"}.get(lane.service.name, "poll")
    lane.emulator.polls = 1
    lane.emulator.add_fault(Reply(200, results[lane.service.name]), endpoint, times=9)

    with pytest.raises((InvalidRequestError, FlakyError)):
        await lane.generator().generate(lane.request())


@pytest.mark.parametrize("status", [302, 405])
async def test_what_is_not_the_service_closes_the_lane_and_keeps_the_job(lane: Lane, status: int) -> None:
    """A redirect is not followed with the key, and names the setting; a job that was accepted stands."""
    elsewhere = Reply(status, b"", {"Location": "http://elsewhere.example/"})
    lane.emulator.add_fault(elsewhere, "submit")
    request = lane.request()
    with pytest.raises(FatalError, match="check the setting base_url"):
        await lane.generator().generate(request)
    lane.emulator.add_fault(elsewhere, lane.service.poll)

    with pytest.raises(FatalError) as failed:
        await lane.generator().generate(request)
    picture = await lane.generator().generate(lane.again(request))

    assert failed.value.standing
    assert inspect(picture.data)
    assert len(lane.emulator.bill.made) == 1


@pytest.mark.parametrize(("name", "other"), [("bfl", "flux-dev"), ("fal", "fal-ai/flux-pro/kontext")])
async def test_a_job_that_is_resumed_names_the_model_that_drew(open_lane: Any, name: str, other: str) -> None:
    """Not the one that the settings name by now."""
    lane = await open_lane(name)
    request = lane.request()
    first = await lane.generator().generate(request)

    later = await lane.generator(model=other).generate(lane.again(request))

    assert first.model == later.model != other


async def test_base_url_keeps_its_prefix(lane: Lane) -> None:
    """A gateway's path stands in front of every path of the service."""
    generator = lane.generator(base_url=f"{lane.emulator.url}/gateway/", rest_url=lane.emulator.url)

    with pytest.raises(ProviderError):
        await generator.generate(lane.request())

    assert [one.path for one in lane.emulator.bill.asked if not one.path.startswith("/gateway/")] == []


def test_declarations_are_dated_and_named(lane: Lane) -> None:
    """The default model has the day it was checked, and is among the known ones."""
    declaration = lane.service.generator.declaration
    model = next(one for one in declaration.settings if one.name == "model")

    assert declaration.name == lane.service.name
    assert model.checked is not None
    assert model.checked <= datetime.now(timezone.utc).date()
    assert declaration.model(str(model.default)) is not None


async def test_tickets_are_short_and_hold_no_secret(lane: Lane) -> None:
    """A ticket goes into the ledger: text of at most 2000 characters, without the key."""
    await lane.generator().generate(lane.request())

    ticket = lane.tickets[0]
    assert len(ticket) <= 2000
    assert lane.service.key not in ticket
    assert ticket == json.loads(json.dumps(ticket))
