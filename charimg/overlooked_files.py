"""Files of the project's ``plugins/`` folder that were meant to be plugins and offer nothing.

They are found by their text, and run by nobody: one that speaks of charimg and has no hook is told of, where another
program's code is left alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.util import decode_source
from pathlib import Path

from charimg.hook_check import no_hook
from charimg.one_file_plugins import FOLDER, candidates, hooks_in
from charimg.raised_where import words_of

_SPEAKS_OF_US = re.compile(r"\bhookimpl\b|^[ \t]*(?:import|from)[ \t]+charimg\b", re.MULTILINE)


def overlooked(project: Path) -> Iterator[tuple[str, str]]:
    """Every such file, as the user knows it (``plugins/sketch.py``), with what is wrong in one line that names it.

    :param project: the project's folder.
    """
    for path in candidates(project):
        try:
            source = path.read_bytes()
        except OSError:  # told where plugins are looked for
            continue
        text = source.decode("utf-8", "replace")
        if not hooks_in(text) and _SPEAKS_OF_US.search(text):
            shown = f"{FOLDER}/{path.name}"
            yield shown, f"{_wrong_with(source, shown)}; mend it, or take it out of {FOLDER}/"


def _wrong_with(source: bytes, shown: str) -> str:
    try:
        tree = ast.parse(decode_source(source))
    except SyntaxError as error:
        place = shown if error.lineno is None else f"{shown}, line {error.lineno}"
        return f"{place}: {words_of(error)}"
    except ValueError as error:  # a null byte, before Python 3.12
        return f"{shown}: {words_of(error)}"
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and any(map(_is_mark, node.decorator_list)):
            return f"{shown}, line {node.lineno}: {no_hook(node.name)}"
    return (
        f"{shown} speaks of charimg and offers nothing: it has no hook, such as register_generators(register), marked"
        f" with @charimg.hookimpl (if other plugins import it, call it _{shown.rpartition('/')[2]})"
    )


def _is_mark(node: ast.expr) -> bool:
    return "hookimpl" in ast.unparse(node)
