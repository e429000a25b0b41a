"""Where in a workflow the prompt, the seed, the size and the references go.

A slot is found, in this order,

1. by a setting, ``prompt_slot=6.text`` (node by id or title; several with commas; ``none`` for "there is none");
2. by the node's title in ComfyUI: ``charimg:prompt``, among other words or alone; ``charimg:prompt.text`` names the
   input too, where a node has several that fit;
3. from the sampler, where the workflow has exactly one: its links lead to the two texts and to the size.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from charimg_comfyui.workflow import Graph, is_link, title_of, unusable

NONE = "none"
"""What a slot's setting says where the workflow has no such place and should be used all the same."""

INPUTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "prompt": (("text",), ("text_g", "text_l"), ("clip_l", "t5xxl"), ("prompt",), ("value",), ("string",)),
    "negative": (("text",), ("text_g", "text_l"), ("clip_l", "t5xxl"), ("negative",), ("value",), ("string",)),
    "seed": (("seed",), ("noise_seed",), ("value",)),
    "width": (("width",), ("value",)),
    "height": (("height",), ("value",)),
    "size": (("width", "height"),),
    "reference": (("image",), ("value",)),
    "model": (("ckpt_name",), ("unet_name",), ("model_name",), ("value",)),
    "name": (("filename_prefix",), ("value",)),
    "output": ((),),
}
"""The inputs each slot fits, in the order in which they are looked for; the texts of two encoders go together."""

SETTINGS = ("prompt", "negative", "seed", "size", "width", "height", "reference", "model", "output")
"""The slots that have a setting, ``<slot>_slot``."""

_TAG = re.compile(r"\bcharimg:([a-z_]*)(\d*)(?:\.(\w+))?", re.IGNORECASE)
_FOLLOWED = ("conditioning", "conditioning_1", "samples", "latent", "latent_image", "pixels", "image")
"""Links followed upwards from the sampler, beside those of the same name."""


@dataclass(frozen=True)
class Place:
    """One input of one node."""

    node: str
    input: str


@dataclass(frozen=True)
class Slots:
    """The places of a workflow."""

    places: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)
    """By slot: every input that gets its value. ``size`` is split into ``width`` and ``height``."""
    references: tuple[tuple[Place, ...], ...] = ()
    """For the first reference picture, the second, and so on."""
    outputs: tuple[str, ...] = ()
    """The nodes whose picture is wanted; empty for any."""
    without: frozenset[str] = frozenset()
    """Slots the user said the workflow does not have."""

    def of(self, slot: str) -> tuple[Place, ...]:
        """The slot's places; empty where it has none."""
        return self.places.get(slot, ())


def find_slots(graph: Graph, given: Mapping[str, str | None], label: str) -> Slots:
    """The places of a workflow, by settings, titles and links.

    :param given: the slots' settings by slot, ``None`` where unset.
    :param label: how messages name the workflow.
    :raises InputError: a setting or title names no place, or there is none for the prompt.
    """
    found: dict[str, list[Place]] = {}
    numbered: dict[int, list[Place]] = {}
    without = {slot for slot, text in given.items() if (text or "").strip().lower() == NONE}
    for slot, text in given.items():
        if text is None or slot in without:
            continue
        for position, one in enumerate(_listed(text)):
            places = _named_place(graph, slot, one, label)
            if slot == "reference":
                numbered.setdefault(position, []).extend(places)
            else:
                found.setdefault(slot, []).extend(places)
    by_setting = set(given) - {slot for slot, text in given.items() if text is None}
    for slot, number, place in _titled(graph, label):
        if slot in by_setting or (slot in ("width", "height") and "size" in without):
            continue
        if slot == "reference":
            numbered.setdefault(max(number, 1) - 1, []).append(place)
        else:
            found.setdefault(slot, []).append(place)
    _split_size(found)
    _from_the_sampler(graph, found, by_setting)
    if not found.get("prompt") and "prompt" not in without:
        raise unusable(missing("prompt", label))
    return Slots(
        {slot: tuple(dict.fromkeys(places)) for slot, places in found.items() if slot != "output"},
        tuple(tuple(numbered[number]) for number in sorted(numbered)),
        tuple(place.node for place in found.get("output", ())),
        frozenset(without),
    )


def missing(slot: str, label: str) -> str:
    """What is said where a workflow has no place for something that is wanted."""
    setting = "size" if slot in ("width", "height") else slot
    return (
        f"{label} has no place for the {slot}: title a node 'charimg:{slot}' in ComfyUI and export it again, or set"
        f" -o {setting}_slot=NODE.INPUT (-o {setting}_slot={NONE} goes without)"
    )


# -- settings -------------------------------------------------------------------------------------------------------


def node_named(graph: Graph, name: str) -> str | None:
    """The id of the node of this id or title."""
    if name in graph:
        return name
    titled = [id_ for id_, node in graph.items() if _plain(title_of(node)).lower() == name.lower()]
    return titled[0] if len(titled) == 1 else None


def _plain(title: str) -> str:
    """A title without its tags."""
    return " ".join(_TAG.sub(" ", title).split())


def title_shown(node: Mapping[str, Any]) -> str:
    """What people call the node: its title without tags, else its class."""
    return _plain(title_of(dict(node))) or str(node.get("class_type", ""))


