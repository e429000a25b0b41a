"""The generator ``huggingface`` over real sockets."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from charimg_hosted.huggingface.generator import HuggingFaceGenerator
from charimg_hosted.huggingface.protocol import models_of, name_of, seed_of
from hypothesis import given
from hypothesis import strategies as st

from charimg.errors import FatalError, InvalidRequestError, ProviderError
from charimg.images import inspect
from charimg.model import ImageRequest, Reference, Verdict
from tests.emulators.huggingface import TEST_TOKEN, HuggingFaceEmulator, Window
from tests.emulators.lanes import Contexts

CORPUS = json.loads((Path(__file__).parents[3] / "tests" / "data" / "error_corpus.json").read_text())
ROWS = [row for row in CORPUS if row["provider"] == "huggingface"]
FLUX = "black-forest-labs/FLUX.1-schnell"
SDXL = "stabilityai/stable-diffusion-xl-base-1.0"
Make = Callable[..., HuggingFaceGenerator]


@pytest.fixture
async def hub() -> AsyncIterator[HuggingFaceEmulator]:
    """A running emulator, router and hub in one, whose clock stands still."""
    async with HuggingFaceEmulator(clock=lambda: 0.0) as emulator:
        yield emulator


@pytest.fixture
async def generator_for(tmp_path: Path) -> AsyncIterator[Make]:
    """Makes generators: ``generator_for(hub.url, steps=4)``."""
    async with Contexts(tmp_path) as contexts:

        def make(url: str, token: str = TEST_TOKEN, **settings: Any) -> HuggingFaceGenerator:
            context = contexts.make(
                HuggingFaceGenerator,
                lane="huggingface",
                secrets={"api_key": token},
                settings={"base_url": url, "hub_url": url, **settings},
            )
            return HuggingFaceGenerator(context)

        yield make


def a_request(prompt: str = "a jester in a red cap", **more: Any) -> ImageRequest:
    return ImageRequest(**{"key": "gopal", "name": "Gopal", "prompt": prompt, "attempt": "a1", **more})


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_the_answer_is_the_picture(hub: HuggingFaceEmulator, generator_for: Make, kind: str) -> None:
    """Bytes of whatever format, with the request's id; the size follows the shape."""
    hub.behaviour.picture_format = kind

    made = await generator_for(hub.url).generate(a_request())

    facts = inspect(made.data)
    assert (facts.format, facts.width, facts.height) == (kind.lower(), 768, 1360)
    assert (made.model, hub.made[0].model) == (FLUX, FLUX)
    assert made.request_id is not None
    assert made.request_id.startswith("Root=1-")


async def test_the_request_holds_what_was_asked(hub: HuggingFaceEmulator, generator_for: Make) -> None:
    """Words, seed and settings arrive under the service's names."""
    generator = generator_for(hub.url, model=SDXL, steps=4, cfg_scale=3.5, pixels=393_216)

    made = await generator.generate(a_request("a tall ferryman", negative="text", seed=7, aspect_ratio="2:3"))

    (paid,) = hub.made
    assert (paid.model, paid.prompt, made.seed) == (SDXL, "a tall ferryman", 7)
    assert paid.parameters == {
        "width": 512,
        "height": 768,
        "seed": 7,
        "negative_prompt": "text",
        "num_inference_steps": 4,
        "guidance_scale": 3.5,
    }


async def test_without_a_seed_every_attempt_has_one_of_its_own(hub: HuggingFaceEmulator, generator_for: Make) -> None:
    """The service tells no seed and may repeat itself for the same request: what was sent is recorded."""
    generator = generator_for(hub.url)

    first = await generator.generate(a_request())
    again = await generator.generate(a_request(attempt="a2"))

    sent = [one.parameters["seed"] for one in hub.made]
    assert [first.seed, again.seed] == sent
    assert sent[0] != sent[1]
    assert sent[0] == seed_of(a_request())
    assert not hub.made[0].parameters.keys() & {"negative_prompt", "num_inference_steps", "guidance_scale"}


