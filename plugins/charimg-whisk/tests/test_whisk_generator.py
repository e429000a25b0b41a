"""The generator over real sockets."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from charimg_whisk.protocol import seed_of
from whisk_lane import Lane, MakeLane

from charimg.errors import (
    ExhaustedError,
    FatalError,
    FlakyError,
    InvalidRequestError,
    ProviderError,
    RejectedError,
    ThrottledError,
)
from charimg.images import inspect
from charimg.model import Reference, ReferenceKind, utc_now
from tests.emulators.whisk import WhiskEmulator


async def test_a_picture_comes_with_what_the_service_says_of_it(whisk: WhiskEmulator, lane: Lane) -> None:
    """The seed, the prompt and the id are the answer's, not the request's."""
    whisk.behaviour.rewrite_prompt = str.upper

    made = await lane.generator.generate(lane.request("a jester", seed=41))

    (paid,) = whisk.bill.generations
    assert (made.seed, made.model, made.prompt) == (42, "IMAGEN_3_5", "A JESTER")
    assert inspect(made.data).format == "jpeg"
    assert made.media is not None
    assert (made.media.id, made.media.kind, made.media.uploader, made.media.lane) == (
        paid.media_id,
        "id",
        "whisk",
        "whisk",
    )
    assert (paid.aspect, made.request_id is not None) == ("IMAGE_ASPECT_RATIO_PORTRAIT", True)


async def test_the_reference_that_comes_along_expires_after_an_hour(lane: Lane) -> None:
    """Uploaded and generated ids perish: the time is recorded with the id."""
    before = utc_now()
    made = await lane.generator.generate(lane.request())

    assert made.media is not None
    assert made.media.expires_at is not None
    assert before + timedelta(minutes=60) <= made.media.expires_at <= utc_now() + timedelta(minutes=60)


async def test_a_request_without_a_seed_sends_one_drawn_from_its_attempt(whisk: WhiskEmulator, lane: Lane) -> None:
    """The seed is never zero, and the service's own comes back."""
    request = lane.request(attempt="attempt-7")

    made = await lane.generator.generate(request)

    assert made.seed == seed_of(request) + 1


@pytest.mark.parametrize(
    ("mode", "form"), [("string", "id"), ("object", "id"), ("media-id", "id"), ("media-name", "id"), ("missing", None)]
)
async def test_the_id_is_read_in_every_form(whisk: WhiskEmulator, lane: Lane, mode: str, form: str | None) -> None:
    """String, object and other name give the id itself; where there is none the upload is left to the uploader."""
    whisk.behaviour.id_mode = mode

    made = await lane.generator.generate(lane.request())

    (paid,) = whisk.bill.generations
    assert (made.media.id if made.media else None) == (paid.media_id if form else None)


@pytest.mark.parametrize(("model", "kind"), [("IMAGEN_3_5", "jpeg"), ("GEM_PIX", "png")])
async def test_the_model_is_the_users_choice(whisk: WhiskEmulator, lane_for: MakeLane, model: str, kind: str) -> None:
    """Each model answers in its own format, which the bytes tell."""
    made = await lane_for(whisk.url, model=model).generator.generate(lane_for(whisk.url).request())

    assert (made.model, inspect(made.data).format) == (model, kind)


async def test_a_model_for_references_refuses_a_request_without_any(whisk: WhiskEmulator, lane_for: MakeLane) -> None:
    """R2I without references is told before anything is sent."""
    lane = lane_for(whisk.url, model="R2I")

    with pytest.raises(InvalidRequestError, match="reference pictures only"):
        await lane.generator.generate(lane.request())

    assert whisk.bill.log() == []


@pytest.mark.parametrize("kind", list(ReferenceKind))
async def test_a_reference_of_each_kind_becomes_an_ingredient(
    whisk: WhiskEmulator, lane: Lane, kind: ReferenceKind
) -> None:
    """Described, uploaded under its category with that description, and used by GEM_PIX."""
    made = await lane.generator.generate(lane.request(references=(Reference(lane.picture(), kind),)))

    (paid,), (upload,) = whisk.bill.generations, whisk.bill.uploads
    assert (paid.endpoint, paid.model, made.model) == ("recipe", "GEM_PIX", "GEM_PIX")
    assert paid.references == (upload.media_id,)
    assert (upload.category, upload.declared) == (f"MEDIA_CATEGORY_{kind.upper()}", "image/png")
    assert upload.caption.startswith(f"A {kind} of 48 by 64 pixels")


