"""What successful answers hold."""

from __future__ import annotations

import base64

import pytest
from charimg_whisk.answers import caption_of, media_id_of, picture_of, unwrapped, workflow_of

from charimg.errors import FlakyError

PIXELS = b"\x89PNG not really"
ENCODED = base64.b64encode(PIXELS).decode()


def panels(**image: object) -> dict[str, object]:
    return {"imagePanels": [{"prompt": "p", "generatedImages": [image]}]}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"mediaGenerationId": "CAMaX"}, "CAMaX"),
        ({"mediaGenerationId": {"mediaGenerationId": "CAMaX"}}, "CAMaX"),
        ({"mediaId": "CAMaX"}, "CAMaX"),
        ({"uploadMediaGenerationId": "CAMaX"}, "CAMaX"),
        ({"uploadMediaGenerationId": {"mediaGenerationId": "CAMaX"}}, "CAMaX"),
        ({"media": {"name": "CAMaX"}}, "CAMaX"),
        ({"mediaGenerationId": {"mediaType": "IMAGE"}}, None),
        ({"mediaGenerationId": 7}, None),
        ({"mediaGenerationId": ""}, None),
        ({"mediaGenerationId": "x" * 256}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_media_id_is_read_in_every_form_and_never_made_of_an_object(given: object, expected: str | None) -> None:
    """String, object and other names give the id; an object without one gives none (the origin stringified it)."""
    assert media_id_of(given) == expected


@pytest.mark.parametrize("encoded", [ENCODED, f"data:image/png;base64,{ENCODED}", f"{ENCODED[:8]}\n{ENCODED[8:]}"])
def test_base64_is_read_with_and_without_its_prefix(encoded: str) -> None:
    """Plain base64, a data URI, and base64 in lines give the same bytes."""
    assert picture_of(panels(encodedImage=encoded)).data == PIXELS


def test_the_seed_prompt_and_model_of_the_answer_are_kept() -> None:
    """What the service says it used is what is recorded."""
    picture = picture_of(panels(encodedImage=ENCODED, seed=2390, prompt="in English", modelNameType="GEM_PIX"))

    assert (picture.seed, picture.prompt, picture.model) == (2390, "in English", "GEM_PIX")


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"imagePanels": []},
        {"imagePanels": [{"generatedImages": []}]},
        {"imagePanels": [{"generatedImages": None}, 5]},
        panels(seed=1),
        panels(encodedImage=None),
        panels(encodedImage=""),
        [],
        None,
    ],
)
def test_an_answer_without_a_picture_is_flaky_and_not_charged(data: object) -> None:
    """HTTP 200 with empty panels is a filtered or failed output; nothing was lost on the way."""
    with pytest.raises(FlakyError) as failed:
        picture_of(data)

    assert failed.value.possibly_charged is False


@pytest.mark.parametrize("encoded", [ENCODED[:-3], f"{ENCODED[:4]}*{ENCODED[4:]}", "?!", "data:image/png;base64,"])
def test_damaged_base64_is_flaky_and_may_have_been_charged(encoded: str) -> None:
    """The picture was made and lost on the way."""
    with pytest.raises(FlakyError) as failed:
        picture_of(panels(encodedImage=encoded))

    assert failed.value.possibly_charged is True


def test_a_later_picture_serves_where_the_first_is_missing() -> None:
    """An empty entry before the picture does not hide it."""
    data = {"imagePanels": [{"generatedImages": [{"seed": 1}, {"encodedImage": ENCODED, "seed": "2"}]}]}

    assert picture_of(data).seed == 2


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"result": {"data": {"json": {"result": {"a": 1}, "status": 200}}}}, {"a": 1}),
        ({"result": {"data": {"json": {"a": 1}}}}, {"a": 1}),
        ({"a": 1}, {"a": 1}),
        ({"result": {"data": {"json": {"result": None}}}}, None),
    ],
)
def test_the_envelope_is_unwrapped_as_far_as_it_goes(data: object, expected: object) -> None:
    """The payload is found in the full envelope and in shorter ones."""
    assert unwrapped(data) == expected


def test_captions_and_workflows() -> None:
    """A caption may be missing; a project must have an id."""
    assert caption_of({"candidates": [{"output": " "}, {"output": " A man. "}]}) == "A man."
    assert caption_of({"candidates": "x"}) is None
    assert workflow_of({"workflowId": "w"}) == "w"
    with pytest.raises(FlakyError):
        workflow_of({})
