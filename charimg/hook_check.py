"""What a plugin's hooks must look like, in one line where they do not: pluggy's own words are for those who know it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from difflib import get_close_matches
from types import ModuleType
from typing import Any

from charimg.one_file_plugins import HOOKS

MARK = "charimg_impl"
"""Where ``@charimg.hookimpl`` leaves its mark."""


def fault_of_hooks(module: ModuleType) -> str | None:
    """What is wrong with the first marked function that cannot be called as its hook; ``None`` where all can."""
    from charimg import hookspecs  # noqa: PLC0415 - listing names must not pay for pluggy

    for name, function, options in _marked(module):
        if options.get("specname") not in (None, name):
            return f"the function that implements {options['specname']} must be called that"
        if name not in HOOKS:
            if options.get("optionalhook"):
                continue
            return no_hook(name)
        if inspect.iscoroutinefunction(function):
            return f"{name} must be a plain 'def', not 'async def': hooks are not awaited"
        given = list(inspect.signature(getattr(hookspecs, name)).parameters)
        strange = [one for one in inspect.signature(function).parameters if one not in given]
        if strange:
            return f"{name} asks for '{strange[0]}', which it is not given; write def {name}({', '.join(given)})"
    return None


def no_hook(name: str) -> str:
    """That there is no hook of this name, and which may have been meant."""
    close = get_close_matches(name, sorted(HOOKS), 1)
    return f"{name} is no hook of charimg; {f'did you mean {close[0]}?' if close else f'there are {_all()}'}"


def _all() -> str:
    return ", ".join(sorted(HOOKS))


def _marked(module: ModuleType) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    for name, function in list(vars(module).items()):
        options = getattr(function, MARK, None) if inspect.isroutine(function) else None
        if isinstance(options, dict):
            yield name, function, options
