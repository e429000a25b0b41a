"""``python -m tests.emulators.gemini``: a local Gemini to try things with by hand."""

from __future__ import annotations

import argparse

from ..by_hand import parser_of, serve, told
from .accounts import TEST_KEY, Account
from .behaviour import Behaviour
from .faults import parse_fault
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


def _arguments() -> argparse.Namespace:
    parser = parser_of("gemini")
    add = parser.add_argument
    add("--prefix", default="", help="a path in front, as /gateway")
    add("--account", type=_account, action="append", metavar="KEY[,KNOB=VALUE]…", help="repeat for more keys")
    add("--minute", type=float, default=60.0, metavar="SECONDS", help="how long the per-minute window is")
    add("--latency", type=float, default=0.0, metavar="SECONDS")
    add("--fault", type=told(parse_fault), action="append", default=[], metavar="[ENDPOINT[:CALL,…]=]WHAT")
    add("--format", choices=("by-model", "png", "jpeg"), default="by-model")
    add("--file-lifetime", type=float, default=48 * 3600.0, metavar="SECONDS")
    add("--thoughts", action="store_true", help="send pictures of thoughts too")
    add("--array-errors", action="store_true")
    return parser.parse_args()


def _emulator(options: argparse.Namespace) -> GeminiEmulator:
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
    return GeminiEmulator(behaviour, host=options.host, port=options.port, prefix=options.prefix)


def _variables(emulator: GeminiEmulator) -> list[str]:
    return [
        f"CHARIMG_GEMINI_BASE_URL={emulator.url}",
        *(f"CHARIMG_GEMINI_API_KEY={account.key}" for account in emulator.behaviour.accounts),
    ]


def _bill(emulator: GeminiEmulator) -> list[str]:
    bill = emulator.bill
    return [f"{len(bill.log())} requests, {len(bill.generations)} pictures, {len(bill.uploads)} files"]


if __name__ == "__main__":
    arguments = _arguments()
    serve(lambda: _emulator(arguments), variables=_variables, bill=_bill)
