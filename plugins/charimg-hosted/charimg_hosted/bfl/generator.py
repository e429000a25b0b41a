"""The generator ``bfl``: a task at Black Forest Labs."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from charimg.contracts import Abilities, Declaration, ProviderContext, Setting
from charimg.errors import FlakyError, InvalidRequestError, ProviderError, RejectedError
from charimg.model import Cost, GeneratedImage, ImageRequest, Verdict, utc_now
from charimg.polling import LostTicketError, PolledGenerator
from charimg.reference_pictures import read_reference
from charimg.verdicts.answer import as_number, one_line
from charimg_hosted.bfl.models import CHECKED, DEFAULT_MODEL, MODELS, task_body
from charimg_hosted.bfl.service import BASE_URL, KEY, NAME, URL, BflService
from charimg_hosted.results import is_ticket, picture_at, ticket_fields

if TYPE_CHECKING:
    from charimg.http import Answer

CREDIT = 0.01
"""USD: what a credit costs, in which tasks are billed (BFL's own guide to its API, "bfl-api" in the repository
black-forest-labs/skills, read in a public copy on 2026-11-22). In dollars the costs add up with other lanes', and a
budget holds."""

SETTLING = timedelta(seconds=60)
"""So long after its submit a task that is not found may only not have arrived everywhere."""

_AT_WORK = {
    "pending": "in the queue",
    "queued": "in the queue",
    "processing": "being drawn",
    "reviewing": "being reviewed",
}


class BflGenerator(PolledGenerator):
    """Submits a task and polls the regional address that its answer named.

    The ticket holds the task's id, its model, that address, the cost and the moment of the submit.
    """

    poll_every: ClassVar[float] = 1.5

    declaration = Declaration(
        name=NAME,
        summary="Black Forest Labs: the FLUX models from their makers, paid by the picture.",
        settings=(
            Setting("model", "The model's name in the API.", str, DEFAULT_MODEL, checked=CHECKED),
            BASE_URL,
            Setting(
                "pixels", "About how many, for models that take a width and a height.", int, 1_048_576, minimum=65_536
            ),
            Setting(
                "safety_tolerance",
                "How much the content filter lets pass, from 0 (least).",
                int,
                2,
                minimum=0,
                maximum=6,
            ),
        ),
        credentials=(KEY,),
        abilities=Abilities(references=8, seed=True),
        models=MODELS,
        url=URL,
    )

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._service = context.share(BflService)
        self._model = str(context.settings.get("model") or DEFAULT_MODEL).strip("/ ")

    async def open(self) -> None:
        """Try the key."""
        await self._service.credits()

    async def check(self) -> str:
        """Ask what the account holds, which costs nothing."""
        held = await self._service.credits()
        return "the key could not be tried without a picture" if held is None else f"{held:g} credits"

    async def submit(self, request: ImageRequest) -> str:
        """Hand in a task."""
        settings = self.context.settings
        tolerance = settings.get("safety_tolerance")
        body = task_body(
            request,
            self._model,
            pixels=int(settings.get("pixels") or 1_048_576),
            safety_tolerance=2 if tolerance is None else int(tolerance),
            references=[(await read_reference(one)).base64 for one in request.references],
        )
        answer = await self._service.ask("POST", self._service.url(f"/v1/{quote(self._model)}"), json=body)
        if not answer.ok:
            raise self._refused(answer)
        data = self._service.accepted(answer)
        task = data.get("id") if isinstance(data, dict) else None
        if not is_ticket(task):
            raise FlakyError("Black Forest Labs took the request but gave no id for it", possibly_charged=True)
        place = data.get("polling_url")
        cost = data.get("cost")
        ticket = {"id": task, "at": utc_now().timestamp(), "model": self._model}
        if isinstance(place, str) and len(place) < 1500:
            ticket["url"] = place
        if _is_amount(cost):
            ticket["cost"] = cost
        return json.dumps(ticket)

    async def ask(self, request: ImageRequest, ticket: str) -> dict[str, Any]:  # noqa: ARG002 - the ticket says it all
        """One poll of the task."""
        task = ticket_fields(ticket, "id")
        place = self._service.polling_address(str(task.get("url", "")), quote(task["id"], safe=""))
        answer = await self._service.ask("GET", place)
        data: Any = answer.json() if answer.ok or answer.status == 404 else None
        if isinstance(data, dict) and isinstance(data.get("status"), str):  # "Task not found" comes as a 404 too
            return data
        if not answer.ok:
            raise self._service.trouble(answer)
        raise FlakyError("Black Forest Labs answered with something that is no task")

    async def read(self, request: ImageRequest, ticket: str, answer: dict[str, Any]) -> GeneratedImage | None:
        """The picture of a task that is ready; ``None`` while it is pending."""
        task = ticket_fields(ticket, "id")
        status = str(answer.get("status"))
        if status.lower() in _AT_WORK:
            fraction = _fraction(answer.get("progress"))
            self.context.progress(request, fraction, "being drawn" if fraction else _AT_WORK[status.lower()])
            return None
        if status == "Task not found":
            at: Any = task.get("at")
            handed_in = float(at) if _is_amount(at) else 0.0
            if utc_now().timestamp() - handed_in < SETTLING.total_seconds():
                return None
            raise LostTicketError("Black Forest Labs no longer knows the task")
        if status.lower().endswith("moderated"):
            raise RejectedError(_refusal(status, answer.get("details")))
        if status != "Ready":
            raise FlakyError(f"the task ended with '{one_line(status, 60)}'")
        result = answer.get("result")
        place = result.get("sample") if isinstance(result, dict) else None
        if not isinstance(result, dict) or not isinstance(place, str) or not place:
            raise FlakyError("the task is ready but holds no picture", possibly_charged=True)
        seed = result.get("seed", request.seed)
        cost: Any = answer.get("cost") if _is_amount(answer.get("cost")) else task.get("cost")
        return GeneratedImage(
            data=await picture_at(self, request, place, self._service.base_url),
            seed=seed if isinstance(seed, int) and not isinstance(seed, bool) else None,
            model=str(task.get("model") or self._model),
            cost=Cost(round(float(cost) * CREDIT, 6), "USD", source="reported") if _is_amount(cost) else None,
            request_id=task["id"],
        )

    def _refused(self, answer: Answer) -> ProviderError:
        if answer.status == 404:
            advice = self.declaration.retirement(self._model) or (
                f"is the model '{self._model}' right? (-o model=; known: "
                f"{', '.join(model.id for model in MODELS if not model.retired)})"
            )
            return self._service.trouble(answer, verdict=Verdict.INVALID, advice=advice)
        error = self._service.trouble(answer)
        if isinstance(error, InvalidRequestError) and answer.status == 422:
            return InvalidRequestError(f"{self._model}: {error.message}")
        return error


def _refusal(status: str, details: object) -> str:
    """``Request Moderated`` and its reasons, which are words of the service."""
    reasons = details.get("Moderation Reasons") if isinstance(details, dict) else None
    named = ", ".join(str(one)[:60] for one in reasons[:5]) if isinstance(reasons, list) else ""
    what = "the picture" if status.lower().startswith("content") else "the request"
    return f"the content filter refused {what} ({one_line(named or status)}); change the description"


def _fraction(progress: object) -> float | None:
    part = as_number(progress)
    return None if part is None else min(1.0, max(0.0, part))


def _is_amount(value: object) -> bool:
    return as_number(value) is not None
