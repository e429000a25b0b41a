"""Emulated services that charge at once and answer later, and count what is under way: where kills are aimed at."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.emulators.openai_images import OpenAIEmulator
from tests.emulators.replicate import ReplicateEmulator
from tests.emulators.threaded import serve_in_thread
from tests.emulators.whisk import TEST_COOKIE, WhiskEmulator
from tests.end_to_end.services import environment

NUMBER = re.compile(r"number (\d{3}) of")
"""How a prompt tells whose it is, see :func:`tests.disasters.scene.roster_of`."""

GENERATE, UPLOAD = "generate", "upload"


class _Slowed:
    """What is put before an emulator's own way of answering."""

    latency: float
    is_a: Callable[[str, str], str | None]

    def _prepare(self, latency: float, is_a: Callable[[str, str], str | None]) -> None:
        self.latency, self.is_a = latency, is_a
        self.arrived: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.undecided = 0
        """Requests that have arrived and are not charged for, or refused, yet."""
        self._lines: set[asyncio.Transport] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def hang_up(self) -> None:
        """Break every connection on which an answer is due; from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(lambda: [line.abort() for line in self._lines])

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        kind = self.is_a(request.method, request.path)
        self.undecided += 1
        try:
            response = await super()._serve(request)  # type: ignore[misc]
        except ConnectionResetError:  # killed before its request was out
            return web.Response(status=400)
        finally:
            self.undecided -= 1
            if kind is not None:
                self.arrived[kind] += 1
        if kind is not None and (line := request.transport) is not None:
            self._loop = asyncio.get_running_loop()
            self._lines.add(line)
            try:
                await asyncio.sleep(self.latency)
                self.answered[kind] += 1
            finally:
                self._lines.discard(line)
        return response


@dataclass(frozen=True)
class Service:
    """One kind of service, as kills meet it."""

    name: str
    make: type[Any]
    generation: str
    """``METHOD path`` of a request that costs, as a pattern; matches a part."""
    upload: str
    charged: Callable[[Any], list[str]]
    """The prompts of all pictures that were charged."""
    stored: Callable[[Any], list[str]]
    """The digests of all files that were uploaded."""
    environment: Callable[[str], dict[str, str]]
    ticketed: bool = False
    """A job that was accepted can be asked for again."""
    knobs: dict[str, Any] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    """What the command needs beside ``--provider``."""

    def serve(self, latency: float, **knobs: Any) -> AbstractContextManager[Any]:
        """The service on a thread, while the block lasts; ``arrived`` and ``answered`` count its requests."""
        service = self

        def is_a(method: str, path: str) -> str | None:
            line = f"{method} {path}"
            if re.search(service.generation, line):
                return GENERATE
            return UPLOAD if re.search(service.upload, line) else None

        class Slow(_Slowed, service.make):  # type: ignore[misc, name-defined]
            pass

        def made() -> Any:
            emulator = Slow(**{**service.knobs, **knobs})
            emulator._prepare(latency, is_a)
            return emulator

        return serve_in_thread(made)

    def charges(self, emulator: Any) -> Counter[str]:
        """How often a picture of each character was charged, by its key."""
        numbers = [NUMBER.search(prompt) for prompt in self.charged(emulator)]
        return Counter(f"hero-{found[1]}" for found in numbers if found)

    def uploads(self, emulator: Any) -> Counter[str]:
        """How often each file was uploaded, by its digest."""
        return Counter(self.stored(emulator))


def _whisk(url: str) -> dict[str, str]:
    return {
        "CHARIMG_WHISK_LABS_URL": url,
        "CHARIMG_WHISK_SANDBOX_URL": url,
        "CHARIMG_WHISK_COOKIE": TEST_COOKIE,
    }


SERVICES = {
    service.name: service
    for service in (
        Service(
            "whisk",
            WhiskEmulator,
            generation="POST .*whisk:generateImage",
            upload="POST .*uploadImage|POST .*uploadUserImage",
            charged=lambda whisk: [one.prompt for one in whisk.bill.generations],
            stored=lambda whisk: [one.sha256 for one in whisk.bill.uploads],
            environment=_whisk,
            knobs={"id_mode": "missing", "upload_ttl": None},  # every picture has to be uploaded, and stays
        ),
        Service(
            "openai",
            OpenAIEmulator,
            generation="POST .*/images/generations",
            upload="POST .*/files",
            charged=lambda openai: [one.prompt for one in openai.bill.generations],
            stored=lambda openai: [one.sha256 for one in openai.bill.uploads],
            environment=lambda url: environment("openai", url),
        ),
        Service(
            "replicate",
            ReplicateEmulator,
            generation="POST .*/predictions$",
            upload="POST .*/v1/files",
            charged=lambda replicate: [one.prompt for one in replicate.bill.made],
            stored=lambda replicate: [hashlib.sha256(data).hexdigest() for data in replicate.bill.stored],
            environment=lambda url: environment("replicate", url),
            ticketed=True,
            words=("-o", "wait=0"),
        ),
    )
}
"""By the provider's name."""
