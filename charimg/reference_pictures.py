"""The user's own reference pictures, read and checked before they are sent anywhere."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field
from pathlib import Path

from charimg.errors import FlakyError, InvalidRequestError
from charimg.images import inspect
from charimg.model import ImageFacts, Reference

MAX_BYTES = 32 * 1024 * 1024
"""Bytes: the largest reference picture that is read; services take 20 MB and less."""


@dataclass(frozen=True)
class ReferencePicture:
    """One reference picture, ready to be sent."""

    reference: Reference
    data: bytes = field(repr=False)
    """The file's bytes as they are."""
    facts: ImageFacts

    @property
    def label(self) -> str:
        """How messages name it."""
        return _label(self.reference.path)

    @property
    def media_type(self) -> str:
        """The MIME type by its content, as ``image/jpeg``."""
        return self.facts.media_type

    @property
    def file_name(self) -> str:
        """A plain file name with the extension of its real format, in ASCII, for multipart forms."""
        return f"reference-{self.facts.sha256[:12]}{self.facts.extension}"

    @property
    def base64(self) -> str:
        """The bytes as standard base64."""
        return base64.b64encode(self.data).decode()

    @property
    def data_uri(self) -> str:
        """The bytes as a ``data:`` address."""
        return f"data:{self.media_type};base64,{self.base64}"


async def read_reference(reference: Reference) -> ReferencePicture:
    """Read and decode one reference picture.

    :raises InvalidRequestError: the file cannot be read, is too large, or is no picture.
    """
    return await asyncio.to_thread(_read, reference)


def _read(reference: Reference) -> ReferencePicture:
    """Runs in a thread: it reads and decodes."""
    path = reference.path
    label = _label(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidRequestError(f"{label} cannot be read: {error.strerror or error} ({path})") from error
    if len(data) > MAX_BYTES:
        raise InvalidRequestError(f"{label} is larger than {MAX_BYTES // (1024 * 1024)} MB; make it smaller ({path})")
    try:
        return ReferencePicture(reference, data, inspect(data))
    except FlakyError as error:
        raise InvalidRequestError(f"{label} is no usable picture: PNG, JPEG or WebP ({path})") from error


def _label(path: Path) -> str:
    return f"reference picture '{path.name}'"
