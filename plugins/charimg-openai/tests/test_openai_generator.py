"""The generator over real sockets, against the emulator that plays OpenAI itself."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from openai_lane import Lane, MakeLane

from charimg.errors import FatalError, FlakyError, InputError, InvalidRequestError, ThrottledError
from charimg.images import inspect
from tests.emulators.openai_images import OPENAI, TEST_KEY, OpenAIEmulator, Reply


async def test_a_picture_comes_with_its_model_its_cost_and_the_services_id(openai: OpenAIEmulator, lane: Lane) -> None:
    """The cost is that of the tokens the answer reports; the id is the one support asks for."""
    made = await lane.generator.generate(lane.request("a jester"))

    (paid,) = openai.bill.generations
    assert (made.model, made.request_id) == ("gpt-image-2", paid.request_id)
    assert made.cost is not None
    assert made.cost.source == "reported"
    expected = paid.usage["output_tokens"] * 30 + paid.usage["input_tokens"] * 5
    assert made.cost.amount == pytest.approx(expected / 1_000_000)
    assert inspect(made.data).sha256 == paid.sha256


async def test_openai_is_sent_nothing_it_does_not_know(openai: OpenAIEmulator, lane: Lane) -> None:
    """The model, the prompt, one picture, its size and a quality with a price: no response_format, no empty field."""
    await lane.generator.generate(lane.request("a jester"))

    (sent,) = openai.bill.log("generations")
    assert sent.fields == {
        "model": "gpt-image-2",
        "prompt": "a jester",
        "n": 1,
        "size": "64x64",
        "quality": "medium",
    }
    assert sent.headers["authorization"] == f"Bearer {TEST_KEY}"
    assert "openai-organization" not in sent.headers


async def test_every_choice_of_the_user_reaches_the_service(openai: OpenAIEmulator, lane_for: MakeLane) -> None:
    """Quality, background, moderation, format, compression, organization and project."""
    lane = lane_for(
        openai.base_url,
        model="gpt-image-2.6-flare",
        quality="xhigh",
        background="opaque",
        moderation="low",
        output_format="webp",
        output_compression=80,
        organization="org-1",
        project="proj_1",
    )

    made = await lane.generator.generate(lane.request())

    (sent,) = openai.bill.log("generations")
    wanted: dict[str, Any] = {"quality": "xhigh", "background": "opaque", "moderation": "low"}
    wanted |= {"output_format": "webp", "output_compression": 80, "model": "gpt-image-2.6-flare"}
    assert {name: sent.fields.get(name) for name in wanted} == wanted
    assert (sent.headers["openai-organization"], sent.headers["openai-project"]) == ("org-1", "proj_1")
    assert inspect(made.data).format == "webp"
    assert made.cost is None  # no price of this model is known


@pytest.mark.parametrize(
    ("model", "ratio", "size"),
    [
        ("gpt-image-2", "9:16", (864, 1536)),
        ("gpt-image-2", "1:1", (1024, 1024)),
        ("gpt-image-2", "2:3", (1024, 1536)),
        ("gpt-image-2", "16:9", (1536, 864)),
        ("gpt-image-2", "1:9", (512, 1536)),
        ("gpt-image-1-mini", "9:16", (1024, 1536)),
        ("gpt-image-1-mini", "16:9", (1536, 1024)),
        ("chatgpt-image-latest", "6:7", (1024, 1024)),
    ],
)
async def test_the_size_follows_the_aspect_ratio_by_the_models_rules(
    openai: OpenAIEmulator, lane_for: MakeLane, model: str, ratio: str, size: tuple[int, int]
) -> None:
    """Models that draw any size get the shape itself, up to 3:1; the others the nearest of three."""
    lane = lane_for(openai.base_url, model=model, size="auto")

    made = await lane.generator.generate(lane.request(aspect_ratio=ratio))

    facts = inspect(made.data)
    assert (facts.width, facts.height) == size


async def test_the_path_of_the_address_is_kept(lane_for: MakeLane) -> None:
    """A gateway with a path of its own is asked below it, and an address without any means /v1."""
    async with OpenAIEmulator(prefix="/team/openai") as gateway, OpenAIEmulator() as bare:
        for lane in (lane_for(gateway.base_url), lane_for(f"{gateway.base_url}/"), lane_for(bare.url)):
            await lane.generator.generate(lane.request())

        paths = [one.path for one in (*gateway.bill.log(), *bare.bill.log())]
    assert paths == [*["/team/openai/v1/images/generations"] * 2, "/v1/images/generations"]


async def test_a_prompt_longer_than_the_models_read_is_not_sent(openai: OpenAIEmulator, lane: Lane) -> None:
    """Told with both figures, for nothing."""
    with pytest.raises(InvalidRequestError, match="32001 characters; OpenAI's models read 32000"):
        await lane.generator.generate(lane.request("x" * 32_001))

    assert openai.bill.log() == []


@pytest.mark.parametrize("size", ["1024", "huge", "0x64", "1024x", "1024:1536"])
def test_a_size_that_is_none_is_refused_before_the_run(lane_for: MakeLane, size: str) -> None:
    """The message names the setting and shows one that is right."""
    with pytest.raises(InputError, match="size: expected auto or WIDTHxHEIGHT such as 1024x1536"):
        lane_for("http://127.0.0.1:9/v1", size=size)


async def test_five_at_once_are_five_requests(openai: OpenAIEmulator, lane: Lane) -> None:
    """One picture a request, none shared, none twice."""
    made = await asyncio.gather(*(lane.generator.generate(lane.request(f"jester {n}")) for n in range(5)))

    assert len({one.data for one in made}) == 5
    assert openai.bill.calls() == len(openai.bill.generations) == 5


# -- the login


async def test_a_wrong_key_is_told_when_the_lane_opens(openai: OpenAIEmulator, lane_for: MakeLane) -> None:
    """Before any picture is asked for, with what to do."""
    lane = lane_for(openai.base_url, key="sk-wrong-0123456789abcdef")

    with pytest.raises(FatalError, match=r"does not accept the key \(HTTP 401: .*charimg keys set openai"):
        await lane.generator.open()

    assert openai.bill.calls("generations") == 0


@pytest.mark.parametrize(
    ("lane", "variable", "remedy"),
    [
        ("openai@work", None, "run: charimg keys set openai@work"),
        ("openai", "OPENAI_API_KEY", "correct OPENAI_API_KEY in the environment"),
    ],
)
async def test_the_remedy_for_a_wrong_key_is_where_the_key_came_from(
    openai: OpenAIEmulator, lane_for: MakeLane, lane: str, variable: str | None, remedy: str
) -> None:
    """The account's own command, or the variable that would win over a key that is kept."""
    wrong = lane_for(openai.base_url, key="sk-wrong-0123456789abcdef", lane=lane, variable=variable)

    with pytest.raises(FatalError) as failed:
        await wrong.generator.check()

    assert failed.value.message.endswith(f"; {remedy}")


