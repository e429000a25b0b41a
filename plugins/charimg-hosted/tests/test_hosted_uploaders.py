"""The uploaders: Replicate's files for a day, fal's storage for ever or for days."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from charimg_hosted.fal.uploader import FalUploader
from charimg_hosted.replicate.uploader import ReplicateUploader

from charimg.errors import ExhaustedError, FatalError, FlakyError, InvalidRequestError, ThrottledError
from charimg.model import utc_now
from tests.emulators.polled import Reply

KINDS = {"replicate": ReplicateUploader, "fal": FalUploader}
FIRST = {"replicate": "file", "fal": "initiate"}
"""The endpoint that an upload asks first."""


@pytest.mark.parametrize("name", KINDS)
async def test_an_upload_gives_an_address_and_is_made_once(open_lane: Any, name: str) -> None:
    """The bytes arrive as they are; the same bytes again are not uploaded again."""
    lane = await open_lane(name)
    uploader = KINDS[name](lane.context(KINDS[name]))
    await uploader.open()
    picture = lane.saved()

    first = await uploader.upload(picture)
    again = await uploader.upload(picture)

    assert first.id == again.id
    assert first.id.startswith(lane.emulator.url)
    assert (first.kind, first.uploader) == ("url", name)
    assert lane.emulator.bill.stored == [picture.path.read_bytes()]
    assert lane.emulator.bill.stray == []


async def test_replicates_files_expire_and_belong_to_the_lane(open_lane: Any) -> None:
    """The moment is the service's own; another account cannot read the file."""
    lane = await open_lane("replicate")

    reference = await ReplicateUploader(lane.context(ReplicateUploader)).upload(lane.saved())

    assert reference.expires_at == datetime(2030, 11, 23, tzinfo=timezone.utc)
    assert reference.lane == "replicate"


async def test_a_file_that_states_no_expiry_lives_a_day(open_lane: Any) -> None:
    """As the documents say."""
    lane = await open_lane("replicate")
    lane.emulator.add_fault(Reply(201, {"id": "f1", "urls": {"get": "https://x/f1"}, "expires_at": None}), "file")

    reference = await ReplicateUploader(lane.context(ReplicateUploader)).upload(lane.saved())

    assert reference.expires_at is not None
    assert abs(reference.expires_at - utc_now() - timedelta(hours=24)) < timedelta(minutes=1)


async def test_a_file_about_to_expire_is_uploaded_again(open_lane: Any) -> None:
    """A reference that would not last is no reference."""
    lane = await open_lane("replicate")
    uploader = ReplicateUploader(lane.context(ReplicateUploader))
    soon = (utc_now() + timedelta(minutes=5)).isoformat()
    lane.emulator.add_fault(Reply(201, {"id": "f1", "urls": {"get": "https://x/f1"}, "expires_at": soon}), "file")
    await uploader.upload(lane.saved())

    reference = await uploader.upload(lane.saved())

    assert reference.id.startswith(lane.emulator.url)


@pytest.mark.parametrize(("days", "expires"), [(0, False), (7, True)])
async def test_fals_storage_keeps_as_long_as_asked(open_lane: Any, days: int, expires: bool) -> None:
    """Public, so valid in every lane; with a lifetime only where one is wanted."""
    lane = await open_lane("fal")

    reference = await FalUploader(lane.context(FalUploader, keep_days=days)).upload(lane.saved())

    initiate = next(one for one in lane.emulator.bill.asked if one.endpoint == "initiate")
    assert reference.lane == ""
    assert (reference.expires_at is not None) is expires
    assert ("x-fal-object-lifecycle" in initiate.headers) is expires


@pytest.mark.parametrize("place", ["http://10.0.0.1/x", "http://example.com/x", "https://127.0.0.1/x", "ftp://x"])
async def test_fals_storage_is_not_followed_anywhere(open_lane: Any, place: str) -> None:
    """The picture goes to an encrypted public address or to the service itself."""
    lane = await open_lane("fal")
    lane.emulator.add_fault(Reply(200, {"upload_url": place, "file_url": "https://x/y"}), "initiate")

    with pytest.raises(FlakyError, match="not public or not encrypted"):
        await FalUploader(lane.context(FalUploader)).upload(lane.saved())


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        (Reply(429, {"detail": "Too Many Requests"}, {"Retry-After": "7"}), ThrottledError),
        (Reply(402, {"title": "Insufficient credit", "detail": "Insufficient credit"}), ExhaustedError),
        (Reply(200, {"nothing": "here"}), FlakyError),
        (Reply(200, b"no json"), FlakyError),
    ],
)
async def test_what_refusals_mean(open_lane: Any, name: str, reply: Reply, wanted: type[Exception]) -> None:
    """Uploads meet quotas too, and a picture on disk is not lost by them."""
    lane = await open_lane(name)
    lane.emulator.add_fault(reply, FIRST[name])

    with pytest.raises(wanted):
        await KINDS[name](lane.context(KINDS[name])).upload(lane.saved())


@pytest.mark.parametrize("name", KINDS)
async def test_a_wrong_key_closes_the_lane(open_lane: Any, name: str) -> None:
    """Before anything is uploaded."""
    lane = await open_lane(name)

    with pytest.raises(FatalError, match="charimg keys set"):
        await KINDS[name](lane.context(KINDS[name], key="not-the-key")).open()


@pytest.mark.parametrize("name", KINDS)
async def test_a_picture_that_is_gone_is_told(open_lane: Any, name: str) -> None:
    """The user removed it meanwhile."""
    lane = await open_lane(name)
    picture = lane.saved()
    picture.path.unlink()

    with pytest.raises(InvalidRequestError, match="cannot read"):
        await KINDS[name](lane.context(KINDS[name])).upload(picture)
