"""The generator ``fal``: a request in fal's queue."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from charimg.contracts import Abilities, Declaration, Model, ProviderContext, Setting
from charimg.errors import FlakyError, ProviderError, RejectedError
from charimg.model import GeneratedImage, ImageRequest, Verdict
from charimg.polling import LostTicketError, PolledGenerator
from charimg.reference_pictures import read_reference
from charimg.verdicts.answer import MOST
from charimg_hosted.fal.arguments import SHAPES, arguments
from charimg_hosted.fal.service import BASE_URL, KEY, NAME, REST_URL, URL, FalService
from charimg_hosted.further import INPUTS, further_inputs
from charimg_hosted.results import picture_at, ticket_fields

if TYPE_CHECKING:
    from charimg.http import Answer

DEFAULT_MODEL = "fal-ai/flux/dev"

_GATEWAY = (401, 408, 425, 429, 502, 503, 504)
"""Statuses that, without an error type of fal's, are a poll's trouble and not the job's."""

_OWN_VERDICTS = {
    # https://docs.fal.ai/errors, as the notes have it; the other types are in the core's families.
    "client_disconnected": Verdict.FLAKY,
    "client_cancelled": Verdict.FLAKY,
    "no_media_generated": Verdict.FLAKY,
    "invalid": Verdict.INVALID,
}


@dataclass(frozen=True)
class State:
    """What the queue says of a request, and its result once it has one."""

    status: str
    position: int | None = None
    result: Answer | None = None


