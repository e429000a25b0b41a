"""What the server does when nothing goes wrong: pictures, files, models."""

from __future__ import annotations

import base64
import hashlib
import itertools
import time
from typing import Any

from aiohttp import web

from ..pictures import draw
from .behaviour import Behaviour
from .bill import Bill, Generation, LoggedRequest, StoredFile
from .checks import Asked, read_fields
from .forms import read_form, references_in_fields, references_of_edit, typed_fields
from .limits import Denial
from .replies import CATALOGUE, NO_ROUTE, Refused, Reply, error, json_reply, missing, unknown_parameter, wrong_value
from .usage import usage_of

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
SHORTEST_EXPIRY, LONGEST_EXPIRY = 3600, 2_592_000


class Service:
    """State and deeds. Methods raise :class:`Refused` with the answer that refuses."""

    def __init__(self, behaviour: Behaviour, bill: Bill) -> None:
        self.behaviour = behaviour
        self.bill = bill
        self.files: dict[str, StoredFile] = {}
        self.pictures: dict[str, tuple[bytes, str]] = {}
        self._numbers = itertools.count(1)

    # -- pictures

    async def picture(
        self, request: web.Request, record: LoggedRequest, key: str, base: str, now: float, request_id: str
    ) -> Reply:
        """``/images/generations`` and ``/images/edits``."""
        behaviour = self.behaviour
        personality = behaviour.personality
        edit = record.endpoint == "edits"
        form = await read_form(request, personality.edits if edit else frozenset({"json"}))
        record.form = form.kind
        fields = typed_fields(form)
        record.fields = {name: value for name, value in fields.items() if name not in personality.reference_fields}
        deployment = request.path.partition("/deployments/")[2].partition("/")[0]
        if deployment:
            fields = {**fields, "model": deployment}
        if edit and form.kind == "multipart" and "images" in fields:
            raise Refused(unknown_parameter("images"))
        asked = read_fields(fields, personality, edit=edit)
        if edit:
            references = references_of_edit(form, personality, self._file_data(key))
        else:
            references = references_in_fields(fields, personality)
        record.references = len(references)
        self._admit(asked, len(references), key, now)
        usage = usage_of(asked.prompt, asked.quality, asked.size, len(references), asked.n)
        items = []
        for _ in range(asked.n):
            data = self._draw(asked)
            items.append({**personality.item, **self._item(asked, data, base)})
            self.bill.made(
                Generation(
                    record.endpoint,
                    key,
                    asked.prompt,
                    asked.model,
                    asked.size,
                    asked.quality,
                    references,
                    hashlib.sha256(data).hexdigest(),
                    usage if personality.usage else {},
                    request_id,
                )
            )
        document: dict[str, Any] = {"created": int(time.time()), "data": items}
        if personality.usage:
            quality = "medium" if asked.quality == "auto" else asked.quality
            document |= {
                "background": asked.background,
                "output_format": asked.output_format,
                "quality": quality,
                "size": f"{asked.size[0]}x{asked.size[1]}",
                "usage": usage,
            }
        return json_reply(document)

    def _admit(self, asked: Asked, references: int, key: str, now: float) -> None:
        behaviour = self.behaviour
        if not behaviour.verified:
            raise Refused(CATALOGUE["unverified"])
        if any(word in asked.prompt for word in behaviour.blocked_words):
            raise Refused(CATALOGUE["moderation_blocked"])
        if behaviour.pictures_left is not None and behaviour.pictures_left < asked.n:
            raise Refused(CATALOGUE["insufficient_quota"])
        limit = behaviour.limit
        if limit is not None:
            denial = limit.take(key, asked.n + references, now)
            if denial is not None:
                raise Refused(self._denied(denial, asked.model))
        if behaviour.pictures_left is not None:
            behaviour.pictures_left -= asked.n

    def _denied(self, denial: Denial, model: str) -> Reply:
        """The 429 of the images per minute, as it was captured."""
        told = self.behaviour.wait_in
        if denial.limit == 0:
            return CATALOGUE["limit_zero"]
        numbers = f"Limit {denial.limit}, Used {denial.used}, Requested {denial.requested}."
        if denial.wait is None:
            numbers = f"Limit {denial.limit}, Requested {denial.requested}."
        words = (
            f"Rate limit reached for {model} (for limit gpt-image) in organization org-emulator"
            f" on input-images per min: {numbers}"
        )
        if denial.wait is not None and "text" in told:
            wait = f"{denial.wait:.3f}".rstrip("0").rstrip(".")
            words += (
                f" Please try again in {wait}s. Visit https://platform.openai.com/account/rate-limits to learn more."
            )
        reply = error(429, words, kind="input-images", code="rate_limit_exceeded")
        if denial.wait is not None and "headers" in told:
            milliseconds = max(1, round(denial.wait * 1000))
            reply = reply.with_headers(retry_after=str(-(-milliseconds // 1000)), retry_after_ms=str(milliseconds))
        return reply

    def _draw(self, asked: Asked) -> bytes:
        kind = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP"}[asked.output_format]
        return draw(asked.prompt, next(self._numbers), asked.size, kind)

    def _item(self, asked: Asked, data: bytes, base: str) -> dict[str, object]:
        form = self.behaviour.answer or asked.answer
        media_type = f"image/{asked.output_format}"
        if form == "b64_json":
            return {"b64_json": base64.b64encode(data).decode()}
        if form == "data":
            return {"url": f"data:{media_type};base64,{base64.b64encode(data).decode()}"}
        name = f"b64{len(self.pictures) + 1}.{asked.output_format}"
        self.pictures[name] = data, media_type
        return {"url": f"{base if form == 'url' else ''}/generated-images/{name}"}

    # -- files

    def _file_data(self, key: str) -> Any:
        def data_of(file_id: object) -> bytes | None:
            found = self.files.get(str(file_id))
            return found.data if found is not None and found.key == key else None

        return data_of

    async def upload(self, request: web.Request, record: LoggedRequest, key: str) -> Reply:
        """``POST /files``."""
        form = await read_form(request, frozenset({"multipart"}))
        record.form, record.fields = form.kind, dict(form.fields)
        for name in (*form.fields, *(name for name, _, _ in form.files)):
            if name not in ("file", "purpose", "expires_after[anchor]", "expires_after[seconds]"):
                raise Refused(unknown_parameter(name))
        if [name for name, _, _ in form.files] != ["file"]:
            raise Refused(missing("file"))
        purpose = form.fields.get("purpose")
        if purpose is None:
            raise Refused(missing("purpose"))
        if purpose not in PURPOSES:
            raise Refused(wrong_value("purpose", f"'{purpose}' is not one of {list(PURPOSES)} - 'purpose'"))
        _, part, data = form.files[0]
        if not data:
            raise Refused(error(400, "The file is empty.", param="file", code="empty_file"))
        created = int(time.time())
        stored = StoredFile(
            f"file-{hashlib.sha256(f'{key}{next(self._numbers)}'.encode()).hexdigest()[:22]}",
            key,
            hashlib.sha256(data).hexdigest(),
            len(data),
            part.filename,
            part.content_type,
            purpose,
            created,
            self._expiry(form.fields, created),
            data,
        )
        self.files[stored.id] = stored
        self.bill.stored(stored)
        return json_reply(_file_object(stored))

    def _expiry(self, fields: dict[str, Any], created: int) -> int | None:
        anchor, seconds = fields.get("expires_after[anchor]"), fields.get("expires_after[seconds]")
        if anchor is None and seconds is None:
            return None
        if anchor != "created_at":
            raise Refused(wrong_value("expires_after.anchor", "Supported anchors: 'created_at'."))
        lives = int(seconds) if seconds is not None and seconds.isdigit() else 0
        if not SHORTEST_EXPIRY <= lives <= LONGEST_EXPIRY:
            words = f"Invalid 'expires_after.seconds': expected a value from {SHORTEST_EXPIRY} to {LONGEST_EXPIRY}."
            raise Refused(error(400, words, param="expires_after.seconds", code="integer_out_of_range"))
        return created + lives

    def list_files(self, key: str) -> Reply:
        """``GET /files``."""
        own = [_file_object(one) for one in self.files.values() if one.key == key]
        return json_reply({"object": "list", "data": own, "has_more": False})

    def one_file(self, method: str, file_id: str, content: bool, key: str) -> Reply:
        """``GET`` and ``DELETE /files/{id}``, ``GET /files/{id}/content``."""
        found = self.files.get(file_id)
        if found is None or found.key != key:
            raise Refused(error(404, f"No such File object: {file_id}", param="id"))
        if method == "DELETE":
            del self.files[file_id]
            return json_reply({"id": file_id, "object": "file", "deleted": True})
        return Reply(200, found.data, content_type=found.media_type) if content else json_reply(_file_object(found))

    # -- models

    def models(self, name: str | None) -> Reply:
        """``GET /models`` and ``GET /models/{id}``."""
        personality = self.behaviour.personality
        listed = [
            {"id": one, "object": "model", "created": 1_776_000_000, "owned_by": personality.name}
            for one in personality.models
        ]
        if personality.bare_list:
            chat = {"id": "meta-llama/Llama-5-8B", "object": "model", "created": 0, "type": "chat"}
            return json_reply([*({**one, "type": "image"} for one in listed), chat])
        if name is None:
            return json_reply({"object": "list", "data": listed})
        for one in listed:
            if one["id"] == name:
                return json_reply(one)
        raise Refused(error(404, f"The model '{name}' does not exist", param="model", code="model_not_found"))

    def stored_picture(self, name: str) -> Reply:
        """An address that an answer named."""
        if name not in self.pictures:
            raise Refused(NO_ROUTE)
        data, media_type = self.pictures[name]
        return Reply(200, data, content_type=media_type)


def _file_object(stored: StoredFile) -> dict[str, Any]:
    return {
        "id": stored.id,
        "object": "file",
        "bytes": stored.size,
        "created_at": stored.created,
        "expires_at": stored.expires,
        "filename": stored.name,
        "purpose": stored.purpose,
        "status": "processed",
    }
