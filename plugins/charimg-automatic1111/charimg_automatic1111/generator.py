"""The generator ``automatic1111``: a picture from words, or from words and one picture to begin with."""

from __future__ import annotations

import asyncio
import base64
import io
from functools import partial
from typing import TYPE_CHECKING, Any

from charimg.addresses import host_and_port, join
from charimg.contracts import ImageGenerator, Model, ProviderContext
from charimg.errors import FatalError, InvalidRequestError, ProviderError, RejectedError
from charimg.model import GeneratedImage, ImageRequest
from charimg.redaction import Secret
from charimg.reference_pictures import read_reference
from charimg.verdicts.answer import one_line
from charimg_automatic1111.beside import with_looks
from charimg_automatic1111.declared import DECLARATION
from charimg_automatic1111.faults import api_is_off, error_from, with_start
from charimg_automatic1111.protocol import (
    CHECKPOINTS,
    IMG2IMG,
    OPTIONS,
    PROGRESS,
    TXT2IMG,
    checkpoints_of,
    drawn,
    picture_body,
    progress_of,
    title_of,
)

if TYPE_CHECKING:
    from charimg.http import Answer

QUICK = 30.0
"""Seconds for everything but pictures: those answers do not wait for the GPU."""

NAMED = 6
"""Checkpoints that a message lists."""


class Automatic1111Generator(ImageGenerator):
    """Asks one server for one picture at a time; the connection stays open until the picture is there.

    A call that is cancelled closes its connection. The server draws on all the same: its ``interrupt`` would stop
    whichever picture is drawn at the moment, which may be somebody else's.
    """

    declaration = DECLARATION

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        settings = context.settings
        self._base_url = str(settings.get("base_url") or "")
        self._model = settings.get("model")
        self._checkpoint = None if self._model is None else str(self._model)
        self._timeout = float(settings.get("timeout") or 0)
        self._every = float(settings.get("progress_every") or 0)
        self._login = _login(context)

    async def open(self) -> None:
        """Look whether the server is there, its API on, the login right and the checkpoint known.

        A checkpoint it does not have must be told here: some versions draw with another one and say nothing.

        :raises FatalError: one of these is not so.
        :raises ThrottledError: nobody answers at the address.
        """
        known = await self._get(CHECKPOINTS)
        if self._model is not None:
            self._checkpoint = self._find(known)

    async def check(self) -> str:
        """Count the checkpoints and name the one that draws, which costs nothing."""
        known = await self._get(CHECKPOINTS)
        names = checkpoints_of(known)
        if self._model is None:
            options = await self._get(OPTIONS)
            chosen = options.get("sd_model_checkpoint") if isinstance(options, dict) else None
            loaded = f"{chosen} is loaded" if isinstance(chosen, str) and chosen else "none is loaded"
        else:
            loaded = f"{self._find(known)} draws"
        count = "1 checkpoint" if len(names) == 1 else f"{len(names)} checkpoints"
        return one_line(f"{self._where} has {count}; {loaded}")

    async def models(self) -> tuple[Model, ...]:
        """The checkpoints that the server has."""
        return checkpoints_of(await self._get(CHECKPOINTS))

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        """Ask for one picture, and tell how far it is while it is drawn."""
        if len(request.references) > 1:
            raise InvalidRequestError(
                f"{len(request.references)} reference pictures are too many: img2img begins with one"
            )
        start = (await read_reference(request.references[0])).base64 if request.references else None
        body = picture_body(request, self.context.settings, checkpoint=self._checkpoint, start=start)
        work = self._send("POST", TXT2IMG if start is None else IMG2IMG, self._timeout, json=body)
        answer = await (with_looks(work, partial(self._look, request), self._every) if self._every else work)
        picture = drawn(self._read(answer))
        if self.context.settings.get("refuse_black") and await asyncio.to_thread(_is_black, picture.data):
            raise RejectedError(
                f"{self._where} sent a wholly black picture: an NSFW extension refused it, or the VAE failed"
                " (start the server with --no-half-vae); -o refuse_black=no keeps such pictures"
            )
        return GeneratedImage(picture.data, seed=picture.seed, model=picture.checkpoint or self._checkpoint)

    @property
    def _where(self) -> str:
        return host_and_port(self._base_url)

    def _find(self, known: Any) -> str:
        """The title of the checkpoint that the settings name.

        :raises FatalError: the server does not have it.
        """
        wanted = str(self._model)
        title = title_of(known, wanted)
        if title is None:
            names = [model.id for model in checkpoints_of(known)]
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            has = f"it has {', '.join(names[:NAMED])}{more}" if names else "it has none at all"
            raise FatalError(f"{self._where} has no checkpoint '{wanted}' (-o model=...): {has}")
        return title

    async def _look(self, request: ImageRequest) -> None:
        answer = await self._send("GET", PROGRESS, QUICK, params={"skip_current_image": "true"})
        told = progress_of(self._read(answer))
        if told is not None:
            self.context.progress(request, *told)

    async def _get(self, path: str) -> Any:
        answer = await self._send("GET", path, QUICK)
        if answer.ok and "json" not in answer.headers.get("content-type", ""):
            raise api_is_off(self._where)  # a web page: of the server itself, or of something else entirely
        return self._read(answer)

    def _read(self, answer: Answer) -> Any:
        if answer.ok:
            return answer.json()
        raise error_from(
            answer,
            self._where,
            clean=self.context.redactor.clean,
            ceiling=self.context.wait_ceiling,
            login=self._login_help(),
        ) from None

    def _login_help(self) -> str:
        renewal = self.context.renewal("password")
        if self._login is None:
            return f"give the user of its --api-auth with -o user=..., and the password; {renewal}"
        return f"check the setting user, or {renewal}"

    async def _send(self, method: str, path: str, seconds: float, **more: Any) -> Answer:
        from charimg.http import Timeouts  # noqa: PLC0415 - aiohttp is loaded when something is sent

        # Nothing comes before the whole answer does: waiting for a piece is waiting for all.
        patience = Timeouts(read=seconds, total=seconds)
        url = join(self._base_url, path)
        headers = {} if self._login is None else {"Authorization": self._login.reveal()}
        try:
            return await self.context.http.request(method, url, headers=headers, timeouts=patience, **more)
        except ProviderError as error:
            raise with_start(error) from None


def _login(context: ProviderContext) -> Secret | None:
    """The header of a basic login, if there is one. What it is made of is made known to the redactor."""
    user, password = context.settings.get("user"), context.credentials.get("password")
    if not user and not password:
        return None
    if not user:
        raise FatalError("the login is half: set the user too, with -o user=...")
    if not password:
        raise FatalError(f"the login is half: set the password too; {context.renewal('password')}")
    both = base64.b64encode(f"{user}:{password.reveal()}".encode()).decode()
    context.redactor.add(password)
    context.redactor.add(both)
    return Secret(f"Basic {both}")


def _is_black(data: bytes) -> bool:
    """Whether every pixel is black; not for what is no picture, which the core tells. Runs in a thread: it decodes."""
    from PIL import Image  # noqa: PLC0415 - loaded when the first picture arrives

    try:
        with Image.open(io.BytesIO(data)) as picture:
            return bool(picture.convert("L").getextrema() == (0, 0))
    except Exception:  # Pillow's decoders raise many kinds; the core decodes again and says what it is
        return False
