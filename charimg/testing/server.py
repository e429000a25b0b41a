"""A played service on a real socket: answers as its author says, until it is told to be hostile."""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from charimg.testing.pictures import Picture, paint
from charimg.testing.service import Answer, Asked, Fault, Reply, Route, Service, split_target

MARK = re.compile(rb"kx(\d{4})q")
"""What marks a job's words wherever they travel."""

ENDLESS_STOP = 24 * 1024 * 1024
"""Bytes of an endless body after which the service takes it that the provider would read for ever."""

MOST_REQUESTS = 200
"""Requests in one scenario after which the service takes it that somebody asks for ever, and answers no more."""

_TICKET = 7_000_000
_UNKNOWN = 9000
"""From here on: numbers of jobs whose words or bytes have not come yet."""


@dataclass
class _Job:
    number: int
    """Which picture it is."""
    ticket: str
    count: int
    polls: dict[Route, int] = field(default_factory=dict)


def mark(number: int) -> str:
    """The word that marks job *number* in a prompt."""
    return f"kx{number:04d}q"


class PlayedService:
    """One running service. Use as ``async with PlayedService(service) as played``."""

    def __init__(self, service: Service, prefix: str = "") -> None:
        self.service = service
        self.prefix = prefix
        """A path under which all of it stands, as behind a gateway."""
        self.paid_answer: Answer | Callable[[Asked], Answer] | None = None
        """What the paid route answers instead of its good answer."""
        self.every_answer: Answer | Callable[[Asked], Answer] | None = None
        """What everything answers, whatever else is set: a service that is down."""
        self.later_answer: Answer | Callable[[Asked], Answer] | None = None
        """What polls and downloads answer instead of theirs."""
        self.picture_of: Callable[[int], bytes] = paint
        """The bytes of the picture of a job's number."""
        self.hold_at: int | None = None
        """The request, counted from 0, that is left waiting until :attr:`released` is set."""
        self.held = asyncio.Event()
        """Set when that request is there."""
        self.released = asyncio.Event()
        self.in_reverse = 0
        """So many paid requests are answered in the reverse of the order in which they came."""
        self.asked: list[Asked] = []
        """Every request, in order."""
        self.bill: list[Asked] = []
        """Those on the paid route."""
        self.given: dict[int, list[bytes]] = {}
        """The bodies of the good answers to paid requests, by job's number."""
        self.strays: list[str] = []
        """Requests for which there is no route."""
        self.sent_endlessly = 0
        self.used_picture_url = False
        self.tasks: set[asyncio.Task[Any]] = set()
        self.connections: set[asyncio.StreamWriter] = set()
        self._jobs: list[_Job] = []
        self._pictures: dict[str, int] = {}
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """Where it is, prefix included."""
        return f"http://{self.host_and_port}{self.prefix}"

    @property
    def host_and_port(self) -> str:
        """``127.0.0.1:port``."""
        assert self._server is not None, "the service has not been started"
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> PlayedService:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=16 * 1024 * 1024)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self.connections):
            writer.transport.abort()
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._server.wait_closed()

    # -- the wire -----------------------------------------------------------------------------------------------

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(writer)
        try:
            if self.paid_answer is Fault.RESET_BEFORE:
                _reset(writer)
                return
            while (asked := await self._read(reader, writer)) is not None:
                if not await self._answer(asked, writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        finally:
            self.connections.discard(writer)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Asked | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in headers.get("transfer-encoding", "").lower():
            body = await _chunks(reader)
        else:
            body = await reader.readexactly(int(headers.get("content-length") or 0))
        path, query = split_target(target)
        return Asked(method, path, headers, body, query)

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; ``False`` if the connection is over."""
        index = len(self.asked)
        self.asked.append(asked)
        answer = self._choose(asked) if index < MOST_REQUESTS else Fault.SILENT
        if index == self.hold_at:
            self.held.set()
            await self.released.wait()
        if self.in_reverse and asked in self.bill:
            await asyncio.sleep(max(0, self.in_reverse - len(self.bill)) * 1.0)
        if isinstance(answer, Fault):
            return await self._misbehave(answer, asked, writer)
        reply = answer if isinstance(answer, Reply) else Reply(200, answer)
        body, kind = reply.wire
        await _send(writer, reply, body, kind, only_head=asked.method.upper() == "HEAD")
        return True

    async def _misbehave(self, fault: Fault, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        if fault in (Fault.RESET_AFTER, Fault.RESET_BEFORE):
            _reset(writer)
        elif fault is Fault.SILENT:
            await asyncio.Event().wait()
        elif fault is Fault.NOT_HTTP:
            writer.write(b"\x16\x03\x01 220 this is no web server\r\n\r\n")
            await writer.drain()
        elif fault is Fault.TRUNCATED:
            found = self.service.find(asked.method, asked.path)
            good = found[0].good(asked) if found else b""
            reply = good if isinstance(good, Reply) else Reply(200, None if isinstance(good, Fault) else good)
            body, kind = reply.wire
            await _send(writer, reply, body[: len(body) // 2], kind, length=len(body) + 1000)
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n")
            piece = b"10000\r\n" + b"\x89" * 0x10000 + b"\r\n"
            while self.sent_endlessly < ENDLESS_STOP:
                writer.write(piece)
                self.sent_endlessly += 0x10000
                await writer.drain()
        return False

    # -- what is answered ---------------------------------------------------------------------------------------

    def _choose(self, asked: Asked) -> Answer:
        asked.address = self.address
        if self.prefix and not asked.path.startswith(f"{self.prefix}/"):
            self.strays.append(f"{asked.method} {asked.path}")
            return Reply(404, {"error": {"message": f"there is nothing at {asked.path}"}})
        asked.path = asked.path.removeprefix(self.prefix)
        if self.every_answer is not None:
            return _given(self.every_answer, asked, lambda: None)
        if asked.path.startswith("/kit-pictures/"):
            number = int(asked.path.rpartition("-")[2].partition(".")[0])
            return _given(self.later_answer, asked, lambda: self.picture_of(number))
        found = self.service.find(asked.method, asked.path)
        if found is None:
            self.strays.append(f"{asked.method} {asked.path}")
            return Reply(404, {"error": {"message": f"there is nothing at {asked.path}"}})
        route, asked.parts = found
        if route is self.service.paid:
            job = self._new_job(asked)
            self.bill.append(asked)
            self._equip(asked, job)
            answer = _given(self.paid_answer, asked, lambda: route.good(asked))
            self._remember(job, answer)
            return answer
        known = self._job_of(asked)
        if known is None:
            self._equip(asked, self._jobs[-1] if self._jobs else _Job(self._number_of(asked) or 1, "no-ticket", 0))
            return route.good(asked)
        self._settle_number(asked, known)
        self._equip(asked, known)
        asked.polls = known.polls.get(route, 0)
        known.polls[route] = asked.polls + 1
        answer = _given(self.later_answer, asked, lambda: route.good(asked))
        self._remember(known, answer)
        return answer

    def names_of(self, number: int) -> list[str]:
        """Every ticket and id that the service gave out for picture *number*."""
        tickets = [name for job in self._jobs if job.number == number for name in (job.ticket, str(job.count))]
        return [*tickets, f"media-{number}"]

    def _remember(self, job: _Job, answer: Answer) -> None:
        if isinstance(answer, Fault):
            return
        reply = answer if isinstance(answer, Reply) else Reply(200, answer)
        headers = " ".join(reply.headers.values()).encode()
        self.given.setdefault(job.number, []).append(reply.wire[0] + b" " + headers)

    def _new_job(self, asked: Asked) -> _Job:
        count = _TICKET + 101 * (len(self._jobs) + 1)
        job = _Job(self._number_of(asked) or _UNKNOWN + len(self._jobs), f"tk{count}z", count)
        self._jobs.append(job)
        return job

    def _settle_number(self, asked: Asked, job: _Job) -> None:
        """Whose job it is, where only a later request brings the picture: "I have a file", then its bytes."""
        number = self._number_of(asked) if job.number >= _UNKNOWN and asked.body else None
        if number is not None:
            self.given.setdefault(number, []).extend(self.given.pop(job.number, []))
            job.number = number

    def _number_of(self, asked: Asked) -> int | None:
        found = MARK.search(asked.raw)
        if found:
            return int(found[1])
        body = asked.body.replace(b"\\/", b"/")
        for number in range(1, 12):
            data = self.picture_of(number)
            if len(data) > 20 and (data in body or base64.b64encode(data)[:-4] in body):
                return number
        return None

    def _job_of(self, asked: Asked) -> _Job | None:
        raw = asked.raw
        for job in reversed(self._jobs):
            if job.ticket.encode() in raw or str(job.count).encode() in raw:
                return job
        return None

    def _equip(self, asked: Asked, job: _Job) -> None:
        asked.ticket, asked.number = job.ticket, job.count
        asked.picture_id = f"media-{job.number}"
        data = self.picture_of(job.number)
        url = f"{self.address}/kit-pictures/picture-{job.number}.png"
        asked.picture = Picture(data, url, told=self._picture_url_used)

    def _picture_url_used(self) -> None:
        self.used_picture_url = True


def _given(instead: Any, asked: Asked, good: Callable[[], Answer]) -> Answer:
    if instead is None:
        return good()
    answer: Answer = instead(asked) if callable(instead) else instead
    return answer


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass
    return bytes(body)


async def _send(
    writer: asyncio.StreamWriter,
    reply: Reply,
    body: bytes,
    kind: str,
    *,
    length: int | None = None,
    only_head: bool = False,
) -> None:
    headers = {"Content-Type": kind, **reply.headers, "Content-Length": str(len(body) if length is None else length)}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {reply.status} Played\r\n{head}\r\n".encode("latin-1") + (b"" if only_head else body))
    await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close at once and rudely: the other side reads "connection reset"."""
    sock = writer.get_extra_info("socket")
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
