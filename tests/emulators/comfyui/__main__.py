"""Run the emulator by hand."""

from __future__ import annotations

import argparse
import asyncio
import sys

from .server import ComfyEmulator


async def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.emulators.comfyui", description="A local ComfyUI.")
    parser.add_argument("--port", type=int, default=8188)
    parser.add_argument("--step-seconds", type=float, default=0.05, help="what one sampling step takes")
    parser.add_argument("--prefix", default="", help="a reverse proxy's path, as /comfy")
    parser.add_argument("--login", metavar="USER:PASSWORD", help="a reverse proxy's login")
    parser.add_argument("--queue-limit", type=int, help="a proxy refuses more with 503")
    parser.add_argument("--websocket", choices=("open", "refused", "dropping"), default="open")
    parser.add_argument("--oom-pixels", type=int, help="larger pictures do not fit into the graphics memory")
    parser.add_argument("--restart-after", type=float, metavar="SECONDS", help="forget the queue once")
    given = parser.parse_args()
    user, _, password = (given.login or "").partition(":")
    async with ComfyEmulator(
        port=given.port,
        step_seconds=given.step_seconds,
        prefix=given.prefix,
        login=(user, password) if given.login else None,
        queue_limit=given.queue_limit,
        websocket=given.websocket,
        oom_pixels=given.oom_pixels,
    ) as comfy:
        print(comfy.url, flush=True)
        print(f"# CHARIMG_COMFYUI_BASE_URL={comfy.url}", file=sys.stderr, flush=True)
        if given.restart_after:
            await asyncio.sleep(given.restart_after)
            await comfy.restart()
            print("restarted: queue and history are forgotten", flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            bill = comfy.bill
            print(f"{len(bill.queued)} queued, {len(bill.drawings)} drawn, {len(bill.uploads)} uploaded", flush=True)


if __name__ == "__main__":
    try:
        asyncio.run(_main())
    except KeyboardInterrupt:
        print("stopped")
