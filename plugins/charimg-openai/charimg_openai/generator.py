"""The generator ``openai``: a picture from words, or from words and reference pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from charimg.contracts import Abilities, Declaration, Model, Price, ProviderContext, Setting, SettingValue
from charimg.errors import FlakyError, InvalidRequestError, ProviderError
from charimg.model import Cost, GeneratedImage, ImageRequest
from charimg.polling import LostTicketError, PolledGenerator
from charimg.reference_pictures import ReferencePicture, read_reference
from charimg_openai.answers import item_of
from charimg_openai.declared import API_KEY, CONNECTION, NAME, URL
from charimg_openai.faults import damaged
from charimg_openai.file_shelf import FileShelf, Upload
from charimg_openai.known_models import CHECKED, DEFAULT_MODEL, MODELS
from charimg_openai.pricing import declared_price, reported_cost
from charimg_openai.protocol import (
    AUTOMATIC,
    MAX_REFERENCES,
    REFERENCE_TYPES,
    choices_of,
    edit_body,
    edit_form,
    generation_body,
)
from charimg_openai.service import ImagesService

if TYPE_CHECKING:
    from charimg.http import Answer

GENERATIONS, EDITS = "/images/generations", "/images/edits"

LONGEST_TICKET = 2000
"""Characters the ledger keeps of one."""


class OpenAIGenerator(PolledGenerator):
    """Asks for one picture a request.

    Most servers send it at once. Some answer with an address of their own, which then is the ticket: a picture that is
    made and cannot be fetched is fetched later rather than made again.
    """

    declaration = Declaration(
        name=NAME,
        summary="OpenAI Images, and the servers that speak like it: Azure, LiteLLM, LocalAI, vLLM, SGLang, Together.",
        settings=(
            Setting(
                "model",
                "The model; at Azure the deployment's name; empty to take the one the server has.",
                str,
                DEFAULT_MODEL,
                checked=CHECKED,
            ),
            Setting(
                "quality",
                "How much work goes into a picture, and how dear it is; auto leaves it to the service. Unset: medium"
                " for OpenAI's models, otherwise auto.",
                str,
                choices=(AUTOMATIC, "low", "medium", "high", "xhigh", "max"),
            ),
            Setting("size", "Pixels as 1024x1536; auto follows the character's aspect ratio.", str, AUTOMATIC),
            Setting(
                "response_format",
                "What to ask for: none sends no such field (OpenAI refuses it), others want b64_json or base64.",
                str,
                AUTOMATIC,
                choices=(AUTOMATIC, "none", "b64_json", "base64"),
            ),
            Setting(
                "references",
                "How reference pictures travel: multipart or json to the edits, files as ids of uploads (once a run),"
                " fields of the generation.",
                str,
                AUTOMATIC,
                choices=(AUTOMATIC, "multipart", "json", "files", "fields"),
            ),
            Setting("background", "What is behind the character.", str, choices=("transparent", "opaque", AUTOMATIC)),
            Setting(
                "moderation",
                "How strict OpenAI's safety system is; not for requests with references.",
                str,
                choices=("low", AUTOMATIC),
            ),
            Setting("output_format", "The picture's format.", str, choices=("png", "webp", "jpeg")),
            Setting("output_compression", "Percent, for webp and jpeg.", int, minimum=0, maximum=100),
            *CONNECTION,
        ),
        credentials=(API_KEY,),
        abilities=Abilities(references=MAX_REFERENCES),
        url=URL,
        models=MODELS,
    )

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._service = context.share(ImagesService)
        self._shelf = context.share(FileShelf)
        self._choices = choices_of(context.settings, self._service.dialect)

    @classmethod
    def price(cls, settings: Mapping[str, SettingValue | None]) -> Price | None:
        """By model, quality and size; a picture drawn on the user's own machine is free."""
        return declared_price(settings)

    async def open(self) -> None:
        """Try the key."""
        await self._service.ready()

    async def check(self) -> str:
        """Ask for the list of models, which costs nothing."""
        return await self._service.check(self._choices.model)

    async def models(self) -> tuple[Model, ...]:
        """The models of the service that draw, as far as its list tells."""
        return await self._service.list_models()

    async def submit(self, request: ImageRequest) -> str | GeneratedImage:
        """Ask for the picture; a ticket where the answer is an address that anybody may fetch."""
        answer = await self._send(request)
        document = self._service.decoded(answer)
        try:
            item = item_of(document, self._service.base_url)
        except FlakyError as error:
            raise damaged(self._service.title, error) from error
        if item is None:
            raise self._service.error(answer, GENERATIONS, model=self._choices.model, spends=True)
        cost = reported_cost(document, self._choices)
        request_id = answer.headers.get("x-request-id") or answer.headers.get("apim-request-id")
        if item.data is not None:
            return self._picture(item.data, cost, request_id, item.prompt)
        if not self._service.may_ask(str(item.url)):  # told at once: neither a poll nor a second payment would help
            raise InvalidRequestError(
                f"{self._service.title} made the picture and names an address that must not be asked, in a private"
                " network or outside the web; have it in the answer, with -o response_format=b64_json",
                possibly_charged=True,
            )
        ticket = json.dumps(
            {"url": item.url, "cost": None if cost is None else cost.amount, "id": request_id, "prompt": item.prompt}
        )
        if "?" not in str(item.url) and len(ticket) <= LONGEST_TICKET:
            return ticket
        # A signed address is a secret, and short-lived: it does not go into the ledger, so there is no later try.
        try:
            data = await self._fetched(request, str(item.url))
        except ProviderError as error:
            error.possibly_charged = True
            raise
        return self._picture(data, cost, request_id, item.prompt)

    async def ask(self, request: ImageRequest, ticket: str) -> bytes:
        """Fetch the picture from its address."""
        return await self._fetched(request, _opened(ticket)["url"])

    async def read(self, request: ImageRequest, ticket: str, answer: bytes) -> GeneratedImage:  # noqa: ARG002 - the base class's signature
        """The picture with what was said of it."""
        told = _opened(ticket)
        amount = told["cost"]
        cost = None if amount is None else Cost(amount, "USD", source="reported")
        return self._picture(answer, cost, told["id"], told["prompt"])

    async def _fetched(self, request: ImageRequest, url: str) -> bytes:
        answer = await self._service.fetch(url)
        if answer.status in (401, 403, 404, 410):
            told = f"{self._service.title} does not give out the picture it made (HTTP {answer.status})"
            if request.ticket is not None:  # it has run out since an earlier try
                raise LostTicketError(told)
            # Just made: the next one would be paid for and refused alike.
            raise InvalidRequestError(
                f"{told}; have it in the answer, with -o response_format=b64_json", possibly_charged=True
            )
        if not answer.ok:
            raise self._service.error(answer, "the picture's address")
        return answer.body

    def _picture(self, data: bytes, cost: Cost | None, request_id: str | None, prompt: str | None) -> GeneratedImage:
        return GeneratedImage(
            data=data, model=self._choices.model or None, prompt=prompt, cost=cost, request_id=request_id
        )

    # -- the request

    async def _send(self, request: ImageRequest) -> Answer:
        if not request.references:
            return await self._generation(request)
        pictures = await self._read(request)
        way = self._choices.references
        if way == "fields":
            return await self._generation(request, pictures)
        if way == "files":
            return await self._edit_by_files(request, pictures)
        if way == "json":
            return await self._edit(request, [{"image_url": one.data_uri} for one in pictures])
        fields, named = edit_form(request, self._choices, pictures)
        parts = [(part, one.data, one.file_name, one.media_type) for part, one in named]
        return await self._service.post_form(EDITS, fields, parts, model=self._choices.model)

    async def _generation(self, request: ImageRequest, pictures: Sequence[ReferencePicture] = ()) -> Answer:
        body = generation_body(request, self._choices, pictures)
        return await self._service.post_json(GENERATIONS, body, model=self._choices.model)

    async def _edit(self, request: ImageRequest, images: Sequence[Mapping[str, str]]) -> Answer:
        body = edit_body(request, self._choices, images)
        return await self._service.post_json(EDITS, body, model=self._choices.model)

    async def _edit_by_files(self, request: ImageRequest, pictures: Sequence[ReferencePicture]) -> Answer:
        """With ids of uploads; one that the service has lost is uploaded again and the request replayed, once."""
        ids = await self._uploaded(pictures)
        try:
            return await self._edit(request, [{"file_id": one} for one in ids])
        except InvalidRequestError as error:
            lost = {one for one in ids if one in error.message}
            if not lost:
                raise
        self._shelf.forget(lost)
        ids = await self._uploaded(pictures)
        return await self._edit(request, [{"file_id": one} for one in ids])

    async def _uploaded(self, pictures: Sequence[ReferencePicture]) -> list[str]:
        uploads = [Upload(one.data, one.media_type, one.file_name, one.label) for one in pictures]
        return [(await self._shelf.put(one)).id for one in uploads]

    async def _read(self, request: ImageRequest) -> list[ReferencePicture]:
        """The reference pictures.

        :raises InvalidRequestError: too many, unreadable, or of a kind that is not taken; nothing was sent.
        """
        title, count = self._service.title, len(request.references)
        if count > MAX_REFERENCES:
            raise InvalidRequestError(f"{count} reference pictures are too many: {title} takes {MAX_REFERENCES}")
        pictures = [await read_reference(one) for one in request.references]
        for one in pictures:
            if one.media_type not in REFERENCE_TYPES:
                raise InvalidRequestError(f"{one.label} is {one.media_type}; {title} takes PNG, JPEG and WebP")
        return pictures


def _opened(ticket: str) -> dict[str, Any]:
    """What a ticket holds.

    :raises LostTicketError: it is none of ours.
    """
    try:
        told = json.loads(ticket)
        return {"cost": None, "id": None, "prompt": None, **told, "url": str(told["url"])}
    except (ValueError, TypeError, KeyError) as error:
        raise LostTicketError("the picture's address is not to be found in the ledger's ticket") from error