class FalGenerator(PolledGenerator):
    """Submits to the queue, which never refuses, polls its status, and fetches the result.

    The ticket holds the addresses the queue gave for the request, and its model. fal's own retries are switched off:
    what to do about an overload is charimg's policy.
    """

    poll_every: ClassVar[float] = 1.0

    declaration = Declaration(
        name=NAME,
        summary="fal.ai: many models behind one queue, paid by the picture.",
        settings=(
            Setting(
                "model",
                "The model's id, as fal-ai/flux/dev.",
                str,
                DEFAULT_MODEL,
                checked=date(2026, 11, 22),
            ),
            BASE_URL,
            REST_URL,
            Setting(
                "shape",
                "How the model is told the picture's shape: image_size (width and height), aspect_ratio, or none.",
                str,
                "image_size",
                choices=SHAPES,
            ),
            Setting("pixels", "About how many, where the shape is an image_size.", int, 1_048_576, minimum=4096),
            Setting(
                "reference_input",
                "The model's argument for reference pictures; one that ends in s takes several.",
                str,
                "image_url",
            ),
            INPUTS,
        ),
        credentials=(KEY,),
        # Some models can also be told what to leave out, and are; the usual ones take no notice.
        abilities=Abilities(references=4, seed=True),
        models=(Model(DEFAULT_MODEL, "FLUX.1 dev"),),
        url=URL,
    )

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._service = context.share(FalService)
        self._model = str(context.settings.get("model") or DEFAULT_MODEL).strip("/ ")

    async def open(self) -> None:
        """Try the key and the settings."""
        further_inputs(self.context.settings)
        await self._service.log_in()

    async def check(self) -> str:
        """Ask for an upload token, which costs nothing."""
        return "the key is good" if await self._service.log_in() else "the key could not be tried without a request"

    async def submit(self, request: ImageRequest) -> str:
        """Put the request into the queue."""
        settings = self.context.settings
        body = arguments(
            request,
            shape=str(settings.get("shape") or "image_size"),
            pixels=int(settings.get("pixels") or 1_048_576),
            reference_input=str(settings.get("reference_input") or "image_url"),
            references=[(await read_reference(one)).data_uri for one in request.references],
            further=further_inputs(settings),
        )
        address = self._service.url(quote(self._model))
        answer = await self._service.ask("POST", address, json=body, headers={"x-fal-no-retry": "1"})
        if not answer.ok:
            raise self._trouble(answer)
        data = self._service.accepted(answer)
        places = [data.get(name) if isinstance(data, dict) else None for name in ("status_url", "response_url")]
        if not all(isinstance(place, str) and place for place in places):
            raise FlakyError("fal took the request but did not say where to ask for it", possibly_charged=True)
        return json.dumps({"status": places[0], "response": places[1], "model": self._model})

    async def ask(self, request: ImageRequest, ticket: str) -> State:  # noqa: ARG002 - the ticket says it all
        """The request's status, and its result when it has completed."""
        places = ticket_fields(ticket, "status", "response")
        status = await self._service.ask("GET", f"{self._service.own_address(places['status'])}?logs=0")
        if status.status == 404:
            raise LostTicketError("fal no longer knows the request")
        if not status.ok:
            raise self._service.trouble(status)
        data = status.json()
        if not isinstance(data, dict):
            raise FlakyError("fal answered with something that is no status")
        word, position = str(data.get("status")), data.get("queue_position")
        if word != "COMPLETED":
            return State(word, position if isinstance(position, int) and abs(position) <= MOST else None)
        result = await self._service.ask("GET", self._service.own_address(places["response"]))
        if result.status == 404:
            raise LostTicketError("fal no longer has the result")
        if result.status in _GATEWAY and not _error_types(result):
            raise self._service.trouble(result)
        if result.ok and not isinstance(result.json(), dict):  # a page in between: the result itself is still there
            raise FlakyError("fal answered with something that is no result")
        return State(word, None, result)

    async def read(self, request: ImageRequest, ticket: str, answer: State) -> GeneratedImage | None:
        """The picture of a completed request; ``None`` while it is queued or drawn."""
        if answer.result is None:
            self.context.progress(request, None, _words(answer))
            return None
        if not answer.result.ok:
            raise self._trouble(answer.result)
        data = answer.result.json()
        flags = data.get("has_nsfw_concepts")
        if isinstance(flags, list) and any(flag is True for flag in flags):
            raise RejectedError("fal's safety checker calls the picture unsafe; change the description")
        place = _first_address(data)
        if place is None:
            raise FlakyError("fal's result holds no picture", possibly_charged=True)
        seed = data.get("seed")
        return GeneratedImage(
            data=await picture_at(self, request, place, self._service.base_url),
            seed=seed if isinstance(seed, int) and not isinstance(seed, bool) else None,
            model=str(ticket_fields(ticket).get("model") or self._model),
            request_id=answer.result.headers.get("x-fal-request-id"),
        )

    def _trouble(self, answer: Answer) -> ProviderError:
        """A refused submit or a failed job, by fal's own error types where they tell more than the families."""
        verdict = next((_OWN_VERDICTS[kind] for kind in _error_types(answer) if kind in _OWN_VERDICTS), None)
        if answer.status == 404:
            advice = self.declaration.retirement(self._model) or f"is the model '{self._model}' right? (-o model=)"
            return self._service.trouble(answer, verdict=Verdict.INVALID, advice=advice)
        return self._service.trouble(answer, verdict=verdict)


def _error_types(answer: Answer) -> list[str]:
    """fal's machine words for what went wrong: the header, ``error_type``, and the types of a list of details."""
    try:
        data = answer.json()
    except FlakyError:
        data = None
    body = data if isinstance(data, dict) else {}
    details = body.get("detail")
    found = [answer.headers.get("x-fal-error-type"), body.get("error_type")]
    found += [one.get("type") for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    return [kind for kind in found if isinstance(kind, str) and kind]


def _words(state: State) -> str:
    if state.status == "IN_QUEUE":
        return "in the queue" if state.position is None else f"number {state.position + 1} in the queue"
    return "being drawn"


def _first_address(data: dict[str, Any]) -> str | None:
    """``images[0].url``, or ``image.url`` of models that make one."""
    images = data.get("images")
    first = images[0] if isinstance(images, list) and images else data.get("image")
    url = first.get("url") if isinstance(first, dict) else first
    return url if isinstance(url, str) and url else None
