"""The generator over real sockets."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
from a1111_lane import Lane, MakeLane

from charimg.errors import FatalError, InvalidRequestError, ThrottledError
from charimg.images import inspect
from charimg.model import Reference
from tests.emulators.automatic1111 import Automatic1111Emulator

SDXL = "sd_xl_base_1.0.safetensors [31e35c80fc]"
DREAM = "dreamshaper_8.safetensors [879db523c3]"


async def test_a_picture_comes_with_the_seed_and_the_checkpoint_that_drew_it(
    server: Automatic1111Emulator, lane: Lane
) -> None:
    """Without a seed the server draws one; what it says in ``info`` is what is recorded."""
    made = await lane.generator.generate(lane.request())

    (drawn,) = server.bill.made
    assert (made.seed, made.model) == (drawn.seed, "sd_xl_base_1.0")
    assert (inspect(made.data).width, inspect(made.data).height) == (768, 1344)
    assert (drawn.mode, drawn.body["seed"]) == ("txt2img", -1)


async def test_the_request_holds_what_was_asked_and_nothing_the_server_does_not_know(
    server: Automatic1111Emulator, lane_for: MakeLane
) -> None:
    """Words, seed and every setting arrive under the server's own names."""
    lane = lane_for(server.url, sampler="DPM++ 2M", scheduler="karras", steps=12, cfg_scale=1, distilled_cfg_scale=3.5)

    made = await lane.generator.generate(lane.request("a tall ferryman", negative="text, frame", seed=7))

    (drawn,) = server.bill.made
    assert made.seed == 7
    assert server.bill.ignored == set()
    assert drawn.body == {
        "prompt": "a tall ferryman",
        "negative_prompt": "text, frame",
        "width": 768,
        "height": 1344,
        "seed": 7,
        "batch_size": 1,
        "n_iter": 1,
        "send_images": True,
        "save_images": False,
        "override_settings": {},
        "steps": 12,
        "cfg_scale": 1,
        "distilled_cfg_scale": 3.5,
        "sampler_name": "DPM++ 2M",
        "scheduler": "karras",
    }


async def test_what_is_unset_is_left_to_the_server(server: Automatic1111Emulator, lane: Lane) -> None:
    """No sampler, schedule, checkpoint or Flux guidance is sent where the user named none."""
    await lane.generator.generate(lane.request())

    assert not server.bill.made[0].body.keys() & {
        "sampler_name",
        "scheduler",
        "distilled_cfg_scale",
        "denoising_strength",
    }


@pytest.mark.parametrize(
    ("ratio", "pixels", "size"),
    [
        ("1:1", 1_048_576, (1024, 1024)),
        ("16:9", 1_048_576, (1344, 768)),
        ("2:3", 393_216, (512, 768)),
        ("1:9", 4096, (64, 192)),
    ],
)
async def test_the_size_follows_the_shape_and_the_setting(
    server: Automatic1111Emulator, lane_for: MakeLane, ratio: str, pixels: int, size: tuple[int, int]
) -> None:
    """Both sides are multiples of 64, and never nothing."""
    lane = lane_for(server.url, pixels=pixels)

    await lane.generator.generate(lane.request(aspect_ratio=ratio))

    assert server.bill.made[0].size == size


# -- reference pictures ------------------------------------------------------------------------------------------------


async def test_a_reference_picture_is_what_the_drawing_begins_with(
    server: Automatic1111Emulator, lane_for: MakeLane
) -> None:
    """img2img gets the file's own bytes, cut to the shape rather than stretched, with the strength of the setting."""
    lane = lane_for(server.url, strength=0.4)
    reference = lane.picture()

    await lane.generator.generate(lane.request(references=(reference,)))

    (drawn,) = server.bill.made
    assert (drawn.mode, drawn.size) == ("img2img", (768, 1344))
    assert base64.b64decode(drawn.body["init_images"][0]) == reference.path.read_bytes()
    assert (drawn.body["denoising_strength"], drawn.body["resize_mode"]) == (0.4, 1)
    assert server.bill.ignored == set()


