"""Pictures that are put at a service: read once they are saved, and uploaded once a run.

What several uploaders and generators would each write again: the bytes of a saved picture, and the memory of what a
lane has already put there.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from charimg.errors import InvalidRequestError, ProviderError
from charimg.model import SavedImage

T = TypeVar("T")


async def read_saved(picture: SavedImage) -> bytes:
    """The bytes of a saved picture.

    :raises InvalidRequestError: the file cannot be read.
    """
    try:
        return await asyncio.to_thread(picture.path.read_bytes)
    except OSError as error:
        raise InvalidRequestError(f"cannot read {picture.path}: {error.strerror or error}") from error


class UploadedOnce(Generic[T]):
    """What a lane has put at its service in this run, each thing once, however many jobs ask for it at once.

    :param serves: whether the service still has what an upload gave, and for long enough.
    """

    def __init__(self, serves: Callable[[T], bool] = lambda _: True) -> None:
        self._serves = serves
        self._kept: dict[Hashable, T] = {}
        self._refused: dict[Hashable, ProviderError] = {}
        self._turns: defaultdict[Hashable, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def put(self, key: Hashable, upload: Callable[[], Awaitable[T]]) -> T:
        """What an earlier upload gave, or else this one.

        Who asks while another uploads waits for its end and shares it, its failure too; one who is cancelled leaves
        the upload to the next in line. The errors leave without ``possibly_charged``: an upload costs nothing.

        :param key: the same for what may be uploaded once, such as the digest of the bytes.
        """
        refused_before = self._refused.get(key)
        async with self._turns[key]:
            kept = self._kept.get(key)
            if kept is not None and self._serves(kept):
                return kept
            refused = self._refused.get(key)
            if refused is not None and refused is not refused_before:
                raise refused
            try:
                kept = self._kept[key] = await upload()
            except ProviderError as error:
                error.possibly_charged = False
                self._refused[key] = error
                raise
            return kept

    def kept(self) -> tuple[T, ...]:
        """What the uploads so far have given, as far as it was not forgotten."""
        return tuple(self._kept.values())

    def forget(self, gone: Callable[[T], bool]) -> None:
        """The service no longer knows these: who asks next uploads again."""
        self._kept = {key: one for key, one in self._kept.items() if not gone(one)}
