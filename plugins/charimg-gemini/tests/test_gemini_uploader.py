"""The uploader over real sockets: resumable uploads, expiry, and who gets the key."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta

import pytest
from gemini_lane import Lane, MakeLane

from charimg.errors import FatalError, FlakyError, InvalidRequestError, ThrottledError
from charimg.model import Reference, utc_now
from tests.emulators.gemini import TEST_KEY, GeminiEmulator, Reply, json_reply


async def test_an_upload_gives_the_uri_and_its_end(gemini: GeminiEmulator, lane: Lane) -> None:
    """The file lives for 48 hours, and belongs to the lane."""
    path = lane.picture()
    reference = await lane.uploader.upload(lane.saved(path))

    (upload,) = gemini.bill.uploads
    assert reference.id == f"{gemini.url}/v1beta/{upload.name}"
    assert (reference.kind, reference.uploader, reference.lane) == ("id", "gemini", "gemini")
    assert reference.expires_at is not None
    assert abs(reference.expires_at - utc_now() - timedelta(hours=48)) < timedelta(minutes=1)
    assert (upload.sha256, upload.mime_type) == (hashlib.sha256(path.read_bytes()).hexdigest(), "image/png")


async def test_the_same_bytes_are_uploaded_once_while_the_file_lives(gemini: GeminiEmulator, lane: Lane) -> None:
    """Also when they are wanted at once, by the uploader and as a reference."""
    saved = lane.saved(lane.picture())

    first, second = await asyncio.gather(lane.uploader.upload(saved), lane.uploader.upload(saved))
    other = await lane.uploader.upload(lane.saved(lane.picture("blue")))

    assert first == second != other
    assert len(gemini.bill.uploads) == 2


async def test_an_expired_file_is_uploaded_again(gemini: GeminiEmulator, lane: Lane) -> None:
    """The core asks again when the recorded end is past."""
    gemini.behaviour.file_lifetime = 1.0
    saved = lane.saved(lane.picture())

    first = await lane.uploader.upload(saved)
    second = await lane.uploader.upload(saved)

    assert first.id != second.id


async def test_an_uploaded_picture_serves_as_a_reference(gemini: GeminiEmulator, lane_for: MakeLane) -> None:
    """Generator and uploader of a lane share what they have uploaded."""
    lane = lane_for(gemini.url, references="files")
    path = lane.picture()
    await lane.uploader.upload(lane.saved(path))

    await lane.generator.generate(lane.request(references=(Reference(path),)))

    assert gemini.bill.generations[0].references == (gemini.bill.uploads[0].name,)
    assert len(gemini.bill.uploads) == 1


async def test_a_large_picture_goes_in_chunks(
    gemini: GeminiEmulator, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as it takes, each where the one before it ended."""
    monkeypatch.setattr("charimg_gemini.shelf.CHUNK", 64)
    gemini.behaviour.upload_granularity = 64
    path = lane.picture(kind="WEBP", size=(300, 300))

    await lane.uploader.upload(lane.saved(path))

    (upload,) = gemini.bill.uploads
    size = path.stat().st_size
    assert upload.chunks == -(-size // 64) > 1
    assert (upload.size, upload.sha256) == (size, hashlib.sha256(path.read_bytes()).hexdigest())


async def test_the_bytes_travel_without_the_key(gemini: GeminiEmulator, lane: Lane) -> None:
    """The upload's address is the credential."""
    await lane.uploader.upload(lane.saved(lane.picture()))

    (chunk,) = gemini.bill.log("upload")
    assert chunk.key is None
    assert TEST_KEY not in str(chunk.headers)


async def test_an_upload_address_at_a_stranger_is_not_used(gemini: GeminiEmulator, lane: Lane) -> None:
    """Neither key nor picture go to another host; the user is told."""
    async with GeminiEmulator() as stranger:
        gemini.behaviour.upload_host = stranger.url
        with pytest.raises(FatalError, match="another service"):
            await lane.uploader.upload(lane.saved(lane.picture()))

        assert stranger.bill.log() == []
    assert gemini.bill.uploads == []


@pytest.mark.parametrize(
    ("endpoint", "then"),
    [
        ("start", "no-upload-url"),
        ("upload", Reply(200, b"", {"X-Goog-Upload-Status": "final"})),
        ("upload", json_reply({"file": {"name": "files/x"}}, X_Goog_Upload_Status="final")),
        ("upload", json_reply({}, X_Goog_Upload_Status="cancelled")),
        ("upload", "truncated-json"),
        ("upload", json_reply({"file": {"name": "files/x", "uri": "https://x", "state": "FAILED"}})),
    ],
)
async def test_an_odd_answer_is_flaky_and_nothing_is_remembered(
    gemini: GeminiEmulator, lane: Lane, endpoint: str, then: str | Reply
) -> None:
    """The next try uploads anew."""
    fault = gemini.add_fault(then, endpoint=endpoint, times=1)
    saved = lane.saved(lane.picture())
    with pytest.raises(FlakyError) as failed:
        await lane.uploader.upload(saved)

    reference = await lane.uploader.upload(saved)

    assert fault.used == 1
    assert not failed.value.possibly_charged
    assert reference.id.endswith(gemini.bill.uploads[-1].name)


async def test_a_lost_upload_was_not_paid_for(gemini: GeminiEmulator, lane: Lane) -> None:
    """Files are free: nobody is told that something may have been charged."""
    gemini.add_fault("drop-after-accept", endpoint="upload")

    with pytest.raises(ThrottledError) as failed:
        await lane.uploader.upload(lane.saved(lane.picture()))

    assert not failed.value.possibly_charged


async def test_a_cancelled_upload_does_not_stop_the_others(gemini: GeminiEmulator, lane: Lane) -> None:
    """Who waits for the same picture takes its turn."""
    gemini.add_fault("hang", endpoint="start", times=1)
    saved = lane.saved(lane.picture())
    first = asyncio.create_task(lane.uploader.upload(saved))
    while not gemini.bill.log("start"):
        await asyncio.sleep(0.01)
    second = asyncio.create_task(lane.uploader.upload(saved))
    await asyncio.sleep(0)
    first.cancel()

    reference = await second

    assert reference.id.endswith(gemini.bill.uploads[0].name)
    assert len(gemini.bill.log("start")) == 2


async def test_a_file_that_is_gone_from_the_disk_is_told(lane: Lane) -> None:
    """One line with its path."""
    path = lane.picture()
    saved = lane.saved(path)
    path.unlink()

    with pytest.raises(InvalidRequestError, match="cannot read"):
        await lane.uploader.upload(saved)
