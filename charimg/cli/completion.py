"""What the shell offers after TAB where click cannot know it: names of installed providers, and of lanes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click

from charimg.errors import InputError

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


def lane_names(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Completes the name of a lane of the settings files; none where they cannot be read."""
    from charimg.settings import Settings, config_home  # noqa: PLC0415 - only TAB needs it, not the command itself

    folder = context.find_root().params.get("folder") or Path()
    try:
        lanes = Settings.load(folder, os.environ, config_home(os.environ)).lanes
    except InputError:
        return []
    return [lane.name for lane in lanes if lane.name.startswith(begun)]


def character_names(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Completes the key of a character of the folder's roster; none where it cannot be read."""
    from charimg.roster import find_roster, read_roster  # noqa: PLC0415 - only TAB needs it, not the command itself

    folder = context.find_root().params.get("folder") or Path()
    try:
        roster = read_roster(find_roster(Path(folder).absolute()))
    except InputError:
        return []
    return [one.key for one in roster.characters if one.key.startswith(begun)]
