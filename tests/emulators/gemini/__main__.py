"""``python -m tests.emulators.gemini``: a local Gemini to try things with by hand."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

from .accounts import TEST_KEY, Account
from .behaviour import Behaviour
from .faults import Fault, parse_fault
from .server import GeminiEmulator


def _account(text: str) -> Account:
    """An account from ``KEY[,per_minute=7][,per_day=20][,project=P][,free][,suspended]…``."""
    key, *knobs = text.split(",")
    account = Account(key or TEST_KEY)
    for knob in knobs:
        name, mark, value = knob.partition("=")
        if name not in Account.__dataclass_fields__:
            raise argparse.ArgumentTypeError(f"{name!r} is no knob of an account")
        setattr(account, name, (int(value) if value.isdigit() else value) if mark else True)
    return account


def _fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.emulators.gemini", description=__doc__)
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0, help="0 takes a free one (default)")
    add("--prefix", default="", help="a path in front, as /gateway")
    add("--account", type=_account, action="append", metavar="KEY[,KNOB=VALUE]…", help="repeat for more keys")
    add("--minute", type=float, default=60.0, metavar="SECONDS", help="how long the per-minute window is")
    add("--latency", type=float, default=0.0, metavar="SECONDS")
    add("--fault", type=_fault, action="append", default=[], metavar="[ENDPOINT[:CALL,…]=]WHAT")
    add("--format", choices=("by-model", "png", "jpeg"), default="by-model")
    add("--file-lifetime", type=float, default=48 * 3600.0, metavar="SECONDS")
    add("--thoughts", action="store_true", help="send pictures of thoughts too")
    add("--array-errors", action="store_true")
    return parser.parse_args()


async def _main(options: argparse.Namespace) -> None:
    behaviour = Behaviour(
        accounts=options.account or [Account()],
        minute=options.minute,
        latency=options.latency,
        faults=options.fault,
        picture_format=options.format,
        file_lifetime=options.file_lifetime,
        thoughts=options.thoughts,
        array_errors=options.array_errors,
    )
    async with GeminiEmulator(behaviour, host=options.host, port=options.port, prefix=options.prefix) as gemini:
        print(gemini.url, flush=True)
        print(f"# CHARIMG_GEMINI_BASE_URL={gemini.url}", file=sys.stderr)
        for account in behaviour.accounts:
            print(f"# CHARIMG_GEMINI_API_KEY={account.key}", file=sys.stderr, flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            bill = gemini.bill
            print(
                f"# {len(bill.log())} requests, {len(bill.generations)} pictures, {len(bill.uploads)} files",
                file=sys.stderr,
            )


if __name__ == "__main__":
    arguments = _arguments()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(arguments))
