"""``python -m tests.emulators.aihorde``: a local AI Horde to try things with by hand."""

from __future__ import annotations

import argparse
from typing import Any

from ..polled.by_hand import run_by_hand
from .server import AiHordeEmulator


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--busy", action="store_true", help="kudos are asked for larger jobs")
    parser.add_argument("--concurrency", type=int, default=30, help="jobs a user may have at once")


def _make(knobs: dict[str, Any], arguments: argparse.Namespace) -> AiHordeEmulator:
    return AiHordeEmulator(busy=arguments.busy, concurrency=arguments.concurrency, **knobs)


if __name__ == "__main__":
    run_by_hand("aihorde", _make, hints=("AI_HORDE_URL={url}",), options=_options)
