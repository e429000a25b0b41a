"""What is fed with hostile input, and what must hold for every input: nothing but the core's errors comes out, each on
one line without a secret, and what is said to be sound is sound."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sqlite3
import tempfile
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

from charimg.errors import (
    CharimgError,
    FatalError,
    FlakyError,
    InputError,
    ProviderError,
    RefusedAddressError,
    StorageError,
)
from charimg.model import Verdict

CORPUS = Path(__file__).parent / "corpus"
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=timezone.utc)
STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""What breaks a line, or moves a terminal's cursor."""
SECRET = "Zq7-planted-9f8K3jQ2xW7vT4mB"


@dataclass(frozen=True)
class Target:
    """One reader of strangers' input."""

    name: str
    feed: Callable[[bytes], None]
    """Reads one input; raises where it finds something."""
    made: Callable[[], list[bytes]] = list
    """Inputs to begin with that are made rather than kept."""

    def corpus(self) -> list[bytes]:
        """All inputs to begin with: those made, and the files of ``corpus/NAME``."""
        kept = [path.read_bytes() for path in sorted((CORPUS / self.name).glob("*")) if path.is_file()]
        return [*kept, *self.made()] or [b""]


TARGETS: dict[str, Target] = {}
"""By name."""


Feed = Callable[[bytes], None]


def target(name: str, made: Callable[[], list[bytes]] = list) -> Callable[[Feed], Feed]:
    """Declare a target."""

    def declare(feed: Callable[[bytes], None]) -> Callable[[bytes], None]:
        TARGETS[name] = Target(name, feed, made)
        return feed

    return declare


def one_line(words: str, most: int = 1_000) -> None:
    """What is told to people stands on one line that steers no terminal and tells no secret."""
    assert words, "nothing was said"
    assert not STEERING.search(words), f"not one line: {words!r}"
    assert len(words) <= most, f"{len(words)} characters"
    assert SECRET not in words, "a secret is told"
    words.encode("utf-8", "surrogateescape")  # no half of a character but the bytes of a file's name


@cache
def _folder() -> Path:
    kept = tempfile.TemporaryDirectory()
    _KEPT.append(kept)
    return Path(kept.name)


_KEPT: list[tempfile.TemporaryDirectory[str]] = []


@contextlib.contextmanager
def telling(*kinds: type[CharimgError], most: int = 1_000) -> Iterator[None]:
    """Of these errors only the words are judged; any other goes up.

    :param most: characters of the words.
    """
    try:
        yield
    except kinds as error:
        one_line(str(error), most)


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Without Pillow's warnings of what is odd in a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# -- files of the user --------------------------------------------------------------------------------------------

_SUFFIXES = (".yaml", ".json", ".csv", ".txt")


@target("rosters")
def rosters(data: bytes) -> None:
    """The first byte chooses the format, the rest is the file."""
    from charimg.roster import prompt_for, read_roster, request_for

    path = _folder() / f"characters{_SUFFIXES[data[0] % 4] if data else '.yaml'}"
    path.write_bytes(data[1:])
    with telling(InputError):
        roster = read_roster(path)
        for line in roster.warnings:
            one_line(line)
        keys = [one.key for one in roster.characters]
        assert len(set(keys)) == len(keys)
        for one in roster.characters[:20]:
            request = request_for(roster, one)
            assert request.fingerprint
            assert prompt_for(roster, one).strip()


@target(
    "keys",
    made=lambda: ["Anna\nanna\nANNA\nStraße\nSTRASSE".encode(), "গোপাল ভাঁড়\n\u0301a\nCON\n🎨\n🎨 ".encode()],
)
def keys(data: bytes) -> None:
    """A name a line: every name has a key that is safe, unique on every file system, and stays when names are added."""
    from charimg.roster import MAX_KEY_BYTES, KeyFaultError, key_fault, make_keys
    from charimg.roster.keys import slug, twin_of

    names = data.decode("utf-8", "replace").split("\n")[:300]
    made = make_keys(names, [None] * len(names))
    assert len({twin_of(key) for key in made}) == len(names)
    assert len({unicodedata.normalize("NFD", key).upper() for key in made}) == len(names)
    for name, key in zip(names, made, strict=True):
        assert key_fault(key) is None, (name, key, key_fault(key))
        assert len(key.encode()) <= MAX_KEY_BYTES
        assert key == unicodedata.normalize("NFC", key)
        assert slug(slug(name)) == slug(name)
    half = len(names) // 2
    assert make_keys(names[:half], [None] * half) == made[:half]
    fault = 0
    given = made
    try:
        given = make_keys(names, [name if number % 2 else None for number, name in enumerate(names)])
    except KeyFaultError as error:
        fault = error.index
    assert 0 <= fault < len(names)
    assert len({twin_of(key) for key in given}) == len(names)