async def test_more_than_one_reference_is_told_before_anything_is_sent(
    server: Automatic1111Emulator, lane: Lane
) -> None:
    """img2img begins with one picture."""
    with pytest.raises(InvalidRequestError, match="2 reference pictures are too many"):
        await lane.generator.generate(lane.request(references=(lane.picture(), lane.picture("blue"))))

    assert server.bill.asked == []


async def test_a_reference_that_is_no_picture_is_told_before_anything_is_sent(
    server: Automatic1111Emulator, lane: Lane, tmp_path: Path
) -> None:
    """One line with the file's name."""
    (tmp_path / "notes.png").write_text("no picture")

    with pytest.raises(InvalidRequestError, match=r"notes\.png"):
        await lane.generator.generate(lane.request(references=(Reference(tmp_path / "notes.png"),)))

    assert server.bill.asked == []


# -- checkpoints -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [DREAM, "dreamshaper_8.safetensors", "dreamshaper_8", "DreamShaper_8", "879db523c3"])
@pytest.mark.parametrize("reference", [False, True])
async def test_a_checkpoint_goes_by_any_of_its_names(
    server: Automatic1111Emulator, lane_for: MakeLane, name: str, reference: bool
) -> None:
    """The title is what is sent, and the checkpoint stays loaded for the next picture."""
    lane = lane_for(server.url, model=name)
    await lane.generator.open()

    made = await lane.generator.generate(lane.request(references=(lane.picture(),) if reference else ()))

    assert server.bill.made[0].checkpoint == DREAM
    assert (made.model, server.loaded) == ("dreamshaper_8", DREAM)


@pytest.mark.parametrize("manner", ["refuse", "ignore"])
async def test_an_unknown_checkpoint_ends_the_run_before_it_begins(
    server: Automatic1111Emulator, lane_for: MakeLane, manner: str
) -> None:
    """Also where the server would have drawn with another one; the line names those it has."""
    server.behaviour.unknown_checkpoint = manner

    with pytest.raises(FatalError, match=r"no checkpoint 'anything'.*it has sd_xl_base_1\.0, dreamshaper_8"):
        await lane_for(server.url, model="anything").generator.open()

    assert server.bill.made == []


@pytest.mark.parametrize("model", [None, "dreamshaper_8"])
@pytest.mark.parametrize("reference", [False, True])
async def test_forge_draws_too(
    server: Automatic1111Emulator, lane_for: MakeLane, model: str | None, reference: bool
) -> None:
    """Forge wants override_settings in every request, also where there is nothing to override."""
    server.behaviour.forge = True
    lane = lane_for(server.url, model=model)
    await lane.generator.open()

    made = await lane.generator.generate(lane.request(references=(lane.picture(),) if reference else ()))

    assert made.model == (model or "sd_xl_base_1.0")


async def test_a_server_without_checkpoints_says_so(server: Automatic1111Emulator, lane_for: MakeLane) -> None:
    """An empty list is not a list of names."""
    server.behaviour.checkpoints = ()

    with pytest.raises(FatalError, match="it has none at all"):
        await lane_for(server.url, model="anything").generator.open()


async def test_a_checkpoint_that_vanishes_during_the_run_fails_its_character(
    server: Automatic1111Emulator, lane_for: MakeLane
) -> None:
    """The server's 404 about a model is no missing API."""
    lane = lane_for(server.url, model="dreamshaper_8")
    await lane.generator.open()
    server.behaviour.checkpoints = (SDXL,)

    with pytest.raises(InvalidRequestError, match=r"Model not found.*--models"):
        await lane.generator.generate(lane.request())


