"""The emulated Black Forest Labs."""

from __future__ import annotations

import base64
import binascii
import io
import uuid
from dataclasses import dataclass
from typing import Any

from PIL import Image

from ..pictures import draw
from ..polled import Call, PolledEmulator, Refused, Reply, Route

TEST_KEY = "bfl-emulator-key-emulator-key-0001"
RATIO_MODELS = ("flux-kontext-pro", "flux-kontext-max", "flux-pro-1.1-ultra")
MODELS = ("flux-2-pro", "flux-2-max", "flux-2-flex", "flux-pro-1.1", "flux-dev", *RATIO_MODELS)
COST = 4
"""Credits a picture."""

_ANY: dict[str, type] = {
    "prompt": str,
    "seed": int,
    "safety_tolerance": int,
    "output_format": str,
    "prompt_upsampling": bool,
    "webhook_url": str,
    "webhook_secret": str,
}
_SIZE: dict[str, type] = {"width": int, "height": int}
_RATIO: dict[str, type] = {"aspect_ratio": str}


@dataclass
class Task:
    """One task."""

    id: str
    model: str
    body: dict[str, Any]
    left: float
    unseen: int
    """Polls that do not find it yet."""
    status: str = "Pending"
    result: dict[str, Any] | None = None
    details: dict[str, Any] | None = None


def fields_of(model: str) -> dict[str, type]:
    """The fields of a model's request, with their types."""
    shape = _RATIO if model in RATIO_MODELS else _SIZE
    if model.startswith(("flux-2", "flux-kontext")):
        many = 8 if model.startswith("flux-2") else 4
        pictures = {f"input_image{f'_{place}' if place > 1 else ''}": str for place in range(1, many + 1)}
    else:
        pictures = {"image_prompt": str}
    return {**_ANY, **shape, **pictures}


