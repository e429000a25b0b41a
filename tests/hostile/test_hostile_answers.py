"""Answers as a broken or malicious service gives them, through every first-party provider, at every step."""

from __future__ import annotations

import json
import math
import zlib
from functools import partial

import pytest

from charimg.errors import FatalError, FlakyError, ProviderError, RefusedAddressError, ThrottledError
from charimg.http import MAX_TROUBLE, MOST_VALUES, Answer, HttpSession
from charimg.provider_call import CALL_SECONDS
from charimg.public_network import may_be_public
from charimg.testing.clock import on_virtual_clock
from charimg.testing.service import Reply
from charimg.verdicts import error_of, read_answer
from charimg.verdicts.answer import as_number
from tests.hostile.bounded import can_be_bounded, within
from tests.hostile.providers import SpoiledService, call, subjects
from tests.hostile.wires import WIRES, whole, without_end


@pytest.mark.parametrize("name", subjects())
def test_no_answer_breaks_a_provider(name: str) -> None:
    """Whatever comes instead of any one answer, there is a picture or one line in the core's words, in bounded time,
    and nothing secret in it.

    Of the many pairs of a wrong answer and a step of the talk each provider meets every answer, and every step meets
    many; ``python -m tests.fuzzing --target answers`` tries what is left.
    """
    subject = subjects()[name]
    steps = call(subject).requests
    wrong = {}
    for wire in WIRES:
        at = zlib.crc32(f"{name} {wire}".encode()) % steps
        story = call(subject, WIRES[wire], at)
        if story.seconds > CALL_SECONDS:
            story.faults.append(f"it took {story.seconds:.0f} seconds")
        if story.faults:
            wrong[wire, at] = story.faults

    assert wrong == {}


ODD = (
    10**400,
    -(10**400),
    math.nan,
    math.inf,
    "http://[::1",
    "\ud800",
    "a\nb\x1b[2J\u202e",
    "",
    None,
    [],
    {},
    True,
    -1,
)
"""What every value of a good answer is replaced by, one after the other."""


def replaced(body: bytes, kind: type | tuple[type, ...], odd: object) -> bytes:
    """JSON with every value of this kind replaced; other bodies as they are."""

    def inside(value: object) -> object:
        if isinstance(value, dict):
            return {name: inside(one) for name, one in value.items()}
        if isinstance(value, list):
            return [inside(one) for one in value]
        return odd if isinstance(value, kind) and len(str(value)) < 200 else value

    try:
        return json.dumps(inside(json.loads(body))).encode()
    except ValueError:
        return body


@pytest.mark.parametrize("name", subjects())
def test_no_value_in_a_good_answer_breaks_a_provider(name: str) -> None:
    """Every number, and every short text, of every good answer as something else: of another type, beyond a float, half
    a character, no address, lines where a word belongs."""
    subject = subjects()[name]
    wrong = {}
    for only_check in (False, True):
        for at in range(call(subject, only_check=only_check).requests):
            for number, odd in enumerate(ODD):
                kind = (int, float) if number % 2 == at % 2 else str
                change = partial(replaced, kind=kind, odd=odd)
                story = call(subject, at=at, change=change, only_check=only_check)
                if story.faults:
                    wrong[only_check, at, str(kind), repr(odd)[:30]] = story.faults

    assert wrong == {}


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *[(7, 7.0), (-0.5, -0.5), (10**15, 1e15), (10**15 + 1, None), (10**400, None), (-(10**400), None)],
        *[(math.nan, None), (math.inf, None), (True, None), ("7", None), (None, None), ([7], None)],
    ],
)
def test_only_a_number_with_measure_is_one(value: object, number: float | None) -> None:
    """What JSON calls a number may be larger than any float, or none at all."""
    assert as_number(value) == number


@pytest.mark.parametrize("name", subjects())
def test_a_good_answer_is_taken(name: str) -> None:
    """With nothing spoiled the same talk succeeds: what the other test sees is not the harness's own doing."""
    story = call(subjects()[name])

    assert (story.words, story.faults) == ("", [])
    assert story.requests > 0


READ = """
from charimg.errors import FlakyError
from charimg.http import Answer
try:
    Answer(200, {}, eval(sys.argv[1])).json()
    print("read")
except FlakyError as error:
    print(error.message)
"""


@pytest.mark.skipif(not can_be_bounded, reason="the memory of a process can be bounded on Linux only")
@pytest.mark.parametrize("body", ["b'[' + b'[],' * 20_000_000 + b'[]]'", "b'[' + b'{},' * 20_000_000 + b'{}]'"])
def test_json_of_millions_of_values_is_not_unfolded(body: str) -> None:
    """Sixty megabytes of the smallest values, two gigabytes once they are read, are refused in the bytes."""
    told = within(READ, body, megabytes=300, seconds=10, importing="charimg.http")

    assert told.strip() == f"the service answered HTTP 200 with more than {MOST_VALUES:,} values"


