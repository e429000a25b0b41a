"""``python -m tests.emulators.whisk``: a local Whisk to try things with by hand."""

from __future__ import annotations

import argparse

from ..by_hand import parser_of, serve, told
from .behaviour import CLOSED_MODES, ID_MODES, SESSION_MODES, TEST_COOKIE, Behaviour
from .faults import parse_fault
from .limits import Concurrency, Limit, daily_cap, parse_window
from .server import WhiskEmulator


def _arguments() -> argparse.Namespace:
    parser = parser_of("whisk")
    add = parser.add_argument
    add("--cookie", action="append", help="session token to accept; repeat for more accounts")
    add("--quota", type=told(parse_window), action="append", default=[], metavar="[upload:]N/SECONDS")
    add("--concurrency", type=int, metavar="N", help="refuse more than N generations at once")
    add("--daily", type=int, metavar="N", help="pictures a day for an account")
    add("--fault", type=told(parse_fault), action="append", default=[], metavar="[ENDPOINT[:CALL,…]=]WHAT")
    add("--retry-after", action="store_true", help="send Retry-After with quota answers")
    add("--latency", type=float, default=0.0, metavar="SECONDS")
    add("--token-lifetime", type=float, default=3600.0, metavar="SECONDS")
    add("--upload-ttl", type=float, default=3600.0, metavar="SECONDS")
    add("--session", choices=sorted(SESSION_MODES), default="ok")
    add("--ids", choices=sorted(ID_MODES), default="string")
    add("--closed", choices=sorted(CLOSED_MODES))
    add("--speed", type=float, default=1.0, help="let the emulator's clock run this many times as fast")
    return parser.parse_args()


def _emulator(options: argparse.Namespace) -> WhiskEmulator:
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
    return WhiskEmulator(behaviour, host=options.host, port=options.port, speed=options.speed)


def _variables(emulator: WhiskEmulator) -> list[str]:
    return [
        f"CHARIMG_WHISK_LABS_URL={emulator.url}",
        f"CHARIMG_WHISK_SANDBOX_URL={emulator.url}",
        f"CHARIMG_WHISK_COOKIE={emulator.behaviour.cookies[0]}",
    ]


def _bill(emulator: WhiskEmulator) -> list[str]:
    bill = emulator.bill
    return [f"{len(bill.log())} requests, {len(bill.generations)} pictures, {len(bill.uploads)} uploads"]


if __name__ == "__main__":
    arguments = _arguments()
    serve(lambda: _emulator(arguments), variables=_variables, bill=_bill)
