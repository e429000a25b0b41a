"""A workflow with a request's values put in: what is sent to the server."""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from charimg.aspect_ratios import MEGAPIXEL, size_for
from charimg.errors import InvalidRequestError
from charimg.model import ImageRequest
from charimg.seeds import seed_of
from charimg_comfyui.slots import Place, Slots, missing, node_named
from charimg_comfyui.workflow import Graph, unusable

SIZE_STEP = 32
"""Pixels: latent pictures are multiples of 8; the sizes that models were taught with, of 32 or 64."""

MAX_SEED = 2**53 - 1
"""The largest seed drawn here: the page of ComfyUI could not show a larger one exactly."""


@dataclass(frozen=True)
class Prepared:
    """A workflow, its slots, and how messages name it."""

    graph: Graph
    slots: Slots
    label: str


def fill(
    prepared: Prepared,
    request: ImageRequest,
    *,
    model: str | None,
    references: Sequence[str],
    pixels: int | None,
) -> Graph:
    """The graph for one request.

    :param model: the checkpoint, where one was chosen.
    :param references: names the server gave to the uploaded reference pictures.
    :param pixels: width times height; ``None`` for as many as the workflow itself has.
    :raises InvalidRequestError: the request wants something for which the workflow has no place.
    """
    slots, label = prepared.slots, prepared.label
    graph = copy.deepcopy(prepared.graph)
    values: dict[str, Any] = {"prompt": request.prompt, "name": file_prefix(request)}
    if request.negative:
        values["negative"] = _wanted(slots, "negative", label, request.negative)
    if request.seed is not None:
        _wanted(slots, "seed", label, request.seed)
    values["seed"] = seed_of(request, MAX_SEED)
    if "size" not in slots.without:
        area = pixels or own_pixels(prepared) or MEGAPIXEL
        width, height = size_for(request.aspect_ratio, area, SIZE_STEP)
        values["width"] = _wanted(slots, "width", label, width)
        values["height"] = _wanted(slots, "height", label, height)
    if model is not None:
        values["model"] = _wanted(slots, "model", label, model)
    for slot, value in values.items():
        _put(graph, slots.of(slot), value)
    if "reference" not in slots.without:
        if len(references) > len(slots.references):
            there = len(slots.references)
            raise InvalidRequestError(
                missing("reference", label)
                if not there
                else f"{len(references)} reference pictures, but {label} has {there} place{'s' * (there > 1)}:"
                f" title further Load Image nodes 'charimg:reference{there + 1}'"
            )
        for places, name in zip(slots.references, references, strict=False):  # the rest keep the workflow's own
            _put(graph, places, name)
    return graph


def own_pixels(prepared: Prepared) -> int | None:
    """Width times height as the workflow has them: its author knows what suits the model."""
    numbers = [
        prepared.graph[place.node]["inputs"].get(place.input)
        for slot in ("width", "height")
        for place in prepared.slots.of(slot)[:1]
    ]
    sides = [one for one in numbers if isinstance(one, int) and not isinstance(one, bool) and one > 0]
    return math.prod(sides) if len(sides) == 2 else None


def file_prefix(request: ImageRequest) -> str:
    """What the server calls the file: the character's key and a few characters of the attempt's id.

    The latter makes two runs of the same character two files: a server that finds nothing changed gives the old file
    again, even where somebody has deleted it.
    """
    key = re.sub(r"[^\w.-]+", "-", request.key, flags=re.ASCII).strip("-.") or "picture"
    return f"charimg/{key[:80]}-{request.attempt[:8] or '0'}"


def with_inputs(graph: Graph, text: str | None, label: str, *, lenient: bool = False) -> Graph:
    """The graph with further inputs set, as ``"Sampler.steps=30; 3.cfg=5"`` says. Values are JSON, or else text.

    :param lenient: leave out what this graph does not have.
    :raises InputError: a part is not of this form, or names a node or input that is not there.
    """
    if not text:
        return graph
    graph = copy.deepcopy(graph)
    for part in filter(None, (part.strip() for part in text.split(";"))):
        where, equals, value = part.partition("=")
        name, dot, input_ = where.strip().rpartition(".")
        if not equals or not dot:
            raise unusable(f"inputs: '{part}' is not of the form NODE.INPUT=VALUE, as 'Sampler.steps=30'")
        node = node_named(graph, name.strip())
        if node is None or input_ not in graph[node]["inputs"]:
            if lenient:
                continue
            what = f"node '{name}'" if node is None else f"input '{input_}' at the node '{name}'"
            raise unusable(f"inputs: {label} has no {what}")
        try:
            graph[node]["inputs"][input_] = json.loads(value)
        except ValueError:
            graph[node]["inputs"][input_] = value.strip()
    return graph


def _wanted(slots: Slots, slot: str, label: str, value: Any) -> Any:
    if not slots.of(slot) and not slots.without & {slot, "size" if slot in ("width", "height") else slot}:
        raise InvalidRequestError(missing(slot, label))
    return value


def _put(graph: Graph, places: Sequence[Place], value: Any) -> None:
    for place in places:
        graph[place.node]["inputs"][place.input] = value


def first_value(graph: Mapping[str, Any], places: Sequence[Place]) -> Any:
    """What stands at the first of the places; ``None`` where there is none."""
    for place in places:
        node = graph.get(place.node)
        if isinstance(node, dict) and isinstance(node.get("inputs"), dict):
            return node["inputs"].get(place.input)
    return None