def test_json_of_a_large_picture_is_read() -> None:
    """What counts are values: the base64 of a large picture is one."""
    body = b'{"data": [{"b64_json": "' + b"QUJD" * 5_000_000 + b'"}]}'

    assert len(Answer(200, {}, body).json()["data"][0]["b64_json"]) == 20_000_000


@pytest.mark.parametrize("body", [b"", b"[", b"\xff\xfe", b"[" * 100_000, b"1" * 5_000, b'"\xff"', b"nul", b"\0"])
def test_what_is_no_json_is_flaky(body: bytes) -> None:
    """One line for every body that is none, however it fails to be."""
    with pytest.raises(FlakyError, match="something that is not JSON"):
        Answer(200, {}, body).json()


@pytest.mark.parametrize(
    "host",
    [
        "64:ff9b:1::7f00:1",
        "64:ff9b:1:ffff::a00:1",
        "::ffff:0:7f00:1",
        "::ffff:0:a00:1",
        "2001:470::5efe:7f00:1",
        "2001:470::200:5efe:c0a8:101",
        "3fff::1",
        "5f00::1",
        "192.88.99.1",
        "192.0.0.8",
        "2002:c0a8:101::",
    ],
)
def test_no_notation_of_a_private_address_is_public(host: str) -> None:
    """Local NAT64, translated and tunnelled IPv4, and what is given to no one are private whatever the Python."""
    assert not may_be_public(host)


@pytest.mark.parametrize("host", ["2606:4700::1111", "::ffff:0:808:808", "2001:470::5efe:808:808", "192.0.2.1.example"])
def test_public_addresses_stay_public(host: str) -> None:
    """The same notations of a public address lead to it."""
    assert may_be_public(host)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://user:pass@[::1]@",
            "http://@[",
            "http://[",
            "http://]",
            "http://a:99999/",
            "http://a:b/",
            "https:///a",
        ),
        *(
            "",
            "//a",
            "\x00",
            "http://\ud800/",
            "data:image/png;base64,AAAA",
            "file:///etc/passwd",
            "http://a\\@b/",
            "x" * 9_000,
        ),
    ],
)
async def test_an_address_that_is_none_is_refused_in_one_line(url: str) -> None:
    """Whatever a service or a setting names, what cannot be asked is told as that and shown without what steers."""
    async with HttpSession() as http:
        for send in (http.download(url), http.request("POST", url), http.websocket(url).__aenter__()):
            with pytest.raises((RefusedAddressError, FatalError)) as caught:
                await send

            assert caught.value.message.isprintable()
            assert len(caught.value.message) < 300


@pytest.mark.parametrize(("status", "kind"), [(429, ThrottledError), (401, FatalError), (500, FlakyError)])
def test_the_body_of_an_error_is_read_no_further_than_its_beginning(status: int, kind: type[ProviderError]) -> None:
    """An endless error is still that error: its status is known, and a few megabytes are enough of its words."""
    subject = subjects()["huggingface generator TestHuggingFace"]
    told: list[Answer] = []

    async def ask() -> None:
        assert subject.service is not None
        played = SpoiledService(subject.service)
        head = f"HTTP/1.1 {status} No\r\nContent-Type: application/json\r\nContent-Length: 99000000000\r\n\r\n"
        played.wire, played.spoil_at = without_end(head.encode(), b'{"error": ' + b" " * 65_000), 0
        async with played, HttpSession() as http:
            told.append(await http.request("POST", played.address, max_bytes=90_000_000))

    on_virtual_clock(ask)
    answer = told[0]

    assert (answer.status, len(answer.body)) == (status, MAX_TROUBLE)
    assert type(error_of(read_answer(answer.status, answer.headers, answer.body))) is kind


def test_wires_answer_as_they_say() -> None:
    """A proper answer made here is one: the service's own good answer, sent by this module, is taken."""
    subject = subjects()["openai generator TestPicturesAtOnce"]
    assert subject.service is not None
    seen: list[bytes] = []

    async def good(writer: object, asked: object) -> bool:
        body, kind = Reply(200, subject.service.paid.good(asked)).wire  # type: ignore[union-attr,arg-type]
        seen.append(body)
        result: bool = await whole(body, kind=kind)(writer, asked)  # type: ignore[arg-type]
        return result

    for at in range(call(subject).requests):
        story = call(subject, good, at)

        assert story.faults == []
    assert seen
