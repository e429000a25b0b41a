"""What a lane uploads once, however many of its jobs ask for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from charimg.errors import InvalidRequestError, ThrottledError
from charimg.model import ImageFacts, SavedImage
from charimg.uploads import UploadedOnce, read_saved


class Service:
    """Takes an upload and gives it a number; says no as long as it is told to."""

    def __init__(self) -> None:
        self.taken = 0
        self.refusals = 0
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def upload(self) -> int:
        await self.goes_on.wait()
        await asyncio.sleep(0)
        self.taken += 1
        if self.refusals:
            self.refusals -= 1
            raise ThrottledError("too many", possibly_charged=True)
        return self.taken


async def test_those_who_ask_at_once_share_one_upload() -> None:
    """Five jobs with the same style picture put it there once; another picture is another upload."""
    service, shelf = Service(), UploadedOnce[int]()

    given = await asyncio.gather(*(shelf.put("style", service.upload) for _ in range(5)))
    other = await shelf.put("other", service.upload)

    assert (given, other, service.taken) == ([1] * 5, 2, 2)
    assert shelf.kept() == (1, 2)


async def test_what_no_longer_serves_is_uploaded_again() -> None:
    """One that has run out, and one that the service was found to have lost."""
    service = Service()
    shelf = UploadedOnce[int](lambda one: one != 1)

    given = [await shelf.put("style", service.upload) for _ in range(3)]
    shelf.forget(lambda one: one == 2)
    given.append(await shelf.put("style", service.upload))

    assert given == [1, 2, 2, 3]


async def test_a_refusal_is_heard_once_by_all_who_wait_and_was_not_charged() -> None:
    """Five jobs do not ask five times for the same no; who comes later asks anew."""
    service, shelf = Service(), UploadedOnce[int]()
    service.refusals = 1

    told = await asyncio.gather(*(shelf.put("style", service.upload) for _ in range(5)), return_exceptions=True)
    later = await shelf.put("style", service.upload)

    assert {type(one) for one in told} == {ThrottledError}
    assert not any(one.possibly_charged for one in told if isinstance(one, ThrottledError))
    assert (later, service.taken) == (2, 2)


async def test_one_who_is_cancelled_leaves_the_upload_to_the_next() -> None:
    """The others get theirs, and nothing is left under way."""
    service, shelf = Service(), UploadedOnce[int]()
    service.goes_on.clear()
    first = asyncio.create_task(shelf.put("style", service.upload))
    second = asyncio.create_task(shelf.put("style", service.upload))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    service.goes_on.set()

    assert await second == 1
    assert first.cancelled()
    assert service.taken == 1


async def test_a_saved_picture_that_is_gone_is_told_in_one_line(tmp_path: Path) -> None:
    """With the file's name and the system's reason."""
    path = tmp_path / "gopal.png"
    picture = SavedImage("gopal", "Gopal", path, ImageFacts("png", 1, 1, "0" * 64, 1))
    with pytest.raises(InvalidRequestError, match=r"cannot read .*gopal\.png: No such file"):
        await read_saved(picture)
    path.write_bytes(b"bytes")

    assert await read_saved(picture) == b"bytes"
