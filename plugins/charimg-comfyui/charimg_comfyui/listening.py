"""How far the jobs of a lane are: the server's messages over its websocket, as words for the live view.

Without a websocket (a proxy that lets none through, a connection that was lost) nothing is missing but the steps: the
generator asks for its jobs anyway.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from charimg.errors import CharimgError
from charimg_comfyui.slots import title_shown

if TYPE_CHECKING:
    from charimg.contracts import ProviderContext
    from charimg.model import ImageRequest
    from charimg_comfyui.server import ComfyServer

log = logging.getLogger("charimg.comfyui")


LONGEST_MESSAGE = 1024 * 1024
"""Characters of a message that is read: a larger one tells of results, not of steps."""

MOST_STEPS = 1_000_000
"""More is no count of steps."""


@dataclass
class Followed:
    """One job that is asked for."""

    request: ImageRequest
    graph: Mapping[str, Any]
    began: float | None = None
    """When it was first seen running, on the event loop's clock."""
    told: tuple[float | None, str] = (None, "")
    """What was last told of it."""


class Listener:
    """The one websocket of a lane. It is opened with the first job and again with a later one if it was lost."""

    def __init__(self, context: ProviderContext, server: ComfyServer) -> None:
        self._context = context
        self._server = server
        # The same in every run of the lane: the server tells of what an earlier run has queued, too.
        self.client = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{context.folder}\n{context.lane}\n{server.base_url}"))
        """The id under which the server tells us of our jobs."""
        self._jobs: dict[str, Followed] = {}
        self._task: asyncio.Task[None] | None = None

    def follow(self, id_: str, request: ImageRequest, graph: Mapping[str, Any]) -> Followed:
        """Tell of this job from now on. Starts listening where nobody does."""
        if id_ not in self._jobs:
            self._jobs[id_] = Followed(request, graph)
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._listen())
        return self._jobs[id_]

    def forget(self, id_: str) -> None:
        """Nobody asks for the job any more, however it ended."""
        self._jobs.pop(id_, None)

    async def close(self) -> None:
        """Stop listening."""
        self._jobs = {}
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    def tell(self, job: Followed, fraction: float | None, words: str) -> None:
        """Tell how far a job is, unless that was the last that was told."""
        if (fraction, words) != job.told:
            job.told = (fraction, words)
            self._context.progress(job.request, fraction, words)

    async def _listen(self) -> None:
        try:
            address = self._server.address(f"ws?clientId={self.client}")
            async with self._context.http.websocket(address, headers=self._server.headers) as socket:
                async for message in socket:
                    if isinstance(message, str):  # what is binary is a preview picture
                        self._heard(message)
        except CharimgError as error:
            log.debug("no progress messages: %s", self._context.redactor.line(str(error)))

    def _heard(self, message: str) -> None:
        if len(message) > LONGEST_MESSAGE:
            return
        try:
            document = json.loads(message)
        except (ValueError, RecursionError):
            return
        data = document.get("data") if isinstance(document, dict) else None
        if not isinstance(data, dict):
            return
        job = self._jobs.get(str(data.get("prompt_id")))
        if job is None:
            return
        event = document.get("type")
        if event == "execution_start":
            self.tell(job, None, "started")
        elif event == "executing" and isinstance(job.graph.get(str(data.get("node"))), dict):
            self.tell(job, job.told[0], title_shown(job.graph[str(data["node"])]))
        elif event == "progress":
            self._step(job, data)
        elif event == "progress_state" and isinstance(data.get("nodes"), dict):
            for node in data["nodes"].values():
                if isinstance(node, dict) and node.get("state") == "running":
                    self._step(job, node)

    def _step(self, job: Followed, data: Mapping[str, Any]) -> None:
        """A node that counts: a sampler's steps, an upscaler's tiles. Those with one step say nothing by it."""
        value, most = data.get("value"), data.get("max")
        if (
            isinstance(value, (int, float))
            and isinstance(most, (int, float))
            and 1 < most <= MOST_STEPS
            and 0 <= value <= most
        ):
            self.tell(job, value / most, f"step {value:.0f} of {most:.0f}")


def place_words(place: int) -> str:
    """``3rd in the queue``; the first waits for what runs only."""
    if place == 1:
        return "next in the queue"
    ending = "th" if 10 < place % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending} in the queue"
