"""The emulated ComfyUI: what it refuses, how it queues and runs, and what it forgets."""

from __future__ import annotations

import asyncio
import base64
import copy
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from PIL import Image

from .comfyui import ComfyEmulator, json_reply

GRAPH: dict[str, Any] = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 42,
            "steps": 4,
            "cfg": 8,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1,
            "model": ["4", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "dreamshaper_8.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 128, "height": 192, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["4", 1], "text": "a jester"}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["4", 1], "text": "blurry"}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]}},
}
"""The project's own example, made small."""

ID = "11111111-2222-4333-8444-555555555555"


class Client:
    """A few requests, as a page would make them."""

    def __init__(self, comfy: ComfyEmulator, session: aiohttp.ClientSession) -> None:
        self.comfy = comfy
        self.session = session

    async def get(self, path: str) -> Any:
        async with self.session.get(self.comfy.url + path) as answer:
            return await answer.json()

    async def post(self, path: str, document: Any) -> tuple[int, Any]:
        async with self.session.post(self.comfy.url + path, json=document) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def queue(self, graph: dict[str, Any], **rest: Any) -> str:
        status, told = await self.post("/prompt", {"prompt": graph, **rest})
        assert status == 200, told
        return str(told["prompt_id"])

    async def finished(self, prompt_id: str) -> dict[str, Any]:
        worker = self.comfy.worker
        async with worker.changed:
            await asyncio.wait_for(worker.changed.wait_for(lambda: prompt_id in worker.history), 10)
        entry: dict[str, Any] = (await self.get(f"/history/{prompt_id}"))[prompt_id]
        return entry


@pytest.fixture
async def comfy() -> AsyncIterator[ComfyEmulator]:
    async with ComfyEmulator() as emulator:
        yield emulator


@pytest.fixture
async def client(comfy: ComfyEmulator) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(comfy, session)


def graph(**inputs: Any) -> dict[str, Any]:
    """The example with some inputs changed: ``graph(n6_text="a fishwife")``."""
    changed = copy.deepcopy(GRAPH)
    for name, value in inputs.items():
        node, _, input_ = name[1:].partition("_")
        changed[node]["inputs"][input_] = value
    return changed


async def test_a_graph_becomes_a_picture(client: Client) -> None:
    """What is queued is drawn from its words, seed, size and checkpoint, and can be fetched."""
    entry = await client.finished(await client.queue(GRAPH, prompt_id=ID))
    file = entry["outputs"]["9"]["images"][0]
    async with client.session.get(client.comfy.url + "/view", params=file) as answer:
        picture = await answer.read()
    drawing = client.comfy.bill.drawing_of(picture)

    assert (file["filename"], file["type"]) == ("ComfyUI_00001_.png", "output")
    assert Image.open(io.BytesIO(picture)).size == (128, 192)
    assert (drawing.prompt_id, drawing.prompt, drawing.negative, drawing.seed, drawing.checkpoint) == (
        ID,
        "a jester",
        "blurry",
        42,
        "dreamshaper_8.safetensors",
    )


async def test_an_unchanged_graph_is_not_drawn_again(client: Client) -> None:
    """The second run comes from the cache, and has its pictures all the same."""
    first = await client.finished(await client.queue(GRAPH))
    second = await client.finished(await client.queue(GRAPH))
    cached = dict(second["status"]["messages"])["execution_cached"]["nodes"]

    assert second["outputs"] == first["outputs"]
    assert (sorted(cached), len(client.comfy.bill.drawings)) == (sorted(GRAPH), 1)


@pytest.mark.parametrize(
    ("changed", "kind", "details"),
    [
        (graph(n4_ckpt_name="x.safetensors"), "value_not_in_list", "ckpt_name: 'x.safetensors' not in ["),
        (graph(n3_steps=0), "value_smaller_than_min", "steps"),
        (graph(n5_width=99999), "value_bigger_than_max", "width"),
        (graph(n3_seed="many"), "invalid_input_type", "seed, many"),
        (graph(n3_positive=["5", 0]), "return_type_mismatch", "positive, received_type(LATENT)"),
        (graph(n9_images=["8"]), "bad_linked_input", "images"),
        (graph(n3_model=["99", 0]), "exception_during_validation", "99"),
    ],
)
async def test_a_wrong_graph_is_refused(client: Client, changed: dict[str, Any], kind: str, details: str) -> None:
    """The node and the reason are named, as the server does, and nothing is queued."""
    status, told = await client.post("/prompt", {"prompt": changed})
    errors = [error for node in told["node_errors"].values() for error in node["errors"]]

    assert (status, told["error"]["type"]) == (400, "prompt_outputs_failed_validation")
    assert [error["type"] for error in errors] == [kind]
    assert errors[0]["details"].startswith(details) or details in errors[0]["details"]
    assert client.comfy.bill.queued == []


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({}, "no_prompt"),
        ({"prompt": {}}, "prompt_no_outputs"),
        ({"prompt": {"1": {"inputs": {}}}}, "invalid_prompt"),
        ({"prompt": {"1": {"class_type": "FancyNode", "inputs": {}}}}, "invalid_prompt"),
        ({"prompt": GRAPH, "prompt_id": "NOT-A-UUID"}, "invalid_prompt_id"),
    ],
)
async def test_what_is_no_graph_is_refused(client: Client, document: dict[str, Any], kind: str) -> None:
    """Each with the server's own code."""
    status, told = await client.post("/prompt", document)

    assert (status, told["error"]["type"]) == (400, kind)


