"""The generator ``comfyui`` against the emulator: what is queued, what comes back, what is told on the way."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest
from comfy_lane import Lane, MakeLane, asked_often, own, until
from PIL import Image

from charimg.errors import FatalError, FlakyError, InputError, InvalidRequestError, ThrottledError
from charimg.polling import LostTicketError
from tests.emulators.comfyui import ComfyEmulator


async def test_a_character_is_drawn_by_the_default_workflow(comfy: ComfyEmulator, lane: Lane) -> None:
    """Words, seed and shape go in; the first checkpoint is taken; what was used comes back with the picture."""
    await lane.generator.open()
    image = await lane.generator.generate(lane.request(negative="fog", seed=7, aspect_ratio="9:16"))
    drawing = comfy.bill.drawing_of(image.data)
    queued = comfy.bill.queued[0]
    width, height = Image.open(io.BytesIO(image.data)).size

    assert (drawing.prompt, drawing.negative, drawing.seed) == ("a jester", "fog", 7)
    assert (image.seed, image.model, image.request_id) == (7, "dreamshaper_8.safetensors", queued.prompt_id)
    assert (width, height) == (96, 160)
    assert queued.graph["save"]["inputs"]["filename_prefix"] == "charimg/gopal-a1b2c3d4"
    assert lane.tickets == [queued.prompt_id]
    assert (comfy.bill.odd, comfy.bill.count("POST", "/prompt")) == ([], 1)


async def test_without_wishes_the_workflow_keeps_its_own(comfy: ComfyEmulator, lane_for: MakeLane) -> None:
    """No negative, no pixels: the default workflow's; the seed is drawn from the attempt."""
    lane = lane_for(comfy.url, pixels=None, inputs="Sampler.steps=2")
    one = await lane.generator.generate(lane.request(attempt="one", aspect_ratio="16:9"))
    two = await lane.generator.generate(lane.request(attempt="two", aspect_ratio="16:9"))
    drawing = comfy.bill.drawing_of(one.data)

    assert drawing.size == (1344, 768)
    assert (drawing.steps, "watermark" in drawing.negative) == (2, True)
    assert one.seed != two.seed


async def test_the_chosen_checkpoint_is_used(comfy: ComfyEmulator, lane_for: MakeLane) -> None:
    """The setting wins over the server's first."""
    lane = lane_for(comfy.url, model="sd_xl_base_1.0.safetensors")
    image = await lane.generator.generate(lane.request())

    assert image.model == comfy.bill.drawings[0].checkpoint == "sd_xl_base_1.0.safetensors"
    assert comfy.bill.count("GET", "/object_info/CheckpointLoaderSimple") == 0


async def test_a_missing_checkpoint_is_named(comfy: ComfyEmulator, lane_for: MakeLane) -> None:
    """The server's words say which, and the message where the others are listed."""
    lane = lane_for(comfy.url, model="gone.safetensors")
    with pytest.raises(InvalidRequestError) as caught:
        await lane.generator.generate(lane.request())

    assert "'gone.safetensors' not in" in caught.value.message
    assert "providers show comfyui --models" in caught.value.message


@pytest.mark.parametrize("style", ["classic", "combo"])
async def test_models_are_the_checkpoints(comfy: ComfyEmulator, lane: Lane, style: str) -> None:
    """In both notations, without open and without queueing anything."""
    comfy.behaviour.combos = style
    models = await lane.generator.models()

    assert [model.id for model in models] == list(comfy.behaviour.checkpoints)
    assert comfy.bill.queued == []


async def test_a_server_without_checkpoints_is_fatal(comfy: ComfyEmulator, lane: Lane) -> None:
    """It is told where one belongs, and nothing is queued."""
    comfy.behaviour.checkpoints = ()
    with pytest.raises(FatalError, match="models/checkpoints"):
        await lane.generator.generate(lane.request())

    assert comfy.bill.queued == []


