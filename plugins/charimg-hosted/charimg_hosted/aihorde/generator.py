"""The generator ``aihorde``: pictures that volunteers' machines draw, without an account."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar
from urllib.parse import quote

from charimg.contracts import Abilities, Declaration, Model, Price, ProviderContext, Setting
from charimg.errors import FlakyError, InvalidRequestError, RejectedError, ThrottledError
from charimg.model import Cost, GeneratedImage, ImageRequest
from charimg.polling import LostTicketError, PolledGenerator
from charimg.reference_pictures import read_reference
from charimg.verdicts.answer import as_number
from charimg_hosted.aihorde.job import FREE_PIXELS, job_body
from charimg_hosted.aihorde.service import BASE_URL, KEY, LOST, NAME, PACE, URL, HordeService, return_code
from charimg_hosted.results import is_ticket, picture_at

CHECKED = date(2026, 11, 22)
DEFAULT_MODEL = "AlbedoBase XL (SDXL)"
NO_WORKERS_WAIT = 600.0
"""Seconds: what the Horde's server means by "try again later" (protocol notes)."""


class AiHordeGenerator(PolledGenerator):
    """Hands a job to the Horde, asks how it is, and fetches the picture once it is done.

    The ticket is the job's id.
    """

    poll_every: ClassVar[float] = 2.0
    patience: ClassVar[float] = 1200.0
    """The Horde forgets a job after 20 minutes."""

    declaration = Declaration(
        name=NAME,
        summary="AI Horde: volunteers' machines; free, works without a key, and a key with kudos is served sooner.",
        settings=(
            Setting(
                "model",
                "A model's name, as `charimg providers show aihorde --models` lists them; any for whichever is free.",
                str,
                DEFAULT_MODEL,
                checked=CHECKED,
            ),
            BASE_URL,
            Setting(
                "pixels",
                "At most so many; above 331776 (576 x 576) kudos are asked for in busy hours.",
                int,
                FREE_PIXELS,
                minimum=64 * 64,
                maximum=3072 * 3072,
            ),
            Setting("steps", "Steps of the sampler; above 50 kudos are asked for.", int, 25, minimum=1, maximum=500),
            Setting("cfg_scale", "How closely the words are followed.", float, 6.0, minimum=0, maximum=100),
            Setting("sampler", "The sampler's name.", str, "k_euler_a"),
            Setting("nsfw", "Allow pictures that are not safe for work.", bool, default=False),
            Setting(
                "strength",
                "How far a picture may depart from its reference picture, from 0 to 1.",
                float,
                0.75,
                minimum=0,
                maximum=1,
            ),
        ),
        credentials=(KEY,),
        abilities=Abilities(references=1, seed=True, negative=True, pace=PACE),
        price=Price(0, checked=CHECKED),
        models=(Model(DEFAULT_MODEL, "an all-round SDXL model", Price(0, checked=CHECKED)),),
        url=URL,
    )

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._service = context.share(HordeService)
        self._model = str(self._setting("model")).strip()

    async def open(self) -> None:
        """Try the key, if there is one."""
        if not self._service.anonymous:
            await self._service.whoami()

    async def check(self) -> str:
        """Ask whose key it is, which costs nothing."""
        return await self._service.whoami()

    async def models(self) -> tuple[Model, ...]:
        """The models that somebody serves now, the most served first."""
        answer = await self._service.ask("GET", self._service.url("/v2/status/models?type=image"))
        if not answer.ok:
            raise self._service.refusal(answer)
        data = answer.json()
        listed = data if isinstance(data, list) else []
        offered = [one for one in listed if isinstance(one, dict) and isinstance(one.get("name"), str)]
        offered.sort(key=lambda one: -_whole(one.get("count")))
        free = Price(0, checked=CHECKED)
        return tuple(
            Model(one["name"], f"{_whole(one.get('count'))} workers, queue of {_whole(one.get('eta'))} s", free)
            for one in offered
        )

    async def submit(self, request: ImageRequest) -> str:
        """Hand in the job."""
        if len(request.references) > 1:
            raise InvalidRequestError(
                f"{len(request.references)} reference pictures are too many: the Horde draws over one"
            )
        picture = (await read_reference(request.references[0])).base64 if request.references else None
        body = job_body(
            request,
            model="" if self._model.lower() == "any" else self._model,
            pixels=int(self._setting("pixels")),
            steps=int(self._setting("steps")),
            cfg_scale=float(self._setting("cfg_scale")),
            sampler=str(self._setting("sampler")),
            nsfw=bool(self._setting("nsfw")),
            strength=float(self._setting("strength")),
            picture=picture,
        )
        answer = await self._service.ask("POST", self._service.url("/v2/generate/async"), json=body)
        if not answer.ok:
            raise self._service.refusal(answer)
        data = answer.json()
        job = data.get("id") if isinstance(data, dict) else None
        if not is_ticket(job):
            raise FlakyError("AI Horde took the job but gave no id for it")
        return job

    async def ask(self, request: ImageRequest, ticket: str) -> dict[str, Any]:  # noqa: ARG002 - the ticket says it all
        """``/v2/generate/check``, and ``/v2/generate/status`` (few a minute) once the job is done."""
        job = quote(ticket, safe="")
        state = await self._job_at(f"/v2/generate/check/{job}")
        return await self._job_at(f"/v2/generate/status/{job}") if state.get("done") is True else state

    async def read(self, request: ImageRequest, ticket: str, answer: dict[str, Any]) -> GeneratedImage | None:
        """The picture of a job that is done; ``None`` while it waits or is drawn."""
        if answer.get("faulted") is True:
            raise FlakyError("the job failed at the Horde")
        if answer.get("done") is not True:
            if answer.get("is_possible") is False:
                raise ThrottledError(
                    f"no worker of the Horde can draw this with the model '{self._model}' at the moment; take another "
                    "(-o model=any), or a smaller size",
                    wait=NO_WORKERS_WAIT,
                    standing=True,
                )
            self.context.progress(request, None, _words(answer))
            return None
        generations = answer.get("generations")
        made = generations[0] if isinstance(generations, list) and generations else None
        if not isinstance(made, dict):
            raise FlakyError("the job is done but holds no picture")
        if made.get("censored") is True:
            raise RejectedError("the worker's safety filter blackened the picture; change the description")
        place = made.get("img")
        if not isinstance(place, str) or not place:
            raise FlakyError("the job is done but holds no picture")
        whole = place if place.startswith(("http://", "https://", "data:")) else f"data:;base64,{place}"
        kudos = as_number(answer.get("kudos"))
        return GeneratedImage(
            data=await picture_at(self, request, whole, self._service.base_url),
            seed=_seed(made.get("seed")),
            model=str(made.get("model") or self._model),
            cost=None if kudos is None else Cost(kudos, "kudos", source="reported"),
            request_id=ticket,
        )

    async def _job_at(self, path: str) -> dict[str, Any]:
        answer = await self._service.ask("GET", self._service.url(path))
        if answer.status in (404, 410) or return_code(answer) in LOST:
            raise LostTicketError("AI Horde no longer knows the job")
        if not answer.ok:
            raise self._service.refusal(answer)
        data = answer.json()
        if not isinstance(data, dict):
            raise FlakyError("AI Horde answered with something that is no job")
        return data

    def _setting(self, name: str) -> Any:
        """The setting, or its declared default where the context leaves it out."""
        value = self.context.settings.get(name)
        if value is not None:
            return value
        return next(one.default for one in self.declaration.settings if one.name == name)


def _words(job: dict[str, Any]) -> str:
    wait, place = _whole(job.get("wait_time")), _whole(job.get("queue_position"))
    about = f", about {wait} s" if wait else ""
    if _whole(job.get("processing")):
        return f"being drawn{about}"
    return f"number {place} in the queue{about}" if place else f"waiting for a worker{about}"


def _whole(value: object) -> int:
    return int(as_number(value) or 0)


def _seed(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None
