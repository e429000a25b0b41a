"""Running an emulator from the command line: ``python -m tests.emulators.gemini --port 8080``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from .served import Served

T = TypeVar("T")
E = TypeVar("E", bound=Served)


def parser_of(name: str, port: int = 0) -> argparse.ArgumentParser:
    """A command line with the address to listen at.

    :param name: the emulator's package.
    """
    parser = argparse.ArgumentParser(prog=f"python -m tests.emulators.{name}")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=port, help="0 takes a free one (default %(default)s)")
    return parser


def told(parse: Callable[[str], T]) -> Callable[[str], T]:
    """For ``type=``: the words of a ValueError are what the command line says."""

    def parsed(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parsed


async def _nothing(_: object) -> None:
    """There is nothing to do meanwhile."""


def serve(
    make: Callable[[], E],
    *,
    variables: Callable[[E], Iterable[str]],
    bill: Callable[[E], Iterable[str]],
    address: Callable[[E], str] = lambda emulator: emulator.url,
    meanwhile: Callable[[E], Awaitable[None]] = _nothing,
) -> None:
    """Serve until Ctrl-C; print the address first, and the bill at the end.

    :param make: makes the emulator, inside of the event loop.
    :param variables: lines ``NAME=value`` that lead charimg to it.
    :param bill: lines about what it was asked and what it made.
    :param address: what is printed first.
    :param meanwhile: something to do once it runs.
    """

    def say(lines: Iterable[str]) -> None:
        for line in lines:
            print(f"# {line}", file=sys.stderr, flush=True)

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows: KeyboardInterrupt ends it
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with make() as emulator:
            print(address(emulator), flush=True)
            say(variables(emulator))
            task = asyncio.ensure_future(meanwhile(emulator))
            try:
                await stop.wait()
            finally:
                task.cancel()
                say(bill(emulator))

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