@pytest.mark.parametrize(
    ("gpu", "words"),
    [
        (
            "cuda:0 NVIDIA GeForce RTX 4070 : cudaMallocAsync",
            "ComfyUI 0.3.64 on NVIDIA GeForce RTX 4070, 9.0 of 12.0 GB free",
        ),
        ("cpu", "ComfyUI 0.3.64 on the processor (no graphics card)"),
        ("mps", "ComfyUI 0.3.64 on mps, 9.0 of 12.0 GB free"),
    ],
)
async def test_check_tells_version_and_card(comfy: ComfyEmulator, lane: Lane, gpu: str, words: str) -> None:
    """In words, from generator and uploader alike."""
    comfy.behaviour.gpu = gpu

    assert await lane.generator.check() == await lane.uploader.check() == words


# -- the user's own workflow ----------------------------------------------------------------------------------------


async def test_an_ordinary_workflow_needs_no_titles(comfy: ComfyEmulator, lane_for: MakeLane) -> None:
    """One sampler: its links lead to both texts and to the size; the area, checkpoint and file name stay the user's."""
    lane = lane_for(comfy.url, graph=own(), pixels=None)
    await lane.generator.open()
    image = await lane.generator.generate(lane.request(negative="fog", seed=5, aspect_ratio="4:1"))
    drawing = comfy.bill.drawing_of(image.data)

    assert (drawing.prompt, drawing.negative, drawing.seed, drawing.size) == ("a jester", "fog", 5, (384, 96))
    assert comfy.bill.queued[0].graph["9"]["inputs"]["filename_prefix"] == "mine"
    assert comfy.bill.count("GET", "/object_info/CheckpointLoaderSimple") == 0


async def test_titles_say_where_things_go(comfy: ComfyEmulator, lane_for: MakeLane) -> None:
    """Nodes that only hold a value take it too, and the wanted output's picture is the one."""
    graph = own(
        {"20": "My words (charimg:prompt)", "21": "charimg:width", "22": "charimg:height", "24": "charimg:output"},
        n20={"class_type": "PrimitiveStringMultiline", "inputs": {"value": ""}},
        n21={"class_type": "PrimitiveInt", "inputs": {"value": 128}},
        n22={"class_type": "PrimitiveInt", "inputs": {"value": 128}},
        n23={"class_type": "PreviewImage", "inputs": {"images": ["8", 0]}},
        n24={"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "wanted"}},
    )
    graph["6"]["inputs"]["text"] = ["20", 0]
    graph["5"]["inputs"].update(width=["21", 0], height=["22", 0])
    lane = lane_for(comfy.url, graph=graph, pixels=None)
    image = await lane.generator.generate(lane.request("a fishwife"))
    drawing = comfy.bill.drawing_of(image.data)
    seen = [one for one in comfy.bill.requests if one.path == "/view"]

    assert (drawing.prompt, drawing.size, len(seen)) == ("a fishwife", (128, 128), 1)
    assert comfy.bill.count("GET", "/view") == 1


async def test_settings_say_where_things_go(comfy: ComfyEmulator, lane_for: MakeLane) -> None:
    """They win over links, by id or by title."""
    graph = own({"7": "Other words"})
    lane = lane_for(comfy.url, graph=graph, prompt_slot="Other words.text", negative_slot="6", size_slot="none")
    image = await lane.generator.generate(lane.request("a fishwife", negative="fog"))
    drawing = comfy.bill.drawing_of(image.data)

    assert (drawing.negative, drawing.prompt, drawing.size) == ("a fishwife", "fog", (192, 192))


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        ({"nodes": [], "links": [], "version": 0.4}, "Workflow > Export (API)"),
        ({"3": {"type": "KSampler", "widgets_values": [1]}}, "no class_type"),
        ({}, "holds no nodes"),
        ([], "holds no nodes"),
        ("not json", "is not JSON"),
        ({"1": {"class_type": "KSampler", "inputs": [1, 2]}}, "have no names"),
        (own({"6": "charimg:promt"}), "'charimg:promt'; known are prompt, negative, seed"),
        (own({"9": "charimg:prompt.words"}), "has no input 'words'; it has filename_prefix, images"),
        (own({"8": "charimg:prompt"}), "no input of its own for the prompt"),
        ({"9": own()["9"]}, "no place for the prompt: title a node 'charimg:prompt'"),
    ],
)
async def test_a_workflow_that_cannot_be_used_is_told_in_a_line(
    comfy: ComfyEmulator, lane_for: MakeLane, graph: Any, words: str
) -> None:
    """At the start, with the remedy, and before anything is sent."""
    lane = lane_for(comfy.url, graph=graph)
    with pytest.raises(InputError) as caught:
        await lane.generator.open()

    assert words in str(caught.value)
    assert ("mine.json" in str(caught.value), "\n" in str(caught.value), comfy.bill.requests) == (True, False, [])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"workflow": "gone.json"}, "cannot be read: No such file"),
        ({"prompt_slot": "99.text"}, "has no such node; it has 3 'KSampler', 4"),
        ({"prompt_slot": "6.words"}, "has no input 'words'; it has clip, text"),
        ({"inputs": "3.steps"}, "not of the form NODE.INPUT=VALUE"),
        ({"inputs": "3.stepps=3"}, "has no input 'stepps'"),
        ({"inputs": "Sampler.steps=3"}, "has no node 'Sampler'"),
        ({"user": "me"}, "user and password; run: charimg keys set comfyui password"),
    ],
)
async def test_a_wrong_setting_is_told_in_a_line(
    comfy: ComfyEmulator, lane_for: MakeLane, settings: dict[str, str], words: str
) -> None:
    """At the start, and before anything is sent."""
    lane = lane_for(comfy.url, graph=own(), **settings)
    with pytest.raises(InputError) as caught:
        await lane.generator.open()

    assert words in str(caught.value)
    assert comfy.bill.requests == []


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"negative": "fog"}, "no place for the negative"),
        ({"seed": 3}, "no place for the seed"),
        ({}, "no place for the width"),
    ],
)
async def test_a_wish_without_a_place_fails_that_character(
    comfy: ComfyEmulator, lane_for: MakeLane, wish: dict[str, Any], words: str
) -> None:
    """What cannot be done is said rather than left out, with both remedies."""
    slots = {"prompt_slot": "6.text", "size_slot": "none" if wish else None}
    graph = own(n30=own()["3"])  # two samplers: nothing can be guessed
    lane = lane_for(comfy.url, graph=graph, **slots)
    with pytest.raises(InvalidRequestError) as caught:
        await lane.generator.generate(lane.request(**wish))

    assert words in caught.value.message
    assert "_slot=none goes without" in caught.value.message
    assert comfy.bill.queued == []


