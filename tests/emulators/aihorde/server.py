"""The emulated AI Horde."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass, field
from typing import Any

from ..pictures import draw
from ..polled import Call, PolledEmulator, Refused, Reply, Route, Window
from .checks import faults_of, is_large

ANONYMOUS = "0000000000"
OWN_KEY = "emulatorHordeKey000001"
LIFE = 1200.0
"""Seconds after which a job is forgotten."""
KUDOS = 11.0
WORKER = "b1f5e6a0-0000-4000-8000-000000000001"


def limits() -> list[Window]:
    """The Horde's limits of requests from one address."""
    return [
        Window(90, 60.0, ("submit",)),
        Window(2, 1.0, ("submit",)),
        Window(10, 1.0, ("check",)),
        Window(10, 60.0, ("status",)),
    ]


@dataclass
class Job:
    """One job."""

    id: str
    body: dict[str, Any]
    key: str
    left: int
    born: float
    faulted: bool = False
    possible: bool = True
    generations: list[dict[str, Any]] = field(default_factory=list)


class AiHordeEmulator(PolledEmulator):
    """``async with AiHordeEmulator(busy=True) as service: service.url`` (the API is below ``/v2``).

    :param keys: keys of users, beside the anonymous one.
    :param models: those that somebody serves, with the number of workers.
    :param busy: kudos are asked for larger jobs.
    :param concurrency: jobs a user may have at once.
    :param maintenance: the Horde takes no jobs.
    :param limited: whether requests are limited by address, as they are at the real one.
    :param nameless_blocked: those who send no ``Client-Agent`` are refused, as happens at times (horde_sdk sends none).
    """

    key_headers = ("apikey", "Authorization")

    def __init__(
        self,
        *,
        keys: tuple[str, ...] = (OWN_KEY,),
        models: dict[str, int] | None = None,
        busy: bool = False,
        concurrency: int = 30,
        maintenance: bool = False,
        limited: bool = True,
        nameless_blocked: bool = False,
        **knobs: Any,
    ) -> None:
        self.keys = keys
        self.models = {"AlbedoBase XL (SDXL)": 12, "Deliberate": 3} if models is None else models
        self.busy, self.concurrency, self.maintenance = busy, concurrency, maintenance
        self.nameless_blocked = nameless_blocked
        self.jobs: dict[str, Job] = {}
        windows = [*(limits() if limited else ()), *knobs.pop("windows", ())]
        super().__init__(windows=windows, **knobs)

    def routes(self) -> list[Route]:
        """See :class:`PolledEmulator`."""
        return [
            Route("GET", "/v2/find_user", "user", self._user),
            Route("GET", "/v2/status/models", "models", self._models),
            Route("POST", "/v2/generate/async", "submit", self._submit),
            Route("GET", "/v2/generate/check/(?P<id>[^/]+)", "check", self._check),
            Route("GET", "/v2/generate/status/(?P<id>[^/]+)", "status", self._status),
            Route("DELETE", "/v2/generate/status/(?P<id>[^/]+)", "delete", self._delete),
        ]

    def throttled(self, wait: float) -> Reply:
        """What its limiter says."""
        return Reply(429, {"message": "2 per 1 second"}, {"Retry-After": str(max(1, int(wait + 0.999)))})

    def unknown(self) -> Reply:
        """See :class:`PolledEmulator`."""
        return Reply(404, {"message": "The requested URL was not found on the server."})

    def _log_in(self, call: Call) -> str:
        nameless = call.header("Client-Agent") in ("", "unknown:0:unknown")
        if self.nameless_blocked and nameless:
            raise Refused(Reply(403, {"message": "Access from unknown clients is blocked."}))
        key = call.header("apikey")
        if key != ANONYMOUS and key not in self.keys:
            raise _refusal(401, "No user matching sent API Key. Have you remembered to register?", "InvalidAPIKey")
        return key

    def _user(self, call: Call) -> Reply:
        key = call.header("apikey")
        if key == ANONYMOUS:
            return Reply(200, {"username": "Anonymous#0", "id": 0, "kudos": 0.0, "concurrency": 30})
        if key not in self.keys:
            raise _refusal(404, "No user matching sent API Key. Have you remembered to register?", "UserNotFound")
        return Reply(200, {"username": "gopal#7", "id": 7, "kudos": 120.0, "concurrency": 30})

    def _models(self, call: Call) -> Reply:
        del call
        return Reply(
            200,
            [
                {
                    "name": name,
                    "count": count,
                    "performance": 1e6,
                    "queued": 4.0,
                    "jobs": 1.0,
                    "eta": 9,
                    "type": "image",
                }
                for name, count in self.models.items()
            ],
        )

    def _submit(self, call: Call) -> Reply:
        key = self._log_in(call)
        if self.maintenance:
            raise _refusal(400, "Horde has entered maintenance mode.", "MaintenanceMode")
        body = call.json
        wrong = faults_of(body)
        if wrong:
            raise _refusal(400, *wrong)
        if self.busy and is_large(body):
            raise _refusal(
                403,
                "This request requires 25.5 kudos to fulfil. Due to heavy demand, for requests over 576x576 or over 50 "
                "steps you need kudos upfront.",
                "KudosUpfront",
            )
        if not any(name in self.models for name in body.get("models") or self.models):
            raise _refusal(
                400,
                "No active worker found to fulfill this request. Please Try again later...",
                "NoValidWorkers",
            )
        mine = sum(job.key == key and not job.generations for job in self.jobs.values())
        if mine >= self.concurrency:
            raise _refusal(
                429,
                f"Parallel requests ({mine + 1}) exceeded user limit ({self.concurrency}). Please try again later or "
                "request to increase your concurrency.",
                "TooManyPrompts",
            )
        if body.get("dry_run"):
            return Reply(200, {"kudos": KUDOS})
        job = Job(str(uuid.uuid4()), body, key, self.polls, self.now())
        self.jobs[job.id] = job
        self.accept(job.id, body["prompt"], body)
        return Reply(202, {"id": job.id, "kudos": KUDOS, "warnings": []})

    def _known(self, call: Call) -> Job:
        job = self.jobs.get(call.parts["id"])
        if job is None or self.now() - job.born > LIFE:
            raise _refusal(404, f"Request with ID '{call.parts['id']}' not found.", "RequestNotFound")
        return job

    def _check(self, call: Call) -> Reply:
        job = self._known(call)
        if job.left > 0:
            job.left -= 1
        if job.left <= 0 and not job.generations and not job.faulted and job.possible:
            job.generations.append(self._drawn(job))
        return Reply(200, self._shown(job))

    def _status(self, call: Call) -> Reply:
        job = self._known(call)
        return Reply(200, {**self._shown(job), "generations": job.generations, "shared": False})

    def _delete(self, call: Call) -> Reply:
        job = self._known(call)
        del self.jobs[job.id]
        return Reply(200, {**self._shown(job), "generations": job.generations, "shared": False})

    def _drawn(self, job: Job) -> dict[str, Any]:
        params = job.body.get("params", {})
        prompt, seed = job.body["prompt"], str(params.get("seed", "1234"))
        size = (params.get("width", 512) // 2, params.get("height", 512) // 2)
        data = draw(prompt, int(seed), size, "WEBP")
        r2 = job.body.get("r2", True)
        place = self.publish(f"{job.id}.webp", data, "image/webp") if r2 else base64.b64encode(data).decode()
        return {
            "img": place,
            "seed": seed,
            "id": str(uuid.uuid4()),
            "censored": "nsfw" in prompt.lower(),
            "gen_metadata": [],
            "worker_id": WORKER,
            "worker_name": "a volunteer",
            "model": (job.body.get("models") or list(self.models))[0],
            "state": "ok",
        }

    def _shown(self, job: Job) -> dict[str, Any]:
        done = bool(job.generations)
        at_work = not done and job.left == 1
        return {
            "finished": int(done),
            "processing": int(at_work),
            "restarted": 0,
            "waiting": int(not done and not at_work),
            "done": done,
            "faulted": job.faulted,
            "wait_time": 6 * job.left,
            "queue_position": max(0, job.left - 1),
            "kudos": KUDOS,
            "is_possible": job.possible,
        }


def _refusal(status: int, message: str, code: str) -> Refused:
    body = {"message": message, **({"rc": code} if code else {})}
    return Refused(Reply(status, body))