@target("settings")
def settings(data: bytes) -> None:
    """A settings file, read and resolved for a provider and its lanes; its last line is an option, too."""
    from charimg.contracts import Credential, Declaration, Setting
    from charimg.settings import PROJECT_FILE, Settings, policy_of, sort_options

    declaration = Declaration(
        name="drawer",
        summary="Draws.",
        settings=(
            *(Setting("size", "How large.", int, 5, minimum=1, maximum=9), Setting("scale", "How.", float, 1.0)),
            *(
                Setting("base_url", "Where."),
                Setting("kind", "Which.", choices=("a", "b")),
                Setting("fast", "Or not.", bool),
            ),
        ),
        credentials=(Credential("api_key", "A key."),),
    )
    path = _folder() / PROJECT_FILE
    path.write_bytes(data)
    line = data.rpartition(b"\n")[2].decode("utf-8", "surrogateescape").replace("\0", "")
    with telling(InputError):
        sort_options([line], [declaration])
    with telling(InputError):
        Settings.load(_folder(), {"CHARIMG_DRAWER_SIZE": line, "CHARIMG_OUT": line}, _folder()).of_provider(declaration)
    with telling(InputError):
        read = Settings.load(_folder(), {}, _folder())
        policy_of(read.general())
        for lane in (None, *read.lanes):
            read.values_for(declaration, lane=lane)


@target("keyfile", made=lambda: [b'{"whisk": {"cookie": "a"}, "whisk@work": {"cookie": "b"}}', b"\xef\xbb\xbf{}"])
def keyfile(data: bytes) -> None:
    """The keys file: read, and a key put into it."""
    from charimg.credentials import clean_secret
    from charimg.keyfile import KeyFile

    path = _folder() / "keys.json"
    path.write_bytes(data)
    path.chmod(0o600)
    with telling(InputError, StorageError):
        kept = KeyFile(path).read()
        KeyFile(path).put("drawer", "api_key", SECRET)
        assert KeyFile(path).read() == {**kept, "drawer": {**kept.get("drawer", {}), "api_key": SECRET}}
    with telling(InputError):
        clean_secret(data.decode("utf-8", "surrogateescape"), "here")


@target(
    "logins",
    made=lambda: [
        b"__Secure-next-auth.session-token=eyJabc; a=b",
        b'[{"name": "a", "value": "b", "domain": "labs.google"}]',
    ],
)
def logins(data: bytes) -> None:
    """What people paste as Whisk's login; and a workflow of ComfyUI as somebody gave it to them."""
    from charimg_comfyui.workflow import read_workflow
    from charimg_whisk.cookies import parse

    with telling(FatalError):
        cookies = parse(data.decode("utf-8", "replace"))
        assert "\n" not in cookies.header
    path = _folder() / "workflow.json"
    path.write_bytes(data)
    with telling(InputError):
        read_workflow(path)


@target("erasing", made=lambda: [b"a-secret-of-some-length\0the text with a-secret-of-some-length in it"])
def erasing(data: bytes) -> None:
    """A secret, a NUL, and a text: the secret is not in the text any more."""
    from charimg.redaction import SHORTEST_REDACTED, Redactor

    secret, _, text = data.decode("utf-8", "surrogateescape").partition("\0")
    redactor = Redactor()
    redactor.add(secret)
    clean = redactor.clean(f"{text} {secret}")
    if len(secret) >= SHORTEST_REDACTED and secret not in "*** ***":
        assert secret not in clean.replace("***", "\0")
    assert "\n" not in redactor.line(text)


# -- answers ------------------------------------------------------------------------------------------------------


@target("verdicts", made=lambda: list(_replies()))
def verdicts(data: bytes) -> None:
    """A status in two bytes, a line of ``retry-after``, a line of ``ratelimit``, and the body."""
    from charimg.verdicts import error_of, find_wait, read_answer, read_exception

    status = int.from_bytes(data[:2], "big") % 1000
    retry, _, rest = data[2:].partition(b"\n")
    limit, _, body = rest.partition(b"\n")
    headers = {
        "Retry-After": retry.decode("latin-1"),
        "RateLimit": limit.decode("latin-1"),
        "Date": limit.decode("latin-1"),
    }
    reading = read_answer(status, headers, body, now=NOW)
    one_line(reading.message, 300)
    assert reading.verdict in set(Verdict) - {Verdict.OK}
    assert reading.wait is None or 0 <= reading.wait < 1e9
    assert isinstance(error_of(reading), ProviderError)
    wait = find_wait(headers, body, now=NOW)
    assert wait is None or 0 <= wait < 1e9
    one_line(read_exception(ValueError(body.decode("utf-8", "surrogateescape"))).message, 300)


