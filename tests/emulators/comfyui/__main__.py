"""``python -m tests.emulators.comfyui``: a local ComfyUI to try things with by hand."""

from __future__ import annotations

import argparse
import asyncio

from ..by_hand import parser_of, serve
from .server import ComfyEmulator


def _arguments() -> argparse.Namespace:
    parser = parser_of("comfyui", port=8188)
    add = parser.add_argument
    add("--step-seconds", type=float, default=0.05, help="what one sampling step takes")
    add("--prefix", default="", help="a reverse proxy's path, as /comfy")
    add("--login", metavar="USER:PASSWORD", help="a reverse proxy's login")
    add("--queue-limit", type=int, help="a proxy refuses more with 503")
    add("--websocket", choices=("open", "refused", "dropping"), default="open")
    add("--oom-pixels", type=int, help="larger pictures do not fit into the graphics memory")
    add("--restart-after", type=float, metavar="SECONDS", help="forget the queue once")
    return parser.parse_args()


def _emulator(options: argparse.Namespace) -> ComfyEmulator:
    user, _, password = (options.login or "").partition(":")
    return ComfyEmulator(
        host=options.host,
        port=options.port,
        step_seconds=options.step_seconds,
        prefix=options.prefix,
        login=(user, password) if options.login else None,
        queue_limit=options.queue_limit,
        websocket=options.websocket,
        oom_pixels=options.oom_pixels,
    )


def _variables(emulator: ComfyEmulator) -> list[str]:
    return [f"CHARIMG_COMFYUI_BASE_URL={emulator.url}"]


def _bill(emulator: ComfyEmulator) -> list[str]:
    bill = emulator.bill
    return [f"{len(bill.queued)} queued, {len(bill.drawings)} drawn, {len(bill.uploads)} uploaded"]


async def _restart(emulator: ComfyEmulator, seconds: float | None) -> None:
    if seconds:
        await asyncio.sleep(seconds)
        await emulator.restart()
        print("restarted: queue and history are forgotten", flush=True)


if __name__ == "__main__":
    arguments = _arguments()
    serve(
        lambda: _emulator(arguments),
        variables=_variables,
        bill=_bill,
        meanwhile=lambda emulator: _restart(emulator, arguments.restart_after),
    )
