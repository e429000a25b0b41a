"""The generator ``comfyui``: the user's own workflow, queued at the user's own server, one picture a character."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from charimg.contracts import Abilities, Declaration, Model, Price, ProviderContext, Setting
from charimg.errors import FatalError, FlakyError, InvalidRequestError, ProviderError, ThrottledError
from charimg.model import GeneratedImage, ImageRequest, Verdict
from charimg.polling import LostTicketError, PolledGenerator
from charimg_comfyui.answers import OutOfMemoryError, failure, pictures
from charimg_comfyui.declared import CREDENTIALS, NAME, SERVER_SETTINGS, URL
from charimg_comfyui.device import words_of
from charimg_comfyui.filling import Prepared, fill, first_value, with_inputs
from charimg_comfyui.listening import Followed, Listener, place_words
from charimg_comfyui.server import ComfyServer, JobState, LostFileError
from charimg_comfyui.slots import NONE, SETTINGS, find_slots
from charimg_comfyui.workflow import IMAGE_TO_IMAGE, TEXT_TO_IMAGE, Graph, packaged, read_workflow

if TYPE_CHECKING:
    from charimg.reference_pictures import ReferencePicture

_SLOT_HELP = {
    "prompt": "Where the prompt goes, as NODE.INPUT (node by id or title); unset: the node titled charimg:prompt.",
    "negative": "Where the negative prompt goes; none: the workflow has no such place.",
    "seed": "Where the seed goes.",
    "size": "The node with width and height; none: the workflow keeps its own size.",
    "width": "Where the width goes, where it has a node of its own.",
    "height": "Where the height goes, where it has a node of its own.",
    "reference": "Where reference pictures go, in order, with commas: 12.image,15.image.",
    "model": "Where the checkpoint's name goes.",
    "output": "The node whose picture is wanted, where the workflow saves several.",
}


class ComfyGenerator(PolledGenerator):
    """Queues one graph a request and asks for it until it is done.

    A batch of five fills the server's own queue, which one graphics card works through in order: it never waits for
    charimg between two pictures. ``timeout`` counts from the moment a picture's own turn begins.
    """

    poll_every: ClassVar[float] = 1.0
    # A job may stand behind four others and those of other people: it is asked for as long as the core allows, and the
    # next try goes on with the same one.
    patience: ClassVar[float] = 1700.0

    declaration = Declaration(
        name=NAME,
        summary="Your own ComfyUI: your workflow, your models, your graphics card.",
        settings=(
            *SERVER_SETTINGS,
            Setting("model", "Checkpoint, by its file name; unset: the workflow's, or the first the server has.", str),
            Setting(
                "workflow",
                "Your workflow in API format, relative to the project (in ComfyUI: Workflow > Export (API)); unset: a"
                " plain one for Stable Diffusion checkpoints.",
                str,
            ),
            Setting(
                "pixels",
                "Width times height of a picture: 1048576 suits SDXL, 393216 Stable Diffusion 1.5; unset: as many as"
                " the workflow has.",
                int,
                minimum=64 * 64,
                maximum=16384 * 16384,
            ),
            Setting("inputs", "More inputs to set: 'Sampler.steps=30; Sampler.cfg=5' (node by id or title).", str),
            *(Setting(f"{slot}_slot", _SLOT_HELP[slot], str) for slot in SETTINGS),
            Setting(
                "timeout",
                "Seconds one picture may take, from the start of its own turn; then it is stopped at the server.",
                float,
                900.0,
                minimum=1,
            ),
        ),
        credentials=CREDENTIALS,
        abilities=Abilities(references=8, seed=True, negative=True),
        price=Price(0),
        url=URL,
    )

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self._server = ComfyServer(context)
        self._listener = Listener(context, self._server)
        self._workflow: Prepared | None = None
        self._with_reference: Prepared | None = None
        self._first_model: str | None = None
        self._asking_models = asyncio.Lock()

    # -- the provider -----------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Read the workflow and find its slots; then look whether the server is there.

        :raises InputError: the workflow cannot be used; the message says what to do about it.
        :raises FatalError: the server refuses the login, or is no ComfyUI.
        :raises ThrottledError: nobody answers at the address.
        """
        self._server.address("")  # a wrong address and half a login are told before anything else
        _ = self._server.headers
        await asyncio.to_thread(self._prepare)
        try:
            await self._server.queue()
        except ProviderError as error:
            if error.unreachable or error.verdict is Verdict.FATAL:
                raise
            # Whatever else is wrong at the moment may be over when the first picture is asked for.

    async def close(self) -> None:
        """Stop listening. What is queued stays at the server, and is asked for by the next run."""
        await self._listener.close()

    async def check(self) -> str:
        """The server's version and graphics card."""
        return words_of(await self._server.stats())

    async def models(self) -> tuple[Model, ...]:
        """The checkpoints the server has."""
        return tuple(Model(name, price=Price(0)) for name in await self._server.checkpoints())

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        """Queue the workflow with this request's values, or go on with the job an earlier try has queued."""
        ticket = request.ticket if request.ticket is not None else await self.submit(request)
        try:
            return await super().generate(replace(request, ticket=ticket))
        finally:
            self._listener.forget(ticket)

    # -- submit, ask, read ------------------------------------------------------------------------------------------

    async def submit(self, request: ImageRequest) -> str:
        """Upload the references and queue the graph. The ledger has the job's id before the server does."""
        graph = await self._graph(request)
        job = str(uuid.uuid4())
        await self.context.accepted(request, job)
        try:
            given = await self._server.submit(graph, job, self._listener.client)
        except ProviderError as error:
            if not await self._is_queued(job, error):
                raise
            given = job
        if given != job:  # an older server, which gives ids of its own
            await self.context.accepted(request, given)
        self._listener.follow(given, request, graph)
        return given

    async def _is_queued(self, job: str, error: ProviderError) -> bool:
        """Whether a job whose submission met trouble is queued all the same: neither a lost answer nor a gateway's 502
        proves that it is not. Where that cannot be told now, the next try asks for it."""
        if error.verdict not in _UNDECIDED or (error.unreachable and not error.possibly_charged):
            return False
        error.standing = error.possibly_charged
        try:
            return await self._server.job(job) is not None
        except ProviderError:
            error.standing = True
            return False

    async def ask(self, request: ImageRequest, ticket: str) -> JobState:  # noqa: ARG002 - the contract's
        """Where the job stands.

        :raises LostTicketError: the server was restarted and has forgotten it, or never had it.
        """
        state = await self._server.job(ticket)
        if state is None:
            lost = LostTicketError("the server no longer knows the job (it was restarted?); it is queued again")
            lost.possibly_charged = False  # one's own graphics card sends no bill
            raise lost
        return state

    async def read(self, request: ImageRequest, ticket: str, answer: JobState) -> GeneratedImage | None:
        """The picture of a finished job."""
        job = self._listener.follow(ticket, request, {})
        if answer.entry is None:
            await self._await_turn(job, ticket, answer.place)
            return None
        trouble = failure(answer.entry, clean=self.context.redactor.clean)
        if isinstance(trouble, OutOfMemoryError):
            await self._free_memory()
        if trouble is not None:
            raise trouble
        return await self._picture(request, ticket, answer.entry)

    async def _await_turn(self, job: Followed, ticket: str, place: int) -> None:
        """Tell how long the queue is, or see that the job does not run for too long."""
        if place > 0:
            self._listener.tell(job, None, place_words(place))
            return
        now = asyncio.get_running_loop().time()
        if job.began is None:
            job.began = now
        if not job.told[1] or job.told[1].endswith("in the queue"):
            self._listener.tell(job, None, "drawing")
        limit = float(self.context.settings.get("timeout") or 900.0)
        if now - job.began > limit:
            await self._server.withdraw(ticket)
            raise InvalidRequestError(
                f"it ran for more than {limit:g} seconds and was stopped at the server; -o timeout=... allows more"
            )

    async def _picture(self, request: ImageRequest, ticket: str, entry: dict[str, Any]) -> GeneratedImage:
        prepared = self._prepared_for(request)
        files = pictures(entry, prepared.slots.outputs)
        if not files:
            wanted = " of its charimg:output node" if prepared.slots.outputs else ""
            raise FlakyError(f"the workflow ended without a picture{wanted}; does it have a Save Image node?")
        try:
            data = await self._server.view(files[0])
        except LostFileError:
            raise
        except ProviderError as error:
            if error.verdict not in _UNDECIDED:
                raise
            # It is drawn, and only has to be fetched: the lane waits, and asks for the same job again.
            words, wait = error.message, error.wait
            raise ThrottledError(words, wait=wait, unreachable=error.unreachable, standing=True) from error
        # What was really queued: a job of an earlier try, or of an earlier run, has the values it had then.
        item = entry.get("prompt")
        graph = item[2] if isinstance(item, list) and len(item) > 2 and isinstance(item[2], dict) else {}
        seed = first_value(graph, prepared.slots.of("seed"))
        model = first_value(graph, prepared.slots.of("model"))
        return GeneratedImage(
            data=data,
            seed=seed if isinstance(seed, int) else None,
            model=model if isinstance(model, str) else None,
            request_id=ticket,
        )

    async def _free_memory(self) -> None:
        try:
            await self._server.free_memory()
        except ProviderError:
            return  # the job's own trouble is the one to tell

    # -- the graph --------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Read the workflows. Blocks."""
        settings = self.context.settings
        given = {slot: _text(settings.get(f"{slot}_slot")) for slot in SETTINGS}
        inputs = _text(settings.get("inputs"))
        chosen = _text(settings.get("workflow"))
        if chosen is not None:
            path = self.context.folder / Path(chosen).expanduser()
            label = f"the workflow {path.name}"
            graph = with_inputs(read_workflow(path), inputs, label)
            self._workflow = self._with_reference = Prepared(graph, find_slots(graph, given, label), label)
            return
        label = "the default workflow"
        graph = with_inputs(packaged(TEXT_TO_IMAGE), inputs, label)
        without = {slot: text if text == NONE else None for slot, text in given.items()}
        self._workflow = Prepared(graph, find_slots(graph, without, label), label)
        graph = with_inputs(packaged(IMAGE_TO_IMAGE), inputs, label, lenient=True)
        self._with_reference = Prepared(graph, find_slots(graph, without, label), label)

    def _prepared_for(self, request: ImageRequest) -> Prepared:
        if self._workflow is None or self._with_reference is None:
            self._prepare()
        prepared = self._with_reference if request.references else self._workflow
        assert prepared is not None  # _prepare has set both, or raised
        return prepared

    async def _graph(self, request: ImageRequest) -> Graph:
        prepared = self._prepared_for(request)
        references: list[str] = []
        if "reference" not in prepared.slots.without:
            references = [await self._uploaded(reference) for reference in request.references]
        pixels = self.context.settings.get("pixels")
        return fill(
            prepared,
            request,
            model=await self._model(),
            references=references,
            pixels=int(pixels) if pixels else None,
        )

    async def _uploaded(self, reference: Any) -> str:
        """The name a reference picture has at the server. It is sent every time: the server keeps equal ones once, and
        somebody may have emptied its folder meanwhile."""
        from charimg.reference_pictures import read_reference  # noqa: PLC0415 - Pillow is loaded when it is needed

        picture: ReferencePicture = await read_reference(reference)
        return await self._server.upload(picture.data, picture.file_name, picture.media_type)

    async def _model(self) -> str | None:
        """The checkpoint to put in: the setting's, or for the default workflow the first that the server has."""
        chosen = _text(self.context.settings.get("model"))
        if chosen is not None or _text(self.context.settings.get("workflow")) is not None:
            return chosen
        async with self._asking_models:
            if self._first_model is None:
                there = await self._server.checkpoints()
                if not there:
                    raise FatalError(
                        "the server has no checkpoint: put one into its folder models/checkpoints, or use a workflow of"
                        " your own with -o workflow=..."
                    )
                self._first_model = there[0]
        return self._first_model


_UNDECIDED = (Verdict.THROTTLED, Verdict.FLAKY)
"""Verdicts on an answer that may come from a gateway rather than from the server."""


def _text(value: Any) -> str | None:
    """A setting's text without blanks around it; ``None`` where there is none."""
    text = str(value).strip() if value is not None else ""
    return text or None
