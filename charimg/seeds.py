"""A seed for a request that names none, so that every picture can be made again."""

from __future__ import annotations

import hashlib

from charimg.model import ImageRequest

LARGEST = 2**31 - 1
"""The largest seed that every service takes."""


def seed_of(request: ImageRequest, largest: int = LARGEST) -> int:
    """The character's own seed, or one from 1 to *largest* that is drawn from the attempt's id.

    Another attempt is another picture, and the same attempt asks for the same one. Zero is never drawn: some services
    take it for "any".
    """
    if request.seed is not None:
        return request.seed
    drawn = hashlib.sha256(f"{request.attempt}\n{request.key}\n{request.prompt}".encode("utf-8", "replace")).digest()
    return 1 + int.from_bytes(drawn[:8], "big") % largest
