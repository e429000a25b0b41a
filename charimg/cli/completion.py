"""What the shell offers after TAB where click cannot know it: the names of installed providers."""

from __future__ import annotations

import os
from collections.abc import Callable

import click

Completion = Callable[[click.Context, click.Parameter, str], list[str]]


def provider_names(*kinds: str) -> Completion:
    """Completes the name of an installed provider of these kinds (``"generator"``, ``"uploader"``, ``"store"``).

    Imports none of them, and runs none of the project's one-file plugins: a key pressed is no command given.
    """

    def complete(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
        from charimg.plugins import Kind, Plugins  # noqa: PLC0415 - only TAB needs it, not the command itself

        plugins = Plugins(environ=os.environ)
        names = {name for kind in kinds for name in plugins.names(Kind(kind))}
        return sorted(name for name in names if name.startswith(begun))

    return complete
