"""The life of an emulator's one loopback server."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from types import TracebackType
from typing import ClassVar, TypeVar

from aiohttp import web

T = TypeVar("T", bound="Served")


class Served(ABC):
    """Listens while ``async with`` lasts, and sends every request to :meth:`_serve`."""

    largest: ClassVar[int] = 64 * 1024 * 1024
    """Bytes of a request's body; more is refused with 413."""

    def __init__(self, host: str, port: int, prefix: str = "") -> None:
        """
        :param port: 0 takes a free one, and keeps it when the server is started again.
        :param prefix: the path that a gateway puts in front, as ``/gemini``.
        """
        self._host, self._port, self._prefix = host, port, prefix
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()
        """Whatever hangs on purpose ends when this is set."""

    @abstractmethod
    async def _serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""

    @property
    def origin(self) -> str:
        """``http://host:port`` of the emulator."""
        if self._runner is None:
            raise RuntimeError("the emulator is not running")
        return f"http://{self._host}:{self._runner.addresses[0][1]}"

    @property
    def url(self) -> str:
        """The base address, with the prefix, without a slash at the end."""
        return self.origin + self._prefix

    async def __aenter__(self: T) -> T:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; raises ``OSError`` when the port is taken."""
        self._stopping.clear()
        app = web.Application(client_max_size=self.largest)
        app.router.add_route("*", "/{tail:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """End hanging requests and close the port."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
