"""Request bodies as they were captured, shapes and seeds."""

from __future__ import annotations

import pytest
from charimg_whisk.addresses import Addresses
from charimg_whisk.protocol import (
    Ingredient,
    aspect_of,
    caption_body,
    generate_body,
    recipe_body,
    seed_of,
    upload_body,
    workflow_body,
)
from hypothesis import given
from hypothesis import strategies as st

from charimg.errors import InputError, InvalidRequestError
from charimg.model import ImageRequest

WORKFLOW = "2976e5e0-b286-4431-8b0d-c7db934d5f88"
SESSION = ";1762837691506"
REQUEST = ImageRequest("k", "n", "a jester", seed=2389, aspect_ratio="16:9")


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        ("9:16", "PORTRAIT"),
        ("16:9", "LANDSCAPE"),
        ("1:1", "SQUARE"),
        ("4:3", "LANDSCAPE_FOUR_THREE"),
        ("3:4", "PORTRAIT_THREE_FOUR"),
        ("2:3", "PORTRAIT_THREE_FOUR"),
        ("1:2", "PORTRAIT"),
        ("18:32", "PORTRAIT"),
        ("21:9", "LANDSCAPE"),
        ("3:2", "LANDSCAPE_FOUR_THREE"),
        ("5:5", "SQUARE"),
        ("1:10", "PORTRAIT"),
    ],
)
def test_every_shape_becomes_one_that_whisk_knows(ratio: str, expected: str) -> None:
    """The five known shapes, and for others the nearest, upright and lying alike."""
    assert aspect_of(ratio) == f"IMAGE_ASPECT_RATIO_{expected}"


@given(st.integers(1, 500), st.integers(1, 500))
def test_the_nearest_shape_is_the_same_for_both_orientations(across: int, down: int) -> None:
    """Turning a shape turns its name, except at the square and exactly halfway between two."""
    turned = aspect_of(f"{down}:{across}").replace("PORTRAIT_THREE_FOUR", "LANDSCAPE_FOUR_THREE")
    same = aspect_of(f"{across}:{down}").replace("PORTRAIT_THREE_FOUR", "LANDSCAPE_FOUR_THREE")

    assert turned.replace("PORTRAIT", "LANDSCAPE") == same.replace("PORTRAIT", "LANDSCAPE")


@pytest.mark.parametrize("ratio", ["", "wide", "0:1", "1:0", "-1:2", "nan:1", "inf:1"])
def test_a_shape_that_is_none_is_refused(ratio: str) -> None:
    """What is no W:H never reaches the service."""
    with pytest.raises(InvalidRequestError, match="aspect ratio"):
        aspect_of(ratio)


def test_the_body_of_a_generation_is_the_captured_one() -> None:
    """Field for field what the site sent, with the category of a character."""
    actual = generate_body(REQUEST, model="IMAGEN_3_5", category="SUBJECT", workflow=WORKFLOW, session=SESSION)

    assert actual == {
        "clientContext": {"workflowId": WORKFLOW, "tool": "BACKBONE", "sessionId": SESSION},
        "imageModelSettings": {"imageModel": "IMAGEN_3_5", "aspectRatio": "IMAGE_ASPECT_RATIO_LANDSCAPE"},
        "seed": 2389,
        "prompt": "a jester",
        "mediaCategory": "MEDIA_CATEGORY_SUBJECT",
    }


def test_the_body_of_a_recipe_names_its_ingredients() -> None:
    """Caption, category and id of every reference, in order."""
    ingredients = [Ingredient("CAMa1", "SUBJECT", "a man"), Ingredient("CAMa2", "STYLE", "")]

    actual = recipe_body(REQUEST, ingredients, model="GEM_PIX", workflow=WORKFLOW, session=SESSION)

    assert actual["userInstruction"] == "a jester"
    assert actual["recipeMediaInputs"] == [
        {"caption": "a man", "mediaInput": {"mediaCategory": "MEDIA_CATEGORY_SUBJECT", "mediaGenerationId": "CAMa1"}},
        {"caption": "", "mediaInput": {"mediaCategory": "MEDIA_CATEGORY_STYLE", "mediaGenerationId": "CAMa2"}},
    ]