def _replies() -> list[bytes]:
    from charimg.testing.troubles import TROUBLES

    made = []
    for trouble in TROUBLES:
        body = trouble.body.encode() if isinstance(trouble.body, str) else json.dumps(trouble.body).encode()
        made.append(
            trouble.status.to_bytes(2, "big") + trouble.headers.get("Retry-After", "").encode() + b"\n\n" + body
        )
    return made


@target(
    "addresses",
    made=lambda: [b"https://example.org/a.png?key=b", b"http://user:pass@[::1]:80/", b"//host/\nhttps://a/"],
)
def addresses(data: bytes) -> None:
    """An address as a setting, and as an answer named it: judged as it would be asked."""
    import ipaddress

    from charimg.addresses import host_and_port, join, same_service, server_of
    from charimg.public_network import may_be_public
    from charimg.requested_addresses import host_shown, is_same_service, picture_address, service_address

    text = data.decode("utf-8", "surrogateescape")
    with telling(FatalError):
        assert "@" not in host_shown(service_address(text))
    with telling(RefusedAddressError):
        address = picture_address(text)
        host = address.raw_host or ""
        public = may_be_public(host)
        with contextlib.suppress(ValueError):
            assert not (public and ipaddress.ip_address(host).is_private)
        assert not (public and host.rstrip(".").rpartition(".")[2] == "localhost")
        is_same_service(address, text)
    with telling(FatalError):
        join(text, "/v1/models")
        host_and_port(text)
    same_service(text, "https://example.org")
    server_of(text)


def _subjects() -> list[tuple[str, Any]]:
    from tests.hostile.providers import subjects

    return list(subjects().items())


@cache
def _good_bodies() -> tuple[tuple[int, int, bytes], ...]:
    """Every body that the played services answer with: whose, at which step, and the body."""
    from tests.hostile.providers import call

    found = []
    for number, (_, subject) in enumerate(_subjects()):
        bodies: list[bytes] = []

        def keep(body: bytes, bodies: list[bytes] = bodies) -> bytes:
            bodies.append(body)
            return body

        for step in range(call(subject).requests):
            call(subject, at=step, change=keep)
            found.append((number, step, bodies[-1]))
    return tuple(found)


@target("answers", made=lambda: [bytes((number, step)) + body for number, step, body in _good_bodies()])
def answers(data: bytes) -> None:
    """A provider by the first byte, a step of its talk by the second, and the body that is answered there."""
    from charimg.provider_call import CALL_SECONDS
    from tests.hostile.providers import call

    if len(data) < 2:
        return
    named = _subjects()
    name, subject = named[data[0] % len(named)]
    story = call(subject, at=data[1] % 8, change=lambda _: data[2:])
    assert not story.faults, (name, story.faults)
    assert story.seconds <= CALL_SECONDS, (name, story.seconds)


@target(
    "http",
    made=lambda: [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 429 No\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
    ],
)
def http(data: bytes) -> None:
    """All that a server sends after a request, as an answer and as a download."""
    import asyncio

    from charimg.http import Answer, HttpSession
    from charimg.testing.clock import on_virtual_clock

    async def talk() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(data)
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/a?key={SECRET}"
        try:
            async with HttpSession() as session:
                for asking in (
                    session.request("POST", url, max_bytes=1_000_000),
                    session.download(url, trusted_host=f"127.0.0.1:{port}", max_bytes=1_000_000),
                ):
                    with telling(ProviderError):
                        answer: Answer = await asking
                        assert len(answer.body) <= 1_000_000
                        with telling(FlakyError):
                            answer.json()
        finally:
            server.close()

    on_virtual_clock(talk)


_STEPS = [
    {"type": "progress", "data": {"value": 3, "max": 20, "prompt_id": "p", "node": "3"}},
    {"type": "executing", "data": {"node": "3", "prompt_id": "p"}},
    {"type": "progress_state", "data": {"prompt_id": "p", "nodes": {"3": {"value": 1, "max": 4, "state": "running"}}}},
    {"type": "progress", "data": {"value": 10**400, "max": 10**400, "prompt_id": "p"}},
    {"type": "progress", "data": {"value": float("nan"), "max": float("inf"), "prompt_id": "p"}},
    {"type": "progress", "data": {"value": float("inf"), "max": float("inf"), "prompt_id": "p"}},
    {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 1}}}},
]


