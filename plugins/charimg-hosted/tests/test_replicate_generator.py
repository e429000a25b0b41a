"""Replicate: the wait that runs out, a model's own schema, versions, references, what refusals mean."""

from __future__ import annotations

from typing import Any

import pytest
from charimg_hosted.replicate.generator import INLINE
from charimg_hosted.replicate.schema import read_inputs
from hosted_lane import Lane

from charimg.errors import ExhaustedError, FlakyError, InvalidRequestError, RejectedError, ThrottledError
from charimg.images import inspect
from tests.emulators.polled import Reply, Window
from tests.emulators.replicate.catalogue import VERSION


@pytest.fixture
async def replicate(open_lane: Any) -> Lane:
    """A lane at Replicate."""
    lane: Lane = await open_lane("replicate")
    return lane


async def test_a_prediction_done_within_the_wait_is_asked_for_once(replicate: Lane) -> None:
    """``Prefer: wait`` spares the polls; the ticket is kept before the picture is fetched."""
    replicate.emulator.takes = 1.0

    await replicate.generator().generate(replicate.request())

    assert replicate.emulator.bill.count("poll") == 1
    assert len(replicate.tickets) == 1


async def test_a_wait_that_runs_out_is_polled(replicate: Lane) -> None:
    """201 with status "starting" is the beginning, not the end."""
    replicate.emulator.polls = 3

    await replicate.generator().generate(replicate.request())

    assert replicate.emulator.bill.statuses("submit") == [201]
    assert replicate.emulator.bill.count("poll") == 3
    assert (pytest.approx(1 / 3, abs=0.01), "step 1 of 3") in replicate.told


async def test_no_wait_is_asked_for_where_none_is_wanted(replicate: Lane) -> None:
    """``-o wait=0`` sends no Prefer header."""
    await replicate.generator(wait=0).generate(replicate.request())

    submits = [one for one in replicate.emulator.bill.asked if one.endpoint == "submit"]
    assert ["prefer" in one.headers for one in submits] == [False]


async def test_a_community_model_is_asked_by_version(replicate: Lane) -> None:
    """Its schema has a width and a height, and takes what must not be there."""
    request = replicate.request(negative="hats", aspect_ratio="1:2")

    picture = await replicate.generator(model=f"a-stranger/sdxl:{VERSION}").generate(request)

    body = replicate.emulator.bill.made[0].body
    assert inspect(picture.data)
    assert body["version"] == VERSION
    assert body["input"] == {
        "prompt": request.prompt,
        "width": 704,
        "height": 1472,
        "negative_prompt": "hats",
    }


@pytest.mark.parametrize("model", ["flux", "a/b/c", "a-stranger/sdxl:short", "a b/c"])
async def test_a_model_that_cannot_be_one_is_not_asked_for(replicate: Lane, model: str) -> None:
    """The message shows how a model is written."""
    with pytest.raises(InvalidRequestError, match="owner/name"):
        await replicate.generator(model=model).generate(replicate.request())

    assert replicate.emulator.bill.asked == []


async def test_a_community_model_without_its_version_is_explained(replicate: Lane) -> None:
    """Replicate says 404; the user hears what is missing."""
    with pytest.raises(InvalidRequestError, match="wants its version"):
        await replicate.generator(model="a-stranger/sdxl").generate(replicate.request())


async def test_small_references_travel_inside_and_large_ones_are_uploaded_once(replicate: Lane) -> None:
    """The model's schema tells the input; the same large picture is uploaded once for all who refer to it."""
    large = replicate.reference("large", (512, 512))
    assert large.path.stat().st_size > INLINE
    generator = replicate.generator(model="black-forest-labs/flux-2-pro")

    for place in range(2):
        await generator.generate(replicate.request(f"jester {place}", references=(replicate.reference(), large)))

    first = replicate.emulator.bill.made[0].body["input"]["input_images"]
    assert first[0].startswith("data:image/png;base64,")
    assert first[1].startswith(f"{replicate.emulator.url}/v1/files/")
    assert replicate.emulator.bill.stored == [large.path.read_bytes()]