@pytest.mark.parametrize("model", ["IMAGEN_3_5", "R2I"])
async def test_a_chosen_model_is_used_for_recipes_too(whisk: WhiskEmulator, lane_for: MakeLane, model: str) -> None:
    """The setting wins over the automatic choice."""
    lane = lane_for(whisk.url, model=model)

    await lane.generator.generate(lane.request(references=(Reference(lane.picture()),)))

    assert whisk.bill.generations[0].model == model


async def test_a_reference_with_words_of_its_own_is_not_described_again(whisk: WhiskEmulator, lane: Lane) -> None:
    """The user's caption is used as it is."""
    reference = Reference(lane.picture(), ReferenceKind.STYLE, "3D illustration")

    await lane.generator.generate(lane.request(references=(reference,)))

    assert (whisk.bill.captions, whisk.bill.uploads[0].caption) == (0, "3D illustration")


async def test_five_characters_with_the_same_style_upload_it_once(whisk: WhiskEmulator, lane: Lane) -> None:
    """A reference is uploaded once a run, also when five ask for it at once, and again for another kind."""
    style = Reference(lane.picture(), ReferenceKind.STYLE)
    requests = [lane.request(f"jester {number}", references=(style,)) for number in range(5)]

    await asyncio.gather(*map(lane.generator.generate, requests))
    await lane.generator.generate(lane.request(references=(Reference(style.path, ReferenceKind.SUBJECT),)))

    assert [upload.category for upload in whisk.bill.uploads] == ["MEDIA_CATEGORY_STYLE", "MEDIA_CATEGORY_SUBJECT"]


async def test_a_forgotten_reference_is_uploaded_again_and_the_request_replayed(
    whisk: WhiskEmulator, lane: Lane
) -> None:
    """An id that the service lost before its time costs one more upload, not the picture."""
    request = lane.request(references=(Reference(lane.picture()),))
    await lane.generator.generate(request)
    whisk.service.library.forget(whisk.bill.uploads[0].media_id)

    await lane.generator.generate(request)

    first, second = whisk.bill.uploads
    assert whisk.bill.generations[1].references == (second.media_id,)
    assert first.sha256 == second.sha256
    assert [record.status for record in whisk.bill.log("recipe")] == [200, 404, 200]
    assert whisk.bill.captions == 1


async def test_a_reference_that_is_lost_again_at_once_is_invalid(whisk: WhiskEmulator, lane: Lane) -> None:
    """One replay, not a loop."""
    whisk.add_fault("not-found", endpoint="recipe")

    with pytest.raises(InvalidRequestError, match="does not find the reference pictures"):
        await lane.generator.generate(lane.request(references=(Reference(lane.picture()),)))

    assert (whisk.bill.calls("recipe"), len(whisk.bill.uploads)) == (2, 2)


async def test_a_404_without_references_is_invalid_and_not_replayed(whisk: WhiskEmulator, lane: Lane) -> None:
    """There is nothing to upload again."""
    whisk.add_fault("not-found", endpoint="generate")

    with pytest.raises(InvalidRequestError, match="not found"):
        await lane.generator.generate(lane.request())

    assert whisk.bill.calls("generate") == 1


async def test_more_references_than_whisk_takes_are_refused_unsent(whisk: WhiskEmulator, lane: Lane) -> None:
    """Four references: told with the limit, nothing sent."""
    references = tuple(Reference(lane.picture(colour)) for colour in ("red", "blue", "green", "white"))

    with pytest.raises(InvalidRequestError, match="4 reference pictures are too many: Whisk takes 3"):
        await lane.generator.generate(lane.request(references=references))

    assert whisk.bill.log() == []


