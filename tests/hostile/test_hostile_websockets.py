"""Websockets that say too much, or nothing that is a message."""

from __future__ import annotations

import asyncio
import hashlib
import json
from base64 import b64encode

import pytest

from charimg.errors import FlakyError, ProviderError, ThrottledError
from charimg.http import HttpSession
from charimg.testing.clock import on_virtual_clock
from charimg.testing.service import Asked
from tests.hostile.providers import Wire, call, subjects

MOST = 1_000_000
"""Bytes of the largest message that these sessions take."""


def frame(data: bytes, kind: int = 1, *, last: bool = True, marks: int = 0) -> bytes:
    """One frame of a server, as RFC 6455 writes it.

    :param kind: 0 continues a message, 1 is text, 2 binary, 8 to 10 control.
    :param marks: the reserved bits.
    """
    head = bytes(((0x80 if last else 0) | marks | kind,))
    if len(data) < 126:
        return head + bytes((len(data),)) + data
    if len(data) < 2**16:
        return head + b"\x7e" + len(data).to_bytes(2, "big") + data
    return head + b"\x7f" + len(data).to_bytes(8, "big") + data


def speaking(*pieces: bytes) -> Wire:
    """Opens the websocket, sends the pieces, and says nothing more."""

    async def answer(writer: asyncio.StreamWriter, asked: Asked) -> bool:
        key = asked.headers.get("sec-websocket-key", "").encode()
        accept = b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        writer.write(b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        writer.write(b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        await asyncio.Event().wait()
        return False

    return answer


STEP = json.dumps({"type": "progress", "data": {"value": 3, "max": 20, "prompt_id": "p"}}).encode()
HUGE = json.dumps({"type": "progress", "data": {"value": 10**400, "max": 10**400, "prompt_id": "p"}}).encode()

TALKS: dict[str, tuple[Wire, type[ProviderError] | None]] = {
    # id: what is sent, and what reading it to its end raises
    "a message beyond the cap": (speaking(frame(b"a" * (MOST + 1))), FlakyError),
    "a length beyond all measure": (speaking(b"\x81\x7f" + b"\xff" * 8), FlakyError),
    "a message in fragments without end": (
        speaking(frame(b"a", last=False), *[frame(b"a" * 60_000, 0, last=False)] * 40),
        FlakyError,
    ),
    "crumbs without end": (
        speaking(frame(b"a", last=False), *[frame(b"", 0, last=False) * 1_000] * 20),
        ThrottledError,
    ),
    "a compressed bomb nobody agreed to": (speaking(frame(b"a" * 100, marks=0x40)), FlakyError),
    "reserved marks": (speaking(frame(b"a", marks=0x30)), FlakyError),
    "a kind of frame that there is not": (speaking(frame(b"a", 5)), FlakyError),
    "text in no encoding": (speaking(frame(b"\xff\xfe\xff")), FlakyError),
    "half a character": (speaking(frame(b"\xed\xa0\x80")), FlakyError),
    "a ping of a thousand bytes": (speaking(frame(b"a" * 1_000, 9)), FlakyError),
    "pings by the thousand": (speaking(*[frame(b"", 9) * 1_000] * 5, frame(b"\x03\xe8", 8)), None),
    "a masked frame": (speaking(b"\x81\x81\0\0\0\0a", frame(b"\x03\xe8", 8)), None),
    "a good-bye of one byte": (speaking(frame(b"\x03", 8)), FlakyError),
    "a good-bye with a code that there is not": (speaking(frame(b"\x00\x01", 8)), FlakyError),
    "silence": (speaking(), ThrottledError),
    "half a frame and silence": (speaking(b"\x81\x7e"), ThrottledError),
}


@pytest.mark.parametrize(("talk", "raised"), TALKS.values(), ids=TALKS)
def test_whatever_is_said_is_a_message_or_one_line(talk: Wire, raised: type[ProviderError] | None) -> None:
    """Reading ends, in bounded memory, with messages within the cap or with an error in the core's words."""
    came: list[ProviderError] = []

    async def read() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:]
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head)}
            try:
                await talk(writer, Asked("GET", "/ws", headers, b""))
            except ConnectionError:
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws?key=QUERYKEY"
        try:
            async with HttpSession() as http, http.websocket(url, max_message=MOST) as socket:
                async for message in socket:
                    assert len(message) <= MOST
        except ProviderError as error:
            came.append(error)
        finally:
            server.close()

    on_virtual_clock(read)

    assert [type(error) for error in came] == ([] if raised is None else [raised])
    assert all(error.message.isprintable() and "QUERYKEY" not in error.message for error in came)


@pytest.mark.parametrize(
    "talk",
    [
        *(talk for talk, _ in TALKS.values()),
        speaking(*[frame(STEP) * 500] * 10),
        speaking(frame(HUGE), frame(b'{"type": "progress", "data": {"value": NaN, "max": 1e999, "prompt_id": "p"}}')),
        speaking(
            frame(b"[" * 100_000), frame(b"[" + b"[]," * 1_000_000 + b"[]]"), frame(b'{"data": {"prompt_id": []}}')
        ),
    ],
)
def test_no_talk_keeps_comfyui_from_its_picture(talk: Wire) -> None:
    """The websocket tells steps and nothing else: whatever it says, the jobs are asked for and their pictures come."""
    subject = subjects()["comfyui generator TestComfy"]
    at = [number for number in range(call(subject).requests) if _is_websocket(number)]

    assert len(at) == 1
    story = call(subject, talk, at[0])
    assert (story.words, story.faults) == ("", [])


def _is_websocket(number: int) -> bool:
    """Whether the request of this number opens the websocket."""
    asked: list[str] = []

    async def look(writer: asyncio.StreamWriter, one: Asked) -> bool:
        asked.append(one.path)
        writer.write(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
        return True

    call(subjects()["comfyui generator TestComfy"], look, number)
    return asked == ["/ws"]
