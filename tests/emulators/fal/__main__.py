"""``python -m tests.emulators.fal``: a local fal to try things with by hand."""

from __future__ import annotations

import argparse
from typing import Any

from ..polled.by_hand import run_by_hand
from .server import TEST_KEY, FalEmulator


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runners", type=int, default=10, help="how many requests run at once")
    parser.add_argument("--locked", action="store_true", help="the account's balance is exhausted")


def _make(knobs: dict[str, Any], arguments: argparse.Namespace) -> FalEmulator:
    return FalEmulator(runners=arguments.runners, locked=arguments.locked, **knobs)


if __name__ == "__main__":
    hints = ("CHARIMG_FAL_BASE_URL={url}", f"FAL_KEY={TEST_KEY}")
    run_by_hand("fal", _make, hints=hints, options=_options)
