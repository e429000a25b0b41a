"""The queue and the one worker that takes from it: graphs run one at a time, node by node, step by step."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import io
import time
from dataclasses import asdict
from typing import Any

from PIL import Image

from ..pictures import draw
from .behaviour import Behaviour
from .bill import Bill, Drawing, Queued
from .drawing import Graph, Sampled, order_of, sampled, sampler_behind, signature
from .sockets import Sockets

Item = tuple[float, str, Graph, dict[str, Any], list[str]]
"""A place in the queue: number, prompt id, graph, extra data, outputs."""
File = tuple[str, str, str]
"""Where a file lies: type (``input``, ``output``, ``temp``), subfolder, name."""


class RunFailedError(Exception):
    """A node raised."""

    def __init__(self, node: str, kind: str, message: str) -> None:
        super().__init__(message)
        self.node = node
        self.kind = kind
        """The exception's full name in the server."""


class InterruptedRunError(Exception):
    """Somebody stopped the run."""

    def __init__(self, node: str) -> None:
        super().__init__(node)
        self.node = node


class Worker:
    """Queue, history, files and cache of one server process (the files outlive it)."""

    def __init__(self, behaviour: Behaviour, bill: Bill, sockets: Sockets) -> None:
        self._behaviour = behaviour
        self._bill = bill
        self._sockets = sockets
        self.pending: list[Item] = []
        self.running: list[Item] = []
        self.history: dict[str, dict[str, Any]] = {}
        self.files: dict[File, bytes] = {}
        self.may_run = asyncio.Event()
        """Cleared, it holds the worker before its next node or step."""
        self.may_run.set()
        self.hold_between = False
        """The worker is held again after every job."""
        self.changed = asyncio.Condition()
        """Notified whenever the queue, the history or a step moves."""
        self.steps = 0
        """Sampling steps done since the server started."""
        self._number = 0
        self._interrupted = False
        self._cache: dict[str, Any] = {}
        self._task: asyncio.Task[None] | None = None

    # -- the queue --------------------------------------------------------------------------------------------------

    @property
    def remaining(self) -> int:
        """How many wait or run."""
        return len(self.pending) + len(self.running)

    def next_number(self, *, front: bool) -> float:
        """The next place in the queue; in front of all others it is negative."""
        number = self._number
        self._number += 1
        return -number if front else number

    async def put(self, item: Item) -> None:
        """Take a checked graph into the queue."""
        number, prompt_id, graph, extra, _ = item
        self.pending.append(item)
        self.pending.sort(key=lambda one: one[0])
        self._bill.queued.append(Queued(prompt_id, number, extra.get("client_id"), copy.deepcopy(graph), dict(extra)))
        await self._moved()

    async def delete(self, prompt_id: str) -> None:
        """Take a graph out again, if it does not run yet."""
        self.pending = [item for item in self.pending if item[1] != prompt_id]
        await self._moved()

    async def clear(self) -> None:
        """Take all out that do not run yet."""
        self.pending = []
        await self._moved()

    def interrupt(self, prompt_id: str | None) -> None:
        """Stop what runs; with an id only if it is that."""
        if self.running and prompt_id in (None, self.running[0][1]):
            self._interrupted = True
            self._poke()

    def status(self) -> dict[str, Any]:
        """What the server tells of its queue."""
        return {"exec_info": {"queue_remaining": self.remaining}}

    async def _moved(self) -> None:
        await self._sockets.tell("status", {"status": self.status()})
        async with self.changed:
            self.changed.notify_all()

    def _poke(self) -> None:
        self._wake.set()

    # -- the worker -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to work."""
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """End in the middle of whatever it does; queue and cache are gone, as with any process."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self.pending, self.running, self._cache, self._interrupted = [], [], {}, False

    async def _work(self) -> None:
        while True:
            async with self.changed:
                await self.changed.wait_for(lambda: bool(self.pending))
            item = self.pending.pop(0)
            self.running = [item]
            self._interrupted = False
            await self._moved()
            await self._run(item)

    async def _run(self, item: Item) -> None:
        _, prompt_id, graph, extra, wanted = item
        client = extra.get("client_id")
        messages: list[list[Any]] = []
        outputs: dict[str, Any] = {}

        async def note(event: str, *, to_all: bool = False, **data: Any) -> None:
            told = {"prompt_id": prompt_id, **data, "timestamp": int(time.time() * 1000)}
            messages.append([event, told])
            if client is not None or to_all:
                await self._sockets.tell(event, told, None if to_all else client)

        completed = False
        done: list[str] = []
        await note("execution_start")
        order = list(dict.fromkeys(id_ for output in wanted for id_ in order_of(graph, output)))
        signatures = {id_: signature(graph, id_) for id_ in order}
        cached = [id_ for id_ in order if signatures[id_] in self._cache]
        await note("execution_cached", nodes=cached)
        try:
            for id_ in order:
                if id_ in cached:
                    result = self._cache[signatures[id_]]
                else:
                    await self._sockets.tell(
                        "executing", {"node": id_, "display_node": id_, "prompt_id": prompt_id}, client or ""
                    )
                    result = await self._execute(graph, id_, prompt_id, client)
                    done.append(id_)
                if result is not None:
                    outputs[id_] = result
                    told = {"node": id_, "display_node": id_, "output": result, "prompt_id": prompt_id}
                    await self._sockets.tell("executed", told, client or "")
            self._cache = {signatures[id_]: outputs.get(id_) for id_ in order}  # the last graph's alone are kept
            completed = True
            await note("execution_success")
        except InterruptedRunError as stopped:
            kind = graph[stopped.node]["class_type"]
            await note("execution_interrupted", to_all=True, node_id=stopped.node, node_type=kind, executed=done)
        except RunFailedError as failed:
            await note(
                "execution_error",
                node_id=failed.node,
                node_type=graph[failed.node]["class_type"],
                executed=done,
                exception_message=str(failed),
                exception_type=failed.kind,
                traceback=['  File "execution.py", line 496, in execute\n'],
                current_inputs={},
                current_outputs=list(outputs),
            )
        if self._fault("empty"):
            outputs = {}
        if self.hold_between:
            self.may_run.clear()
        self.running = []
        self.history[prompt_id] = {
            "prompt": list(item),
            "outputs": outputs,
            "status": {"status_str": "success" if completed else "error", "completed": completed, "messages": messages},
            "meta": {},
        }
        await self._moved()
        if client is not None:
            await self._sockets.tell("executing", {"node": None, "prompt_id": prompt_id}, client)

    def _fault(self, then: str) -> bool:
        return any(fault.then == then and fault.strikes("run") for fault in self._behaviour.faults)

    async def _execute(self, graph: Graph, id_: str, prompt_id: str, client: str | None) -> dict[str, Any] | None:
        """Run one node; what an output node shows, or ``None``."""
        await self._pause(id_)
        kind = graph[id_]["class_type"]
        if kind == "KSampler":
            await self._sample(graph, id_, prompt_id, client)
        if kind in ("SaveImage", "PreviewImage"):
            return {"images": self._save(graph, id_)}
        return None

    async def _sample(self, graph: Graph, id_: str, prompt_id: str, client: str | None) -> None:
        asked = sampled(graph, id_)
        limit = self._behaviour.oom_pixels
        if self._fault("oom") or (limit is not None and asked.size[0] * asked.size[1] > limit):
            raise RunFailedError(id_, "torch.OutOfMemoryError", "Allocation on device ")
        if self._fault("error"):
            raise RunFailedError(id_, "RuntimeError", "mat1 and mat2 shapes cannot be multiplied (77x2048 and 768x320)")
        for step in range(1, asked.steps + 1):
            await self._pause(id_)
            if self._fault("interrupt"):
                raise InterruptedRunError(id_)
            if self._behaviour.step_seconds:
                await asyncio.sleep(self._behaviour.step_seconds)
            await self._step(id_, prompt_id, client, step, asked.steps)
        digest = hashlib.sha256(_picture(asked)).hexdigest()
        self._bill.drawings.append(Drawing(prompt_id=prompt_id, sha256=digest, **asdict(asked)))

    async def _step(self, id_: str, prompt_id: str, client: str | None, step: int, steps: int) -> None:
        self.steps += 1
        async with self.changed:
            self.changed.notify_all()
        if client is None:
            return
        if self._behaviour.progress != "progress":
            state = {
                "value": float(step),
                "max": float(steps),
                "state": "running",
                "node_id": id_,
                "prompt_id": prompt_id,
                "display_node_id": id_,
                "parent_node_id": None,
                "real_node_id": id_,
            }
            await self._sockets.tell("progress_state", {"prompt_id": prompt_id, "nodes": {id_: state}}, client)
        if self._behaviour.progress != "progress_state":
            told = {"value": step, "max": steps, "prompt_id": prompt_id, "node": id_}
            await self._sockets.tell("progress", told, client)
        if self._behaviour.previews:
            await self._sockets.show(_PREVIEW, client)

    async def _pause(self, id_: str) -> None:
        """Let others work, wait while held, and stop if interrupted."""
        await asyncio.sleep(0)
        while not self.may_run.is_set() and not self._interrupted:
            self._wake.clear()
            waiting = [asyncio.ensure_future(self.may_run.wait()), asyncio.ensure_future(self._wake.wait())]
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in waiting:
                    one.cancel()
        if self._interrupted:
            raise InterruptedRunError(id_)

    # -- files ------------------------------------------------------------------------------------------------------

    def _save(self, graph: Graph, id_: str) -> list[dict[str, str]]:
        sampler = sampler_behind(graph, id_)
        if sampler is None:
            return []
        picture = _picture(sampled(graph, sampler))
        kept = graph[id_]["class_type"] == "SaveImage"
        prefix = str(graph[id_]["inputs"].get("filename_prefix", "ComfyUI_temp"))
        subfolder, _, stem = prefix.replace("\\", "/").rpartition("/")
        place = "output" if kept else "temp"
        taken = [name for kind, folder, name in self.files if (kind, folder) == (place, subfolder)]
        number = 1 + sum(name.startswith(f"{stem}_") for name in taken)
        name = f"{stem}_{number:05}_.png"
        if self._fault("garbage"):
            picture = b"this is not a picture"
        if not self._fault("lose"):
            self.files[place, subfolder, name] = picture
        return [{"filename": name, "subfolder": subfolder, "type": place}]


def _picture(asked: Sampled) -> bytes:
    words = "|".join((asked.prompt, asked.negative, asked.checkpoint, *asked.references))
    return draw(words, asked.seed, asked.size, "PNG")


def _preview() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (16, 16), (90, 60, 120)).save(out, "JPEG")
    return out.getvalue()


_PREVIEW = _preview()