@pytest.mark.parametrize(
    ("address", "lane", "missing"),
    [
        ("https://api.openai.com/v1", "openai", "OpenAI wants one; run: charimg keys set openai (or set OPENAI_API_"),
        ("https://x.openai.azure.com", "openai@work", "Azure wants one; run: charimg keys set openai@work"),
        ("https://api.together.xyz/v1", "openai", "Together wants one; run: charimg keys set openai"),
    ],
)
async def test_check_says_that_a_key_is_missing_where_one_is_needed(
    lane_for: MakeLane, address: str, lane: str, missing: str
) -> None:
    """By the address alone, and nothing is sent there. OPENAI_API_KEY is not looked at for a labelled account."""
    with pytest.raises(FatalError) as failed:
        await lane_for(address, key=None, lane=lane).generator.check()

    assert missing in failed.value.message
    assert ("OPENAI_API_KEY" in failed.value.message) == (lane == "openai")


async def test_check_does_not_speak_of_a_key_that_is_not_there(openai: OpenAIEmulator, lane_for: MakeLane) -> None:
    """Without a list of models nothing tells whether a server wants one."""
    openai.add_fault(Reply(404, b"not here"), endpoint="models")

    found = await lane_for(openai.base_url, key=None).generator.check()

    assert found == "it answers; it has no list of models, so whether it wants a key is not known"


async def test_a_service_that_wants_a_key_where_there_is_none_names_the_remedy(
    openai: OpenAIEmulator, lane_for: MakeLane
) -> None:
    """A server of one's own may need no key, so this one's refusal is what says it."""
    lane = lane_for(openai.base_url, key=None)

    with pytest.raises(FatalError, match=r"wants a key .* run: charimg keys set openai .or set OPENAI_API_KEY"):
        await lane.generator.open()

    assert "authorization" not in openai.bill.log()[0].headers


@pytest.mark.parametrize("server", ["openai", "azure", "together"])
async def test_where_nothing_works_without_a_key_nothing_is_sent(
    openai: OpenAIEmulator, lane_for: MakeLane, server: str
) -> None:
    """OpenAI, Azure and Together are not even asked."""
    lane = lane_for(openai.base_url, key=None, server=server)

    for attempt in (lane.generator.open, lane.generator.check, lane.uploader.check):
        with pytest.raises(FatalError, match="no api_key found"):
            await attempt()

    assert openai.bill.log() == []


