"""YAML to the common tree, from the parser's events.

Events, not PyYAML's loaders: nothing is constructed, so a tag like ``!!python/object`` is only a word to refuse;
an alias is a second name of one value, so a bomb costs nothing; the depth of nesting is a number, not a recursion;
and every scalar is still the text as written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import yaml

from charimg.roster.tree import MAX_DEPTH, MAX_VALUES, Entry, Listing, Mapping, Node, Place, Scalar, shown

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_PLAIN_TAGS = frozenset({"!", *(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null"))})
_PLAIN_TAGS |= {f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "timestamp")}
_OPENS = re.compile("quoted scalar|flow|simple key")
"""What is told of at its beginning: where a quote opens says more than where the file ends."""
_TAG_DIRECTIVE = re.compile("(?:^|[\ufeff\r\n\x85\u2028\u2029])%TAG")
_MOST_DIRECTIVES = 10
"""The parser compares each with all before it: of a large file of them it would not come back."""
_QUOTE_IT = "put the text in quotes"


@dataclass
class _Open:
    """A list or mapping whose end has not come yet."""

    mapping: bool
    line: int
    anchor: str | None
    items: list[Node] = field(default_factory=list)
    names: list[tuple[str, int]] = field(default_factory=list)
    size: int = 1


def read_yaml(text: str, place: Place) -> Node:
    """The tree of the one YAML document in *text*.

    Raises:
        InputError: not YAML, or with parts that no roster needs (tags, several documents, endless aliases).
    """
    directives = list(islice(_TAG_DIRECTIVE.finditer(text), _MOST_DIRECTIVES + 1))
    if len(directives) > _MOST_DIRECTIVES:
        line = text.count("\n", 0, directives[0].end()) + 1
        raise place.at(line).fault("lines that begin with '%TAG' mean something to YAML, and nothing here; delete them")
    builder = _Builder(place)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        for event in iter(loader.get_event, None):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise _syntax_fault(error, text, place) from None
    except yaml.reader.ReaderError as error:
        raise place.fault(f"holds the character U+{int(error.character):04X}; delete it") from None
    finally:
        loader.dispose()
    if builder.root is None:
        raise place.fault("holds nothing but comments; 'charimg init' writes a roster to start from")
    return builder.root


class _Builder:
    """Puts events together, innermost list or mapping last in :attr:`_open`."""

    def __init__(self, place: Place) -> None:
        self.root: Node | None = None
        self._place = place
        self._open: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._values = 0

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.ScalarEvent):
            self._check(event, line)
            null = event.implicit[0] and event.value in _NULLS
            self._add(Scalar(event.value, line, null), line, event.anchor)
        elif isinstance(event, yaml.AliasEvent):
            self._add(self._aliased(str(event.anchor), line), line, None)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._check(event, line)
            if len(self._open) >= MAX_DEPTH:
                raise self._place.at(line).fault(f"is nested more than {MAX_DEPTH} levels deep; a roster is flat")
            if event.anchor is not None:
                self._anchors[event.anchor] = None
            self._open.append(_Open(isinstance(event, yaml.MappingStartEvent), line, event.anchor))
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self._open.pop()
            node = self._mapping(done) if done.mapping else Listing(tuple(done.items), done.line, done.size)
            self._add(node, done.line, done.anchor)
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            raise self._place.at(line).fault("a second document begins here ('---'); a roster is one: delete the line")

    def _check(self, event: Any, line: int) -> None:
        if event.tag is not None and event.tag not in _PLAIN_TAGS:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise self._place.at(line).fault(f"the tag {shown(tag)} is not allowed; delete it, or {_QUOTE_IT}")

    def _aliased(self, anchor: str, line: int) -> Node:
        if anchor not in self._anchors:
            raise self._place.at(line).fault(
                f"'*{anchor}' refers to nothing; a text that begins with '*' must be in quotes"
            )
        node = self._anchors[anchor]
        if node is None:
            raise self._place.at(line).fault(f"'*{anchor}' refers to the very thing it stands in; write the value out")
        return node

    def _add(self, node: Node, line: int, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        self._values += 1
        if not self._open:
            self.root = node
            return
        inner = self._open[-1]
        inner.size += node.size
        if inner.size > MAX_VALUES or self._values > MAX_VALUES:
            raise self._place.at(line).fault(
                f"holds more than {MAX_VALUES:,} values (an alias counts as all it repeats); split the cast"
            )
        if inner.mapping and len(inner.names) == len(inner.items):
            if not isinstance(node, Scalar):
                raise self._place.at(line).fault("the name of a field must be a text; put a text before ':'")
            inner.names.append((node.text, line))
        else:
            inner.items.append(node)

    def _mapping(self, done: _Open) -> Mapping:
        entries: dict[str, Entry] = {}
        merged: list[Node] = []
        for (name, line), value in zip(done.names, done.items, strict=True):
            if name == "<<":  # YAML's merge: take over what is not given here
                merged += value.items if isinstance(value, Listing) else [value]
                continue
            if name in entries:
                raise self._place.at(line).fault(
                    f"{shown(name)} is given twice, first in line {entries[name].line}; keep one"
                )
            entries[name] = Entry(name, value, line)
        for source in merged:
            if not isinstance(source, Mapping):
                raise self._place.at(done.line).fault("'<<' takes over a mapping; write '<<: *anchor' of one")
            for entry in source.entries:
                entries.setdefault(entry.name, entry)
        return Mapping(tuple(entries.values()), done.line, done.size)


def _syntax_fault(error: yaml.MarkedYAMLError, text: str, place: Place) -> Exception:
    """YAML's own complaint in the words of somebody who writes a roster."""
    problem, context = error.problem or "", error.context or ""
    mark = error.problem_mark
    if mark is not None and error.context_mark is not None and _OPENS.search(context):
        mark = error.context_mark
    if mark is None:
        return place.fault(f"is not YAML ({problem})")
    lines = re.split("\r\n|[\r\n\x85\u2028\u2029]", text)  # what ends a line in YAML 1.1
    written = lines[mark.line] if mark.line < len(lines) else ""
    here = place.at(mark.line + 1)
    if "\t" in written[: len(written) - len(written.lstrip())] or "\\t" in problem:
        return here.fault("a tab stands where YAML wants spaces; indent with spaces")
    if "mapping values are not allowed" in problem:
        return here.fault(f"a ':' where none can stand: {_QUOTE_IT}, or line the field up with its neighbours")
    if "unexpected end of stream" in problem and "quoted" in context:
        return here.fault("a quote opens here and never closes; close it")
    if "escape" in problem:
        return here.fault("in double quotes, '\\' begins an escape; use single quotes, or write '\\\\'")
    if "flow" in context:
        return here.fault("a bracket opens here, and a comma or its end is missing; close it, or put texts in quotes")
    if "simple key" in context:
        return here.fault("neither a field ('name: ...') nor part of the text before; indent it, or add the ':'")
    if "cannot start any token" in problem:
        char = written[mark.column : mark.column + 1]
        return here.fault(f"a text cannot begin with {shown(char)} here; {_QUOTE_IT}")
    if any(word in context for word in ("alias", "anchor", "tag", "directive")):
        return here.fault(f"a text that begins with '*', '&', '!' or '%' means something else to YAML; {_QUOTE_IT}")
    if "block collection" in context or "block mapping" in context:
        return here.fault("the indentation does not fit the lines before; line it up, with spaces")
    said = f"{context}: {problem}" if context else problem
    return here.fault(f"is not YAML ({said}); {_QUOTE_IT} if it holds punctuation")
