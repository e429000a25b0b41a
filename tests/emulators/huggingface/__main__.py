"""``python -m tests.emulators.huggingface``: a local Hugging Face to try things with by hand."""

from __future__ import annotations

import argparse

from ..by_hand import parser_of, serve
from .server import TEST_TOKEN, HuggingFaceEmulator, Window


def _window(text: str) -> Window:
    try:
        requests, seconds = text.split("/")
        return Window(int(requests), float(seconds))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not REQUESTS/SECONDS") from None


def _arguments() -> argparse.Namespace:
    parser = parser_of("huggingface")
    add = parser.add_argument
    add("--token", default=TEST_TOKEN)
    add("--window", type=_window, default=Window(), metavar="REQUESTS/SECONDS", help="default 500/300")
    add("--credits", type=int, metavar="N", help="pictures that the month still pays for")
    add("--loading", type=float, default=0.0, metavar="SECONDS", help="how long a model needs to load")
    add("--seconds", type=float, default=0.0, help="how long a picture takes")
    return parser.parse_args()


def _emulator(options: argparse.Namespace) -> HuggingFaceEmulator:
    return HuggingFaceEmulator(
        host=options.host,
        port=options.port,
        token=options.token,
        window=options.window,
        credits=options.credits,
        loading=options.loading,
        seconds=options.seconds,
    )


def _variables(emulator: HuggingFaceEmulator) -> list[str]:
    return [
        f"CHARIMG_HUGGINGFACE_BASE_URL={emulator.url}",
        f"CHARIMG_HUGGINGFACE_HUB_URL={emulator.url}",
        f"HF_TOKEN={emulator.behaviour.token}",
    ]


def _bill(emulator: HuggingFaceEmulator) -> list[str]:
    return [f"{len(emulator.asked)} requests, {len(emulator.made)} pictures"]


if __name__ == "__main__":
    arguments = _arguments()
    serve(lambda: _emulator(arguments), variables=_variables, bill=_bill)
