"""The reference of what a plugin may use: every public class and function with its signature and docstring."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from importlib import import_module

CONTRACTS = {
    "The providers": ("contracts.provider", "contracts.generator", "polling", "contracts.uploader", "contracts.store"),
    "The observer": ("contracts.observer",),
    "The declaration": ("contracts.declaration",),
    "The values": ("model",),
    "The errors": ("errors",),
}
"""Modules whose public classes and functions are the contracts."""

TOOLS = {
    "Asking a service": ("http", "websocket", "addresses"),
    "What an answer means": ("verdicts.reading", "verdicts.failures", "verdicts.waits"),
    "Pictures and shapes": ("images", "reference_pictures", "aspect_ratios", "lettering:text_card"),
    "Files": ("durable_files",),
    "Secrets": ("redaction",),
}
"""Modules with what the core offers to a provider; behind a colon, the one thing in the module that it does."""


def contracts_page(note: str, plain: Callable[[str | None], str]) -> str:
    """``contracts.md``."""
    intro = (
        "What a plugin implements, and what it is given. Most of it is importable from `charimg` itself, all of it\n"
        "from the module named. What makes it easy: [toolbox](toolbox.md); what tests it: [test kit](testing.md).\n"
    )
    return "\n".join(["# Contracts\n", note, intro, *_parts(CONTRACTS, plain)])


def toolbox_page(note: str, plain: Callable[[str | None], str]) -> str:
    """``toolbox.md``."""
    intro = "What the core offers to a provider, so that it need not be written again.\n"
    return "\n".join(["# Toolbox\n", note, intro, *_parts(TOOLS, plain)])


def testing_page(note: str, plain: Callable[[str | None], str]) -> str:
    """``testing.md``."""
    kit = import_module("charimg.testing")
    front = ast.parse(inspect.getsource(kit)).body
    homes = {name.name: str(node.module) for node in front if isinstance(node, ast.ImportFrom) for name in node.names}
    parts = ["# The test kit\n", note, plain(inspect.getdoc(kit)), ""]
    for name in kit.__all__:
        parts += _described(_definition(name, homes[name]), plain)
    return "\n".join(parts)


def _definition(name: str, module: str) -> ast.AST:
    """The statement of a module that makes this name: a class, a function, or an alias."""
    body = ast.parse(inspect.getsource(import_module(module))).body
    return next(
        node
        for node in body
        if getattr(node, "name", None) == name or (isinstance(node, ast.Assign) and _source(node.targets[0]) == name)
    )


def _parts(groups: dict[str, tuple[str, ...]], plain: Callable[[str | None], str]) -> Iterator[str]:
    for title, modules in groups.items():
        yield f"## {title}\n"
        for place in modules:
            name, _, only = place.partition(":")
            module = import_module(f"charimg.{name}")
            yield f"From `charimg.{name}`: {plain(inspect.getdoc(module))}\n"
            for node in ast.parse(inspect.getsource(module)).body:
                thing = getattr(node, "name", "_")
                if not thing.startswith("_") and only in ("", thing):
                    yield from _described(node, plain)


def _described(node: ast.AST, plain: Callable[[str | None], str]) -> Iterator[str]:
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(_source(base) for base in node.bases)
        yield f"### `class {node.name}{f'({bases})' if bases else ''}`\n"
        yield f"{plain(ast.get_docstring(node))}\n"
        fields = [f"- `{field}`{f': {plain(text)}' if text else ''}" for field, text in _fields(node)]
        if fields:
            yield "\n".join(fields) + "\n"
        for inner in node.body:
            public = isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)) and not inner.name.startswith("_")
            if public or getattr(inner, "name", "") == "__init__":
                yield f"#### `{_signature(inner)}`\n"
                text = ast.get_docstring(inner)  # type: ignore[arg-type]  # a function, see above
                if text:  # how one is made is mostly told by the class
                    yield f"{plain(text)}\n"
    elif isinstance(node, ast.Assign):
        yield f"### `{_source(node)}`\n"
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        yield f"### `{_signature(node)}`\n"
        yield f"{plain(ast.get_docstring(node))}\n"


def _source(node: ast.AST) -> str:
    """The node as code; Python 3.10 puts a space where later ones put none."""
    return ast.unparse(node).replace("lambda :", "lambda:")


def _signature(node: ast.AST) -> str:
    assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    kind = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    marks = [_source(mark) for mark in node.decorator_list]
    kind += "".join(f"@{mark} " for mark in marks if mark in ("classmethod", "staticmethod", "property"))
    returns = f" -> {_source(node.returns)}" if node.returns is not None else ""
    return f"{kind}{node.name}({_source(node.args)}){returns}"


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Public attributes as they are written, with their descriptions."""
    following = [*node.body[1:], ast.Pass()]
    for statement, after in zip(node.body, following, strict=True):
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)):
            continue
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        if not isinstance(target, ast.Name) or target.id.startswith("_"):
            continue
        documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        text = " ".join(str(after.value.value).split()) if documented else ""  # type: ignore[attr-defined]  # see before
        yield re.sub(r"\s+", " ", _source(statement)), text