async def test_the_key_is_tried_once_for_generator_and_uploader(openai: OpenAIEmulator, lane: Lane) -> None:
    """They share one account."""
    await lane.generator.open()
    await lane.uploader.open()

    assert openai.bill.calls("models") == openai.bill.calls() == 1


@pytest.mark.parametrize("fault", ["overloaded", "bad_gateway", "drop", "traffic"])
async def test_a_busy_service_does_not_stop_the_lane_from_opening(
    openai: OpenAIEmulator, lane: Lane, fault: str
) -> None:
    """Waiting is the lane's business, and begins with its first batch."""
    openai.add_fault(fault, endpoint="models")

    await lane.generator.open()

    assert openai.bill.calls("models") >= 1


async def test_a_key_that_may_only_draw_opens_the_lane(openai: OpenAIEmulator, lane: Lane) -> None:
    """Restricted keys are refused the list of models with a 403, and draw all the same."""
    openai.add_fault("missing_scope", endpoint="models")

    await lane.generator.open()
    made = await lane.generator.generate(lane.request())

    assert made.data
    assert "may not read the list of models" in await lane.generator.check()


# -- lost and damaged answers


@pytest.mark.parametrize(
    ("fault", "kind", "charged"),
    [
        ("truncated-base64", FlakyError, False),
        ("broken-base64", FlakyError, True),
        ("truncated-json", FlakyError, True),
        ("no_picture", FlakyError, True),
        ("bad_gateway", ThrottledError, True),
        ("gateway_timeout", ThrottledError, True),
        ("drop-after-accept", ThrottledError, True),
        ("overloaded", ThrottledError, False),
        ("server_error", FlakyError, False),
    ],
)
async def test_what_may_have_been_charged_is_told_after_one_request(
    openai: OpenAIEmulator, lane: Lane, fault: str, kind: type[Exception], charged: bool
) -> None:
    """The plugin never asks twice, and says where the picture may have been made without us."""
    openai.add_fault(fault, endpoint="generations")

    if fault == "truncated-base64":  # whole as base64, broken as a picture: the core's check finds it
        made = await lane.generator.generate(lane.request())
        with pytest.raises(FlakyError):
            inspect(made.data)
        return
    with pytest.raises(kind) as failed:
        await lane.generator.generate(lane.request())

    assert getattr(failed.value, "possibly_charged") is charged  # noqa: B009 - of whichever kind
    assert openai.bill.calls("generations") == 1


async def test_a_server_fault_is_told_with_the_id_that_support_asks_for(openai: OpenAIEmulator, lane: Lane) -> None:
    """OpenAI's own sentence, and the request."""
    openai.add_fault("server_error")

    with pytest.raises(FlakyError, match=r"had an error while processing.*\(request req_0"):
        await lane.generator.generate(lane.request())


async def test_a_cancelled_request_leaves_the_lane_whole(openai: OpenAIEmulator, lane: Lane) -> None:
    """Broken off at any moment, the next request works."""
    openai.add_fault("hang", endpoint="generations", times=1)
    hanging = asyncio.create_task(lane.generator.generate(lane.request()))
    while not openai.bill.calls("generations"):
        await asyncio.sleep(0.005)
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging

    assert (await lane.generator.generate(lane.request())).data


# -- addresses instead of bytes


@pytest.mark.parametrize("answer", ["b64_json", "url", "relative-url", "data"])
async def test_a_picture_is_taken_in_every_form(openai: OpenAIEmulator, lane: Lane, answer: str) -> None:
    """Bytes in the answer, an address of the server's own with or without its host, a data URI."""
    openai.behaviour.answer = answer

    made = await lane.generator.generate(lane.request())

    (paid,) = openai.bill.generations
    assert inspect(made.data).sha256 == paid.sha256
    assert made.request_id == paid.request_id
    assert made.cost is not None
    assert len(lane.tickets) == (1 if "url" in answer else 0)


async def test_a_picture_that_is_made_and_cannot_be_fetched_is_fetched_later(
    openai: OpenAIEmulator, lane_for: MakeLane
) -> None:
    """The address is the ticket: the next try, also of a later run, asks for it and pays nothing."""
    openai.behaviour.answer = "url"
    lane = lane_for(openai.base_url)
    lane.generator.poll_every = 0.001  # type: ignore[misc]  # of this object alone, for no wait
    openai.add_fault("overloaded", endpoint="picture", times=5)
    with pytest.raises(ThrottledError) as failed:
        await lane.generator.generate(lane.request())

    again = lane_for(openai.base_url)
    made = await again.generator.generate(again.request(ticket=lane.tickets[0]))

    (paid,) = openai.bill.generations
    assert failed.value.standing
    assert inspect(made.data).sha256 == paid.sha256
    assert made.request_id == paid.request_id


