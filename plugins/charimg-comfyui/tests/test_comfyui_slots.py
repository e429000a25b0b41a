"""Slots and filling over graphs of every shape."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from charimg_comfyui.filling import MAX_SEED, Prepared, file_prefix, fill, own_pixels, with_inputs
from charimg_comfyui.listening import place_words
from charimg_comfyui.slots import INPUTS, SETTINGS, Place, find_slots, title_shown
from charimg_comfyui.workflow import IMAGE_TO_IMAGE, TEXT_TO_IMAGE, graph_of, is_link, packaged, title_of
from comfy_lane import own
from hypothesis import given
from hypothesis import strategies as st

from charimg.errors import InputError, InvalidRequestError
from charimg.model import ImageRequest
from charimg.seeds import seed_of
from tests.emulators.comfyui.checks import outputs_of
from tests.emulators.comfyui.nodes import NODES

T = TypeVar("T")
UNSET = dict.fromkeys(SETTINGS)
names = st.sampled_from(
    sorted({name for group in INPUTS.values() for names in group for name in names} | {"clip", "x"})
)
ids = st.sampled_from(["1", "2", "3", "10", "10:2", "prompt"])
values = st.one_of(
    st.integers(),
    st.text(max_size=8),
    st.booleans(),
    st.none(),
    st.lists(st.integers(), max_size=3),
    st.tuples(ids, st.integers(0, 2)).map(list),
)
tags = st.sampled_from([*INPUTS, "promt", "", "reference2", "prompt.text", "seed.x"]).map(
    lambda one: f"a charimg:{one} b"
)
titles = st.one_of(st.none(), st.text(max_size=8), tags)


def node_of(kind: str, inputs: dict[str, Any], title: str | None) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs, **({} if title is None else {"_meta": {"title": title}})}


nodes = st.builds(node_of, st.sampled_from([*NODES, "Custom"]), st.dictionaries(names, values, max_size=5), titles)
loose = st.dictionaries(ids, nodes, min_size=1, max_size=5)
fitting = st.builds(
    lambda own_titles, more: {**more, **own(own_titles)}, st.sampled_from([{}, {"7": "charimg:prompt"}]), loose
)
graphs = st.one_of(loose, fitting)
"""Of any shape, and such as can be filled: a workflow of the user's among other nodes."""
documents = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=5), graphs),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["prompt", "nodes", "inputs", "class_type", "1"]), inner, max_size=3),
    ),
    max_leaves=6,
)
requests = st.builds(
    ImageRequest,
    key=st.text(max_size=10),
    name=st.just("n"),
    prompt=st.text(max_size=20),
    attempt=st.text("0123456789abcdef", max_size=12),
    negative=st.one_of(st.none(), st.text(max_size=5)),
    seed=st.one_of(st.none(), st.integers(0, 2**64 - 1)),
    aspect_ratio=st.sampled_from(["1:1", "9:16", "21:9"]),
)


def tried(call: Callable[[], T]) -> tuple[T | None, str]:
    """What the call gives, or what the user is told."""
    try:
        return call(), ""
    except (InputError, InvalidRequestError) as error:
        return None, str(error)


@given(documents)
def test_any_document_is_a_graph_or_told(document: Any) -> None:
    """What is no workflow gets one line, whatever it is."""
    graph, told = tried(lambda: graph_of(document, "the workflow x.json"))

    assert len(told.splitlines()) == (graph is None)
    assert all(
        isinstance(node["class_type"], str) and isinstance(node["inputs"], dict) for node in (graph or {}).values()
    )


