"""The emulated fal."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from typing import Any

from ..pictures import draw
from ..polled import Call, PolledEmulator, Refused, Reply, Route

TEST_KEY = "11111111-aaaa-bbbb-cccc-222222222222:emulatorsecretemulatorsecret0001"
CDN_TOKEN = "cdn-token-of-the-emulator"
MODELS = {
    "fal-ai/flux/dev": "image_size",
    "fal-ai/flux/dev/image-to-image": "image_size",
    "fal-ai/flux-pro/kontext": "aspect_ratio",
}
"""Known models and what each is told the shape by."""
LOCKED = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."


@dataclass
class Job:
    """One request in the queue."""

    id: str
    model: str
    body: dict[str, Any]
    left: int
    status: str = "IN_QUEUE"
    result: Reply | None = None


class FalEmulator(PolledEmulator):
    """``async with FalEmulator(runners=2) as service: service.url``.

    :param key: the one that is accepted.
    :param runners: how many requests run at once; the rest stay in the queue, which never refuses.
    :param locked: the account's balance is exhausted.
    :param failures: results of the coming jobs, in place of pictures.
    :param foreign: name fal's real addresses in the answers, as a gateway does that passes them on.
    """

    def __init__(
        self,
        *,
        key: str = TEST_KEY,
        runners: int = 10,
        locked: bool = False,
        failures: list[Reply] | None = None,
        foreign: bool = False,
        **knobs: Any,
    ) -> None:
        self.key, self.runners, self.locked, self.foreign = key, runners, locked, foreign
        self.failures = failures or []
        self.jobs: dict[str, Job] = {}
        self._uploads: dict[str, tuple[str, str]] = {}
        super().__init__(**knobs)

    def routes(self) -> list[Route]:
        """See :class:`PolledEmulator`."""
        job = r"/(?P<app>[\w.-]+/[\w.-]+)/requests/(?P<id>[\w-]+)"
        return [
            Route("POST", "/storage/auth/token", "login", self._token),
            Route("POST", "/storage/upload/initiate", "initiate", self._initiate),
            Route("PUT", "/bucket/(?P<id>[^/]+)", "put", self._put),
            Route("POST", "/files/upload", "cdn", self._cdn),
            Route("GET", f"{job}/status", "poll", self._status),
            Route("GET", job, "result", self._result),
            Route("PUT", f"{job}/cancel", "cancel", self._cancel),
            Route("POST", r"/(?P<model>[\w./-]+)", "submit", self._submit),
        ]

    def throttled(self, wait: float) -> Reply:
        """What the synchronous host says; the queue itself never does."""
        return Reply(429, {"detail": "Too Many Requests"}, {"Retry-After": str(max(1, round(wait)))})

    def _log_in(self, call: Call) -> None:
        if call.header("Authorization") != f"Key {self.key}":
            raise Refused(Reply(401, {"detail": "Cannot access application. Authentication is required."}))

    # -- the queue ------------------------------------------------------------------------------------------

    def _submit(self, call: Call) -> Reply:
        self._log_in(call)
        model = call.parts["model"]
        if model not in MODELS:
            raise Refused(Reply(404, {"detail": f"Application '{model.rpartition('/')[2]}' not found"}))
        if self.locked:
            raise Refused(Reply(403, {"detail": LOCKED}))
        if not isinstance(call.json, dict):
            raise Refused(
                Reply(422, {"detail": [{"loc": ["body"], "msg": "value is not a valid dict", "type": "dict"}]})
            )
        job = Job(str(uuid.uuid4()), model, call.json, self.polls)
        ahead = sum(one.status == "IN_QUEUE" for one in self.jobs.values())
        self.jobs[job.id] = job
        self.accept(job.id, str(job.body.get("prompt")), job.body)
        base = "https://queue.fal.run" if self.foreign else self.url
        own = f"{base}/{'/'.join(model.split('/')[:2])}/requests/{job.id}"
        shown = {"request_id": job.id, "status": "IN_QUEUE", "queue_position": ahead}
        return Reply(200, {**shown, "response_url": own, "status_url": f"{own}/status", "cancel_url": f"{own}/cancel"})

    def _known(self, call: Call) -> Job:
        self._log_in(call)
        job = self.jobs.get(call.parts["id"])
        if job is None or not job.model.startswith(call.parts["app"]):
            raise Refused(Reply(404, {"detail": "Request not found"}))
        return job

    def _status(self, call: Call) -> Reply:
        job = self._known(call)
        self._move()
        logs: list[Any] | None = [] if call.request.query.get("logs") in ("1", "true", "True") else None
        shown: dict[str, Any] = {"status": job.status, "request_id": job.id, "logs": logs}
        if job.status == "COMPLETED":
            assert job.result is not None
            shown["metrics"] = {"inference_time": 1.0}
            if job.result.status != 200:
                shown["error"] = str(job.result.body.get("detail"))
                shown["error_type"] = job.result.body.get("error_type", "invalid")
            return Reply(200, shown)
        if job.status == "IN_QUEUE":
            waiting = [one.id for one in self.jobs.values() if one.status == "IN_QUEUE"]
            shown["queue_position"] = waiting.index(job.id)
        return Reply(202, shown)

    def _move(self) -> None:
        """One step of all runners: those at work come nearer to their end, free ones take the next of the queue."""
        for job in self.jobs.values():
            if job.status == "IN_PROGRESS":
                job.left -= 1
                if job.left <= 0:
                    job.status, job.result = "COMPLETED", self._drawn(job)
        for job in self.jobs.values():
            busy = sum(one.status == "IN_PROGRESS" for one in self.jobs.values())
            if job.status == "IN_QUEUE" and busy < self.runners:
                job.status = "IN_PROGRESS"

    def _result(self, call: Call) -> Reply:
        job = self._known(call)
        if job.result is None:
            raise Refused(Reply(400, {"detail": "Request is still in progress"}))
        result = job.result
        return Reply(result.status, result.body, {**result.headers, "x-fal-request-id": job.id})

    def _cancel(self, call: Call) -> Reply:
        job = self._known(call)
        if job.status == "COMPLETED":
            return Reply(400, {"status": "ALREADY_COMPLETED"})
        return Reply(202, {"status": "CANCELLATION_REQUESTED"})

    def _drawn(self, job: Job) -> Reply:
        if self.failures:
            return self.failures.pop(0)
        wrong = self._wrong(job)
        if wrong:
            return Reply(422, {"detail": wrong}, {"X-Fal-Retryable": "false"})
        size = job.body.get("image_size") or {"width": 512, "height": 512}
        seed = job.body.get("seed", 7)
        unsafe = "nsfw" in job.body["prompt"].lower()
        scale = 4  # a quarter of the pixels' sides draws as well and faster
        data = draw(job.body["prompt"], seed, (size["width"] // scale, size["height"] // scale), "JPEG")
        picture = {
            "url": self.publish(f"{job.id}.jpg", data, "image/jpeg"),
            "width": size["width"],
            "height": size["height"],
            "content_type": "image/jpeg",
        }
        done = {"images": [picture], "timings": {}, "seed": seed, "has_nsfw_concepts": [unsafe]}
        return Reply(200, {**done, "prompt": job.body["prompt"]})

    def _wrong(self, job: Job) -> list[dict[str, Any]]:
        """What the model itself says about its arguments; it takes no notice of those it does not know."""
        body = job.body
        found: list[dict[str, Any]] = []
        if not isinstance(body.get("prompt"), str):
            found.append({"loc": ["body", "prompt"], "msg": "field required", "type": "missing"})
        elif "forbidden" in body["prompt"]:
            found.append(
                {
                    "loc": ["body", "prompt"],
                    "msg": "The content could not be processed because it contained material flagged by a content "
                    "checker.",
                    "type": "content_policy_violation",
                    "url": "https://docs.fal.ai/errors#content_policy_violation",
                    "input": {"prompt": body["prompt"]},
                }
            )
        if not isinstance(body.get("seed", 0), int):
            found.append({"loc": ["body", "seed"], "msg": "Input should be a valid integer", "type": "int_type"})
        size = body.get("image_size")
        if size is not None and not (isinstance(size, dict) and all(isinstance(one, int) for one in size.values())):
            found.append({"loc": ["body", "image_size"], "msg": "Input should be a valid size", "type": "model_type"})
        picture = body.get("image_url")
        if picture is not None and not self._readable(str(picture)):
            found.append({"loc": ["body", "image_url"], "msg": "Failed to load the image.", "type": "image_load_error"})
        return found

    def _readable(self, address: str) -> bool:
        if address.startswith("data:image/"):
            return len(base64.b64decode(address.partition(",")[2])) > 0
        return self.published(address) is not None

    # -- the storage ----------------------------------------------------------------------------------------

    def _token(self, call: Call) -> Reply:
        self._log_in(call)
        if call.request.query.get("storage_type") != "fal-cdn-v3" or call.json != {}:
            raise Refused(Reply(422, {"detail": "storage_type must be fal-cdn-v3"}))
        when = "2036-01-01T00:00:00+00:00"
        return Reply(200, {"token": CDN_TOKEN, "token_type": "Bearer", "base_url": self.url, "expires_at": when})

    def _initiate(self, call: Call) -> Reply:
        self._log_in(call)
        body = call.json
        wanted = {"file_name", "content_type"}
        if call.request.query.get("storage_type") != "gcs" or not isinstance(body, dict) or body.keys() != wanted:
            raise Refused(Reply(422, {"detail": "file_name and content_type are required"}))
        place = uuid.uuid4().hex
        self._uploads[place] = (str(body["file_name"]), str(body["content_type"]))
        file_url = f"{self.url}/pictures/{place}-{body['file_name']}"
        return Reply(200, {"upload_url": f"{self.url}/bucket/{place}", "file_url": file_url})

    def _put(self, call: Call) -> Reply:
        name, media_type = self._uploads.pop(call.parts["id"], ("", ""))
        if not name or call.header("Content-Type") != media_type:
            raise Refused(Reply(403, b"SignatureDoesNotMatch", {"Content-Type": "application/xml"}))
        if call.header("Authorization"):
            self.bill.stray.append(call.request.path)
        self.bill.stored.append(call.raw)
        self.publish(f"{call.parts['id']}-{name}", call.raw, media_type)
        return Reply(200, b"")

    def _cdn(self, call: Call) -> Reply:
        if call.header("Authorization") != f"Bearer {CDN_TOKEN}":
            raise Refused(Reply(401, {"detail": "Unauthorized"}))
        self.bill.stored.append(call.raw)
        name = f"{uuid.uuid4().hex}-{call.header('X-Fal-File-Name') or 'upload.bin'}"
        return Reply(200, {"access_url": self.publish(name, call.raw, call.header("Content-Type"))})
