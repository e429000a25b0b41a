"""What ``CHARIMG_TRACE_PLUGINS=1`` shows of every hook call, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any


def before(hook: str, implementations: Any, arguments: Mapping[str, Any]) -> None:
    """A hook is about to be called: what it is given, and who implements it."""
    names = ", ".join(_name(implementation.plugin_name) for implementation in implementations)
    sys.stderr.write(f"plugins: {hook}({', '.join(arguments)}) -> {names or 'nobody'}\n")


def after(outcome: Any, hook: str, _implementations: Any, _arguments: Mapping[str, Any]) -> None:
    """It was called: what came of it. Hooks that register return nothing."""
    error = outcome.exception
    if error is not None:
        told = f"raised {type(error).__name__}"
    else:
        told = f"returned {', '.join(type(one).__name__ for one in outcome.get_result()) or 'nothing to change'}"
        if hook.startswith("register_"):
            told = "done"
    sys.stderr.write(f"plugins: {hook} {told}\n")


def _name(registered: str) -> str:
    """A distribution with its module, a file once: it is registered as both."""
    source, _, module = registered.partition(": ")
    return source if module == source else registered
