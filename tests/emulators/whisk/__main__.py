"""``python -m tests.emulators.whisk``: a local Whisk to try things with by hand."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

from .behaviour import CLOSED_MODES, ID_MODES, SESSION_MODES, TEST_COOKIE, Behaviour
from .faults import Fault, parse_fault
from .limits import Concurrency, Limit, Window, daily_cap, parse_window
from .server import WhiskEmulator


def _window(text: str) -> Window:
    try:
        return parse_window(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.emulators.whisk", description=__doc__)
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0, help="0 takes a free one (default)")
    add("--cookie", action="append", help="session token to accept; repeat for more accounts")
    add("--quota", type=_window, action="append", default=[], metavar="[upload:]N/SECONDS")
    add("--concurrency", type=int, metavar="N", help="refuse more than N generations at once")
    add("--daily", type=int, metavar="N", help="pictures a day for an account")
    add("--fault", type=_fault, action="append", default=[], metavar="[ENDPOINT[:CALL,…]=]WHAT")
    add("--retry-after", action="store_true", help="send Retry-After with quota answers")
    add("--latency", type=float, default=0.0, metavar="SECONDS")
    add("--token-lifetime", type=float, default=3600.0, metavar="SECONDS")
    add("--upload-ttl", type=float, default=3600.0, metavar="SECONDS")
    add("--session", choices=sorted(SESSION_MODES), default="ok")
    add("--ids", choices=sorted(ID_MODES), default="string")
    add("--closed", choices=sorted(CLOSED_MODES))
    add("--speed", type=float, default=1.0, help="let the emulator's clock run this many times as fast")
    return parser.parse_args()


async def _main(options: argparse.Namespace) -> None:
    limits: list[Limit] = list(options.quota)
    if options.concurrency is not None:
        limits.append(Concurrency(options.concurrency))
    if options.daily is not None:
        limits.append(daily_cap(options.daily))
    behaviour = Behaviour(
        cookies=tuple(options.cookie or (TEST_COOKIE,)),
        session_mode=options.session,
        token_lifetime=options.token_lifetime,
        upload_ttl=options.upload_ttl,
        id_mode=options.ids,
        limits=tuple(limits),
        retry_after=options.retry_after,
        faults=options.fault,
        closed=options.closed,
        latency=options.latency,
    )
    whisk = WhiskEmulator(behaviour, host=options.host, port=options.port, speed=options.speed)
    async with whisk:
        print(whisk.url, flush=True)
        print(f"# CHARIMG_WHISK_LABS_URL={whisk.url}", file=sys.stderr)
        print(f"# CHARIMG_WHISK_SANDBOX_URL={whisk.url}", file=sys.stderr)
        print(f"# CHARIMG_WHISK_COOKIE={behaviour.cookies[0]}", file=sys.stderr, flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            bill = whisk.bill
            print(
                f"# {len(bill.log())} requests, {len(bill.generations)} pictures, {len(bill.uploads)} uploads",
                file=sys.stderr,
            )


if __name__ == "__main__":
    arguments = _arguments()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(arguments))
