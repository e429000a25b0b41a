"""Media ids as Whisk makes them: unpadded base64url of a small protobuf message."""

from __future__ import annotations

import base64


def _varint(number: int) -> bytes:
    out: list[int] = []
    while True:
        number, low = number >> 7, number & 0x7F
        if not number:
            return bytes([*out, low])
        out.append(low | 0x80)


def _field(number: int, value: str) -> bytes:
    raw = value.encode()
    return _varint(number << 3 | 2) + _varint(len(raw)) + raw


def _encode(message: bytes) -> str:
    return base64.urlsafe_b64encode(message).decode("ascii").rstrip("=")


def whisk_media_id(workflow: str, step: int, key: str) -> str:
    """The id of the *step*-th medium of a workflow; *key* is the medium's own UUID. Starts ``CAMa``."""
    return _encode(b"\x08\x03" + _field(3, workflow) + _field(4, _encode(b"\x08" + _varint(step))) + _field(5, key))


def asset_media_id(key: str) -> str:
    """The id of a medium of the asset lane, which starts ``CAMS``; what follows the head is assumed."""
    return _encode(b"\x08\x03" + _field(2, key))
