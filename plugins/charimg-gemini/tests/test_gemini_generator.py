"""The generator over real sockets."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import date
from typing import Any

import pytest
from gemini_lane import Lane, MakeLane

from charimg.contracts import Price
from charimg.errors import FatalError, FlakyError, InvalidRequestError, ThrottledError
from charimg.images import inspect
from charimg.model import Reference, ReferenceKind
from tests.emulators.gemini import Account, GeminiEmulator, Reply, json_reply


async def test_a_picture_comes_with_what_the_service_says_of_it(gemini: GeminiEmulator, lane: Lane) -> None:
    """Model and response id are the answer's; of money it says nothing."""
    made = await lane.generator.generate(lane.request())

    (paid,) = gemini.bill.generations
    assert hashlib.sha256(made.data).hexdigest() == paid.sha256
    assert (made.model, made.request_id) == ("gemini-3.1-flash-image", paid.response_id)
    assert made.cost is None
    assert (paid.aspect, paid.size, paid.prompt) == ("9:16", None, "a jester in a red cap")


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("thoughts", [False, True])
async def test_of_several_pictures_the_last_that_is_no_thought_is_taken(
    gemini: GeminiEmulator, lane: Lane, thoughts: bool, twice: bool
) -> None:
    """Thoughts before and after the picture, and an unfinished one, are passed over."""
    gemini.behaviour.thoughts, gemini.behaviour.finished_twice = thoughts, twice

    made = await lane.generator.generate(lane.request("a boatman"))

    assert gemini.bill.prompt_of(made.data) == "a boatman"


async def test_the_format_is_the_bytes_own(gemini: GeminiEmulator, lane_for: MakeLane) -> None:
    """The pro model answers JPEG, which is told by its bytes."""
    lane = lane_for(gemini.url, model="gemini-3-pro-image", image_size="2K")

    made = await lane.generator.generate(lane.request())

    assert (inspect(made.data).format, gemini.bill.generations[0].size) == ("jpeg", "2K")


@pytest.mark.parametrize(
    ("asked", "sent"), [("9:16", "9:16"), ("1:1", "1:1"), ("5:4", "4:3"), ("832:1216", "2:3"), ("10:1", "21:9")]
)
async def test_an_unknown_shape_becomes_the_nearest_known(
    gemini: GeminiEmulator, lane: Lane, asked: str, sent: str
) -> None:
    """The service refuses any other."""
    await lane.generator.generate(lane.request(aspect_ratio=asked))

    assert gemini.bill.generations[0].aspect == sent


async def test_what_must_not_be_there_is_said_in_words(gemini: GeminiEmulator, lane: Lane) -> None:
    """There is no field for a negative prompt."""
    await lane.generator.generate(lane.request("a jester", negative="text, watermark"))

    assert gemini.bill.generations[0].prompt == "a jester\n\nThe picture must not contain: text, watermark"


