"""The uploader over real sockets."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from whisk_lane import Lane, MakeLane

from charimg.errors import (
    ExhaustedError,
    FlakyError,
    InvalidRequestError,
    ProviderError,
    RejectedError,
    ThrottledError,
)
from charimg.model import MediaReference, utc_now
from tests.emulators.whisk import WhiskEmulator


async def test_a_picture_of_any_generator_is_described_and_uploaded(whisk: WhiskEmulator, lane: Lane) -> None:
    """Caption first, then the upload with it, under the character's category and the true type."""
    uploaded = await lane.uploader.upload(lane.saved(lane.picture(kind="JPEG")))

    (upload,) = whisk.bill.uploads
    assert (uploaded.id, uploaded.kind, uploaded.uploader, uploaded.lane) == (upload.media_id, "id", "whisk", "whisk")
    assert (upload.category, upload.declared, upload.format) == ("MEDIA_CATEGORY_SUBJECT", "image/jpeg", "jpeg")
    assert uploaded.caption == upload.caption
    assert upload.caption.startswith("A subject of 48 by 64 pixels")
    assert uploaded.expires_at is not None
    assert timedelta(minutes=59) < uploaded.expires_at - utc_now() <= timedelta(minutes=60)


async def test_the_id_that_a_generation_returned_spares_the_upload(whisk: WhiskEmulator, lane: Lane) -> None:
    """A fresh id of this lane is passed on as it is."""
    made = await lane.generator.generate(lane.request())

    assert await lane.uploader.upload(lane.saved(lane.picture(), made.media)) is made.media
    assert whisk.bill.uploads == []


@pytest.mark.parametrize("case", ["expired", "other lane", "other uploader", "a path", "setting"])
async def test_an_id_that_does_not_serve_is_replaced_by_an_upload(
    whisk: WhiskEmulator, lane_for: MakeLane, case: str
) -> None:
    """Perished, another account's, another service's, or unwanted: the picture is uploaded."""
    lane = lane_for(whisk.url, reuse_generated_id=case != "setting")
    media = MediaReference("CAMaOld", uploader="whisk", lane="whisk", expires_at=utc_now() + timedelta(minutes=5))
    changes: dict[str, dict[str, Any]] = {
        "expired": {"expires_at": utc_now() - timedelta(seconds=1)},
        "other lane": {"lane": "whisk-2"},
        "other uploader": {"uploader": "gemini"},
        "a path": {"kind": "path"},
        "setting": {},
    }

    uploaded = await lane.uploader.upload(lane.saved(lane.picture(), replace(media, **changes[case])))

    assert uploaded.id == whisk.bill.uploads[0].media_id


async def test_settings_choose_category_words_and_lifetime(whisk: WhiskEmulator, lane_for: MakeLane) -> None:
    """A style sheet kept for ten minutes, with the roster's own words."""
    lane = lane_for(whisk.url, media_category="STYLE", caption=False, media_lifetime=10.0)

    uploaded = await lane.uploader.upload(lane.saved(lane.picture(), description="ink on paper"))

    (upload,) = whisk.bill.uploads
    assert (upload.category, upload.caption, whisk.bill.captions) == ("MEDIA_CATEGORY_STYLE", "ink on paper", 0)
    assert uploaded.expires_at is not None
    assert uploaded.expires_at - utc_now() <= timedelta(minutes=10)


@pytest.mark.parametrize("fault", ["internal", "invalid-argument", "unsafe", "truncated-json"])
async def test_a_caption_that_fails_costs_the_words_not_the_upload(
    whisk: WhiskEmulator, lane: Lane, fault: str
) -> None:
    """The roster's description takes its place."""
    whisk.add_fault(fault, endpoint="caption")

    await lane.uploader.upload(lane.saved(lane.picture(), description="a jester"))

    assert whisk.bill.uploads[0].caption == "a jester"


@pytest.mark.parametrize(("fault", "kind"), [("too-much-traffic", ThrottledError), ("user-quota", ExhaustedError)])
@pytest.mark.parametrize("endpoint", ["caption", "upload"])
async def test_a_quota_on_the_upload_alone_is_the_uploads_own_trouble(
    whisk: WhiskEmulator, lane: Lane, endpoint: str, fault: str, kind: type[ProviderError]
) -> None:
    """Generation goes on while the upload is refused; nothing counts as charged, and a retry succeeds."""
    whisk.add_fault(fault, endpoint=endpoint, times=1)
    picture = lane.saved(lane.picture())

    with pytest.raises(kind) as refused:
        await lane.uploader.upload(picture)
    await lane.generator.generate(lane.request())
    await lane.uploader.upload(picture)

    assert refused.value.possibly_charged is False
    assert (len(whisk.bill.uploads), whisk.bill.captions) == (1, 1)


@pytest.mark.parametrize("upstream", ["trpc", "google"])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("MINOR_UPLOAD", RejectedError),
        ("UNSAFE_IMAGE_UPLOAD", RejectedError),
        ("IMAGE_TOO_LARGE", InvalidRequestError),
        ("UNKNOWN_IMAGE_FILE_FORMAT", InvalidRequestError),
        ("internal", FlakyError),
        ("bad-gateway", ThrottledError),
    ],
)
async def test_a_refused_upload_is_typed_and_visible(
    whisk: WhiskEmulator, lane: Lane, fault: str, kind: type[ProviderError], upstream: str
) -> None:
    """The origin returned null silently; whichever way the site words it, the reason is told."""
    whisk.behaviour.upstream_errors = upstream
    whisk.add_fault(fault, endpoint="upload")

    with pytest.raises(kind):
        await lane.uploader.upload(lane.saved(lane.picture()))

    assert whisk.bill.calls("upload") == 1


async def test_the_same_bytes_are_uploaded_once_a_run(whisk: WhiskEmulator, lane: Lane) -> None:
    """Twice at once and once again later: one upload."""
    picture = lane.saved(lane.picture())

    first, second = await asyncio.gather(lane.uploader.upload(picture), lane.uploader.upload(picture))
    third = await lane.uploader.upload(picture)

    assert (first, len(whisk.bill.uploads)) == (second, 1)
    assert third == first


@pytest.mark.parametrize("case", ["gif", "too large", "gone"])
async def test_a_picture_whisk_does_not_take_is_refused_unsent(whisk: WhiskEmulator, lane: Lane, case: str) -> None:
    """A GIF, 21 MB, and a file that has vanished: one line, nothing sent."""
    path = lane.picture(kind="GIF" if case == "gif" else "PNG")
    saved = lane.saved(path)
    if case == "too large":
        path.write_bytes(bytes(21 * 2**20))
    if case == "gone":
        path.unlink()

    words = {"gif": "image/gif; Whisk takes PNG", "too large": "21.0 MB", "gone": "cannot read"}[case]
    with pytest.raises(InvalidRequestError, match=words):
        await lane.uploader.upload(saved)

    assert whisk.bill.log() == []
