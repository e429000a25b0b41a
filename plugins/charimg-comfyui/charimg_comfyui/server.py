"""One ComfyUI server: its address, its login, and the requests that are made of it.

Facts: the project's notes on ComfyUI (2026-11-22), ``server.py`` of ComfyUI 0.3.64.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from charimg.addresses import join
from charimg.errors import FlakyError, InputError, InvalidRequestError, ProviderError
from charimg.verdicts.answer import as_number
from charimg_comfyui.answers import File, is_about, refusal, with_start
from charimg_comfyui.declared import NAME

if TYPE_CHECKING:
    from charimg.contracts import ProviderContext
    from charimg.http import Answer
    from charimg_comfyui.workflow import Graph

MARK = "charimg"
"""The field of ``extra_data`` that holds our id of a job: servers that give ids of their own keep it."""

OLD_JOBS = 64
"""Finished jobs that are looked through for our mark."""

LOADER = "CheckpointLoaderSimple"
"""The node class that knows the checkpoints."""


@dataclass(frozen=True)
class JobState:
    """Where a job stands."""

    entry: dict[str, Any] | None = None
    """Its entry in the history, once it is finished."""
    place: int = 0
    """While it is not: 0 runs, 1 is next, and so on."""


class LostFileError(FlakyError):
    """A finished job's file is no longer there: only drawing it anew helps."""