async def test_a_missing_input_is_named(client: Client) -> None:
    """A required input that is not there is told by its name."""
    wrong = graph()
    del wrong["6"]["inputs"]["text"]
    _, told = await client.post("/prompt", {"prompt": wrong})

    assert told["node_errors"]["6"]["errors"][0]["details"] == "text"
    assert told["node_errors"]["6"]["dependent_outputs"] == ["9"]


async def test_a_picture_that_is_not_there_cannot_be_loaded(client: Client) -> None:
    """Load Image looks for its file when the graph is checked."""
    wrong = graph(n8_samples=["3", 0])
    wrong["20"] = {"class_type": "LoadImage", "inputs": {"image": "gone.png"}}
    wrong["9"]["inputs"]["images"] = ["20", 0]
    _, told = await client.post("/prompt", {"prompt": wrong})

    assert told["node_errors"]["20"]["errors"][0]["details"] == "image - Invalid image file: gone.png"


async def test_one_job_runs_at_a_time(client: Client) -> None:
    """The others wait in the order of their numbers; what is put in front goes first."""
    client.comfy.worker.may_run.clear()
    ids = [await client.queue(graph(n6_text=f"{number}")) for number in range(3)]
    hurried = await client.queue(graph(n6_text="hurried"), front=True)
    told = await client.get("/queue")
    client.comfy.worker.may_run.set()
    await client.finished(ids[2])

    assert [item[1] for item in told["queue_running"]] == ids[:1]
    assert [item[1] for item in told["queue_pending"]] == [hurried, *ids[1:]]
    assert [one.prompt for one in client.comfy.bill.drawings] == ["0", "hurried", "1", "2"]


async def test_the_websocket_tells_every_step(client: Client) -> None:
    """Status, start, nodes, steps with previews, end, in the server's order; others hear the status only."""
    heard: list[Any] = []
    url = client.comfy.url
    async with (
        client.session.ws_connect(f"{url}/ws?clientId=mine") as mine,
        client.session.ws_connect(f"{url}/ws") as other,
    ):
        prompt_id = await client.queue(GRAPH, client_id="mine")
        while not heard or heard[-1] != ("executing", None):
            message = await mine.receive(timeout=10)
            if message.type is aiohttp.WSMsgType.BINARY:
                heard.append(("preview", message.data[:8]))
                continue
            told = json.loads(message.data)
            heard.append((told["type"], told["data"].get("node", told["data"].get("value"))))
        await client.finished(prompt_id)
        await client.comfy.sockets.tell("over", {})
        strange = set()
        while "over" not in strange:
            strange.add(json.loads((await other.receive(timeout=10)).data)["type"])
    kinds = [kind for kind, _ in heard if kind != "status"]

    assert kinds[:2] == ["execution_start", "execution_cached"]
    assert kinds[-4:] == ["executing", "executed", "execution_success", "executing"]
    assert [value for kind, value in heard if kind == "preview"] == [b"\x00\x00\x00\x01\x00\x00\x00\x01"] * 4
    assert (kinds.count("progress"), kinds.count("progress_state")) == (4, 4)
    assert strange == {"status", "over"}


async def test_an_interruption_stops_the_job_that_is_meant(client: Client) -> None:
    """With another's id nothing happens; with the right one the job ends as interrupted."""
    client.comfy.worker.may_run.clear()
    prompt_id = await client.queue(GRAPH)
    await client.post("/interrupt", {"prompt_id": ID})
    still = (await client.get("/queue"))["queue_running"]
    await client.post("/interrupt", {"prompt_id": prompt_id})
    entry = await client.finished(prompt_id)

    assert [item[1] for item in still] == [prompt_id]
    assert (entry["status"]["status_str"], entry["status"]["messages"][-1][0]) == ("error", "execution_interrupted")


async def test_a_waiting_job_can_be_deleted(client: Client) -> None:
    """It is never run."""
    client.comfy.worker.may_run.clear()
    first, second = await client.queue(GRAPH), await client.queue(graph(n3_seed=1))
    await client.post("/queue", {"delete": [second]})
    client.comfy.worker.may_run.set()
    await client.finished(first)

    assert (await client.get("/queue"))["queue_pending"] == []
    assert len(client.comfy.bill.drawings) == 1


async def test_large_pictures_run_out_of_memory(client: Client) -> None:
    """The job fails with the exception's full name, and the next one runs."""
    client.comfy.behaviour.oom_pixels = 128 * 192
    large = await client.finished(await client.queue(graph(n5_width=256)))
    small = await client.finished(await client.queue(GRAPH))
    event, told = large["status"]["messages"][-1]

    assert (event, told["exception_type"], told["node_id"]) == ("execution_error", "torch.OutOfMemoryError", "3")
    assert (large["outputs"], small["status"]["completed"]) == ({}, True)