async def test_references_are_told_before_anything_is_sent(hub: HuggingFaceEmulator, generator_for: Make) -> None:
    """Text-to-image takes none."""
    with pytest.raises(InvalidRequestError, match="no reference pictures"):
        await generator_for(hub.url).generate(a_request(references=(Reference(Path("/nowhere.png")),)))

    assert hub.asked == []


async def test_the_path_of_the_address_is_kept(hub: HuggingFaceEmulator, generator_for: Make) -> None:
    """People put gateways in front of services."""
    with pytest.raises(InvalidRequestError):
        await generator_for(f"{hub.url}/gateway/").generate(a_request())

    assert hub.asked == [(f"/gateway/hf-inference/models/{FLUX}", 404)]


# -- the hub -----------------------------------------------------------------------------------------------------------


async def test_the_check_says_whose_the_token_is(hub: HuggingFaceEmulator, generator_for: Make) -> None:
    """It costs nothing."""
    assert await generator_for(hub.url).check() == f"the token is ann's; {FLUX} draws"
    assert hub.made == []


async def test_the_models_are_those_that_draw(hub: HuggingFaceEmulator, generator_for: Make) -> None:
    """A model of another task is not in the list."""
    assert [model.id for model in await generator_for(hub.url).models()] == [FLUX, SDXL]


async def test_a_gateways_key_is_not_shown_to_hugging_face(hub: HuggingFaceEmulator, generator_for: Make) -> None:
    """Where the router is somebody else's and the hub was not named, the hub is not asked."""
    generator = generator_for(hub.url, hub_url="https://huggingface.co")

    assert "a gateway's" in await generator.check()
    assert await generator.models() is None
    assert hub.asked == []


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
async def test_every_row_of_the_corpus(hub: HuggingFaceEmulator, generator_for: Make, row: dict[str, Any]) -> None:
    """Real replies have their verdict and wait through the plugin."""
    hub.add_fault(row["status"], row["body"], headers=row["headers"])

    with pytest.raises(ProviderError) as failed:
        await generator_for(hub.url).generate(a_request())

    assert (failed.value.verdict, failed.value.wait) == (Verdict(row["want"]), row["wait"])


async def test_a_model_that_loads_says_how_long(generator_for: Make) -> None:
    """The lane waits the service's own estimate, and then the picture comes."""
    now = 0.0
    async with HuggingFaceEmulator(clock=lambda: now, loading=42.5) as hub:
        generator = generator_for(hub.url)
        with pytest.raises(ProviderError, match="currently loading") as failed:
            await generator.generate(a_request())
        now = 43.0
        await generator.generate(a_request())

    assert (failed.value.verdict, failed.value.wait) == (Verdict.THROTTLED, 42.5)
    assert len(hub.made) == 1


async def test_a_spent_window_says_when_the_next_begins(generator_for: Make) -> None:
    """The wait is in the headers; the granted request's headers mean nothing."""
    now = 0.0
    async with HuggingFaceEmulator(clock=lambda: now, window=Window(1, 300)) as hub:
        generator = generator_for(hub.url)
        await generator.generate(a_request())
        now = 100.0
        with pytest.raises(ProviderError) as failed:
            await generator.generate(a_request())

    assert (failed.value.verdict, failed.value.wait) == (Verdict.THROTTLED, 200.0)


async def test_spent_credits_close_the_lane(generator_for: Make) -> None:
    """No wait of minutes brings the month's credits back."""
    async with HuggingFaceEmulator(credits=1) as hub:
        generator = generator_for(hub.url)
        await generator.generate(a_request())
        with pytest.raises(ProviderError, match=r"monthly included credits.*return with the month") as failed:
            await generator.generate(a_request())

    assert failed.value.verdict == Verdict.EXHAUSTED


