"""One scenario: a provider on the virtual clock, watched, with a played service and planted secrets."""

from __future__ import annotations

import asyncio
import base64
import io
import re
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

import pytest

from charimg.contracts import Provider, ProviderContext
from charimg.errors import InvalidRequestError, ProviderError
from charimg.http import Answer, HttpSession
from charimg.images import inspect
from charimg.model import ImageRequest, SavedImage
from charimg.provider_call import CALL_SECONDS, in_core_words, is_in_core_words
from charimg.raised_where import place_of, words_of
from charimg.redaction import Redactor, Secret
from charimg.testing.clock import on_virtual_clock
from charimg.testing.pictures import paint
from charimg.testing.server import PlayedService, mark
from charimg.testing.service import Route, Service
from charimg.testing.watch import Watch, own_names

MAX_BODY = 2 * 1024 * 1024
"""Bytes: the cap of the bench's session. The core's is 96 MB, which no test should have to move."""

UNSTYLED = "kw5309d"
"""What marks the bare description of every job, which is not what is to be sent."""

PATIENCE = 30.0
"""Virtual seconds in which a cancelled call or a ``close`` must come to its end."""


class BenchSession(HttpSession):
    """The core's session with a smaller cap."""

    async def request(self, method: str, url: str, *, max_bytes: int = MAX_BODY, **options: Any) -> Answer:
        """As ever."""
        return await super().request(method, url, max_bytes=min(max_bytes, MAX_BODY), **options)

    async def download(self, url: str, *, trusted_host: str | None = None, max_bytes: int = MAX_BODY) -> Answer:
        """As ever."""
        return await super().download(url, trusted_host=trusted_host, max_bytes=min(max_bytes, MAX_BODY))


@dataclass
class Came:
    """What came of one call."""

    value: Any = None
    error: BaseException | None = None
    """What the provider raised."""
    told: ProviderError | None = None
    """The same in the core's words."""
    paid: int = 0
    """Requests on the paid route that this call cost."""

    @property
    def line(self) -> str:
        """In a few words, for messages."""
        if self.told is None:
            return f"it returned {type(self.value).__name__}"
        if self.error is None or self.told is self.error:
            return f"it raised {type(self.told).__name__}: {self.told.message[:200]}"
        place = place_of(self.error)
        return f"it raised {words_of(self.error)[:200]}{'' if place is None else f' ({place})'}"


