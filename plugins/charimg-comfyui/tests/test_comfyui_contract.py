"""The kit's contract suites: a hostile service, and everything a generator and an uploader promise."""

from __future__ import annotations

from typing import Any, ClassVar

from charimg_comfyui.generator import ComfyGenerator
from charimg_comfyui.uploader import ComfyUploader

from charimg.model import Verdict
from charimg.testing import Answer, Asked, GeneratorContract, Reply, Route, Service, Trouble, UploaderContract

NODE_ERRORS = {"4": {"errors": [{"type": "value_not_in_list", "message": "Value not in list", "details": "x"}]}}
REFUSED = {"error": {"type": "prompt_outputs_failed_validation", "message": "x"}, "node_errors": NODE_ERRORS}
CHOICE = {"input": {"required": {"ckpt_name": [["sdxl.safetensors"], {}]}}}

queued: dict[str, Any] = {}
"""What the played server has in its queue: by the client's id, the ticket and the graph."""
asked_for: dict[str, int] = {}
"""How often each was asked for."""


def queue(asked: Asked) -> Answer:
    """The server takes the client's id."""
    id_ = asked.json["prompt_id"]
    queued[id_] = (asked.ticket, asked.json["prompt"])
    return {"prompt_id": id_, "number": 1, "node_errors": {}}


def history(asked: Asked) -> Answer:
    """Empty at first, then the picture's file."""
    id_ = asked.parts["id"]
    asked_for[id_] = asked_for.get(id_, 0) + 1
    if id_ not in queued or asked_for[id_] == 1:
        return {}
    ticket, graph = queued[id_]
    outputs = {"save": {"images": [{"filename": f"{ticket}.png", "subfolder": "", "type": "output"}]}}
    return {id_: {"prompt": [1, id_, graph, {}, ["save"]], "outputs": outputs, "status": {"status_str": "success"}}}


def waiting(_: Asked) -> Answer:
    """All that was queued waits or runs."""
    return {"queue_running": [[1, id_, {}, {}, []] for id_ in queued], "queue_pending": []}


class TestComfy(GeneratorContract):
    """A server without its websocket, which answers polls."""

    provider = ComfyGenerator
    service = Service(
        Route("POST", "/prompt", queue),
        Route("GET", "/object_info/CheckpointLoaderSimple", {"CheckpointLoaderSimple": CHOICE}),
        Route("GET", "/history/{id}", history),
        Route("GET", "/history", {}),
        Route("GET", "/queue", waiting),
        Route("GET", "/view", lambda asked: asked.picture.data),
        Route("POST", "/upload/image", {"name": "reference.png", "subfolder": "charimg", "type": "input"}),
        Route("GET", "/ws", Reply(403)),
        Route("GET", "/system_stats", {"system": {"comfyui_version": "0.3.64"}, "devices": []}),
    )
    own_troubles: ClassVar = (Trouble("validation", 400, REFUSED, Verdict.INVALID),)


class TestComfyInput(UploaderContract):
    """The input folder, which keeps equal pictures once."""

    provider = ComfyUploader
    idempotent = True
    service = Service(
        Route(
            "POST",
            "/upload/image",
            lambda asked: {"name": f"{asked.picture_id}.png", "subfolder": "charimg", "type": "input"},
        ),
        Route("GET", "/system_stats", {"system": {"comfyui_version": "0.3.64"}, "devices": []}),
    )
