"""The uploaders ``folder`` and ``none``."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from charimg.contracts import ProviderContext
from charimg.errors import FatalError, InputError, InvalidRequestError
from charimg.model import ImageFacts, MediaReference, SavedImage
from charimg.providers.folder import FolderUploader
from charimg.providers.none import NoUploader

MEDIA = MediaReference("id-1", uploader="whisk")


def saved(
    tmp_path: Path, data: bytes = b"picture", key: str = "rani", media: MediaReference | None = None
) -> SavedImage:
    path = tmp_path / f"{key}.png"
    path.write_bytes(data)
    return SavedImage(key, "Rani", path, ImageFacts("png", 9, 9, f"{data.hex():0<64}", len(data)), media=media)


def uploader(tmp_path: Path, path: str = "published", base_url: str | None = None) -> FolderUploader:
    settings = {"path": path, "base_url": base_url}
    return FolderUploader(ProviderContext(folder=tmp_path / "project", out=tmp_path, settings=settings))


async def test_picture_is_copied_under_its_contents_name(tmp_path: Path) -> None:
    """The copy lies in the folder, relative to the project, and the reference is its path."""
    picture = saved(tmp_path)
    reference = await uploader(tmp_path).upload(picture)

    copy = tmp_path / "project" / "published" / f"rani-{picture.facts.sha256[:12]}.png"
    assert reference == MediaReference(str(copy), "path", "folder")
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]
    assert copy.read_bytes() == b"picture"


async def test_uploading_twice_makes_one_copy(tmp_path: Path) -> None:
    """The same bytes are copied once; other bytes of the same character stand beside them."""
    for data in (b"one", b"one", b"two"):
        await uploader(tmp_path).upload(saved(tmp_path, data))

    copies = (tmp_path / "project" / "published").iterdir()
    assert sorted(path.read_bytes() for path in copies) == [b"one", b"two"]


async def test_address_is_one_a_browser_can_open(tmp_path: Path) -> None:
    """Under a base address the reference is a proper URL, whatever the script of the name."""
    reference = await uploader(tmp_path, base_url="https://example.org/cast/").upload(saved(tmp_path, key="রানী"))

    assert reference is not None
    assert reference.kind == "url"
    assert reference.id.startswith("https://example.org/cast/%E0%A6%B0%E0%A6%BE%E0%A6%A8%E0%A7%80-")
    assert reference.id.isascii()


async def test_home_folder_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``~`` means the user's home, not a folder of that name."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    await uploader(tmp_path, "~/Dropbox").upload(saved(tmp_path))

    assert len(list((tmp_path / "home" / "Dropbox").iterdir())) == 1


async def test_full_disk_closes_the_lane_and_leaves_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be written is told with the setting to check; nothing half-written remains."""

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(FatalError, match="No space left on device; check the setting 'path'"):
        await uploader(tmp_path).upload(saved(tmp_path))

    assert list((tmp_path / "project" / "published").iterdir()) == []


async def test_the_pictures_own_folder_is_refused(tmp_path: Path) -> None:
    """Every picture would stand there twice, under two names."""
    with pytest.raises(InputError, match=r"folder: path: .*-o path="):
        await uploader(tmp_path, path="..").open()


async def test_picture_that_is_gone_is_not_the_folders_fault(tmp_path: Path) -> None:
    """A picture deleted in between fails alone; the lane stays open for the others."""
    picture = saved(tmp_path)
    picture.path.unlink()

    with pytest.raises(InvalidRequestError, match=r"rani\.png is gone; run again"):
        await uploader(tmp_path).upload(picture)


@pytest.mark.parametrize("media", [None, MEDIA])
async def test_none_keeps_the_generators_reference(media: MediaReference | None, tmp_path: Path) -> None:
    """Without an uploader the reference that came with the picture is kept, and nothing is kept where none came."""
    none = NoUploader(ProviderContext(folder=tmp_path, out=tmp_path))

    assert await none.upload(saved(tmp_path, media=media)) is media
    assert not none.keeps_references
