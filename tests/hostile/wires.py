"""Ways to answer an HTTP request that no service should use, each on a real socket."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Mapping

from charimg.testing.service import Asked
from tests.hostile.pictures import PICTURES, packed
from tests.hostile.providers import Wire

MOST = 16 * 1024 * 1024
"""Bytes after which a body without end is taken to be read for ever; the sessions of these tests take 2 MB."""


def raw(data: bytes, *, then_open: bool = False) -> Wire:
    """These bytes, and the end of the connection."""

    async def answer(writer: asyncio.StreamWriter, _: Asked) -> bool:
        writer.write(data)
        return then_open

    return answer


def whole(body: bytes, *headers: str, status: str = "200 OK", kind: str = "application/json") -> Wire:
    """A proper answer with this body."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers, "", ""]
    return raw("\r\n".join(lines).encode("latin-1") + body, then_open=True)


def without_end(head: bytes, piece: bytes) -> Wire:
    """The head, and then the piece again and again until nobody listens."""

    async def answer(writer: asyncio.StreamWriter, _: Asked) -> bool:
        writer.write(head)
        for _ in range(MOST // len(piece)):
            writer.write(piece)
            await writer.drain()
        return False

    return answer


def dripping(head: bytes, piece: bytes, seconds: float = 50.0) -> Wire:
    """A little now and then, always before the time-out of a read."""

    async def answer(writer: asyncio.StreamWriter, _: Asked) -> bool:
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(seconds)

    return answer


def redirect(location: str, status: str = "302 Found") -> Wire:
    """To somewhere else; ``{here}`` is the service itself."""

    async def answer(writer: asyncio.StreamWriter, asked: Asked) -> bool:
        to = location.replace("{here}", f"http://{asked.headers.get('host')}{asked.path}")
        writer.write(f"HTTP/1.1 {status}\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode())
        return True

    return answer


def _coded(coding: str, body: bytes) -> Wire:
    return whole(body, f"Content-Encoding: {coding}")


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
GIANT = b"9" * 100_000
BOMB = packed(50_000_000)

WIRES: Mapping[str, Wire] = {
    # -- the head
    "a header without end": without_end(OK + b"X: ", b"a" * 65536),
    "headers without end": without_end(OK, b"X-Many: 0123456789\r\n" * 500),
    "ten thousand headers": raw(OK + b"X-Many: 1\r\n" * 10_000 + b"Content-Length: 2\r\n\r\n{}"),
    "cookies by the thousand": raw(OK + b"Set-Cookie: a=" + b"b" * 60 + b"\r\nContent-Length: 2\r\n\r\n{}"),
    "a header of half a megabyte": raw(OK + b"X: " + b"a" * 500_000 + b"\r\nContent-Length: 2\r\n\r\n{}"),
    "a bare line feed in a header": raw(OK + b"X: a\nEvil: b\rWorse: c\r\nContent-Length: 2\r\n\r\n{}"),
    "a NUL in a header": raw(OK + b"X: a\0b\r\nContent-Length: 2\r\n\r\n{}"),
    "a header in no encoding": raw(OK + b"X-\xff: \xfe\xff\r\nContent-Type: \xff\r\nContent-Length: 2\r\n\r\n{}"),
    "a folded header": raw(OK + b"X: a\r\n b\r\n\tc\r\nContent-Length: 2\r\n\r\n{}"),
    "a header without a name": raw(OK + b": a\r\nContent-Length: 2\r\n\r\n{}"),
    "terminal signs in a header": whole(b"{}", "X: \x1b[2J", "Retry-After: \x1b[31m5", status="429 \x1b[2JToo Many"),
    "status 000": raw(b"HTTP/1.1 000 Nothing\r\nContent-Length: 2\r\n\r\n{}"),
    "status 999": whole(b'{"error": "denied"}', status="999 Denied"),
    "status 99999": raw(b"HTTP/1.1 99999 Much\r\nContent-Length: 2\r\n\r\n{}"),
    "status of no digits": raw("HTTP/1.1 ²00 OK\r\nContent-Length: 2\r\n\r\n{}".encode()),
    "another version": raw(b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
    "no head at all": raw(b"<html>hello</html>"),
    "a thousand times 100": raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000 + OK + b"Content-Length: 2\r\n\r\n{}"),
    "103 and no end": raw(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "101 that nobody asked for": raw(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc"),
    "204 with a body": raw(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello"),
    "304": raw(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    # -- the length
    "shorter than announced": raw(OK + b"Content-Length: 500\r\n\r\n{}"),
    "longer than announced": raw(OK + b"Content-Length: 2\r\n\r\n{}" + b"x" * 5_000),
    "an answer behind the answer": raw(
        OK + b"Content-Length: 2\r\n\r\n{}" + OK + b'Content-Length: 15\r\n\r\n{"id":"forged"}', then_open=True
    ),
    "two lengths": raw(OK + b"Content-Length: 2\r\nContent-Length: 5\r\n\r\n{}abc"),
    "length and chunks": raw(OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
    "a length of a hundred digits": raw(OK + b"Content-Length: " + b"9" * 100 + b"\r\n\r\n{}"),
    "a length with a sign": raw(OK + b"Content-Length: +2\r\n\r\n{}"),
    "a gigabyte announced": raw(OK + b"Content-Length: 1000000000\r\n\r\n{}"),
    "a body without end": without_end(OK + b"\r\n", b"\x89" * 65536),
    "spaces without end": without_end(CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n"),
    "one byte a chunk": raw(CHUNKED + b"1\r\n[\r\n" * 30_000 + b"0\r\n\r\n"),
    "a chunk of all there is": raw(CHUNKED + b"FFFFFFFFFFFFFFFF\r\n{}"),
    "a chunk of a negative size": raw(CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n"),
    "a chunk with words without end": without_end(CHUNKED + b"2;", b"a" * 65536),
    "trailers without end": without_end(CHUNKED + b"2\r\n{}\r\n0\r\n", b"X-Many: 1\r\n" * 1_000),
    "a body in drips": dripping(OK + b"Content-Length: 1000000\r\n\r\n", b" "),
    "a head in drips": dripping(OK, b"X-Slow: 1\r\n"),
    "chunks in drips": dripping(CHUNKED, b"1\r\n[\r\n"),
    # -- the coding
    "a gzip bomb": _coded("gzip", gzip.compress(bytes(50_000_000))),
    "a deflate bomb": _coded("deflate", BOMB),
    "a bomb in a bomb": _coded("gzip", gzip.compress(gzip.compress(bytes(50_000_000)))),
    "a body that is not gzip": _coded("gzip", b"hello"),
    "half a gzip": _coded("gzip", gzip.compress(b"{}" * 5_000)[:-40]),
    "something behind the gzip": _coded("gzip", gzip.compress(b"{}") + b"garbage"),
    "deflate of another kind": _coded("deflate", zlib.compress(b"{}")[2:-4]),
    "brotli that is none": _coded("br", b"\x0b\x01\x80{}\x03"),
    "zstd that is none": _coded("zstd", b"\x28\xb5\x2f\xfd\0\0"),
    "a coding nobody knows": _coded("rot13", b"{}"),
    # -- elsewhere
    "to a file": redirect("file:///etc/passwd"),
    "to a picture in the address": redirect("data:image/png;base64,iVBORw0KGgo="),
    "to ftp": redirect("ftp://example.org/a.png"),
    "to this machine": redirect("http://127.0.0.1:9/a.png"),
    "to the cloud's secrets": redirect("http://169.254.169.254/latest/meta-data/iam/", "307 Temporary Redirect"),
    "to a number": redirect("http://2130706433/"),
    "to an octal number": redirect("http://0177.0.0.1/"),
    "to IPv6": redirect("http://[::ffff:127.0.0.1]/", "308 Permanent Redirect"),
    "to the same again": redirect("{here}", "307 Temporary Redirect"),
    "to nowhere": redirect("http://"),
    "to a broken address": redirect("http://[::1"),
    # -- the JSON
    "deep lists": whole(b"[" * 100_000),
    "deep lists, closed": whole(b"[" * 100_000 + b"]" * 100_000),
    "deep objects": whole(b'{"data":' * 100_000 + b"1" + b"}" * 100_000),
    "a number of a hundred thousand digits": whole(b'{"id": ' + GIANT + b', "status": ' + GIANT + b"}"),
    "numbers that are none": whole(b'{"id": NaN, "data": Infinity, "images": -Infinity, "status": 1e999}'),
    "names given twice": whole(b'{"id": "a", "id": null, "data": [], "data": {}, "error": 1, "error": {"message": 2}}'),
    "halves of characters": whole(b'{"id": "\\ud800", "status": "\\udfff", "error": {"message": "\\ud83c!"}}'),
    "half a character as an error": whole(
        b'{"error": {"message": "\\ud800 no", "code": "\\udc00"}}', status="400 Bad Request"
    ),
    "terminal signs as an error": whole(
        b'{"error": {"message": "a\\nb\\u001b[2J\\u202e", "code": "a\\nb"}, "detail": "a\\r\\nb", "message": "a\\nb"}',
        status="400 Bad Request",
    ),
    "a novel as an error": whole(
        json.dumps({"error": {"message": "word " * 20_000}, "detail": "long " * 20_000}).encode(),
        status="400 Bad Request",
    ),
    "a list where an object belongs": whole(b"[[[]], {}, null, 1, true, [{}]]"),
    "a text where an object belongs": whole(b'"data"'),
    "lists by the million": whole(b"[" + b"[]," * 60_000 + b"[]]"),
    "UTF-16": whole('{"id": "a"}'.encode("utf-16")),
    "a mark before the JSON": whole(b"\xef\xbb\xbf{}"),
    "JSON in no encoding": whole(b'{"id": "\xff\xfe"}'),
    "a page": whole(b"<!doctype html><title>Sign in</title>", kind="text/html"),
    "a page called a picture": whole(b"<html><script>alert(1)</script>", kind="image/png"),
    "a picture called JSON": whole(PICTURES["JPEG, turned"][0]()),
    "a bomb of a picture": whole(PICTURES["PNG of too many pixels"][0](), kind="image/png"),
    "a picture gone over too often": whole(PICTURES["JPEG gone over too often"][0](), kind="image/jpeg"),
    "a wait of a thousand years": whole(b"{}", "Retry-After: 31536000000", status="429 Too Many Requests"),
    "a wait that is none": whole(
        b"{}", "Retry-After: -1e999", "RateLimit: x;r=0;t=NaN", status="429 Too Many Requests"
    ),
    "nothing": whole(b""),
}
"""By what is wrong. Each is what :data:`~tests.hostile.providers.Wire` says."""
