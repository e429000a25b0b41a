"""``python -m tests.emulators.bfl``: a local Black Forest Labs to try things with by hand."""

from __future__ import annotations

import argparse
from typing import Any

from ..polled.by_hand import run_by_hand
from .server import TEST_KEY, BflEmulator


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--active", type=int, default=24, help="tasks at once")
    parser.add_argument("--credits", type=float, help="what the account holds")
    parser.add_argument("--unseen", type=int, default=0, help="polls that do not find a new task yet")


def _make(knobs: dict[str, Any], arguments: argparse.Namespace) -> BflEmulator:
    return BflEmulator(active=arguments.active, credits=arguments.credits, unseen=arguments.unseen, **knobs)


if __name__ == "__main__":
    hints = ("CHARIMG_BFL_BASE_URL={url}", f"BFL_API_KEY={TEST_KEY}")
    run_by_hand("bfl", _make, hints=hints, options=_options)
