"""Every first-party provider with the service that its contract suite plays, made to answer as badly as one likes."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast

from charimg.contracts import ImageGenerator, Uploader
from charimg.errors import ProviderError
from charimg.provider_call import checked, checked_reference, is_in_core_words
from charimg.testing.bench import Bench, Subject, everything_shown, on_bench
from charimg.testing.clock import on_virtual_clock
from charimg.testing.server import PlayedService
from charimg.testing.service import Asked, Fault, Reply
from charimg.testing.watch import Watch, own_names

CHECKOUT = Path(__file__).parents[2]

LONGEST_WORDS = 1_000
"""Characters of a message: it stands on one line of a terminal."""

Wire = Callable[[asyncio.StreamWriter, Asked], Any]
"""A coroutine function that answers one request by itself; true if the connection can go on."""


@cache
def subjects() -> dict[str, Subject]:
    """By provider, kind and contract class: ``openai generator TestPicturesAtOnce``."""
    found = {}
    for path in sorted(CHECKOUT.glob("plugins/*/tests/test_*contract.py")):
        for name, suite in vars(_module(path)).items():
            if isinstance(suite, type) and getattr(suite, "service", None) and name.startswith("Test"):
                subject = suite().subject()
                kind = "generator" if issubclass(subject.kind, ImageGenerator) else "uploader"
                found[f"{subject.kind.declaration.name} {kind} {name}"] = subject
    return found


def _module(path: Path) -> Any:
    """The module of a contract suite, under a name of our own: its tests are not to be run a second time."""
    name = f"hostile_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parents[1]))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parents[1]))
    return module


class SpoiledService(PlayedService):
    """Answers well but for one request, which a :data:`Wire` answers, or whose good answer is changed."""

    spoil_at: int = -1
    """Which request, counted from 0."""
    wire: Wire | None = None
    change: Callable[[bytes], bytes] | None = None
    """From the body of the good answer to what is sent instead."""

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        if len(self.asked) != self.spoil_at or (self.wire is None and self.change is None):
            return await super()._answer(asked, writer)
        self.asked.append(asked)
        if self.wire is not None:
            going_on = await self.wire(writer, asked)
        else:
            assert self.change is not None
            answer = self._choose(asked)
            reply = answer if isinstance(answer, Reply) else Reply(200, None if isinstance(answer, Fault) else answer)
            body, kind = reply.wire
            body = self.change(body)
            head = {**reply.headers, "Content-Type": kind, "Content-Length": len(body)}
            lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
            writer.write(f"HTTP/1.1 {reply.status} Played\r\n{lines}\r\n".encode("latin-1") + body)
            going_on = True
        await writer.drain()
        return bool(going_on)


@dataclass
class Story:
    """What came of one call of a provider."""

    requests: int = 0
    """How many its service got."""
    seconds: float = 0.0
    """Virtual."""
    words: str = ""
    """What was told; empty where it succeeded."""
    faults: list[str] = field(default_factory=list)
    """What no answer may bring about."""


def call(
    subject: Subject,
    wire: Wire | None = None,
    at: int = -1,
    change: Callable[[bytes], bytes] | None = None,
    *,
    only_check: bool = False,
) -> Story:
    """Ask the provider for one picture, or to upload one, on the virtual clock and a real socket.

    :param wire: answers request *at* in the service's place.
    :param change: makes another body of that of its good answer.
    :param only_check: ask it for nothing but whether all is well, and which models there are.
    """
    story = Story()

    async def scenario(folder: Path) -> None:
        watch = Watch(own_names(subject.kind), (folder,))
        assert subject.service is not None
        played = SpoiledService(subject.service)
        played.wire, played.change, played.spoil_at = wire, change, at
        async with played, on_bench(subject, folder, played, watch) as bench:
            await bench_call(bench, story, only_check=only_check)
        story.requests = len(played.asked)
        story.seconds = asyncio.get_running_loop().time()

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pictures").mkdir()
        on_virtual_clock(lambda: scenario(folder))
    return story


async def bench_call(bench: Bench, story: Story, *, only_check: bool = False) -> None:
    """The whole life of the provider: opened, asked, closed; into *story* what came of it."""

    async def work() -> object:
        await bench.provider.open()
        if only_check:
            told = await bench.provider.check()
            asked = await bench.provider.models() if isinstance(bench.provider, ImageGenerator) else None
            for model in asked or ():
                told += f" {model.id}"
            return told
        if isinstance(bench.provider, ImageGenerator):
            return await bench.provider.generate(bench.request())
        return await cast("Uploader", bench.provider).upload(bench.saved())

    came = await bench.call(work)
    error = came.error
    if error is None:
        try:
            name, redactor = bench.kind.declaration.name, bench.context.redactor
            if only_check:
                if any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in str(came.value)):
                    story.faults.append(f"what it found is not one line: {came.value!r}")
            elif isinstance(bench.provider, ImageGenerator):
                checked(came.value, name, redactor)
            else:
                checked_reference(came.value, name, redactor)
        except ProviderError as wrong:
            error = wrong
    if error is not None:
        story.words = error.message if isinstance(error, ProviderError) else came.line
        _judge(bench, error, story)
    await bench.end()
    await asyncio.sleep(0)
    story.faults += [f"the loop was told: {complaint}" for complaint in bench.complaints]


def _judge(bench: Bench, error: BaseException, story: Story) -> None:
    if not isinstance(error, ProviderError) or not is_in_core_words(error):
        story.faults.append(f"it raised {story.words}")
        return
    if len(error.message.splitlines()) != 1 or any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in error.message):
        story.faults.append(f"the message is not one line: {error.message!r}")
    if len(error.message) > LONGEST_WORDS:
        story.faults.append(f"the message has {len(error.message)} characters")
    leak = bench.leak_in(everything_shown(error))
    if leak is not None:
        story.faults.append(f"the secret {leak} stands in the error")
