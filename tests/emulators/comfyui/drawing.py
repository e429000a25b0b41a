"""What a graph draws: links are followed back from the sampler to the words, the seed, the size and the references."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .nodes import NODES

Graph = dict[str, Any]


@dataclass(frozen=True)
class Sampled:
    """All that decides what a sampler draws."""

    prompt: str
    negative: str
    seed: int
    size: tuple[int, int]
    """Pixels: width, height."""
    checkpoint: str
    steps: int
    references: tuple[str, ...]


def order_of(graph: Graph, output: str) -> list[str]:
    """The nodes one output needs, in the order in which they run."""
    order: list[str] = []

    def visit(id_: str) -> None:
        if id_ in order:
            return
        for value in graph[id_]["inputs"].values():
            if isinstance(value, list):
                visit(value[0])
        order.append(id_)

    visit(output)
    return order


def signature(graph: Graph, id_: str) -> str:
    """The same for two nodes that would do the same work: class, inputs, and those of all nodes before them."""
    node = graph[id_]
    known = NODES[node["class_type"]].inputs
    inputs = {
        name: [signature(graph, value[0]), value[1]] if isinstance(value, list) else value
        for name, value in node["inputs"].items()
        if name in known
    }
    return json.dumps([node["class_type"], inputs], sort_keys=True)


def value_of(graph: Graph, id_: str, name: str) -> Any:
    """An input's value: the literal, or what a primitive node holds."""
    value = graph[id_]["inputs"][name]
    return value_of(graph, value[0], "value") if isinstance(value, list) else value


def sampled(graph: Graph, sampler: str) -> Sampled:
    """What one sampler draws."""
    inputs = graph[sampler]["inputs"]
    references: list[str] = []
    return Sampled(
        prompt=_words(graph, inputs["positive"][0]),
        negative=_words(graph, inputs["negative"][0]),
        seed=value_of(graph, sampler, "seed"),
        size=_size(graph, inputs["latent_image"][0], references),
        checkpoint=graph[inputs["model"][0]]["inputs"]["ckpt_name"],
        steps=value_of(graph, sampler, "steps"),
        references=tuple(references),
    )


def sampler_behind(graph: Graph, output: str) -> str | None:
    """The last sampler before an output."""
    samplers = [id_ for id_ in order_of(graph, output) if graph[id_]["class_type"] == "KSampler"]
    return samplers[-1] if samplers else None


def _words(graph: Graph, id_: str) -> str:
    node = graph[id_]
    names = ("text_g", "text_l") if node["class_type"] == "CLIPTextEncodeSDXL" else ("text",)
    return " ".join(dict.fromkeys(value_of(graph, id_, name) for name in names))


def _size(graph: Graph, id_: str, references: list[str]) -> tuple[int, int]:
    """Pixels of what a latent or image node gives; the files it comes from are added to *references*."""
    node = graph[id_]
    kind = node["class_type"]
    if kind == "LoadImage":
        references.append(node["inputs"]["image"])
        return (512, 512)
    for name in ("pixels", "image", "latent_image", "samples"):
        if isinstance(node["inputs"].get(name), list):
            size = _size(graph, node["inputs"][name][0], references)
            break
    else:
        size = (512, 512)
    if "width" in NODES[kind].inputs:
        size = (value_of(graph, id_, "width"), value_of(graph, id_, "height"))
    return (size[0] // 8 * 8, size[1] // 8 * 8)
