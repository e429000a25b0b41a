"""The generator ``stability`` over real sockets."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from charimg_hosted.stability.generator import StabilityGenerator
from charimg_hosted.stability.protocol import drawn, refusal_in
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from charimg.errors import FatalError, FlakyError, InvalidRequestError, ProviderError, RejectedError
from charimg.images import inspect
from charimg.model import ImageRequest, Reference, Verdict
from tests.emulators.lanes import Contexts
from tests.emulators.stability import TEST_KEY, RateLimit, StabilityEmulator

CORPUS = json.loads((Path(__file__).parents[3] / "tests" / "data" / "error_corpus.json").read_text())
ROWS = [row for row in CORPUS if row["provider"] == "stability"]
Make = Callable[..., StabilityGenerator]


@pytest.fixture
async def stability() -> AsyncIterator[StabilityEmulator]:
    """A running emulator whose clock stands still."""
    async with StabilityEmulator(clock=lambda: 0.0) as emulator:
        yield emulator


@pytest.fixture
async def generator_for(tmp_path: Path) -> AsyncIterator[Make]:
    """Makes generators: ``generator_for(stability.url, model="ultra")``."""
    async with Contexts(tmp_path) as contexts:

        def make(url: str, key: str = TEST_KEY, **settings: Any) -> StabilityGenerator:
            context = contexts.make(
                StabilityGenerator,
                lane="stability",
                secrets={"api_key": key},
                settings={"base_url": url, **settings},
            )
            return StabilityGenerator(context)

        yield make


def a_request(prompt: str = "a jester in a red cap", **more: Any) -> ImageRequest:
    return ImageRequest(**{"key": "gopal", "name": "Gopal", "prompt": prompt, "attempt": "a1", **more})


def a_picture(folder: Path, size: tuple[int, int] = (128, 192), kind: str = "PNG") -> Reference:
    path = folder / f"start.{kind.lower()}"
    Image.new("RGB", size, "navy").save(path, kind)
    return Reference(path)


@pytest.mark.parametrize(
    ("model", "endpoint", "dollars"),
    [
        ("core", "core", 0.03),
        ("ultra", "ultra", 0.08),
        ("sd3.5-large", "sd3", 0.065),
        ("sd3.5-large-turbo", "sd3", 0.04),
        ("sd3.5-medium", "sd3", 0.035),
        ("sd3.5-flash", "sd3", 0.025),
    ],
)
async def test_every_model_draws_at_its_address_and_at_its_price(
    stability: StabilityEmulator, generator_for: Make, model: str, endpoint: str, dollars: float
) -> None:
    """The picture comes with the seed the service used."""
    generator = generator_for(stability.url, model=model)

    made = await generator.generate(a_request())

    (paid,) = stability.made
    assert (paid.endpoint, paid.model, made.model, made.seed) == (endpoint, model, model, paid.seed)
    assert made.cost is None  # the service tells none; the declared price is the core's business
    price = generator.price({"model": model})
    assert price is not None
    assert price.amount == dollars
    assert (inspect(made.data).width, inspect(made.data).height) == (768, 1344)


async def test_the_form_holds_what_was_asked(stability: StabilityEmulator, generator_for: Make) -> None:
    """Multipart without a file, which the service insists on; nothing that was not set."""
    generator = generator_for(stability.url, style_preset="comic-book", output_format="webp")

    made = await generator.generate(a_request("a tall ferryman", negative="text", seed=7, aspect_ratio="3:4"))
    await generator_for(stability.url).generate(a_request())

    assert stability.made[0].form == {
        "prompt": "a tall ferryman",
        "negative_prompt": "text",
        "seed": "7",
        "aspect_ratio": "4:5",
        "style_preset": "comic-book",
        "output_format": "webp",
    }
    assert (inspect(made.data).format, made.seed) == ("webp", 7)
    assert stability.made[1].form.keys() == {"prompt", "aspect_ratio", "output_format"}


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("ultra", {"prompt", "output_format", "aspect_ratio", "strength"}),
        ("sd3.5-large", {"prompt", "output_format", "model", "mode", "strength"}),
    ],
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_a_reference_picture_is_what_the_drawing_begins_with(
    stability: StabilityEmulator, generator_for: Make, tmp_path: Path, model: str, fields: set[str], kind: str
) -> None:
    """Its own bytes and true type, with the strength; the models of sd3 take no shape beside it."""
    reference = a_picture(tmp_path, kind=kind)

    await generator_for(stability.url, model=model, strength=0.35).generate(a_request(references=(reference,)))

    (paid,) = stability.made
    assert paid.reference is not None
    assert (paid.reference.data, paid.reference.media_type) == (
        reference.path.read_bytes(),
        f"image/{kind.lower()}",
    )
    assert (paid.form.keys(), paid.form["strength"]) == (fields, "0.35")


async def test_what_cannot_be_is_told_before_anything_is_sent(
    stability: StabilityEmulator, generator_for: Make, tmp_path: Path
) -> None:
    """A reference for core, two of them, a seed or a prompt beyond the service's limits."""
    picture = a_picture(tmp_path)
    for model, request, words in (
        ("core", a_request(references=(picture,)), "core takes no reference picture"),
        ("ultra", a_request(references=(picture, picture)), "2 reference pictures"),
        ("core", a_request(seed=2**32), "4294967294"),
        ("core", a_request(seed=-3), "from 0"),
        ("core", a_request("x" * 10_001), "10001 characters"),
        ("core", a_request(negative="x" * 10_001), "negative prompt"),
    ):
        with pytest.raises(InvalidRequestError, match=words):
            await generator_for(stability.url, model=model).generate(request)

    assert stability.statuses == []


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
async def test_every_row_of_the_corpus(stability: StabilityEmulator, generator_for: Make, row: dict[str, Any]) -> None:
    """Real replies have their verdict and wait through the plugin."""
    stability.add_fault(row["status"], row["body"], headers=row["headers"])

    with pytest.raises(ProviderError) as failed:
        await generator_for(stability.url).generate(a_request())

    assert (failed.value.verdict, failed.value.wait) == (Verdict(row["want"]), row["wait"])


