"""AI Horde: no key, kudos, return codes that decide, pictures as webp, two submits a second."""

from __future__ import annotations

from typing import Any

import pytest
from charimg_hosted.aihorde.generator import AiHordeGenerator
from charimg_hosted.aihorde.job import FREE_PIXELS, size_within
from charimg_hosted.aihorde.service import ANONYMOUS
from hosted_lane import Lane
from hypothesis import given
from hypothesis import strategies as st

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
from charimg.model import Cost
from tests.emulators.polled import Reply


@pytest.fixture
async def horde(open_lane: Any) -> Lane:
    """A lane at the Horde."""
    lane: Lane = await open_lane("aihorde")
    return lane


async def test_it_works_without_a_key(horde: Lane) -> None:
    """Nobody's key is sent, with the name of who asks; the cost is told in kudos."""
    horde.emulator.nameless_blocked = True
    generator = horde.generator(key="")
    await generator.open()

    picture = await generator.generate(horde.request())

    submit = next(one for one in horde.emulator.bill.asked if one.endpoint == "submit")
    assert inspect(picture.data).format == "webp"
    assert picture.cost == Cost(11.0, "kudos", source="reported")
    assert submit.headers["apikey"] == ANONYMOUS
    assert submit.headers["client-agent"].startswith("charimg:")


async def test_a_key_that_is_nobodys_is_fatal(horde: Lane) -> None:
    """A mistyped key is told before the first job."""
    with pytest.raises(FatalError, match="does not know this key"):
        await horde.generator(key="mistyped-key").open()


async def test_what_must_not_be_there_follows_three_signs(horde: Lane) -> None:
    """And signs in the user's own words do not begin it."""
    await horde.generator().generate(horde.request("a jester ### not me", negative="hats"))

    assert horde.emulator.bill.prompts == ["a jester # # # not me ### hats"]


async def test_the_status_is_asked_for_once(horde: Lane) -> None:
    """It may be asked ten times a minute; until the job is done the cheaper check serves."""
    horde.emulator.polls = 5

    await horde.generator().generate(horde.request())

    assert (horde.emulator.bill.count("check"), horde.emulator.bill.count("status")) == (5, 1)


async def test_a_full_status_window_is_waited_for(horde: Lane) -> None:
    """429 there is the poll's trouble: the job is done and stays."""
    horde.emulator.add_fault(Reply(429, {"message": "10 per 1 minute"}), "status", times=2)

    await horde.generator().generate(horde.request())

    assert len(horde.emulator.bill.made) == 1