async def test_references_travel_with_the_request_in_order_and_with_words(gemini: GeminiEmulator, lane: Lane) -> None:
    """Small ones go inline; a sentence before each says what it lends, for the API knows no kinds."""
    paths = [lane.picture("red"), lane.picture("blue", "JPEG"), lane.picture("green", "WEBP")]
    kinds = [ReferenceKind.SUBJECT, ReferenceKind.SCENE, ReferenceKind.STYLE]
    references = tuple(
        Reference(path, kind, caption)
        for path, kind, caption in zip(paths, kinds, ["Gopal as a boy", None, None], strict=True)
    )

    await lane.generator.generate(lane.request("the jester, grown up", references=references))

    (paid,) = gemini.bill.generations
    assert paid.references == tuple(f"inline:{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in paths)
    assert paid.prompt == "the jester, grown up"
    assert gemini.bill.uploads == []


async def test_references_by_file_are_uploaded_once_for_all_characters(
    gemini: GeminiEmulator, lane_for: MakeLane
) -> None:
    """Five requests at once with the same style picture share one upload."""
    lane = lane_for(gemini.url, references="files")
    reference = (Reference(lane.picture(), ReferenceKind.STYLE),)

    await asyncio.gather(*(lane.generator.generate(lane.request(f"no. {n}", references=reference)) for n in range(5)))

    (upload,) = gemini.bill.uploads
    assert [paid.references for paid in gemini.bill.generations] == [(upload.name,)] * 5


async def test_large_references_go_by_file_by_themselves(
    gemini: GeminiEmulator, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With auto the size decides."""
    monkeypatch.setattr("charimg_gemini.references.INLINE_BYTES", 10)

    await lane.generator.generate(lane.request(references=(Reference(lane.picture()),)))

    assert gemini.bill.generations[0].references == (gemini.bill.uploads[0].name,)


async def test_references_that_do_not_fit_inline_are_refused_before_anything_is_sent(
    gemini: GeminiEmulator, lane_for: MakeLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With inline asked for, the message names the remedy."""
    monkeypatch.setattr("charimg_gemini.references.MAX_REQUEST", 10)
    lane = lane_for(gemini.url, references="inline")

    with pytest.raises(InvalidRequestError, match="references=auto"):
        await lane.generator.generate(lane.request(references=(Reference(lane.picture()),)))

    assert gemini.bill.log() == []


@pytest.mark.parametrize("status", [403, 404])
async def test_a_forgotten_file_is_uploaded_again_and_the_request_replayed_once(
    gemini: GeminiEmulator, lane_for: MakeLane, status: int
) -> None:
    """A 403 about a file is no wrong key: the picture comes, and is paid for once."""
    gemini.behaviour.gone_file_status = status
    lane = lane_for(gemini.url, references="files")
    request = lane.request(references=(Reference(lane.picture()),))
    await lane.generator.generate(request)
    account = gemini.behaviour.accounts[0]
    gemini._files.delete(gemini.bill.uploads[0].name, account.owner, gemini.moment(), 403)

    await lane.generator.generate(request)

    assert len(gemini.bill.uploads) == 2
    assert gemini.bill.generations[1].references == (gemini.bill.uploads[1].name,)
    assert len(gemini.bill.generations) == 2


async def test_jobs_that_miss_the_same_file_one_after_the_other_both_get_their_picture(
    gemini: GeminiEmulator, lane_for: MakeLane
) -> None:
    """The second hears its 403 when the first has put the file back already: that is no wrong key either."""
    lane = lane_for(gemini.url, references="files")
    references = (Reference(lane.picture()),)
    await lane.generator.generate(lane.request(references=references))
    account = gemini.behaviour.accounts[0]
    gemini._files.delete(gemini.bill.uploads[0].name, account.owner, gemini.moment(), 403)
    put_back, send = asyncio.Event(), lane.generator._account.send

    async def in_order(method: str, url: str, **content: Any) -> Any:
        answer = await send(method, url, **content)
        if answer.status == 403 and "a slow jester" in str(content.get("json")):
            await put_back.wait()
        return answer

    lane.generator._account.send = in_order  # type: ignore[method-assign]

    async def quick() -> None:
        await lane.generator.generate(lane.request("a quick jester", references=references))
        put_back.set()

    await asyncio.gather(quick(), lane.generator.generate(lane.request("a slow jester", references=references)))

    assert len(gemini.bill.uploads) == 2
    assert len(gemini.bill.generations) == 3


async def test_a_refused_key_is_no_forgotten_file(gemini: GeminiEmulator, lane_for: MakeLane) -> None:
    """Where the files are all there, the refusal stands, and nothing is sent again."""
    lane = lane_for(gemini.url, references="files")
    gemini.add_fault("region", endpoint="generate")

    with pytest.raises(FatalError, match="location"):
        await lane.generator.generate(lane.request(references=(Reference(lane.picture()),)))

    assert (len(gemini.bill.uploads), len(gemini.bill.log("generate"))) == (1, 1)


async def test_a_file_near_its_end_is_not_used(gemini: GeminiEmulator, lane_for: MakeLane) -> None:
    """The recorded expiry is looked at before a URI is sent."""
    gemini.behaviour.file_lifetime = 120.0
    lane = lane_for(gemini.url, references="files")
    request = lane.request(references=(Reference(lane.picture()),))

    await lane.generator.generate(request)
    await lane.generator.generate(request)

    assert len(gemini.bill.uploads) == 2


async def test_a_gif_and_too_many_references_are_refused_before_anything_is_sent(
    gemini: GeminiEmulator, lane: Lane
) -> None:
    """Each with the reason in one line."""
    with pytest.raises(InvalidRequestError, match="image/gif; Gemini takes PNG, JPEG and WebP"):
        await lane.generator.generate(lane.request(references=(Reference(lane.picture(kind="GIF")),)))
    with pytest.raises(InvalidRequestError, match="15 reference pictures are too many"):
        await lane.generator.generate(lane.request(references=(Reference(lane.picture()),) * 15))

    assert gemini.bill.log() == []


async def test_a_retired_model_names_its_successor(gemini: GeminiEmulator, lane_for: MakeLane) -> None:
    """The service only says 404."""
    lane = lane_for(gemini.url, model="gemini-2.5-flash-image")

    with pytest.raises(InvalidRequestError) as failed:
        await lane.generator.generate(lane.request())

    assert "2026-10-02" in failed.value.message
    assert "-o model=gemini-3.1-flash-image" in failed.value.message


async def test_an_unknown_model_is_told_with_where_to_look(gemini: GeminiEmulator, lane_for: MakeLane) -> None:
    """A slip in the id, with or without the resource's prefix."""
    lane = lane_for(gemini.url, model="models/gemini-9-image")

    with pytest.raises(InvalidRequestError, match=r"gemini-9-image is not found .* show gemini --models"):
        await lane.generator.generate(lane.request())


@pytest.mark.parametrize("version", ["v1", "v1beta"])
async def test_a_gateways_path_is_kept(lane_for: MakeLane, version: str) -> None:
    """The address may have a prefix, for pictures, lists and uploads alike."""
    async with GeminiEmulator(prefix="/proxy/gemini") as gemini:
        lane = lane_for(gemini.url + "/", api_version=version, references="files")
        await lane.generator.open()
        await lane.generator.generate(lane.request(references=(Reference(lane.picture()),)))

        assert {record.path.split("/")[1:3] == ["proxy", "gemini"] for record in gemini.bill.log()} == {True}
        assert {record.status for record in gemini.bill.log()} == {200}


async def test_the_key_is_tried_once_before_the_first_request(gemini: GeminiEmulator, lane_for: MakeLane) -> None:
    """A wrong key costs one free request, not a batch of refused ones; generator and uploader share the trial."""
    lane = lane_for(gemini.url, key="AIzaWrong-0000000000000000000000000")
    with pytest.raises(FatalError, match="charimg keys set gemini"):
        await lane.generator.open()
    right = lane_for(gemini.url)
    await right.generator.open()
    await right.uploader.open()

    assert [record.endpoint for record in gemini.bill.log()] == ["models", "models"]


@pytest.mark.parametrize(
    ("lane", "variable", "remedy"),
    [
        ("gemini", None, "run: charimg keys set gemini"),
        ("gemini@bad", None, "run: charimg keys set gemini@bad"),
        ("gemini", "GEMINI_API_KEY", "correct GEMINI_API_KEY in the environment"),
    ],
)
async def test_the_remedy_for_a_wrong_key_is_where_the_key_came_from(
    gemini: GeminiEmulator, lane_for: MakeLane, lane: str, variable: str | None, remedy: str
) -> None:
    """The account's own command, or the variable that would win over a key that is kept."""
    wrong = lane_for(gemini.url, key="AIzaWrong-0000000000000000000000000", lane=lane, variable=variable)

    with pytest.raises(FatalError) as failed:
        await wrong.generator.open()

    assert failed.value.message.endswith(f", then {remedy}")


@pytest.mark.parametrize("trouble", ["overloaded", "html-502", "internal", "drop"])
async def test_a_busy_service_does_not_stop_the_run_at_its_beginning(
    gemini: GeminiEmulator, lane: Lane, trouble: str
) -> None:
    """Only what no request can survive is raised by open()."""
    gemini.add_fault(trouble, endpoint="models")

    await lane.generator.open()

    assert (await lane.generator.generate(lane.request())).data


async def test_a_gateway_without_a_list_of_models_serves(gemini: GeminiEmulator, lane: Lane) -> None:
    """A 404 for the trial is not taken for a dead service."""
    gemini.add_fault(Reply(404, b"not here"), endpoint="models")

    await lane.generator.open()

    assert (await lane.generator.generate(lane.request())).data


@pytest.mark.parametrize("status", [302, 404, 405])
async def test_an_address_that_is_not_geminis_is_named(gemini: GeminiEmulator, lane: Lane, status: int) -> None:
    """A page of something else points to the setting."""
    gemini.add_fault(Reply(status, b"<html>", {"Location": "https://elsewhere.example/"}), endpoint="generate")

    with pytest.raises(FatalError, match="check the setting base_url"):
        await lane.generator.generate(lane.request())


async def test_without_a_key_the_remedy_is_named(gemini: GeminiEmulator, lane_for: MakeLane) -> None:
    """Nothing is sent."""
    with pytest.raises(FatalError, match="then run: charimg keys set gemini"):
        await lane_for(gemini.url, key=None).generator.generate(lane_for(gemini.url).request())

    assert gemini.bill.log() == []


@pytest.mark.parametrize("spoilt", ["truncated-json", "truncated-base64", "drop-mid-body"])
async def test_a_picture_that_was_made_and_came_damaged_may_have_been_charged(
    gemini: GeminiEmulator, lane: Lane, spoilt: str
) -> None:
    """The user is told, and the picture is not taken for one that was never made."""
    gemini.add_fault(spoilt, endpoint="generate")

    with pytest.raises((FlakyError, ThrottledError)) as failed:
        await lane.generator.generate(lane.request())

    assert failed.value.possibly_charged
    assert len(gemini.bill.generations) == 1


async def test_a_lost_answer_is_never_asked_for_again_by_the_provider(gemini: GeminiEmulator, lane: Lane) -> None:
    """The provider does not retry: the scheduler decides."""
    gemini.add_fault("drop-after-accept", endpoint="generate")

    with pytest.raises(ThrottledError) as failed:
        await lane.generator.generate(lane.request())

    assert failed.value.possibly_charged
    assert len(gemini.bill.log("generate")) == 1


async def test_models_lists_those_that_make_pictures(gemini: GeminiEmulator, lane: Lane) -> None:
    """Over several pages; with what the plugin knows of them, and without those that write or embed."""
    gemini.behaviour.models_page = 2
    more = {
        "models": [
            {"name": "models/gemini-4-image", "displayName": "Four", "supportedGenerationMethods": ["generateContent"]},
            {"name": "models/imagen-5", "displayName": "Five", "supportedGenerationMethods": ["predict"]},
        ],
        "nextPageToken": "page-0",
    }
    gemini.add_fault(json_reply(more), endpoint="models", calls=[1])

    found = await lane.generator.models()

    assert [one.id for one in found] == [
        "gemini-4-image",
        "gemini-3.1-flash-image",
        "gemini-3.1-flash-lite-image",
        "gemini-3-pro-image",
    ]
    assert (found[0].summary, found[1].price) == ("Four", Price(0.067, checked=date(2026, 11, 22)))
    assert len(gemini.bill.log("models")) == 2


async def test_the_check_costs_nothing_and_looks_for_the_model(gemini: GeminiEmulator, lane_for: MakeLane) -> None:
    """A key that works with a model that is gone is told as that."""
    good = await lane_for(gemini.url).generator.check()
    with pytest.raises(InvalidRequestError, match=r"retired.*use -o model=gemini-3\.1-flash-image"):
        await lane_for(gemini.url, model="gemini-2.5-flash-image").generator.check()
    with pytest.raises(InvalidRequestError, match="the key works, but gemini-9 is not among them"):
        await lane_for(gemini.url, model="gemini-9").generator.check()
    uploader = await lane_for(gemini.url).uploader.check()

    assert good == "the key works; 3 models make pictures, gemini-3.1-flash-image among them"
    assert uploader == "the key works"
    assert gemini.bill.generations == []


@pytest.mark.parametrize(
    ("settings", "amount"),
    [
        ({"model": "gemini-3.1-flash-image"}, 0.067),
        ({"model": "gemini-3.1-flash-image", "image_size": "1K"}, 0.067),
        ({"model": "gemini-3.1-flash-image", "image_size": "2K"}, 0.101),
        ({"model": "gemini-3.1-flash-image", "image_size": "4K"}, 0.151),
        ({"model": "models/gemini-3.1-flash-image", "image_size": "4K"}, 0.151),
        ({"model": " models/gemini-3-pro-image", "image_size": None}, 0.134),
        ({"model": "gemini-3.1-flash-lite-image", "image_size": None}, 0.0336),
        ({"model": "gemini-3-pro-image", "image_size": "2K"}, 0.134),
        ({"model": "gemini-3-pro-image", "image_size": "4K"}, 0.24),
        ({"model": "gemini-9-image", "image_size": "4K"}, None),
    ],
)
def test_the_price_is_the_models_and_the_sizes(lane: Lane, settings: dict[str, str], amount: float | None) -> None:
    """For the plan and the budget; an unknown model has no price rather than another's."""
    price = lane.generator.price(settings)

    assert (None if price is None else price.amount) == amount


async def test_two_keys_have_two_quotas(gemini: GeminiEmulator, lane_for: MakeLane) -> None:
    """What one lane has used up does not concern the other."""
    keys = ["AIzaFirst-000000000000000000000000", "AIzaSecond-00000000000000000000000"]
    gemini.behaviour.accounts = [Account(keys[0], per_minute=1), Account(keys[1])]
    first, second = (lane_for(gemini.url, key=key, lane=key[4:9]) for key in keys)
    await first.generator.generate(first.request())

    with pytest.raises(ThrottledError):
        await first.generator.generate(first.request())
    await second.generator.generate(second.request())

    assert gemini.bill.paid_by_key() == {keys[0]: 1, keys[1]: 1}


async def test_the_request_is_what_the_service_knows(gemini: GeminiEmulator, lane: Lane) -> None:
    """Everything sent for a picture with a reference, field by field; the emulator refuses an unknown one."""
    seen: list[str] = []
    send = lane.context.http.request

    async def spy(method: str, url: str, **more: object) -> object:
        seen.append(json.dumps(more["json"]))
        return await send(method, url, **more)  # type: ignore[arg-type]

    lane.context.http.request = spy  # type: ignore[method-assign, assignment]
    await lane.generator.generate(
        lane.request("a boat", references=(Reference(lane.picture(), ReferenceKind.STYLE, "a scroll"),))
    )

    body = json.loads(seen[0])
    parts = body["contents"][0]["parts"]
    assert body["generationConfig"] == {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "9:16"}}
    assert parts[0] == {"text": "The next picture shows the manner to draw in, not what to draw: a scroll"}
    assert (parts[1]["inlineData"]["mimeType"], parts[2]) == ("image/png", {"text": "a boat"})
