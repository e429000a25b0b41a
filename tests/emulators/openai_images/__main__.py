"""``python -m tests.emulators.openai_images``: a local Images API to try things with by hand."""

from __future__ import annotations

import argparse

from ..by_hand import parser_of, serve, told
from .behaviour import TEST_KEY, Behaviour, parse_fault
from .limits import parse_limit
from .personalities import PERSONALITIES
from .server import OpenAIEmulator


def _arguments() -> argparse.Namespace:
    parser = parser_of("openai_images")
    add = parser.add_argument
    add("--prefix", default="", help="a path in front, as a gateway has it")
    add("--as", dest="personality", choices=sorted(PERSONALITIES), default="openai", help="which server to play")
    add("--key", action="append", help="key to accept; repeat for more accounts")
    add("--limit", type=told(parse_limit), metavar="N[/SECONDS]", help="pictures a minute")
    add("--silent", action="store_true", help="a refusal does not say how long to wait")
    add("--pictures", type=int, metavar="N", help="the money suffices for so many")
    add("--block", action="append", default=[], metavar="WORD", help="a word the safety system refuses")
    add("--unverified", action="store_true")
    add("--answer", choices=("b64_json", "url", "relative-url", "data"))
    add("--fault", type=told(parse_fault), action="append", default=[], metavar="[ENDPOINT[:CALL,…]=]WHAT")
    add("--latency", type=float, default=0.0, metavar="SECONDS")
    add("--speed", type=float, default=1.0, help="let the emulator's clock run this many times as fast")
    return parser.parse_args()


def _emulator(options: argparse.Namespace) -> OpenAIEmulator:
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
    return OpenAIEmulator(behaviour, host=options.host, port=options.port, prefix=options.prefix, speed=options.speed)


def _variables(emulator: OpenAIEmulator) -> list[str]:
    return [f"CHARIMG_OPENAI_BASE_URL={emulator.base_url}", f"OPENAI_API_KEY={emulator.behaviour.keys[0]}"]


def _bill(emulator: OpenAIEmulator) -> list[str]:
    bill = emulator.bill
    return [f"{bill.calls()} requests, {len(bill.generations)} pictures, {len(bill.uploads)} uploads"]


if __name__ == "__main__":
    arguments = _arguments()
    serve(
        lambda: _emulator(arguments),
        address=lambda emulator: emulator.base_url,
        variables=_variables,
        bill=_bill,
    )