@given(graphs, requests)
def test_filling_changes_the_slots_and_nothing_else(graph: dict[str, Any], request: ImageRequest) -> None:
    """Every place that was found holds its value; every other input is as it was; the workflow itself is untouched."""
    before = copy.deepcopy(graph)
    slots, told = tried(lambda: find_slots(graph, UNSET, "the workflow x.json"))
    if slots is None:
        assert len(told.splitlines()) == 1
        return
    prepared = Prepared(graph, slots, "it")
    filled, told = tried(lambda: fill(prepared, request, model=None, references=[], pixels=None))
    if filled is None:
        assert len(told.splitlines()) == 1
        return
    places = {place for slot in slots.places.values() for place in slot}
    changed = {
        (id_, name)
        for id_, node in filled.items()
        for name, value in node["inputs"].items()
        if repr(value) != repr(before[id_]["inputs"][name])
    }

    assert graph == before
    assert {(place.node, place.input) for place in places} >= changed
    assert all(filled[place.node]["inputs"][place.input] == request.prompt for place in slots.of("prompt")[-1:])
    linked = [place for place in places if is_link(before[place.node]["inputs"][place.input])]
    assert all(f".{place.input}" in title_of(before[place.node]) for place in linked)  # only where that was asked for
    assert json.dumps(filled)


@given(graphs, st.dictionaries(st.sampled_from(SETTINGS), st.one_of(st.text(max_size=8), st.just("1.text,2"))))
def test_any_setting_is_a_place_or_told(graph: dict[str, Any], given_slots: dict[str, str]) -> None:
    """A place that was found is there; all else is told in a line."""
    slots, told = tried(lambda: find_slots(graph, {**UNSET, **given_slots}, "the workflow x.json"))
    found = [] if slots is None else [*slots.places.values(), *slots.references]

    assert len(told.splitlines()) == (slots is None)
    assert all(place.input in graph[place.node]["inputs"] for places in found for place in places)


@given(graphs, st.text(max_size=20))
def test_any_further_inputs_are_set_or_told(graph: dict[str, Any], text: str) -> None:
    """The graph is left as it was."""
    before = copy.deepcopy(graph)
    changed, told = tried(lambda: with_inputs(graph, text, "it"))

    assert graph == before
    assert (changed is None) is told.startswith("inputs: ")


@given(requests)
def test_the_servers_names_are_plain(request: ImageRequest) -> None:
    """No path leads out of the folder, no pattern of the server's is started, and the seed fits its page."""
    prefix = file_prefix(request)

    assert prefix.startswith("charimg/")
    assert prefix.isascii()
    assert not set(prefix.removeprefix("charimg/")) & set('/\\%:*?"<>| ')
    assert ".." not in prefix.partition("/")[2].split("-")
    assert request.seed is not None or 0 <= seed_of(request, MAX_SEED) <= MAX_SEED


@pytest.mark.parametrize("name", [TEXT_TO_IMAGE, IMAGE_TO_IMAGE])
def test_the_packaged_workflows_are_right(name: str) -> None:
    """The server takes them as they are filled, and every slot has its place."""
    graph = packaged(name)
    slots = find_slots(graph, UNSET, "it")
    request = ImageRequest("k", "n", "a jester", negative="fog", seed=2**64 - 1)
    filled = fill(
        Prepared(graph, slots, "it"),
        request,
        model="m.safetensors",
        references=["r.png"] * len(slots.references),
        pixels=None,
    )
    outputs, errors = outputs_of(filled, {"checkpoints": ["m.safetensors"], "input": ["r.png"]})

    assert (outputs, errors) == (["save"], {})
    assert set(slots.places) == {"prompt", "negative", "seed", "width", "height", "model", "name"}
    assert (slots.outputs, len(slots.references)) == (("save",), int(name == IMAGE_TO_IMAGE))


def test_both_texts_of_a_double_encoder_are_set() -> None:
    """SDXL's encoder reads the prompt twice."""
    encoder = {"class_type": "CLIPTextEncodeSDXL", "inputs": {"text_g": "", "text_l": "", "clip": ["4", 1]}}
    slots = find_slots(own(n6=encoder), UNSET, "it")

    assert slots.of("prompt") == (Place("6", "text_g"), Place("6", "text_l"))