async def test_a_filtered_picture_is_a_refusal_although_it_is_there(
    stability: StabilityEmulator, generator_for: Make
) -> None:
    """Status 200 with a decodable picture: the finish reason comes first."""
    stability.behaviour.filtered_words = ("jester",)

    with pytest.raises(RejectedError, match=r"CONTENT_FILTERED\); change the description"):
        await generator_for(stability.url).generate(a_request())


async def test_a_refused_prompt_costs_nothing(stability: StabilityEmulator, generator_for: Make) -> None:
    """403 is a login's status; the name says that it is about content."""
    stability.behaviour.refused_words = ("jester",)

    with pytest.raises(RejectedError, match=r"flagged by our content moderation.*change the description"):
        await generator_for(stability.url).generate(a_request())

    assert stability.made == []


async def test_who_asks_too_much_is_told_how_long_to_wait(generator_for: Make) -> None:
    """The wait stands in the sentence; after it the service answers again."""
    now = 0.0
    async with StabilityEmulator(clock=lambda: now, limit=RateLimit(2, 10, 60)) as stability:
        generator = generator_for(stability.url)
        came = await asyncio.gather(
            *(generator.generate(a_request(f"jester {n}")) for n in range(3)), return_exceptions=True
        )
        (refusal,) = [one for one in came if isinstance(one, ProviderError)]
        now = 61.0
        await generator.generate(a_request("jester 9"))

    assert (refusal.verdict, refusal.wait) == (Verdict.THROTTLED, 60.0)
    assert len(stability.made) == 3


async def test_an_empty_purse_closes_the_lane(generator_for: Make) -> None:
    """Credits for one ultra picture, not for two."""
    async with StabilityEmulator(credits=10) as stability:
        generator = generator_for(stability.url, model="ultra")
        await generator.generate(a_request())
        with pytest.raises(ProviderError, match="lack sufficient credits") as failed:
            await generator.generate(a_request())

    assert (failed.value.verdict, failed.value.wait) == (Verdict.EXHAUSTED, None)