@dataclass
class Bench:
    """A provider at work."""

    kind: type[Provider]
    folder: Path
    played: PlayedService
    watch: Watch
    http: HttpSession
    settings: Mapping[str, Any]
    credentials: Mapping[str, Secret]
    secrets: tuple[str, ...]
    """The planted texts."""
    provider: Provider
    context: ProviderContext
    progress: list[tuple[str, float | None, str]] = field(default_factory=list)
    tickets: list[tuple[str, str]] = field(default_factory=list)
    """Keys and tickets told by ``context.accepted``."""
    complaints: list[str] = field(default_factory=list)
    """What the loop was told of exceptions nobody took."""
    ended: bool = False
    """The provider has been closed."""

    async def call(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Came:
        """Call the provider and keep what came of it, whatever that is."""
        paid = len(self.played.bill)
        came = Came()
        task = asyncio.ensure_future(work())
        done, _ = await asyncio.wait({task}, timeout=CALL_SECONDS)
        if not done:  # as the core does with a provider that is silent for so long
            task.cancel()
            await asyncio.wait({task}, timeout=PATIENCE)
            came.error = came.told = InvalidRequestError("no answer in half an hour", possibly_charged=True)
        elif task.cancelled():
            came.error = came.told = InvalidRequestError("it broke its own request off", possibly_charged=True)
        else:
            came.error = task.exception()
            came.value = task.result() if came.error is None else None
        if came.error is not None and came.told is None:
            ours = isinstance(came.error, ProviderError) and is_in_core_words(came.error)
            came.told = came.error if ours else in_core_words(came.error)  # type: ignore[assignment]  # just asked
        came.paid = len(self.played.bill) - paid
        return came

    async def end(self) -> None:
        """Close the provider and the session; a second time does nothing."""
        ended, self.ended = self.ended, True
        self.played.released.set()
        if not ended:
            await asyncio.wait_for(self.provider.close(), PATIENCE)
        await self.http.close()

    def request(self, number: int = 1, **more: Any) -> ImageRequest:
        """A request whose words carry the mark of job *number*."""
        base: dict[str, Any] = {
            "key": f"ferryman-{number}",
            "name": f"Ferryman {number}",
            "prompt": f"a tall ferryman with a lantern, {mark(number)}, in ink",
            "description": f"a tall ferryman with a lantern, {UNSTYLED}",
            "attempt": f"{number:032x}",
        }
        return ImageRequest(**{**base, **more})

    def saved(self, number: int = 1) -> SavedImage:
        """A saved picture that is known by its bytes."""
        path = self.folder / f"ferryman-{number}.png"
        data = paint(number)
        path.write_bytes(data)
        return SavedImage(f"ferryman-{number}", f"Ferryman {number}", path, inspect(data), description=mark(number))

    def leak_in(self, text: str) -> str | None:
        """Which planted secret a text holds, in any spelling; ``None`` for none."""
        spellings = {text, unquote_plus(text), *_decoded(text)}
        for secret in self.secrets:
            for spelling in (secret, quote(secret, safe=""), quote_plus(secret)):
                if any(spelling in one for one in spellings):
                    return secret
        return None


def _decoded(text: str) -> list[str]:
    """What stands in the base64 of a text, as a password in a login header does."""
    found = []
    for run in re.findall(r"[A-Za-z0-9+/_-]{16,}", text):
        whole = run.translate(str.maketrans("-_", "+/"))
        found.append(base64.b64decode(whole[: len(whole) // 4 * 4]).decode("latin-1"))
    return found


def everything_shown(error: BaseException) -> str:
    """All that a log or a debug run would show of an exception: text, representation, traceback with its causes."""
    out = io.StringIO()
    for line in traceback.TracebackException.from_exception(error).format():
        out.write(line)
    return f"{error}\n{error!r}\n{vars(error)!r}\n{out.getvalue()}"


def planted(name: str) -> str:
    """A secret that occurs nowhere else, of the shape of a key, for a credential of this name."""
    return f"Zq7-{name.replace('_', '-')}-9f8K3jQ2xW7vT4mB"


@dataclass(frozen=True)
class Subject:
    """What a contract class says of its provider."""

    kind: type[Provider]
    service: Service | None
    settings: Mapping[str, Any]
    credentials: Mapping[str, str]

    def secrets(self) -> dict[str, tuple[str, str]]:
        """For every declared credential its planted text and the secret in it."""
        found = {}
        for one in self.kind.declaration.credentials:
            secret = planted(one.name)
            form = self.credentials.get(one.name, "{secret}")
            # A text without a place for the planted secret is secret as a whole.
            found[one.name] = (form.replace("{secret}", secret), secret if "{secret}" in form else form)
        return found

    def values(self, address: str) -> dict[str, Any]:
        """Every declared setting: what the author gave, the service's address, the defaults."""
        declared = {one.name: one for one in self.kind.declaration.settings}
        values: dict[str, Any] = {name: one.default for name, one in declared.items()}
        if "base_url" in declared and self.service is not None:
            values["base_url"] = address
        values.update(self.settings)
        return {
            name: value.replace("{address}", address) if isinstance(value, str) else value
            for name, value in values.items()
        }


def play(
    subject: Subject,
    folder: Path,
    scenario: Callable[[Bench], Awaitable[None]],
    *,
    prefix: str = "",
    opened: bool = True,
    lane: str = "lane-1",
) -> Watch:
    """Play one scenario with one provider from its beginning to its end, and return what was seen.

    :param prefix: a path in front of the service, as of a gateway.
    :param opened: call ``open()`` first.
    """
    out = folder / "pictures"
    out.mkdir(parents=True, exist_ok=True)
    watch = Watch(own_names(subject.kind), (folder, out))

    async def all_of_it() -> None:
        service = subject.service or _NOWHERE
        async with (
            PlayedService(service, prefix) as played,
            on_bench(subject, folder, played, watch, lane=lane) as bench,
        ):
            if opened:
                await bench.provider.open()
            await scenario(bench)
            await bench.end()
            watch.left += await _left(played)

    try:
        with watch.watching():
            on_virtual_clock(all_of_it, on_timer=watch.on_timer)
    finally:
        if watch.blocking:  # whatever came of it has this cause
            pytest.fail("; ".join(dict.fromkeys(watch.blocking)), pytrace=False)
    return watch


@asynccontextmanager
async def on_bench(
    subject: Subject, folder: Path, played: PlayedService, watch: Watch, *, lane: str = "lane-1", salt: str = ""
) -> AsyncIterator[Bench]:
    """A provider with everything the core would hand to it; closed at the end.

    :param salt: makes the planted secrets differ from those of another bench.
    """
    secrets = {name: (text + salt, secret) for name, (text, secret) in subject.secrets().items()}
    credentials = {name: Secret(text) for name, (text, _) in secrets.items()}
    redactor = Redactor()
    for secret in credentials.values():
        redactor.add(secret)
    progress: list[tuple[str, float | None, str]] = []
    tickets: list[tuple[str, str]] = []
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, told: complaints.append(str(told.get("message"))))

    async def accepted(request: ImageRequest, ticket: str) -> None:
        tickets.append((request.key, ticket))

    async with BenchSession(redactor) as http:
        context = ProviderContext(
            folder=folder,
            out=folder / "pictures",
            settings=subject.values(played.address),
            credentials=credentials,
            lane=lane,
            http=http,
            redactor=redactor,
            progress=lambda request, fraction, words: progress.append((request.key, fraction, words)),
            accepted=accepted,
        )
        provider = subject.kind(context)
        bench = Bench(
            subject.kind,
            folder,
            played,
            watch,
            http,
            context.settings,
            credentials,
            tuple(secret for _, secret in secrets.values()),
            provider,
            context,
            progress,
            tickets,
            complaints,
        )
        try:
            yield bench
        except BaseException:  # pytest's failures too: what went wrong first is what is told
            with suppress(Exception):
                await bench.end()
            raise
        await bench.end()


async def _left(played: PlayedService) -> list[str]:
    """The tasks and connections that the provider left behind, with a moment's patience."""
    for _ in range(50):
        await asyncio.sleep(0)
        if not played.connections and asyncio.all_tasks() <= {asyncio.current_task(), *played.tasks}:
            return []
    await asyncio.sleep(1.0)
    mine = {asyncio.current_task(), *played.tasks}
    tasks = [one for one in asyncio.all_tasks() if one not in mine]
    found = [f"the task {getattr(one.get_coro(), '__qualname__', one.get_name())}" for one in tasks]
    if played.connections:
        found.append(f"{len(played.connections)} open connection(s) to the service")
    return found


_NOWHERE = Service(Route("NONE", "/"))
"""What a provider without a network is given; it is never asked."""