async def test_the_checkpoints_are_listed_by_names_that_can_be_typed(lane: Lane) -> None:
    """What ``--models`` shows is what ``-o model=`` takes."""
    listed = await lane.generator.models()

    assert [(model.id, model.summary) for model in listed] == [("sd_xl_base_1.0", SDXL), ("dreamshaper_8", DREAM)]


@pytest.mark.parametrize(
    ("settings", "words"),
    [({}, f"has 2 checkpoints; {SDXL} is loaded"), ({"model": "dreamshaper_8"}, f"has 2 checkpoints; {DREAM} draws")],
)
async def test_the_check_says_what_was_found(
    server: Automatic1111Emulator, lane_for: MakeLane, settings: dict[str, Any], words: str
) -> None:
    """Without opening anything, and without a picture."""
    said = await lane_for(server.url, **settings).generator.check()

    assert said.endswith(words)
    assert server.bill.made == []


# -- progress ----------------------------------------------------------------------------------------------------------


async def until(lane: Lane, words: str) -> None:
    """Wait for a progress of these words; a test that waits in vain ends by its time limit."""
    while not any(told == words for _, _, told in lane.told):
        await asyncio.sleep(0.005)


async def test_the_step_is_told_while_the_picture_is_drawn(server: Automatic1111Emulator, lane_for: MakeLane) -> None:
    """The progress is asked beside the open request, and told with its fraction under the character's key."""
    server.hold_at(8)
    lane = lane_for(server.url, steps=20, progress_every=0.01)

    work = asyncio.ensure_future(lane.generator.generate(lane.request()))
    await until(lane, "step 8 of 20")
    server.release()
    await work

    told = next(one for one in lane.told if one[2] == "step 8 of 20")
    assert (told[0], told[1]) == ("gopal", pytest.approx(0.41))
    assert len(server.bill.made) == 1


async def test_a_server_without_progress_draws_all_the_same(server: Automatic1111Emulator, lane_for: MakeLane) -> None:
    """What goes wrong with a look costs no picture."""
    server.hold_at(3)
    server.add_fault(500, {"error": "ValueError"}, endpoint="progress", times=99)
    lane = lane_for(server.url, progress_every=0.01)

    work = asyncio.ensure_future(lane.generator.generate(lane.request()))
    while not server.bill.paths("/sdapi/v1/progress"):
        await asyncio.sleep(0.005)
    server.release()

    assert inspect((await work).data).format == "png"
    assert lane.told == []


async def test_progress_can_be_switched_off(server: Automatic1111Emulator, lane_for: MakeLane) -> None:
    """A zero asks for nothing but the picture."""
    await lane_for(server.url, progress_every=0.0).generator.generate(lane_for(server.url).request())

    assert [one.path for one in server.bill.asked] == ["/sdapi/v1/txt2img"]


async def test_a_call_that_is_broken_off_leaves_nothing_behind_and_stops_nobody(
    server: Automatic1111Emulator, lane_for: MakeLane
) -> None:
    """Request and looks end with the call; the server's interrupt, which may hit another's picture, is not used."""
    server.hold_at(3)
    lane = lane_for(server.url, progress_every=0.01)
    work = asyncio.ensure_future(lane.generator.generate(lane.request()))
    await until(lane, "step 3 of 25")
    before = asyncio.all_tasks()

    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work

    ours = [task for task in asyncio.all_tasks() & before if "charimg" in str(task.get_coro()) and not task.done()]
    assert ours == []
    assert server.bill.interrupts == 0


# -- the way to the server ---------------------------------------------------------------------------------------------


async def test_the_login_is_sent_with_every_request(server: Automatic1111Emulator, lane_for: MakeLane) -> None:
    """Also while looking for the progress."""
    server.behaviour.auth = ("ann", "pässword with: colon")
    server.hold_at(2)
    lane = lane_for(server.url, "ann", "pässword with: colon", progress_every=0.01)

    await lane.generator.open()
    work = asyncio.ensure_future(lane.generator.generate(lane.request()))
    await until(lane, "step 2 of 25")
    server.release()
    await work

    assert {(one.user, one.status) for one in server.bill.asked} == {("ann", 200)}


