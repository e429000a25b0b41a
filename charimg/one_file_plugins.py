"""Plugins of one file each: the ``*.py`` of the project's ``plugins/`` folder.

A file is read as text first. Only one that has a hook of ours at its top level is a plugin, and only such a file is
ever run: a folder that happens to be called ``plugins`` and holds another program's code is left alone. Running it is
trusting it, as ``make`` trusts the Makefile of the folder it is called in.

The files of a folder are modules of one package that exists in memory only, so that ``from . import _palette`` finds a
neighbour, and no file can stand in the way of a library of the same name. Hidden files and those that begin with an
underscore are no plugins: the latter are what plugins share.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from types import ModuleType

FOLDER = "plugins"
"""Where one-file plugins are looked for, in the project's folder."""

HOOKS = frozenset(
    {
        "register_generators",
        "register_uploaders",
        "register_stores",
        "register_observers",
        "prepare_request",
        "finish_picture",
    }
)
"""Every hook; a test holds it against :mod:`charimg.hookspecs`, which would cost pluggy to import."""

_TOP_LEVEL_HOOK = re.compile(
    rf"^(?:(?:async[ \t]+)?def[ \t]+|from[ \t].*\b)?({'|'.join(sorted(HOOKS))})\b", re.MULTILINE
)


@dataclass(frozen=True)
class OneFilePlugin:
    """One file that has a hook of ours."""

    path: Path
    """Absolute."""
    hooks: frozenset[str]
    """The hooks its text has; all of them where it cannot be read, so that everyone who looks is told."""
    source: bytes | None = field(repr=False)
    """What was read; ``None`` where it cannot be."""

    @property
    def shown(self) -> str:
        """The path as the user knows it: ``plugins/sketch.py``."""
        return f"{FOLDER}/{self.path.name}"

    @property
    def value(self) -> str:
        """The same; what an entry point calls its module."""
        return self.shown

    def load(self) -> ModuleType:
        """Run the file, once for the same text.

        :raises Exception: whatever the file raises; :meth:`where` tells the line.
        """
        return _run(self.path, self.path.read_bytes() if self.source is None else self.source)

    def line_of(self, thing: object) -> str:
        """The file, with the line where a class of it begins."""
        try:
            return f"{self.shown}, line {inspect.getsourcelines(thing)[1]}"  # type: ignore[arg-type]  # else TypeError
        except (OSError, TypeError):
            return self.shown

    def where(self, error: BaseException) -> str:
        """The file, with the line where something went wrong in it: ``plugins/sketch.py, line 7``."""
        line = None
        if isinstance(error, SyntaxError) and error.filename == str(self.path):
            line = error.lineno
        step = error.__traceback__
        while step is not None:
            if step.tb_frame.f_code.co_filename == str(self.path):
                line = step.tb_lineno
            step = step.tb_next
        return self.shown if line is None else f"{self.shown}, line {line}"


def one_file_plugins(project: Path) -> Iterator[OneFilePlugin]:
    """The one-file plugins of a project, by name. Reads files, runs none.

    :param project: the project's folder.
    """
    for path in candidates(project):
        try:
            source = path.read_bytes()
        except OSError:
            yield OneFilePlugin(path, HOOKS, None)
            continue
        hooks = hooks_in(source.decode("utf-8", "replace"))
        if hooks:
            yield OneFilePlugin(path, hooks, source)


def candidates(project: Path) -> list[Path]:
    """The files that may be plugins, by name.

    :param project: the project's folder.
    """
    try:
        paths = sorted((project.absolute() / FOLDER).glob("*.py"))
    except OSError:  # a folder that cannot be read has nothing for us
        return []
    return [path for path in paths if not path.name.startswith((".", "_")) and not path.is_dir()]


def hooks_in(text: str) -> frozenset[str]:
    """The hooks that a file's text has at its top level."""
    return frozenset(_TOP_LEVEL_HOOK.findall(text))


@lru_cache(maxsize=256)
def _run(path: Path, source: bytes) -> ModuleType:
    package = _package(path.parent)
    name = f"{package}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # the suffix is Python's own
    module = importlib.util.module_from_spec(spec)
    code = compile(importlib.util.decode_source(source), str(path), "exec", dont_inherit=True)
    sys.modules[name] = module  # dataclasses and the like look their module up while it runs
    try:
        exec(code, module.__dict__)  # noqa: S102 - what a plugin is for; the module's text says whom it trusts
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _package(folder: Path) -> str:
    """The package in memory whose modules are the files of this folder."""
    name = f"charimg_plugins_of_{sha256(str(folder).encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"
    if name not in sys.modules:
        package = ModuleType(name, f"The one-file plugins of {folder}.")
        package.__path__ = [str(folder)]
        sys.modules[name] = package
    return name