def _listed(text: str) -> list[str]:
    return [part for part in (part.strip() for part in text.split(",")) if part]


def _named_place(graph: Graph, slot: str, text: str, label: str) -> list[Place]:
    """The places of ``6.text``, ``Prompt.text``, or of ``6`` alone."""
    whole = node_named(graph, text)
    if whole is not None:
        return _fitting(graph, slot, whole, label)
    name, dot, input_ = text.rpartition(".")
    node = node_named(graph, name) if dot else None
    if node is None:
        raise unusable(f"{slot}_slot={text}: {label} has no such node; it has {_nodes(graph)}")
    return [_checked(graph, node, input_, f"{slot}_slot={text}")]


def _checked(graph: Graph, node: str, input_: str, what: str) -> Place:
    there = graph[node]["inputs"]
    if input_ not in there:
        raise unusable(f"{what}: the node {_called(graph, node)} has no input '{input_}'; it has {_words(there)}")
    return Place(node, input_)


def _called(graph: Graph, node: str) -> str:
    return f"{node} '{title_shown(graph[node])}'"


def _nodes(graph: Graph) -> str:
    return _words(_called(graph, id_) for id_ in graph)


def _words(names: Iterable[str], most: int = 12) -> str:
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more if listed else "none"


# -- titles ---------------------------------------------------------------------------------------------------------


def _titled(graph: Graph, label: str) -> Iterable[tuple[str, int, Place]]:
    """Every slot that a title names: slot, its number (0 without), place."""
    for id_, node in graph.items():
        for tag in _TAG.finditer(title_of(node)):
            slot, number, input_ = tag[1].lower(), int(tag[2] or 0), tag[3]
            if slot not in INPUTS:
                known = _words(INPUTS)
                raise unusable(f"{label}: the title of node {id_} says 'charimg:{tag[1]}'; known are {known}")
            if input_ and slot != "output":
                yield slot, number, _checked(graph, id_, input_, f"{label}: 'charimg:{slot}.{input_}'")
                continue
            for place in _fitting(graph, slot, id_, label):
                yield slot, number, place


def _fitting(graph: Graph, slot: str, node: str, label: str) -> list[Place]:
    """The inputs of a node that the slot fits."""
    if slot == "output":
        return [Place(node, "")]
    there = graph[node]["inputs"]
    for names in INPUTS[slot]:
        if all(name in there and not is_link(there[name]) for name in names):
            return [Place(node, name) for name in names]
    free = [name for name, value in there.items() if not is_link(value)]
    raise unusable(
        f"{label}: the node {_called(graph, node)} has no input of its own for the {slot}"
        f" ({_words(free)}); name one as charimg:{slot}.INPUT or -o {slot}_slot={node}.INPUT"
    )


def _split_size(found: dict[str, list[Place]]) -> None:
    for place in found.pop("size", []):
        found.setdefault("height" if "height" in place.input else "width", []).append(place)


# -- the sampler's links --------------------------------------------------------------------------------------------


def _from_the_sampler(graph: Graph, found: dict[str, list[Place]], by_setting: set[str]) -> None:
    """Add what the only sampler's links lead to, for slots that are not found yet."""
    samplers = [
        id_
        for id_, node in graph.items()
        if is_link(node["inputs"].get("positive")) and _own(node, ("seed", "noise_seed"))
    ]
    if len(samplers) == 1:
        sampler = samplers[0]
        if "seed" not in found and "seed" not in by_setting:
            found["seed"] = [Place(sampler, _own(graph[sampler], ("seed", "noise_seed"))[0])]
        for slot, link in (("prompt", "positive"), ("negative", "negative")):
            if slot not in found and slot not in by_setting:
                guessed = _followed(graph, sampler, link, INPUTS[slot][:3])
                taken = {place for places in found.values() for place in places}  # what a title says is no guess
                found[slot] = [] if taken & set(guessed) else guessed
        if not by_setting & {"size", "width", "height"} and not {"width", "height"} & set(found):
            found["size"] = _followed(graph, sampler, "latent_image", INPUTS["size"])
            _split_size(found)
    loaders = [
        id_
        for id_, node in graph.items()
        if node["class_type"] == "CheckpointLoaderSimple" and _own(node, ("ckpt_name",))
    ]
    if "model" not in found and "model" not in by_setting and len(loaders) == 1:
        found["model"] = [Place(loaders[0], "ckpt_name")]


def _own(node: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """Those of the inputs that hold a value of their own."""
    return [name for name in names if name in node["inputs"] and not is_link(node["inputs"][name])]


def _followed(graph: Graph, start: str, link: str, wanted: tuple[tuple[str, ...], ...]) -> list[Place]:
    """Go up one link after the other until a node has the wanted inputs; none where the links end before."""
    node, seen = start, {start}
    while True:
        inputs = graph[node]["inputs"]
        up = next((inputs[name] for name in (link, *_FOLLOWED) if is_link(inputs.get(name))), None)
        if up is None or up[0] not in graph or up[0] in seen:
            return []
        node = up[0]
        seen.add(node)
        for names in wanted:
            if len(_own(graph[node], names)) == len(names):
                return [Place(node, name) for name in names]
