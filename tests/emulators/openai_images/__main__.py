"""``python -m tests.emulators.openai_images``: a local Images API to try things with by hand."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

from .behaviour import TEST_KEY, Behaviour, Fault, parse_fault
from .limits import ImagesPerMinute, parse_limit
from .personalities import PERSONALITIES
from .server import OpenAIEmulator


def _limit(text: str) -> ImagesPerMinute:
    try:
        return parse_limit(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.emulators.openai_images", description=__doc__)
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0, help="0 takes a free one (default)")
    add("--prefix", default="", help="a path in front, as a gateway has it")
    add("--as", dest="personality", choices=sorted(PERSONALITIES), default="openai", help="which server to play")
    add("--key", action="append", help="key to accept; repeat for more accounts")
    add("--limit", type=_limit, metavar="N[/SECONDS]", help="pictures a minute")
    add("--silent", action="store_true", help="a refusal does not say how long to wait")
    add("--pictures", type=int, metavar="N", help="the money suffices for so many")
    add("--block", action="append", default=[], metavar="WORD", help="a word the safety system refuses")
    add("--unverified", action="store_true")
    add("--answer", choices=("b64_json", "url", "relative-url", "data"))
    add("--fault", type=_fault, action="append", default=[], metavar="[ENDPOINT[:CALL,…]=]WHAT")
    add("--latency", type=float, default=0.0, metavar="SECONDS")
    add("--speed", type=float, default=1.0, help="let the emulator's clock run this many times as fast")
    return parser.parse_args()


async def _main(options: argparse.Namespace) -> None:
    behaviour = Behaviour(
        personality=PERSONALITIES[options.personality],
        keys=tuple(options.key or (TEST_KEY,)),
        limit=options.limit,
        wait_in=frozenset() if options.silent else frozenset({"headers", "text", "reset"}),
        pictures_left=options.pictures,
        blocked_words=tuple(options.block),
        verified=not options.unverified,
        answer=options.answer,
        faults=options.fault,
        latency=options.latency,
    )
    emulator = OpenAIEmulator(
        behaviour, host=options.host, port=options.port, prefix=options.prefix, speed=options.speed
    )
    async with emulator:
        print(emulator.base_url, flush=True)
        print(f"# CHARIMG_OPENAI_BASE_URL={emulator.base_url}", file=sys.stderr)
        print(f"# OPENAI_API_KEY={behaviour.keys[0]}", file=sys.stderr, flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            bill = emulator.bill
            print(
                f"# {bill.calls()} requests, {len(bill.generations)} pictures, {len(bill.uploads)} uploads",
                file=sys.stderr,
            )


if __name__ == "__main__":
    arguments = _arguments()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(arguments))
