"""What answers mean: the corpus's rows through the real plugin over sockets, and the server's own refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from charimg_comfyui.answers import pictures
from comfy_lane import Lane, own

from charimg.errors import ExhaustedError, FatalError, FlakyError, InvalidRequestError, ProviderError, ThrottledError
from tests.emulators.comfyui import ComfyEmulator, Reply, html_reply, json_reply

CORPUS = json.loads((Path(__file__).parents[3] / "tests" / "data" / "error_corpus.json").read_text())
ROWS = [row for row in CORPUS if row["provider"] in ("comfyui", "comfy-cloud")]


async def trouble_of(lane: Lane, ticket: str | None = None) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await lane.generator.generate(lane.request(ticket=ticket))
    return caught.value


def test_the_corpus_has_our_rows() -> None:
    """Both of ComfyUI's and the cloud's."""
    assert {row["id"] for row in ROWS} >= {"cu-validate", "cu-oom", "cc-402"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
async def test_every_row_of_the_corpus(comfy: ComfyEmulator, lane: Lane, row: dict[str, Any]) -> None:
    """A refusal at the door, the end of a job where it is asked for."""
    finished = row["status"] == 200
    reply = json_reply(row["status"], row["body"], **row["headers"])
    comfy.add_fault("history" if finished else "prompt", reply)
    trouble = await trouble_of(lane, next(iter(row["body"])) if finished else None)

    assert (str(trouble.verdict), trouble.wait) == (row["want"], row["wait"])


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (json_reply(400, {"error": "no prompt", "node_errors": []}), InvalidRequestError, "no prompt"),
        (
            json_reply(
                400, {"error": {"type": "invalid_prompt", "message": "node X does not exist."}, "node_errors": {}}
            ),
            InvalidRequestError,
            "install the custom nodes",
        ),
        (html_reply(401, "Authorization Required"), FatalError, "charimg keys set comfyui"),
        (html_reply(403, "Forbidden"), FatalError, "HTTP 403"),
        (html_reply(404, "Not Found"), FatalError, "check the setting base_url"),
        (json_reply(200, {"hello": "world"}), FlakyError, "no prompt_id"),
        (html_reply(200, "Welcome"), FlakyError, "not JSON"),
        (html_reply(413, "Request Entity Too Large"), InvalidRequestError, "HTTP 413"),
        (Reply(429, b"", headers={"Retry-After": "7"}), ThrottledError, ""),
        (Reply(429, b"", headers={"Retry-After": "9000"}), ExhaustedError, ""),
        (html_reply(500, "Internal Server Error"), FlakyError, "HTTP 500"),
    ],
)
async def test_what_a_refused_prompt_means(
    comfy: ComfyEmulator, lane: Lane, reply: Reply, kind: type[ProviderError], words: str
) -> None:
    """Its verdict and its words, on one line."""
    comfy.add_fault("prompt", reply)
    trouble = await trouble_of(lane)

    assert type(trouble) is kind
    assert words in trouble.message
    assert "\n" not in trouble.message


@pytest.mark.parametrize(
    "entry",
    [
        {"status": {"status_str": "error", "completed": False, "messages": []}, "outputs": {}},
        {"status": {"status_str": "error", "messages": [["execution_error"], 3, ["execution_error", "x"]]}},
    ],
)
async def test_a_failure_without_words_is_invalid(comfy: ComfyEmulator, lane: Lane, entry: dict[str, Any]) -> None:
    """The server's log is where to look."""
    comfy.add_fault("history", json_reply(200, {"p1": entry}))
    trouble = await trouble_of(lane, "p1")

    assert isinstance(trouble, InvalidRequestError)
    assert "see its log" in trouble.message


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"status": None, "outputs": None, "prompt": None},
        {"status": {"messages": {}}, "outputs": []},
        {"outputs": {"9": {"images": [{"filename": ""}, "x", None]}, "10": None, "11": {"text": ["a"]}}},
    ],
)
async def test_an_odd_entry_is_an_end_without_a_picture(
    comfy: ComfyEmulator, lane: Lane, entry: dict[str, Any]
) -> None:
    """Whatever a fork leaves out, nothing but a verdict comes out."""
    comfy.add_fault("history", json_reply(200, {"p1": entry}))

    assert isinstance(await trouble_of(lane, "p1"), FlakyError)


@pytest.mark.parametrize(
    ("wanted", "names"), [((), ["saved.png", "other.png", "a-preview.png"]), (("30",), ["a-preview.png"]), (("5",), [])]
)
def test_saved_pictures_come_before_previews(wanted: tuple[str, ...], names: list[str]) -> None:
    """Unless the workflow's author has named the output."""
    entry = {
        "outputs": {
            "30": {"images": [{"filename": "a-preview.png", "subfolder": "", "type": "temp"}]},
            "9": {"images": [{"filename": "saved.png", "subfolder": "x", "type": "output"}]},
            "10": {"gifs": [{"filename": "other.png"}], "text": ["words"]},
        }
    }

    assert [file.name for file in pictures(entry, wanted)] == names


async def test_the_users_words_decide_nothing(comfy: ComfyEmulator, lane: Lane) -> None:
    """A prompt that speaks of quotas and memory, repeated by a node's error, is still an error of the workflow."""
    words = "a poster: 429 quota exceeded, CUDA out of memory, Allocation on device"
    told = {"node_id": "6", "node_type": "CLIPTextEncode", "exception_type": "ValueError", "exception_message": words}
    entry = {"status": {"status_str": "error", "messages": [["execution_error", told]]}}
    comfy.add_fault("history", json_reply(200, {"p1": entry}))
    trouble = await trouble_of(lane, "p1")
    comfy.add_fault("prompt", json_reply(400, {"error": {"type": "x", "message": words}, "node_errors": {}}))

    assert isinstance(trouble, InvalidRequestError)
    assert isinstance(await trouble_of(lane), InvalidRequestError)


async def test_every_wrong_node_is_named(comfy: ComfyEmulator, lane_for: Any) -> None:
    """Two mistakes in the user's workflow are told at once, by node, class and input."""
    graph = own()
    graph["3"]["inputs"]["sampler_name"] = "eular"
    graph["8"]["inputs"]["vae"] = ["4", 1]
    lane = lane_for(comfy.url, graph=graph)
    trouble = await trouble_of(lane)

    assert "node 3 (KSampler): Value not in list: sampler_name: 'eular'" in trouble.message
    assert "node 8 (VAEDecode): Return type mismatch" in trouble.message