async def test_what_is_none_is_left_out(comfy: ComfyEmulator, lane_for: MakeLane) -> None:
    """The user may say that the workflow has no such place."""
    slots = {f"{slot}_slot": "none" for slot in ("negative", "seed", "size", "reference")}
    lane = lane_for(comfy.url, graph=own(), **slots)
    wishes = {"negative": "fog", "seed": 3, "references": (lane.reference(),)}
    image = await lane.generator.generate(lane.request(**wishes))
    drawing = comfy.bill.drawing_of(image.data)

    assert (drawing.negative, drawing.seed, drawing.size) == ("my dislikes", 1, (192, 192))
    assert (image.seed, comfy.bill.uploads) == (None, [])


# -- references -----------------------------------------------------------------------------------------------------


async def test_a_reference_is_uploaded_and_drawn_from(comfy: ComfyEmulator, lane: Lane) -> None:
    """The default workflow starts from it; the name is the one the server gave."""
    reference = lane.reference()
    for key in ("gopal", "raja"):
        image = await lane.generator.generate(lane.request(key=key, attempt=key, references=(reference,)))
    drawing = comfy.bill.drawing_of(image.data)
    names = [name for kind, folder, name in comfy.worker.files if (kind, folder) == ("input", "charimg")]

    assert drawing.references == (f"charimg/{names[0]}",)
    assert (len(names), drawing.size) == (1, (128, 128))


