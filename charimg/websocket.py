"""A websocket that is read for a service's progress messages, in the core's words.

Opened by :meth:`charimg.http.HttpSession.websocket`. As with its answers over HTTP, no error of aiohttp comes out, for
they hold whole addresses, and no message is collected beyond its cap.
"""

from __future__ import annotations

import asyncio

import aiohttp

from charimg.errors import ERROR_OF_VERDICT, FlakyError, ProviderError, ThrottledError
from charimg.transport_errors import in_our_words
from charimg.verdicts import read_answer

MAX_MESSAGE = 16 * 1024 * 1024
"""Bytes: the largest message taken; a preview picture stays far below it."""

HEARTBEAT = 30.0
"""Seconds between two pings: a connection that died without a word is noticed after one and a half of them."""

FAREWELL = 1.0
"""Seconds to wait for the other side's good-bye."""


class WebSocket:
    """An open websocket. Iterate over it: text arrives as ``str``, binary messages as ``bytes``; the iteration ends
    when the service closes the connection properly.

    :raises ThrottledError: (while iterating or sending) the connection was lost.
    :raises FlakyError: a message is too large or no proper websocket message.
    """

    def __init__(self, inner: aiohttp.ClientWebSocketResponse[bool], where: str, max_message: int) -> None:
        self._inner = inner
        self._where = where
        self._max_message = max_message

    def __aiter__(self) -> WebSocket:
        return self

    async def __anext__(self) -> str | bytes:
        try:
            message = await self._inner.receive()
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            raise self._lost(error) from None
        if message.type is aiohttp.WSMsgType.TEXT:
            return str(message.data)
        if message.type is aiohttp.WSMsgType.BINARY:
            return bytes(message.data)
        if message.type is aiohttp.WSMsgType.ERROR:
            raise self._broken(message.data)
        code = self._inner.close_code
        if code in (None, aiohttp.WSCloseCode.ABNORMAL_CLOSURE):  # it ended without a good-bye
            raise self._lost(self._inner.exception())
        raise StopAsyncIteration

    async def send(self, text: str) -> None:
        """Send one text message."""
        try:
            await self._inner.send_str(text)
        except (aiohttp.ClientError, RuntimeError, OSError) as error:
            raise self._lost(error) from None

    async def close(self) -> None:
        """Say good-bye, and wait a moment for the other side's."""
        try:
            await self._inner.close()
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError):
            return  # it is as closed as it can be

    def _lost(self, error: BaseException | None) -> ProviderError:
        told = in_our_words(error, self._where, 0.0) if isinstance(error, OSError) else None
        words = told.message if told is not None else f"the connection to {self._where} was lost: it was closed"
        return ThrottledError(words, unreachable=True)

    def _broken(self, error: BaseException | None) -> ProviderError:
        if not isinstance(error, aiohttp.WebSocketError):
            return self._lost(error)
        if error.code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
            return FlakyError(f"a message of {self._where} is larger than {self._max_message} bytes; it was not read")
        return FlakyError(f"{self._where} sent something that is no websocket message")


async def opened(
    session: aiohttp.ClientSession, address: str, where: str, *, max_message: int, seconds: float, **options: object
) -> WebSocket:
    """Shake hands.

    :param session: one that follows no redirect.
    :param address: whole, for aiohttp alone.
    :param where: host and port, for messages.
    :param seconds: how long it may take.
    :raises ProviderError: the service does not open a websocket there, or cannot be reached; a refusal means what its
        status means as an answer.
    """
    connecting = session.ws_connect(
        address,
        heartbeat=HEARTBEAT,
        max_msg_size=max_message,
        timeout=aiohttp.ClientWSTimeout(ws_close=FAREWELL),
        **options,  # type: ignore[arg-type]  # what HttpSession.websocket passes on
    )
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        inner = await asyncio.wait_for(connecting, seconds)
    except aiohttp.WSServerHandshakeError as error:
        raise _refused(error.status, where) from None
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError, UnicodeError) as error:
        told = in_our_words(error, where, loop.time() - began)
        if not isinstance(told, ThrottledError):
            raise told from None
        # Repeating a handshake is free: whatever was lost, nothing was spent.
        raise ThrottledError(told.message, unreachable=True) from None
    return WebSocket(inner, where, max_message)


def _refused(status: int, where: str) -> ProviderError:
    if status == 101 or 200 <= status < 400:
        return FlakyError(f"{where} does not speak websocket there (HTTP {status})")
    verdict = read_answer(status, {}, None).verdict
    return ERROR_OF_VERDICT[verdict](f"{where} does not open the websocket: HTTP {status}")
