"""Answers gone wrong: half a JSON, half a picture, no picture, the wrong label."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .bill import LoggedRequest
from .faults import Fault
from .replies import HTML_TYPE, Reply, json_reply


def words_of(document: Any) -> str | None:
    """The prompt, instruction or caption of a request, for the log and for faults that look for it."""
    for path in (
        ("prompt",),
        ("userInstruction",),
        ("userInput", "prompts", 0),
        ("json", "editInput", "userInstruction"),
        ("json", "uploadMediaInput", "caption"),
        ("json", "workflowMetadata", "workflowName"),
    ):
        value = document
        try:
            for step in path:
                value = value[step]
        except (KeyError, IndexError, TypeError):
            continue
        if isinstance(value, str):
            return value
    return None


def empty_panels(record: LoggedRequest) -> Reply:
    """A 200 whose output was filtered away whole."""
    return json_reply({"imagePanels": [], "workflowId": ""})


def no_image(record: LoggedRequest) -> Reply:
    """A 200 with a panel and an image entry that has no picture."""
    image = {"seed": 1, "prompt": record.prompt, "imageModel": "IMAGEN_3_5"}
    return json_reply({"imagePanels": [{"prompt": record.prompt, "generatedImages": [image]}]})


def _cut_pictures(value: Any, cut: Callable[[str], str]) -> Any:
    """*value* with every ``encodedImage`` in it cut."""
    if isinstance(value, dict):
        return {
            name: cut(inner) if name == "encodedImage" and isinstance(inner, str) else _cut_pictures(inner, cut)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_cut_pictures(inner, cut) for inner in value]
    return value


def spoilt(fault: Fault, reply: Reply) -> Reply:
    """*reply* as *fault* leaves it; unchanged where the fault is of another kind."""
    if fault.then == "truncated-json":
        return replace(reply, body=reply.body[: len(reply.body) // 2])
    if fault.then == "wrong-content-type":
        return replace(reply, content_type=HTML_TYPE)
    if fault.then in ("truncated-base64", "truncated-picture"):
        # One character over a multiple of four is base64 that nobody can decode; without it, half a picture.
        odd = 1 if fault.then == "truncated-base64" else 0
        document = _cut_pictures(reply.document, lambda text: text[: len(text) // 8 * 4 + odd])
        return replace(reply, body=json.dumps(document).encode())
    return reply