@pytest.mark.parametrize(
    ("user", "password", "variable", "remedy"),
    [
        ("ann", "wrong", None, "check the setting user, or run: charimg keys set automatic1111"),
        ("ann", "wrong", "THE_PASSWORD", "check the setting user, or correct THE_PASSWORD in the environment"),
        (None, None, None, "with -o user=..., and the password; run: charimg keys set automatic1111"),
    ],
)
async def test_a_wrong_or_missing_login_is_told_before_a_picture_is_asked_for(
    server: Automatic1111Emulator,
    lane_for: MakeLane,
    user: str | None,
    password: str | None,
    variable: str | None,
    remedy: str,
) -> None:
    """The lane does not open, and the line says how to set the login."""
    server.behaviour.auth = ("ann", "secret")

    with pytest.raises(FatalError) as failed:
        await lane_for(server.url, user, password, variable).generator.open()

    assert failed.value.message.endswith(remedy)


@pytest.mark.parametrize(("user", "password", "missing"), [("ann", None, "password"), (None, "secret", "user")])
async def test_half_a_login_is_told(lane_for: MakeLane, user: str | None, password: str | None, missing: str) -> None:
    """Both or none."""
    with pytest.raises(FatalError, match=f"set the {missing} too[,;]"):
        lane_for("http://127.0.0.1:7860", user, password)


async def test_a_server_without_its_api_says_how_to_start_it(server: Automatic1111Emulator, lane: Lane) -> None:
    """In open, in the check and in the middle of a run."""
    server.behaviour.api = False

    for call in (lane.generator.open(), lane.generator.check(), lane.generator.generate(lane.request())):
        with pytest.raises(FatalError, match="start the server with --api"):
            await call


async def test_a_web_page_in_place_of_the_api_is_told_as_such(
    server: Automatic1111Emulator, lane_for: MakeLane
) -> None:
    """A wrong prefix leads to somebody's page with status 200; the prefix of the setting is kept."""
    with pytest.raises(FatalError, match="not at /sdapi"):
        await lane_for(f"{server.url}/gpu/").generator.open()

    assert server.bill.asked[0].path == "/gpu/sdapi/v1/sd-models"


async def test_a_server_that_is_not_there_is_told_as_unreachable(
    lane_for: MakeLane, server: Automatic1111Emulator
) -> None:
    """Nobody listens at the port: in open, in the check and in the middle of a run the line says what to start."""
    async with Automatic1111Emulator() as gone:
        lane = lane_for(gone.url)

    for call in (lane.generator.open(), lane.generator.check(), lane.generator.generate(lane.request())):
        with pytest.raises(ThrottledError, match=r"; start AUTOMATIC1111 with --api, or set base_url$") as failed:
            await call

        assert (failed.value.unreachable, failed.value.possibly_charged) == (True, False)


async def test_a_server_that_dies_while_it_draws_is_not_told_to_be_off(
    server: Automatic1111Emulator, lane: Lane
) -> None:
    """The picture may have been drawn: whether the server is to be started is not known."""
    server.add_fault("drop")

    with pytest.raises(ThrottledError) as failed:
        await lane.generator.generate(lane.request())

    assert failed.value.possibly_charged
    assert "base_url" not in failed.value.message


async def test_requests_of_two_lanes_wait_for_each_other_at_the_server(
    server: Automatic1111Emulator, lane_for: MakeLane
) -> None:
    """The server's one lock makes both wait their turn; both get their own picture."""
    lanes = [lane_for(server.url), lane_for(server.url)]

    first, second = await asyncio.gather(
        *(lane.generator.generate(lane.request(f"jester {number}")) for number, lane in enumerate(lanes))
    )

    assert first.data != second.data
    assert sorted(one.prompt for one in server.bill.made) == ["jester 0", "jester 1"]