async def test_a_picture_inside_the_answer_is_taken_too(horde: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without r2 the Horde sends base64."""
    drawn = horde.emulator._drawn
    monkeypatch.setattr(horde.emulator, "_drawn", lambda job: (job.body.__setitem__("r2", False), drawn(job))[1])

    picture = await horde.generator().generate(horde.request())

    assert inspect(picture.data).format == "webp"


@pytest.mark.parametrize(
    ("status", "body", "wanted", "wait"),
    [
        (400, {"message": "No active worker found", "rc": "NoValidWorkers"}, ThrottledError, 600),
        (400, {"message": "maintenance", "rc": "MaintenanceMode"}, ThrottledError, 60),
        (429, {"message": "Parallel requests (31) exceeded", "rc": "TooManyPrompts"}, ThrottledError, None),
        (403, {"message": "Your IP is in timeout for 42 more seconds", "rc": "TimeoutIP"}, ThrottledError, 42),
        (403, {"message": "needs kudos", "rc": "KudosUpfront"}, ExhaustedError, None),
        (400, {"message": "corrupt", "rc": "CorruptPrompt"}, RejectedError, None),
        (401, {"message": "No user", "rc": "InvalidAPIKey"}, FatalError, None),
        (403, {"message": "unsafe", "rc": "UnsafeIP"}, FatalError, None),
        (400, {"message": "size", "rc": "InvalidSize"}, InvalidRequestError, None),
        (400, {"message": "sampler", "rc": "UnsupportedSampler"}, InvalidRequestError, None),
        (400, {"message": "a new one", "rc": "SomethingNew"}, InvalidRequestError, None),
    ],
)
async def test_the_return_code_decides(
    horde: Lane, status: int, body: dict[str, str], wanted: type[ProviderError], wait: float | None
) -> None:
    """Not the status: a 400 may heal by waiting, a 403 may be about kudos."""
    horde.emulator.add_fault(Reply(status, body), "submit")

    with pytest.raises(wanted) as failed:
        await horde.generator().generate(horde.request())

    assert failed.value.wait == wait


async def test_kudos_are_explained(horde: Lane) -> None:
    """In busy hours larger pictures want kudos, and the message says what is free."""
    horde.emulator.busy = True
    await horde.generator().generate(horde.request())

    with pytest.raises(ExhaustedError, match="-o pixels="):
        await horde.generator(pixels=1_048_576).generate(horde.request())


async def test_a_job_nobody_can_draw_stands_and_waits(horde: Lane) -> None:
    """``is_possible: false`` may change; the message says how not to wait for it."""
    horde.emulator.add_fault(Reply(200, {"done": False, "faulted": False, "is_possible": False}), "check")

    with pytest.raises(ThrottledError, match="model") as failed:
        await horde.generator().generate(horde.request())

    assert (failed.value.wait, failed.value.standing) == (600, True)


async def test_a_faulted_job_is_flaky(horde: Lane) -> None:
    """A worker's fault; it is over."""
    horde.emulator.add_fault(Reply(200, {"done": False, "faulted": True}), "check")

    with pytest.raises(FlakyError) as failed:
        await horde.generator().generate(horde.request())

    assert not failed.value.standing


async def test_a_censored_picture_is_rejected(horde: Lane) -> None:
    """HTTP 200, a job that is done, and a black square."""
    with pytest.raises(RejectedError, match="safety filter"):
        await horde.generator().generate(horde.request("nsfw"))


async def test_a_reference_is_drawn_over(horde: Lane) -> None:
    """One picture, with a strength."""
    await horde.generator(strength=0.5).generate(horde.request(references=(horde.reference(),)))
    with pytest.raises(InvalidRequestError, match="one"):
        await horde.generator().generate(horde.request(references=(horde.reference("a"), horde.reference("b"))))

    body = horde.emulator.bill.made[0].body
    assert (body["source_processing"], body["params"]["denoising_strength"]) == ("img2img", 0.5)


async def test_any_model_is_no_model(horde: Lane) -> None:
    """``-o model=any`` lets whoever is free draw."""
    await horde.generator(model="any").generate(horde.request())

    assert "models" not in horde.emulator.bill.made[0].body


async def test_models_are_listed_with_their_workers(horde: Lane) -> None:
    """The most served first."""
    models = await horde.generator().models()

    assert models is not None
    assert [(model.id, model.summary.partition(",")[0]) for model in models] == [
        ("AlbedoBase XL (SDXL)", "12 workers"),
        ("Deliberate", "3 workers"),
    ]


def test_the_core_is_told_the_pace() -> None:
    """Two submits a second is what the Horde takes from one address; the scheduler keeps to it."""
    assert AiHordeGenerator.declaration.abilities.pace > 1 / 2


@given(st.integers(1, 40), st.integers(1, 40), st.integers(64 * 64, 1_048_576))
def test_sizes_fit_the_horde(width: int, height: int, pixels: int) -> None:
    """Whatever the shape: steps of 64, within the limits, never above what was allowed."""
    across, down = size_within(f"{width}:{height}", pixels)

    assert across % 64 == down % 64 == 0
    assert 64 <= across <= 3072
    assert 64 <= down <= 3072
    assert across * down <= pixels


def test_the_free_size_is_near_the_shape() -> None:
    """An upright character without kudos."""
    width, height = size_within("9:16", FREE_PIXELS)

    assert (width, height) == (384, 704)


async def test_who_is_nobody_and_not_let_in_is_told_where_keys_are(horde: Lane) -> None:
    """There is no key that could be wrong."""
    horde.emulator.add_fault(Reply(403, {"message": "Not for the anonymous.", "rc": "AnonForbidden"}), "submit")

    with pytest.raises(FatalError, match=r"get a key at \S+/register, then run: charimg keys set aihorde"):
        await horde.generator(key="").generate(horde.request())

    assert horde.emulator.bill.made == []