def test_the_bodies_of_the_sites_procedures() -> None:
    """Project, caption and upload as they were captured."""
    uri = "data:image/png;base64,AA=="

    assert workflow_body("W", SESSION)["workflowMetadata"] == {"workflowName": "W"}
    assert caption_body(uri, category="STYLE", session=SESSION)["captionInput"] == {
        "candidatesCount": 1,
        "mediaInput": {"mediaCategory": "MEDIA_CATEGORY_STYLE", "rawBytes": uri},
    }
    assert upload_body(uri, "c", category="SCENE", workflow=WORKFLOW, session=SESSION) == {
        "clientContext": {"workflowId": WORKFLOW, "sessionId": SESSION},
        "uploadMediaInput": {"mediaCategory": "MEDIA_CATEGORY_SCENE", "rawBytes": uri, "caption": "c"},
    }


@given(st.text(), st.text())
def test_a_drawn_seed_is_never_zero_and_always_the_same_for_an_attempt(attempt: str, prompt: str) -> None:
    """Whisk takes zero for "any": a drawn seed lies between 1 and 2^31 - 1 and repeats with its attempt."""
    request = ImageRequest("k", "n", prompt, attempt=attempt)

    assert 1 <= seed_of(request) <= 2**31 - 1
    assert seed_of(request) == seed_of(ImageRequest("k", "n", prompt, attempt=attempt))


def test_another_attempt_draws_another_seed_and_a_given_seed_stays() -> None:
    """A second try of the same character is another picture, unless the roster fixes the seed."""
    first, second = (seed_of(ImageRequest("k", "n", "p", attempt=attempt)) for attempt in ("a", "b"))

    assert first != second
    assert seed_of(ImageRequest("k", "n", "p", attempt="a", seed=5)) == 5


@pytest.mark.parametrize(
    ("labs", "sandbox"),
    [
        ("http://h:1/whisk", "http://h:1/api"),
        ("http://h:1/whisk/", "http://h:1/api/"),
        ("http://h:1/whisk/fx", "http://h:1/api/v1"),
        ("http://h:1/whisk/fx/api/trpc/", "http://h:1/api/v1/"),
        (" http://h:1/whisk/fx/api", "http://h:1/api"),
    ],
)
def test_an_address_may_be_written_with_its_tail_and_keeps_its_prefix(labs: str, sandbox: str) -> None:
    """A gateway's path stays in front; the part that belongs to the calls is not doubled."""
    addresses = Addresses.of(labs, sandbox)

    assert addresses.session == "http://h:1/whisk/fx/api/auth/session"
    assert addresses.procedure("backbone.uploadImage") == "http://h:1/whisk/fx/api/trpc/backbone.uploadImage"
    assert addresses.method("whisk:generateImage") == "http://h:1/api/v1/whisk:generateImage"


def test_without_settings_the_addresses_are_googles() -> None:
    """The default is the service itself, which then says that it is closed."""
    addresses = Addresses.of(None, "")

    assert addresses.session == "https://labs.google/fx/api/auth/session"
    assert addresses.method("whisk:runImageRecipe") == "https://aisandbox-pa.googleapis.com/v1/whisk:runImageRecipe"


@pytest.mark.parametrize("url", ["foo", "labs.google", "ftp://labs.google", "http://", "http://[::1"])
def test_an_address_that_is_none_names_its_setting(url: str) -> None:
    """A typing mistake in the address is the user's to mend, and no trouble with the login."""
    with pytest.raises(InputError, match=r"whisk: sandbox_url: expected a web address"):
        Addresses.of(None, url)