def test_the_sampler_leads_through_other_nodes() -> None:
    """Control nodes between text and sampler are passed."""
    graph = own(
        n30={
            "class_type": "ControlNetApplyAdvanced",
            "inputs": {"positive": ["6", 0], "negative": ["7", 0], "strength": 1},
        },
        n31={"class_type": "FluxGuidance", "inputs": {"conditioning": ["30", 0], "guidance": 3.5}},
    )
    graph["3"]["inputs"].update(positive=["31", 0], negative=["30", 1])
    slots = find_slots(graph, UNSET, "it")

    assert (slots.of("prompt"), slots.of("negative")) == ((Place("6", "text"),), (Place("7", "text"),))


def test_a_circle_of_links_ends() -> None:
    """A graph that runs in circles is the server's to refuse."""
    graph = own(n30={"class_type": "A", "inputs": {"conditioning": ["31", 0]}}, n31={"class_type": "B", "inputs": {}})
    graph["31"]["inputs"]["conditioning"] = ["30", 0]
    graph["3"]["inputs"]["positive"] = ["30", 0]

    with pytest.raises(InputError, match="no place for the prompt"):
        find_slots(graph, UNSET, "it")


def test_a_title_wins_over_the_sampler_and_a_setting_over_both() -> None:
    """In that order."""
    graph = own({"7": "charimg:prompt"})

    assert find_slots(own(), UNSET, "it").of("prompt") == (Place("6", "text"),)
    assert find_slots(graph, UNSET, "it").of("prompt") == (Place("7", "text"),)
    assert find_slots(graph, {**UNSET, "prompt": "6"}, "it").of("prompt") == (Place("6", "text"),)


def test_titles_are_shown_without_their_tags() -> None:
    """People see their own words, or the node's class."""
    titles = ("My words charimg:prompt.text", "charimg:seed", "Plain")
    shown = [title_shown({"class_type": "KSampler", "_meta": {"title": title}}) for title in titles]

    assert shown == ["My words", "KSampler", "Plain"]


def test_the_workflows_own_area_is_kept() -> None:
    """Its author knows what suits the model; a size that comes over a link is not known."""
    graph = own()
    linked = own()
    linked["5"]["inputs"]["width"] = ["40", 0]

    assert own_pixels(Prepared(graph, find_slots(graph, UNSET, "it"), "it")) == 192 * 192
    assert own_pixels(Prepared(linked, find_slots(linked, {**UNSET, "size": "none"}, "it"), "it")) is None


def test_a_guess_never_takes_what_a_title_has() -> None:
    """The sampler's negative text, titled as the prompt, holds the prompt, and there is no place for a negative."""
    slots = find_slots(own({"7": "charimg:prompt"}), UNSET, "it")

    assert (slots.of("prompt"), slots.of("negative")) == ((Place("7", "text"),), ())


def test_one_workflow_serves_many_requests() -> None:
    """Filling leaves it as it was."""
    graph = own()
    prepared = Prepared(graph, find_slots(graph, UNSET, "it"), "it")
    filled = fill(prepared, ImageRequest("k", "n", "a jester"), model=None, references=[], pixels=None)

    assert (graph, filled["6"]["inputs"]["text"]) == (own(), "a jester")


def test_further_inputs_are_json_or_text() -> None:
    """Numbers are numbers, and what is no JSON is text; by id, or by title without its tags."""
    graph = own({"3": "Sampler charimg:seed"})
    changed = with_inputs(
        graph, 'Sampler.steps=30; 3.cfg = 5.5;sampler.sampler_name=ddim; 9.filename_prefix="a b";', "it"
    )

    assert [changed["3"]["inputs"][name] for name in ("steps", "cfg", "sampler_name")] == [30, 5.5, "ddim"]
    assert changed["9"]["inputs"]["filename_prefix"] == "a b"


@pytest.mark.parametrize(
    ("place", "words"), [(1, "next"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (22, "22nd"), (113, "113th")]
)
def test_places_read_as_people_say_them(place: int, words: str) -> None:
    """Ordinals, eleven to thirteen too."""
    assert place_words(place) == f"{words} in the queue"
