"""Running one of the polled emulators from the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from ..by_hand import parser_of, serve
from .server import PolledEmulator
from .windows import Window


def run_by_hand(
    name: str,
    make: Callable[[dict[str, Any], argparse.Namespace], PolledEmulator],
    *,
    hints: tuple[str, ...],
    options: Callable[[argparse.ArgumentParser], None] = lambda _parser: None,
) -> None:
    """Serve until Ctrl-C; print the address first, and the bill at the end.

    :param make: the emulator, of the knobs all have and the parsed arguments.
    :param hints: lines of environment variables, with ``{url}`` for the address.
    """
    parser = parser_of(name)
    parser.add_argument("--polls", type=int, default=2, help="how often a job is asked for before it is done")
    parser.add_argument("--quota", type=Window.parse, action="append", default=[], metavar="N/SECONDS")
    parser.add_argument("--speed", type=float, default=1.0, help="let the emulator's clock run so many times as fast")
    options(parser)
    arguments = parser.parse_args()
    knobs = {
        "host": arguments.host,
        "port": arguments.port,
        "polls": arguments.polls,
        "windows": arguments.quota,
        "speed": arguments.speed,
    }

    def bill(emulator: PolledEmulator) -> list[str]:
        told = emulator.bill
        twice = len(told.prompts) - len(set(told.prompts))
        return [f"{len(told.asked)} requests, {len(told.made)} pictures ({twice} twice), {len(told.stored)} uploads"]

    serve(
        lambda: make(knobs, arguments),
        variables=lambda emulator: [hint.format(url=emulator.url) for hint in hints],
        bill=bill,
    )
