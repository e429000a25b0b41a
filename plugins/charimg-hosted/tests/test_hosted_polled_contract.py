"""The kit's contract suites for the polled services and their uploaders: everything a provider promises."""

from __future__ import annotations

from typing import ClassVar

from charimg_hosted.aihorde.generator import AiHordeGenerator
from charimg_hosted.bfl.generator import BflGenerator
from charimg_hosted.fal.generator import FalGenerator
from charimg_hosted.fal.uploader import FalUploader
from charimg_hosted.replicate.generator import ReplicateGenerator
from charimg_hosted.replicate.uploader import ReplicateUploader

from charimg.model import Verdict
from charimg.testing import Answer, Asked, GeneratorContract, Reply, Route, Service, Trouble, UploaderContract

ACCOUNT = Route("GET", "/v1/account", {"username": "gopal"})


def replicate_model(asked: Asked) -> dict[str, object]:
    """A model with the usual inputs."""
    names = {"prompt": {}, "seed": {}, "aspect_ratio": {"enum": ["1:1", "9:16"]}, "input_image": {"type": "string"}}
    schemas = {"Input": {"properties": names}}
    return {"latest_version": {"id": asked.parts["name"], "openapi_schema": {"components": {"schemas": schemas}}}}


def prediction(asked: Asked) -> dict[str, object]:
    """One poll: at work, then done."""
    if not asked.polls:
        return {"id": asked.ticket, "status": "processing", "logs": ""}
    return {"id": asked.ticket, "status": "succeeded", "output": [asked.picture.url], "model": "owner/model"}


class TestReplicate(GeneratorContract):
    """An official model, polled."""

    provider = ReplicateGenerator
    service = Service(
        Route(
            "POST",
            "/v1/models/{owner}/{name}/predictions",
            lambda asked: Reply(201, {"id": asked.ticket, "status": "starting"}),
        ),
        ACCOUNT,
        Route("GET", "/v1/models/{owner}/{name}", replicate_model),
        Route("GET", "/v1/predictions/{id}", prediction),
    )


class TestReplicateAtOnce(GeneratorContract):
    """The picture comes within the wait."""

    provider = ReplicateGenerator
    service = Service(
        Route(
            "POST",
            "/v1/models/{owner}/{name}/predictions",
            lambda asked: Reply(201, {"id": asked.ticket, "status": "succeeded", "output": asked.picture.url}),
        ),
        ACCOUNT,
        Route("GET", "/v1/models/{owner}/{name}", replicate_model),
        Route(
            "GET",
            "/v1/predictions/{id}",
            lambda asked: {"id": asked.ticket, "status": "succeeded", "output": asked.picture.url},
        ),
    )


def fal_submit(asked: Asked) -> dict[str, object]:
    """A place in the queue."""
    own = f"{asked.address}/fal-ai/flux/requests/{asked.ticket}"
    return {"request_id": asked.ticket, "status": "IN_QUEUE", "response_url": own, "status_url": f"{own}/status"}


def fal_status(asked: Asked) -> Reply:
    """One poll: queued, then done."""
    return Reply(200, {"status": "COMPLETED"}) if asked.polls else Reply(202, {"status": "IN_QUEUE"})


FAL_LOGIN = Route("POST", "/storage/auth/token", {"token": "t0k3n-of-the-storage", "token_type": "Bearer"})


class TestFal(GeneratorContract):
    """The queue."""

    provider = FalGenerator
    service = Service(
        Route("POST", "/fal-ai/flux/dev", fal_submit),
        FAL_LOGIN,
        Route("GET", "/fal-ai/flux/requests/{id}/status", fal_status),
        Route("GET", "/fal-ai/flux/requests/{id}", lambda asked: {"images": [{"url": asked.picture.url}], "seed": 1}),
    )
    own_troubles: ClassVar = (
        Trouble("locked", 403, {"detail": "User is locked. Reason: Exhausted balance."}, Verdict.EXHAUSTED),
        Trouble("runner", 503, {"detail": "x", "error_type": "runner_scheduling_failure"}, Verdict.THROTTLED),
    )


def bfl_poll(asked: Asked) -> dict[str, object]:
    """One poll: not known yet, pending, then ready."""
    status = ("Task not found", "Pending", "Ready")[min(asked.polls, 2)]
    return {"id": asked.ticket, "status": status, "result": {"sample": asked.picture.url, "seed": 1}}


class TestBfl(GeneratorContract):
    """A task with a regional address."""

    provider = BflGenerator
    service = Service(
        Route(
            "POST",
            "/v1/flux-2-pro",
            lambda asked: {
                "id": asked.ticket,
                "polling_url": f"{asked.address}/us1/v1/get_result?id={asked.ticket}",
                "cost": 4,
            },
        ),
        Route("GET", "/v1/credits", {"credits": 120.0}),
        Route("GET", "/us1/v1/get_result", bfl_poll),
    )


def horde_check(asked: Asked) -> dict[str, object]:
    """One poll: waiting, then done."""
    return {"done": bool(asked.polls), "faulted": False, "is_possible": True, "wait_time": 1, "queue_position": 1}


def horde_status(asked: Asked) -> dict[str, object]:
    """The result."""
    made = {"img": asked.picture.url, "seed": "1", "censored": False, "model": "m", "state": "ok"}
    return {"done": True, "faulted": False, "kudos": 11.0, "generations": [made]}


class TestAiHorde(GeneratorContract):
    """A job, with a key."""

    provider = AiHordeGenerator
    service = Service(
        Route("POST", "/v2/generate/async", lambda asked: Reply(202, {"id": asked.ticket, "kudos": 11.0})),
        Route("GET", "/v2/find_user", {"username": "gopal#7", "kudos": 1.0}),
        Route("GET", "/v2/generate/check/{id}", horde_check),
        Route("GET", "/v2/generate/status/{id}", horde_status),
    )
    own_troubles: ClassVar = (
        Trouble("kudos", 403, {"message": "needs kudos", "rc": "KudosUpfront"}, Verdict.EXHAUSTED),
        Trouble("nobody", 400, {"message": "No worker", "rc": "NoValidWorkers"}, Verdict.THROTTLED, wait=600.0),
        Trouble("corrupt", 400, {"message": "no", "rc": "CorruptPrompt"}, Verdict.REJECTED),
    )


def replicate_file(asked: Asked) -> Answer:
    """The file's address, the same for the same bytes."""
    address = f"{asked.address}/v1/files/{asked.picture_id}"
    return Reply(201, {"id": asked.picture_id, "urls": {"get": address}, "expires_at": "2036-01-01T00:00:00Z"})


class TestReplicateFiles(UploaderContract):
    """Files for a day."""

    provider = ReplicateUploader
    service = Service(Route("POST", "/v1/files", replicate_file), ACCOUNT)


def fal_place(asked: Asked) -> dict[str, object]:
    """Where the picture goes, and where it will be."""
    own = f"{asked.address}/files/{asked.ticket}"
    return {"upload_url": f"{own}?permission=1", "file_url": own}


class TestFalStorage(UploaderContract):
    """The storage: an address first, then the bytes."""

    provider = FalUploader
    service = Service(
        Route("POST", "/storage/upload/initiate", fal_place),
        FAL_LOGIN,
        Route("PUT", "/files/{id}", b""),
    )
