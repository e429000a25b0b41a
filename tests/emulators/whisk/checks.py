"""Strict reading of requests: required fields, known enums, whole numbers, base64 that is a real picture.

Every failure raises :class:`~.replies.Refused` with the service's own answer and the reason in plain words,
which goes to the log (the real service says only "Request contains an invalid argument.").
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import re
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from PIL import Image

from .pictures import SIZES
from .replies import INVALID_ARGUMENT, Refused, Reply, reason_reply

ASPECTS = frozenset(SIZES)
CATEGORIES = frozenset(f"MEDIA_CATEGORY_{name}" for name in ("SUBJECT", "SCENE", "STYLE", "BOARD"))
REFERENCE_CATEGORIES = CATEGORIES - {"MEDIA_CATEGORY_BOARD"}
TOOLS = frozenset({"BACKBONE", "IMAGE_FX", "PINHOLE", "ASSET_MANAGER"})
MAX_UPLOAD = 20 * 1024 * 1024
"""Bytes of a decoded upload (the limit Flow documents)."""
_FORMATS = {"PNG": "png", "JPEG": "jpeg", "WEBP": "webp"}
_DATA_URI = re.compile(r"data:(image/[a-z0-9.+-]+);base64,")


def refuse(why: str, reply: Reply = INVALID_ARGUMENT) -> Refused:
    """The refusal to raise."""
    return Refused(reply, why)


def an_object(value: Any, name: str) -> dict[str, Any]:
    """*value* as a JSON object."""
    if not isinstance(value, dict):
        raise refuse(f"{name} must be an object, not {type(value).__name__}")
    return value


def a_text(holder: dict[str, Any], name: str, *, empty: bool = False, optional: bool = False) -> str:
    """The text field *name*; without *empty* it must have more than blanks, an *optional* one may be absent."""
    value = holder.get(name)
    if value is None and optional:
        return ""
    if not isinstance(value, str):
        raise refuse(f"{name} must be a text, not {type(value).__name__}")
    if not empty and not value.strip():
        raise refuse(f"{name} is empty")
    return value


def one_of(holder: dict[str, Any], name: str, known: Collection[str]) -> str:
    """The enum field *name*."""
    value = holder.get(name)
    if not isinstance(value, str) or value not in known:
        raise refuse(f"{name} cannot be {value!r}: one of {', '.join(sorted(known))}")
    return value


def a_count(holder: dict[str, Any], name: str, most: int) -> int:
    """The whole number *name* from 1 to *most*."""
    value = holder.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise refuse(f"{name} cannot be {value!r}: 1 to {most}")
    return value


def a_seed(holder: dict[str, Any]) -> int:
    """The seed: a whole number that fits in 32 bits; absent or ``null`` counts as 0."""
    value = holder.get("seed")
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**31) <= value < 2**31:
        raise refuse(f"seed cannot be {value!r}: a whole number of 32 bits")
    return value


def a_context(holder: dict[str, Any], *, required: bool = True, workflow: bool = True) -> dict[str, Any]:
    """The ``clientContext``.

    Nothing smaller than ``{"workflowId": …}`` was ever seen to work for the calls that need one; the session
    id's value is not checked, only that it is a text.
    """
    if holder.get("clientContext") is None and not required:
        return {}
    context = an_object(holder.get("clientContext"), "clientContext")
    a_text(context, "sessionId", empty=True, optional=True)
    if context.get("tool") is not None:
        one_of(context, "tool", TOOLS)
    a_text(context, "workflowId", empty=not workflow, optional=not workflow)
    return context


@dataclass(frozen=True)
class ReceivedPicture:
    """An upload that proved to be a picture."""

    data: bytes
    format: str
    width: int
    height: int
    declared: str | None
    """The MIME type of the data URI, if it came as one."""

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def aspect(self) -> str:
        """The aspect whose proportions are nearest to the picture's."""
        return min(
            (name for name in SIZES if not name.endswith("UNSPECIFIED")),
            key=lambda name: abs(SIZES[name][0] / SIZES[name][1] - self.width / self.height),
        )

    def fits(self, aspect: str) -> bool:
        """Whether the picture lies or stands (or does neither) as *aspect* says."""
        if aspect.endswith("UNSPECIFIED"):
            return True
        width, height = SIZES[aspect]
        return (self.width > self.height) - (self.width < self.height) == (width > height) - (width < height)


def a_picture(holder: dict[str, Any], name: str, *, data_uri: bool) -> ReceivedPicture:
    """The base64 field *name*, decoded and looked at; *data_uri* allows the ``data:`` prefix."""
    text = a_text(holder, name)
    prefix = _DATA_URI.match(text) if data_uri else None
    try:
        data = base64.b64decode(text[prefix.end() :] if prefix else text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise refuse(f"{name} is not plain base64: {error}") from None
    if len(data) > MAX_UPLOAD:
        raise refuse(f"{name} has {len(data)} bytes", reason_reply("IMAGE_TOO_LARGE"))
    unknown = reason_reply("UNKNOWN_IMAGE_FILE_FORMAT")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                image.load()
                format_, (width, height) = _FORMATS.get(image.format or ""), image.size
    # Pillow raises many kinds (OSError, SyntaxError, struct.error…) for broken files.
    except Exception as error:
        raise refuse(f"{name} is not a picture: {error}", unknown) from None
    if format_ is None:
        raise refuse(f"{name} is a picture of a kind that is not taken", unknown)
    return ReceivedPicture(data, format_, width, height, prefix.group(1) if prefix else None)