async def test_a_wrong_key_says_how_to_set_another(stability: StabilityEmulator, generator_for: Make) -> None:
    """Fatal: no request of this lane can succeed."""
    with pytest.raises(FatalError, match="charimg keys set stability"):
        await generator_for(stability.url, key="sk-of-somebody-else-entirely").generate(a_request())


@pytest.mark.parametrize(
    ("model", "words"),
    [("sd3-large", "use -o model=sd3.5-large"), ("sd9", "'sd9' is not one of the allowed values")],
)
async def test_a_model_that_is_gone_names_its_successor(
    stability: StabilityEmulator, generator_for: Make, model: str, words: str
) -> None:
    """A retired one by what the plugin knows, any other in the service's words."""
    if model == "sd3-large":
        stability.add_fault(400, {"id": "1", "name": "bad_request", "errors": ["model: is not available"]})

    with pytest.raises(InvalidRequestError) as failed:
        await generator_for(stability.url, model=model).generate(a_request())

    assert words in failed.value.message


@pytest.mark.parametrize(
    ("then", "body", "verdict", "charged"),
    [
        ("drop", None, Verdict.THROTTLED, True),
        ("drop-after", None, Verdict.THROTTLED, True),
        ("truncate", None, Verdict.FLAKY, True),
        ("no-image", None, Verdict.FLAKY, False),
        ("html", None, Verdict.FLAKY, True),
        (500, {"id": "1", "name": "internal_error", "errors": ["Something went wrong."]}, Verdict.FLAKY, False),
        (502, b"<html>bad gateway</html>", Verdict.THROTTLED, False),
        (413, {"id": "1", "name": "payload_too_large", "errors": ["too large"]}, Verdict.INVALID, False),
        (400, {"id": "1", "name": "bad_request", "errors": ["prompt: 'RATE LIMIT and quota'"]}, Verdict.INVALID, False),
        (404, {"id": "1", "name": "not_found", "errors": ["The resource was not found."]}, Verdict.INVALID, False),
    ],
)
async def test_other_answers_without_a_picture(
    stability: StabilityEmulator, generator_for: Make, then: str | int, body: Any, verdict: Verdict, charged: bool
) -> None:
    """None is asked for twice by the plugin."""
    stability.add_fault(then, body)

    with pytest.raises(ProviderError) as failed:
        await generator_for(stability.url).generate(a_request())

    assert (failed.value.verdict, failed.value.possibly_charged) == (verdict, charged)
    assert len(stability.statuses) == 1


async def test_an_address_without_the_service_names_the_settings(
    stability: StabilityEmulator, generator_for: Make
) -> None:
    """The path of the setting is kept, and wrong here."""
    with pytest.raises(InvalidRequestError, match=r"check -o model=\.\.\. and -o base_url="):
        await generator_for(f"{stability.url}/gateway/").generate(a_request())

    assert stability.statuses == [404]


async def test_the_check_asks_for_nothing_that_is_paid(stability: StabilityEmulator, generator_for: Make) -> None:
    """It says what would draw."""
    assert "core draws" in await generator_for(stability.url).check()
    assert stability.statuses == []


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500])
async def test_a_service_that_repeats_the_key_is_not_repeated(
    stability: StabilityEmulator, generator_for: Make, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """Also where the message is cut, and for a key of no known shape."""
    caplog.set_level(logging.DEBUG)
    key = "open!sesame!of!no!common!shape"
    said = ""
    for before in (0, 200, 240, 290, 297):
        errors = ["x" * before + f" cannot accept Bearer {key}"]
        stability.add_fault(status, {"id": key, "name": "bad_request", "errors": errors, "finish_reason": key})
        stability.behaviour.key = key
        with pytest.raises(ProviderError) as failed:
            await generator_for(stability.url, key=key).generate(a_request())
        said += "".join(traceback.format_exception(failed.value)) + repr(failed.value) + str(failed.value.__dict__)

    assert "open!s" not in said + caplog.text


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["image", "finish_reason", "seed", "errors"]), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(anything)
def test_no_answer_makes_the_reading_stumble(data: Any) -> None:
    """It is refused, a picture, or flaky."""
    reason = refusal_in(data)

    with suppress(FlakyError):
        assert drawn(data).data
    assert reason is None or reason.isprintable()
