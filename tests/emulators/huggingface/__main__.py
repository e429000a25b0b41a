"""``python -m tests.emulators.huggingface``: a local Hugging Face to try things with by hand."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

from .server import TEST_TOKEN, HuggingFaceEmulator, Window


def _window(text: str) -> Window:
    try:
        requests, seconds = text.split("/")
        return Window(int(requests), float(seconds))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not REQUESTS/SECONDS") from None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.emulators.huggingface", description=__doc__)
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0, help="0 takes a free one (default)")
    add("--token", default=TEST_TOKEN)
    add("--window", type=_window, default=Window(), metavar="REQUESTS/SECONDS", help="default 500/300")
    add("--credits", type=int, metavar="N", help="pictures that the month still pays for")
    add("--loading", type=float, default=0.0, metavar="SECONDS", help="how long a model needs to load")
    add("--seconds", type=float, default=0.0, help="how long a picture takes")
    return parser.parse_args()


async def _main(options: argparse.Namespace) -> None:
    service = HuggingFaceEmulator(
        host=options.host,
        port=options.port,
        token=options.token,
        window=options.window,
        credits=options.credits,
        loading=options.loading,
        seconds=options.seconds,
    )
    async with service:
        print(service.url, flush=True)
        print(f"# CHARIMG_HUGGINGFACE_BASE_URL={service.url}", file=sys.stderr)
        print(f"# CHARIMG_HUGGINGFACE_HUB_URL={service.url}", file=sys.stderr)
        print(f"# HF_TOKEN={options.token}", file=sys.stderr, flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            print(f"# {len(service.asked)} requests, {len(service.made)} pictures", file=sys.stderr)


if __name__ == "__main__":
    arguments = _arguments()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(arguments))
