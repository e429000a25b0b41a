"""The uploader over real sockets."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from openai_lane import Lane, MakeLane

from charimg.errors import FlakyError, InvalidRequestError, ThrottledError
from charimg.model import MediaReference, utc_now
from tests.emulators.openai_images import OpenAIEmulator


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_a_picture_becomes_a_file_with_an_id(openai: OpenAIEmulator, lane: Lane, kind: str) -> None:
    """The very bytes, filed for vision, under a name with the right ending."""
    path = lane.picture(kind=kind)

    reference = await lane.uploader.upload(lane.saved(path))

    (stored,) = openai.bill.uploads
    assert reference == MediaReference(stored.id, kind="id", uploader="openai", lane="openai")
    assert stored.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (stored.purpose, stored.media_type) == ("vision", f"image/{kind.lower()}")
    assert stored.name.endswith(".jpg" if kind == "JPEG" else f".{kind.lower()}")


async def test_an_expiry_is_asked_for_and_kept(openai: OpenAIEmulator, lane_for: MakeLane) -> None:
    """What the service answers is what the reference says."""
    lane = lane_for(openai.base_url, expires_after=7200, purpose="user_data")

    reference = await lane.uploader.upload(lane.saved(lane.picture()))

    (stored,) = openai.bill.uploads
    assert (stored.purpose, stored.expires) == ("user_data", stored.created + 7200)
    assert reference.expires_at == datetime.fromtimestamp(stored.created + 7200, timezone.utc)


async def test_the_same_bytes_are_uploaded_once_a_run(openai: OpenAIEmulator, lane: Lane) -> None:
    """Also when asked for at once."""
    saved = lane.saved(lane.picture())

    found = await asyncio.gather(*(lane.uploader.upload(saved) for _ in range(4)))
    again = await lane.uploader.upload(saved)

    assert openai.bill.calls("files") == len(openai.bill.uploads) == 1
    assert {one.id for one in (*found, again)} == {openai.bill.uploads[0].id}


async def test_one_that_is_broken_off_leaves_the_upload_to_the_others(openai: OpenAIEmulator, lane: Lane) -> None:
    """They get one reference, and nothing outlives the one that was broken off."""
    saved = lane.saved(lane.picture())
    openai.add_fault("hang", endpoint="files", times=1)
    first = asyncio.create_task(lane.uploader.upload(saved))
    while not openai.bill.calls("files"):
        await asyncio.sleep(0.005)
    others = [asyncio.create_task(lane.uploader.upload(saved)) for _ in range(3)]
    await asyncio.sleep(0)
    first.cancel()
    found = await asyncio.gather(*others)

    assert first.cancelled()
    assert {one.id for one in found} == {openai.bill.uploads[-1].id}
    assert openai.bill.calls("files") == 2


async def test_a_failed_upload_is_tried_again_by_the_next_caller(openai: OpenAIEmulator, lane: Lane) -> None:
    """Nothing of the failure is kept."""
    openai.add_fault("overloaded", endpoint="files", times=1)
    saved = lane.saved(lane.picture())
    with pytest.raises(ThrottledError):
        await lane.uploader.upload(saved)

    assert (await lane.uploader.upload(saved)).id == openai.bill.uploads[0].id


@pytest.mark.parametrize(
    ("changes", "spared"),
    [({}, True), ({"lane": "openai@work"}, False), ({"uploader": "gemini"}, False), ({"kind": "url"}, False)],
)
async def test_a_reference_that_serves_spares_the_upload(
    openai: OpenAIEmulator, lane: Lane, changes: dict[str, str], spared: bool
) -> None:
    """Only one of this very account that has not expired."""
    whole: dict[str, Any] = {"kind": "id", "uploader": "openai", "lane": "openai", **changes}
    media = MediaReference("file-1", **whole)
    expired = MediaReference("file-1", "id", "openai", "openai", expires_at=utc_now() - timedelta(seconds=1))

    found = await lane.uploader.upload(lane.saved(lane.picture(), media))
    await lane.uploader.upload(lane.saved(lane.picture("blue"), expired))

    assert (found.id == "file-1") is spared
    assert len(openai.bill.uploads) == (1 if spared else 2)


async def test_an_answer_without_an_id_is_flaky(openai: OpenAIEmulator, lane: Lane) -> None:
    """The picture is on disk; the upload may be tried again."""
    openai.add_fault("no_picture", endpoint="files")

    with pytest.raises(FlakyError, match="took the picture of Gopal but sent no id"):
        await lane.uploader.upload(lane.saved(lane.picture()))


async def test_a_file_that_vanished_is_told(openai: OpenAIEmulator, lane: Lane) -> None:
    """With its path; nothing is sent."""
    saved = lane.saved(lane.picture())
    saved.path.unlink()

    with pytest.raises(InvalidRequestError, match="cannot read"):
        await lane.uploader.upload(saved)

    assert openai.bill.log() == []