async def test_references_go_to_their_numbers(comfy: ComfyEmulator, lane_for: MakeLane) -> None:
    """Two pictures into two places, in the roster's order; a third has none."""
    load = {"class_type": "LoadImage", "inputs": {"image": "example.png"}}
    graph = own(
        {"21": "charimg:reference2", "20": "charimg:reference"}, n20=load, n21=dict(load, inputs={"image": "x"})
    )
    lane = lane_for(comfy.url, graph=graph)
    red, blue, green = (lane.reference(f"{colour}.png", colour) for colour in ("red", "blue", "green"))
    await lane.generator.generate(lane.request(references=(red, blue)))
    sent = comfy.bill.queued[0].graph
    with pytest.raises(InvalidRequestError, match=r"3 reference pictures, but .* 2 places: .*'charimg:reference3'"):
        await lane.generator.generate(lane.request(references=(red, blue, green)))

    assert [sent[id_]["inputs"]["image"].removeprefix("charimg/") for id_ in ("20", "21")] == comfy.bill.uploads[:2]


async def test_a_reference_that_is_no_picture_is_named(comfy: ComfyEmulator, lane: Lane) -> None:
    """The file is told, and nothing is sent."""
    reference = lane.reference()
    reference.path.write_text("not a picture")
    with pytest.raises(InvalidRequestError, match=r"face\.png"):
        await lane.generator.generate(lane.request(references=(reference,)))

    assert comfy.bill.requests == []


# -- progress, and several at once ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["progress", "progress_state", "both"])
async def test_the_steps_are_told(comfy: ComfyEmulator, lane_for: MakeLane, kind: str) -> None:
    """Each step once, with its fraction, whichever messages the server has."""
    comfy.behaviour.progress = kind
    comfy.worker.may_run.clear()
    lane = lane_for(comfy.url, graph=own({"8": "Decoding"}))
    drawing = asyncio.ensure_future(lane.generator.generate(lane.request()))
    await until(comfy, lambda: bool(comfy.worker.running) and comfy.bill.sockets == 1)
    await asked_often(comfy, "GET", "/queue", 2)
    comfy.worker.may_run.set()
    await drawing
    steps = [(fraction, words) for _, fraction, words in lane.told if words.startswith("step")]

    assert steps == [(1 / 3, "step 1 of 3"), (2 / 3, "step 2 of 3"), (1.0, "step 3 of 3")]
    assert "Decoding" in lane.words()


async def test_a_batch_waits_in_the_servers_queue(comfy: ComfyEmulator, lane: Lane) -> None:
    """Five at once are drawn one after the other, over one websocket, and each knows its place."""
    comfy.worker.may_run.clear()
    keys = ["a", "b", "c", "d", "e"]
    drawing = [
        asyncio.ensure_future(lane.generator.generate(lane.request(f"prompt {key}", key=key, attempt=key)))
        for key in keys
    ]
    await until(comfy, lambda: comfy.worker.remaining == 5)
    await asked_often(comfy, "GET", "/queue", 15)
    comfy.worker.may_run.set()
    images = await asyncio.gather(*drawing)
    places = {words for _, _, words in lane.told if "queue" in words}

    assert [comfy.bill.drawing_of(image.data).prompt for image in images] == [f"prompt {key}" for key in keys]
    assert places >= {"next in the queue", "2nd in the queue", "3rd in the queue", "4th in the queue"}
    assert (comfy.bill.sockets, len(comfy.bill.drawings)) == (1, 5)


@pytest.mark.parametrize("websocket", ["refused", "dropping"])
async def test_polling_alone_will_do(comfy: ComfyEmulator, lane: Lane, websocket: str) -> None:
    """A proxy that lets no websocket through, or loses it, costs nothing but the steps."""
    comfy.behaviour.websocket = websocket
    images = [await lane.generator.generate(lane.request(attempt=attempt)) for attempt in ("one", "two")]

    assert len({comfy.bill.drawing_of(image.data).sha256 for image in images}) == 2


