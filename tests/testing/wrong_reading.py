"""Deliberately wrong generators: how they read what the service answers. Run by test_wrong_providers.py only."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import aiohttp

from charimg.addresses import join
from charimg.errors import FlakyError, InvalidRequestError, ProviderError, ThrottledError
from charimg.http import Answer, Timeouts
from charimg.images import inspect
from charimg.model import GeneratedImage, ImageRequest
from tests.testing.sample_generator import Sketch, Wrong


class AnswersEmptyBytes(Sketch):
    """Hands on whatever a success brings along."""

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        answer = await self.send(request)
        if not answer.ok:
            raise self.error(answer)
        return GeneratedImage(answer.body)


class TestAnswersEmptyBytes(Wrong):
    provider = AnswersEmptyBytes
    BREAKS, SAYS = (
        "test_success_without_a_picture_is_flaky",
        "200 with empty: it hands over a GeneratedImage of 0 bytes",
    )


class TrustsTheService(Sketch):
    """Gives up with a programmer's words where a success holds nothing."""

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        answer = await self.send(request)
        if not answer.ok:
            raise self.error(answer)
        if answer.headers.get("content-type") == "application/json":
            raise KeyError("image")
        if answer.headers.get("content-type", "").startswith("text/html"):
            raise FlakyError("the service sent a web page")
        return GeneratedImage(inspected(answer.body))


def inspected(data: bytes) -> bytes:
    inspect(data)
    return data


class TestTrustsTheService(Wrong):
    provider = TrustsTheService
    BREAKS, SAYS = "test_success_without_a_picture_is_flaky", "200 with object is read as invalid: it raised KeyError"


class HidesTheQuota(Sketch):
    """Tells a quota as something general."""

    def error(self, answer: Answer) -> ProviderError:
        return InvalidRequestError("the picture could not be made") if answer.status == 429 else super().error(answer)


class TestHidesTheQuota(Wrong):
    provider = HidesTheQuota
    BREAKS, SAYS = "test_trouble_has_its_verdict", r"HTTP 429 \(429-seconds\) is read as invalid instead of throttled"


class ForgetsTheWait(Sketch):
    """Tells the quota and not for how long."""

    def error(self, answer: Answer) -> ProviderError:
        error = super().error(answer)
        error.wait = None
        return error


class TestForgetsTheWait(Wrong):
    provider = ForgetsTheWait
    BREAKS, SAYS = "test_trouble_keeps_the_wait", "429-seconds: the service asks for 37 s, and the error for None"


class InventsAWait(Sketch):
    """Asks for a minute where the service asks for nothing."""

    def error(self, answer: Answer) -> ProviderError:
        error = super().error(answer)
        if isinstance(error, ThrottledError) and error.wait is None:
            error.wait = 60.0
        return error


class TestInventsAWait(Wrong):
    provider = InventsAWait
    BREAKS, SAYS = "test_trouble_keeps_the_wait", "429-silent: the service asks for no wait, and the error for 60.0 s"


class TalksTooMuch(Sketch):
    """Shows the whole answer."""

    def error(self, answer: Answer) -> ProviderError:
        error = super().error(answer)
        error.message = f"{error.message}\n\n{answer.text}"
        return error


class TestTalksTooMuch(Wrong):
    provider = TalksTooMuch
    BREAKS, SAYS = "test_trouble_is_told_in_one_line", "401-wrong-key: the message is not one line"
    skipped: ClassVar[dict[str, str]] = {
        "test_success_without_a_picture_is_flaky": "it asks for one line too; here the other test is to fail"
    }


class MixesUp(Sketch):
    """Keeps the request in itself, where the next one replaces it."""

    async def send(self, request: ImageRequest) -> Answer:
        self._request = request
        await self.hello()
        return await super().send(self._request)


class TestMixesUp(Wrong):
    provider = MixesUp
    BREAKS, SAYS = "test_five_at_once_are_not_mixed_up", "job 1 of five at once: the picture is not the one"


class _OwnSession(Sketch):
    """Speaks through a session of its own, carefully."""

    redirects: ClassVar[bool] = False
    most: ClassVar[int] = 2**20

    async def post(self, path: str, body: dict[str, Any]) -> Answer:
        url = join(str(self.context.settings["base_url"]), path)
        headers = {"X-Key": self.key}
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.post(url, headers=headers, json=body, allow_redirects=self.redirects) as response,
            ):
                data = bytearray()
                async for piece in response.content.iter_chunked(65536):
                    data += piece
                    if len(data) > self.most:
                        raise FlakyError("the answer is too large")
                names = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, names, bytes(data))
        except aiohttp.ClientPayloadError:
            raise FlakyError("the answer broke off", possibly_charged=True) from None
        except aiohttp.ClientResponseError:
            raise FlakyError("the answer is no HTTP", possibly_charged=True) from None
        except (aiohttp.ClientError, asyncio.TimeoutError):
            raise ThrottledError("no answer came", possibly_charged=True) from None


class TestOwnSession(Wrong):
    provider = _OwnSession
    BREAKS = ""
    SAYS = ""


class IgnoresTheCap(_OwnSession):
    """Reads whatever comes."""

    most = 2**40


class TestIgnoresTheCap(Wrong):
    provider = IgnoresTheCap
    BREAKS, SAYS = "test_endless_answer_is_cut_off", "it reads 24 MB and more"


class FollowsRedirects(_OwnSession):
    """Carries its key wherever it is sent."""

    redirects = True


class TestFollowsRedirects(Wrong):
    provider = FollowsRedirects
    BREAKS, SAYS = "test_redirect_is_not_followed", "it follows a redirect to other-host|passes for a success"


class ForgetsTheCharge(Sketch):
    """Does not tell that a lost answer may have been paid for."""

    async def send(self, request: ImageRequest) -> Answer:
        try:
            return await super().send(request)
        except ProviderError as error:
            error.possibly_charged = False
            raise


class TestForgetsTheCharge(Wrong):
    provider = ForgetsTheCharge
    BREAKS, SAYS = "test_lost_answer_may_have_been_charged", "possibly_charged is not set"


class CondemnsTheRequest(Sketch):
    """Takes a lost connection for a wrong request."""

    async def send(self, request: ImageRequest) -> Answer:
        try:
            return await super().send(request)
        except ThrottledError as error:
            raise InvalidRequestError("the request failed", possibly_charged=error.possibly_charged) from None


class TestCondemnsTheRequest(Wrong):
    provider = CondemnsTheRequest
    BREAKS, SAYS = "test_lost_connection_is_no_verdict_on_the_request", "is read as invalid"


class NeverGivesUp(Sketch):
    """Waits for an answer longer than any run."""

    async def post(self, path: str, body: dict[str, Any]) -> Answer:
        url = join(str(self.context.settings["base_url"]), path)
        ages = Timeouts(read=1e6, total=1e6)
        headers = {"Authorization": f"Bearer {self.key}"}
        return await self.context.http.request("POST", url, headers=headers, json=body, timeouts=ages)


class TestNeverGivesUp(Wrong):
    provider = NeverGivesUp
    BREAKS, SAYS = "test_lost_connection_is_no_verdict_on_the_request", "is read as invalid.*no answer in half an hour"