async def test_a_picture_that_is_gone_from_its_address_is_told_as_charged(openai: OpenAIEmulator, lane: Lane) -> None:
    """The core then makes it anew, and says that it may have been paid for."""
    openai.behaviour.answer = "url"
    openai.add_fault("no_picture", endpoint="generations", times=0)

    gone = json.dumps({"url": f"{openai.url}/generated-images/b64none.png"})
    for ticket in (gone, "not ours", "[]"):
        with pytest.raises(FlakyError) as failed:
            await lane.generator.generate(lane.request(ticket=ticket))
        assert failed.value.possibly_charged

    assert openai.bill.generations == []


@pytest.mark.parametrize("query", ["", "?sig=s3cretsignature"])
async def test_a_fresh_picture_that_is_refused_is_not_paid_for_again(
    openai: OpenAIEmulator, lane: Lane, query: str
) -> None:
    """Quick retries would pay for more pictures that nobody gives out."""
    from tests.emulators.openai_images.replies import json_reply

    refused = f"{openai.url}/generated-images/b64none.png{query}"
    openai.add_fault(json_reply({"data": [{"url": refused}]}), endpoint="generations")

    with pytest.raises(InvalidRequestError, match="response_format=b64_json") as failed:
        await lane.generator.generate(lane.request())

    assert failed.value.possibly_charged


async def test_a_signed_address_does_not_go_into_the_ledger(openai: OpenAIEmulator, lane: Lane) -> None:
    """It is a secret, and short-lived."""
    from tests.emulators.openai_images.replies import json_reply

    openai.behaviour.answer = "url"
    await lane.generator.generate(lane.request())
    name = next(iter(openai.service.pictures))
    lane.tickets.clear()
    signed = f"{openai.url}/generated-images/{name}?sig=s3cretsignature"
    openai.add_fault(json_reply({"data": [{"url": signed}]}), endpoint="generations")

    made = await lane.generator.generate(lane.request())

    assert made.data
    assert lane.tickets == []


async def test_a_signed_address_that_fails_leaves_nothing_to_come_back_to(openai: OpenAIEmulator, lane: Lane) -> None:
    """It may have been charged, and no later try can fetch it: it does not stand."""
    from tests.emulators.openai_images.replies import json_reply

    signed = f"{openai.url}/generated-images/b64none.png?sig=s3cretsignature"
    openai.add_fault(json_reply({"data": [{"url": signed}]}), endpoint="generations")
    openai.add_fault("overloaded", endpoint="picture")

    with pytest.raises(ThrottledError) as failed:
        await lane.generator.generate(lane.request())

    assert (failed.value.possibly_charged, failed.value.standing) == (True, False)
    assert "s3cret" not in str(failed.value)


async def test_a_picture_behind_the_services_own_login_is_asked_for_with_the_key(
    openai: OpenAIEmulator, lane: Lane
) -> None:
    """Only when the service itself asks for it; the first try goes without."""
    from tests.emulators.openai_images.replies import NO_KEY

    openai.behaviour.answer = "url"
    openai.add_fault(NO_KEY, endpoint="picture", calls=[1])

    made = await lane.generator.generate(lane.request())

    first, second = openai.bill.log("picture")
    assert made.data
    assert ("authorization" in first.headers, second.headers["authorization"]) == (False, f"Bearer {TEST_KEY}")


