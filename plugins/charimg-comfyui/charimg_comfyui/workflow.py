"""Workflows as ComfyUI's API takes them: the user's own file, or one of the two that come with the plugin.

ComfyUI saves workflows in two formats. Only the API format (*Workflow > Export (API)*) says what every input of a node
is called; the other one, which the page saves by itself, holds bare lists of values.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

from charimg.errors import InputError

Graph = dict[str, dict[str, Any]]
"""Nodes by id: ``class_type``, ``inputs`` (literals, or links ``[node id, output]``), and ``_meta`` with the title."""

TEXT_TO_IMAGE = "text_to_image.json"
IMAGE_TO_IMAGE = "image_to_image.json"
MAX_BYTES = 16 * 1024 * 1024
"""A larger file is no workflow."""

HOW_TO_EXPORT = "in ComfyUI choose Workflow > Export (API) and name that file"


def unusable(words: str) -> InputError:
    """The error for a workflow or a setting, on one line whatever names it repeats."""
    return InputError(" ".join(words.split()))


def packaged(name: str) -> Graph:
    """One of the plugin's own workflows."""
    text = (resources.files("charimg_comfyui") / "workflows" / name).read_text(encoding="utf-8")
    graph: Graph = json.loads(text)
    return graph


def read_workflow(path: Path) -> Graph:
    """The user's own workflow. Blocks: it reads a file.

    :raises InputError: the file cannot be read or is no workflow in API format; the message says what to do.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise unusable(f"the workflow {path} cannot be read: {error.strerror or error}") from error
    if len(raw) > MAX_BYTES:
        raise unusable(f"the workflow {path} is larger than {MAX_BYTES // 1024**2} MB; {HOW_TO_EXPORT}")
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise unusable(f"the workflow {path} is not JSON; {HOW_TO_EXPORT}") from error
    return graph_of(document, f"the workflow {path}")


def graph_of(document: Any, label: str) -> Graph:
    """The graph in a JSON document, which may be wrapped as the API is sent it (``{"prompt": {...}}``).

    :param label: how messages name it.
    :raises InputError: it is none, or one in the format of ComfyUI's page.
    """
    if isinstance(document, dict) and isinstance(document.get("nodes"), list):
        raise unusable(f"{label} is in the format of ComfyUI's page, not in API format; {HOW_TO_EXPORT}")
    wrapped = document.get("prompt") if isinstance(document, dict) else None
    if isinstance(wrapped, dict) and "class_type" not in wrapped:
        document = wrapped
    if not isinstance(document, dict) or not document:
        raise unusable(f"{label} holds no nodes; {HOW_TO_EXPORT}")
    for id_, node in document.items():
        if not isinstance(node, dict) or not isinstance(node.get("class_type"), str):
            raise unusable(f"{label} is not in API format: its node '{id_}' has no class_type; {HOW_TO_EXPORT}")
        if not isinstance(node.setdefault("inputs", {}), dict):
            raise unusable(
                f"{label} is not in API format: the inputs of its node '{id_}' have no names; {HOW_TO_EXPORT}"
            )
    return document


def is_link(value: Any) -> bool:
    """Whether an input's value comes from another node."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int)


def title_of(node: dict[str, Any]) -> str:
    """The node's title; empty where it has none."""
    meta = node.get("_meta")
    title = meta.get("title") if isinstance(meta, dict) else None
    return title if isinstance(title, str) else ""
