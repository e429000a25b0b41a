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
    return _drawn(f"{request.attempt}\n{request.key}\n{request.prompt}", largest)


def drawn_seed(key: str, attempts: int, largest: int = LARGEST) -> int:
    """A seed from 1 to *largest* for a picture that is made again: another one after every attempt.

    :param attempts: how many there were at pictures of this character.
    """
    return _drawn(f"{key}\n{attempts}", largest)


def _drawn(text: str, largest: int) -> int:
    drawn = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    return 1 + int.from_bytes(drawn[:8], "big") % largest