async def test_another_host_never_gets_the_key(
    openai: OpenAIEmulator, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it asks for one: the picture is given up."""
    from charimg.http import Answer
    from tests.emulators.openai_images.replies import json_reply

    async def refuses(url: str, **_: object) -> Answer:
        return Answer(401, {}, b"", url)

    monkeypatch.setattr(lane.context.http, "download", refuses)
    sent = lane.context.http.request
    urls: list[str] = []

    async def noted(method: str, url: str, **options: Any) -> Answer:
        urls.append(url)
        return await sent(method, url, **options)

    monkeypatch.setattr(lane.context.http, "request", noted)
    openai.add_fault(json_reply({"data": [{"url": "https://pictures.example/x.png"}]}), endpoint="generations")

    with pytest.raises(InvalidRequestError, match=r"does not give out the picture it made \(HTTP 401\)"):
        await lane.generator.generate(lane.request())

    assert urls == [f"{openai.base_url}/images/generations"]


async def test_an_address_within_a_private_network_is_not_asked(openai: OpenAIEmulator, lane: Lane) -> None:
    """Only the server's own host and port are trusted to be a neighbour."""
    from tests.emulators.openai_images.replies import json_reply

    async with OpenAIEmulator() as neighbour:
        for url in (f"{neighbour.url}/x?x=1", f"{neighbour.url}/x.png", "ftp://192.0.2.1/x.png", "http://[::1/x.png"):
            openai.behaviour.faults = []
            openai.add_fault(json_reply({"data": [{"url": url}]}), endpoint="generations")
            with pytest.raises(InvalidRequestError, match=r"must not be asked.*response_format=b64_json") as refused:
                await lane.generator.generate(lane.request())
            assert refused.value.possibly_charged

        assert not neighbour.bill.log()
        assert not lane.tickets


async def test_a_name_that_leads_into_a_private_network_is_not_polled(
    openai: OpenAIEmulator, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it resolves to does not change by asking again: the picture is given up at once."""
    from charimg.errors import RefusedAddressError
    from charimg.public_network import PublicResolver
    from tests.emulators.openai_images.replies import json_reply

    asked: list[str] = []

    async def to_ourselves(_self: object, host: str, port: int = 0, family: object = None) -> list[object]:
        asked.append(host)
        raise RefusedAddressError

    monkeypatch.setattr(PublicResolver, "resolve", to_ourselves)
    openai.add_fault(json_reply({"data": [{"url": "http://pictures.example/x.png"}]}), endpoint="generations")

    with pytest.raises(RefusedAddressError, match="private network") as refused:
        await lane.generator.generate(lane.request())

    assert (asked, refused.value.standing) == (["pictures.example"], False)


# -- finding out


async def test_check_says_what_it_found(openai: OpenAIEmulator, lane_for: MakeLane) -> None:
    """The key, how many models draw, and whether the chosen one is among them."""
    found = await lane_for(openai.base_url).generator.check()
    gone = await lane_for(openai.base_url, model="dall-e-3").generator.check()

    assert found == "the key is accepted; 11 models for pictures, gpt-image-2 among them"
    assert "but not dall-e-3 (the model dall-e-3 is retired since 2026-05-12; use -o model=gpt-image-2)" in gone
    assert openai.bill.calls("models") == openai.bill.calls() == 2


async def test_the_models_that_draw_are_picked_from_the_list(openai: OpenAIEmulator, lane: Lane) -> None:
    """OpenAI's list holds many more that do not."""
    models = await lane.generator.models()

    assert models is not None
    listed = {one.id for one in models}
    assert "gpt-image-2" in listed
    assert listed < set(OPENAI.models)


async def test_a_model_that_is_to_end_is_told_with_its_day(openai: OpenAIEmulator, lane: Lane) -> None:
    """The service's own word on it, where its list has one."""
    from tests.emulators.openai_images.replies import json_reply

    listed = {"id": "gpt-image-2", "object": "model", "created": 0, "owned_by": "x", "shutdown_date": "2027-04-21"}
    openai.add_fault(json_reply({"object": "list", "data": [listed]}), endpoint="models")

    (model,) = await lane.generator.models()

    assert str(model.retired) == "2027-04-21"


@pytest.mark.parametrize("model", ["dall-e-3", "gpt-image-1"])
async def test_a_dead_models_error_names_its_successor(openai: OpenAIEmulator, lane_for: MakeLane, model: str) -> None:
    """What the service says, when it was, and what to type."""
    lane = lane_for(openai.base_url, model=model)

    with pytest.raises(
        InvalidRequestError, match=rf"the model {model} is retired since 2026-.*use -o model=gpt-image-2"
    ):
        await lane.generator.generate(lane.request())


async def test_a_refusal_that_names_the_field_of_the_model_names_the_list(openai: OpenAIEmulator, lane: Lane) -> None:
    """A model that exists and draws nothing is refused as a wrong value."""
    from tests.emulators.openai_images.replies import wrong_value

    openai.add_fault(wrong_value("model", "Invalid value: 'gpt-5'."))

    with pytest.raises(InvalidRequestError, match=r"Invalid value: 'gpt-5'; .*charimg providers show openai --models"):
        await lane.generator.generate(lane.request())


async def test_an_unknown_models_error_names_the_list(openai: OpenAIEmulator, lane_for: MakeLane) -> None:
    """A slip of the pen ends with the command that shows the right ones."""
    lane = lane_for(openai.base_url, model="gpt-imge-2", server="openai")

    with pytest.raises(InvalidRequestError, match=r"does not exist.*charimg providers show openai --models"):
        await lane.generator.generate(lane.request())
