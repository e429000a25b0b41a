"""``python -m tests.emulators.replicate``: a local Replicate to try things with by hand."""

from __future__ import annotations

import argparse
from typing import Any

from ..polled.by_hand import run_by_hand
from .server import TEST_TOKEN, ReplicateEmulator


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--credit", type=int, metavar="N", help="pictures that are paid for")
    parser.add_argument("--takes", type=float, default=30.0, help="seconds a prediction takes by its own account")


def _make(knobs: dict[str, Any], arguments: argparse.Namespace) -> ReplicateEmulator:
    return ReplicateEmulator(credit=arguments.credit, takes=arguments.takes, **knobs)


if __name__ == "__main__":
    hints = ("REPLICATE_BASE_URL={url}", f"REPLICATE_API_TOKEN={TEST_TOKEN}")
    run_by_hand("replicate", _make, hints=hints, options=_options)
