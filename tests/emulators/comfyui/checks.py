"""What the server finds wrong with a graph before it queues it, in its own envelope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .nodes import LINKED, NODES, Input, choices, input_info

Lists = dict[str, Sequence[str]]
"""The server's lists of files, by name."""
LONGEST_LIST = 20
"""Choices; a longer list is only counted in an error's details."""


class RefusedGraphError(Exception):
    """The graph is not queued. Holds the answer's ``error`` and ``node_errors``."""

    def __init__(self, error: dict[str, Any], node_errors: dict[str, Any] | None = None) -> None:
        super().__init__(error["message"])
        self.error = error
        self.node_errors = node_errors or {}


def _problem(kind: str, message: str, details: str, **extra: Any) -> dict[str, Any]:
    return {"type": kind, "message": message, "details": details, "extra_info": extra}


def outputs_of(graph: dict[str, Any], lists: Lists) -> tuple[list[str], dict[str, Any]]:
    """The output nodes that can run, and the errors of those that cannot.

    :raises RefusedGraphError: none can.
    """
    outputs = []
    for id_, node in graph.items():
        if "class_type" not in node:
            words = "Cannot execute because a node is missing the class_type property."
            raise RefusedGraphError(_problem("invalid_prompt", words, f"Node ID '#{id_}'"))
        if node["class_type"] not in NODES:
            words = f"Cannot execute because node {node['class_type']} does not exist."
            raise RefusedGraphError(_problem("invalid_prompt", words, f"Node ID '#{id_}'"))
        if NODES[node["class_type"]].output_node:
            outputs.append(id_)
    if not outputs:
        raise RefusedGraphError(_problem("prompt_no_outputs", "Prompt has no outputs", ""))
    good = []
    node_errors: dict[str, Any] = {}
    lines = []
    for output in outputs:
        checked = _Check(graph, lists)
        if checked.passes(output):
            good.append(output)
            continue
        for id_, problems in checked.problems.items():
            told = node_errors.setdefault(
                id_, {"errors": problems, "dependent_outputs": [], "class_type": graph[id_]["class_type"]}
            )
            told["dependent_outputs"].append(output)
        lines += [f"{one['message']}: {one['details']}" for one in checked.problems.get(output, [])]
    if not good:
        words = "Prompt outputs failed validation"
        raise RefusedGraphError(_problem("prompt_outputs_failed_validation", words, "\n".join(lines)), node_errors)
    return good, node_errors


class _Check:
    """One output's branch of the graph."""

    def __init__(self, graph: dict[str, Any], lists: Lists) -> None:
        self._graph = graph
        self._lists = lists
        self._passed: dict[str, bool] = {}
        self.problems: dict[str, list[dict[str, Any]]] = {}

    def passes(self, id_: str) -> bool:
        """Whether the node and all before it are right."""
        if id_ in self._passed:
            return self._passed[id_]
        self._passed[id_] = True  # a circle ends here
        node = self._graph[id_]
        found: list[dict[str, Any]] = []
        before = True
        for name, one in NODES[node["class_type"]].inputs.items():
            if name not in node.get("inputs", {}):
                if one.required:
                    found.append(_problem("required_input_missing", "Required input is missing", name, input_name=name))
            elif isinstance(node["inputs"][name], list):
                problem, passed = self._linked(name, one, node["inputs"][name])
                found += [problem] if problem else []
                before = before and passed
            else:
                problem = self._literal(name, one, node["inputs"])
                found += [problem] if problem else []
        if found:
            self.problems[id_] = found
        self._passed[id_] = before and not found
        return self._passed[id_]

    def _linked(self, name: str, one: Input, link: list[Any]) -> tuple[dict[str, Any] | None, bool]:
        if len(link) != 2:
            words = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            return _problem("bad_linked_input", words, name, input_name=name, received_value=link), True
        source, slot = link
        if source not in self._graph:  # the server trips over its own look-up here
            return _problem("exception_during_validation", "Exception when validating node", repr(str(source))), True
        given = NODES[self._graph[source]["class_type"]].outputs
        if not isinstance(slot, int) or slot >= len(given):
            return _problem("exception_during_validation", "Exception when validating node", "index out of range"), True
        if given[slot] != one.type:
            words = "Return type mismatch between linked nodes"
            details = f"{name}, received_type({given[slot]}) mismatch input_type({one.type})"
            return _problem("return_type_mismatch", words, details, input_name=name, linked_node=link), True
        return None, self.passes(source)

    def _literal(self, name: str, one: Input, inputs: dict[str, Any]) -> dict[str, Any] | None:
        value = inputs[name]
        info = input_info(one, self._lists, style="classic")
        if one.type in LINKED:
            words = "Return type mismatch between linked nodes"
            return _problem("return_type_mismatch", words, f"{name}, received_type(literal)", input_name=name)
        kinds: dict[str, type] = {"INT": int, "FLOAT": float, "STRING": str}
        if one.type in kinds:
            try:
                value = inputs[name] = kinds[one.type](value)
            except (TypeError, ValueError) as error:
                words = f"Failed to convert an input value to a {one.type} value"
                return _problem(
                    "invalid_input_type", words, f"{name}, {value}, {error}", input_name=name, received_value=value
                )
            for limit, kind, smaller in ((one.minimum, "min", True), (one.maximum, "max", False)):
                if limit is not None and (value < limit if smaller else value > limit):
                    relation = "smaller" if smaller else "bigger"
                    words = f"Value {value} {relation} than {kind} of {limit}"
                    return _problem(f"value_{relation}_than_{kind}", words, name, input_name=name, received_value=value)
            return None
        if one.options == "input":  # LoadImage looks for the file itself
            if value in self._lists["input"]:
                return None
            words = "Custom validation failed for node"
            return _problem("custom_validation_failed", words, f"{name} - Invalid image file: {value}", input_name=name)
        offered = choices(one, self._lists)
        if value in offered:
            return None
        long = len(offered) > LONGEST_LIST
        details = f"{name}: '{value}' not in {f'(list of length {len(offered)})' if long else offered}"
        return _problem(
            "value_not_in_list",
            "Value not in list",
            details,
            input_name=name,
            input_config=None if long else info,
            received_value=value,
        )
