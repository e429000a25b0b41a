"""The generator ``replicate``: one prediction a picture."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from charimg.contracts import Abilities, Declaration, Model, ProviderContext, Setting
from charimg.errors import FlakyError, InvalidRequestError, ProviderError
from charimg.model import GeneratedImage, ImageRequest, Verdict
from charimg.polling import LostTicketError, PolledGenerator
from charimg.reference_pictures import read_reference
from charimg.verdicts import error_of
from charimg_hosted.further import INPUTS, further_inputs
from charimg_hosted.replicate.schema import Inputs, prediction_input, read_inputs
from charimg_hosted.replicate.service import BASE_URL, NAME, TOKEN, URL, ReplicateService
from charimg_hosted.results import is_ticket, picture_at

if TYPE_CHECKING:
    from charimg.http import Answer
    from charimg.model import Reference

INLINE = 256 * 1024
"""Bytes: a larger reference picture is uploaded rather than sent inside the request, as Replicate asks."""

_VERSION = re.compile(r"[0-9a-f]{64}")
_OFFICIAL = re.compile(r"[\w.-]+/[\w.-]+")
_STEP = re.compile(r"(\d{1,3})%\|[^|\n]{0,200}\|\s{0,3}(\d{1,5})/(\d{1,5})")
"""A progress bar in a model's log: `` 43%|####      | 12/28``."""