async def test_garbage_over_the_websocket_is_harmless(comfy: ComfyEmulator, lane: Lane) -> None:
    """What is no message of the server is passed over."""
    comfy.worker.may_run.clear()
    drawing = asyncio.ensure_future(lane.generator.generate(lane.request()))
    await until(comfy, lambda: bool(comfy.worker.running) and comfy.bill.sockets == 1)
    prompt_id = comfy.worker.running[0][1]
    for event, data in (
        ("progress", {"prompt_id": prompt_id, "value": "x", "max": None}),
        ("progress", {"prompt_id": prompt_id, "value": 9, "max": 3}),
        ("executing", {"prompt_id": prompt_id, "node": ["x"]}),
        ("progress_state", {"prompt_id": prompt_id, "nodes": {"3": 4}}),
        ("progress", {"prompt_id": "another", "value": 1, "max": 3}),
        ("odd", {"prompt_id": prompt_id}),
    ):
        await comfy.sockets.tell(event, data)
    for text in ("{", "[]", '{"type": 1, "data": []}'):
        await comfy.sockets._send(text, None)
    comfy.worker.may_run.set()

    assert comfy.bill.drawing_of((await drawing).data).prompt == "a jester"


async def test_two_servers_are_two_lanes(lane_for: MakeLane) -> None:
    """Each has its own queue, its own client id and its own pictures."""
    async with ComfyEmulator() as one, ComfyEmulator() as two:
        lanes = [lane_for(one.url, lane="one"), lane_for(two.url, lane="two")]
        images = await asyncio.gather(*(lane.generator.generate(lane.request(lane.context.lane)) for lane in lanes))

        assert [one.bill.drawing_of(images[0].data).prompt, two.bill.drawing_of(images[1].data).prompt] == [
            "one",
            "two",
        ]
        assert one.bill.queued[0].client_id != two.bill.queued[0].client_id


async def test_the_time_out_waits_for_its_turn(comfy: ComfyEmulator, lane_for: MakeLane) -> None:
    """A job behind another one is not late; one that runs for too long is stopped, and no other."""
    lane = lane_for(comfy.url, timeout=0.02)
    other = lane_for(comfy.url, timeout=900.0)
    comfy.worker.may_run.clear()
    first = asyncio.ensure_future(other.generator.generate(other.request(key="first")))
    await until(comfy, lambda: comfy.worker.remaining == 1)
    late = asyncio.ensure_future(lane.generator.generate(lane.request("late")))
    await until(comfy, lambda: comfy.worker.remaining == 2)
    await asked_often(comfy, "GET", "/queue", 30)
    waited = not late.done()
    comfy.worker.hold_between = True
    comfy.worker.may_run.set()
    await first
    with pytest.raises(InvalidRequestError, match=r"ran for more than 0\.02 seconds"):
        await late

    assert waited
    assert comfy.bill.interrupts == [comfy.bill.queued[1].prompt_id]


# -- trouble with a job ---------------------------------------------------------------------------------------------


async def test_a_full_memory_is_freed(comfy: ComfyEmulator, lane: Lane) -> None:
    """The job is flaky, the server unloads its models, and the next try succeeds."""
    comfy.add_fault("run", "oom")
    with pytest.raises(FlakyError, match="graphics memory is full") as caught:
        await lane.generator.generate(lane.request())
    image = await lane.generator.generate(lane.request())

    assert (caught.value.standing, comfy.bill.freed) == (False, 1)
    assert comfy.bill.drawing_of(image.data)


async def test_a_failing_node_is_named(comfy: ComfyEmulator, lane: Lane) -> None:
    """The server's own words, and no second try: the same graph fails again."""
    comfy.add_fault("run", "error")
    with pytest.raises(InvalidRequestError, match=r"failed at node sampler \(KSampler\): mat1 and mat2") as caught:
        await lane.generator.generate(lane.request())

    assert (caught.value.standing, comfy.bill.freed) == (False, 0)


async def test_an_interruption_leaves_the_character_for_later(comfy: ComfyEmulator, lane: Lane) -> None:
    """Whoever pressed Cancel did not mean that the picture is not wanted."""
    comfy.add_fault("run", "interrupt")
    with pytest.raises(ThrottledError, match="interrupted at the server") as caught:
        await lane.generator.generate(lane.request())

    assert caught.value.standing is False