async def test_too_many_references_are_refused_before_the_request(replicate: Lane) -> None:
    """A model that takes one picture is not sent two."""
    references = (replicate.reference("a"), replicate.reference("b"))

    with pytest.raises(InvalidRequestError, match="takes one"):
        await replicate.generator(model="black-forest-labs/flux-kontext-pro").generate(
            replicate.request(references=references)
        )

    assert replicate.emulator.bill.count("submit") == 0


async def test_a_model_without_references_says_so(replicate: Lane) -> None:
    """The default model draws from words only."""
    with pytest.raises(InvalidRequestError, match="no reference pictures"):
        await replicate.generator().generate(replicate.request(references=(replicate.reference(),)))


async def test_further_inputs_win(replicate: Lane) -> None:
    """``-o inputs=`` reaches the model, and Replicate's validation is told in its words."""
    await replicate.generator(inputs='{"output_format": "png"}').generate(replicate.request())
    with pytest.raises(InvalidRequestError, match="Additional property guidance is not allowed"):
        await replicate.generator(inputs='{"guidance": 3}').generate(replicate.request())

    assert replicate.emulator.bill.made[0].body["input"]["output_format"] == "png"


async def test_the_throttle_waits_as_long_as_replicate_says(replicate: Lane) -> None:
    """Six a minute without a card: the wait stands in the text."""
    replicate.emulator.windows.append(Window(1, 60.0))
    await replicate.generator().generate(replicate.request("one"))

    with pytest.raises(ThrottledError) as failed:
        await replicate.generator().generate(replicate.request("two"))

    assert failed.value.wait == pytest.approx(60, abs=1)


async def test_no_credit_is_exhausted(replicate: Lane) -> None:
    """402: no wait helps, and the words say where credit is bought."""
    replicate.emulator.credit = 0

    with pytest.raises(ExhaustedError, match="account/billing"):
        await replicate.generator().generate(replicate.request())


@pytest.mark.parametrize(
    ("prediction", "wanted"),
    [
        ({"status": "failed", "error": "NSFW content detected."}, RejectedError),
        ({"status": "failed", "error": "The input or output was flagged as sensitive. (E005)"}, RejectedError),
        ({"status": "failed", "error": "Prediction interrupted; please retry (code: PA)"}, FlakyError),
        ({"status": "failed", "error": None}, FlakyError),
        ({"status": "canceled"}, FlakyError),
        ({"status": "aborted"}, FlakyError),
        ({"status": "succeeded", "output": None}, FlakyError),
        ({"status": "succeeded", "output": []}, FlakyError),
        ({"status": "failed", "error": None, "input": {"prompt": "NSFW, rate limit, insufficient credit"}}, FlakyError),
    ],
)
async def test_how_predictions_end(replicate: Lane, prediction: dict[str, Any], wanted: type[Exception]) -> None:
    """The prediction's own words decide; the input it repeats does not."""
    replicate.emulator.add_fault(Reply(200, {"id": "p1", **prediction}), "poll")

    with pytest.raises(wanted):
        await replicate.generator().generate(replicate.request())

    assert replicate.emulator.bill.count("poll") == 1


async def test_the_collection_lists_models(replicate: Lane) -> None:
    """``--models`` shows Replicate's text-to-image collection."""
    models = await replicate.generator().models()

    assert models is not None
    assert "black-forest-labs/flux-schnell" in [model.id for model in models]


async def test_the_check_says_whose_token_it_is(replicate: Lane) -> None:
    """Nothing is spent."""
    said = await replicate.generator().check()

    assert "gopal" in said
    assert replicate.emulator.bill.made == []


@pytest.mark.parametrize("model", [None, [], {}, {"latest_version": None}, {"latest_version": {"openapi_schema": 3}}])
def test_a_model_without_a_schema_gets_the_usual_inputs(model: object) -> None:
    """What cannot be read is left unknown."""
    inputs = read_inputs(model)

    assert inputs.names is None
    assert [name for name in ("prompt", "aspect_ratio", "seed", "width") if inputs.takes(name)] == [
        "prompt",
        "aspect_ratio",
        "seed",
    ]