class ReplicateGenerator(PolledGenerator):
    """Creates a prediction, waits a moment with it, then polls; the picture is fetched at once, for it is kept an hour.

    The ticket is the prediction's id.
    """

    poll_every: ClassVar[float] = 1.0

    declaration = Declaration(
        name=NAME,
        summary="Replicate: many models of many makers, paid by the picture.",
        settings=(
            Setting(
                "model",
                "owner/name of an official model, or owner/name:version of any.",
                str,
                "black-forest-labs/flux-schnell",
                checked=date(2026, 11, 22),
            ),
            BASE_URL,
            Setting(
                "wait",
                "Seconds Replicate may hold the first answer back until the picture is done; 0 polls from the start.",
                int,
                2,
                minimum=0,
                maximum=60,
            ),
            Setting(
                "pixels", "About how many, for models that take a width and a height.", int, 1_048_576, minimum=4096
            ),
            Setting("reference_input", "The model's input for reference pictures, if its schema does not tell."),
            INPUTS,
        ),
        credentials=(TOKEN,),
        # Some models can also be told what to leave out, and are, by their schema; the default one cannot.
        abilities=Abilities(references=10, seed=True),
        models=(Model("black-forest-labs/flux-schnell", "fast and cheap; no reference pictures"),),
        url=URL,
    )

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._service = context.share(ReplicateService)
        self._model = str(context.settings.get("model") or "black-forest-labs/flux-schnell").strip("/ ")
        self._inputs: Inputs | None = None

    async def open(self) -> None:
        """Try the token and the settings."""
        further_inputs(self.context.settings)
        await self._service.whoami()

    async def check(self) -> str:
        """Ask whose token it is, which costs nothing."""
        return f"logged in as {await self._service.whoami()}"

    async def models(self) -> tuple[Model, ...]:
        """The models of Replicate's own collection "text-to-image"."""
        answer = await self._service.ask("GET", self._service.url("/v1/collections/text-to-image"))
        if not answer.ok:
            raise self._service.trouble(answer)
        data = answer.json()
        listed = data.get("models") if isinstance(data, dict) else None
        return tuple(
            Model(f"{one['owner']}/{one['name']}", str(one.get("description") or ""))
            for one in (listed if isinstance(listed, list) else ())
            if isinstance(one, dict) and one.get("owner") and one.get("name")
        )

    async def submit(self, request: ImageRequest) -> str:
        """Create the prediction. One that is done within the wait is asked for all the same: its ticket comes first."""
        inputs = await self._known_inputs()
        references = [await self._reference_address(one) for one in request.references]
        settings = self.context.settings
        body: dict[str, Any] = {
            "input": prediction_input(
                request, inputs, references, further_inputs(settings), int(settings.get("pixels") or 1_048_576)
            )
        }
        _, version = self._name_and_version()
        if version:
            body = {"version": version, **body}
            path = "/v1/predictions"
        else:
            path = f"/v1/models/{quote(self._model)}/predictions"
        wait = settings.get("wait")
        held = 2 if wait is None else int(wait)
        answer = await self._service.ask(
            "POST", self._service.url(path), json=body, headers={"Prefer": f"wait={held}"} if held else None
        )
        if not answer.ok:
            raise self._refused(answer)
        prediction = self._service.accepted(answer)
        ticket = prediction.get("id") if isinstance(prediction, dict) else None
        if not is_ticket(ticket):
            raise FlakyError("Replicate took the request but gave no id for it", possibly_charged=True)
        return ticket

    async def ask(self, request: ImageRequest, ticket: str) -> dict[str, Any]:  # noqa: ARG002 - the ticket says it all
        """``GET /v1/predictions/{id}``."""
        answer = await self._service.ask("GET", self._service.url(f"/v1/predictions/{quote(ticket, safe='')}"))
        if answer.status == 404:
            raise LostTicketError("Replicate no longer knows the prediction")
        if not answer.ok:
            raise self._service.trouble(answer)
        return _prediction(answer)

    async def read(self, request: ImageRequest, ticket: str, answer: dict[str, Any]) -> GeneratedImage | None:
        """The picture of a prediction that succeeded; ``None`` while it is starting or processing."""
        status = answer.get("status")
        if status in ("starting", "processing"):
            fraction, words = _progress(answer)
            self.context.progress(request, fraction, words)
            return None
        if status != "succeeded":
            raise self._failed(answer)
        place = _first_address(answer.get("output"))
        if place is None:
            if answer.get("data_removed"):
                raise LostTicketError("Replicate has removed the finished picture, as it does after an hour")
            raise FlakyError("the prediction succeeded without a picture", possibly_charged=True)
        return GeneratedImage(
            data=await picture_at(self, request, place, self._service.base_url),
            seed=request.seed,
            model=str(answer.get("model") or self._model),
            request_id=ticket,
        )

    def _name_and_version(self) -> tuple[str, str]:
        name, _, version = self._model.rpartition(":") if ":" in self._model else (self._model, "", "")
        if not version and _VERSION.fullmatch(name):
            return "", name
        fits = (_OFFICIAL.fullmatch(name) or not name) and (not version or _VERSION.fullmatch(version))
        if not fits:
            raise InvalidRequestError(
                f"'{self._model}' is no model of Replicate: write -o model=owner/name, or owner/name:version with the "
                "64 digits of its version"
            )
        return name, version

    async def _known_inputs(self) -> Inputs:
        """What the model takes, asked for once; a model that is not there is told before it is used."""
        if self._inputs is not None:
            return self._inputs
        name, version = self._name_and_version()
        reference = self.context.settings.get("reference_input")
        inputs = Inputs(reference=str(reference) if reference else None)
        if name:
            answer = await self._service.ask("GET", self._service.url(f"/v1/models/{quote(name)}"))
            if answer.ok:
                inputs = read_inputs(answer.json(), inputs.reference)
            elif not (version and answer.status == 404):
                error = self._refused(answer)
                error.possibly_charged = False  # nothing was asked for yet
                raise error
        self._inputs = inputs
        return inputs

    async def _reference_address(self, reference: Reference) -> str:
        picture = await read_reference(reference)
        if len(picture.data) <= INLINE:
            return picture.data_uri
        return (await self._service.store(picture.data, picture.file_name, picture.media_type)).url

    def _refused(self, answer: Answer) -> ProviderError:
        if answer.status != 404:
            return self._service.trouble(answer)
        retired = self.declaration.retirement(self._model)
        return self._service.trouble(
            answer,
            verdict=Verdict.INVALID,
            advice=retired
            or f"is '{self._model}' right? `charimg providers show replicate --models` lists models, and a model that "
            "is not one of Replicate's own wants its version: -o model=owner/name:version",
        )

    def _failed(self, prediction: dict[str, Any]) -> ProviderError:
        """What a prediction's own words mean; its input, which it repeats, is not looked at."""
        status = prediction.get("status")
        if status in ("canceled", "aborted"):
            return FlakyError(f"the prediction was {status} at Replicate")
        return error_of(self._service.reading(200, {}, {"status": "failed", "error": prediction.get("error")}))


def _prediction(answer: Answer) -> dict[str, Any]:
    data = answer.json()
    if not isinstance(data, dict):
        raise FlakyError("Replicate answered with something that is no prediction")
    return data


def _progress(prediction: dict[str, Any]) -> tuple[float | None, str]:
    """How far it is, by the last progress bar in the model's log."""
    if prediction.get("status") == "starting":
        return None, "the model is starting"
    logs = prediction.get("logs")
    bars = _STEP.findall(logs[-4000:]) if isinstance(logs, str) else []
    if not bars:
        return None, "being drawn"
    percent, step, steps = bars[-1]
    return min(1.0, int(percent) / 100), f"step {step} of {steps}"


def _first_address(output: object) -> str | None:
    first = output[0] if isinstance(output, list) and output else output
    return first if isinstance(first, str) and first else None
