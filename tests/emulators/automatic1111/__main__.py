"""``python -m tests.emulators.automatic1111``: a local AUTOMATIC1111 to try things with by hand."""

from __future__ import annotations

import argparse

from ..by_hand import parser_of, serve
from .server import Automatic1111Emulator


def _arguments() -> argparse.Namespace:
    parser = parser_of("automatic1111")
    add = parser.add_argument
    add("--no-api", action="store_true", help="as started without --api")
    add("--api-auth", metavar="USER:PASSWORD")
    add("--step-seconds", type=float, default=0.0, metavar="SECONDS", help="how long a sampling step takes")
    add("--out-of-memory", type=int, default=0, metavar="N", help="the first N pictures do not fit")
    add("--ignore-unknown-checkpoint", action="store_true", help="draw with the loaded one instead of a 404")
    add("--forge", action="store_true", help="with Forge's manners")
    return parser.parse_args()


def _emulator(options: argparse.Namespace) -> Automatic1111Emulator:
    emulator = Automatic1111Emulator(
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
        emulator.add_fault(500, body, times=options.out_of_memory)
    return emulator


def _variables(emulator: Automatic1111Emulator) -> list[str]:
    return [f"CHARIMG_AUTOMATIC1111_BASE_URL={emulator.url}"]


def _bill(emulator: Automatic1111Emulator) -> list[str]:
    bill = emulator.bill
    return [
        f"{len(bill.asked)} requests, {len(bill.made)} pictures",
        f"most at once: {bill.most_at_once}; unknown fields: {sorted(bill.ignored)}",
    ]


if __name__ == "__main__":
    arguments = _arguments()
    serve(lambda: _emulator(arguments), variables=_variables, bill=_bill)
