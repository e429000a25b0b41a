"""Both forms of a request, JSON and multipart, as one mapping of fields and a list of pictures."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from .checks import EDIT_FIELDS, FILES_OF_AN_EDIT, MAX_REFERENCES, check_picture
from .personalities import Personality
from .replies import Refused, error, missing, unknown_parameter, wrong_type


@dataclass
class Form:
    """A request taken apart."""

    kind: str
    """``"json"`` or ``"multipart"``."""
    fields: dict[str, Any]
    files: list[tuple[str, web.FileField, bytes]] = field(default_factory=list)
    """Part name, part, and its bytes."""


async def words_of(request: web.Request) -> str:
    """All the text of a request's body; also keeps the body for whoever reads it next."""
    if request.content_type != "multipart/form-data":
        return (await request.read()).decode("utf-8", "replace")
    try:
        return "\n".join(value for value in (await request.post()).values() if isinstance(value, str))
    except ValueError:  # no proper form, which reading it will say
        return ""


async def read_form(request: web.Request, allowed: frozenset[str]) -> Form:
    """The request's body.

    Raises:
        Refused: it is of another content type, or not what that type says.
    """
    kind = request.content_type
    if kind == "multipart/form-data" and "multipart" in allowed:
        form = Form("multipart", {})
        try:
            parts = await request.post()
        except ValueError:
            raise Refused(error(400, "Could not parse multipart form")) from None
        for name, value in parts.items():
            if isinstance(value, web.FileField):
                form.files.append((name, value, value.file.read()))
            elif name in form.fields:
                raise Refused(error(400, f"Duplicate parameter: '{name}'.", param=name, code="duplicate_parameter"))
            else:
                form.fields[name] = value
        return form
    if kind == "application/json" and "json" in allowed:
        try:
            document = json.loads(await request.read())
        except ValueError:
            raise Refused(error(400, "We could not parse the JSON body of your request.")) from None
        if not isinstance(document, dict):
            raise Refused(error(400, "We expected a JSON object in the body of your request."))
        return Form("json", document)
    wanted = " or ".join({"json": "application/json", "multipart": "multipart/form-data"}[one] for one in allowed)
    words = f"Unsupported content type: '{kind}'. This API method only accepts '{wanted}' requests"
    raise Refused(error(400, words, code="unsupported_content_type"))


def typed_fields(form: Form) -> dict[str, Any]:
    """The fields of a multipart form with the types that JSON would give them."""
    if form.kind == "json":
        return form.fields
    typed: dict[str, Any] = {}
    for name, text in form.fields.items():
        wanted = EDIT_FIELDS.get(name, (str,))[0]
        try:
            typed[name] = (
                int(text) if wanted is int else {"true": True, "false": False}[text] if wanted is bool else text
            )
        except (ValueError, KeyError):
            raise Refused(wrong_type(name, "an integer" if wanted is int else "a boolean", text)) from None
    return typed


def references_of_edit(
    form: Form, personality: Personality, file_data: Callable[[str], bytes | None]
) -> tuple[str, ...]:
    """The pictures an edit looks at, as digests or addresses, checked.

    Raises:
        Refused: there are none or too many, or one is no picture.
    """
    found: list[str] = []
    if form.kind == "multipart":
        for name, part, data in form.files:
            if name in FILES_OF_AN_EDIT:
                check_picture(data, name, ("PNG",))
                continue
            if name not in personality.edit_parts:
                raise Refused(unknown_parameter(name))
            kind = check_picture(data, name).lower()
            if part.content_type != f"image/{kind}":
                words = f"Invalid file '{name}': unsupported mimetype ('{part.content_type}')."
                raise Refused(error(400, words, param=name, code="unsupported_file_mimetype"))
            found.append(hashlib.sha256(data).hexdigest())
        names = [name for name, _, _ in form.files if name not in FILES_OF_AN_EDIT]
        if names.count("image") > 1:
            raise Refused(error(400, "Duplicate parameter: 'image'.", param="image", code="duplicate_parameter"))
    else:
        images = form.fields.get("images") or []
        for at, entry in enumerate(images if isinstance(images, list) else []):
            found.append(_reference(entry, f"images[{at}]", file_data))
    if not found:
        raise Refused(missing("image" if form.kind == "multipart" else "images"))
    if len(found) > MAX_REFERENCES:
        words = f"Invalid 'image': array too long. Expected an array with maximum length {MAX_REFERENCES}."
        raise Refused(error(400, words, param="image", code="array_above_max_length"))
    return tuple(found)


def references_in_fields(fields: dict[str, Any], personality: Personality) -> tuple[str, ...]:
    """The pictures a generation's JSON brings along, where the server takes them so."""
    found: list[str] = []
    for name in personality.reference_fields:
        value = fields.get(name)
        for entry in value if isinstance(value, list) else [] if value is None else [value]:
            found.append(_picture_in(entry, name))
    return tuple(found)


def _reference(entry: object, where: str, file_data: Callable[[str], bytes | None]) -> str:
    if not isinstance(entry, dict) or set(entry) not in ({"file_id"}, {"image_url"}):
        words = f"Invalid value for '{where}': expected exactly one of 'file_id' and 'image_url'."
        raise Refused(error(400, words, param=where, code="invalid_value"))
    if "file_id" in entry:
        data = file_data(entry["file_id"])
        if data is None:
            raise Refused(error(404, f"No such File object: {entry['file_id']}", param=where))
        check_picture(data, where)
        return hashlib.sha256(data).hexdigest()
    return _picture_in(entry["image_url"], where)


def _picture_in(text: object, where: str) -> str:
    """The digest of a picture given as data URI or base64; an address is taken as it is."""
    if not isinstance(text, str):
        raise Refused(wrong_type(where, "a string", text))
    if text.startswith(("http://", "https://")):
        return text
    head, comma, body = text.partition(",") if text.startswith("data:") else ("", ",", text)
    try:
        data = base64.b64decode(body, validate=True) if comma else b""
    except binascii.Error:
        data = b""
    kind = check_picture(data, where)
    if head and head != f"data:image/{kind.lower()};base64":
        raise Refused(error(400, f"Invalid image data in '{where}'.", param=where, code="invalid_image_format"))
    return hashlib.sha256(data).hexdigest()
