"""The emulated Replicate."""

from __future__ import annotations

import base64
import re
import uuid
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from ..pictures import draw
from ..polled import Call, PolledEmulator, Refused, Reply, Route
from .catalogue import INPUTS, OFFICIAL, VERSION, faults_of, model

TEST_TOKEN = "r8_emulatorEmulatorEmulatorEmulator0001"
MAX_INLINE = 256 * 1024
"""Bytes: a larger ``data:`` address in an input is refused; files are for that."""
FIELDS = {"input", "version", "webhook", "webhook_completed", "webhook_events_filter", "stream"}


@dataclass
class Prediction:
    """One prediction."""

    id: str
    model: str
    input: dict[str, Any]
    left: int
    status: str = "starting"
    error: str | None = None
    output: Any = None
    logs: str = ""
    file: str = field(default="", repr=False)


class ReplicateEmulator(PolledEmulator):
    """``async with ReplicateEmulator(windows=[Window(6, 60)]) as service: service.url``.

    :param token: the one that is accepted.
    :param takes: seconds a prediction takes by its own account: a ``Prefer: wait`` of as many gets the picture at once.
    :param credit: pictures that are paid for; ``None`` for as many as one likes.
    """

    def __init__(
        self, *, token: str = TEST_TOKEN, takes: float = 30.0, credit: int | None = None, **knobs: Any
    ) -> None:
        self.token, self.takes, self.credit = token, takes, credit
        self.predictions: dict[str, Prediction] = {}
        self.files: dict[str, dict[str, Any]] = {}
        super().__init__(**knobs)

    def routes(self) -> list[Route]:
        """See :class:`PolledEmulator`."""
        model_path = r"/v1/models/(?P<owner>[^/]+)/(?P<name>[^/]+)"
        return [
            Route("GET", "/v1/account", "account", self._account),
            Route("GET", "/v1/collections/(?P<slug>[^/]+)", "collection", self._collection),
            Route("GET", model_path, "model", self._model),
            Route("POST", f"{model_path}/predictions", "submit", self._create),
            Route("POST", "/v1/predictions", "submit", self._create),
            Route("GET", "/v1/predictions/(?P<id>[^/]+)", "poll", self._get),
            Route("POST", "/v1/predictions/(?P<id>[^/]+)/cancel", "cancel", self._cancel),
            Route("POST", "/v1/files", "file", self._store),
            Route("GET", "/v1/files/(?P<id>[^/]+)", "file-info", self._file),
            Route("DELETE", "/v1/files/(?P<id>[^/]+)", "file-delete", self._delete),
        ]

    def throttled(self, wait: float) -> Reply:
        """The documented 429, with its wait in the text."""
        return _problem(
            429, "Request was throttled", f"Request was throttled. Your rate limit resets in ~{max(1, round(wait))}s."
        )

    def unknown(self) -> Reply:
        """See :class:`PolledEmulator`."""
        return _problem(404, "Not found", "The requested resource could not be found.")

    def _log_in(self, call: Call) -> None:
        if call.header("Authorization") != f"Bearer {self.token}":
            raise Refused(_problem(401, "Unauthenticated", "You did not pass a valid authentication token"))

    def _account(self, call: Call) -> Reply:
        self._log_in(call)
        return Reply(200, {"type": "user", "username": "gopal", "name": "Gopal Bhar", "github_url": None})

    def _collection(self, call: Call) -> Reply:
        self._log_in(call)
        if call.parts["slug"] != "text-to-image":
            raise Refused(self.unknown())
        models = [model(name, brief=True) for name in OFFICIAL]
        return Reply(200, {"name": "Text to image", "slug": "text-to-image", "description": "", "models": models})

    def _model(self, call: Call) -> Reply:
        self._log_in(call)
        name = f"{call.parts['owner']}/{call.parts['name']}"
        if name not in INPUTS:
            raise Refused(self.unknown())
        return Reply(200, model(name))

    def _create(self, call: Call) -> Reply:
        self._log_in(call)
        body = call.json
        if not isinstance(body, dict) or not isinstance(body.get("input"), dict):
            raise Refused(_problem(422, "Input validation failed", "- input is required\n"))
        strange = sorted(body.keys() - FIELDS)
        if strange:
            raise Refused(
                _problem(422, "Input validation failed", f"- Additional property {strange[0]} is not allowed\n")
            )
        name = self._named(call, body)
        wrong = faults_of(name, body["input"])
        if wrong:
            text = "".join(f"- {where}: {words}\n" for where, words in wrong)
            raise Refused(_problem(422, "Input validation failed", text))
        held = _held(call.header("Prefer"))
        if self.credit is not None and len(self.bill.made) >= self.credit:
            raise Refused(
                _problem(
                    402,
                    "Insufficient credit",
                    "You have insufficient credit to run this model. Go to "
                    "https://replicate.com/account/billing#billing to purchase credit. Once you purchase credit, "
                    "please wait a few minutes before trying again.",
                )
            )
        prediction = Prediction(uuid.uuid4().hex[:26], name, body["input"], self.polls)
        self.predictions[prediction.id] = prediction
        self.accept(prediction.id, prediction.input["prompt"], body)
        if held is not None and held >= self.takes:
            prediction.left = 0
            self._finish(prediction)
        return Reply(201 if held is not None else 202, self._shown(prediction))

    def _named(self, call: Call, body: dict[str, Any]) -> str:
        if "owner" not in call.parts:
            if body.get("version") != VERSION:
                raise Refused(_problem(422, "Invalid version or not permitted", "The specified version does not exist"))
            return "a-stranger/sdxl"
        name = f"{call.parts['owner']}/{call.parts['name']}"
        if name not in OFFICIAL or "version" in body:
            raise Refused(self.unknown())
        return name

    def _known(self, call: Call) -> Prediction:
        self._log_in(call)
        found = self.predictions.get(call.parts["id"])
        if found is None:
            raise Refused(self.unknown())
        return found

    def _get(self, call: Call) -> Reply:
        prediction = self._known(call)
        if prediction.status in ("starting", "processing"):
            prediction.left -= 1
            if prediction.left <= 0:
                self._finish(prediction)
            else:
                prediction.status = "processing"
                done = self.polls - prediction.left
                percent = 100 * done // self.polls
                prediction.logs = f"Using seed: 4\n {percent}%|####      | {done}/{self.polls} [00:01<00:01]\n"
        return Reply(200, self._shown(prediction))

    def _cancel(self, call: Call) -> Reply:
        prediction = self._known(call)
        if prediction.status in ("starting", "processing"):
            prediction.status = "canceled"
        return Reply(200, self._shown(prediction))

    def _finish(self, prediction: Prediction) -> None:
        asked = prediction.input
        prediction.status = "failed"
        pictures = [asked[name] for name in ("input_image",) if name in asked] + list(asked.get("input_images", ()))
        if any(self._reference(picture) is None for picture in pictures):
            prediction.error = "cannot identify image file"
        elif "nsfw" in asked["prompt"].lower():
            prediction.error = "NSFW content detected. Try running it again, or try a different prompt."
        elif "explode" in asked["prompt"].lower():
            prediction.error = "Prediction interrupted; please retry (code: PA)"
        else:
            prediction.status = "succeeded"
            across, _, down = str(asked.get("aspect_ratio", "1:1")).partition(":")
            size = (64 * int(across), 64 * int(down)) if across.isdigit() else (256, 256)
            data = draw(asked["prompt"], int(asked.get("seed", 0)), size, "WEBP")
            address = self.publish(f"{prediction.id}/out-0.webp", data, "image/webp")
            prediction.output = [address] if prediction.model.endswith("flux-schnell") else address

    def _reference(self, address: object) -> bytes | None:
        text = str(address)
        if text.startswith("data:"):
            data = base64.b64decode(text.partition(",")[2])
            return data if len(data) <= MAX_INLINE else None
        found = re.fullmatch(re.escape(self.url) + "/v1/files/(.+)", text)
        stored = self.files.get(found[1]) if found else None
        return stored["data"] if stored else None

    def _shown(self, prediction: Prediction) -> dict[str, Any]:
        own = f"{self.url}/v1/predictions/{prediction.id}"
        done = prediction.status not in ("starting", "processing")
        return {
            "id": prediction.id,
            "model": prediction.model,
            "version": "hidden",
            "input": prediction.input,
            "logs": prediction.logs,
            "output": prediction.output,
            "data_removed": False,
            "error": prediction.error,
            "status": prediction.status,
            "created_at": "2026-11-22T00:00:00Z",
            "started_at": "2026-11-22T00:00:00Z" if done else None,
            "completed_at": "2026-11-22T00:00:01Z" if done else None,
            "metrics": {"predict_time": 1.0} if done else {},
            "urls": {"get": own, "cancel": f"{own}/cancel", "stream": f"{self.url}/stream/{prediction.id}"},
        }

    def _store(self, call: Call) -> Reply:
        self._log_in(call)
        parts = _parts(call)
        if "content" not in parts:
            raise Refused(_problem(400, "Bad request", "Missing content"))
        data, name, kind = parts["content"]
        self.bill.stored.append(data)
        file = {
            "id": uuid.uuid4().hex[:20],
            "name": name,
            "content_type": kind,
            "size": len(data),
            "etag": "e",
            "checksums": {"sha256": "0"},
            "metadata": {},
            "created_at": "2026-11-22T00:00:00Z",
            "expires_at": "2030-11-23T00:00:00.000Z",
        }
        self.files[str(file["id"])] = {"data": data, **file}
        return Reply(201, {**file, "urls": {"get": f"{self.url}/v1/files/{file['id']}"}})

    def _stored(self, call: Call) -> dict[str, Any]:
        self._log_in(call)
        found = self.files.get(call.parts["id"])
        if found is None:
            raise Refused(self.unknown())
        return found

    def _file(self, call: Call) -> Reply:
        shown = {name: value for name, value in self._stored(call).items() if name != "data"}
        return Reply(200, {**shown, "urls": {"get": f"{self.url}/v1/files/{shown['id']}"}})

    def _delete(self, call: Call) -> Reply:
        del self.files[self._stored(call)["id"]]
        return Reply(204)


def _problem(status: int, title: str, detail: str) -> Reply:
    return Reply(
        status,
        {"title": title, "detail": detail, "status": status},
        {"Content-Type": "application/problem+json"},
    )


def _held(prefer: str) -> float | None:
    """Seconds the answer may be held back; ``None`` without the header."""
    if not prefer or prefer == "respond-async":
        return None
    found = re.fullmatch(r"wait(?:=(\d+))?", prefer)
    seconds = int(found[1] or 60) if found else 0
    if not 1 <= seconds <= 60:
        raise Refused(_problem(400, "Bad request", f"Invalid Prefer header: {prefer}"))
    return float(seconds)


def _parts(call: Call) -> dict[str, tuple[bytes, str, str]]:
    """The parts of a multipart form: bytes, file name, type."""
    head = f"Content-Type: {call.header('Content-Type')}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + call.raw)
    found: dict[str, tuple[bytes, str, str]] = {}
    if message.is_multipart():
        for part in message.iter_parts():
            name = str(part.get_param("name", header="content-disposition"))
            payload = part.get_payload(decode=True)
            found[name] = (
                payload if isinstance(payload, bytes) else b"",
                part.get_filename() or "",
                part.get_content_type(),
            )
    return found
