"""``python -m tests.emulators.stability``: a local Stability AI to try things with by hand."""

from __future__ import annotations

import argparse

from ..by_hand import parser_of, serve
from .server import TEST_KEY, RateLimit, StabilityEmulator


def _rate(text: str) -> RateLimit:
    try:
        requests, seconds, ban = text.split("/")
        return RateLimit(int(requests), float(seconds), float(ban))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not REQUESTS/SECONDS/BAN") from None


def _arguments() -> argparse.Namespace:
    parser = parser_of("stability")
    add = parser.add_argument
    add("--key", default=TEST_KEY)
    add("--rate", type=_rate, default=RateLimit(), metavar="REQUESTS/SECONDS/BAN", help="default 150/10/60")
    add("--credits", type=float, metavar="N")
    add("--seconds", type=float, default=0.0, help="how long a picture takes")
    add("--refuse", action="append", default=[], metavar="WORD", help="prompts with it are refused")
    add("--filter", action="append", default=[], metavar="WORD", help="pictures of prompts with it are filtered")
    return parser.parse_args()


def _emulator(options: argparse.Namespace) -> StabilityEmulator:
    return StabilityEmulator(
        host=options.host,
        port=options.port,
        key=options.key,
        limit=options.rate,
        credits=options.credits,
        seconds=options.seconds,
        refused_words=tuple(options.refuse),
        filtered_words=tuple(options.filter),
    )


def _variables(emulator: StabilityEmulator) -> list[str]:
    return [f"CHARIMG_STABILITY_BASE_URL={emulator.url}", f"STABILITY_API_KEY={emulator.behaviour.key}"]


def _bill(emulator: StabilityEmulator) -> list[str]:
    return [f"{len(emulator.statuses)} requests, {len(emulator.made)} pictures"]


if __name__ == "__main__":
    arguments = _arguments()
    serve(lambda: _emulator(arguments), variables=_variables, bill=_bill)