class BflEmulator(PolledEmulator):
    """``async with BflEmulator(active=3) as service: service.url``.

    :param key: the one that is accepted.
    :param active: tasks at once; ``flux-kontext-max`` takes six.
    :param credits: what the account holds; ``None`` for as much as one likes.
    :param unseen: so many polls of a new task answer "Task not found".
    :param polling_host: a host to name in ``polling_url`` in place of the true one.
    """

    key_headers = ("x-key", "Authorization")

    def __init__(
        self,
        *,
        key: str = TEST_KEY,
        active: int = 24,
        credits: float | None = None,  # noqa: A002 - the service's own word
        unseen: int = 0,
        polling_host: str | None = None,
        **knobs: Any,
    ) -> None:
        self.key, self.active, self.credits, self.unseen, self.polling_host = key, active, credits, unseen, polling_host
        self.tasks: dict[str, Task] = {}
        super().__init__(**{"picture_life": 600.0, **knobs})

    def routes(self) -> list[Route]:
        """See :class:`PolledEmulator`."""
        return [
            Route("GET", "/v1/credits", "credits", self._credits),
            Route("GET", "/us1/v1/get_result", "poll", self._regional),
            Route("GET", "/v1/get_result", "elsewhere", self._elsewhere),
            Route("POST", r"/v1/(?P<model>[\w.-]+)", "submit", self._submit),
        ]

    def throttled(self, wait: float) -> Reply:
        """No wait is given."""
        del wait
        return Reply(429, {"detail": "Rate limit exceeded"})

    def _log_in(self, call: Call) -> None:
        if call.header("x-key") != self.key:
            raise Refused(Reply(403, {"detail": "Not authenticated"}))

    def _credits(self, call: Call) -> Reply:
        self._log_in(call)
        return Reply(200, {"credits": 1000.0 if self.credits is None else self.credits})

    def _submit(self, call: Call) -> Reply:
        self._log_in(call)
        model, body = call.parts["model"], call.json
        if model not in MODELS:
            raise Refused(Reply(404, {"detail": "Not Found"}))
        wrong = faults_of(model, body)
        if wrong:
            raise Refused(Reply(422, {"detail": wrong}))
        if self.credits is not None and self.credits < COST:
            raise Refused(Reply(402, {"detail": "Insufficient credits"}))
        at_work = [task for task in self.tasks.values() if task.status == "Pending"]
        if len(at_work) >= min(self.active, 6 if model == "flux-kontext-max" else self.active):
            raise Refused(Reply(429, {"detail": "Too many active tasks"}))
        if self.credits is not None:
            self.credits -= COST
        task = Task(str(uuid.uuid4()), model, body, self.polls, self.unseen)
        self.tasks[task.id] = task
        self.accept(task.id, body["prompt"], body)
        place = f"{self.polling_host or self.url}/us1/v1/get_result?id={task.id}"
        return Reply(200, {"id": task.id, "polling_url": place, "cost": COST})

    def _elsewhere(self, call: Call) -> Reply:
        """The global host does not know the tasks of a region."""
        self._log_in(call)
        if self.polling_host is not None:  # nobody can reach the region: the tasks are told here
            return self._regional(call)
        return Reply(200, {"id": call.request.query.get("id"), "status": "Task not found", "result": None})

    def _regional(self, call: Call) -> Reply:
        self._log_in(call)
        task = self.tasks.get(call.request.query.get("id", ""))
        if task is None or task.unseen > 0:
            if task is not None:
                task.unseen -= 1
            return Reply(200, {"id": call.request.query.get("id"), "status": "Task not found", "result": None})
        for other in self.tasks.values():  # all come nearer to their end, those nobody asks for too
            if other.status == "Pending" and other is not task:
                other.left -= 1 / max(1, len(self.tasks))
        if task.status == "Pending":
            task.left -= 1
            if task.left <= 0:
                self._finish(task)
        progress = 1.0 if task.status == "Ready" else max(0.0, 1 - task.left / max(1, self.polls))
        shown: dict[str, Any] = {"id": task.id, "status": task.status, "result": task.result, "progress": progress}
        if task.details is not None:
            shown["details"] = task.details
        return Reply(200, shown)

    def _finish(self, task: Task) -> None:
        words = task.body["prompt"].lower()
        if "forbidden" in words:
            task.status, task.details = "Request Moderated", {"Moderation Reasons": ["Safety Filter"]}
        elif "nsfw" in words:
            task.status, task.details = "Content Moderated", {"Moderation Reasons": ["Derivative Works Filter"]}
        elif "explode" in words:
            task.status = "Error"
        else:
            size = (task.body.get("width", 1024) // 4, task.body.get("height", 1024) // 4)
            seed = task.body.get("seed", 11)
            data = draw(task.body["prompt"], seed, size, "PNG")
            place = self.publish(f"{task.id}/sample.png", data, "image/png")
            task.status, task.result = "Ready", {"sample": place, "seed": seed, "prompt": task.body["prompt"]}


def faults_of(model: str, body: Any) -> list[dict[str, Any]]:
    """What is wrong with a request, in FastAPI's shape; empty when it fits."""
    if not isinstance(body, dict):
        return [{"loc": ["body"], "msg": "Input should be a valid dictionary", "type": "model_attributes_type"}]
    kinds = fields_of(model)
    found: list[dict[str, Any]] = [] if "prompt" in body else [_wrong("prompt", "Field required", "missing")]
    asked: dict[str, Any] = body
    for name, value in asked.items():
        fits = name in kinds and isinstance(value, kinds[name]) and (kinds[name] is bool or not isinstance(value, bool))
        if name not in kinds:
            found.append(_wrong(name, "Extra inputs are not permitted", "extra_forbidden"))
        elif not fits:
            found.append(
                _wrong(name, f"Input should be a valid {kinds[name].__name__}", f"{kinds[name].__name__}_type")
            )
        elif name in _SIZE and (value % (32 if model.startswith(("flux-pro", "flux-dev")) else 16) or value < 64):
            found.append(_wrong(name, "Input should be a multiple of 16", "multiple_of"))
        elif name == "safety_tolerance" and not 0 <= value <= 6:
            found.append(_wrong(name, "Input should be less than or equal to 6", "less_than_equal"))
        elif name == "output_format" and value not in ("jpeg", "png"):
            found.append(_wrong(name, "Input should be 'jpeg' or 'png'", "enum"))
        elif name.startswith(("input_image", "image_prompt")) and not _is_picture(value):
            found.append(_wrong(name, "Invalid image", "value_error"))
    return found


def _wrong(name: str, words: str, kind: str) -> dict[str, Any]:
    return {"loc": ["body", name], "msg": words, "type": kind}


def _is_picture(text: str) -> bool:
    try:
        Image.open(io.BytesIO(base64.b64decode(text, validate=True))).load()
    except (OSError, binascii.Error, ValueError):
        return False
    return True