def _frames() -> list[bytes]:
    made = [
        b"\x81" + (bytes((len(text),)) if len(text) < 126 else b"\x7e" + len(text).to_bytes(2, "big")) + text
        for text in (json.dumps(step).encode() for step in _STEPS)
    ]
    return [*made, b"".join(made), b"\x82\x04abcd", b"\x88\x02\x03\xe8", b"\x89\x00", b"\x01\x01a\x80\x01b"]


@target("frames", made=_frames)
def frames(data: bytes) -> None:
    """All that a server sends on an open websocket, as bytes of the wire."""
    import asyncio
    import hashlib
    from base64 import b64encode

    from charimg.http import HttpSession
    from charimg.testing.clock import on_virtual_clock

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r")[0]
            accept = b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            writer.write(b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
            writer.write(b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + data)
            await writer.drain()
        writer.close()

    async def talk() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws?key={SECRET}"
        try:
            async with HttpSession() as session:
                with telling(ProviderError):
                    async with session.websocket(url, max_message=100_000) as socket:
                        async for message in socket:
                            assert len(message) <= 100_000
        finally:
            server.close()

    on_virtual_clock(talk)


@target("steps", made=lambda: [json.dumps(step).encode() for step in _STEPS])
def steps(data: bytes) -> None:
    """A message of ComfyUI's websocket: a step is a fraction and words on one line, or nothing."""
    from charimg_comfyui.listening import Followed, Listener

    from charimg.contracts import ProviderContext
    from charimg.model import ImageRequest

    told: list[tuple[float | None, str]] = []
    context = ProviderContext.__new__(ProviderContext)
    object.__setattr__(context, "progress", lambda _request, fraction, words: told.append((fraction, words)))
    listener = Listener.__new__(Listener)
    listener._context = context
    graph = {"3": {"class_type": "KSampler", "_meta": {"title": "draw"}}}
    listener._jobs = {"p": Followed(ImageRequest(key="a", name="A", prompt="b"), graph)}
    listener._heard(data.decode("utf-8", "replace"))
    for fraction, words in told:
        assert fraction is None or 0 <= fraction <= 1
        one_line(words, 200)


# -- pictures -----------------------------------------------------------------------------------------------------


def _pictures() -> list[bytes]:
    from tests.hostile.pictures import PICTURES

    made = (make() for name, (make, _) in PICTURES.items() if "million" not in name and "bomb" not in name)
    return [data for data in made if len(data) < 30_000]


@target("pictures", made=_pictures)
def pictures(data: bytes) -> None:
    """A picture: taken with true facts, or refused in words; its thumbnail, or none."""
    import hashlib

    from PIL import Image

    from charimg.gallery.thumbnails import small_copy
    from charimg.images import FORMATS, MAX_PIXELS, inspect

    with telling(FlakyError):
        facts = inspect(data)
        assert (facts.size, facts.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        assert facts.width * facts.height <= MAX_PIXELS
        with quietly(), Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            assert (picture.width, picture.height) == (facts.width, facts.height)
    path = _folder() / "picture"
    path.write_bytes(data)
    small = small_copy(path, 32)
    assert small is None or max(small.size) <= 32


@target("base64", made=lambda: [b"data:image/png;base64,iVBORw0KGgo=", b"iVBO\r\nRw0K Ggo", b"-_-_"])
def base64(data: bytes) -> None:
    """A text where a picture's base64 belongs."""
    from charimg.images import decode_base64

    with telling(FlakyError):
        assert decode_base64(data.decode("utf-8", "surrogateescape"))


def _described() -> list[bytes]:
    from charimg.metadata import embed

    described = (embed(data, _metadata()) for data in _pictures())
    return [one for one in described if one is not None and len(one) < 30_000]


@cache
def _metadata() -> Any:
    from charimg.metadata import PictureMetadata
    from charimg.model import Cost

    return PictureMetadata(
        key="gopal",
        made=NOW,
        name="গোপাল",
        prompt="a jester\nin ink",
        provider="p",
        seed=7,
        cost=Cost(0.1, "USD", "reported"),
    )


@target("metadata", made=lambda: [*_described(), *_pictures()])
def metadata(data: bytes) -> None:
    """A picture's record: read from any bytes; written into any picture, it is read back and no pixel is changed."""
    from PIL import Image

    from charimg.images import FORMATS, inspect
    from charimg.metadata import embed, from_sidecar, read_metadata, to_sidecar

    record = read_metadata(data)
    if record is not None:
        assert from_sidecar(to_sidecar(record)) == record
    from_sidecar(data)
    written = embed(data, _metadata())
    if written is None:
        return
    assert read_metadata(written) == _metadata()
    with contextlib.suppress(FlakyError):
        facts = inspect(data)
        after = inspect(written)
        assert (after.format, after.width, after.height) == (facts.format, facts.width, facts.height)
        with quietly(), Image.open(io.BytesIO(data), formats=FORMATS) as one:
            before = one.tobytes()
        with quietly(), Image.open(io.BytesIO(written), formats=FORMATS) as two:
            assert two.tobytes() == before


# -- the ledger ---------------------------------------------------------------------------------------------------

_COLUMNS = (
    "picture.facts",
    "picture.details",
    "picture.reference",
    "picture.saved",
    "job.media",
    "job.trouble",
    "job.state",
    "job.updated",
    "attempt.started",
    "attempt.seed",
    "run.plan",
    "attempt.verdict",
)


@cache
def _ledger() -> tuple[bytes, dict[str, bytes]]:
    """A ledger's file with all there is in it, and what stands in its columns."""
    import asyncio

    from charimg.contracts import Attempt, PictureRecord, Trouble
    from charimg.model import Cost, ImageFacts, MediaReference

    path = _folder() / "sound.sqlite"

    async def fill() -> None:
        store = _store(path)
        await store.open()
        media = MediaReference("id", kind="id", uploader="u", lane="l", expires_at=NOW, caption="c")
        facts = ImageFacts("png", 8, 8, "0" * 64, 100)
        await store.begin_run("r", NOW, {"jobs": 1})
        for number, key in enumerate(("a", "b")):
            attempt = Attempt(f"t{number}", "r", key, key.upper(), "l", "p", "x", "words", 7, NOW)
            await store.record_intent(attempt)
            picture = PictureRecord(f"{key}.png", facts, 7, "m", "words", "q", Cost(0.1, "USD", "reported"), media)
            await store.record_saved(attempt.id, picture)
            await store.record_upload(key, "u", media)
            await store.record_setback(key, Trouble(Verdict.FLAKY, "no", "upload"), (await store.jobs())[key].state)
        await store.close()

    asyncio.run(fill())
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA journal_mode=DELETE")
        found = {}
        for column in _COLUMNS:
            table, _, name = column.partition(".")
            value = db.execute(f"SELECT {name} FROM {table} LIMIT 1").fetchone()[0]
            found[column] = b"" if value is None else str(value).encode()
    return path.read_bytes(), found


def _store(path: Path) -> Any:
    from charimg.contracts import ProviderContext
    from charimg.http import HttpSession
    from charimg.providers.sqlite import SqliteStore

    context = ProviderContext(
        folder=path.parent,
        out=path.parent,
        settings={"path": str(path)},
        credentials={},
        lane="sqlite",
        http=HttpSession(),
    )
    return SqliteStore(context)


@target("ledger", made=lambda: [bytes((number,)) + _ledger()[1][column] for number, column in enumerate(_COLUMNS)])
def ledger(data: bytes) -> None:
    """A column of the ledger by the first byte, and what stands in it: read, or told as a damaged ledger."""
    import asyncio

    whole, _ = _ledger()
    column = _COLUMNS[data[0] % len(_COLUMNS)] if data else _COLUMNS[0]
    table, _, name = column.partition(".")
    path = _folder() / "ledger.sqlite"
    for beside in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    path.write_bytes(whole)
    with contextlib.closing(sqlite3.connect(path)) as db, contextlib.suppress(sqlite3.IntegrityError):
        db.execute(f"UPDATE {table} SET {name} = ?", (data[1:].decode("utf-8", "replace"),))
        db.commit()

    most = 4 * len(data) + 1_000  # a value that cannot be read is repeated in the message

    async def read() -> None:
        store = _store(path)
        try:
            with telling(StorageError, most=most):
                await store.open()
                for line in await store.faults():
                    one_line(line, most)
            for asked in (store.jobs, store.choices, store.lost_attempts, store.last_plan, lambda: store.history("a")):
                with telling(StorageError, most=most):
                    await asked()
        finally:
            await store.close()

    asyncio.run(read())
