"""``python -m tests.emulators.automatic1111``: a local AUTOMATIC1111 to try things with by hand."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

from .server import Automatic1111Emulator


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.emulators.automatic1111", description=__doc__)
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0, help="0 takes a free one (default)")
    add("--no-api", action="store_true", help="as started without --api")
    add("--api-auth", metavar="USER:PASSWORD")
    add("--step-seconds", type=float, default=0.0, metavar="SECONDS", help="how long a sampling step takes")
    add("--out-of-memory", type=int, default=0, metavar="N", help="the first N pictures do not fit")
    add("--ignore-unknown-checkpoint", action="store_true", help="draw with the loaded one instead of a 404")
    add("--forge", action="store_true", help="with Forge's manners")
    return parser.parse_args()


async def _main(options: argparse.Namespace) -> None:
    server = Automatic1111Emulator(
        host=options.host,
        port=options.port,
        api=not options.no_api,
        auth=tuple(options.api_auth.split(":", 1)) if options.api_auth else None,
        forge=options.forge,
        step_seconds=options.step_seconds,
        unknown_checkpoint="ignore" if options.ignore_unknown_checkpoint else "refuse",
    )
    if options.out_of_memory:
        words = "CUDA out of memory. Tried to allocate 2.00 GiB"
        body = {"error": "OutOfMemoryError", "detail": "", "body": "", "errors": words}
        server.add_fault(500, body, times=options.out_of_memory)
    async with server:
        print(server.url, flush=True)
        print(f"# CHARIMG_AUTOMATIC1111_BASE_URL={server.url}", file=sys.stderr, flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            bill = server.bill
            print(f"# {len(bill.asked)} requests, {len(bill.made)} pictures", file=sys.stderr)
            print(f"# most at once: {bill.most_at_once}; unknown fields: {sorted(bill.ignored)}", file=sys.stderr)


if __name__ == "__main__":
    arguments = _arguments()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(arguments))
