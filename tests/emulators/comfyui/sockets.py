"""The clients at ``/ws``: who is connected under which id, and the server's messages to them."""

from __future__ import annotations

import contextlib
import json
import struct
from typing import Any

from aiohttp import web

PREVIEW = 1
"""The event of a binary message with a preview picture."""
JPEG, PNG = 1, 2
"""Its kinds of picture."""
DROPPED_AFTER = 3
"""Messages a dropping websocket lets through."""


class Sockets:
    """Connected clients by id; an id that connects again takes the place of its older connection."""

    def __init__(self) -> None:
        self._of: dict[str, web.WebSocketResponse] = {}
        self._requests: dict[str, web.Request] = {}
        self._sent: dict[str, int] = {}
        self.dropping = False

    def add(self, client: str, socket: web.WebSocketResponse, request: web.Request) -> None:
        """A client has connected."""
        self._of[client], self._requests[client], self._sent[client] = socket, request, 0

    def remove(self, client: str, socket: web.WebSocketResponse) -> None:
        """It has gone."""
        if self._of.get(client) is socket:
            del self._of[client], self._requests[client], self._sent[client]

    @property
    def connected(self) -> frozenset[str]:
        """The ids of those who listen."""
        return frozenset(self._of)

    def drop_all(self) -> None:
        """Break every connection off, as a process that ends does."""
        for request in self._requests.values():
            if request.transport is not None:
                request.transport.abort()

    async def tell(self, event: str, data: dict[str, Any], client: str | None = None) -> None:
        """Send a message to one client, or to all (``None``). Those who are gone hear nothing."""
        await self._send(json.dumps({"type": event, "data": data}), client)

    async def show(self, picture: bytes, client: str | None, kind: int = JPEG) -> None:
        """Send a preview: event, kind of picture, picture."""
        if client is not None:
            await self._send(struct.pack(">II", PREVIEW, kind) + picture, client)

    async def _send(self, message: str | bytes, client: str | None) -> None:
        for name in [client] if client is not None else list(self._of):
            socket = self._of.get(name)
            if socket is None:
                continue
            if self.dropping and self._sent[name] >= DROPPED_AFTER:
                transport = self._requests[name].transport
                if transport is not None:
                    transport.abort()
                continue
            self._sent[name] += 1
            with contextlib.suppress(ConnectionError, RuntimeError):
                await (socket.send_str(message) if isinstance(message, str) else socket.send_bytes(message))
