"""``python -m tests.emulators.stability``: a local Stability AI to try things with by hand."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

from .server import TEST_KEY, RateLimit, StabilityEmulator


def _rate(text: str) -> RateLimit:
    try:
        requests, seconds, ban = text.split("/")
        return RateLimit(int(requests), float(seconds), float(ban))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not REQUESTS/SECONDS/BAN") from None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.emulators.stability", description=__doc__)
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0, help="0 takes a free one (default)")
    add("--key", default=TEST_KEY)
    add("--rate", type=_rate, default=RateLimit(), metavar="REQUESTS/SECONDS/BAN", help="default 150/10/60")
    add("--credits", type=float, metavar="N")
    add("--seconds", type=float, default=0.0, help="how long a picture takes")
    add("--refuse", action="append", default=[], metavar="WORD", help="prompts with it are refused")
    add("--filter", action="append", default=[], metavar="WORD", help="pictures of prompts with it are filtered")
    return parser.parse_args()


async def _main(options: argparse.Namespace) -> None:
    service = StabilityEmulator(
        host=options.host,
        port=options.port,
        key=options.key,
        limit=options.rate,
        credits=options.credits,
        seconds=options.seconds,
        refused_words=tuple(options.refuse),
        filtered_words=tuple(options.filter),
    )
    async with service:
        print(service.url, flush=True)
        print(f"# CHARIMG_STABILITY_BASE_URL={service.url}", file=sys.stderr)
        print(f"# STABILITY_API_KEY={options.key}", file=sys.stderr, flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            print(f"# {len(service.statuses)} requests, {len(service.made)} pictures", file=sys.stderr)


if __name__ == "__main__":
    arguments = _arguments()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(arguments))
