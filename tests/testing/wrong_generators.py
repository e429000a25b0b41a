"""Deliberately wrong generators, each with the contract that it breaks. Run by test_wrong_providers.py only.

``SAMPLE`` is right; every other class differs from it in the one thing its docstring names. ``BREAKS`` of a contract
class is the one standard test that must fail, ``SAYS`` what its message must contain.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import time
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import aiohttp

from charimg.addresses import join
from charimg.contracts import (
    Abilities,
    Credential,
    Declaration,
    ImageGenerator,
    Model,
    Price,
    ProviderContext,
    Setting,
)
from charimg.errors import FatalError, FlakyError, InvalidRequestError, ProviderError, ThrottledError
from charimg.http import Answer, Timeouts
from charimg.images import inspect
from charimg.model import GeneratedImage, ImageRequest
from charimg.reference_pictures import read_reference
from charimg.testing import Asked, GeneratorContract, Route, Service, Trouble
from charimg.verdicts import error_of, read_answer

BASE_URL = Setting("base_url", "Address of the service.", default="https://sketch.example")
KEY = Credential("api_key", "From the account page.")


class Sketch(ImageGenerator):
    """Right in everything."""

    declaration = Declaration(
        name="sketch",
        summary="Draws a sketch.",
        settings=(BASE_URL, Setting("model", "The model.", default="s2", checked=date(2026, 11, 22))),
        credentials=(KEY,),
        abilities=Abilities(seed=True, references=1, aspect_ratios=("1:1", "9:16")),
        models=(Model("s1", retired=date(2026, 1, 1), successor="s2"), Model("s2", price=Price(0))),
    )

    @property
    def key(self) -> str:
        return self.context.credentials["api_key"].reveal()

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        answer = await self.send(request)
        if not answer.ok or not answer.headers.get("content-type", "").startswith("image/"):
            raise self.error(answer)
        return GeneratedImage(answer.body, seed=request.seed)

    async def send(self, request: ImageRequest) -> Answer:
        for reference in request.references:
            await read_reference(reference)
        return await self.post("/v1/draw", {"prompt": request.prompt, "seed": request.seed})

    async def post(self, path: str, body: dict[str, Any]) -> Answer:
        url = join(str(self.context.settings["base_url"]), path)
        return await self.context.http.request("POST", url, headers={"Authorization": f"Bearer {self.key}"}, json=body)

    async def hello(self) -> None:
        url = join(str(self.context.settings["base_url"]), "/v1/hello")
        await self.context.http.request("GET", url)

    def error(self, answer: Answer) -> ProviderError:
        model = str(self.context.settings["model"])
        retirement = self.declaration.retirement(model) if answer.status == 404 else None
        if retirement:
            return InvalidRequestError(retirement)
        return error_of(read_answer(answer.status, answer.headers, answer.body, ceiling=self.context.wait_ceiling))


SERVICE = Service(
    Route("POST", "/v1/draw", lambda asked: asked.picture.data),
    Route("GET", "/v1/hello", {"hello": "you"}),
)


class Wrong(GeneratorContract):
    """A contract that its provider breaks."""

    service = SERVICE
    BREAKS: ClassVar[str]
    SAYS: ClassVar[str]

    @classmethod
    def standard_troubles(cls) -> tuple[Trouble, ...]:
        """Some of them, for there are many wrong generators."""
        some = ("401-wrong-key", "403-not-allowed", "429-seconds", "429-silent", "503-overloaded", "500")
        return tuple(one for one in super().standard_troubles() if one.id in some)


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


class DropsThePrefix(Sketch):
    """Puts its paths right behind the host."""

    async def post(self, path: str, body: dict[str, Any]) -> Answer:
        host = "/".join(str(self.context.settings["base_url"]).split("/")[:3])
        headers = {"Authorization": f"Bearer {self.key}"}
        return await self.context.http.request("POST", host + path, headers=headers, json=body)


class TestDropsThePrefix(Wrong):
    provider = DropsThePrefix
    BREAKS, SAYS = "test_path_prefix_of_the_address_is_kept", "it asked for POST /v1/draw, for which there is no Route"


class SharesItsKey(Sketch):
    """Keeps the key in the class, so that two accounts have one."""

    kept: ClassVar[list[Any]] = []

    @property
    def key(self) -> str:
        if not self.kept or self.kept[0] is not self.context.folder:
            self.kept[:] = [self.context.folder, super().key]
        return str(self.kept[1])


class TestSharesItsKey(Wrong):
    provider = SharesItsKey
    BREAKS, SAYS = "test_lanes_share_no_secret", "the second lane's service was sent the first lane's credential"


class DeclaresNonsense(Sketch):
    """Cannot be listed or set."""

    declaration = Declaration(
        name="Sketch It",
        summary="",
        settings=(BASE_URL, Setting("quality", "", int, "high"), Setting("model", "The model.", default="s1")),
        credentials=(KEY,),
        models=(Model("s1", successor="s9"),),
        price=Price(0.04),
    )


class TestDeclaresNonsense(Wrong):
    provider = DeclaresNonsense
    BREAKS = "test_declaration_is_well_formed"
    SAYS = (
        "the name 'Sketch It' is not .* the summary is empty; the help of the setting 'quality' is empty; the default"
        " of the setting 'quality' is str.* can die.* s9, is no declared model.* has no date"
    )


class SendsWhenMade(Sketch):
    """Says hello before anybody asked."""

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._greeting = asyncio.ensure_future(self.hello())


class TestSendsWhenMade(Wrong):
    provider = SendsWhenMade
    BREAKS, SAYS = "test_making_one_does_nothing", "constructing it sends a request: GET /v1/hello"


class ClosesOnce(Sketch):
    """Cannot be closed twice."""

    closed = False

    async def close(self) -> None:
        if self.closed:
            raise RuntimeError("already closed")
        self.closed = True


class TestClosesOnce(Wrong):
    provider = ClosesOnce
    BREAKS, SAYS = "test_open_and_close_in_any_order", r"a second close\(\): it raised RuntimeError: .*already closed"


class ChecksForMoney(Sketch):
    """Tries the login with a picture."""

    async def check(self) -> str:
        await self.generate(ImageRequest("check", "Check", "a dot"))
        return "it draws"


class TestChecksForMoney(Wrong):
    provider = ChecksForMoney
    BREAKS, SAYS = "test_open_and_check_spend_nothing", r"check\(\) costs a paid request"


class ForgetsTheSeed(Sketch):
    """Declares seeds and sends none."""

    async def send(self, request: ImageRequest) -> Answer:
        for reference in request.references:
            await read_reference(reference)
        return await self.post("/v1/draw", {"prompt": request.prompt})


class TestForgetsTheSeed(Wrong):
    provider = ForgetsTheSeed
    BREAKS, SAYS = "test_declared_seed_is_sent", "the seed does not reach the service"


class RefusesItsOwnRatio(Sketch):
    """Declares a ratio that it does not take."""

    async def send(self, request: ImageRequest) -> Answer:
        if request.aspect_ratio == "1:1":
            raise InvalidRequestError("squares cannot be drawn")
        return await super().send(request)


class TestRefusesItsOwnRatio(Wrong):
    provider = RefusesItsOwnRatio
    BREAKS, SAYS = "test_every_declared_ratio_works", "aspect ratio 1:1 is declared, and it raised InvalidRequestError"


class PaysBeforeItLooks(Sketch):
    """Looks at the references when the picture is paid for."""

    async def send(self, request: ImageRequest) -> Answer:
        answer = await self.post("/v1/draw", {"prompt": request.prompt, "seed": request.seed})
        for reference in request.references:
            await read_reference(reference)
        return answer


class TestPaysBeforeItLooks(Wrong):
    provider = PaysBeforeItLooks
    BREAKS, SAYS = "test_missing_reference_costs_nothing", "a picture was paid for"


class ForgetsTheSuccessor(Sketch):
    """Leaves the user alone with a dead model."""

    def error(self, answer: Answer) -> ProviderError:
        return error_of(read_answer(answer.status, answer.headers, answer.body, ceiling=self.context.wait_ceiling))


class TestForgetsTheSuccessor(Wrong):
    provider = ForgetsTheSuccessor
    BREAKS, SAYS = "test_retired_model_names_its_successor", "the model s1 is gone; the error does not name s2"


class GivesNonsenseBeside(Sketch):
    """Passes on a field as the service wrote it."""

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        picture = await super().generate(request)
        return GeneratedImage(picture.data, seed="7")  # type: ignore[arg-type]  # that is the point


class TestGivesNonsenseBeside(Wrong):
    provider = GivesNonsenseBeside
    BREAKS, SAYS = "test_what_stands_beside_the_picture_fits", "gave str as seed"


class SendsNoPrompt(Sketch):
    """Sends the name, which means nothing to the service."""

    async def send(self, request: ImageRequest) -> Answer:
        for reference in request.references:
            await read_reference(reference)
        return await self.post("/v1/draw", {"name": request.name, "mark": request.attempt, "seed": request.seed})


class TestSendsNoPrompt(Wrong):
    provider = SendsNoPrompt
    BREAKS, SAYS = "test_gives_the_picture", "the picture is not the one|the prompt does not reach the service"
    skipped: ClassVar[dict[str, str]] = dict.fromkeys(
        (
            "test_five_at_once_are_not_mixed_up",
            "test_cancelled_it_lets_go_and_works_again",
            "test_path_prefix_of_the_address_is_kept",
            "test_what_stands_beside_the_picture_fits",
            "test_opened_again_after_a_failure_it_works",
        ),
        "without the prompt no picture can be told from another",
    )


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


class OpensOnce(Sketch):
    """Is spoiled by a service that was down when it began."""

    ready: bool | None = None

    async def open(self) -> None:
        if self.ready is not None:
            raise FatalError("it has been opened before")
        self.ready = False
        await self.hello()
        self.ready = True


class TestOpensOnce(Wrong):
    provider = OpensOnce
    BREAKS, SAYS = "test_opened_again_after_a_failure_it_works", r"open\(\) after one that failed: it raised FatalError"


class ChecksInItsOwnWords(Sketch):
    """Says what only a programmer reads where the login cannot be tried."""

    async def check(self) -> str:
        url = join(str(self.context.settings["base_url"]), "/v1/hello")
        answer = await self.context.http.request("GET", url)
        return f"hello {json.loads(answer.body)['hello']}"


class TestChecksInItsOwnWords(Wrong):
    provider = ChecksInItsOwnWords
    BREAKS, SAYS = (
        "test_check_tells_trouble_in_the_cores_words",
        "while the service answers 503: it raised JSONDecodeError",
    )


class PaysForItsModels(Sketch):
    """Draws to see which models there are."""

    async def models(self) -> tuple[Model, ...] | None:
        await self.post("/v1/draw", {"prompt": "a dot"})
        return None


class TestPaysForItsModels(Wrong):
    provider = PaysForItsModels
    BREAKS, SAYS = "test_models_are_asked_for_without_a_picture", r"models\(\) costs a paid request"


def _from_a_file(asked: Asked) -> bytes:
    """The played service reads a file of the author's, which is no fault of the provider's."""
    Path("setup.cfg").read_bytes()
    return asked.picture.data


class TestRightWithAServiceThatReads(Wrong):
    provider = Sketch
    service = Service(Route("POST", "/v1/draw", _from_a_file))
    BREAKS = ""
    SAYS = ""
