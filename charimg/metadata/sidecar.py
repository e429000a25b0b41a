"""Sidecars: the record as a small JSON file beside a picture that cannot, or shall not, carry it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from charimg.metadata.record import MAX_RECORD_BYTES, PictureMetadata, from_tree, parsed, sound_line, to_tree


@dataclass(frozen=True)
class Sidecar:
    """What a sidecar says."""

    metadata: PictureMetadata
    file: str = ""
    """The name the picture had when the sidecar was written."""
    sha256: str = ""
    """Hex digest of the picture file; tells whether the sidecar is this picture's."""


def sidecar_of(picture: Path) -> Path:
    """Where the sidecar of *picture* stands: ``anna.png.json`` beside ``anna.png``."""
    return picture.with_name(f"{picture.name}.json")


def to_sidecar(metadata: PictureMetadata, *, file: str = "", sha256: str = "") -> bytes:
    """The sidecar's bytes, for people to read.

    :param file: the picture's file name.
    :param sha256: hex digest of the picture file as it stands on the disk.
    """
    about = {"file": sound_line(file), "sha256": sha256}
    tree = to_tree(metadata) | {name: value for name, value in about.items() if value}
    return (json.dumps(tree, ensure_ascii=False, indent=2) + "\n").encode()


def read_sidecar(data: bytes) -> Sidecar | None:
    """All that a sidecar says; ``None`` for any other bytes."""
    tree = parsed(data[: MAX_RECORD_BYTES + 1].decode("utf-8-sig", errors="replace"))
    metadata = None if tree is None else from_tree(tree)
    if tree is None or metadata is None:
        return None
    file, sha256 = tree.get("file"), tree.get("sha256")
    return Sidecar(
        metadata,
        sound_line(file) if isinstance(file, str) else "",
        sound_line(sha256) if isinstance(sha256, str) else "",
    )


def from_sidecar(data: bytes) -> PictureMetadata | None:
    """The record of a sidecar; ``None`` for any other bytes."""
    sidecar = read_sidecar(data)
    return None if sidecar is None else sidecar.metadata