@pytest.mark.parametrize("survives", [False, True])
async def test_a_restart_forgets(client: Client, *, survives: bool) -> None:
    """Queue and running job are gone at the same address; the files stay, and the history by the knob."""
    done = await client.finished(await client.queue(GRAPH, prompt_id=ID))
    client.comfy.worker.may_run.clear()
    await client.queue(graph(n3_seed=1))
    client.comfy.behaviour.history_survives = survives
    await client.comfy.restart()
    async with client.session.get(client.comfy.url + "/view", params=done["outputs"]["9"]["images"][0]) as answer:
        status = answer.status

    assert await client.get("/queue") == {"queue_running": [], "queue_pending": []}
    assert (ID in await client.get("/history"), status) == (survives, 200)


@pytest.mark.parametrize(("takes", "given", "kept"), [("uuid", ID, True), ("any", "x1", True), ("none", ID, False)])
async def test_prompt_ids_by_age_of_the_server(client: Client, takes: str, given: str, *, kept: bool) -> None:
    """Recent servers take a client's UUID, earlier ones any text, old ones none."""
    client.comfy.behaviour.takes_prompt_ids = takes

    assert (await client.queue(GRAPH, prompt_id=given) == given) is kept


async def upload(client: Client, name: str, data: bytes, **fields: str) -> tuple[int, Any]:
    form = aiohttp.FormData({**fields})
    form.add_field("image", data, filename=name, content_type="image/png")
    async with client.session.post(client.comfy.url + "/upload/image", data=form) as answer:
        return answer.status, await answer.json() if answer.status == 200 else await answer.text()


async def test_an_upload_may_get_another_name(client: Client) -> None:
    """Equal content is kept once under its name; other content gets a number; overwrite means it."""
    names = [
        (await upload(client, "ref.png", data, **fields))[1]["name"]
        for data, fields in ((b"one", {}), (b"one", {}), (b"two", {}), (b"three", {"overwrite": "true"}))
    ]

    assert names == ["ref.png", "ref.png", "ref (1).png", "ref.png"]
    assert await upload(client, "ref.png", b"one", subfolder="../../etc") == (400, "")


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 404), ("filename=none.png", 404), ("filename=../x", 400), ("filename=x&subfolder=../..", 403)],
)
async def test_view_guards_its_folders(client: Client, query: str, status: int) -> None:
    """Nothing outside of the server's folders can be seen."""
    async with client.session.get(f"{client.comfy.url}/view?{query}") as answer:
        assert answer.status == status


@pytest.mark.parametrize("style", ["classic", "combo"])
async def test_object_info_lists_the_checkpoints(client: Client, style: str) -> None:
    """In the notation of its age; an unknown class is an empty table."""
    client.comfy.behaviour.combos = style
    told = await client.get("/object_info/CheckpointLoaderSimple")
    choice = told["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"]
    options = choice[0] if style == "classic" else choice[1]["options"]

    assert options == list(client.comfy.behaviour.checkpoints)
    assert await client.get("/object_info/Nothing") == {}


async def test_a_proxy_asks_for_its_login_and_prefix(client: Client) -> None:
    """Whoever has neither does not reach the server."""
    behaviour = client.comfy.behaviour
    behaviour.prefix, behaviour.login = "/comfy", ("me", "secret")
    root = client.comfy.url.removesuffix("/comfy")
    statuses = []
    login = {"Authorization": "Basic " + base64.b64encode(b"me:secret").decode()}
    for url, headers in ((root, login), (client.comfy.url, {}), (client.comfy.url, login)):
        async with client.session.get(url + "/system_stats", headers=headers) as answer:
            statuses.append(answer.status)

    assert statuses == [404, 401, 200]
    assert client.comfy.bill.unauthorised == 1


async def test_a_full_proxy_refuses(client: Client) -> None:
    """ComfyUI's queue has no end; a proxy's may."""
    client.comfy.behaviour.queue_limit = 1
    client.comfy.worker.may_run.clear()
    await client.queue(GRAPH)
    async with client.session.post(client.comfy.url + "/prompt", json={"prompt": GRAPH}) as answer:
        assert (answer.status, answer.content_type) == (503, "text/html")


async def test_faults_strike_as_often_as_they_should(client: Client) -> None:
    """A scripted answer comes once; a dropped connection may have done its work."""
    client.comfy.add_fault("stats", json_reply(500, {}), after=1)
    statuses = []
    for _ in range(3):
        async with client.session.get(client.comfy.url + "/system_stats") as answer:
            statuses.append(answer.status)
    client.comfy.add_fault("prompt", "drop-after")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.queue(GRAPH)

    assert (statuses, len(client.comfy.bill.queued)) == ([200, 500, 200], 1)


async def test_unknown_fields_are_noted(client: Client) -> None:
    """The server ignores them; a careful client does not send them."""
    await client.queue(GRAPH, promt_id=ID)

    assert client.comfy.bill.odd == ["POST /prompt has 'promt_id'"]
