"""Deliberately wrong generators: what they do beside their work. Run by test_wrong_providers.py only."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from pathlib import Path

import aiohttp

from charimg.addresses import join
from charimg.contracts import (
    ProviderContext,
)
from charimg.errors import FlakyError, ProviderError
from charimg.http import Answer
from charimg.model import GeneratedImage, ImageRequest
from tests.testing.sample_generator import Sketch, Wrong


class TestRight(Wrong):
    provider = Sketch
    BREAKS = ""
    SAYS = ""


class Sleeps(Sketch):
    """Waits when the service is busy."""

    async def send(self, request: ImageRequest) -> Answer:
        answer = await super().send(request)
        if answer.status == 429:
            await asyncio.sleep(2)
        return answer


class TestSleeps(Wrong):
    provider = Sleeps
    BREAKS, SAYS = "test_never_sleeps", "it waits 2 seconds in wrong_generators.py"


class Blocks(Sketch):
    """Blocks the whole run for a moment."""

    async def send(self, request: ImageRequest) -> Answer:
        time.sleep(1.5)
        return await super().send(request)


class TestBlocks(Wrong):
    provider = Blocks
    BREAKS, SAYS = "test_never_sleeps", "it blocks everything for 1.5 seconds"


class Retries(Sketch):
    """Tries again by itself."""

    async def send(self, request: ImageRequest) -> Answer:
        answer = await super().send(request)
        return await super().send(request) if answer.status in (500, 503) else answer


class TestRetries(Wrong):
    provider = Retries
    BREAKS, SAYS = "test_never_retries", "one call made 2 requests"


class ReadsTheEnvironment(Sketch):
    """Takes a setting from where no user would look for it."""

    async def send(self, request: ImageRequest) -> Answer:
        os.environ.get("SKETCH_QUALITY")
        return await super().send(request)


class TestReadsTheEnvironment(Wrong):
    provider = ReadsTheEnvironment
    BREAKS, SAYS = "test_never_reads_the_environment", r"reads the environment \(SKETCH_QUALITY\)"


class ReadsFiles(Sketch):
    """Looks for a configuration of its own."""

    async def send(self, request: ImageRequest) -> Answer:
        path = Path("~/.sketchrc").expanduser()
        with contextlib.suppress(OSError):
            path.read_text(encoding="utf-8")
        return await super().send(request)


class TestReadsFiles(Wrong):
    provider = ReadsFiles
    BREAKS, SAYS = "test_opens_no_foreign_files", r"it opens \.sketchrc"


class SwallowsCancellation(Sketch):
    """Takes a cancellation for trouble of the service."""

    async def send(self, request: ImageRequest) -> Answer:
        try:
            return await super().send(request)
        except asyncio.CancelledError:
            raise FlakyError("the request was broken off") from None


class TestSwallowsCancellation(Wrong):
    provider = SwallowsCancellation
    BREAKS, SAYS = "test_cancelled_it_lets_go_and_works_again", "it raises FlakyError; let CancelledError through"


class BreaksWhenCancelled(Sketch):
    """Is never the same after a cancellation: its lock stays taken."""

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._lock = asyncio.Lock()

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        await self._lock.acquire()
        try:
            picture = await super().generate(request)
        except Exception:
            self._lock.release()
            raise
        self._lock.release()
        return picture


class TestBreaksWhenCancelled(Wrong):
    provider = BreaksWhenCancelled
    BREAKS, SAYS = "test_cancelled_it_lets_go_and_works_again", "after it was cancelled .* no picture"


class LeaksASession(Sketch):
    """Leaves a session of its own behind."""

    async def hello(self) -> None:
        session = aiohttp.ClientSession()
        async with session.get(join(str(self.context.settings["base_url"]), "/v1/hello")) as response:
            await response.read()

    async def send(self, request: ImageRequest) -> Answer:
        await self.hello()
        return await super().send(request)


class TestLeaksASession(Wrong):
    provider = LeaksASession
    BREAKS, SAYS = "test_leaks_nothing", "open connection|Unclosed client session"


class LeaksATask(Sketch):
    """Leaves a task behind."""

    async def open(self) -> None:
        self._watching = asyncio.create_task(self.watch_the_weather())

    async def watch_the_weather(self) -> None:
        await asyncio.Event().wait()


class TestLeaksATask(Wrong):
    provider = LeaksATask
    BREAKS, SAYS = "test_leaks_nothing", "the task LeaksATask.watch_the_weather"


class TellsItsKey(Sketch):
    """Quotes the key in an error."""

    def error(self, answer: Answer) -> ProviderError:
        error = super().error(answer)
        if answer.status == 401:
            error = type(error)(f"the key {self.key} is wrong")
        return error


class TestTellsItsKey(Wrong):
    provider = TellsItsKey
    BREAKS, SAYS = "test_secrets_stay_secret", "401-wrong-key: the error shows a secret"


class TellsItsKeyInTheCause(Sketch):
    """Quotes the key where only a traceback shows it."""

    def error(self, answer: Answer) -> ProviderError:
        error = super().error(answer)
        if answer.status == 403:
            error.__cause__ = ValueError(f"403 for https://{self.key}@sketch.example/v1/draw")
        return error


class TestTellsItsKeyInTheCause(Wrong):
    provider = TellsItsKeyInTheCause
    BREAKS, SAYS = "test_secrets_stay_secret", "403-not-allowed: the error shows a secret"


class LogsItsKey(Sketch):
    """Logs what it sends."""

    async def send(self, request: ImageRequest) -> Answer:
        logging.getLogger("sketch").debug("sending with %s", self.key)
        return await super().send(request)


class TestLogsItsKey(Wrong):
    provider = LogsItsKey
    BREAKS, SAYS = "test_secrets_stay_secret", "a secret is logged by 'sketch'"


class KeepsItsKeyInTheOpen(Sketch):
    """Keeps the key as plain text, which any debugger's or crash report's dump shows."""

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self.headers = {"Authorization": context.credentials["api_key"].reveal()}


class TestKeepsItsKeyInTheOpen(Wrong):
    provider = KeepsItsKeyInTheOpen
    BREAKS, SAYS = "test_secrets_stay_secret", "the provider's attributes shows? a secret"
