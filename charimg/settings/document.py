"""A settings file's YAML as nodes that know their line; the only module of the settings that needs PyYAML.

Nothing is constructed, so a tag like ``!!python/object`` does nothing, and every value is still the text as written.
"""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from charimg.errors import InputError
from charimg.settings.values import Written, is_one_line, shown

LONGEST_NAME = 100
"""Characters of a setting's name, a provider's or an account's."""


def composed(text: str, name: str) -> yaml.Node | None:
    """The document's nodes, nothing constructed; aliases are shared, so a bomb costs nothing."""
    try:
        root: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        problem = error.problem or error.context or "it cannot be parsed"
        if "\\t" in problem:
            problem = "a tab stands where YAML wants spaces"
        raise InputError(f"{name}{line}: is not YAML: {problem}; write 'name: value', a line each") from None
    except yaml.YAMLError as error:
        raise InputError(f"{name}: is not YAML: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise InputError(f"{name}: is nested too deeply; settings need three levels") from None
    return root


def entries(node: yaml.Node | None, name: str, place: str) -> Iterator[tuple[str, int, yaml.Node | None]]:
    """Name, line and value of each entry; a value is ``None`` where nothing is written."""
    if node is None or _is_nothing(node):
        return
    head = f"{place}: " if place else ""
    if not isinstance(node, yaml.MappingNode):
        line = node.start_mark.line + 1
        raise InputError(f"{name}:{line}: {head}expected lines of 'name: value', found {kind(node)}")
    seen: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise InputError(f"{name}:{line}: {head}the name of a setting is a text, found {kind(key)}")
        if not is_one_line(key.value) or len(key.value) > LONGEST_NAME:
            raise InputError(f"{name}:{line}: {head}the name of a setting is a word, found {shown(key.value)}")
        if key.value in seen:
            raise InputError(
                f"{name}:{line}: {head}{key.value} is given twice, first in line {seen[key.value]}; keep one"
            )
        seen[key.value] = line
        yield key.value, line, None if _is_nothing(value) else value


def items(node: yaml.Node | None, name: str, line: int, place: str) -> list[yaml.Node]:
    """The entries of a list; none where nothing is written."""
    if node is None or _is_nothing(node):
        return []
    if not isinstance(node, yaml.SequenceNode):
        raise InputError(f"{name}:{line}: {place}: expected a list ('- ' before each), found {kind(node)}")
    return list(node.value)


def scalar(node: yaml.Node | None, name: str, line: int, place: str) -> Written:
    """The one value at *place*, as it was written."""
    if node is None:
        raise InputError(f"{name}:{line}: {place}: has no value; write one, or delete the line")
    if not isinstance(node, yaml.ScalarNode):
        raise InputError(f"{name}:{line}: {place}: expected one value, found {kind(node)}")
    return Written(node.value, line)


def kind(node: yaml.Node | None) -> str:
    """What people call this kind of value."""
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return "a mapping" if isinstance(node, yaml.MappingNode) else "a text"


def _is_nothing(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"
