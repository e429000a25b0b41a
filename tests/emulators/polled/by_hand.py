"""Running an emulator from the command line."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable
from typing import Any

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
    parser = argparse.ArgumentParser(prog=f"python -m tests.emulators.{name}")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
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

    async def main() -> None:
        async with make(knobs, arguments) as emulator:
            print(emulator.url, flush=True)
            for hint in hints:
                print(f"# {hint.format(url=emulator.url)}", file=sys.stderr, flush=True)
            stop = asyncio.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
            await stop.wait()
            bill = emulator.bill
            twice = len(bill.prompts) - len(set(bill.prompts))
            pictures = f"{len(bill.made)} pictures ({twice} twice)"
            print(f"# {len(bill.asked)} requests, {pictures}, {len(bill.stored)} uploads", file=sys.stderr)

    asyncio.run(main())