async def test_an_end_without_a_picture_is_flaky(comfy: ComfyEmulator, lane: Lane) -> None:
    """It says what is missing."""
    comfy.add_fault("run", "empty")
    with pytest.raises(FlakyError, match="without a picture"):
        await lane.generator.generate(lane.request())


async def test_a_lost_file_is_drawn_anew(comfy: ComfyEmulator, lane: Lane) -> None:
    """The job is over; another try writes another file, though the graph is the same."""
    comfy.add_fault("run", "lose")
    with pytest.raises(FlakyError, match="lost the picture's file") as caught:
        await lane.generator.generate(lane.request(seed=4, attempt="one"))
    image = await lane.generator.generate(lane.request(seed=4, attempt="two"))

    assert caught.value.standing is False
    assert (comfy.bill.drawing_of(image.data).seed, len(comfy.bill.drawings)) == (4, 1)


async def test_a_picture_that_cannot_be_fetched_yet_stands(comfy: ComfyEmulator, lane: Lane) -> None:
    """The next try fetches it and queues nothing."""
    comfy.add_fault("view", "drop", times=6)
    with pytest.raises(ThrottledError) as caught:
        await lane.generator.generate(lane.request())
    image = await lane.generator.generate(lane.request(ticket=lane.tickets[-1]))

    assert caught.value.standing is True
    assert (comfy.bill.drawing_of(image.data).prompt, len(comfy.bill.queued)) == ("a jester", 1)


async def test_a_stranger_at_the_address_is_told(lane_for: MakeLane, comfy: ComfyEmulator) -> None:
    """A wrong prefix reaches something that is no ComfyUI."""
    lane = lane_for(comfy.url + "/wrong")
    with pytest.raises(FatalError, match="check the setting base_url"):
        await lane.generator.generate(lane.request())
    with pytest.raises(FatalError, match="check the setting base_url"):
        await lane.generator.check()


async def test_a_server_that_is_away_is_throttled(lane_for: MakeLane) -> None:
    """The core's policy waits for it; nothing stands, and the line says what to start."""
    async with ComfyEmulator() as comfy:
        lane = lane_for(comfy.url)
    for call in (lane.generator.open(), lane.generator.check(), lane.uploader.upload(lane.saved())):
        with pytest.raises(ThrottledError, match=r"; start ComfyUI, or set base_url$"):
            await call
    with pytest.raises(ThrottledError, match=r"; start ComfyUI, or set base_url$") as caught:
        await lane.generator.generate(lane.request())

    assert (caught.value.unreachable, caught.value.standing, lane.tickets) == (True, False, [])


async def test_cancelling_leaves_the_job_at_the_server(comfy: ComfyEmulator, lane: Lane, lane_for: MakeLane) -> None:
    """A run that is broken off loses nothing: the next one asks for what was queued."""
    comfy.worker.may_run.clear()
    drawing = asyncio.ensure_future(lane.generator.generate(lane.request()))
    await until(comfy, lambda: bool(comfy.worker.running))
    await asked_often(comfy, "GET", "/queue", 1)
    drawing.cancel()
    await asyncio.wait({drawing})
    await lane.generator.close()
    comfy.worker.may_run.set()
    later = lane_for(comfy.url)
    image = await later.generator.generate(later.request(attempt="later", ticket=lane.tickets[-1]))

    assert drawing.cancelled()
    assert (comfy.bill.drawing_of(image.data).prompt, len(comfy.bill.queued)) == ("a jester", 1)
    assert image.seed == comfy.bill.drawings[0].seed
    assert comfy.bill.interrupts == []


async def test_an_unknown_ticket_is_lost(comfy: ComfyEmulator, lane: Lane) -> None:
    """The core then hands the job in anew."""
    with pytest.raises(LostTicketError) as caught:
        await lane.generator.generate(lane.request(ticket="11111111-2222-4333-8444-555555555555"))

    assert (caught.value.standing, caught.value.possibly_charged) == (False, False)
    assert comfy.bill.queued == []