class ComfyServer:
    """The server of one lane."""

    def __init__(self, context: ProviderContext) -> None:
        self._context = context
        self.base_url = str(context.settings.get("base_url") or "")
        for secret in context.credentials.values():
            context.redactor.add(secret)  # a proxy may repeat what it was sent

    @property
    def headers(self) -> dict[str, str]:
        """The login for whatever stands in front of the server.

        :raises InputError: a user without a password, or a password without a user.
        """
        token, password = (self._context.credentials.get(name) for name in ("token", "password"))
        user = self._context.settings.get("user")
        if token:
            return {"Authorization": f"Bearer {token.reveal().strip()}"}
        if not user and not password:
            return {}
        if not user or not password:
            lacking = "set the user with -o user=..." if password else self._renewal("password")
            raise InputError(f"comfyui: a login needs user and password; {lacking}")
        encoded = base64.b64encode(f"{user}:{password.reveal()}".encode()).decode()
        self._context.redactor.add(encoded)
        return {"Authorization": f"Basic {encoded}"}

    def address(self, path: str) -> str:
        """The address of one of the server's routes. Raises FatalError where ``base_url`` is no web address."""
        return join(self.base_url, path)

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        """One request; whatever is not 2xx is raised in the core's words."""
        answer = await self._send(method, path, **options)
        if not answer.ok:
            raise self._refusal(answer)
        return answer

    def _refusal(self, answer: Answer) -> ProviderError:
        return refusal(
            answer,
            clean=self._context.redactor.clean,
            ceiling=self._context.wait_ceiling,
            login=self._login_help(),
        )

    def _login_help(self) -> str:
        """What to do where the login that was sent, or none, is refused."""
        if self._context.credentials.get("token"):
            return f"it does not accept the token; {self._renewal('token')}"
        if self._context.credentials.get("password"):
            return f"it does not accept user and password; check the setting user, or {self._renewal('password')}"
        return f"set -o user=... and {self._renewal('password')} (or token)"

    def _renewal(self, credential: str) -> str:
        """What to do about a credential; the command names it, for there are two."""
        if credential in self._context.variables:
            return self._context.renewal(credential)
        return f"run: charimg keys set {self._context.account or NAME} {credential}"

    async def _send(self, method: str, path: str, **options: Any) -> Answer:
        try:
            return await self._context.http.request(method, self.address(path), headers=self.headers, **options)
        except ProviderError as error:
            raise with_start(error) from None

    # -- jobs -------------------------------------------------------------------------------------------------------

    async def submit(self, graph: Graph, job: str, client: str) -> str:
        """Put a graph into the queue under our own id, and return the id it has there.

        :param client: who hears of its progress.
        :raises InvalidRequestError: the server finds the graph wrong.
        """
        asked = {"prompt": graph, "client_id": client, "prompt_id": job, "extra_data": {MARK: job}}
        answer = await self._send("POST", "prompt", json=asked)
        if is_about(answer, "invalid_prompt_id"):  # it wants ids of another form: then its own will do
            del asked["prompt_id"]
            answer = await self._send("POST", "prompt", json=asked)
        if not answer.ok:
            raise self._refusal(answer)
        told = answer.json()
        given = told.get("prompt_id") if isinstance(told, dict) else None
        if not isinstance(given, str) or not given:
            raise FlakyError(
                "the server took the workflow and gave no prompt_id; is base_url the address of a ComfyUI?"
            )
        return given

    async def job(self, id_: str) -> JobState | None:
        """How a job is; ``None`` if the server does not know it.

        The history is looked into before and after the queue: a job that ends in between is in one of the three. What
        an older server queued under an id of its own is found by our mark.
        """
        for _ in range(2):
            entry = (await self._table("history/" + id_)).get(id_)
            if isinstance(entry, dict):
                return JobState(entry=entry)
            queue = await self.queue()
            if any(_is(item, id_) for item in _items(queue, "queue_running")):
                return JobState()
            for place, item in enumerate(sorted(_items(queue, "queue_pending"), key=_number), 1):
                if _is(item, id_):
                    return JobState(place=place)
        history = await self._table(f"history?max_items={OLD_JOBS}")
        found = [one for one in history.values() if isinstance(one, dict) and _is(one.get("prompt"), id_)]
        return JobState(entry=found[-1]) if found else None

    async def queue(self) -> dict[str, Any]:
        """What runs and what waits, everybody's."""
        return await self._table("queue")

    async def withdraw(self, id_: str) -> None:
        """Take a job out of the queue, or stop it if it runs, and no other."""
        queue = await self.queue()
        if any(_is(item, id_) for item in _items(queue, "queue_running")):
            await self.ask("POST", "interrupt", json={"prompt_id": id_})
        await self.ask("POST", "queue", json={"delete": [id_]})

    async def free_memory(self) -> None:
        """Let the server unload its models before its next job."""
        await self.ask("POST", "free", json={"unload_models": True, "free_memory": True})

    # -- pictures ---------------------------------------------------------------------------------------------------

    async def view(self, file: File) -> bytes:
        """The bytes of a picture at the server.

        :raises LostFileError: it is gone.
        """
        params = {"filename": file.name, "subfolder": file.subfolder, "type": file.type}
        answer = await self._send("GET", "view", params=params)
        if answer.status == 404:
            raise LostFileError(f"the server has lost the picture's file {file.name}")
        if not answer.ok:
            raise self._refusal(answer)
        return answer.body

    async def upload(self, data: bytes, name: str, media_type: str) -> str:
        """Put a picture into the input folder, below ``charimg``; the name under which a *Load Image* node finds it.

        The server keeps equal pictures of one name once, and gives another name to a different one.

        :param name: the file name to ask for, ASCII.
        """
        import aiohttp  # noqa: PLC0415 - the core's own, and too heavy to load before it is needed

        form = aiohttp.FormData()
        form.add_field("image", data, filename=name, content_type=media_type)
        form.add_field("type", "input")
        form.add_field("subfolder", "charimg")
        try:
            answer = await self._send("POST", "upload/image", data=form)
        except ProviderError as error:
            error.possibly_charged = False  # no picture was asked for yet
            raise
        if answer.status == 400:
            raise InvalidRequestError(f"the server does not take the picture {name}")
        if not answer.ok:
            raise self._refusal(answer)
        told = answer.json()
        given = told.get("name") if isinstance(told, dict) else None
        if not isinstance(given, str) or not given:
            raise FlakyError("the server took the picture and did not say under which name")
        return "/".join(part for part in (str(told.get("subfolder") or ""), given) if part)

    # -- what it is -------------------------------------------------------------------------------------------------

    async def checkpoints(self) -> list[str]:
        """The checkpoints it has, in its own order."""
        told = (await self._table(f"object_info/{LOADER}")).get(LOADER)
        try:
            choice = told["input"]["required"]["ckpt_name"]  # type: ignore[index]  # whatever it is, a stranger sent it
            names = choice[0] if isinstance(choice[0], list) else choice[1]["options"]
        except (KeyError, IndexError, TypeError):
            names = []
        return [str(name) for name in names] if isinstance(names, list) else []

    async def stats(self) -> dict[str, Any]:
        """What the server says of itself and its devices."""
        return await self._table("system_stats")

    async def _table(self, path: str) -> dict[str, Any]:
        data = (await self.ask("GET", path)).json()
        if not isinstance(data, dict):
            raise FlakyError(f"the server's answer to /{path.partition('/')[0]} is not what ComfyUI sends")
        return data


def _items(queue: dict[str, Any], name: str) -> list[list[Any]]:
    listed = queue.get(name)
    return [item for item in listed if isinstance(item, list) and len(item) >= 2] if isinstance(listed, list) else []


def _number(item: list[Any]) -> float:
    return as_number(item[0]) or 0.0


def _is(item: Any, id_: str) -> bool:
    """Whether a place in the queue or the history is our job: by its id, or by our mark."""
    if not isinstance(item, list) or len(item) < 2:
        return False
    extra = item[3] if len(item) > 3 else None
    return item[1] == id_ or (isinstance(extra, dict) and extra.get(MARK) == id_)
