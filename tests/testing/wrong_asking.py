"""Deliberately wrong generators: what they declare and how they ask. Run by test_wrong_providers.py only."""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from charimg.addresses import join
from charimg.contracts import (
    Declaration,
    Model,
    Price,
    ProviderContext,
    Setting,
)
from charimg.errors import FatalError, InvalidRequestError, ProviderError
from charimg.http import Answer
from charimg.model import GeneratedImage, ImageRequest
from charimg.reference_pictures import read_reference
from charimg.testing import Asked, Route, Service
from charimg.verdicts import error_of, read_answer
from tests.testing.sample_generator import BASE_URL, KEY, Sketch, Wrong


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
        name="sketch-it",
        summary="",
        settings=(BASE_URL, Setting("quality", ""), Setting("model", "The model.", default="s1")),
        credentials=(KEY,),
        models=(Model("s1", successor="s9"),),
        price=Price(0.04),
    )


class TestDeclaresNonsense(Wrong):
    provider = DeclaresNonsense
    BREAKS = "test_declaration_is_well_formed"
    SAYS = (
        "the summary is empty; the help of the setting 'quality' is empty; .* can die.* s9, is no declared model.*"
        " has no date"
    )


class DeclaresWhatCannotBe(Sketch):
    """Cannot be typed, and would not be registered."""

    declaration = Declaration(
        name="Sketch It",
        summary="Draws.",
        settings=(BASE_URL, Setting("model", "The model."), Setting("quality", "How.", int, "high")),
        credentials=(KEY,),
    )


class TestDeclaresWhatCannotBe(Wrong):
    provider = DeclaresWhatCannotBe
    BREAKS = "test_declaration_is_well_formed"
    SAYS = "the name 'Sketch It' is not .*; the default of the setting 'quality' is str, and its type int"


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

    async def body(self, request: ImageRequest) -> dict[str, Any]:
        return {**await super().body(request), "seed": None}


class TestForgetsTheSeed(Wrong):
    provider = ForgetsTheSeed
    BREAKS, SAYS = "test_declared_seed_is_sent", "the seed does not reach the service"


class ForgetsTheNegative(Sketch):
    """Declares negative prompts and sends none."""

    async def body(self, request: ImageRequest) -> dict[str, Any]:
        return {**await super().body(request), "negative": None}


class TestForgetsTheNegative(Wrong):
    provider = ForgetsTheNegative
    BREAKS, SAYS = "test_declared_negative_is_sent", "request.negative does not reach the service"


class ForgetsAReference(Sketch):
    """Declares two reference pictures and sends the first."""

    async def body(self, request: ImageRequest) -> dict[str, Any]:
        body = await super().body(request)
        return {**body, "references": body["references"][:1]}


class TestForgetsAReference(Wrong):
    provider = ForgetsAReference
    BREAKS, SAYS = "test_declared_references_are_sent", r"of 2 reference picture\(s\) 1 do not reach the service"


class TakesOneReference(Sketch):
    """Says for nothing that its model takes fewer than two, which is right."""

    async def body(self, request: ImageRequest) -> dict[str, Any]:
        if len(request.references) > 1:
            raise InvalidRequestError("the model takes one reference picture")
        return await super().body(request)


class TestTakesOneReference(Wrong):
    provider = TakesOneReference
    BREAKS = ""
    SAYS = ""


class ForgetsTheRatio(Sketch):
    """Declares ratios and sends none; an id of its own makes every request another."""

    async def body(self, request: ImageRequest) -> dict[str, Any]:
        return {**await super().body(request), "ratio": None, "id": uuid.uuid4().hex}


class TestForgetsTheRatio(Wrong):
    provider = ForgetsTheRatio
    BREAKS, SAYS = "test_declared_ratios_are_told_apart", "for the declared aspect ratios 1:1 and 9:16 are the same"


class SendsTheDescription(Sketch):
    """Sends the bare description, without the user's style."""

    async def body(self, request: ImageRequest) -> dict[str, Any]:
        return {**await super().body(request), "prompt": request.description}


class TestSendsTheDescription(Wrong):
    provider = SendsTheDescription
    BREAKS, SAYS = "test_prompt_is_what_is_sent", "request.description is sent, and request.prompt is not"
    skipped: ClassVar[dict[str, str]] = dict.fromkeys(
        (
            "test_gives_the_picture",
            "test_five_at_once_are_not_mixed_up",
            "test_cancelled_it_lets_go_and_works_again",
            "test_path_prefix_of_the_address_is_kept",
            "test_what_stands_beside_the_picture_fits",
            "test_opened_again_after_a_failure_it_works",
        ),
        "without the prompt no picture can be told from another",
    )


class ReadsTheEnvironmentOnce(Sketch):
    """Takes a default from where no user would look for it, before anybody watches."""

    quality = os.environ.get("SKETCH_QUALITY", "high")


class TestReadsTheEnvironmentOnce(Wrong):
    provider = ReadsTheEnvironmentOnce
    BREAKS, SAYS = "test_never_reads_the_environment", r"\(os.environ\) when it is imported, in wrong_asking.py:\d+"


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
        there = tuple(one for one in request.references if one.path.exists())
        answer = await self.post("/v1/draw", await self.body(replace(request, references=there)))
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

    async def body(self, request: ImageRequest) -> dict[str, Any]:
        return {**await super().body(request), "prompt": request.name, "mark": request.attempt}


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