@pytest.mark.parametrize("case", ["missing", "text", "gif"])
async def test_a_reference_that_is_no_picture_whisk_takes_names_the_file(
    whisk: WhiskEmulator, lane: Lane, case: str
) -> None:
    """A missing file, a text and a GIF each give one line with the file's name."""
    path = lane.picture(kind="GIF") if case == "gif" else lane.folder / "hero.png"
    if case == "text":
        path.write_text("hello")

    with pytest.raises(InvalidRequestError, match=path.name) as refused:
        await lane.generator.generate(lane.request(references=(Reference(path),)))

    assert "\n" not in refused.value.message
    assert whisk.bill.uploads == []


async def test_a_refused_reference_is_named_and_not_offered_again(whisk: WhiskEmulator, lane: Lane) -> None:
    """The policy refuses the user's picture: every character with it is told so, by one upload."""
    whisk.add_fault("PROMINENT_PEOPLE_UPLOAD", endpoint="upload")
    request = lane.request(references=(Reference(lane.picture(name="king")),))

    for _ in range(2):
        with pytest.raises(RejectedError, match=r"king-red\.png.*well-known people"):
            await lane.generator.generate(request)

    assert (whisk.bill.calls("upload"), whisk.bill.generations) == (1, [])


@pytest.mark.parametrize(
    ("fault", "kind", "charged"),
    [
        ("user-quota", ExhaustedError, False),
        ("too-much-traffic", ThrottledError, False),
        ("bare-429", ThrottledError, False),
        ("daily-quota", ExhaustedError, False),
        ("recaptcha", FatalError, False),
        ("model-denied", FatalError, False),
        ("unsafe", RejectedError, False),
        ("invalid-argument", InvalidRequestError, False),
        ("internal", FlakyError, False),
        ("bad-gateway", ThrottledError, True),
        ("unavailable", ThrottledError, False),
        ("failed-task", ExhaustedError, False),
        ("empty-panels", FlakyError, False),
        ("no-image", FlakyError, False),
        ("empty-body", FlakyError, True),
        ("truncated-json", FlakyError, True),
        ("truncated-base64", FlakyError, True),
        ("drop-after-accept", ThrottledError, True),
        ("drop-mid-body", FlakyError, True),
    ],
)
@pytest.mark.parametrize("endpoint", ["generate", "recipe"])
async def test_every_trouble_on_the_wire_is_an_error_of_its_kind_after_one_request(
    whisk: WhiskEmulator, lane: Lane, fault: str, kind: type[ProviderError], charged: bool, endpoint: str
) -> None:
    """The plugin never retries, and says where the picture may have been made without us."""
    whisk.add_fault(fault, endpoint=endpoint)
    references = (Reference(lane.picture()),) if endpoint == "recipe" else ()

    with pytest.raises(kind) as failed:
        await lane.generator.generate(lane.request(references=references))

    assert failed.value.possibly_charged is charged
    assert whisk.bill.calls(endpoint) == 1


async def test_an_answer_of_another_content_type_is_read_all_the_same(whisk: WhiskEmulator, lane: Lane) -> None:
    """The body decides, not its label: the picture is paid for."""
    whisk.add_fault("wrong-content-type", endpoint="generate")

    made = await lane.generator.generate(lane.request())

    assert inspect(made.data).format == "jpeg"


async def test_a_call_that_hangs_ends_at_the_setting(whisk: WhiskEmulator, lane_for: MakeLane) -> None:
    """The origin had no time-out: one hanging call blocked its batch for ever."""
    lane = lane_for(whisk.url, timeout=0.3)
    whisk.add_fault("hang", endpoint="generate")

    with pytest.raises(ThrottledError) as failed:
        await lane.generator.generate(lane.request())

    assert failed.value.possibly_charged is True


async def test_an_unanswered_reference_upload_does_not_count_as_money(whisk: WhiskEmulator, lane: Lane) -> None:
    """Uploads cost nothing: only a generation may have been charged."""
    whisk.add_fault("drop-after-accept", endpoint="upload")

    with pytest.raises(ThrottledError) as failed:
        await lane.generator.generate(lane.request(references=(Reference(lane.picture()),)))

    assert failed.value.possibly_charged is False
