"""Every picture explains itself: the record of its making, written into its file without touching a pixel.

::

    record      PictureMetadata, its bounds, its JSON form
    png, jpeg, webp, gif
                where a file of this format carries the record
      xmp       the packet that the last three share
    sidecar     the same record in a file beside the picture

All functions are pure, work on bytes, and take files of strangers: they read no more than they must, in time and
memory that grow with the file and with nothing that is written in it, and never raise.
"""

from __future__ import annotations

from charimg.metadata import gif, jpeg, png, webp
from charimg.metadata.record import PictureMetadata
from charimg.metadata.sidecar import Sidecar, from_sidecar, read_sidecar, sidecar_of, to_sidecar

__all__ = [
    "PictureMetadata",
    "Sidecar",
    "embed",
    "from_sidecar",
    "read_metadata",
    "read_sidecar",
    "sidecar_of",
    "to_sidecar",
]


def embed(data: bytes, metadata: PictureMetadata) -> bytes | None:
    """The picture's bytes with the record in them, every pixel and every other byte as it was.

    A record that is there already is replaced. A JPEG has room for 64 KB: longer texts end with an ellipsis there.

    :returns: ``None`` where the file must stay as it is, because it carries signed content credentials (C2PA), because
        its structure is odd, or because the format has no place for it; the record belongs into a sidecar then.
    """
    if data.startswith(png.SIGNATURE):
        return png.embed(data, metadata)
    if data.startswith(jpeg.SIGNATURE):
        return jpeg.embed(data, metadata)
    if webp.is_webp(data):
        return webp.embed(data, metadata)
    if data.startswith(gif.SIGNATURES):
        return gif.embed(data, metadata)
    return None


def read_metadata(data: bytes) -> PictureMetadata | None:
    """The record a picture's bytes carry; ``None`` for all bytes that carry none."""
    if data.startswith(png.SIGNATURE):
        return png.read(data)
    if data.startswith(jpeg.SIGNATURE):
        return jpeg.read(data)
    if webp.is_webp(data):
        return webp.read(data)
    if data.startswith(gif.SIGNATURES):
        return gif.read(data)
    return None