async def test_a_wrong_token_says_how_to_set_another(hub: HuggingFaceEmulator, generator_for: Make) -> None:
    """Fatal, for pictures as for the check."""
    generator = generator_for(hub.url, token="hf_of_somebody_else_entirely")

    for call in (generator.generate(a_request()), generator.check(), generator.models()):
        with pytest.raises(FatalError, match="charimg keys set huggingface"):
            await call


@pytest.mark.parametrize("knob", ["permission", "licence"])
async def test_a_token_that_may_not_says_what_it_lacks(
    hub: HuggingFaceEmulator, generator_for: Make, knob: str
) -> None:
    """The permission of the token, or the licence of the model."""
    if knob == "permission":
        hub.behaviour.may_infer = False
    else:
        hub.behaviour.gated = (FLUX,)

    with pytest.raises(FatalError, match=f"permission to make calls.*huggingface.co/{FLUX}"):
        await generator_for(hub.url).generate(a_request())


async def test_a_model_that_is_not_served_points_to_the_list(hub: HuggingFaceEmulator, generator_for: Make) -> None:
    """Its own words, and where the others are."""
    with pytest.raises(InvalidRequestError, match=r"does not serve nobody/nothing.*--models"):
        await generator_for(hub.url, model="nobody/nothing").generate(a_request())


@pytest.mark.parametrize(
    ("then", "body", "verdict", "charged"),
    [
        ("drop", None, Verdict.THROTTLED, True),
        ("drop-after", None, Verdict.THROTTLED, True),
        ("truncate", None, Verdict.FLAKY, True),
        (500, {"error": "Internal Server Error"}, Verdict.FLAKY, False),
        (503, {"error": "Service Unavailable"}, Verdict.THROTTLED, False),
        (504, b"<html>timeout</html>", Verdict.THROTTLED, True),
        (400, {"error": ["Error in `parameters.width`: too large"]}, Verdict.INVALID, False),
        (410, {"error": "The requested model is deprecated"}, Verdict.INVALID, False),
    ],
)
async def test_other_answers_without_a_picture(
    hub: HuggingFaceEmulator, generator_for: Make, then: str | int, body: Any, verdict: Verdict, charged: bool
) -> None:
    """None is asked for twice by the plugin."""
    hub.add_fault(then, body)

    with pytest.raises(ProviderError) as failed:
        await generator_for(hub.url).generate(a_request())

    assert (failed.value.verdict, failed.value.possibly_charged) == (verdict, charged)
    assert len(hub.asked) == 1


async def test_an_error_inside_a_success_is_no_picture(hub: HuggingFaceEmulator, generator_for: Make) -> None:
    """Status 200 with JSON is told in the service's words."""
    hub.add_fault("soft-error")

    with pytest.raises(ProviderError, match="unknown error"):
        await generator_for(hub.url).generate(a_request())


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500])
async def test_a_service_that_repeats_the_token_is_not_repeated(
    hub: HuggingFaceEmulator, generator_for: Make, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """Also where the message is cut, and for a token of no known shape."""
    caplog.set_level(logging.DEBUG)
    hub.behaviour.token = token = "open!sesame!of!no!common!shape"
    said = ""
    for before in (0, 200, 240, 290, 297):
        hub.add_fault(status, {"error": "x" * before + f" cannot accept Bearer {token}"})
        with pytest.raises(ProviderError) as failed:
            await generator_for(hub.url, token=token).generate(a_request())
        said += "".join(traceback.format_exception(failed.value)) + repr(failed.value) + str(failed.value.__dict__)

    assert "open!s" not in said + caplog.text


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "name", "likes", "library_name"]), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(anything)
def test_no_list_of_the_hub_makes_the_reading_stumble(data: Any) -> None:
    """Models with an id, and a name that is a text."""
    assert all(model.id for model in models_of(data))
    assert isinstance(name_of(data), str)
